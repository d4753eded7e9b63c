"""Coverage by H3 cell: where time was spent, lost and used. Values in, values out.

Cells are counted at resolution FINE and added up to any coarser one; NOWHERE stands for silence
of which no place is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import h3.api.basic_int as h3
import numpy as np

from fieldcrm.kit.units import distance_m
from fieldcrm.reports.model import NO_CATEGORY
from fieldcrm.tracking import parameters as p
from fieldcrm.tracking.model import Doubt, Span
from fieldcrm.tracking.rules import last_moment

FINE, COARSE = 9, 4
"""Resolutions of the finest (edge about 200 m) and the coarsest cells that are shown."""
NOWHERE = 0
CATEGORIES = ("A", "B", "C", NO_CATEGORY)
TRACK = np.dtype([("cell", "<u8"), ("presence_s", "<u4"), ("silence_s", "<u4")])
VISITS = np.dtype([("cell", "<u8"), ("category", "<u2"), ("done", "<u2"), ("confirmed", "<u2"),
                   ("checks", "<u2"), ("absent", "<u2")])  # fmt: skip
_ZOOMS = ((11.4, 9), (9.9, 8), (8.5, 7), (7.1, 6), (5.7, 5))
_GAP_MS, _STANDS_MS = round(p.GAP_S * 1000), round(p.SILENT_SAME_S * 1000)
_UNBELIEVED = int(Doubt.mock | Doubt.teleport)
_STEPS = (0.5, 0.8, 0.95)
_ANCESTORS = 3

Array = np.ndarray[Any, np.dtype[Any]]


class Seen(NamedTuple):
    """Believed fixes of a day in order of time: epoch ms, degrees, cells at FINE."""

    at: Array
    lat: Array
    lng: Array
    cell: Array


class Moment(NamedTuple):
    """A stretch at a cell: seconds there, or of silence after it was seen there last."""

    cell: int
    from_ms: int
    seconds: float
    is_silence: bool


class VisitFact(NamedTuple):
    """A closed visit as far as coverage counts it."""

    cell: int
    category: str
    is_confirmed: bool
    checks: int
    absent: int


@dataclass(frozen=True, eq=False)
class Grid:
    """Sums by cell, cells in order; every array as long as `cell`. One is equal to itself only."""

    cell: Array
    presence_s: Array
    silence_s: Array
    done: Array
    confirmed: Array
    checks: Array
    absent: Array


# ---- a day of one rep ----


def seen(at: Array, lat: Array, lng: Array, accuracy_m: Array, doubts: Array) -> Seen:
    """What of a day's fixes says where the rep was: nothing invented, no jump, no guess.

    `accuracy_m` is NaN where the phone told none; lat, lng in degrees.
    """
    poor = np.nan_to_num(accuracy_m, nan=0.0) > p.POOR_M
    fit = ((doubts & _UNBELIEVED) == 0) & ~poor
    at, lat, lng = at[fit], lat[fit], lng[fit]
    cells = [h3.latlng_to_cell(a, b, FINE) for a, b in zip(lat.tolist(), lng.tolist(), strict=True)]
    return Seen(at, lat, lng, np.array(cells, np.uint64))


def duty(spans: Sequence[Span], first_ms: int, last_ms: int) -> list[tuple[int, int]]:
    """The working time between two moments: shifts without their pauses, in order."""
    found = []
    for span in sorted(spans, key=lambda s: s.start_ms):
        start, end = max(span.start_ms, first_ms), min(last_moment(span), last_ms)
        for begun, over in sorted(span.pauses):
            found.append((start, min(begun, end)))
            start = max(start, end if over is None else over)
        found.append((start, end))
    return [(a, b) for a, b in found if b > a]


def moments(track: Seen, working: Iterable[tuple[int, int]]) -> Iterator[Moment]:
    """Where each part of the working time went, in order.

    The time between two fixes is shared by their cells. A silence longer than a track's gap counts
    at the cell before it, unless the phone stood still: as where a replay shows it.
    """
    last = NOWHERE
    for start, end in working:
        lo, hi = np.searchsorted(track.at, start), np.searchsorted(track.at, end, side="right")
        if lo == hi:
            yield from _silence(last, start, end)
            continue
        yield from _silence(last, start, int(track.at[lo]))
        yield from _between(track, int(lo), int(hi))
        last = int(track.cell[hi - 1])
        yield from _silence(last, int(track.at[hi - 1]), end)


def _silence(cell: int, start: int, end: int) -> Iterator[Moment]:
    if end - start > _GAP_MS:
        yield Moment(cell, start, (end - start) / 1000, True)


def _between(track: Seen, lo: int, hi: int) -> Iterator[Moment]:
    at, cells = track.at[lo:hi].tolist(), track.cell[lo:hi].tolist()
    for n in range(len(at) - 1):
        passed = at[n + 1] - at[n]
        if passed > _GAP_MS and _is_gap(track, lo + n, passed):
            yield Moment(cells[n], at[n], passed / 1000, True)
        elif cells[n] == cells[n + 1]:
            yield Moment(cells[n], at[n], passed / 1000, False)
        else:
            yield Moment(cells[n], at[n], passed / 2000, False)
            yield Moment(cells[n + 1], at[n] + passed // 2, passed / 2000, False)


def _is_gap(track: Seen, n: int, passed_ms: int) -> bool:
    if passed_ms > _STANDS_MS:
        return True
    here, there = (track.lat[n], track.lng[n]), (track.lat[n + 1], track.lng[n + 1])
    return distance_m(*here, *there) > p.SILENT_SAME_M


def track_entries(found: Iterable[Moment]) -> bytes:
    """A day's moments summed by cell, as TRACK in order of cell."""
    sums: dict[int, list[float]] = {}
    for moment in found:
        sums.setdefault(moment.cell, [0.0, 0.0])[moment.is_silence] += moment.seconds
    rows = [(cell, round(here), round(lost)) for cell, (here, lost) in sorted(sums.items())]
    return np.array([row for row in rows if row[1] or row[2]], TRACK).tobytes()


def visit_entries(facts: Iterable[VisitFact]) -> bytes:
    """A day's visits summed by cell and category, as VISITS in order of cell."""
    sums: dict[tuple[int, int], list[int]] = {}
    for f in facts:
        category = CATEGORIES.index(f.category) if f.category in CATEGORIES else 3
        total = sums.setdefault((f.cell, category), [0, 0, 0, 0])
        for n, value in enumerate((1, int(f.is_confirmed), f.checks, f.absent)):
            total[n] += value
    return np.array([(*key, *total) for key, total in sorted(sums.items())], VISITS).tobytes()


def joined_track(parts: Iterable[bytes]) -> bytes:
    """Several days' TRACK as one."""
    rows = np.frombuffer(b"".join(parts), TRACK)
    cells, which = np.unique(rows["cell"], return_inverse=True)
    whole = np.zeros(len(cells), TRACK)
    whole["cell"] = cells
    for name in ("presence_s", "silence_s"):
        whole[name] = np.bincount(which, rows[name], len(cells))
    return whole.tobytes()


def joined_visits(parts: Iterable[bytes]) -> bytes:
    """Several days' VISITS as one."""
    rows = np.frombuffer(b"".join(parts), VISITS)
    keys, which = np.unique(rows[["cell", "category"]], return_inverse=True)
    whole = np.zeros(len(keys), VISITS)
    whole["cell"], whole["category"] = keys["cell"], keys["category"]
    for name in ("done", "confirmed", "checks", "absent"):
        whole[name] = np.bincount(which, rows[name], len(keys))
    return whole.tobytes()


# ---- many days of many reps ----


def grid_of(tracks: Iterable[bytes], visits: Iterable[bytes], category: str = "") -> Grid:
    """All entries summed by cell at FINE; a category narrows visits and shelf checks only."""
    track = np.frombuffer(b"".join(tracks), TRACK)
    visit = np.frombuffer(b"".join(visits), VISITS)
    if category in CATEGORIES:
        visit = visit[visit["category"] == CATEGORIES.index(category)]
    cells, which = np.unique(
        np.concatenate([track["cell"], visit["cell"]]), return_inverse=True
    )  # fmt: skip
    of_track, of_visits = which[: len(track)], which[len(track) :]

    def add(where: Array, values: Array) -> Array:
        return np.bincount(where, values, len(cells)).astype(np.int64)

    return Grid(
        cells, add(of_track, track["presence_s"]), add(of_track, track["silence_s"]),
        *(add(of_visits, visit[name]) for name in ("done", "confirmed", "checks", "absent")),
    )  # fmt: skip


def added(grids: Sequence[Grid]) -> Grid:
    """Several grids as one."""
    if len(grids) == 1:
        return grids[0]
    cells, which = np.unique(np.concatenate([g.cell for g in grids]), return_inverse=True)
    return _summed(grids, cells, which)


@lru_cache(maxsize=16)
def at_resolution(grid: Grid, resolution: int) -> Grid:
    """The same summed up to coarser cells; the latest are kept, for a map asks again and again."""
    if resolution == FINE:
        return grid
    cells, which = np.unique(parents(grid.cell, resolution), return_inverse=True)
    return _summed([grid], cells, which)


def _summed(grids: Sequence[Grid], cells: Array, which: Array) -> Grid:
    columns = (
        np.concatenate([getattr(g, name) for g in grids])
        for name in ("presence_s", "silence_s", "done", "confirmed", "checks", "absent")
    )
    return Grid(
        cells, *(np.bincount(which, column, len(cells)).astype(np.int64) for column in columns)
    )


def parents(cells: Array, resolution: int) -> Array:
    """The ancestors of cells at a resolution, by H3's layout: digits beyond it are all ones.

    NOWHERE has no ancestor but itself.
    """
    unused = np.uint64((1 << (3 * (15 - resolution))) - 1)
    cleared = cells & np.uint64(~(0xF << 52) & 0xFFFF_FFFF_FFFF_FFFF)
    made = (cleared | unused) | np.uint64(resolution << 52)
    return np.where(cells == NOWHERE, np.uint64(NOWHERE), made)


def within(cells: Array, resolution: int, bbox: tuple[float, float, float, float]) -> list[int]:
    """Places of the cells whose middle lies in a window (south, west, north, east).

    Only those are looked at one by one whose ancestors lie near it.
    """
    coarse = max(resolution - _ANCESTORS, 0)
    above = parents(cells, coarse)
    near = [cell for cell in np.unique(above).tolist() if cell and _is_near(cell, coarse, bbox)]
    some = np.flatnonzero(np.isin(above, np.array(near, np.uint64))).tolist()
    return [n for n in some if _is_in(h3.cell_to_latlng(int(cells[n])), bbox)]


def _is_in(place: tuple[float, float], bbox: tuple[float, float, float, float]) -> bool:
    south, west, north, east = bbox
    return south <= place[0] <= north and west <= place[1] <= east


def _is_near(cell: int, resolution: int, bbox: tuple[float, float, float, float]) -> bool:
    """Whether any part of a cell, or of what lies a little over its rim, may be in a window."""
    lat, lng = h3.cell_to_latlng(cell)
    reach = 2 * h3.average_hexagon_edge_length(resolution, unit="km") / 111
    wide = reach / max(math.cos(math.radians(lat)), 0.01)
    south, west, north, east = bbox
    return _is_in((lat, lng), (south - reach, west - wide, north + reach, east + wide))


def resolution_for(zoom: float) -> int:
    """How fine cells are shown: about 20 to 60 pixels wide at any zoom."""
    return next((fine for least, fine in _ZOOMS if zoom >= least), COARSE)


def steps(values: Array) -> list[float]:
    """Where shades begin beyond the first: at half of the cells, four fifths, all but a twentieth."""
    some = values[values > 0]
    if not len(some):
        return []
    found = np.quantile(some, _STEPS)
    return sorted({float(step) for step in found if step > some.min()})


# ---- periods ----


class Block(NamedTuple):
    """A part of a period that is read at once: a whole month, or the days of a part of one."""

    first: date
    last: date
    month: int
    is_whole: bool


def month_of(day: date) -> int:
    """A day's month as year * 100 + month."""
    return day.year * 100 + day.month


def blocks(first: date, last: date) -> list[Block]:
    """A period month by month."""
    found, start = [], first
    while start <= last:
        following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        end = min(last, following - timedelta(days=1))
        is_whole = start.day == 1 and end + timedelta(days=1) == following
        found.append(Block(start, end, month_of(start), is_whole))
        start = following
    return found
