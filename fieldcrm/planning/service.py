"""Plans as people ask for them: a proposal first, worked out by a job, applied when confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, events, feed, ids, job_rows, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.planning import (
    applying,
    cycle_applying,
    cycle_rules,
    cycle_store,
    cycle_undoing,
    store,
)
from fieldcrm.planning.model import (
    BadCycle,
    CycleWishes,
    NoProposal,
    NothingToPlan,
    NotMovable,
    ProposalNotReady,
    ProposalStale,
)
from fieldcrm.planning.notices import notify
from fieldcrm.planning.tables import DayPlan, Proposal
from fieldcrm.visits.together import Report

JOB = "workers.optimiser.jobs.run_proposal"
PLANNERS = (Role.dispatcher, Role.manager, Role.admin)
APPROVERS = (Role.manager, Role.admin)
"""Who puts a cycle's plan into force, and takes it back."""
REPLAN_BUDGET = 4
"""Stops that a re-plan may take elsewhere unless somebody asks for more."""
TIMEOUT_S = {jobs.URGENT: 90, jobs.LONG: 300}
"""Ends what has run away. Searches stop long before it, but a crowded machine may take half a
minute to load what they need, and a late answer is better than none."""


@dataclass(frozen=True)
class ProposalView:
    """A proposal as a screen shows it."""

    id: str
    kind: str
    """replan, move, plan_days, cycle, by_hand (moves of a cycle, applied at once)."""
    status: str
    """queued, running, ready, applied, undone, discarded, cancelled, failed, stale, returned."""
    progress: float
    rep_ids: list[str]
    day: date
    before: dict[str, Any]
    """{rep_id: {stops: [...], drive_s, distance_m, late, ends_at}}"""
    after: dict[str, Any]
    """The same with dropped, line, break_at, on_foot."""
    summary: dict[str, Any]
    """stops_moved, minutes_saved, dropped, late_before, late_after, changes; error if failed."""
    request: dict[str, Any]
    requested_by: str | None
    created_at: datetime


# ---- asking ----


def request_replan(actor: Actor, rep_id: str, day: date, budget: int | None = REPLAN_BUDGET) -> str:
    """Ask for a better rest of one rep's day; returns the proposal's id.

    At most `budget` stops are taken elsewhere; None is no limit. Raises OutOfScope, RoleForbids,
    NothingToPlan.
    """
    return _request(actor, "replan", [rep_id], day, {"budget": budget}, jobs.URGENT)


def request_plan(actor: Actor, rep_ids: Sequence[str], day: date, is_shared: bool = False) -> str:
    """Ask for a plan of several reps' day from scratch; `is_shared` lets visits change hands."""
    chosen = sorted(set(rep_ids))
    queue = jobs.URGENT if len(chosen) == 1 else jobs.LONG
    return _request(actor, "plan_days", chosen, day, {"is_shared": is_shared}, queue)


def request_move(actor: Actor, visit_id: str, to_rep_id: str, position: int | None = None) -> str:
    """Ask to give a planned visit to another rep (or another place in his own rep's day).

    `position` counts from 1 as the day is shown; None is the cheapest place. Raises OutOfScope,
    NotMovable.
    """
    people.require(actor, *PLANNERS)
    with reading() as session:
        visit = store.visit(session, visit_id)
        if visit is None:
            raise NoProposal()
        people.scope_rep_in(session, actor, visit.rep_id)
        people.scope_rep_in(session, actor, to_rep_id)
    if visit.state != "planned" or visit.is_locked:
        raise NotMovable(state=visit.state)
    reps = list(dict.fromkeys([to_rep_id, visit.rep_id]))
    asked = {"visit_id": visit_id, "to_rep_id": to_rep_id, "position": position}
    return _request(actor, "move", reps, visit.day, asked, jobs.URGENT)


def request_cycle(
    actor: Actor, rep_ids: Sequence[str], first: date, weeks: int, wishes: CycleWishes | None = None
) -> str:
    """Ask for a plan of some reps' cycle: which client on which day over 4 to 12 weeks from a day on.

    Raises BadCycle (a span of other length, in the past or out of reach, reps of several teams),
    OutOfScope, RoleForbids.
    """
    people.require(actor, *PLANNERS)
    asked, chosen = wishes or CycleWishes(), sorted(set(rep_ids))
    until = cycle_rules.check_asked(chosen, first, weeks, asked, clock.local(clock.now()).date())
    request = {"until": until.isoformat(), "weeks": weeks, "queue": jobs.LONG, **asked.as_json()}
    with transaction() as session:
        reps = [people.scope_rep_in(session, actor, rep_id) for rep_id in chosen]
        if len({rep.team_id for rep in reps}) != 1:
            raise BadCycle(field="rep_ids")
        made = _add(session, actor, cycle_store.KIND, reps, first, request)
    enqueue(made.id, jobs.LONG)
    return made.id


def _request(
    actor: Actor, kind: str, rep_ids: Sequence[str], day: date, request: dict[str, Any], queue: str
) -> str:
    people.require(actor, *PLANNERS)
    with transaction() as session:
        reps = [people.scope_rep_in(session, actor, rep_id) for rep_id in rep_ids]
        _check_day(session, rep_ids, day)
        made = _add(session, actor, kind, reps, day, {**request, "queue": queue})
    enqueue(made.id, queue)
    return made.id


def _add(
    session: Session, actor: Actor, kind: str, reps: Sequence[User], day: date,
    request: dict[str, Any],
) -> Proposal:  # fmt: skip
    made = Proposal(
        id=ids.new_id(), kind=kind, team_id=reps[0].team_id or "", rep_ids=[r.id for r in reps],
        day=day, request=request, requested_by=actor.user_id or None, created_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    _record(session, actor, "requested", made)
    return made


def _check_day(session: Session, rep_ids: Sequence[str], day: date) -> None:
    """A day to plan is not over and has something planned."""
    visits_then = store.day_visits(session, rep_ids, day)
    is_over = day < clock.local(clock.now()).date()
    if is_over or not any(v.state == "planned" for v in visits_then):
        raise NothingToPlan(day=day.isoformat())


def enqueue(proposal_id: str, queue: str) -> None:
    """Queue a proposal's job; with Redis away it stays queued and a worker finds it later."""
    job_rows.offer(queue, JOB, proposal_id, timeout_s=TIMEOUT_S[queue])


def _record(session: Session, actor: Actor, verb: str, proposal: Proposal, **data: Any) -> None:
    events.record(
        session, f"plan.{verb}", proposal.id, actor_id=actor.user_id or None,
        team_id=proposal.team_id, source=actor.source,
        data={"kind": proposal.kind, "day": proposal.day.isoformat(), "rep_ids": proposal.rep_ids,
              **data},
    )  # fmt: skip
    notify(session, proposal)


# ---- looking ----


def proposal(actor: Actor, proposal_id: str) -> ProposalView:
    """A proposal with its progress; raises NoProposal for another team's."""
    with reading() as session:
        return view_of(_scoped(session, actor, proposal_id))


def open_proposals(actor: Actor, day: date) -> list[ProposalView]:
    """A day's proposals that wait for work or for somebody's answer, the newest first."""
    people.require(actor, *PLANNERS)
    teams = people.visible_team_ids(actor)
    with reading() as session:
        found = store.proposals_of_day(
            session, day, None if teams is None else sorted(teams), ["queued", "running", "ready"]
        )
    return [view_of(p) for p in found if p.kind != cycle_store.KIND]


def day_plan(actor: Actor, rep_id: str, day: date) -> DayPlan | None:
    """The newest plan of a rep's day, with its way along the roads; raises OutOfScope."""
    with reading() as session:
        people.scope_rep_in(session, actor, rep_id)
        return store.newest_plan(session, rep_id, day)


def _scoped(session: Session, actor: Actor, proposal_id: str, *, lock: bool = False) -> Proposal:
    """The proposal, if every rep in it is the actor's to plan."""
    people.require(actor, *PLANNERS)
    found = store.proposal(session, proposal_id, lock=lock)
    if found is None:
        raise NoProposal()
    for rep_id in found.rep_ids:
        people.scope_rep_in(session, actor, rep_id)
    return found


def view_of(p: Proposal) -> ProposalView:
    """A row as screens read it."""
    return ProposalView(
        p.id, p.kind, p.status, job_rows.progress(p), p.rep_ids, p.day, p.before, p.after, p.summary,
        p.request, p.requested_by, p.created_at,
    )  # fmt: skip


def day_plans(actor: Actor, first: date, last: date) -> list[DayPlan]:
    """The newest plan of each day and rep that the actor sees, by day."""
    reps = [rep.id for rep in people.visible_reps(actor)]
    with reading() as session:
        return store.newest_plans(session, reps, first, last)


# ---- answering ----


def discard(actor: Actor, proposal_id: str) -> None:
    """Say no to a proposal; a finished one stays as it is."""
    with transaction() as session:
        found = _scoped(session, actor, proposal_id, lock=True)
        if found.status in ("ready", "queued", "running", "stale", "failed"):
            found.status = "discarded"
            _record(session, actor, "discarded", found)
    job_rows.stop(proposal_id)


def cancel(actor: Actor, proposal_id: str) -> None:
    """Stop a proposal that is being worked out."""
    with transaction() as session:
        found = _scoped(session, actor, proposal_id, lock=True)
        if not job_rows.is_under_way(found):
            raise ProposalNotReady(status=found.status)
        found.status = "cancelled"
        _record(session, actor, "cancelled", found)
    job_rows.stop(proposal_id)


def apply(actor: Actor, proposal_id: str, report: Report | None = None) -> ProposalView:
    """Put a ready proposal into force: visits, day plans, phones; all of it or nothing.

    Visits that were done or begun meanwhile stay as they are; in a cycle's plan all that moved on.
    `report` hears how far a cycle's plan is. Raises ProposalNotReady (of two who apply one proposal
    the second hears its status, applied), and ProposalStale (the proposal's status then too) when
    anything else moved on.
    """
    try:
        with transaction() as session:
            return _apply_in(session, actor, proposal_id, report)
    except ProposalStale:
        _mark_stale(actor, proposal_id)
        raise


def _mark_stale(actor: Actor, proposal_id: str) -> None:
    with transaction() as session:
        found = _scoped(session, actor, proposal_id, lock=True)
        found.status = "stale"
        notify(session, found)


def _apply_in(
    session: Session, actor: Actor, proposal_id: str, report: Report | None
) -> ProposalView:
    feed.take_turn(session)
    found = _scoped(session, actor, proposal_id, lock=True)
    if found.status != "ready":
        raise ProposalNotReady(status=found.status)
    if found.kind == cycle_store.KIND:
        return _apply_cycle_in(session, actor, found, report)
    standing = store.day_visits(session, found.rep_ids, found.day)
    rows = {v.id: v for v in standing}
    begun = applying.check_unchanged(found, rows)
    undo: dict[str, Any] = {}
    for rep_id, day in found.after.items():
        applying.apply_day(session, actor, found, rep_id, day, rows, begun, undo)
    found.summary = {**found.summary, "undo": undo, "begun": sorted(begun)}
    found.status, found.applied_at = "applied", clock.now()
    _record(session, actor, "applied", found, stops_moved=found.summary.get("stops_moved", 0))
    return view_of(found)


def _apply_cycle_in(
    session: Session, actor: Actor, found: Proposal, report: Report | None
) -> ProposalView:
    """A cycle's plan comes into force when a manager approves it, and stays written down so."""
    people.require(actor, *APPROVERS)
    cycle_applying.apply_in(session, actor, found, report)
    found.status, found.applied_at = "applied", clock.now()
    baseline = cycle_applying.write_down(session, actor, found)
    _record(session, actor, "applied", found, baseline=baseline.version)
    return view_of(found)


def undo(actor: Actor, proposal_id: str) -> ProposalView:
    """Take an applied proposal back; raises CannotUndo when a visit of it moved on since."""
    with transaction() as session:
        feed.take_turn(session)
        found = _scoped(session, actor, proposal_id, lock=True)
        if found.status != "applied":
            raise ProposalNotReady(status=found.status)
        if found.kind in (cycle_store.KIND, cycle_store.HAND):
            people.require(actor, *(APPROVERS if found.kind == cycle_store.KIND else PLANNERS))
            cycle_undoing.undo_in(session, actor, found)
        else:
            applying.undo_in(session, actor, found)
        found.status = "undone"
        _record(session, actor, "undone", found)
        return view_of(found)


def set_lock(actor: Actor, visit_id: str, locked: bool) -> None:
    """Keep a planned visit at its time and rep whatever is planned, or let it go again."""
    people.require(actor, *PLANNERS)
    with transaction() as session:
        feed.take_turn(session)
        row = store.visit(session, visit_id, lock=True)
        if row is None:
            raise NoProposal()
        people.scope_rep_in(session, actor, row.rep_id)
        if row.state != "planned":
            raise NotMovable(state=row.state)
        row.is_locked = locked
        applying.tell(session, row)
        events.record(
            session, "visit.locked" if locked else "visit.unlocked", row.id,
            actor_id=actor.user_id or None, team_id=row.team_id, source=actor.source,
        )  # fmt: skip
