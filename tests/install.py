"""A whole install for tests: `fieldcrm up` with its real processes, on ports and a home of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psutil

from tests.ports import free_ports

PASSWORD = "fieldcrm-sample"
READY_S = 900
PORTS = 3
"""An install listens on its port, the next and the one after."""


class Install:
    """One running product. `base` is the address of its pages, `gateway` that of its gateway."""

    def __init__(self, home: Path, *arguments: str, port: int | None = None, **env: str) -> None:
        self.home, self.port = home, port or free_ports(PORTS)
        self.base = f"http://localhost:{self.port}"
        self.gateway = f"http://localhost:{self.port + 1}"
        clean = {k: v for k, v in os.environ.items() if not k.startswith("FIELDCRM_")}
        self.env = clean | {"FIELDCRM_HOME": str(home), "FIELDCRM_PORT": str(self.port), **env}
        self.arguments = arguments
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Install:
        """Start, and wait until every part says that it lives."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.log = (self.home / "up.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fieldcrm.cli", "up", *self.arguments],
            env=self.env,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            self.await_health()
        except BaseException:
            self.stop()  # nobody else would: the `with` has not begun
            raise
        return self

    def await_health(self, seconds: float = READY_S) -> dict[str, Any]:
        """Wait until /healthz says ok."""
        until = time.monotonic() + seconds
        found: Any = None
        while time.monotonic() < until:
            assert self.process
            assert self.process.poll() is None, f"up ended:\n{self.said()}"
            found = self.health()
            if found and found["status"] == "ok":
                return found
            time.sleep(0.1)
        raise AssertionError(f"not healthy: {found}\n{self.said()}")

    def health(self) -> dict[str, Any] | None:
        """What /healthz answers now, None when nothing answers."""
        try:
            with urllib.request.urlopen(f"{self.base}/healthz", timeout=3) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)
        except OSError:
            return None

    def said(self) -> str:
        """The last of what `up` printed and of each part's log."""
        logs = [self.home / "up.log", *sorted((self.home / "log").glob("*.log"))]
        return "\n".join(f"--- {p.name}\n{p.read_text()[-2000:]}" for p in logs if p.is_file())

    def family(self) -> list[psutil.Process]:
        """`up` and every process below it."""
        assert self.process
        try:
            top = psutil.Process(self.process.pid)
        except psutil.NoSuchProcess:
            return []
        return [top, *top.children(recursive=True)]

    def part(self, word: str) -> psutil.Process:
        """The process of a part, by a word of its command line: web, gateway, valkey-server..."""
        for process in self.family()[1:]:
            try:
                line = process.cmdline()
            except psutil.NoSuchProcess:  # ended, or a zombie nobody has waited for yet
                continue
            if word in line or (line and word in line[0]):
                return process
        raise AssertionError(f"no process for {word}")

    def stop(self) -> None:
        """Ctrl-C, as a person would; fails when a process is left."""
        if self.process is None or self.process.poll() is not None:
            return
        family = self.family()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(120)
        _, left = psutil.wait_procs(family, timeout=60)
        self.log.close()
        assert left == [], f"left behind: {left}"

    def __enter__(self) -> Install:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def make_sample_home(target: Path) -> Path:
    """A home with the sample company loaded, once; copy it for each test that wants one."""
    install = Install(target, "--no-simulate")
    with install:
        pass
    return target


def midday_of(home: Path) -> str:
    """Eleven in the morning (ISO 8601 with zone) of the day on which a sample home's clock stands."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("FIELDCRM_")}
    told = subprocess.run(
        [sys.executable, "-m", "fieldcrm.cli", "sample", "clock"],
        env=env | {"FIELDCRM_HOME": str(home)}, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    stands = datetime.fromisoformat(told.strip()).astimezone(ZoneInfo("Europe/Helsinki"))
    return stands.replace(hour=11, minute=0, second=0, microsecond=0).isoformat()


def copy_home(source: Path, target: Path) -> Path:
    """A home of its own for one test; sockets, locks and logs stay behind."""
    return Path(
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("run", "log", "up.log"))
    )


def settle(condition: Any, seconds: float = 60, every: float = 0.1) -> Any:
    """Wait for a truthy answer and return it."""
    until = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < until, f"still {answer!r} after {seconds} s"
        time.sleep(every)


def soon(minutes: float = 0) -> datetime:
    """Now plus some minutes, aware UTC."""
    return datetime.now(UTC) + timedelta(minutes=minutes)
