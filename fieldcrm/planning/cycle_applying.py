"""A cycle's plan put into force, written down and taken back, inside the caller's transaction."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, feed, ids
from fieldcrm.people.model import Actor
from fieldcrm.planning import cycle_store, outcome, store
from fieldcrm.planning.applying import tell
from fieldcrm.planning.cycle_outcome import KEPT, NEW
from fieldcrm.planning.model import CannotUndo, ProposalStale
from fieldcrm.planning.tables import CycleBaseline, DayPlan, Proposal
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit

BEGUN = ("under_way", "closed")
REASON = "cycle_plan"


def apply_in(session: Session, actor: Actor, found: Proposal) -> None:
    """Visits made, moved and taken away as the plan says; done and locked ones keep day and time.

    Raises ProposalStale when the span has begun or anything in it moved on, but for visits that
    were begun or done meanwhile, which stay as they are.
    """
    if found.day <= clock.local(clock.now()).date():
        raise ProposalStale()
    rows = _rows(session, found)
    undo: dict[str, Any] = {}
    for rep_id, plan in found.after.items():
        for day, told in plan["days"].items():
            _apply_day(session, actor, found, rep_id, date.fromisoformat(day), told, rows, undo)
        for removed in plan["removed"]:
            _take_away(session, actor, rows[removed["visit_id"]], undo)
    found.summary = {**found.summary, "undo": undo}


def _rows(session: Session, found: Proposal) -> dict[str, Visit]:
    """The span's visits as they stand; raises ProposalStale."""
    last = date.fromisoformat(found.request["until"])
    planned = cycle_store.span_visits(session, found.rep_ids, found.day, last)
    versions: dict[str, int] = found.summary["versions"]
    rows = {v.id: v for v in planned}
    for visit_id in versions.keys() - rows.keys():
        row = store.visit(session, visit_id)
        if row is None or row.state not in BEGUN:
            raise ProposalStale()
        rows[visit_id] = row
    for row in planned:
        if versions.get(row.id) != row.version:
            raise ProposalStale()
    return rows


def _apply_day(
    session: Session, actor: Actor, found: Proposal, rep_id: str, day: date, told: dict[str, Any],
    rows: dict[str, Visit], undo: dict[str, Any],
) -> None:  # fmt: skip
    stops: list[dict[str, Any]] = []
    for position, stop in enumerate(told["stops"], 1):
        row = _place(session, actor, rep_id, day, position, stop, rows, undo)
        stops.append(_plan_stop(row, stop, position))
    if any(stop["kind"] != KEPT for stop in told["stops"]):
        _save_day_plan(session, actor, found, rep_id, day, told, stops)


def _place(
    session: Session, actor: Actor, rep_id: str, day: date, position: int, stop: dict[str, Any],
    rows: dict[str, Visit], undo: dict[str, Any],
) -> Visit:  # fmt: skip
    """One visit on its day; of a fixed one only its place in the order follows."""
    if stop["kind"] == NEW:
        return _make(session, actor, rep_id, day, position, stop, undo)
    row = rows[stop["visit_id"]]
    if row.state != "planned":
        return row
    is_kept = stop["kind"] == KEPT
    start = None if is_kept else datetime.fromisoformat(stop["start_at"])
    if row.position == position and row.day == day and (is_kept or row.planned_at == start):
        return row
    undo[row.id] = _as_was(row)
    visits.apply_move(session, actor, MoveRequest(
        row.id, "assign", at=clock.now(), order=position, reason=REASON,
        day=None if is_kept or row.day == day else day, planned_at=start,
    ))  # fmt: skip
    if not is_kept:
        row.expected_at, row.pause_min = start, 0
        row.travel_s, row.travel_m = stop["travel_s"], stop["travel_m"]
        row.travel_mode = stop["mode"]
        row.plan_reason = {"code": REASON, "from": stop["from"]}
        tell(session, row)
    undo[row.id]["version_after"] = row.version
    return row


def _make(
    session: Session, actor: Actor, rep_id: str, day: date, position: int, stop: dict[str, Any],
    undo: dict[str, Any],
) -> Visit:  # fmt: skip
    start = datetime.fromisoformat(stop["start_at"])
    row = visits.apply_move(session, actor, MoveRequest(
        ids.new_id(), "plan", at=clock.now(), rep_id=rep_id, client_id=stop["client_id"], day=day,
        order=position, planned_at=start, planned_minutes=stop["minutes"], reason=REASON,
    ))  # fmt: skip
    row.travel_s, row.travel_m = stop["travel_s"], stop["travel_m"]
    row.travel_mode = stop["mode"]
    row.plan_reason = {"code": REASON, "from": None}
    session.add(row)
    undo[row.id] = {"made": True, "version_after": row.version}
    return row


def _take_away(session: Session, actor: Actor, row: Visit, undo: dict[str, Any]) -> None:
    if row.state != "planned":
        return
    undo[row.id] = _as_was(row) | {"taken_away": True}
    visits.apply_move(session, actor, MoveRequest(row.id, "cancel", at=clock.now(), reason=REASON))
    undo[row.id]["version_after"] = row.version


def _as_was(row: Visit) -> dict[str, Any]:
    return {
        "day": row.day.isoformat(), "position": row.position,
        "planned_at": outcome.iso(row.planned_at), "expected_at": outcome.iso(row.expected_at),
        "travel_s": row.travel_s, "travel_m": row.travel_m, "plan_reason": row.plan_reason,
        "pause_min": row.pause_min, "travel_mode": row.travel_mode,
    }  # fmt: skip


def _plan_stop(row: Visit, stop: dict[str, Any], position: int) -> dict[str, Any]:
    start = _moment(stop["start_at"]) or row.planned_at
    leave = start and start + timedelta(minutes=stop["minutes"])
    return {
        "visit_id": row.id, "position": position, "arrive_at": outcome.iso(start),
        "start_at": outcome.iso(start), "leave_at": outcome.iso(leave),
        "travel_s": stop["travel_s"], "travel_m": stop["travel_m"], "mode": stop["mode"],
        "reason": {"code": REASON},
    }  # fmt: skip


def _save_day_plan(
    session: Session, actor: Actor, found: Proposal, rep_id: str, day: date, told: dict[str, Any],
    stops: list[dict[str, Any]],
) -> None:  # fmt: skip
    """The day's plan follows where one stands already; the others are planned when their day comes."""
    if store.newest_plan(session, rep_id, day) is None:
        return
    store.save_day_plan(session, DayPlan(
        id=ids.new_id(), rep_id=rep_id, day=day, stops=stops, dropped=[], line=[],
        drive_s=told["drive_s"], distance_m=told["drive_m"],
        solver={**found.summary.get("solver", {}), "proposal_id": found.id, "checked": []},
        created_by=actor.user_id or None, created_at=clock.now(),
    ))  # fmt: skip
    feed.touch(session, "plan", day.isoformat(), rep_ids=[rep_id], team_id=found.team_id)


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


# ---- taking it back ----


def undo_in(session: Session, actor: Actor, found: Proposal) -> None:
    """Every visit as it was; raises CannotUndo when one moved on since."""
    was: dict[str, dict[str, Any]] = found.summary.get("undo", {})
    rows = {i: store.visit(session, i, lock=True) for i in was}
    for visit_id, old in was.items():
        row = rows[visit_id]
        if row is None or row.version != old["version_after"]:
            raise CannotUndo(visit_id=visit_id)
    for visit_id, old in was.items():
        row = rows[visit_id]
        assert row is not None
        _put_back(session, actor, row, old)
    _restore_plans(session, actor, found)


def _put_back(session: Session, actor: Actor, row: Visit, old: dict[str, Any]) -> None:
    now = clock.now()
    if old.get("made"):
        visits.apply_move(session, actor, MoveRequest(row.id, "cancel", at=now, reason=REASON))
        return
    if old.get("taken_away"):
        visits.apply_move(session, actor, MoveRequest(row.id, "reopen", at=now, reason=REASON))
    visits.apply_move(session, actor, MoveRequest(
        row.id, "assign", at=now, order=old["position"], day=date.fromisoformat(old["day"]),
        reason=REASON,
    ))  # fmt: skip
    row.planned_at, row.expected_at = _moment(old["planned_at"]), _moment(old["expected_at"])
    row.travel_s, row.travel_m = old["travel_s"], old["travel_m"]
    row.plan_reason, row.pause_min = old["plan_reason"], old["pause_min"]
    row.travel_mode = old["travel_mode"]
    tell(session, row)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _restore_plans(session: Session, actor: Actor, found: Proposal) -> None:
    """The day plans before, each as a new version."""
    for rep_id, plan in found.after.items():
        for text in plan["days"]:
            day = date.fromisoformat(text)
            newest = store.newest_plan(session, rep_id, day)
            if newest is None or newest.solver.get("proposal_id") != found.id:
                continue
            earlier = store.plan_before(session, rep_id, day, found.id)
            if earlier is None:
                continue
            store.save_day_plan(session, DayPlan(
                id=ids.new_id(), rep_id=rep_id, day=day, stops=earlier.stops,
                dropped=earlier.dropped, line=earlier.line, drive_s=earlier.drive_s,
                distance_m=earlier.distance_m,
                solver={**earlier.solver, "restored": earlier.version},
                created_by=actor.user_id or None, created_at=clock.now(),
            ))  # fmt: skip
            feed.touch(session, "plan", text, rep_ids=[rep_id], team_id=found.team_id)
