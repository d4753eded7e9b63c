"""A track as people read it: trips and how they were made, stops, gaps, lines, length. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from fieldcrm.kit.units import distance_m
from fieldcrm.tracking import parameters as p
from fieldcrm.tracking.cleaning import Origin, Way, length_m, way_taken
from fieldcrm.tracking.model import Doubt, Fix, Span, Stop
from fieldcrm.tracking.modes import Mode, is_driving, speeds
from fieldcrm.tracking.rules import last_moment
from fieldcrm.tracking.stops import centre, stays
from fieldcrm.tracking.windows import Mask, Run, runs

Line = list[list[float]]
"""[lat, lng, at_ms] in order of time."""
_GAP_MS, _STANDS_MS = round(p.GAP_S * 1000), round(p.SILENT_SAME_S * 1000)
_UNFIT = int(Doubt.teleport)


@dataclass(frozen=True)
class Part:
    """A stretch of a trip made one way."""

    mode: Mode
    from_ms: int
    to_ms: int
    distance_m: int


@dataclass(frozen=True)
class Trip:
    """From one stop to the next, or to where the track ends; `mode` of most of its length."""

    from_ms: int
    to_ms: int
    distance_m: int
    mode: Mode
    parts: list[Part]


@dataclass(frozen=True)
class Gap:
    """A silence within a shift; nobody knows the way, only that it was no shorter."""

    from_ms: int
    to_ms: int
    distance_m: int


@dataclass
class Reading:
    """What a piece of a track without gaps says."""

    line: Line = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)


def describe(fixes: Sequence[Fix], spans: Sequence[Span]) -> dict[str, Any]:
    """Trips, stops, gaps, lines and length of a day, as plain values for a screen or the API."""
    parts = pieces(_fit(fixes), spans)
    told = [read(part) for part in parts]
    found = [trip for reading in told for trip in reading.trips]
    gaps = _gaps(parts, spans)
    return {
        "lines": [reading.line for reading in told if len(reading.line) > 1],
        "raw": [[[f.lat, f.lng, f.fix_at_ms] for f in part] for part in parts if len(part) > 1],
        "stops": [asdict(stop) for reading in told for stop in reading.stops],
        "trips": [asdict(trip) for trip in found], "gaps": [asdict(gap) for gap in gaps],
        "distance_m": sum(trip.distance_m for trip in found),
        "unseen_m": sum(gap.distance_m for gap in gaps),
        "moving_s": sum(trip.to_ms - trip.from_ms for trip in found) // 1000,
        "fixes": len(fixes), "first_at_ms": fixes[0].fix_at_ms if fixes else None,
        "last_at_ms": fixes[-1].fix_at_ms if fixes else None,
    }  # fmt: skip


def _fit(fixes: Sequence[Fix]) -> list[Fix]:
    """Without those that no line should visit; they stay in the stored track."""
    return [f for f in fixes if not f.doubts & _UNFIT and (f.accuracy_m or 0) <= p.POOR_M]


def pieces(fixes: Sequence[Fix], spans: Sequence[Span]) -> list[list[Fix]]:
    """Cut a track at gaps and wherever a shift or a pause begins or ends."""
    edges = _edges(spans)
    parts: list[list[Fix]] = []
    for fix in fixes:
        if parts and not _is_cut(parts[-1][-1], fix, edges):
            parts[-1].append(fix)
        else:
            parts.append([fix])
    return parts


def _edges(spans: Sequence[Span]) -> list[int]:
    """Moments at which a rep's time begins or ends to be the company's."""
    pauses = (edge for s in spans for pause in s.pauses for edge in pause if edge is not None)
    return sorted({e for s in spans for e in (s.start_ms, last_moment(s))} | set(pauses))


def _is_cut(before: Fix, after: Fix, edges: Sequence[int]) -> bool:
    """A silence of a phone that stands still is no gap: many tell nothing while nothing moves."""
    if _has_edge(before, after, edges):
        return True
    silence_ms = after.fix_at_ms - before.fix_at_ms
    if silence_ms <= _GAP_MS:
        return False
    return silence_ms > _STANDS_MS or _apart_m(before, after) > p.SILENT_SAME_M


def _has_edge(before: Fix, after: Fix, edges: Sequence[int]) -> bool:
    return any(before.fix_at_ms < edge <= after.fix_at_ms for edge in edges)


def _apart_m(a: Fix, b: Fix) -> float:
    return distance_m(a.lat, a.lng, b.lat, b.lng)


def _gaps(parts: Sequence[Sequence[Fix]], spans: Sequence[Span]) -> list[Gap]:
    """The silences between pieces but for those that a shift's or a pause's edge explains."""
    edges, found = _edges(spans), []
    for before, after in ((one[-1], other[0]) for one, other in pairwise(parts)):
        if not _has_edge(before, after, edges):
            way_m = _apart_m(before, after)
            least_m = round(way_m) if way_m > p.SILENT_SAME_M else 0
            found.append(Gap(before.fix_at_ms, after.fix_at_ms, least_m))
    return found


def read(fixes: Sequence[Fix]) -> Reading:
    """Read a piece of a track; a single fix says nothing of ways."""
    if len(fixes) < 2:
        return Reading()
    origin = Origin(fixes[0].lat, fixes[0].lng)
    way, driving, accuracy = origin.way(fixes), None, _accuracies(fixes)
    driving = is_driving(way)
    stood = [s for s in stays(way, accuracy) if not _is_traffic(way, s)]
    reading = Reading(stops=[_stop(origin, way, s) for s in stood])
    for move in _moves(len(way), stood):
        _add(reading, origin, *_between(way, driving, move, stood))
    return reading


def _accuracies(fixes: Sequence[Fix]) -> np.ndarray:
    return np.array([np.nan if f.accuracy_m is None else f.accuracy_m for f in fixes], float)


def _is_traffic(way: Way, stay: Run) -> bool:
    """A short stand with a car's speed before and after it: a light, a queue, a barrier."""
    first, last = stay
    if way.t[last] - way.t[first] >= p.TRAFFIC_S or first == 0 or last == len(way) - 1:
        return False
    step, near = speeds(way).step, p.STAY_S / 2
    before = step[(way.t[1:] <= way.t[first]) & (way.t[1:] >= way.t[first] - near)]
    after = step[(way.t[:-1] >= way.t[last]) & (way.t[:-1] <= way.t[last] + near)]
    return bool(min(before.max(initial=0), after.max(initial=0)) >= p.TRAFFIC_MPS)


def _stop(origin: Origin, way: Way, stay: Run) -> Stop:
    lat, lng = _degrees(origin, *centre(way, stay))
    a, b = stay
    return Stop(lat, lng, _ms(way.t[a]), _ms(way.t[b]), b - a + 1)


def _degrees(origin: Origin, x: float, y: float) -> tuple[float, float]:
    lat, lng = origin.degrees(np.array([x]), np.array([y]))
    return round(float(lat[0]), 7), round(float(lng[0]), 7)


def _ms(seconds: float) -> int:
    return round(float(seconds) * 1000)


def _moves(count: int, stood: Sequence[Run]) -> list[Run]:
    """The stretches between stays, each with the places at its two ends."""
    starts = [0, *(b for _, b in stood)]
    ends = [*(a for a, _ in stood), count - 1]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if b > a]


def _between(way: Way, driving: Mask, move: Run, stood: Sequence[Run]) -> tuple[Way, Mask]:
    """A move's places, from the middle of the stay before it to that of the stay after it."""
    part = slice(move[0], move[1] + 1)
    x, y = way.x[part].copy(), way.y[part].copy()
    for stay in stood:
        if stay[1] == move[0]:
            x[0], y[0] = centre(way, stay)
        if stay[0] == move[1]:
            x[-1], y[-1] = centre(way, stay)
    return Way(way.t[part], x, y), driving[part]


def _add(reading: Reading, origin: Origin, way: Way, driving: Mask) -> None:
    """Add a move's line and trip."""
    taken = way_taken(way, driving)
    lat, lng = origin.degrees(taken.x, taken.y)
    at = np.rint(taken.t * 1000).astype(int)
    points = zip(lat.round(7).tolist(), lng.round(7).tolist(), at.tolist(), strict=True)
    reading.line.extend([a, b, t] for a, b, t in points)
    reading.trips.append(_trip(way, taken, driving))


def _trip(way: Way, taken: Way, driving: Mask) -> Trip:
    """A move's length, time and ways of moving."""
    told = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(taken.x), np.diff(taken.y)))])
    parts = []
    for mode, (a, b) in _by_mode(driving):
        start, end = float(way.t[a]), float(way.t[min(b + 1, len(way) - 1)])
        length = float(np.interp(end, taken.t, told) - np.interp(start, taken.t, told))
        parts.append(Part(mode, _ms(start), _ms(end), round(length)))
    mostly = max(Mode, key=lambda m: sum(q.distance_m for q in parts if q.mode is m))
    return Trip(_ms(way.t[0]), _ms(way.t[-1]), round(length_m(taken)), mostly, parts)


def _by_mode(driving: Mask) -> Iterable[tuple[Mode, Run]]:
    """Runs of one mode; the last place alone makes none, for a part needs a step."""
    found = [(Mode.driving, r) for r in runs(driving)] + [(Mode.foot, r) for r in runs(~driving)]
    return sorted((f for f in found if f[1][0] < len(driving) - 1), key=lambda f: f[1])
