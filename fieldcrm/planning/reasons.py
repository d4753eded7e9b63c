"""Why a visit stands where it does, what it would cost elsewhere, and why one is left out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fieldcrm.planning import rules
from fieldcrm.planning.model import (
    CLOSED,
    NO_POSITION,
    NO_ROUTE,
    NO_SHIFT,
    NO_TIME,
    OUTSIDE_SHIFT,
    SHIFT_OVER,
    WINDOW_TOO_SHORT,
    Job,
    Stop,
    Tour,
)
from fieldcrm.planning.timing import Timetable, may_do, start_windows

if TYPE_CHECKING:
    from fieldcrm.planning.board import Board, Draft

APPOINTMENT, HOURS, NO_HOURS = "appointment", "hours", "no_hours"
"""What decides when a stop can be: catalogue `planning.why.<code>`."""


def explain(board: Board, draft: Draft, tours: tuple[Tour, ...]) -> tuple[Tour, ...]:
    """The tours with a reason on each stop."""
    return tuple(
        replace(tour, stops=tuple(
            replace(stop, reason=_why_here(board, draft, shift, index, stop))
            for index, stop in enumerate(tour.stops)
        ))
        for shift, tour in enumerate(tours)
    )  # fmt: skip


def _why_here(board: Board, draft: Draft, shift: int, index: int, stop: Stop) -> dict[str, Any]:
    """{code, window_s, wait_s, detour_s, elsewhere_s}: what it adds to the day, and elsewhere."""
    order = draft.orders[shift]
    job = board.problem.jobs[order[index]]
    detour_s = board.removal_gain(shift, order, index)
    return {
        "code": _window_code(job),
        "window_s": _window_used(job, stop),
        "wait_s": stop.start_s - stop.arrive_s,
        "detour_s": detour_s,
        "elsewhere_s": _cost_elsewhere(board, shift, order, index, detour_s),
    }


def _window_code(job: Job) -> str:
    if job.fixed_s is not None:
        return APPOINTMENT
    return HOURS if job.hours == rules.OPEN else NO_HOURS


def _window_used(job: Job, stop: Stop) -> list[int] | None:
    if job.hours != rules.OPEN or job.fixed_s is not None:
        return None
    inside = (w for w in job.windows if w.start_s <= stop.start_s and stop.leave_s <= w.end_s)
    return next(([w.start_s, w.end_s] for w in inside), None)


def _cost_elsewhere(
    board: Board, shift: int, order: tuple[int, ...], index: int, detour_s: int | None
) -> int | None:
    """Seconds by which the day's next best place for this stop is dearer; None if there is none."""
    rest = (*order[:index], *order[index + 1 :])
    base = board.order_cost(shift, rest)
    if base is None or detour_s is None:
        return None
    costs = [
        cost - base
        for at in range(len(rest) + 1)
        if at != index
        and (cost := board.order_cost(shift, (*rest[:at], order[index], *rest[at:]))) is not None
    ]
    return min(costs) - detour_s if costs else None


def why_out(board: Board, draft: Draft, job_index: int) -> tuple[str, dict[str, Any]]:
    """(named reason, params) for a job that is not placed."""
    job = board.problem.jobs[job_index]
    if not job.windows and job.fixed_s is None:
        return CLOSED, {}
    if job.place is None:
        return NO_POSITION, {}
    mine = [t for t in board.tables if may_do(job, t.shift)]
    if not mine:
        return NO_SHIFT, {}
    if not start_windows(job):
        longest = max(w.end_s - w.start_s for w in job.windows)
        return WINDOW_TOO_SHORT, {"minutes": longest // 60, "needed": job.service_s // 60}
    reaching = [t for t in mine if t.reaches(job.place)]
    if not reaching:
        return NO_ROUTE, {}
    if all(_is_over(t, job) for t in reaching):
        return SHIFT_OVER, {}
    if not any(_meets_shift(t, job) for t in reaching):
        return OUTSIDE_SHIFT, {}
    return NO_TIME, {}


def _is_over(table: Timetable, job: Job) -> bool:
    """Whether the rest of the shift is too short to go there, visit and go home."""
    return _free_from(table, job) > table.shift.end_s


def _free_from(table: Timetable, job: Job) -> int:
    """When the rep could be home after this visit alone, were the client always open."""
    row = table.ways.duration_s
    there, home = (
        row[table.shift.start_place][job.place or 0],
        row[job.place or 0][table.shift.end_place],
    )
    return table.shift.start_s + there + job.service_s + home


def _meets_shift(table: Timetable, job: Job) -> bool:
    """Whether a window leaves time for the visit between the way there and the way home."""
    row = table.ways.duration_s
    arrive = table.shift.start_s + row[table.shift.start_place][job.place or 0]
    last = table.shift.end_s - row[job.place or 0][table.shift.end_place] - job.service_s
    return any(max(begin, arrive) <= min(until, last) for begin, until in start_windows(job))
