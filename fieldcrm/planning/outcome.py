"""A plan in the words of a proposal: what each rep's day is now, what it would be, what changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fieldcrm.planning import rules
from fieldcrm.planning.model import Plan, Problem, Shift, Stop, Tour
from fieldcrm.planning.timing import Timetable

if TYPE_CHECKING:
    from fieldcrm.planning.dayfacts import DayFacts
    from fieldcrm.visits.tables import Visit

LATE_MIN = 10
"""A stop that starts so long after its planned time counts as a late arrival."""
EARLY_MIN = 5
"""A stop that comes sooner than planned by this gets the sooner time as its plan."""
NOTABLE_MIN = 3
"""A new time that differs by less is not worth telling."""

Line = Callable[[str, Sequence[tuple[float, float]]], list[list[float]]]
"""(mode, points) -> [[lat, lng], ...] along the roads."""


def before(problem: Problem, facts: DayFacts) -> dict[str, Any]:
    """Each rep's day if nothing is changed: {rep_id: {stops, drive_s, distance_m, late, ends_at}}."""
    return {shift.id: _before(problem, shift, facts) for shift in problem.shifts}


def _before(problem: Problem, shift: Shift, facts: DayFacts) -> dict[str, Any]:
    index = {job.id: n for n, job in enumerate(problem.jobs)}
    table = Timetable(problem, shift)
    visits = {v.id: v for v in facts.planned[shift.id]}
    order = [i for v in visits if (i := index[v]) in table.reachable]
    starts, end_s = table.follow(order)
    stops = [
        _told(visits[problem.jobs[i].id], facts, problem, start, leave, is_outside)
        for i, (start, leave, is_outside) in zip(order, starts, strict=True)
    ]
    return {
        "stops": stops, **table.travelled(order), "late": sum(s["is_late"] for s in stops),
        "ends_at": moment(problem, end_s),
    }  # fmt: skip


def _told(
    visit: Visit, facts: DayFacts, problem: Problem, start_s: int, leave_s: int, is_outside: bool
) -> dict[str, Any]:
    start = problem.origin + timedelta(seconds=start_s)
    return {
        "visit_id": visit.id, "client_id": visit.client_id, "client_name": facts.name(visit),
        "position": visit.position, "start_at": iso(start), "leave_at": moment(problem, leave_s),
        "planned_at": iso(visit.planned_at), "is_locked": visit.is_locked,
        "is_late": is_outside or is_late(visit.planned_at, start), "is_outside_hours": is_outside,
    }  # fmt: skip


def is_late(planned_at: datetime | None, start: datetime) -> bool:
    return planned_at is not None and start > planned_at + timedelta(minutes=LATE_MIN)


def after(problem: Problem, plan: Plan, facts: DayFacts, line: Line) -> dict[str, Any]:
    """Each rep's day by the plan, with its way along the roads and what is left out."""
    visits = {v.id: v for mine in facts.planned.values() for v in mine}
    found = {
        tour.shift_id: _after(problem, shift, tour, plan, visits, facts, line)
        for shift, tour in zip(problem.shifts, plan.tours, strict=True)
    }
    idle = {r.id: _idle(problem, r.id, plan, visits, facts) for r in facts.reps}
    return idle | found


def _idle(
    problem: Problem, rep_id: str, plan: Plan, visits: dict[str, Visit], facts: DayFacts
) -> dict[str, Any]:
    """The day of a rep who does not work: whatever he has is left out, and said."""
    return {
        "stops": [], "dropped": _dropped(problem, plan, rep_id, visits, facts), "drive_s": 0,
        "distance_m": 0, "late": 0, "ends_at": None, "starts_at": None, "break_at": None,
        "home": None, "on_foot": 0, "line": [],
    }  # fmt: skip


def _after(
    problem: Problem, shift: Shift, tour: Tour, plan: Plan, visits: dict[str, Visit],
    facts: DayFacts, line: Line,
) -> dict[str, Any]:  # fmt: skip
    first = _next_position(facts.kept.get(shift.id, []))
    pauses = pause_minutes(shift, tour)
    stops = [
        _stop(problem, stop, visits[stop.job_id], first + n, facts) | {"pause_min": pauses[n]}
        for n, stop in enumerate(tour.stops)
    ]
    pause_s = tour.break_start_s
    return {
        "stops": stops, "dropped": _dropped(problem, plan, shift.id, visits, facts),
        "drive_s": tour.travel_s, "distance_m": tour.travel_m,
        "late": 0, "ends_at": moment(problem, tour.end_s),
        "starts_at": moment(problem, tour.start_s),
        "break_at": None if pause_s is None else moment(problem, pause_s),
        "home": {"travel_s": tour.home_travel_s, "travel_m": tour.home_travel_m,
                 "mode": tour.home_mode},
        "on_foot": sum(s.mode != shift.mode for s in tour.stops),
        "line": way(problem, shift, tour, line),
    }  # fmt: skip


def pause_minutes(shift: Shift, tour: Tour) -> list[int]:
    """Minutes of break right before each stop of a tour; all 0 where it comes after the last."""
    begins = tour.break_start_s
    minutes = [0] * len(tour.stops)
    if shift.lunch is not None and begins is not None:
        after = [n for n, stop in enumerate(tour.stops) if stop.start_s > begins]
        for n in after[:1]:
            minutes[n] = shift.lunch.duration_s // 60
    return minutes


def _next_position(kept: Sequence[Visit]) -> int:
    return max([v.position for v in kept], default=0) + 1


def _stop(
    problem: Problem, stop: Stop, visit: Visit, position: int, facts: DayFacts
) -> dict[str, Any]:
    start = problem.origin + timedelta(seconds=stop.start_s)
    return {
        "visit_id": visit.id, "client_id": visit.client_id, "client_name": facts.name(visit),
        "position": position, "was_position": visit.position, "was_rep_id": visit.rep_id,
        "planned_at": iso(visit.planned_at), "is_locked": visit.is_locked,
        "arrive_at": moment(problem, stop.arrive_s), "start_at": iso(start),
        "leave_at": moment(problem, stop.leave_s), "travel_s": stop.travel_s,
        "travel_m": stop.travel_m, "mode": stop.mode, "late_s": stop.late_s,
        "reason": reason(problem, stop.reason),
    }  # fmt: skip


def reason(problem: Problem, found: dict[str, Any]) -> dict[str, Any]:
    """A stop's reason as it is kept: the window as moments, durations as minutes."""
    window = found.get("window_s")
    told = {
        "code": found["code"], "wait_min": round(found["wait_s"] / 60),
        "detour_min": _minutes(found["detour_s"]), "elsewhere_min": _minutes(found["elsewhere_s"]),
    }  # fmt: skip
    if window:
        told |= {"opens_at": moment(problem, window[0]), "closes_at": moment(problem, window[1])}
    return told


def _minutes(seconds: int | None) -> int | None:
    return None if seconds is None else round(seconds / 60)


def _dropped(
    problem: Problem, plan: Plan, rep_id: str, visits: dict[str, Visit], facts: DayFacts
) -> list[dict[str, Any]]:
    """What is left out of a rep's day; a visit that several may do is told at its present rep."""
    may = {job.id: job.shifts for job in problem.jobs}
    mine = [
        d for d in plan.dropped
        if may[d.job_id] == frozenset([rep_id])
        or (len(may[d.job_id] or ()) != 1 and visits[d.job_id].rep_id == rep_id)
    ]  # fmt: skip
    return [
        {"visit_id": d.job_id, "client_id": visits[d.job_id].client_id,
         "client_name": facts.name(visits[d.job_id]), "reason": d.reason, "params": d.params}
        for d in mine
    ]  # fmt: skip


def way(problem: Problem, shift: Shift, tour: Tour, line: Line) -> list[list[float]]:
    """The way through a tour and home, each leg by the mode it is made with."""
    if not tour.stops:
        return []
    places = {job.id: job.place for job in problem.jobs}
    at = [shift.start_place, *(places[s.job_id] or 0 for s in tour.stops), shift.end_place]
    modes = [*(s.mode for s in tour.stops), tour.home_mode]
    drawn: list[list[float]] = []
    for mode, a, b in zip(modes, at, at[1:], strict=False):
        if a != b:
            drawn += line(mode, [problem.places[a], problem.places[b]])
    return drawn


def set_baselines(kind: str, before_all: dict[str, Any], after_all: dict[str, Any]) -> None:
    """Write on each stop the planned time that applying gives it, and who is late against that.

    What the proposal itself delays gets a later planned time, for somebody agrees to it by
    applying; how late the rep is already stays visible.
    """
    moved = rules.moved_ids(_orders(before_all), _orders(after_all))
    was = {s["visit_id"]: s for day in before_all.values() for s in day["stops"]}
    for rep_id, day in after_all.items():
        for stop in day["stops"]:
            is_new = kind == "plan_days" or stop["visit_id"] in moved or (
                stop["was_rep_id"] != rep_id
            )  # fmt: skip
            stop["baseline_at"] = _baseline(stop, was.get(stop["visit_id"]), is_new)
            start, planned = (datetime.fromisoformat(stop[k]) for k in ("start_at", "baseline_at"))
            stop["is_late"] = is_late(planned, start)
        day["late"] = sum(s["is_late"] for s in day["stops"])


def _baseline(stop: dict[str, Any], was: dict[str, Any] | None, is_new: bool) -> str:
    planned, start = stop["planned_at"], datetime.fromisoformat(stop["start_at"])
    if planned is not None and stop["is_locked"]:
        return planned
    if planned is None or is_new or was is None:
        return stop["start_at"]
    agreed = datetime.fromisoformat(planned)
    delayed = start - datetime.fromisoformat(was["start_at"])
    if delayed >= timedelta(minutes=NOTABLE_MIN):
        return iso(agreed + delayed) or planned
    return stop["start_at"] if start < agreed - timedelta(minutes=EARLY_MIN) else planned


def changes(before_all: dict[str, Any], after_all: dict[str, Any]) -> list[dict[str, Any]]:
    """What is different, one entry a visit that is: moved, later, earlier or dropped."""
    moved = rules.moved_ids(_orders(before_all), _orders(after_all))
    was = {s["visit_id"]: (rep, s) for rep, day in before_all.items() for s in day["stops"]}
    found = [
        _change(rep, stop, was.get(stop["visit_id"]), moved)
        for rep, day in after_all.items() for stop in day["stops"]
    ]  # fmt: skip
    dropped = [
        {"visit_id": d["visit_id"], "client_name": d["client_name"], "change": "dropped",
         "rep_id": rep, "reason": d["reason"], "params": d["params"]}
        for rep, day in after_all.items() for d in day["dropped"]
    ]  # fmt: skip
    return [c for c in found if c["change"] != "same"] + dropped


def _orders(days: dict[str, Any]) -> dict[str, list[str]]:
    return {rep: [s["visit_id"] for s in day["stops"]] for rep, day in days.items()}


def _change(
    rep_id: str, stop: dict[str, Any], was: tuple[str, dict[str, Any]] | None, moved: frozenset[str]
) -> dict[str, Any]:  # fmt: skip
    told = {
        "visit_id": stop["visit_id"], "client_name": stop["client_name"], "rep_id": rep_id,
        "was_rep_id": stop["was_rep_id"], "position": stop["position"],
        "was_position": stop["was_position"], "at": stop["start_at"],
        "was_at": was[1]["start_at"] if was else None,
    }  # fmt: skip
    return {**told, "change": _kind_of_change(rep_id, stop, was, moved)}


def _kind_of_change(
    rep_id: str, stop: dict[str, Any], was: tuple[str, dict[str, Any]] | None, moved: frozenset[str]
) -> str:  # fmt: skip
    if stop["was_rep_id"] != rep_id:
        return "other_rep"
    if was is None:
        return "added"
    if stop["visit_id"] in moved:
        return "moved"
    gap = datetime.fromisoformat(stop["start_at"]) - datetime.fromisoformat(was[1]["start_at"])
    if abs(gap) < timedelta(minutes=NOTABLE_MIN):
        return "same"
    return "later" if gap > timedelta(0) else "earlier"


def summary(before_all: dict[str, Any], after_all: dict[str, Any]) -> dict[str, Any]:
    """The figures a person decides by; minutes saved are of travel."""
    told = changes(before_all, after_all)
    saved_s = sum(d["drive_s"] for d in before_all.values())
    saved_s -= sum(d["drive_s"] for d in after_all.values())
    return {
        "stops_moved": sum(c["change"] in ("moved", "other_rep") for c in told),
        "minutes_saved": round(saved_s / 60),
        "dropped": sum(c["change"] == "dropped" for c in told),
        "late_before": sum(d["late"] for d in before_all.values()),
        "late_after": sum(d["late"] for d in after_all.values()),
        "changes": told,
    }  # fmt: skip


def moment(problem: Problem, seconds: int) -> str:
    """A time of the problem as ISO 8601."""
    return (problem.origin + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
