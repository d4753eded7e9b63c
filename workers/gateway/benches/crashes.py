"""An install that can be crashed part by part: gateways, recorders, Valkey, or the machine's power.

A power cut is SIGKILL, then every file is cut to the length its last completed sync covered
(slow_sync.c notes it): what a disk owes nobody is taken back. SQLite writes its log round and round,
so cutting its file shows only what was appended since.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from fieldcrm.kit import bus, valkey
from workers.gateway.benches import slow_sync

GATEWAY, RECORDER, VALKEY, POWER, MACHINE = "gateway", "recorder", "valkey", "power", "machine"
KINDS = (GATEWAY, RECORDER, VALKEY, POWER, MACHINE)
_SECONDS_TO_START = 40.0

_GATEWAY = "import workers.gateway.server as part; part.main()"
_CARELESS = (
    "import workers.gateway.server as part; part.live_index.check_durable = lambda store: None; "
    "part.main()"
)
"""A gateway that trusts any store: it shows what the bench sees where nothing is synced."""
_RECORDER = "import workers.recorder.main as part; part.main()"


class Plant:
    """The processes of one bench, and the two ways in which they end."""

    def __init__(
        self, home: Path, library: Path, gateways: int, recorders: int, fsync: str
    ) -> None:
        self.home, self.library, self.fsync = home, library, fsync
        self.valkey_folder = home / "valkey"
        self.valkey_folder.mkdir()
        (home / "run").mkdir()
        self.ports = [free_port() for _ in range(gateways)]
        self._alive: dict[str, subprocess.Popen[bytes]] = {}
        self._starts = 0
        self._recorders = recorders
        self.cut_bytes = 0
        """What power cuts have taken back so far."""

    def start(self) -> None:
        """Start everything and wait until the gateways listen."""
        self._start_valkey()
        for name in self._names(GATEWAY) + self._names(RECORDER):
            self._start_part(name)
        for port in self.ports:
            wait_for_port(port)

    def stop(self) -> None:
        """End everything that runs."""
        for process in self._alive.values():
            process.kill()
        for process in self._alive.values():
            process.wait()
        self._alive.clear()

    def crash(self, kind: str, chance: random.Random) -> None:
        """Let a crash of one kind happen now and start again what it ended."""
        victims = self._victims(kind, chance)
        for name in victims:
            self._alive[name].send_signal(signal.SIGKILL)
        for name in victims:
            self._alive.pop(name).wait()
        if kind in (POWER, MACHINE):
            self.cut_bytes += slow_sync.cut_to_synced(self.valkey_folder, self._log(VALKEY))
        if kind == MACHINE:
            self.cut_bytes += self._cut_database()
        time.sleep(chance.uniform(0.0, 0.3))
        for name in victims:
            self._start_valkey() if name == VALKEY else self._start_part(name)

    def _victims(self, kind: str, chance: random.Random) -> list[str]:
        if kind == MACHINE:
            return [VALKEY, *self._names(GATEWAY), *self._names(RECORDER)]
        return [VALKEY] if kind in (VALKEY, POWER) else [chance.choice(self._names(kind))]

    def _names(self, kind: str) -> list[str]:
        count = len(self.ports) if kind == GATEWAY else self._recorders
        return [f"{kind}-{i}" for i in range(count)]

    def _log(self, name: str) -> Path:
        return self.home / f"synced-{name}.log"

    def _cut_database(self) -> int:
        """Take back what no recorder has synced of SQLite's log; its shared memory is gone."""
        (self.home / "fieldcrm.db-shm").unlink(missing_ok=True)
        log, gone = self.home / "fieldcrm.db-wal", 0
        if log.exists():
            known = [slow_sync.synced_lengths(f) for f in self.home.glob("synced-recorder-*.log")]
            there = log.stat()
            kept = max((k.get(there.st_ino, 0) for k in known), default=0)
            gone = max(0, there.st_size - kept)
            os.truncate(log, there.st_size - gone)
        return gone

    def _start_valkey(self) -> None:
        command = valkey.command_line(self.valkey_folder, self.home / "run" / "valkey.sock")
        self._spawn(VALKEY, [*command, "--appendfsync", self.fsync], {})
        self._wait_for_valkey()

    def _wait_for_valkey(self) -> None:
        until = time.monotonic() + _SECONDS_TO_START
        while time.monotonic() < until:
            try:
                bus.connection().ping()
                return
            except redis.RedisError:
                time.sleep(0.02)
        raise RuntimeError("Valkey did not come back")

    def _start_part(self, name: str) -> None:
        kind, _, number = name.partition("-")
        if kind == GATEWAY:
            code = _GATEWAY if self.fsync == "always" else _CARELESS
            own = {"FIELDCRM_GATEWAY_PORT_OVERRIDE": str(self.ports[int(number)])}
        else:
            code, own = _RECORDER, {}
        self._spawn(name, [sys.executable, "-c", code], own)

    def _spawn(self, name: str, command: list[str], own: dict[str, str]) -> None:
        self._starts += 1
        log = self._log(name if name == VALKEY else f"{name}-{self._starts}")
        watched = {} if name.startswith(GATEWAY) else slow_sync.variables(self.library, log=log)
        with (self.home / "parts.log").open("ab") as said:
            self._alive[name] = subprocess.Popen(
                command, env={**os.environ, **watched, **own}, stdout=said, stderr=said,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip


@contextmanager
def plant(home: Path, gateways: int, recorders: int, fsync: str) -> Iterator[Plant]:
    """A running install in `home`; raises NoCompiler where power cuts can't be played."""
    library = slow_sync.build(home)
    if library is None:
        raise NoCompiler
    made = Plant(home, library, gateways, recorders, fsync)
    try:
        made.start()
        yield made
    finally:
        made.stop()


class NoCompiler(Exception):
    """Synced lengths are noted by a small C library, and nothing here compiles it."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int) -> None:
    """Wait until somebody listens."""
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")
