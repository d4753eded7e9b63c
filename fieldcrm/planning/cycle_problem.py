"""Makes the problem of one rep's cycle from facts, and tells a solved one by days. Pure but for `table`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np

from fieldcrm.planning import cycle_rules, rules
from fieldcrm.planning.cycle_model import CycleProblem, Days, Ints, Spacing, Tours
from fieldcrm.planning.model import Window

Point = tuple[float, float]
Ways = Callable[[str, Sequence[Point]], "tuple[Ints, Ints]"]
"""(mode, points) -> seconds and metres between all of them; NO_WAY where there is none."""
NO_WAY = -1
FIXED_VALUE = 100_000_000
"""What leaving out a visit that stands costs: more than all that may be chosen."""
MAX_WAY_S = 12 * 3600
CLOSED, NO_POSITION, NO_ROUTE, NO_DAYS, CAPPED, NO_ROOM = (
    "closed", "no_position", "no_route", "no_days", "capped", "no_room",
)  # fmt: skip


@dataclass(frozen=True)
class CycleRep:
    """What a rep brings to a span."""

    id: str
    mode: str
    home: Point | None
    shift_start_min: int
    shift_end_min: int
    lunch_start_min: int
    lunch_minutes: int
    days: tuple[date, ...]
    """Workdays of the span, absences taken out."""


@dataclass(frozen=True)
class Fixed:
    """A visit that stands on its day whatever is planned."""

    visit_id: str
    client_id: str
    day: date
    point: Point | None
    minutes: int
    category: str | None = None
    planned_at: datetime | None = None
    """Where it is locked to a time."""


@dataclass(frozen=True)
class Wish:
    """A client to be seen so often within the span, fixed visits not counted."""

    client_id: str
    category: str | None
    point: Point | None
    minutes: int
    wanted: int
    opening_hours: str | None = None
    seen: tuple[date, ...] = ()
    """Days around or in the span that hold a visit already, to be kept apart from."""
    capped: int = 0
    """Visits that a limit for the year takes away."""


@dataclass(frozen=True)
class LeftOut:
    """A client who gets fewer visits than wanted, and why."""

    client_id: str
    wanted: int
    got: int
    reason: str


@dataclass(frozen=True)
class RepCycle:
    """One rep's problem and what its numbers stand for."""

    rep: CycleRep
    problem: CycleProblem
    fixed: dict[int, Fixed]
    """Node -> visit."""
    wishes: dict[int, Wish]
    metres: Ints
    left_out: tuple[LeftOut, ...]
    """Known before any search."""
    zone: str = "UTC"


@dataclass(frozen=True)
class Placed:
    """A visit of a day in its order."""

    client_id: str
    visit_id: str | None
    """Of a fixed one; None where a client's visit is yet to be named."""
    start_s: int
    """After the day's start, the lunch break counted."""
    travel_s: int
    travel_m: int
    minutes: int


@dataclass
class PlannedDay:
    stops: list[Placed] = field(default_factory=list)
    drive_s: int = 0
    drive_m: int = 0
    work_s: int = 0
    """From leaving home to coming back, lunch included."""


def make_rep_cycle(
    rep: CycleRep, fixed: Sequence[Fixed], wishes: Sequence[Wish], ways: Ways, zone: str,
    most_a_day: int,
) -> RepCycle:  # fmt: skip
    """The problem of a rep's span; who can't be planned at all is named beside it."""
    numbered = {day: n for n, day in enumerate(rep.days)}
    left = [_capped(w) for w in wishes if w.capped]
    kept = [f for f in fixed if f.point and f.day in numbered]
    hopeful = [w for w in wishes if w.wanted > 0]
    windows = {w.client_id: _windows(rep, w, zone) for w in hopeful if w.point}
    home = rep.home or next((x.point for x in (*kept, *hopeful) if x.point), (0.0, 0.0))
    points = [home, *(f.point or home for f in kept), *(w.point or home for w in hopeful)]
    seconds, metres = ways(rep.mode, points)
    nodes: list[int] = [0, *range(1, len(kept) + 1)]
    patterns: list[tuple[Days, ...]] = [(), *(((numbered[f.day],),) for f in kept)]
    chosen: list[Wish] = []
    for n, wish in enumerate(hopeful, len(kept) + 1):
        reason, sets = _sets(rep, wish, windows.get(wish.client_id), numbered)
        reason = reason or (NO_ROUTE if min(seconds[0, n], seconds[n, 0]) == NO_WAY else None)
        if reason:
            left.append(LeftOut(wish.client_id, wish.wanted, 0, reason))
            continue
        nodes.append(n)
        patterns.append(sets)
        chosen.append(wish)
    way = np.where(seconds == NO_WAY, MAX_WAY_S, seconds)[np.ix_(nodes, nodes)].astype(np.int64)
    times = _times(rep, kept, [windows[w.client_id] for w in chosen], zone)
    service = [0, *(f.minutes * 60 for f in kept), *(w.minutes * 60 for w in chosen)]
    problem = CycleProblem(
        name=rep.id, days=len(rep.days), tours=1, cost=way, time=way,
        service=np.array(service, np.int64), ready=times[0], due=times[1],
        patterns=tuple(patterns),
        demand=np.array([0, *[1] * (len(nodes) - 1)], np.int64),
        capacity=np.array(_rooms(rep.days, kept, most_a_day), np.int64),
        penalty=np.array([0, *[FIXED_VALUE] * len(kept),
                          *(cycle_rules.value_of(w.category) for w in chosen)], np.int64),
        category=("-", *(f.category or "-" for f in kept), *(w.category or "-" for w in chosen)),
        must_end_in_window=True,
    )  # fmt: skip
    return RepCycle(
        rep, problem, dict(enumerate(kept, 1)),
        dict(enumerate(chosen, len(kept) + 1)),
        metres[np.ix_(nodes, nodes)], tuple(left), zone,
    )  # fmt: skip


def _capped(wish: Wish) -> LeftOut:
    return LeftOut(wish.client_id, wish.wanted + wish.capped, wish.wanted, CAPPED)


def _rooms(days: Sequence[date], fixed: Sequence[Fixed], most_a_day: int) -> list[int]:
    """Visits each day may hold: as asked, but never fewer than stand there."""
    standing = [f.day for f in fixed]
    return [max(most_a_day, standing.count(day)) for day in days]


def _windows(rep: CycleRep, wish: Wish, zone: str) -> list[Window | None]:
    """When a client can be visited on each workday: the longest open stretch of the shift."""
    found: list[Window | None] = []
    for day in rep.days:
        begin, end = _shift(rep, day, zone)
        cut = rules.within(rules.hours_on(wish.opening_hours, day, zone).windows, begin, end)
        usable = [_before_lunch(rep, w, day, zone) for w in cut]
        roomy = [w for w in usable if w.end_s - w.start_s >= wish.minutes * 60]
        found.append(max(roomy, key=lambda w: w.end_s - w.start_s, default=None))
    return found


def _shift(rep: CycleRep, day: date, zone: str) -> tuple[int, int]:
    ends = (rep.shift_start_min, rep.shift_end_min)
    begin, end = (rules.local_minute_s(day, minute, zone) for minute in ends)
    return begin, end


def _before_lunch(rep: CycleRep, window: Window, day: date, zone: str) -> Window:
    """The window in a day told without its break: what follows the break then ends in time still."""
    lunch = rules.local_minute_s(day, rep.lunch_start_min, zone)
    if window.end_s <= lunch:
        return window
    return Window(window.start_s, max(lunch, window.end_s - rep.lunch_minutes * 60))


def _sets(
    rep: CycleRep, wish: Wish, windows: list[Window | None] | None, numbered: dict[date, int]
) -> tuple[str | None, tuple[Days, ...]]:
    """Sets of days a client may be seen on, or why there is none."""
    if windows is None:
        return NO_POSITION, ()
    is_open = [w is not None for w in windows]
    if not any(is_open):
        return CLOSED, ()
    taken = [_index(day, rep.days, numbered) for day in wish.seen]
    spacing = cycle_rules.spacing_of(wish.wanted + _inside(wish, rep.days), len(rep.days))
    own = Spacing(wish.wanted, spacing.least, 1 << 20 if taken else spacing.most)
    sets = cycle_rules.day_sets(is_open, own, taken)
    if not sets:  # better too near to another visit than not at all, but never on its day
        sets = cycle_rules.day_sets(is_open, Spacing(wish.wanted), taken)
    return (None, sets) if sets else (NO_DAYS, ())


def _inside(wish: Wish, days: Sequence[date]) -> int:
    return sum(days[0] <= day <= days[-1] for day in wish.seen)


def _index(day: date, days: Sequence[date], numbered: dict[date, int]) -> int:
    """A day's number along the workdays; before the span it is negative, five to a week."""
    if day in numbered:
        return numbered[day]
    if day < days[0]:
        return -(((days[0] - day).days * 5 + 6) // 7)
    return sum(d < day for d in days)


def _times(
    rep: CycleRep, fixed: Sequence[Fixed], windows: Sequence[list[Window | None]], zone: str
) -> tuple[Ints, Ints]:
    """[days, nodes] when each may begin and must be over; a closed day ends before it begins."""
    size = 1 + len(fixed) + len(windows)
    ready, due = (
        np.zeros((len(rep.days), size), np.int64),
        np.zeros((len(rep.days), size), np.int64),
    )
    for d, day in enumerate(rep.days):
        begin, end = _shift(rep, day, zone)
        ready[d, 0], due[d, 0] = begin, max(begin, end - rep.lunch_minutes * 60)
        for n, each in enumerate(fixed, 1):
            at = _agreed(each, day, zone) or Window(begin, max(begin, end))
            told = _before_lunch(rep, at, day, zone) if each.planned_at is None else at
            ready[d, n], due[d, n] = told.start_s, told.end_s
        for n, mine in enumerate(windows, 1 + len(fixed)):
            window = mine[d]
            ready[d, n], due[d, n] = (1, 0) if window is None else (window.start_s, window.end_s)
    return ready, due


AGREED_SLACK_S = 1800
"""A locked visit is held within so much of its time; the day's own plan puts it exactly there."""


def _agreed(fixed: Fixed, day: date, zone: str) -> Window | None:
    if fixed.planned_at is None:
        return None
    at = int((fixed.planned_at - rules.day_start(day, zone)).total_seconds())
    return Window(max(0, at - AGREED_SLACK_S), at + fixed.minutes * 60 + AGREED_SLACK_S)


# ---- a solved one, told ----


def days_of(asked: RepCycle, tours: Tours) -> dict[date, PlannedDay]:
    """Each day's visits in order with times, the lunch break set where it falls."""
    return {
        day: _drive(asked, n, [c for tour in tours[n] for c in tour])
        for n, day in enumerate(asked.rep.days)
    }


def _drive(asked: RepCycle, d: int, order: Sequence[int]) -> PlannedDay:
    problem, told = asked.problem, PlannedDay()
    now, at, pause = int(problem.ready[d, 0]), 0, asked.rep.lunch_minutes * 60
    lunch = rules.local_minute_s(asked.rep.days[d], asked.rep.lunch_start_min, asked.zone)
    begun, rested = now, 0
    for client in order:
        way, service = int(problem.time[at, client]), int(problem.service[client])
        now = max(now + way, int(problem.ready[d, client]))
        if not rested and now + service > lunch:
            rested = pause
        who = asked.fixed.get(client)
        told.stops.append(Placed(
            who.client_id if who else asked.wishes[client].client_id, who and who.visit_id,
            now + rested, way, max(0, int(asked.metres[at, client])), service // 60,
        ))  # fmt: skip
        _add_way(told, way, int(asked.metres[at, client]))
        now, at = now + service, client
    if order:
        way = int(problem.time[at, 0])
        _add_way(told, way, int(asked.metres[at, 0]))
        told.work_s = now + way + rested - begun
    return told


def _add_way(told: PlannedDay, seconds: int, metres: int) -> None:
    told.drive_s += seconds
    told.drive_m += max(0, metres)


def left_out(asked: RepCycle, tours: Tours) -> list[LeftOut]:
    """Everybody who gets fewer visits than wanted."""
    missed = set(asked.problem.missed(tours))
    full = [
        LeftOut(w.client_id, w.wanted, 0, NO_ROOM) for n, w in asked.wishes.items() if n in missed
    ]
    return [*asked.left_out, *full]
