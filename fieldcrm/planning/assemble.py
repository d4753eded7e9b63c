"""Makes the problem of a day from what is known of reps, visits and roads. Pure but for `table`."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from fieldcrm.planning import rules
from fieldcrm.planning.model import NO_WAY, Break, Job, Problem, Shift, Travel
from fieldcrm.planning.timing import FALLBACK, UNPLACED, Timetable

if TYPE_CHECKING:
    from fieldcrm.regions.model import LatLng, Matrix, Mode

Point = tuple[float, float]
Table = Callable[["Mode", Sequence["LatLng"]], "Matrix"]
"""(mode, points) -> times and distances between all of them, as `regions.roads.Roads.table`."""

LUNCH_EARLIER_MIN = 30
LUNCH_LATER_MIN = 60
"""The pause may start so much before and after its usual time."""
LOCKED_PENALTY_S = 1 << 24


@dataclass(frozen=True)
class RepFacts:
    """What a rep brings to a day."""

    id: str
    mode: str
    home: Point | None
    shift_start_min: int
    shift_end_min: int
    lunch_start_min: int = 12 * 60
    lunch_minutes: int = 30
    is_working: bool = True
    """False on a day off: no shift."""
    here: Point | None = None
    """Where the rep is now; None is at home before the shift."""
    free_at: datetime | None = None
    """Not before this moment (now, or the expected end of the visit under way)."""
    had_lunch: bool = False
    done: tuple[str, ...] = ()
    skills: frozenset[str] = frozenset()


@dataclass(frozen=True)
class VisitFacts:
    """What a visit asks of a day."""

    id: str
    client_id: str
    rep_id: str
    point: Point | None
    address: str | None = None
    opening_hours: str | None = None
    minutes: int = 15
    priority: int = 1
    category: str | None = None
    planned_at: datetime | None = None
    is_locked: bool = False
    position: int = 0
    reps: frozenset[str] | None = None
    """Who may do it; None is its own rep only."""
    skills: frozenset[str] = frozenset()


def make_problem(
    day: date, zone: str, reps: Sequence[RepFacts], visits: Sequence[VisitFacts], table: Table, *,
    budget: int | None = None, country: str | None = None,
) -> Problem:  # fmt: skip
    """The day's problem; shifts that hold locked visits are stretched to reach them."""
    places = _Places()
    stops = _stop_places(visits, places)
    working = [rep for rep in reps if rep.is_working]
    ends = {rep.id: _ends(rep, visits, stops, places) for rep in working}
    origin = rules.day_start(day, zone)
    shifts = tuple(_shift(rep, ends[rep.id], day, zone) for rep in working)
    problem = Problem(
        origin=origin, places=tuple(places.points), shifts=shifts, budget=budget,
        travel=_travel(places.points, {s.mode for s in shifts}, table),
        jobs=tuple(_job(v, stops[n], day, zone, origin, country) for n, v in enumerate(visits)),
        before=_orders(working, visits),
    )  # fmt: skip
    return replace(problem, shifts=tuple(_reaching_locked(problem, s) for s in problem.shifts))


class _Places:
    """Points numbered as they come, one number per spot."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._index: dict[Point, int] = {}

    def of(self, point: Point) -> int:
        if point not in self._index:
            self._index[point] = len(self.points)
            self.points.append(point)
        return self._index[point]


def _stop_places(visits: Sequence[VisitFacts], places: _Places) -> list[int | None]:
    """The place of each visit; those at one address share one."""
    known = [v for v in visits if v.point is not None]
    points = [v.point for v in known if v.point is not None]
    leaders = rules.group_places(points, [v.address for v in known])
    by_visit = {v.id: places.of(points[leader]) for v, leader in zip(known, leaders, strict=True)}
    return [by_visit.get(v.id) for v in visits]


def _ends(
    rep: RepFacts, visits: Sequence[VisitFacts], stops: Sequence[int | None], places: _Places
) -> tuple[int, int]:
    """(start, end) places; a rep without a home starts and ends at a visit of his."""
    mine = [p for v, p in zip(visits, stops, strict=True) if v.rep_id == rep.id and p is not None]
    home = places.of(rep.home) if rep.home else (mine or [places.of((0.0, 0.0))])[0]
    return (places.of(rep.here) if rep.here else home), home


def _shift(rep: RepFacts, ends: tuple[int, int], day: date, zone: str) -> Shift:
    start_s = rules.local_minute_s(day, rep.shift_start_min, zone)
    if rep.free_at is not None:
        free_s = int((rep.free_at - rules.day_start(day, zone)).total_seconds())
        start_s = free_s if rep.here else max(start_s, free_s)
    return Shift(
        id=rep.id, start_place=ends[0], end_place=ends[1], start_s=start_s,
        end_s=rules.local_minute_s(day, rep.shift_end_min, zone), mode=rep.mode,
        lunch=_lunch(rep, day, zone), skills=rep.skills, done=rep.done,
    )  # fmt: skip


def _lunch(rep: RepFacts, day: date, zone: str) -> Break | None:
    if rep.had_lunch or rep.lunch_minutes <= 0:
        return None
    return Break(
        rules.local_minute_s(day, rep.lunch_start_min - LUNCH_EARLIER_MIN, zone),
        rules.local_minute_s(day, rep.lunch_start_min + LUNCH_LATER_MIN, zone),
        rep.lunch_minutes * 60,
    )


def _travel(points: Sequence[Point], modes: set[str], table: Table) -> dict[str, Travel]:
    from fieldcrm.regions.model import LatLng

    named = [LatLng(*p) for p in points]
    found = {mode: table(cast("Mode", mode), named) for mode in sorted(modes)}
    if FALLBACK not in found and not all(m.is_reachable.all() for m in found.values()):
        found[FALLBACK] = table(FALLBACK, named)
    return {mode: _travel_of(matrix, len(points)) for mode, matrix in found.items()}


def _travel_of(matrix: Matrix, count: int) -> Travel:
    assert matrix.duration_s.shape == (count, count)
    return Travel(_packed(matrix.duration_s), _packed(matrix.distance_m))


def _packed(values: NDArray[np.int32]) -> tuple[array[int], ...]:
    """Rows of plain integers in four bytes each: a day of hundreds of reps has millions of pairs."""
    rows = np.ascontiguousarray(values, np.int32)
    return tuple(array("i", row.tobytes()) for row in rows)


def _job(
    visit: VisitFacts, place: int | None, day: date, zone: str, origin: datetime,
    country: str | None,
) -> Job:  # fmt: skip
    hours = rules.hours_on(visit.opening_hours, day, zone, country)
    service_s = visit.minutes * 60
    fixed = visit.planned_at if visit.is_locked else None
    return Job(
        id=visit.id, place=place, service_s=service_s,
        windows=hours.windows if not visit.is_locked else rules.whole_day(day, zone).windows,
        hours=rules.OPEN if hours.is_known else rules.UNKNOWN,
        priority=visit.priority,
        penalty_s=LOCKED_PENALTY_S if visit.is_locked
        else rules.missed_cost_s(visit.priority, visit.category, service_s),
        shifts=visit.reps or frozenset([visit.rep_id]), skills=visit.skills,
        fixed_s=None if fixed is None else int((fixed - origin).total_seconds()),
        is_locked=visit.is_locked,
    )  # fmt: skip


def _orders(reps: Sequence[RepFacts], visits: Sequence[VisitFacts]) -> dict[str, tuple[str, ...]]:
    """Each rep's present order: by position, those without one by planned time and last."""
    far = datetime.max.isoformat()

    def rank(v: VisitFacts) -> tuple[bool, int, str, str]:
        return (not v.position, v.position, v.planned_at.isoformat() if v.planned_at else far, v.id)

    mine: dict[str, list[str]] = {rep.id: [] for rep in reps}
    for visit in sorted(visits, key=rank):
        if visit.rep_id in mine:
            mine[visit.rep_id].append(visit.id)
    return {rep: tuple(order) for rep, order in mine.items()}


def _reaching_locked(problem: Problem, shift: Shift) -> Shift:
    """The shift, stretched so that its locked visits fit: an agreed visit beats going home."""
    own = frozenset([shift.id])
    locked = [i for i, job in enumerate(problem.jobs) if job.is_locked and job.shifts == own]
    if not locked:
        return shift
    endless = Timetable(problem, replace(shift, end_s=UNPLACED))
    locked = [i for i in locked if endless.may(i)]
    order = sorted(locked, key=lambda i: (problem.jobs[i].fixed_s or 0, i))
    timed = endless.time(order) if order else None
    return shift if timed is None else replace(shift, end_s=max(shift.end_s, timed.end_s))


def unreachable_by(problem: Problem, mode: str) -> int:
    """How many pairs of places a mode does not join, to be said where it is planned with."""
    return sum(seconds == NO_WAY for row in problem.travel[mode].duration_s for seconds in row)
