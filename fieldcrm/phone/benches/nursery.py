"""Servers that start at once: one process has loaded them all and forks each when it is wanted.

Run as a program it takes lines of JSON, `{"start": PART, "log": FILE}` or `{"end": PID}`, and answers each
with one: the pid, or the processor time that the ended one took (seconds). When nobody speaks to it any more, all that it started ends with it.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from fieldcrm.phone.benches import power

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message

WEB, GATEWAY, RECORDER = "web", "gateway", "recorder"
_CARELESS = "FIELDCRM_BENCH_CARELESS"
"""A web process under this variable never syncs photos, which must show after a power cut."""
GATHERING = "FIELDCRM_BENCH_GATHERING"
"""A web process under this variable has its helpers, as outside of benches; a power cut waits for none."""


class Grown:
    """A process of the nursery, as far as a plant asks of one."""

    def __init__(self, nursery: Nursery, part: str, pid: int) -> None:
        self.nursery, self.part, self.pid = nursery, part, pid

    def kill(self) -> None:
        """SIGKILL, at once: the power fails for all in the same moment."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Until it is gone."""
        self.nursery.processor_s[self.part] += self.nursery.ask({"end": self.pid})


class Nursery:
    """The process that forks others, seen from a bench; a signal to the bench's group isn't for it."""

    def __init__(self, environment: Mapping[str, str], said: Path, *, is_careless: bool) -> None:
        self._asking, self._said = Lock(), said
        self.processor_s: defaultdict[str, float] = defaultdict(float)
        """Of all that have ended, by part."""
        careless = {_CARELESS: "1"} if is_careless else {}
        with said.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__], env={**environment, **careless}, stderr=log,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0,
            )  # fmt: skip

    def start(self, part: str, log: Path) -> Grown:
        """A part as a process of its own, which notes what it syncs in a log of its own."""
        return Grown(self, part, int(self.ask({"start": part, "log": str(log)})))

    def ask(self, what: dict[str, Any]) -> float:
        """Tell it; the number it answers. Raises RuntimeError with its last words when it is gone."""
        said, heard = self._process.stdin, self._process.stdout
        assert said
        assert heard
        with self._asking:
            with suppress(BrokenPipeError):
                said.write(json.dumps(what).encode() + b"\n")
                said.flush()
            line = heard.readline()
        if not line:
            raise RuntimeError(f"the servers' nursery is gone: {self._last_words()}")
        return float(line)

    def _last_words(self) -> str:
        return self._said.read_text(errors="replace")[-2000:]

    def close(self) -> None:
        """End it with all that it started."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


# ---- inside ----


def _web() -> Callable[[], None]:
    """The web process as it is, but for the desk's pages: they have no part in the sync."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from fieldcrm.api.app import make_api
    from fieldcrm.kit import pulse
    from fieldcrm.kit.settings import settings
    from fieldcrm.ops.web import CROWD, Web, keep_what_is_loaded
    from fieldcrm.sync import copying

    app = Web(make_api(), settings().home / "pages")
    asyncio.run(_asked_once(app))

    async def serve() -> None:
        pulse.keep_beating("web")
        keep_what_is_loaded()
        server = Server(app, address="127.0.0.1", port=settings().port, interface=Interfaces.ASGI,
                        log_access=False, **CROWD)  # fmt: skip
        await server.serve()

    def begin() -> None:
        if GATHERING in os.environ:
            copying.crowd.gather()
        asyncio.run(serve())

    return begin


async def _asked_once(app: ASGIApp) -> None:
    """Routes are made at the first request: here, once, instead of in each fork."""
    request = {"type": "http", "http_version": "1.1", "scheme": "http", "method": "GET",
               "path": "/api/v1/nothing", "raw_path": b"/api/v1/nothing", "query_string": b"",
               "root_path": "", "headers": [], "client": None, "server": None}  # fmt: skip

    async def nothing_more() -> Message:
        return {"type": "http.disconnect"}

    async def unheard(_: Message) -> None:
        pass

    await app(request, nothing_more, unheard)


def _parts() -> dict[str, Callable[[], None]]:
    """Everything loaded, nothing begun."""
    parts = {
        GATEWAY: importlib.import_module("workers.gateway.server").main,
        RECORDER: importlib.import_module("workers.recorder.main").main,
        WEB: _web(),
    }
    gc.collect()
    gc.freeze()
    return parts


def _fork(part: str, begin: Callable[[], None], log: str) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.environ["FIELDCRM_SYNCED_LOG"] = log
        if part != WEB:
            os.environ.pop(power.VARIABLE, None)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(2, 1)
        if part == WEB and _CARELESS in os.environ:
            os.fsync = lambda file: None  # type: ignore[assignment]
        sys.argv = [part]
        begin()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def _end(pid: int) -> float:
    os.kill(pid, signal.SIGKILL)
    used = os.wait4(pid, 0)[2]
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Answer until the input ends."""
    parts, alive = _parts(), set[int]()
    for line in sys.stdin.buffer:
        told = json.loads(line)
        if "end" in told:
            alive.discard(told["end"])
            print(_end(told["end"]), flush=True)
        else:
            pid = _fork(told["start"], parts[told["start"]], told["log"])
            alive.add(pid)
            print(pid, flush=True)
    for pid in alive:
        _end(pid)


if __name__ == "__main__":
    main()
