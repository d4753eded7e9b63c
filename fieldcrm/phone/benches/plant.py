"""The servers of one bench, and the two ways in which they end: killed, or without power.

A power cut is SIGKILL of everything, then each file is cut to the length its last completed sync
covered, and each renaming that no sync of its folder covered is undone (slow_sync.c notes both): what a
disk owes nobody is taken back.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fieldcrm.kit import valkey
from workers.gateway.benches import slow_sync
from workers.gateway.benches.crashes import NoCompiler, free_port
from workers.gateway.benches.lab import wait_for_port

WEB, GATEWAY, RECORDER, VALKEY, POWER = "web", "gateway", "recorder", "valkey", "power"
_WEB = """
import asyncio, signal
from pathlib import Path
from granian.constants import Interfaces
from granian.server.embed import Server
from fieldcrm.api.app import make_api
from fieldcrm.kit import pulse
from fieldcrm.kit.settings import settings
from fieldcrm.ops.web import CROWD, Web, keep_what_is_loaded

async def serve():
    pulse.keep_beating("web")
    app = Web(make_api(), settings().home / "pages")
    keep_what_is_loaded()
    await Server(app, address="127.0.0.1", port=settings().port, interface=Interfaces.ASGI,
                 log_access=False, **CROWD).serve()

asyncio.run(serve())
"""
"""The web process as it is, but for the desk's pages: they have no part in the sync."""
STARTED_WITHIN_S = 180.0
_CARELESS = "import os; os.fsync = lambda file: None\n"
"""Before a web process: photos are never synced, which must show after a power cut."""
_CODE = {
    WEB: _WEB,
    GATEWAY: "import workers.gateway.server as part; part.main()",
    RECORDER: "import workers.recorder.main as part; part.main()",
}


def settle_in(home: Path) -> None:
    """This process and all it starts belong to an install of its own, with an empty database."""
    for name in [n for n in os.environ if n.startswith("FIELDCRM_") and n != "FIELDCRM_TIMEZONE"]:
        del os.environ[name]
    os.environ["FIELDCRM_HOME"] = str(home)
    from fieldcrm.kit.database import engine
    from fieldcrm.migrations.schema import metadata

    metadata.create_all(engine())
    engine().dispose()


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
        for name in ("valkey", "run", "pages", "files"):
            (home / name).mkdir(exist_ok=True)
        self.port, self.gateway_port = free_port(), free_port()
        self.cut_bytes = self.undone = 0
        self._alive: dict[str, subprocess.Popen[bytes]] = {}
        self._starts = 0

    def start(self) -> None:
        """Start what doesn't run, and wait for the web process."""
        for name in self.parts:
            if name not in self._alive:
                self._spawn(name)
        wait_for_port(self.port, STARTED_WITHIN_S)

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """A part's process as it runs now."""
        return self._alive[name]

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
        process.send_signal(signal.SIGKILL)
        process.wait()

    def cut_power(self) -> None:
        """Everything ends, and the disk has what was synced."""
        self.stop()
        logs = sorted(self.home.glob("synced-*.log"), key=lambda log: int(log.stem.split("-")[2]))
        self.undone += slow_sync.undo_renames(logs, self.home / "files")
        self.cut_bytes += self._cut_database(logs)
        self.cut_bytes += slow_sync.cut_to_synced(self.home / "files", *logs)
        self.cut_bytes += slow_sync.cut_to_synced(self.home / "valkey", *logs)

    def _cut_database(self, logs: list[Path]) -> int:
        (self.home / "fieldcrm.db-shm").unlink(missing_ok=True)
        log = self.home / "fieldcrm.db-wal"
        if not log.exists():
            return 0
        there = log.stat()
        kept = max((slow_sync.synced_lengths(f).get(there.st_ino, 0) for f in logs), default=0)
        gone = max(0, there.st_size - kept)
        os.truncate(log, there.st_size - gone)
        return gone

    def crash(self, kind: str, chance: random.Random) -> None:
        """Let it happen now; what it ended starts again soon after."""
        if kind == POWER:
            self.cut_power()
        else:
            self.kill(kind)
        time.sleep(chance.uniform(0.0, 0.2))
        self.start()

    def _spawn(self, name: str) -> None:
        self._starts += 1
        if name == VALKEY:
            command = valkey.command_line(self.home / "valkey", self.home / "run" / "valkey.sock")
        else:
            before = _CARELESS if self.is_careless and name == WEB else ""
            command = [sys.executable, "-c", before + _CODE[name]]
        own = {"FIELDCRM_PORT": str(self.port),
               "FIELDCRM_GATEWAY_PORT_OVERRIDE": str(self.gateway_port)}  # fmt: skip
        log = self.home / f"synced-{name}-{self._starts}.log"
        watched = slow_sync.variables(self.library, log=log) if self.library else {}
        with (self.home / "parts.log").open("ab") as said:
            self._alive[name] = subprocess.Popen(
                command, env={**os.environ, **watched, **own}, stdout=said, stderr=said,
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
