"""The first command, as a newcomer runs it: starts, answers, stops, leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.install import PORTS, Install, copy_home, settle
from tests.ports import free_ports

pytestmark = pytest.mark.flow
PARTS = {"web", "gateway", "recorder", "optimiser", "redis", "database"}
MEMORY_LIMIT_MB = 800


def test_health_names_every_part(install: Install) -> None:
    found = install.health()
    assert found is not None
    assert found["parts"].keys() == PARTS
    assert set(found["parts"].values()) == {"ok"}


def test_pages_phone_and_map_are_served(install: Install) -> None:
    for path, kind in (
        ("/sign-in", "text/html"),
        ("/rep/", "text/html"),
        ("/region/style-light.json", "application/json"),
        ("/api/openapi.json", "application/json"),
    ):
        with urllib.request.urlopen(install.base + path, timeout=60) as answer:
            assert answer.headers["Content-Type"].startswith(kind), path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_basemap_answers_ranges(install: Install) -> None:
    request = urllib.request.Request(
        install.base + "/region/basemap.pmtiles", headers={"Range": "bytes=0-6"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 206
        assert answer.read() == b"PMTiles"


def test_nothing_outside_the_build_is_served(install: Install) -> None:
    for path in (
        "/..%2f..%2fpyproject.toml",
        "/%2e%2e/%2e%2e/pyproject.toml",
        "/region/..%2fsecret.key",
        "/secret.key",
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(install.base + path, timeout=60)
        assert refused.value.code in (400, 404)


def test_all_parts_fit_in_memory(install: Install) -> None:
    used = sum(p.memory_full_info().pss for p in install.family()) / 2**20
    assert used <= MEMORY_LIMIT_MB, f"{used:.0f} MB"


@pytest.mark.parametrize("word", ["web", "gateway", "recorder", "optimiser", "valkey-server"])
def test_a_killed_part_is_back_by_itself(install: Install, word: str) -> None:
    killed = install.part(word)
    os.kill(killed.pid, signal.SIGKILL)
    settle(lambda: not killed.is_running() or killed.status() == psutil.STATUS_ZOMBIE)
    settle(lambda: _other(install, word, killed.pid), 10)
    install.await_health(30)


def _other(install: Install, word: str, pid: int) -> bool:
    try:
        return install.part(word).pid != pid
    except AssertionError:
        return False


def test_ctrl_c_leaves_no_process_and_a_second_start_works(
    sample_home: Path, tmp_path: Path
) -> None:
    home = copy_home(sample_home, tmp_path / "home")
    for _ in range(2):
        with Install(home, "--no-simulate") as running:
            family = running.family()
        assert not any(p.is_running() for p in family)


def test_a_killed_up_takes_its_parts_along(sample_home: Path, tmp_path: Path) -> None:
    home = copy_home(sample_home, tmp_path / "home")
    running = Install(home, "--no-simulate").start()
    family = running.family()
    assert running.process
    running.process.kill()
    _, left = psutil.wait_procs(family, timeout=60)
    assert left == []
    with Install(home, "--no-simulate"):
        pass


def test_a_taken_port_is_said_plainly(sample_home: Path, tmp_path: Path) -> None:
    home = copy_home(sample_home, tmp_path / "home")
    port = free_ports(PORTS)
    with socket.create_server(("127.0.0.1", port)):
        env = dict(os.environ) | {"FIELDCRM_HOME": str(home), "FIELDCRM_PORT": str(port)}
        done = subprocess.run(
            [sys.executable, "-m", "fieldcrm.cli", "up"], env=env, capture_output=True, text=True
        )
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr


def test_the_clock_is_not_moved_on_real_data(tmp_path: Path) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("FIELDCRM_")}
    env |= {"FIELDCRM_HOME": str(tmp_path), "FIELDCRM_NEW_PASSWORD": "correct horse battery"}
    run = [sys.executable, "-m", "fieldcrm.cli"]
    subprocess.run([*run, "db", "upgrade"], env=env, check=True)
    subprocess.run([*run, "user", "add", "boss", "--role", "admin"], env=env, check=True)
    moved = env | {
        "FIELDCRM_CLOCK_START": "2026-03-02T08:00:00+00:00",
        "FIELDCRM_CLOCK_ORIGIN": "2026-03-02T08:00:00+00:00",
        "FIELDCRM_PORT": str(free_ports(PORTS)),
    }
    done = subprocess.run([*run, "up"], env=moved, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "only while all data is sample data" in done.stderr


def test_every_verb_has_help() -> None:
    verbs = (
        "up",
        "web",
        "gateway",
        "recorder",
        "optimiser",
        "simulate",
        "region add",
        "user add",
        "clients import",
        "db upgrade",
        "backup",
        "restore",
        "bench",
    )
    for verb in verbs:
        done = subprocess.run(
            [sys.executable, "-m", "fieldcrm.cli", *verb.split(), "--help"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, verb
        assert "usage" in done.stdout, verb


def test_health_is_json(install: Install) -> None:
    with urllib.request.urlopen(f"{install.base}/healthz") as answer:
        assert json.load(answer)["status"] == "ok"
