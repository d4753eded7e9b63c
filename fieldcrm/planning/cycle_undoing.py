"""A cycle's plan taken back, inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, feed, ids
from fieldcrm.people.model import Actor
from fieldcrm.planning import store
from fieldcrm.planning.cycle_applying import REASON
from fieldcrm.planning.model import CannotUndo
from fieldcrm.planning.tables import DayPlan, Proposal
from fieldcrm.visits import store as visit_store
from fieldcrm.visits import together
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit

Was = dict[str, dict[str, Any]]
"""How each visit was before, by id (`cycle_applying`)."""


def undo_in(session: Session, actor: Actor, found: Proposal) -> None:
    """Every visit as it was; raises CannotUndo when one moved on since."""
    was: Was = found.summary.get("undo", {})
    rows = visit_store.visits_for_writing(session, was)
    for visit_id, old in was.items():
        if visit_id not in rows or rows[visit_id].version != old["version_after"]:
            raise CannotUndo(visit_id=visit_id)
    together.apply_moves(session, actor, list(_called_off_or_back(was)))
    rows = together.apply_moves(session, actor, list(_where_they_were(was)))
    for visit_id, row in rows.items():
        _write_as_was(row, was[visit_id])
    _restore_plans(session, actor, found)


def _called_off_or_back(was: Was) -> Iterator[MoveRequest]:
    """What the plan made is called off, what it called off is planned again."""
    for visit_id, old in was.items():
        if old.get("made") or old.get("taken_away"):
            move = "cancel" if old.get("made") else "reopen"
            yield MoveRequest(visit_id, move, at=clock.now(), reason=REASON)


def _where_they_were(was: Was) -> Iterator[MoveRequest]:
    for visit_id, old in was.items():
        if not old.get("made"):
            yield MoveRequest(
                visit_id, "assign", at=clock.now(), order=old["position"], reason=REASON,
                day=date.fromisoformat(old["day"]), rep_id=old.get("rep_id"),
            )  # fmt: skip


def _write_as_was(row: Visit, old: dict[str, Any]) -> None:
    row.planned_at, row.expected_at = _moment(old["planned_at"]), _moment(old["expected_at"])
    row.travel_s, row.travel_m = old["travel_s"], old["travel_m"]
    row.plan_reason, row.pause_min = old["plan_reason"], old["pause_min"]
    row.travel_mode = old["travel_mode"]


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _restore_plans(session: Session, actor: Actor, found: Proposal) -> None:
    """The day plans before, each as a new version."""
    last = date.fromisoformat(found.request["until"])
    for newest in store.newest_plans(session, found.rep_ids, found.day, last):
        if newest.solver.get("proposal_id") != found.id:
            continue
        earlier = store.plan_before(session, newest.rep_id, newest.day, found.id)
        if earlier is not None:
            _restore(session, actor, found, earlier)


def _restore(session: Session, actor: Actor, found: Proposal, earlier: DayPlan) -> None:
    store.save_day_plan(session, DayPlan(
        id=ids.new_id(), rep_id=earlier.rep_id, day=earlier.day, stops=earlier.stops,
        dropped=earlier.dropped, line=earlier.line, drive_s=earlier.drive_s,
        distance_m=earlier.distance_m, solver={**earlier.solver, "restored": earlier.version},
        created_by=actor.user_id or None, created_at=clock.now(),
    ))  # fmt: skip
    day = earlier.day.isoformat()
    feed.touch(session, "plan", day, rep_ids=[earlier.rep_id], team_id=found.team_id)
