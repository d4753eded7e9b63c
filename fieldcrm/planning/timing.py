"""When each stop of an order takes place: the earliest times, with windows, pause and shift.

The times of an order have one best answer (leave early, wait at the door), so every search of this
domain only chooses orders and asks here. Pure; made to be called some 100,000 times a plan.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from fieldcrm.planning.model import NO_WAY, Break, Job, Problem, Shift, Stop, Tour, Travel

FALLBACK = "foot"
LATE_WEIGHT = 5
"""Cost of one second after an appointment, in seconds of travel."""
SPAN_SHARE = 10
"""One second of working time costs a tenth of a second of travel."""
UNPLACED = 1 << 40


@dataclass(frozen=True)
class Ways:
    """What a rep of one mode travels between all places, and how."""

    duration_s: list[Sequence[int]]
    distance_m: list[Sequence[int]]
    modes: list[Sequence[str]]


def ways(problem: Problem, mode: str) -> Ways:
    """The mode's own roads, and on foot where these offer no way; NO_WAY stays where none does."""
    own, foot = problem.travel[mode], problem.travel.get(FALLBACK)
    by_mode = [mode] * len(own.duration_s)
    found = Ways(list(own.duration_s), list(own.distance_m), [by_mode] * len(own.duration_s))
    for i, row in enumerate(own.duration_s):
        if foot is not None and NO_WAY in row:
            _go_on_foot(found, foot, i)
    return found


def _go_on_foot(found: Ways, foot: Travel, i: int) -> None:
    """One row of ways with those on foot where there is no other."""
    seconds, metres = list(found.duration_s[i]), list(found.distance_m[i])
    modes = list(found.modes[i])
    for j, value in enumerate(found.duration_s[i]):
        if value == NO_WAY:
            seconds[j], metres[j] = foot.duration_s[i][j], foot.distance_m[i][j]
            modes[j] = FALLBACK
    found.duration_s[i], found.distance_m[i], found.modes[i] = seconds, metres, modes


@dataclass(frozen=True, slots=True)
class Timed:
    """An order's result: cost, and per stop (arrive, start, leave); `break_s` may be None."""

    cost: int
    times: tuple[tuple[int, int, int], ...]
    end_s: int
    break_s: int | None


class Columns:
    """What all shifts' timetables know of the jobs, by their index in the problem."""

    def __init__(self, problem: Problem) -> None:
        self.place = [NO_WAY if job.place is None else job.place for job in problem.jobs]
        self.service = [job.service_s for job in problem.jobs]
        self.starts = [start_windows(job) for job in problem.jobs]
        self.fixed = [job.fixed_s for job in problem.jobs]


class Timetable:
    """The times of any order of one shift's jobs (named by their index in the problem)."""

    def __init__(
        self, problem: Problem, shift: Shift, shared: Ways | None = None,
        columns: Columns | None = None,
    ) -> None:  # fmt: skip
        columns = columns or Columns(problem)
        self.problem, self.shift = problem, shift
        self.ways = shared or ways(problem, shift.mode)
        self._duration = self.ways.duration_s
        self._place, self._service = columns.place, columns.service
        self._starts, self._fixed = columns.starts, columns.fixed
        self._lunch = due_break(shift)

    @cached_property
    def allowed(self) -> frozenset[int]:
        """Jobs that this shift may do and can reach, there and home again."""
        return frozenset(i for i in range(len(self.problem.jobs)) if self.may(i))

    @cached_property
    def reachable(self) -> frozenset[int]:
        """Jobs with a position that the roads reach and leave again, whatever their hours."""
        jobs = enumerate(self.problem.jobs)
        return frozenset(i for i, j in jobs if j.place is not None and self.reaches(j.place))

    def travelled(self, order: Sequence[int]) -> dict[str, int]:
        """{drive_s, distance_m} of an order, home included; a way that isn't there counts nothing."""
        shift = self.shift
        at = [shift.start_place, *(self._place[j] for j in order), shift.end_place]
        legs = list(itertools.pairwise(at)) if order else []
        return {
            "drive_s": sum(max(0, self._duration[a][b]) for a, b in legs),
            "distance_m": sum(max(0, self.ways.distance_m[a][b]) for a, b in legs),
        }

    def may(self, index: int) -> bool:
        """Whether this shift may do a job and can reach it, there and home again."""
        job = self.problem.jobs[index]
        if not self._starts[index] or not may_do(job, self.shift):
            return False
        return job.place is not None and self.reaches(job.place)

    def reaches(self, place: int) -> bool:
        there = self._duration[self.shift.start_place][place]
        return there != NO_WAY and self._duration[place][self.shift.end_place] != NO_WAY

    def time(self, order: Sequence[int]) -> Timed | None:
        """The earliest times of an order, None where it breaks a window, the pause or the shift."""
        found = self._search_pause(order)
        return None if found is None else self._time_with(order, found[1])

    def cost(self, order: Sequence[int]) -> int | None:
        """What the order costs (see `model.Plan.cost`, without penalties); None where impossible."""
        found = self._search_pause(order)
        return None if found is None else found[0]

    def _search_pause(self, order: Sequence[int]) -> tuple[int, int | None] | None:
        """(cost, the gap of the pause): one pass over two states, pause still due and pause taken.

        Leaving earlier is never worse, so each state keeps its earliest time only.
        """
        shift, duration, place, starts = self.shift, self._duration, self._place, self._starts
        service, fixed_times, lunch = self._service, self._fixed, self._lunch
        at, travel_s = shift.start_place, 0
        due, due_late = shift.start_s, 0
        taken, taken_late, gap = UNPLACED, 0, -1
        for n, job in enumerate(order):
            leg = duration[at][place[job]]
            if leg == NO_WAY:
                return None
            travel_s += leg
            taken += leg
            if lunch is not None and due < UNPLACED:
                paused = pause(due, leg, lunch)
                if paused is not None and paused[0] < taken:
                    taken, taken_late, gap = paused[0], due_late, n
            due += leg
            windows, fixed = starts[job], fixed_times[job]
            due = _first_start(windows, due) if due < UNPLACED else UNPLACED
            taken = _first_start(windows, taken) if taken < UNPLACED else UNPLACED
            if fixed is not None:
                due_late += max(0, due - fixed) if due < UNPLACED else 0
                taken_late += max(0, taken - fixed) if taken < UNPLACED else 0
            if due >= UNPLACED and taken >= UNPLACED:
                return None
            due += service[job]
            taken += service[job]
            at = place[job]
        if not order:
            return 0, None
        leg = duration[at][shift.end_place]
        if leg == NO_WAY:
            return None
        return self._best_end(
            due, due_late, taken, taken_late, gap, leg, travel_s + leg, len(order)
        )

    def _best_end(
        self, due: int, due_late: int, taken: int, taken_late: int, gap: int, leg: int,
        travel_s: int, count: int,
    ) -> tuple[int, int | None] | None:  # fmt: skip
        """Choose how the day ends: before the pause is due, after it, or with it on the way home."""
        lunch, shift = self._lunch, self.shift
        if (
            due < UNPLACED
            and (lunch is None or due + leg <= lunch.latest_s)
            and (due + leg <= shift.end_s)
        ):
            span = due + leg - shift.start_s
            return travel_s + span // SPAN_SHARE + LATE_WEIGHT * due_late, None
        taken += leg
        if lunch is not None and due < UNPLACED:
            paused = pause(due, leg, lunch)
            if paused is not None and paused[0] < taken:
                taken, taken_late, gap = paused[0], due_late, count
        if taken > shift.end_s:
            return None
        span = taken - shift.start_s
        return travel_s + span // SPAN_SHARE + LATE_WEIGHT * taken_late, gap

    def _time_with(self, order: Sequence[int], gap: int | None) -> Timed | None:
        """Times with the pause in the way to stop `gap` (len(order) is the way home)."""
        shift, duration, place, lunch = self.shift, self._duration, self._place, self._lunch
        if not order:
            return Timed(0, (), shift.start_s, None)
        now, at, travel_s, late_s = shift.start_s, shift.start_place, 0, 0
        break_s: int | None = None
        times: list[tuple[int, int, int]] = []
        for n, job in enumerate(order):
            leg = duration[at][place[job]]
            if leg == NO_WAY:
                return None
            travel_s += leg
            arrive = now + leg
            now = arrive
            if n == gap and lunch is not None:
                paused = pause(arrive - leg, leg, lunch)
                if paused is None:
                    return None
                now, break_s = paused
                arrive = arrive if break_s >= arrive else now
            start = _first_start(self._starts[job], now)
            if start >= UNPLACED:
                return None
            fixed = self._fixed[job]
            if fixed is not None:
                late_s += start - fixed
            leave = start + self._service[job]
            times.append((arrive, start, leave))
            now, at = leave, place[job]
        leg = duration[at][shift.end_place]
        if leg == NO_WAY:
            return None
        if gap == len(order) and lunch is not None:
            paused = pause(now, leg, lunch)
            if paused is None:
                return None
            now, break_s = paused
        else:
            now += leg
        if now > shift.end_s:
            return None
        cost = travel_s + leg + (now - shift.start_s) // SPAN_SHARE + LATE_WEIGHT * late_s
        return Timed(cost, tuple(times), now, break_s)

    def follow(self, order: Sequence[int]) -> tuple[list[tuple[int, int, bool]], int]:
        """What becomes of an order that is kept whatever happens: (start, leave, is_outside), end.

        A client whose hours are over is visited on arrival and marked; the shift may overrun. For
        showing how a day stands now, never for a plan.
        """
        now, at, lunch = self.shift.start_s, self.shift.start_place, self._lunch
        starts: list[tuple[int, int, bool]] = []
        for job in order:
            arrive = now + max(0, self._duration[at][self._place[job]])
            if lunch is not None and arrive >= lunch.earliest_s:
                arrive, lunch = max(arrive, lunch.earliest_s) + lunch.duration_s, None
            first = _first_start(self._starts[job], arrive)
            start = arrive if first >= UNPLACED else first
            now, at = start + self._service[job], self._place[job]
            starts.append((start, now, first >= UNPLACED))
        return starts, now + max(0, self._duration[at][self.shift.end_place]) if order else now

    def tour(self, order: Sequence[int], timed: Timed) -> Tour:
        """The full tour of a timed order; reasons are added by `rules.explain`."""
        stops, at = [], self.shift.start_place
        for job, (arrive, start, leave) in zip(order, timed.times, strict=True):
            to = self._place[job]
            fixed = self._fixed[job]
            stops.append(Stop(
                self.problem.jobs[job].id, arrive, start, leave, self._duration[at][to],
                self.ways.distance_m[at][to], self.ways.modes[at][to],
                0 if fixed is None else start - fixed,
            ))  # fmt: skip
            at = to
        home = self.shift.end_place
        return Tour(
            self.shift.id, self.shift.start_s, tuple(stops), timed.end_s,
            self._duration[at][home] if stops else 0, self.ways.distance_m[at][home] if stops else 0,
            self.ways.modes[at][home], timed.break_s,
        )  # fmt: skip


def due_break(shift: Shift) -> Break | None:
    """The pause, unless the shift starts too late for it."""
    lunch = shift.lunch
    return None if lunch is None or shift.start_s > lunch.latest_s else lunch


def pause(now: int, leg_s: int, lunch: Break) -> tuple[int, int] | None:
    """(arrival or readiness, pause start) when the pause falls between two stops.

    After arriving if there is still time for it, as that wastes least; else before leaving.
    """
    for begin, after in (
        (max(now + leg_s, lunch.earliest_s), 0),
        (max(now, lunch.earliest_s), leg_s),
    ):
        if begin <= lunch.latest_s:
            return begin + lunch.duration_s + after, begin
    return None


def may_do(job: Job, shift: Shift) -> bool:
    """Whether this rep may do the visit at all: named for it, and with the skills."""
    named = job.shifts is None or shift.id in job.shifts
    return named and job.skills <= shift.skills


def start_windows(job: Job) -> tuple[tuple[int, int], ...]:
    """When the visit may start: (from, to) inclusive, ascending.

    An appointment may start at its time or, late, at any later time; opening hours do not bind it,
    since a person agreed to it.
    """
    if job.fixed_s is not None:
        return ((job.fixed_s, UNPLACED - 1),)
    return tuple(
        (w.start_s, w.end_s - job.service_s)
        for w in job.windows
        if w.end_s - w.start_s >= job.service_s
    )


def _first_start(windows: tuple[tuple[int, int], ...], arrive_s: int) -> int:
    for begin, last in windows:
        if arrive_s <= last:
            return arrive_s if arrive_s > begin else begin
    return UNPLACED
