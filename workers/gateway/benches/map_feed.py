"""What the map bench's page asks for: its files, and frames of places as a gateway sends them.

A local socket speaks the gateway's frames (docs/protocol.md): every rep moves once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.server import ServerConnection, serve

from fieldcrm.tracking import frames
from fieldcrm.tracking.model import Fix, RepState

STATES = (
    *(RepState.moving,) * 6,
    RepState.in_visit,
    RepState.idle,
    RepState.silent,
    RepState.paused,
)
SPEED_MPS = 12.0
METRES = 111_195.0
LATE_MOST_S = 0.05
"""A feed that was held up longer leaves out what it missed."""
BBox = tuple[float, float, float, float]
"""south, west, north, east."""


class _Files(SimpleHTTPRequestHandler):
    """Files of a folder, by ranges where asked, as the basemap is read."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        path = Path(self.translate_path(self.path))
        if not wanted.startswith("bytes=") or not path.is_file():
            return super().do_GET()
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        data = path.read_bytes()
        part = data[int(first) : int(last or len(data)) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{int(first) + len(part) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)
        return None


RECORD = np.dtype([("index", "<u2"), ("state", "u1"), ("battery", "u1"), ("lat", "<i4"), ("lng", "<i4"),
                   ("fix_s", "<u4"), ("course", "<u2"), ("speed", "<u2"), ("accuracy", "<u2"), ("flags", "<u2")])  # fmt: skip
"""A rep's record as docs/protocol.md has it, for so many at once that the feed costs next to nothing."""


class Crowd:
    """So many reps in a box, each going its own way; columns by rep."""

    def __init__(self, count: int, bbox: BBox, turns: int = 20) -> None:
        dice = np.random.default_rng(7)
        self.bbox = bbox
        self.turns = turns
        """Frames a second; each tells of another part of all."""
        self.sent_per_s = 0.0
        """Frames that whoever listens last was sent a second."""
        south, west, north, east = bbox
        self.lat = dice.uniform(south, north, count)
        self.lng = dice.uniform(west, east, count)
        self.course = dice.uniform(0, 360, count)
        self.ids = [f"rep-{n:05}" for n in range(count)]
        still = Fix("", "d", 1, 0, 0, 0, south, west, accuracy_m=8.0, speed_mps=SPEED_MPS,
                    course_deg=0.0, battery_pct=70.0)  # fmt: skip
        rows = (frames.rep_record(n, STATES[n % len(STATES)], still) for n in range(count))
        self.records = np.frombuffer(b"".join(rows), RECORD).copy()

    def roster(self) -> str:
        """The roster's message."""
        rows = [
            {"i": n, "id": rep_id, "name": f"Rep Number{n}", "team_id": f"team-{n % 40}"}
            for n, rep_id in enumerate(self.ids)
        ]
        return json.dumps({"t": "roster", "reps": rows})

    def step(self, who: slice, now_ms: int) -> tuple[int, bytes]:
        """Some reps a second later, turning back at the box's edge: how many, their records."""
        south, west, north, east = self.bbox
        way, far = np.radians(self.course[who]), SPEED_MPS / METRES
        lat = self.lat[who] + far * np.cos(way)
        lng = self.lng[who] + far * np.sin(way) / np.cos(np.radians(lat))
        is_out = (lat < south) | (lat > north) | (lng < west) | (lng > east)
        self.course[who] = np.where(is_out, (self.course[who] + 137) % 360, self.course[who])
        self.lat[who], self.lng[who] = lat.clip(south, north), lng.clip(west, east)
        rows = self.records[who]
        rows["lat"], rows["lng"] = np.rint(self.lat[who] * 1e6), np.rint(self.lng[who] * 1e6)
        rows["course"], rows["fix_s"] = self.course[who], now_ms // 1000
        return len(rows), rows.tobytes()


async def _feed(crowd: Crowd, socket: ServerConnection) -> None:
    """A snapshot, then for ever a part of all reps so many times a second."""
    await socket.send('{"t":"hello","now_ms":0,"clock_speed":1}')
    await socket.send(crowd.roster())
    await socket.recv()
    number = await _tell(crowd, socket, frames.SNAPSHOT, 0, slice(None))
    began, turn = time.monotonic(), 0
    due_at = began
    while True:
        due_at = max(due_at + 1 / crowd.turns, time.monotonic() - LATE_MOST_S)
        await asyncio.sleep(max(0.0, due_at - time.monotonic()))
        turn += 1
        part = slice(turn % crowd.turns, None, crowd.turns)
        number = await _tell(crowd, socket, frames.DELTA, number, part)
        crowd.sent_per_s = turn / (time.monotonic() - began)


async def _tell(crowd: Crowd, socket: ServerConnection, kind: int, number: int, who: slice) -> int:
    """Frames of some reps from this number on; the number of the next."""
    count, records = crowd.step(who, round(time.time() * 1000))
    for frame in frames.frames_of(kind, number, round(time.time() * 1000), count, records):
        await socket.send(frame)
        number += 1
    return number


async def _serve(crowd: Crowd, started: threading.Event, ports: dict[str, int]) -> None:
    async def feed(socket: ServerConnection) -> None:
        reading = asyncio.create_task(_feed(crowd, socket))
        await socket.wait_closed()
        reading.cancel()

    async with serve(feed, "localhost", 0, compression=None, max_queue=None) as server:
        ports["socket"] = next(iter(server.sockets)).getsockname()[1]
        started.set()
        await asyncio.Future()


@contextlib.contextmanager
def servers(folder: Path, crowd: Crowd) -> Iterator[dict[str, int]]:
    """Page and frames on ports of their own: {"page", "socket"}."""
    files = ThreadingHTTPServer(("localhost", 0), partial(_Files, directory=str(folder)))
    ports, started = {"page": files.server_address[1]}, threading.Event()
    threading.Thread(target=files.serve_forever, daemon=True).start()
    threading.Thread(target=lambda: asyncio.run(_serve(crowd, started, ports)), daemon=True).start()
    started.wait(10)
    try:
        yield ports
    finally:
        files.shutdown()
