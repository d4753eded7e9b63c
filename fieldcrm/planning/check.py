"""Judges a plan without trusting whoever made it.

Written apart from the search and the timetable: it shares nothing with them but the model, recounts
every leg from the problem's own tables and every time from the stops as they stand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fieldcrm.planning.model import (
    CLOSED,
    DROP_REASONS,
    NO_POSITION,
    NO_ROUTE,
    NO_SHIFT,
    NO_TIME,
    OUTSIDE_SHIFT,
    SHIFT_OVER,
    WINDOW_TOO_SHORT,
    Job,
    Plan,
    Problem,
    Shift,
    Stop,
    Tour,
    Violation,
)


def check_plan(problem: Problem, plan: Plan) -> list[Violation]:
    """Every rule of the problem that the plan breaks; an empty list means that it may be saved."""
    found = list(_check_coverage(problem, plan))
    shifts = {s.id: s for s in problem.shifts}
    jobs = {j.id: j for j in problem.jobs}
    for tour in plan.tours:
        shift = shifts.get(tour.shift_id)
        if shift is None:
            found.append(Violation("unknown_shift", tour.shift_id))
            continue
        if all(s.job_id in jobs for s in tour.stops):
            found += _check_tour(problem, shift, tour, jobs)
    for dropped in plan.dropped:
        if dropped.job_id in jobs:
            found += _check_dropped(problem, plan, jobs[dropped.job_id], dropped.reason)
    return found + list(_check_budget(problem, plan))


def _check_coverage(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """Each job once, either placed or dropped; nothing done; each shift once."""
    known = {j.id for j in problem.jobs}
    done = {i for s in problem.shifts for i in s.done}
    named = Counter(s.job_id for t in plan.tours for s in t.stops)
    named.update(d.job_id for d in plan.dropped)
    for job_id, count in named.items():
        if job_id in done:
            yield Violation("done_touched", job_id)
        elif job_id not in known:
            yield Violation("unknown_job", job_id)
        if count > 1:
            yield Violation("job_twice", job_id)
    for job_id in known - named.keys():
        yield Violation("job_missing", job_id)
    tours = Counter(t.shift_id for t in plan.tours)
    for shift in problem.shifts:
        if tours[shift.id] != 1:
            yield Violation("shift_not_once", shift.id)


def _check_tour(
    problem: Problem, shift: Shift, tour: Tour, jobs: dict[str, Job]
) -> Iterator[Violation]:
    if tour.start_s < shift.start_s:
        yield Violation("starts_before_shift", shift.id)
    if tour.stops and tour.end_s > shift.end_s:
        yield Violation("ends_after_shift", shift.id, f"{tour.end_s} > {shift.end_s}")
    free_from, at = tour.start_s, shift.start_place
    for stop in tour.stops:
        job = jobs[stop.job_id]
        yield from _check_right(shift, job)
        if job.place is None:
            yield Violation("no_position", job.id)
            continue
        yield from _check_leg(problem, shift, at, job.place, stop.job_id,
                              (stop.travel_s, stop.travel_m, stop.mode))  # fmt: skip
        yield from _check_times(job, stop, free_from, _paused(tour, shift, free_from, stop.start_s))
        free_from, at = stop.leave_s, job.place
    if tour.stops:
        yield from _check_leg(problem, shift, at, shift.end_place, shift.id,
                              (tour.home_travel_s, tour.home_travel_m, tour.home_mode))  # fmt: skip
        pause_s = _paused(tour, shift, free_from, tour.end_s)
        if tour.end_s < free_from + tour.home_travel_s + pause_s:
            yield Violation("home_too_soon", shift.id)
        yield from _check_break(shift, tour)


def _check_right(shift: Shift, job: Job) -> Iterator[Violation]:
    if job.shifts is not None and shift.id not in job.shifts:
        yield Violation("wrong_rep", job.id, shift.id)
    if not job.skills <= shift.skills:
        yield Violation("skill_missing", job.id, ", ".join(sorted(job.skills - shift.skills)))


def _true_leg(problem: Problem, shift: Shift, a: int, b: int) -> tuple[int, int, str] | None:
    """(seconds, metres, mode) the roads give: by the rep's mode, else on foot; None if neither."""
    for mode in (shift.mode, "foot"):
        travel = problem.travel.get(mode)
        if travel is not None and travel.duration_s[a][b] >= 0:
            return travel.duration_s[a][b], travel.distance_m[a][b], mode
    return None


def _check_leg(
    problem: Problem, shift: Shift, a: int, b: int, subject: str, told: tuple[int, int, str]
) -> Iterator[Violation]:
    truth = _true_leg(problem, shift, a, b)
    if truth is None:
        yield Violation("no_way", subject)
    elif told[2] != truth[2]:
        yield Violation("wrong_mode", subject, f"{told[2]}, the roads say {truth[2]}")
    elif told != truth:
        yield Violation("wrong_travel", subject, f"{told[:2]}, the roads say {truth[:2]}")


def _check_times(job: Job, stop: Stop, free_from: int, pause_s: int) -> Iterator[Violation]:
    """Travel takes its time, the pause too, the visit lasts, and the client is there."""
    if stop.arrive_s < free_from + stop.travel_s:
        yield Violation("arrives_too_soon", job.id)
    if stop.start_s < free_from + stop.travel_s + pause_s or stop.start_s < stop.arrive_s:
        yield Violation("starts_too_soon", job.id)
    if stop.leave_s - stop.start_s != job.service_s:
        yield Violation("wrong_length", job.id, f"{stop.leave_s - stop.start_s} s")
    if job.fixed_s is not None:
        yield from _check_appointment(job, stop)
    elif not any(w.start_s <= stop.start_s and stop.leave_s <= w.end_s for w in job.windows):
        yield Violation("outside_window", job.id, f"{stop.start_s}-{stop.leave_s}")


def _check_appointment(job: Job, stop: Stop) -> Iterator[Violation]:
    assert job.fixed_s is not None
    if stop.start_s < job.fixed_s:
        yield Violation("before_appointment", job.id)
    if stop.late_s != stop.start_s - job.fixed_s:
        yield Violation("lateness_hidden", job.id, f"{stop.late_s}")
    if stop.late_s > 0 and stop.start_s > stop.arrive_s and stop.arrive_s <= job.fixed_s:
        yield Violation("late_without_need", job.id)


def _paused(tour: Tour, shift: Shift, start_s: int, end_s: int) -> int:
    """Seconds of the pause that begin in [start_s, end_s)."""
    begins = tour.break_start_s
    if shift.lunch is None or begins is None or not start_s <= begins < end_s:
        return 0
    return shift.lunch.duration_s


def _check_break(shift: Shift, tour: Tour) -> Iterator[Violation]:
    lunch, begins = shift.lunch, tour.break_start_s
    if lunch is None:
        if begins is not None:
            yield Violation("break_unknown", shift.id)
        return
    if begins is None:
        if tour.start_s <= lunch.latest_s and tour.end_s > lunch.latest_s:
            yield Violation("break_missing", shift.id)
        return
    if not lunch.earliest_s <= begins <= lunch.latest_s:
        yield Violation("break_outside_window", shift.id, str(begins))
    if not tour.start_s <= begins <= tour.end_s - lunch.duration_s:
        yield Violation("break_outside_shift", shift.id, str(begins))
    ends = begins + lunch.duration_s
    for stop in tour.stops:
        if stop.start_s < ends and begins < stop.leave_s:
            yield Violation("break_in_visit", stop.job_id)


def _check_dropped(problem: Problem, plan: Plan, job: Job, reason: str) -> Iterator[Violation]:
    """A reason must be one that has a name, and true."""
    if reason not in DROP_REASONS:
        yield Violation("unnamed_reason", job.id, reason)
    elif reason not in _true_reasons(problem, job):
        yield Violation("false_reason", job.id, reason)
    elif job.is_locked and reason in (NO_TIME, SHIFT_OVER, OUTSIDE_SHIFT, CLOSED):
        yield Violation("locked_dropped", job.id, reason)
    elif reason == NO_TIME and problem.budget is None and _fits_as_is(problem, plan, job):
        yield Violation("left_out_though_it_fits", job.id)


def _true_reasons(problem: Problem, job: Job) -> set[str]:
    """The reasons that the problem's own data bear out for leaving a job out."""
    if job.fixed_s is None and not job.windows:
        return {CLOSED}
    if job.place is None:
        return {NO_POSITION}
    reps = [s for s in problem.shifts if not list(_check_right(s, job))]
    if not reps:
        return {NO_SHIFT}
    if job.fixed_s is None and all(w.end_s - w.start_s < job.service_s for w in job.windows):
        return {WINDOW_TOO_SHORT}
    trips = [trip for s in reps if (trip := _round_trip(problem, s, job.place))]
    if not trips:
        return {NO_ROUTE}
    if all(s.start_s + there + job.service_s + back > s.end_s for s, there, back in trips):
        return {SHIFT_OVER}
    if not any(_can_meet(job, *trip) for trip in trips):
        return {OUTSIDE_SHIFT}
    return {NO_TIME}


def _round_trip(problem: Problem, shift: Shift, place: int) -> tuple[Shift, int, int] | None:
    there = _true_leg(problem, shift, shift.start_place, place)
    back = _true_leg(problem, shift, place, shift.end_place)
    return (shift, there[0], back[0]) if there and back else None


def _can_meet(job: Job, shift: Shift, there_s: int, back_s: int) -> bool:
    """Whether the client is there at a time when the rep could be, with nothing else to do."""
    earliest, latest = shift.start_s + there_s, shift.end_s - back_s - job.service_s
    if job.fixed_s is not None:
        return max(earliest, job.fixed_s) <= latest
    return any(
        max(earliest, w.start_s) <= min(latest, w.end_s - job.service_s) for w in job.windows
    )


def _fits_as_is(problem: Problem, plan: Plan, job: Job) -> bool:
    """Whether a gap of the plan would take the visit with no other stop moved by a second."""
    places = {j.id: j.place for j in problem.jobs}
    for shift in problem.shifts:
        tours = [t for t in plan.tours if t.shift_id == shift.id]
        if not tours or list(_check_right(shift, job)):
            continue
        ends = [(shift.start_place, tours[0].start_s)]
        ends += [(places.get(s.job_id), s.leave_s) for s in tours[0].stops]
        begins = [(places.get(s.job_id), s.start_s) for s in tours[0].stops]
        begins += [(shift.end_place, shift.end_s if not tours[0].stops else tours[0].end_s)]
        for (a, free_from), (b, busy_from) in zip(ends, begins, strict=True):
            if (
                a is not None
                and b is not None
                and (_fits_between(problem, shift, tours[0], job, (a, free_from), (b, busy_from)))
            ):
                return True
    return False


def _fits_between(
    problem: Problem, shift: Shift, tour: Tour, job: Job, a: tuple[int, int], b: tuple[int, int]
) -> bool:
    if _paused(tour, shift, a[1], b[1]) or (not tour.stops and shift.lunch is not None):
        return False  # the pause lies here; not worth the exact answer
    assert job.place is not None
    there = _true_leg(problem, shift, a[0], job.place)
    on = _true_leg(problem, shift, job.place, b[0])
    if there is None or on is None:
        return False
    earliest, latest = a[1] + there[0], b[1] - on[0] - job.service_s
    if job.fixed_s is not None:
        return max(earliest, job.fixed_s) <= latest
    return any(
        max(earliest, w.start_s) <= min(latest, w.end_s - job.service_s) for w in job.windows
    )


def _check_budget(problem: Problem, plan: Plan) -> Iterator[Violation]:
    """No more stops taken out and put elsewhere than the budget allows."""
    if problem.budget is None:
        return
    placed = {s.job_id: t.shift_id for t in plan.tours for s in t.stops}
    moved = 0
    for shift_id, order in problem.before.items():
        after = [s.job_id for t in plan.tours if t.shift_id == shift_id for s in t.stops]
        here = [i for i in order if i in placed]
        rank = {job_id: n for n, job_id in enumerate(here)}
        kept = _longest_rising([rank[i] for i in after if i in rank])
        moved += len(here) - kept
    if moved > problem.budget:
        yield Violation("over_budget", "plan", f"{moved} > {problem.budget}")


def _longest_rising(ranks: list[int]) -> int:
    """Length of the longest rising subsequence (patience sorting)."""
    from bisect import bisect_left

    tails: list[int] = []
    for rank in ranks:
        at = bisect_left(tails, rank)
        tails[at : at + 1] = [rank]
    return len(tails)
