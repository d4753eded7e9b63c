"""A cycle's plan put into force and written down, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, feed, ids
from fieldcrm.people.model import Actor
from fieldcrm.planning import cycle_store, outcome, store
from fieldcrm.planning.cycle_outcome import KEPT, NEW
from fieldcrm.planning.model import ProposalStale
from fieldcrm.planning.tables import CycleBaseline, DayPlan, Proposal
from fieldcrm.visits import store as visit_store
from fieldcrm.visits import together
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit
from fieldcrm.visits.together import Report

REASON = "cycle_plan"
BEGUN = ("under_way", "closed")
Stop = dict[str, Any]
"""A visit of a day as its proposal tells it (`cycle_outcome`)."""


@dataclass(frozen=True)
class Step:
    """One visit that the plan makes, moves or takes away, and how it is asked for."""

    request: MoveRequest
    was: Visit | None
    stop: Stop | None = None
    """None where the visit is taken away."""


@dataclass(frozen=True)
class Standing:
    """The span's visits as the plan comes into force."""

    rows: dict[str, Visit]
    """Those that the plan was made of, by id."""
    left: frozenset[str]
    """Moved, locked, begun, made or called off since the plan was made: nobody touches them."""


def apply_in(session: Session, actor: Actor, found: Proposal, report: Report | None = None) -> None:
    """Visits made, moved and taken away as the plan says; what moved on meanwhile stays as it is.

    `report` hears how many visits are written. Raises ProposalStale when the span has begun, when
    something was planned beside the plan, or where a visit that moved on meets its client's other
    one on a day.
    """
    if found.day <= clock.local(clock.now()).date():
        raise ProposalStale()
    standing = standing_in(session, found)
    steps = [*_placed(found, standing), *_taken_away(found, standing)]
    undo = {s.request.visit_id: _as_was(s) for s in steps}
    rows = together.apply_moves(session, actor, [s.request for s in steps], report)
    for step in steps:
        row = rows[step.request.visit_id]
        if step.stop is not None and step.stop["kind"] != KEPT:
            _write_way(row, step.stop)
        undo[row.id]["version_after"] = row.version
    made = {id(s.stop): s.request.visit_id for s in steps if s.stop is not None}
    _save_day_plans(session, actor, found, {**standing.rows, **rows}, made)
    found.summary = {**found.summary, "undo": undo, "untouched": sorted(standing.left)}


# ---- what stands ----


def standing_in(session: Session, found: Proposal) -> Standing:
    """The span's visits as they are now, and which of them moved on; raises ProposalStale."""
    last = date.fromisoformat(found.request["until"])
    planned = cycle_store.span_visits(session, found.rep_ids, found.day, last)
    versions: dict[str, int] = found.summary["versions"]
    rows = visit_store.visits_for_writing(session, versions)
    wanted = _changed_by(found)
    left = frozenset(
        i for i, version in versions.items()
        if i not in rows or rows[i].version != version or rows[i].state != "planned"
        or (rows[i].is_locked and i in wanted)
    )  # fmt: skip
    successors = {rows[i].moved_to_id for i in left if i in rows}
    beside = [v for v in planned if v.id not in versions]
    if any(v.id not in successors for v in beside):
        raise ProposalStale()
    alive = [rows[i] for i in left if i in rows and rows[i].state in ("planned", *BEGUN)]
    if _is_twice_a_day(found, left, [*alive, *beside]):
        raise ProposalStale()
    return Standing(rows, left)


def _stops(found: Proposal) -> Iterator[tuple[str, date, int, Stop]]:
    """(rep, day, place in the order, stop) of the whole plan."""
    for rep_id, plan in found.after.items():
        for text, told in plan["days"].items():
            for place, stop in enumerate(told["stops"], 1):
                yield rep_id, date.fromisoformat(text), stop.get("position", place), stop


def _changed_by(found: Proposal) -> set[str]:
    """Visits that the plan wouldn't leave as they are."""
    moved = {stop["visit_id"] for *_, stop in _stops(found) if stop["kind"] != KEPT}
    away = {r["visit_id"] for plan in found.after.values() for r in plan["removed"]}
    return moved | away


def _is_twice_a_day(found: Proposal, left: frozenset[str], moved_on: list[Visit]) -> bool:
    """Whether a client would be visited twice a day: by the plan, and by a visit that moved on."""
    taken = {(v.rep_id, v.day, v.client_id) for v in moved_on}
    return any(
        (rep_id, day, stop["client_id"]) in taken
        for rep_id, day, _, stop in _stops(found) if stop["visit_id"] not in left
    )  # fmt: skip


# ---- what is asked for ----


def _placed(found: Proposal, standing: Standing) -> Iterator[Step]:
    """Every stop that isn't as the plan has it; of a kept one only its place in the order follows."""
    for rep_id, day, position, stop in _stops(found):
        row = standing.rows.get(stop["visit_id"] or "")
        if stop["kind"] == NEW:
            yield _new(rep_id, day, position, stop)
        elif row is not None and row.id not in standing.left:
            start = None if stop["kind"] == KEPT else _moment(stop["start_at"])
            is_there = (row.rep_id, row.day, row.position) == (rep_id, day, position)
            is_as_told = start is None or (start, stop["travel_s"]) == (
                row.planned_at,
                row.travel_s,
            )
            if not is_there or not is_as_told:
                yield _moved(row, rep_id, day, position, stop, start)


def _new(rep_id: str, day: date, position: int, stop: Stop) -> Step:
    request = MoveRequest(
        ids.new_id(), "plan", at=clock.now(), rep_id=rep_id, client_id=stop["client_id"], day=day,
        order=position, planned_at=_moment(stop["start_at"]), planned_minutes=stop["minutes"],
        reason=REASON,
    )  # fmt: skip
    return Step(request, None, stop)


def _moved(
    row: Visit, rep_id: str, day: date, position: int, stop: Stop, start: datetime | None
) -> Step:
    is_kept = stop["kind"] == KEPT
    request = MoveRequest(
        row.id, "assign", at=clock.now(), order=position, reason=REASON, planned_at=start,
        day=None if is_kept or row.day == day else day,
        rep_id=None if is_kept or row.rep_id == rep_id else rep_id,
    )  # fmt: skip
    return Step(request, row, stop)


def _taken_away(found: Proposal, standing: Standing) -> Iterator[Step]:
    for plan in found.after.values():
        for removed in plan["removed"]:
            row = standing.rows.get(removed["visit_id"])
            if row is not None and row.id not in standing.left:
                yield Step(MoveRequest(row.id, "cancel", at=clock.now(), reason=REASON), row)


def _as_was(step: Step) -> dict[str, Any]:
    row = step.was
    if row is None:
        return {"made": True}
    old = {
        "rep_id": row.rep_id, "day": row.day.isoformat(), "position": row.position,
        "planned_at": outcome.iso(row.planned_at), "expected_at": outcome.iso(row.expected_at),
        "travel_s": row.travel_s, "travel_m": row.travel_m, "plan_reason": row.plan_reason,
        "pause_min": row.pause_min, "travel_mode": row.travel_mode,
    }  # fmt: skip
    return old | ({"taken_away": True} if step.stop is None else {})


def _write_way(row: Visit, stop: Stop) -> None:
    """What a move doesn't say: when to be expected, the way there, why it is here."""
    row.expected_at, row.pause_min = row.planned_at, 0
    row.travel_s, row.travel_m = stop["travel_s"], stop["travel_m"]
    row.travel_mode = stop["mode"]
    row.plan_reason = {"code": REASON, "from": stop["from"]}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


# ---- the days' own plans ----


def _save_day_plans(
    session: Session, actor: Actor, found: Proposal, rows: dict[str, Visit], made: dict[int, str]
) -> None:
    """A day's plan follows where one stands already; the others are planned when their day comes."""
    last = date.fromisoformat(found.request["until"])
    standing = {
        (p.rep_id, p.day) for p in store.newest_plans(session, found.rep_ids, found.day, last)
    }
    for rep_id, plan in found.after.items():
        for text, told in plan["days"].items():
            is_kept = all(stop["kind"] == KEPT for stop in told["stops"])
            if (rep_id, date.fromisoformat(text)) in standing and not is_kept:
                _save_day_plan(session, actor, found, rep_id, text, told, rows, made)


def _save_day_plan(
    session: Session, actor: Actor, found: Proposal, rep_id: str, text: str, told: dict[str, Any],
    rows: dict[str, Visit], made: dict[int, str],
) -> None:  # fmt: skip
    day = date.fromisoformat(text)
    named = [(made.get(id(s)) or s["visit_id"], s) for s in told["stops"]]
    kept = [(rows[i], s) for i, s in named if (rows[i].rep_id, rows[i].day) == (rep_id, day)]
    store.save_day_plan(session, DayPlan(
        id=ids.new_id(), rep_id=rep_id, day=day, dropped=[], line=[],
        stops=[_plan_stop(row, stop, n) for n, (row, stop) in enumerate(kept, 1)],
        drive_s=told["drive_s"], distance_m=told["drive_m"],
        solver={**found.summary.get("solver", {}), "proposal_id": found.id, "checked": []},
        created_by=actor.user_id or None, created_at=clock.now(),
    ))  # fmt: skip
    feed.touch(session, "plan", text, rep_ids=[rep_id], team_id=found.team_id)


def _plan_stop(row: Visit, stop: Stop, position: int) -> dict[str, Any]:
    start = _moment(stop["start_at"]) or row.planned_at
    leave = start and start + timedelta(minutes=stop["minutes"])
    return {
        "visit_id": row.id, "position": position, "arrive_at": outcome.iso(start),
        "start_at": outcome.iso(start), "leave_at": outcome.iso(leave),
        "travel_s": stop["travel_s"], "travel_m": stop["travel_m"], "mode": stop["mode"],
        "reason": {"code": REASON},
    }  # fmt: skip


# ---- written down ----


def write_down(session: Session, actor: Actor, found: Proposal) -> CycleBaseline:
    """The plan as it was approved, as the team's next version."""
    days = {
        rep_id: {day: [s["client_id"] for s in told["stops"]] for day, told in plan["days"].items()}
        for rep_id, plan in found.after.items()
    }
    told = {k: v for k, v in found.summary.items() if k not in ("undo", "versions")}
    baseline = CycleBaseline(
        id=ids.new_id(), team_id=found.team_id, proposal_id=found.id, first_day=found.day,
        version=cycle_store.newest_version(session, found.team_id) + 1,
        last_day=date.fromisoformat(found.request["until"]), rep_ids=found.rep_ids, days=days,
        summary=told, proposed_by=found.requested_by, approved_by=actor.user_id or None,
        approved_at=clock.now(),
    )  # fmt: skip
    session.add(baseline)
    return baseline
