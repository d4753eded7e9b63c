"""The compose file's own command lines, against a separate PostgreSQL and Valkey, two of each part."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from tests.install import PORTS, Install, copy_home, settle
from tests.ports import free_ports
from tests.servers import Postgres, Valkey

pytestmark = pytest.mark.flow
ROOT = Path(__file__).resolve().parents[2]


def composed() -> dict[str, list[str]]:
    """Our services of docker-compose.yml and their command lines."""
    text = (ROOT / "docker-compose.yml").read_text()
    found = re.findall(r"^  ([a-z-]+):\n    <<: \*fieldcrm\n    command: \[([^\]]+)\]", text, re.M)
    return {name: [word.strip() for word in command.split(",")] for name, command in found}


def test_compose_names_every_part() -> None:
    assert composed().keys() == {
        "migrate",
        "web",
        "gateway",
        "recorder",
        "optimiser",
        "optimiser-long",
        "optimiser-what-if",
    }


class Production(Install):
    """The parts of the compose file, each started alone as a container would."""

    def __init__(self, home: Path, postgres: Postgres, valkey: Valkey) -> None:
        super().__init__(home, port=free_ports(PORTS))
        self.env |= {
            "FIELDCRM_DATABASE_URL": postgres.new_database(),
            "FIELDCRM_REDIS_URL": valkey.url,
            "REFLEX_REDIS_URL": valkey.url[:-1] + "1",
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def run(self, *command: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "fieldcrm.cli", *command], env=self.env, check=True, timeout=900
        )

    def launch(self, *command: str, port: int | None = None) -> subprocess.Popen[bytes]:
        env = self.env | ({"FIELDCRM_PORT": str(port)} if port else {})
        log = (self.home / f"{command[0]}.log").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-m", "fieldcrm.cli", *command],
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self.running.append(process)
        return process

    def start(self) -> Production:
        commands = composed()
        self.run("build")
        self.run(*commands.pop("migrate"))
        self.run("sample", "load")
        second = free_ports(PORTS)
        for name, command in commands.items():
            self.launch(*command)
            if name in ("web", "gateway"):
                self.launch(*command, port=second)
        self.process = self.running[0]
        self.await_health()
        return self

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        for process in self.running:
            process.wait(90)


@pytest.fixture(scope="module")
def production(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, helsinki_home: Path
) -> Iterator[Production]:
    valkey = Valkey()
    home = copy_home(helsinki_home, tmp_path_factory.mktemp("production") / "home")
    made = Production(home, postgres, valkey)
    try:
        yield made.start()
    finally:
        made.stop()
        valkey.stop()


def test_every_part_lives(production: Production) -> None:
    found = production.health()
    assert found is not None
    assert set(found["parts"].values()) == {"ok"}


def test_a_part_ends_cleanly_when_told(production: Production) -> None:
    process = production.launch("recorder")
    time.sleep(3)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)


def test_one_gateway_of_two_dies_and_the_other_serves(production: Production) -> None:
    gateways = [
        p
        for p in production.running
        if p.poll() is None and "gateway" in psutil.Process(p.pid).cmdline()
    ]
    assert len(gateways) == 2
    gateways[1].kill()
    gateways[1].wait()
    production.running.remove(gateways[1])
    answer = settle(
        lambda: urllib.request.urlopen(f"{production.gateway}/healthz", timeout=3).status
    )
    assert answer == 200


def test_compose_file_holds_together() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    services = yaml.safe_load(text)["services"]
    volumes = yaml.safe_load(text)["volumes"]
    assert {"proxy", "postgres", "valkey"} <= services.keys()
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= services.keys(), name
        named = {v.split(":")[0] for v in service.get("volumes", []) if not v.startswith(".")}
        assert named <= volumes.keys(), name
    assert "--appendfsync" in services["valkey"]["command"]
