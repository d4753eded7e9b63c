"""A track as people read it: stops, lines between them, length. Pure.

One set of parameters for walking, cycling and driving: GPS error is some 8 m with outliers, so a
stay within STOP_RADIUS_M for STOP_S is a stop, and shorter steps than STEP_M are noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from fieldcrm.kit.units import distance_m
from fieldcrm.tracking.model import Doubt, Fix, Span, Stop
from fieldcrm.tracking.rules import last_moment

GAP_MS = 5 * 60_000
STOP_RADIUS_M = 60.0
STOP_S = 180
STEP_M = 15.0
SMOOTH_MS = 15_000
SMOOTH_M = 30.0
POOR_M = 150.0
_UNFIT = Doubt.teleport


def describe(fixes: Sequence[Fix], spans: Sequence[Span]) -> dict[str, Any]:
    """Lines, stops and length of a day, as plain values for a screen or the API."""
    parts = pieces(_fit(fixes), spans)
    lines, stops, length, moving_ms = [], [], 0.0, 0
    for part in parts:
        found = stops_of(part)
        line = line_of(part, found)
        lines.append([[f[0], f[1], f[2]] for f in line])
        stops.extend(found)
        length += length_of(line)
        stood = sum(s.to_ms - s.from_ms for s in found)
        moving_ms += max(0, part[-1].fix_at_ms - part[0].fix_at_ms - stood)
    return {
        "lines": [line for line in lines if len(line) > 1],
        "stops": [asdict(s) for s in joined(stops)],
        "distance_m": round(length), "moving_s": moving_ms // 1000, "fixes": len(fixes),
        "first_at_ms": fixes[0].fix_at_ms if fixes else None,
        "last_at_ms": fixes[-1].fix_at_ms if fixes else None,
    }  # fmt: skip


def _fit(fixes: Sequence[Fix]) -> list[Fix]:
    """Without those that no line should visit; they stay in the raw track."""
    return [f for f in fixes if not f.doubts & _UNFIT and (f.accuracy_m or 0) <= POOR_M]


def pieces(fixes: Sequence[Fix], spans: Sequence[Span]) -> list[list[Fix]]:
    """Cut a track at gaps over five minutes and wherever a shift begins or ends."""
    edges = sorted({e for s in spans for e in (s.start_ms, last_moment(s))})
    parts: list[list[Fix]] = []
    for fix in fixes:
        if parts and not _cut(parts[-1][-1].fix_at_ms, fix.fix_at_ms, edges):
            parts[-1].append(fix)
        else:
            parts.append([fix])
    return parts


def _cut(before_ms: int, at_ms: int, edges: Sequence[int]) -> bool:
    return at_ms - before_ms > GAP_MS or any(before_ms < e <= at_ms for e in edges)


def stops_of(fixes: Sequence[Fix]) -> list[Stop]:
    """Stays of at least three minutes within 60 m, one outlier in between forgiven."""
    stops: list[Stop] = []
    i = 0
    while i < len(fixes):
        end = _stay_end(fixes, i)
        if fixes[end].fix_at_ms - fixes[i].fix_at_ms >= STOP_S * 1000:
            stops.append(_stop(_trimmed(fixes[i : end + 1])))
            i = end + 1
        else:
            i += 1
    return stops


def _stay_end(fixes: Sequence[Fix], start: int) -> int:
    """Index of the last fix of the stay that begins at `start`."""
    lat, lng, members, last, away = fixes[start].lat, fixes[start].lng, 1, start, 0
    for i in range(start + 1, len(fixes)):
        if distance_m(lat, lng, fixes[i].lat, fixes[i].lng) <= STOP_RADIUS_M:
            members, last, away = members + 1, i, 0
            weight = 1 / min(members, 30)
            lat += (fixes[i].lat - lat) * weight
            lng += (fixes[i].lng - lng) * weight
        elif (away := away + 1) > 2:
            break
    return last


def _trimmed(stay: Sequence[Fix]) -> Sequence[Fix]:
    """Without the first and last fixes on the way in and out, still or already within the circle."""
    lat, lng = median(f.lat for f in stay), median(f.lng for f in stay)
    near = [
        i for i, f in enumerate(stay) if distance_m(lat, lng, f.lat, f.lng) <= STOP_RADIUS_M / 2
    ]
    return stay[near[0] : near[-1] + 1] if near else stay


def _stop(fixes: Sequence[Fix]) -> Stop:
    return Stop(
        median(f.lat for f in fixes), median(f.lng for f in fixes), fixes[0].fix_at_ms,
        fixes[-1].fix_at_ms, len(fixes),
    )  # fmt: skip


def joined(stops: Sequence[Stop]) -> list[Stop]:
    """Stops cut apart by a gap alone (a phone silent indoors) are one stop again."""
    whole: list[Stop] = []
    for stop in stops:
        last = whole[-1] if whole else None
        near = last and distance_m(last.lat, last.lng, stop.lat, stop.lng) <= STOP_RADIUS_M
        if last and near and stop.from_ms - last.to_ms <= 6 * GAP_MS:
            whole[-1] = Stop(last.lat, last.lng, last.from_ms, stop.to_ms, last.fixes + stop.fixes)
        else:
            whole.append(stop)
    return whole


def line_of(fixes: Sequence[Fix], stops: Sequence[Stop]) -> list[tuple[float, float, int]]:
    """The way taken as (lat, lng, at_ms): each stop is one point, steps below 15 m are left out."""
    line: list[tuple[float, float, int]] = []
    waiting = list(stops)
    for fix, (lat, lng) in zip(fixes, smoothed(fixes), strict=True):
        while waiting and fix.fix_at_ms > waiting[0].to_ms:
            waiting.pop(0)
        if waiting and fix.fix_at_ms >= waiting[0].from_ms:
            point = (waiting[0].lat, waiting[0].lng, fix.fix_at_ms)
        else:
            point = (lat, lng, fix.fix_at_ms)
        if not line or distance_m(*line[-1][:2], *point[:2]) >= STEP_M:
            line.append(point)
    return line


def smoothed(fixes: Sequence[Fix]) -> list[tuple[float, float]]:
    """Each place as the mean of its neighbours within 15 s and 30 m.

    A walker's fixes lie closer together than their error, and its zigzag would be length; a car's
    lie further apart, and stay as they are.
    """
    return [_mean_around(fixes, i) for i in range(len(fixes))]


def _mean_around(fixes: Sequence[Fix], i: int) -> tuple[float, float]:
    centre, near = fixes[i], [fixes[i]]
    for way in (range(i - 1, -1, -1), range(i + 1, len(fixes))):
        for j in way:
            other = fixes[j]
            if abs(other.fix_at_ms - centre.fix_at_ms) > SMOOTH_MS:
                break
            if distance_m(centre.lat, centre.lng, other.lat, other.lng) <= SMOOTH_M:
                near.append(other)
    return fmean(f.lat for f in near), fmean(f.lng for f in near)


def length_of(line: Sequence[tuple[float, float, int]]) -> float:
    """Length of a line in metres."""
    return sum(distance_m(*a[:2], *b[:2]) for a, b in pairwise(line))
