"""How fast a rep's day is replayed over HTTP, beside a bare answer of as many bytes.

Days are asked for one after another, each drawn at random, from an API process that keeps nothing
of them; a bare ASGI app in a process of its own answers in between. What both wait for is the
machine; the processor's time is told apart.
"""

from __future__ import annotations

import http.client
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from fieldcrm.tracking.benches import cold

API = ("--factory", "fieldcrm.tracking.benches.bare:api")
BARE = ("fieldcrm.tracking.benches.bare:app",)
WARM_UP = 20
EMPTY = 1000
"""An answer of fewer bytes is a head without columns."""


class Server(NamedTuple):
    """A process that answers HTTP."""

    port: int
    process_id: int

    def busy_s(self) -> float:
        """Processor time it has used: what waiting for others doesn't lengthen."""
        return time.clock_gettime((~self.process_id << 3) | 2)  # Linux: the process's own clock


@contextmanager
def serving(*app: str) -> Iterator[Server]:
    """An ASGI app in a process of its own, over the settings that stand in the environment."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "granian", "--interface", "asgi", "--no-access-log",
        "--log-level", "error", "--host", "127.0.0.1", "--port", str(port), *app,
    ]  # fmt: skip
    process = subprocess.Popen(command, env=dict(os.environ))
    try:
        _await(port)
        yield Server(port, _worker_of(process.pid))
    finally:
        process.terminate()
        process.wait(10)


def _worker_of(process_id: int) -> int:
    """The process that answers: granian's child, or itself where it has none."""
    import psutil

    children = psutil.Process(process_id).children()
    return children[0].pid if children else process_id


def _await(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not come up")


class _Asked:
    """One kept connection: how long each answer took, by the clock and of the server's processor."""

    def __init__(self, server: Server, headers: dict[str, str]) -> None:
        self._server, self._headers = server, headers
        self._link = http.client.HTTPConnection("127.0.0.1", server.port)
        self.took_ms, self.busy_ms, self.sizes = list[float](), list[float](), list[int]()

    def get(self, path: str) -> int:
        """Ask once; returns how many bytes came."""
        busy_s, began = self._server.busy_s(), time.perf_counter()
        self._link.request("GET", path, headers=self._headers)
        answer = self._link.getresponse()
        content = answer.read()
        self.took_ms.append(1000 * (time.perf_counter() - began))
        self.busy_ms.append(1000 * (self._server.busy_s() - busy_s))
        self.sizes.append(len(content))
        if answer.status != 200:
            raise SystemExit(f"{path} answered {answer.status}: {content[:200]!r}")
        return len(content)

    def told(self, name: str) -> dict[str, float]:
        took, busy = _cuts(self.took_ms[WARM_UP:]), _cuts(self.busy_ms[WARM_UP:])
        return {f"{name}_p50_ms": took[49], f"{name}_p90_ms": took[89], f"{name}_p99_ms": took[98],
                f"{name}_cpu_p50_ms": busy[49], f"{name}_cpu_p99_ms": busy[98]}  # fmt: skip


def _cuts(values: Sequence[float]) -> list[float]:
    return [round(cut, 2) for cut in statistics.quantiles(values, n=100)]


def replayed(
    token: str, wanted: Sequence[tuple[str, date]], times: int, seed: int = 1
) -> dict[str, Any]:
    """Ask for days at random, and for a bare answer of the same size after each."""
    return _replayed(token, wanted, times, seed, lambda: None)


def replayed_cold(
    token: str, wanted: Sequence[tuple[str, date]], times: int, file: Path, seed: int = 1
) -> dict[str, Any]:
    """The same, each day with nothing of the database in memory but what the server itself keeps.

    Beside it what the disk takes for one page (`disk_`), and how much of it a day needs.
    """
    disk = cold.ColdFile(file)
    try:
        found = _replayed(token, wanted, times, seed, disk.forget)
    finally:
        disk.close()
    took = _cuts(disk.took_ms)
    return found | {"disk_p50_ms": took[49], "disk_p99_ms": took[98]}


def _replayed(
    token: str, wanted: Sequence[tuple[str, date]], times: int, seed: int, first: Callable[[], None]
) -> dict[str, Any]:
    rng = random.Random(seed)
    with serving(*API) as api, serving(*BARE) as bare:
        days = _Asked(api, {"Cookie": f"fieldcrm_session={token}"})
        nothing = _Asked(bare, {})
        before_kb = 0.0
        for number, (rep_id, day) in enumerate(rng.choices(wanted, k=times + WARM_UP)):
            before_kb = before_kb if number > WARM_UP else cold.read_kb(api.process_id)
            first()
            nothing.get(f"/{days.get(f'/api/v1/tracks/{rep_id}/{day}/replay')}")
        read_kb = (cold.read_kb(api.process_id) - before_kb) / times
    if min(days.sizes) < EMPTY:
        raise SystemExit("a day came without its track")
    return {**days.told("replay"), "replay_bytes": max(days.sizes),
            "replay_read_kb": round(read_kb, 1), **nothing.told("bare")}  # fmt: skip
