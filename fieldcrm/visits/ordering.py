"""A day's visits put into another order by hand: places, travel and times. Pure.

The phone runs the same rule (`phone/src/order.ts`), so that a rep offline sees what the server will
make of it; `tests/visits/order_cases.json` binds both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fieldcrm.kit.units import distance_m

ROUNDABOUT = 1.35
"""Roads are so much longer than the straight line (median of walks and drives in towns)."""
SPEED_MPS = {"foot": 1.3, "bicycle": 4.0, "car": 8.0}
Point = tuple[float, float]


@dataclass(frozen=True)
class Stop:
    """A planned visit, as far as its place in the day goes. Times are epoch ms."""

    visit_id: str
    position: int
    """0: not ordered yet."""
    planned_ms: int | None
    minutes: int
    travel_s: int | None
    travel_m: int | None
    pause_min: int
    is_locked: bool
    point: Point | None


@dataclass(frozen=True)
class Begin:
    """Where and when what is left of the day begins."""

    point: Point | None
    """The last visit made, or home."""
    free_ms: int | None
    """When the rep leaves the last visit; None before the first of the day."""
    now_ms: int
    is_today: bool
    last_position: int = 0
    """Of what is done."""


@dataclass(frozen=True)
class Placed:
    """A visit at its new place. `late_ms`: so much after the time that the office has fixed."""

    visit_id: str
    position: int
    planned_ms: int
    travel_s: int | None
    travel_m: int | None
    pause_min: int
    late_ms: int = 0


def reordered(standing: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """The wanted ones in their new order; each of the others keeps its place."""
    known = set(standing)
    moved = [i for i in dict.fromkeys(wanted) if i in known]
    turns = iter(moved)
    chosen = set(moved)
    return [next(turns) if i in chosen else i for i in standing]


def placed(stops: Sequence[Stop], order: Sequence[str], begin: Begin, mode: str) -> list[Placed]:
    """What becomes of the planned visits (in their present order) in another order.

    A leg that stays keeps its road time, a new one is estimated. The break keeps its place in the
    day, not its visit. A locked visit keeps its time. The first visit of a day begins when the
    first did before.
    """
    by_id = {s.visit_id: s for s in stops}
    chosen = [by_id[i] for i in order]
    legs = _legs(stops, chosen, begin, mode)
    numbers = _numbers(stops, begin.last_position)
    starts = _first_start(stops, begin)
    free = begin.free_ms
    found: list[Placed] = []
    for stop, slot, number, (travel_s, travel_m) in zip(chosen, stops, numbers, legs, strict=True):
        arrives = (
            starts if free is None else free + slot.pause_min * 60_000 + (travel_s or 0) * 1000
        )
        if begin.is_today:
            arrives = max(arrives, begin.now_ms)
        start, late = arrives, 0
        if stop.is_locked and stop.planned_ms is not None:
            start, late = max(arrives, stop.planned_ms), max(0, arrives - stop.planned_ms)
        kept = stop.planned_ms if stop.is_locked and stop.planned_ms is not None else start
        found.append(Placed(stop.visit_id, number, kept, travel_s, travel_m, slot.pause_min, late))
        free = start + stop.minutes * 60_000
    return found


def _first_start(stops: Sequence[Stop], begin: Begin) -> int:
    planned = [s.planned_ms for s in stops if s.planned_ms is not None]
    return min(planned, default=begin.now_ms)


def _numbers(stops: Sequence[Stop], after: int) -> list[int]:
    """The places that the planned visits have now; those without one come last."""
    used = sorted(s.position for s in stops if s.position)
    last = max([after, *used])
    return used + [last + n + 1 for n in range(len(stops) - len(used))]


Leg = tuple[int | None, int | None]


def _legs(stops: Sequence[Stop], order: Sequence[Stop], begin: Begin, mode: str) -> list[Leg]:
    """Travel (seconds, metres) to each stop in the new order."""
    before = {b.visit_id: a.visit_id for a, b in pairwise(stops)}
    legs: list[Leg] = []
    last: Stop | None = None
    for stop in order:
        if before.get(stop.visit_id) == (last.visit_id if last else None):
            legs.append((stop.travel_s, stop.travel_m))
        else:
            legs.append(estimate(last.point if last else begin.point, stop.point, mode))
        last = stop
    return legs


def estimate(a: Point | None, b: Point | None, mode: str) -> Leg:
    """A leg that nobody has routed: the straight line, made longer, at the mode's usual speed."""
    if a is None or b is None:
        return None, None
    metres = distance_m(*a, *b) * ROUNDABOUT
    return round(metres / SPEED_MPS.get(mode, 4.0)), round(metres)
