"""Decisions about areas: is a shape one, how far is its border, did somebody go over it. Pure.

A border is never the line itself: a side is believed only where the fix lies farther from it than
its error may reach, and the other side only after a second look. So jitter along a border changes
nothing, however long it lasts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import cos, hypot, pi, radians

from fieldcrm.kit.units import EARTH_RADIUS_M, distance_m
from fieldcrm.tracking.areas.model import (
    ACROSS_MOST_M,
    NAME_MOST,
    POINTS_MOST,
    RADIUS_LEAST_M,
    RADIUS_MOST_M,
    REPS_MOST,
    SIZE_LEAST_M2,
    BadArea,
    Crossing,
    Draft,
    LatLng,
    Seen,
    Shape,
    ShapeKind,
    Standing,
    Stays,
    VisitStay,
)
from fieldcrm.tracking.model import Doubt, Fix

Flat = tuple[float, float]
"""Metres east and north of a shape's own middle."""

ACCURACY_UNKNOWN_M = 50.0
ACCURACY_WORST_M = 150.0
"""A fix that may be farther off says nothing about a border."""
MARGIN_LEAST_M = 15.0
MARGIN_OF_ACCURACY = 2.0
"""A reported accuracy holds for two fixes in three; twice as far for nearly all."""
SURE_OF_MARGIN = 3.0
"""So many margins beyond the border need no second look."""
FAR_M = SURE_OF_MARGIN * MARGIN_OF_ACCURACY * ACCURACY_WORST_M
"""So far outside no fix that is judged can be in doubt."""
SECOND_LOOK_MS = 15_000
FORGOTTEN_MS = 2 * 3_600_000
"""After a longer silence it is another day: nobody saw a crossing."""
PASSING_MS = 2 * 60_000
"""Who is at a visit's place for less only comes past."""
AWAY_MS = 10 * 60_000
"""Back so soon it is the same stay: out to the car, or a wild fix."""
STAY_STEP_MS = 20_000
"""A stay that goes on is noted so often."""
UNTRUE = Doubt.mock | Doubt.teleport | Doubt.speed | Doubt.frozen
EVERY_DAY = "1234567"
MINUTES_A_DAY = 24 * 60
_M_PER_DEGREE = pi * EARTH_RADIUS_M / 180


# ── a shape ──


def check_shape(shape: Shape) -> None:
    """Raise BadArea unless it is a circle or a simple polygon of a size that can be watched."""
    if shape.kind is ShapeKind.circle:
        _check_circle(shape)
    else:
        _check_polygon(shape.ring)


def _check_circle(shape: Shape) -> None:
    if shape.centre is None or not _is_on_earth([shape.centre]):
        raise _bad("shape", "place")
    if not RADIUS_LEAST_M <= shape.radius_m <= RADIUS_MOST_M:
        raise _bad("shape", "size")


def _check_polygon(ring: Sequence[LatLng]) -> None:
    if not 3 <= len(ring) <= POINTS_MOST:
        raise _bad("shape", "points")
    if not _is_on_earth(ring):
        raise _bad("shape", "place")
    flat = Ground("", Shape(ShapeKind.polygon, ring=tuple(ring))).corners
    across = [max(p[axis] for p in flat) - min(p[axis] for p in flat) for axis in (0, 1)]
    if max(across) > ACROSS_MOST_M:
        raise _bad("shape", "size")
    if not is_simple(flat):
        raise _bad("shape", "crosses")
    if abs(_area_m2(flat)) < SIZE_LEAST_M2:
        raise _bad("shape", "size")


def _bad(field: str, reason: str) -> BadArea:
    return BadArea(field=field, reason=reason)


def _is_on_earth(points: Iterable[LatLng]) -> bool:
    """Also that it lies in one piece: nothing across the date line, nor at a pole."""
    found = list(points)
    near = all(-85 <= lat <= 85 and -180 <= lng <= 180 for lat, lng in found)
    return near and max(p[1] for p in found) - min(p[1] for p in found) < 180


def is_simple(ring: Sequence[Flat]) -> bool:
    """Whether no side of a ring (not closed) touches another, and no corner comes twice."""
    sides = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    if len(set(ring)) < len(ring):
        return False
    last = len(sides) - 1
    for n, one in enumerate(sides):
        for m in range(n + 1, len(sides)):
            if m == n + 1 or (n == 0 and m == last):
                if _folds_back(one, sides[m]):
                    return False
            elif _meet(one, sides[m]):
                return False
    return True


def _cross(o: Flat, a: Flat, b: Flat) -> float:
    return (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0])


def _folds_back(one: tuple[Flat, Flat], other: tuple[Flat, Flat]) -> bool:
    """Whether two sides with a common corner lie on each other."""
    common = one[1] if one[1] == other[0] else one[0]
    a = one[0] if common == one[1] else one[1]
    b = other[1] if common == other[0] else other[0]
    ahead = (a[0] - common[0]) * (b[0] - common[0]) + (a[1] - common[1]) * (b[1] - common[1])
    return _cross(common, a, b) == 0 and ahead > 0


def _meet(one: tuple[Flat, Flat], other: tuple[Flat, Flat]) -> bool:
    """Whether two sides without a common corner touch."""
    (a, b), (c, d) = one, other
    turns = _cross(a, b, c), _cross(a, b, d), _cross(c, d, a), _cross(c, d, b)
    if (turns[0] > 0) != (turns[1] > 0) and (turns[2] > 0) != (turns[3] > 0) and all(turns):
        return True
    ends = ((turns[0], one, c), (turns[1], one, d), (turns[2], other, a), (turns[3], other, b))
    return any(turn == 0 and _is_within(side, p) for turn, side, p in ends)


def _is_within(side: tuple[Flat, Flat], p: Flat) -> bool:
    (x0, y0), (x1, y1) = side
    return min(x0, x1) <= p[0] <= max(x0, x1) and min(y0, y1) <= p[1] <= max(y0, y1)


def _area_m2(ring: Sequence[Flat]) -> float:
    pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs) / 2


# ── what is asked of an area ──


def check_choices(draft: Draft) -> None:
    """Raise BadArea for a name, hours or days that can't be."""
    if not 1 <= len(draft.name.strip()) <= NAME_MOST:
        raise _bad("name", "name")
    if not (draft.on_enter or draft.on_leave):
        raise _bad("on_enter", "nothing")
    hours = draft.active_from_min, draft.active_to_min
    if (hours[0] is None) != (hours[1] is None) or (hours[0] is not None and hours[0] == hours[1]):
        raise _bad("active_from_min", "hours")
    if not all(minute is None or 0 <= minute < MINUTES_A_DAY for minute in hours):
        raise _bad("active_from_min", "hours")
    if (
        not draft.days
        or sorted(set(draft.days)) != sorted(draft.days)
        or set(draft.days) - set(EVERY_DAY)
    ):
        raise _bad("days", "days")
    if len(draft.rep_ids) > REPS_MOST:
        raise _bad("rep_ids", "reps")


def is_active(hours: tuple[int | None, int | None], days: str, minute: int, weekday: int) -> bool:
    """Whether an area watches at a minute of a local ISO weekday.

    A night's hours belong to the day on which they begin.
    """
    start, end = hours
    if start is None or end is None:
        return str(weekday) in days
    if start < end:
        return start <= minute < end and str(weekday) in days
    if minute >= start:
        return str(weekday) in days
    return minute < end and str((weekday - 2) % 7 + 1) in days


# ── a border ──


@dataclass(frozen=True)
class Ground:
    """A shape on flat ground around its own middle, so that distances are quick."""

    area_id: str
    shape: Shape
    since_ms: int = 0
    """Since when the area is as it is: what was known before says nothing of this border."""

    @cached_property
    def _middle(self) -> LatLng:
        if self.shape.centre is not None:
            return self.shape.centre
        ring = self.shape.ring
        return sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring)

    @cached_property
    def corners(self) -> list[Flat]:
        """A polygon's corners in metres."""
        return [self.flat(*p) for p in self.shape.ring]

    @cached_property
    def reach_m(self) -> float:
        """From the middle to the farthest point."""
        if self.shape.kind is ShapeKind.circle:
            return self.shape.radius_m
        return max(hypot(*p) for p in self.corners)

    @cached_property
    def _far(self) -> tuple[float, float, float, float]:
        """South, west, north, east beyond which a point is outside for certain."""
        reach = self.reach_m + FAR_M
        lat, lng = self._middle
        high = reach / _M_PER_DEGREE
        wide = high / cos(radians(min(89.0, abs(lat) + high)))
        return lat - high, lng - wide, lat + high, lng + wide

    def is_far(self, lat: float, lng: float) -> bool:
        """Whether a point is farther outside than any error: most fixes are, of most areas."""
        south, west, north, east = self._far
        return lat < south or lat > north or lng < west or lng > east

    @cached_property
    def depth_m(self) -> float:
        """How far inside one can be at most, as good as a coarse grid finds it."""
        if self.shape.kind is ShapeKind.circle:
            return self.shape.radius_m
        xs, ys = [p[0] for p in self.corners], [p[1] for p in self.corners]
        steps = [(n + 0.5) / 16 for n in range(16)]
        wide, high = max(xs) - min(xs), max(ys) - min(ys)
        spots = [(min(xs) + wide * u, min(ys) + high * v) for u in steps for v in steps]
        return max(1.0, *(self._signed(spot) for spot in spots))

    def flat(self, lat: float, lng: float) -> Flat:
        """A point in metres east and north of the middle."""
        middle = self._middle
        squeeze = cos(radians(middle[0]))
        return (lng - middle[1]) * _M_PER_DEGREE * squeeze, (lat - middle[0]) * _M_PER_DEGREE

    def inside_m(self, lat: float, lng: float) -> float:
        """Metres to the border: positive inside, negative outside."""
        if self.shape.kind is ShapeKind.circle:
            return self.shape.radius_m - distance_m(*self._middle, lat, lng)
        return self._signed(self.flat(lat, lng))

    def _signed(self, at: Flat) -> float:
        ring = self.corners
        nearest, is_in = float("inf"), False
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
            nearest = min(nearest, _to_side_m(at, a, b))
            if (a[1] > at[1]) != (b[1] > at[1]):
                is_in ^= at[0] < a[0] + (at[1] - a[1]) / (b[1] - a[1]) * (b[0] - a[0])
        return nearest if is_in else -nearest


def _to_side_m(p: Flat, a: Flat, b: Flat) -> float:
    along, to = (b[0] - a[0], b[1] - a[1]), (p[0] - a[0], p[1] - a[1])
    length = along[0] ** 2 + along[1] ** 2
    share = max(0.0, min(1.0, (along[0] * to[0] + along[1] * to[1]) / length)) if length else 0.0
    return hypot(to[0] - along[0] * share, to[1] - along[1] * share)


# ── going over it ──


def is_telling(fix: Fix) -> bool:
    """Whether a fix is good enough to say on which side of a border a rep is."""
    accuracy = ACCURACY_UNKNOWN_M if fix.accuracy_m is None else fix.accuracy_m
    return not fix.doubts & UNTRUE and accuracy <= ACCURACY_WORST_M


def side_of(ground: Ground, fix: Fix) -> tuple[int, bool]:
    """On which side a fix surely is (0: too near the border), and whether beyond any doubt."""
    if ground.is_far(fix.lat, fix.lng):
        return -1, True
    accuracy = ACCURACY_UNKNOWN_M if fix.accuracy_m is None else fix.accuracy_m
    margin = max(MARGIN_LEAST_M, MARGIN_OF_ACCURACY * accuracy)
    inside_m = ground.inside_m(fix.lat, fix.lng)
    within = max(min(margin, ground.depth_m / 2), accuracy / 2)  # small areas have no deeper inside
    if inside_m >= within:
        return 1, inside_m >= SURE_OF_MARGIN * margin
    if inside_m <= -margin:
        return -1, inside_m <= -SURE_OF_MARGIN * margin
    return 0, False


def step(was: Standing, side: int, is_sure: bool, at_ms: int) -> tuple[Standing, int]:
    """How a rep stands after one more fix, and when he crossed (0: he did not)."""
    if side == 0:
        return Standing(was.side, was.sure_ms, 0), 0
    if was.side in (0, side):
        return Standing(side, at_ms, 0), 0
    first = was.leaning_ms or at_ms
    if is_sure or at_ms - first >= SECOND_LOOK_MS:
        return Standing(side, at_ms, 0), first
    return Standing(was.side, was.sure_ms, first), 0


def follow(
    seen: Seen, fixes: Iterable[Fix], grounds: Sequence[Ground]
) -> tuple[Seen, list[Crossing]]:
    """How a rep stands after these fixes in order of time, and the borders he went over.

    Fixes not newer than what was judged already say nothing: a backlog never takes anybody back.
    """
    by_area = {g.area_id: seen.by_area[g.area_id] for g in grounds if g.area_id in seen.by_area}
    at_ms, found = seen.at_ms, []
    for fix in fixes:
        if fix.fix_at_ms <= at_ms or not is_telling(fix):
            continue
        if fix.fix_at_ms - at_ms > FORGOTTEN_MS:
            by_area = {}
        at_ms = fix.fix_at_ms
        for ground in grounds:
            was = by_area.get(ground.area_id, Standing())
            if was.sure_ms < ground.since_ms:
                was = Standing()
            by_area[ground.area_id], crossed_ms = step(was, *side_of(ground, fix), at_ms)
            if crossed_ms:
                is_in = by_area[ground.area_id].side > 0
                found.append(
                    Crossing(
                        fix.rep_id, ground.area_id, is_in, crossed_ms, was.sure_ms, fix.lat, fix.lng
                    )
                )
    return Seen(at_ms, by_area), found


# ── being at a planned visit ──


def has_lasted(stay: VisitStay) -> bool:
    """Whether somebody stayed, and did not only come past."""
    return stay.last_ms - stay.from_ms >= PASSING_MS


def follow_visits(stays: Stays, fixes: Iterable[Fix], grounds: Sequence[Ground]) -> Stays:
    """A rep's stays at his visits' places after these fixes; `area_id` of a ground is the visit.

    The order of messages hardly matters: an older fix lengthens a stay backwards, or begins one
    that nobody knew of, and never ends a newer one.
    """
    found = dict(stays)
    for fix in fixes:
        if not is_telling(fix):
            continue
        for ground in grounds:
            stay, (side, _) = found.get(ground.area_id), side_of(ground, fix)
            if side > 0:
                found[ground.area_id] = _there(stay, fix.fix_at_ms)
            elif side < 0 and stay is not None:
                found[ground.area_id] = _away(stay, fix.fix_at_ms)
    return found


def _there(stay: VisitStay | None, at_ms: int) -> VisitStay:
    if stay is None:
        return VisitStay(at_ms, at_ms)
    if at_ms <= stay.last_ms:
        is_before = 0 < stay.from_ms - at_ms <= AWAY_MS
        return VisitStay(at_ms, stay.last_ms, stay.left_ms) if is_before else stay
    if stay.left_ms and (at_ms - stay.left_ms > AWAY_MS or not has_lasted(stay)):
        return VisitStay(at_ms, at_ms)
    is_news = stay.left_ms or at_ms - stay.last_ms >= STAY_STEP_MS
    return VisitStay(stay.from_ms, at_ms) if is_news else stay


def _away(stay: VisitStay, at_ms: int) -> VisitStay:
    if stay.left_ms or at_ms <= stay.last_ms:
        return stay
    return VisitStay(stay.from_ms, stay.last_ms, stay.last_ms)
