"""A proposal put into force and taken back, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, feed, ids
from fieldcrm.people.model import Actor
from fieldcrm.planning import outcome, store
from fieldcrm.planning.model import CannotUndo, ProposalStale
from fieldcrm.planning.tables import DayPlan, Proposal
from fieldcrm.visits import joint, running
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit


def check_unchanged(found: Proposal, rows: dict[str, Visit]) -> frozenset[str]:
    """Visits that were begun or done since, which the plan leaves alone; raises ProposalStale.

    These may only stand at the head of their rep's new day: what follows still holds then.
    """
    versions: dict[str, int] = found.summary["versions"]
    changed = {i for i, version in versions.items()
               if i not in rows or rows[i].version != version}  # fmt: skip
    added = {i for i, v in rows.items() if v.state == "planned" and i not in versions}
    begun = {i for i in changed if i in rows and rows[i].state in ("under_way", "closed")}
    if added or changed - begun:
        raise ProposalStale()
    for rep_id, day in found.after.items():
        order = [s["visit_id"] for s in day["stops"]]
        mine = begun & set(order)
        if set(order[: len(mine)]) != mine or any(rows[i].rep_id != rep_id for i in mine):
            raise ProposalStale()
    return frozenset(begun)


def apply_day(
    session: Session, actor: Actor, found: Proposal, rep_id: str, day: dict[str, Any],
    rows: dict[str, Visit], begun: frozenset[str], undo: dict[str, Any],
) -> None:  # fmt: skip
    """One rep's new day: its visits, its day plan; `undo` takes how each visit was."""
    for stop in day["stops"]:
        if stop["visit_id"] not in begun:
            _place(session, actor, found, rep_id, stop, rows[stop["visit_id"]], undo)
    for dropped in day["dropped"]:
        if dropped["visit_id"] not in begun:
            _leave_out(session, actor, rows[dropped["visit_id"]], dropped, undo)
    _save_day_plan(session, actor, found, rep_id, day, list(rows.values()))
    if found.day == clock.local(clock.now()).date():
        running.refresh_expected_in(session, rep_id, found.day)


def _place(
    session: Session, actor: Actor, found: Proposal, rep_id: str, stop: dict[str, Any],
    row: Visit, undo: dict[str, Any],
) -> None:  # fmt: skip
    """One visit at its new place, with the planned time that `outcome.set_baselines` found."""
    undo[row.id] = _as_was(row)
    start = datetime.fromisoformat(stop["start_at"])
    baseline = datetime.fromisoformat(stop["baseline_at"])
    planned_at = None if baseline == row.planned_at else baseline
    if row.rep_id != rep_id or row.position != stop["position"] or planned_at is not None:
        visits.apply_move(session, actor, MoveRequest(
            row.id, "assign", at=clock.now(), rep_id=rep_id, order=stop["position"],
            planned_at=planned_at, reason=f"plan:{found.id}",
        ))  # fmt: skip
    row.expected_at, row.pause_min = start, stop.get("pause_min", 0)
    row.travel_s, row.travel_m, row.travel_mode = stop["travel_s"], stop["travel_m"], stop["mode"]
    row.plan_reason = stop["reason"]
    tell(session, row)
    undo[row.id]["version_after"] = row.version


def _as_was(row: Visit) -> dict[str, Any]:
    return {
        "rep_id": row.rep_id, "position": row.position, "planned_at": outcome.iso(row.planned_at),
        "expected_at": outcome.iso(row.expected_at), "travel_s": row.travel_s,
        "travel_m": row.travel_m, "travel_mode": row.travel_mode, "plan_reason": row.plan_reason,
        "pause_min": row.pause_min,
    }  # fmt: skip


def _leave_out(
    session: Session, actor: Actor, row: Visit, dropped: dict[str, Any], undo: dict[str, Any]
) -> None:
    """A visit that the day has no room for stays planned, without a place in the order."""
    undo[row.id] = _as_was(row)
    if row.position:
        visits.apply_move(session, actor, MoveRequest(
            row.id, "assign", at=clock.now(), order=0, reason=f"left_out:{dropped['reason']}"
        ))  # fmt: skip
    row.expected_at = row.travel_s = row.travel_m = row.travel_mode = None
    row.pause_min = 0
    row.plan_reason = {"code": "dropped", "reason": dropped["reason"], "params": dropped["params"]}
    tell(session, row)
    undo[row.id]["version_after"] = row.version


def tell(session: Session, row: Visit) -> None:
    """Keep a visit and let its phone and the desks hear of it."""
    row.updated_at = clock.now()
    session.add(row)
    feed.touch(session, "visit", row.id, rep_ids=[row.rep_id], team_id=row.team_id)
    joint.follow_in(session, row.id)


def _save_day_plan(
    session: Session, actor: Actor, found: Proposal, rep_id: str, day: dict[str, Any],
    standing: Sequence[Visit],
) -> None:  # fmt: skip
    done = [v for v in standing if v.rep_id == rep_id and v.checked_in_at is not None]
    stops = [*map(_done_stop, sorted(done, key=lambda v: v.checked_in_at or v.updated_at))]
    kept = {s["visit_id"] for s in stops}
    stops += [{k: s[k] for k in PLAN_STOP} for s in day["stops"] if s["visit_id"] not in kept]
    made = store.save_day_plan(session, DayPlan(
        id=ids.new_id(), rep_id=rep_id, day=found.day, stops=stops, dropped=day["dropped"],
        line=day["line"], drive_s=day["drive_s"], distance_m=day["distance_m"],
        solver={**found.summary.get("solver", {}), "proposal_id": found.id, "checked": []},
        created_by=actor.user_id or None, created_at=clock.now(),
    ))  # fmt: skip
    feed.touch(session, "plan", made.day.isoformat(), rep_ids=[rep_id], team_id=found.team_id)


PLAN_STOP = (
    "visit_id", "position", "arrive_at", "start_at", "leave_at", "travel_s", "travel_m", "mode",
    "reason",
)  # fmt: skip


def _done_stop(row: Visit) -> dict[str, Any]:
    """A visit done or under way as a day plan holds it: with the times it really took."""
    at = outcome.iso(row.checked_in_at)
    return {
        "visit_id": row.id, "position": row.position, "arrive_at": at, "start_at": at,
        "leave_at": outcome.iso(row.closed_at), "travel_s": row.travel_s, "travel_m": row.travel_m,
        "mode": row.travel_mode, "reason": row.plan_reason,
    }  # fmt: skip


def undo_in(session: Session, actor: Actor, found: Proposal) -> None:
    """Put every visit of an applied proposal back; raises CannotUndo when one moved on since."""
    was: dict[str, dict[str, Any]] = found.summary.get("undo", {})
    rows = {i: store.visit(session, i, lock=True) for i in was}
    for visit_id, old in was.items():
        row = rows[visit_id]
        if row is None or row.state != "planned" or row.version != old["version_after"]:
            raise CannotUndo(visit_id=visit_id)
    for visit_id, old in was.items():
        row = rows[visit_id]
        assert row is not None
        _put_back(session, actor, row, old)
    for rep_id in found.rep_ids:
        _restore_plan(session, actor, found, rep_id)


def _put_back(session: Session, actor: Actor, row: Visit, old: dict[str, Any]) -> None:
    planned_at = _moment(old["planned_at"])
    if (row.rep_id, row.position, row.planned_at) != (old["rep_id"], old["position"], planned_at):
        visits.apply_move(session, actor, MoveRequest(
            row.id, "assign", at=clock.now(), rep_id=old["rep_id"], order=old["position"],
            planned_at=planned_at, reason="plan:undo",
        ))  # fmt: skip
    row.planned_at, row.expected_at = planned_at, _moment(old["expected_at"])
    row.travel_s, row.travel_m = old["travel_s"], old["travel_m"]
    row.travel_mode, row.plan_reason = old["travel_mode"], old["plan_reason"]
    row.pause_min = old.get("pause_min", 0)
    tell(session, row)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _restore_plan(session: Session, actor: Actor, found: Proposal, rep_id: str) -> None:
    """The plan before the proposal's as a new version; none rewrites another."""
    earlier = store.plan_before(session, rep_id, found.day, found.id)
    if earlier is None:
        return
    store.save_day_plan(session, DayPlan(
        id=ids.new_id(), rep_id=rep_id, day=found.day, stops=earlier.stops,
        dropped=earlier.dropped, line=earlier.line, drive_s=earlier.drive_s,
        distance_m=earlier.distance_m, solver={**earlier.solver, "restored": earlier.version},
        created_by=actor.user_id or None, created_at=clock.now(),
    ))  # fmt: skip
    feed.touch(session, "plan", found.day.isoformat(), rep_ids=[rep_id], team_id=found.team_id)
