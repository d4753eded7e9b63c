"""The servers of one bench, and the two ways in which they end: killed, or without power.

A power cut is SIGKILL of everything, then each file is cut to the length its last completed sync
covered, and each renaming that no sync of its folder covered is undone (slow_sync.c notes both): what a
disk owes nobody is taken back.
"""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock

from fieldcrm.kit import valkey
from fieldcrm.phone.benches import power
from fieldcrm.phone.benches.nursery import GATEWAY, GATHERING, RECORDER, WEB, Grown, Nursery
from workers.gateway.benches import slow_sync
from workers.gateway.benches.crashes import NoCompiler
from workers.gateway.benches.lab import wait_for_port

VALKEY, POWER = "valkey", "power"
STARTED_WITHIN_S = 600.0


def settle_in(home: Path) -> None:
    """This process and all it starts belong to an install of its own, with an empty database."""
    for name in [n for n in os.environ if n.startswith("FIELDCRM_") and n != "FIELDCRM_TIMEZONE"]:
        del os.environ[name]
    os.environ["FIELDCRM_HOME"] = str(home)
    from fieldcrm.kit import settings
    from fieldcrm.kit.database import engine
    from fieldcrm.migrations.schema import metadata

    for known in (settings.settings, engine):  # of an install before this one
        known.cache_clear()
    metadata.create_all(engine())
    engine().dispose()


_PORTS = (10_000, 30_000)
"""Below those that systems give to connections: while a server is dead, nobody else comes to its port."""


def _own_port() -> int:
    """A port nobody listens on now."""
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Plant:
    """Web, gateway, recorder and Valkey (or some of them) in one home, on SQLite.

    Unless they are `is_watched`, nobody notes what they sync, and the power can't be cut.
    """

    def __init__(
        self, home: Path, parts: Sequence[str] = (VALKEY, WEB, GATEWAY, RECORDER), *,
        is_watched: bool = True, is_careless: bool = False,
    ) -> None:  # fmt: skip
        self.home, self.parts, self.is_careless = home, parts, is_careless
        self.library = slow_sync.build(home) if is_watched else None
        if is_watched and self.library is None:
            raise NoCompiler
        self.moment = power.Moment(home) if is_watched else None
        for name in ("valkey", "run", "pages", "files"):
            (home / name).mkdir(exist_ok=True)
        self.port, self.gateway_port = _own_port(), _own_port()
        self.cut_bytes = self.undone = self.cuts_in_a_write = self.cuts_in_a_renaming = 0
        self._alive: dict[str, subprocess.Popen[bytes] | Grown] = {}
        self._nursery: Nursery | None = None
        self._starts = 0
        self._changing = RLock()

    def start(self) -> None:
        """Start what doesn't run, and wait for the web process."""
        with self._changing:
            for name in self.parts:
                if name not in self._alive:
                    self._spawn(name)
        wait_for_port(self.port, STARTED_WITHIN_S)

    def process(self, name: str) -> subprocess.Popen[bytes] | Grown:
        """A part's process as it runs now."""
        return self._alive[name]

    def close(self) -> None:
        """End everything, for good."""
        self.stop()
        if self._nursery:
            self._nursery.close()

    def processor_s(self) -> dict[str, float]:
        """Seconds of processor time of the parts that have ended, by name; Valkey's aren't known."""
        return dict(self._nursery.processor_s) if self._nursery else {}

    def stop(self) -> None:
        """End everything that runs."""
        for process in self._alive.values():
            process.kill()
        for process in self._alive.values():
            process.wait()
        self._alive.clear()

    def kill(self, name: str) -> None:
        """SIGKILL for one process."""
        process = self._alive.pop(name)
        process.kill()
        process.wait()

    def cut_power(self, unsynced: tuple[int, Path] | None = None) -> None:
        """Everything ends, and the disk has what was synced; `unsynced`: see power.Moment.come."""
        self.stop()
        logs = sorted(self.home.glob("synced-*.log"), key=lambda log: int(log.stem.split("-")[2]))
        undone = slow_sync.undo_renames(logs, self.home / "files")
        gone = self._cut_database(logs, unsynced)
        gone += slow_sync.cut_to_synced(self.home / "files", *logs)
        gone += slow_sync.cut_to_synced(self.home / "valkey", *logs)
        self.undone, self.cut_bytes = self.undone + undone, self.cut_bytes + gone
        self.cuts_in_a_write += gone > 0
        self.cuts_in_a_renaming += undone > 0

    def _cut_database(self, logs: list[Path], unsynced: tuple[int, Path] | None) -> int:
        """Its log loses what no sync has covered: what was added, or written over older commits."""
        (self.home / "fieldcrm.db-shm").unlink(missing_ok=True)
        log = self.home / "fieldcrm.db-wal"
        if not log.exists():
            return 0
        there = log.stat()
        kept = max((slow_sync.synced_lengths(f).get(there.st_ino, 0) for f in logs), default=0)
        if unsynced and unsynced[1] == log:
            kept = min(kept, unsynced[0])
        gone = max(0, there.st_size - kept)
        os.truncate(log, there.st_size - gone)
        return gone

    def crash(self, kind: str, chance: random.Random) -> None:
        """Let it happen now; what it ended starts again soon after."""
        unsynced = self.moment.come() if kind == POWER and self.moment else None
        with self._changing:
            self.cut_power(unsynced) if kind == POWER else self.kill(kind)
        time.sleep(chance.uniform(0.0, 0.2))
        self.start()

    def _spawn(self, name: str) -> None:
        self._starts += 1
        log = self.home / f"synced-{name}-{self._starts}.log"
        if name != VALKEY:
            self._alive[name] = self._forking().start(name, log)
            return
        command = valkey.command_line(self.home / "valkey", self.home / "run" / "valkey.sock")
        with (self.home / "parts.log").open("ab") as said:
            self._alive[name] = subprocess.Popen(
                command, env={**os.environ, **self._watched(log)}, stdout=said, stderr=said,
                stdin=subprocess.DEVNULL, process_group=0,
            )  # fmt: skip

    def _watched(self, log: Path) -> dict[str, str]:
        return slow_sync.variables(self.library, log=log) if self.library else {}

    def _forking(self) -> Nursery:
        """The nursery, which outlives power cuts: it holds nothing of the install open."""
        if self._nursery is None:
            own = {"FIELDCRM_PORT": str(self.port),
                   "FIELDCRM_GATEWAY_PORT_OVERRIDE": str(self.gateway_port)}  # fmt: skip
            if not self.library:
                own[GATHERING] = "1"
            watched = self._watched(self.home / "synced-nursery-0.log")
            if self.moment:
                own[power.VARIABLE] = str(self.moment.at)
                watched |= self.moment.preloaded(watched["LD_PRELOAD"])
            self._nursery = Nursery({**os.environ, **watched, **own}, self.home / "parts.log",
                                    is_careless=self.is_careless)  # fmt: skip
        return self._nursery
