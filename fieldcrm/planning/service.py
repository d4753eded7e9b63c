"""Plans as people ask for them: a proposal first, worked out by a job, applied when confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, cast

from redis.exceptions import RedisError
from sqlmodel import Session

from fieldcrm.kit import clock, events, feed, ids, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.planning import assemble, dayfacts, outcome, rules, store
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.dayfacts import DayFacts
from fieldcrm.planning.model import (
    CannotUndo,
    NoProposal,
    NothingToPlan,
    NotMovable,
    Plan,
    Problem,
    ProposalNotReady,
    ProposalStale,
    Violation,
)
from fieldcrm.planning.tables import DayPlan, Proposal
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit

if TYPE_CHECKING:
    from fieldcrm.regions.model import Mode
    from fieldcrm.regions.roads import Roads

JOB = "workers.optimiser.jobs.run_proposal"
PLANNERS = (Role.dispatcher, Role.manager, Role.admin)
REPLAN_BUDGET = 4
"""Stops that a re-plan may take elsewhere unless somebody asks for more."""
TIMEOUT_S = {jobs.URGENT: 30, jobs.LONG: 300}
MOVED_WEIGHT = 100
"""A visit somebody dragged is worth so much more than itself: it goes in before others."""


@dataclass(frozen=True)
class ProposalView:
    """A proposal as a screen shows it."""

    id: str
    kind: str
    """replan, move, plan_days."""
    status: str
    """queued, running, ready, applied, undone, discarded, cancelled, failed, stale."""
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


def _request(
    actor: Actor, kind: str, rep_ids: Sequence[str], day: date, request: dict[str, Any], queue: str
) -> str:
    people.require(actor, *PLANNERS)
    with transaction() as session:
        reps = [people.scope_rep_in(session, actor, rep_id) for rep_id in rep_ids]
        _check_day(session, rep_ids, day)
        made = Proposal(
            id=ids.new_id(), kind=kind, team_id=reps[0].team_id or "", rep_ids=list(rep_ids),
            day=day, request={**request, "queue": queue}, requested_by=actor.user_id or None,
            created_at=clock.now(),
        )  # fmt: skip
        session.add(made)
        _record(session, actor, "requested", made)
    enqueue(made.id, queue)
    return made.id


def _check_day(session: Session, rep_ids: Sequence[str], day: date) -> None:
    """A day to plan is not over and has something planned."""
    visits_then = store.day_visits(session, rep_ids, day)
    is_over = day < clock.local(clock.now()).date()
    if is_over or not any(v.state == "planned" for v in visits_then):
        raise NothingToPlan(day=day.isoformat())


def enqueue(proposal_id: str, queue: str) -> None:
    """Queue a proposal's job; with Redis away it stays queued and a worker finds it later."""
    try:
        jobs.enqueue(queue, JOB, proposal_id, job_id=proposal_id, timeout_s=TIMEOUT_S[queue])
    except RedisError:
        return


def _record(session: Session, actor: Actor, verb: str, proposal: Proposal, **data: Any) -> None:
    events.record(
        session, f"plan.{verb}", proposal.id, actor_id=actor.user_id or None,
        team_id=proposal.team_id, source=actor.source,
        data={"kind": proposal.kind, "day": proposal.day.isoformat(), "rep_ids": proposal.rep_ids,
              **data},
    )  # fmt: skip
    _notify(session, proposal)


def _notify(session: Session, proposal: Proposal) -> None:
    feed.notify_desk(session, proposal.team_id, notice(proposal.id, proposal.status, 1.0))


def notice(proposal_id: str, status: str, progress: float) -> dict[str, Any]:
    """What desks hear of a job."""
    return {"t": "job", "id": proposal_id, "status": status, "progress": round(progress, 2)}


# ---- looking ----


def proposal(actor: Actor, proposal_id: str) -> ProposalView:
    """A proposal with its progress; raises NoProposal for another team's."""
    with reading() as session:
        return _view(_scoped(session, actor, proposal_id))


def open_proposals(actor: Actor, day: date) -> list[ProposalView]:
    """A day's proposals that wait for work or for somebody's answer, the newest first."""
    people.require(actor, *PLANNERS)
    teams = people.visible_team_ids(actor)
    with reading() as session:
        found = store.proposals_of_day(
            session, day, None if teams is None else sorted(teams), ["queued", "running", "ready"]
        )
    return [_view(p) for p in found]


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


def _view(p: Proposal) -> ProposalView:
    return ProposalView(
        p.id, p.kind, p.status, _progress(p), p.rep_ids, p.day, p.before, p.after, p.summary,
        p.request, p.requested_by, p.created_at,
    )  # fmt: skip


def _progress(p: Proposal) -> float:
    if p.status not in ("queued", "running"):
        return 1.0
    try:
        return jobs.state(p.id).progress
    except RedisError:
        return 0.0


def day_plans(actor: Actor, first: date, last: date) -> list[DayPlan]:
    """The newest plan of each day and rep that the actor sees, by day."""
    reps = [rep.id for rep in people.visible_reps(actor)]
    with reading() as session:
        return store.newest_plans(session, reps, first, last)


# ---- working it out (in the worker) ----


def begin(proposal_id: str) -> Proposal | None:
    """Take a proposal up; None when nobody wants it any more."""
    with transaction() as session:
        found = store.proposal(session, proposal_id, lock=True)
        if found is None or found.status not in ("queued", "running"):
            return None
        found.status = "running"
        _notify_progress(session, found, 0.0)
        return found


def _notify_progress(session: Session, found: Proposal, progress: float) -> None:
    feed.notify_desk(session, found.team_id, notice(found.id, found.status, progress))


def load_problem(found: Proposal, roads: Roads, now: datetime) -> tuple[Problem, DayFacts]:
    """The problem that a proposal asks about, as things stand now; raises NothingToPlan."""
    with reading() as session:
        facts = dayfacts.load(session, found.rep_ids, found.day, now)
    wanted, budget = _wanted(found, facts), found.request.get("budget")
    if not wanted:
        raise NothingToPlan(day=found.day.isoformat())
    is_move = found.kind == "move"
    problem = assemble.make_problem(
        found.day, settings().timezone, facts.rep_facts, wanted, roads.table,
        budget=0 if is_move else budget,
    )  # fmt: skip
    return (_with_move(problem, found, facts) if is_move else problem), facts


def _wanted(found: Proposal, facts: DayFacts) -> list[assemble.VisitFacts]:
    """Planned visits with who may do them."""
    wanted = facts.visit_facts()
    if found.kind == "move":
        to = frozenset([found.request["to_rep_id"]])
        moved = found.request["visit_id"]
        if moved not in {v.id for v in wanted}:
            raise NotMovable()
        return [replace(v, reps=to) if v.id == moved else v for v in wanted]
    if found.request.get("is_shared"):
        everybody = frozenset(found.rep_ids)
        return [v if v.is_locked else replace(v, reps=everybody) for v in wanted]
    return wanted


def _with_move(problem: Problem, found: Proposal, facts: DayFacts) -> Problem:
    """The present orders with the dragged visit taken out, or put where it was dropped."""
    visit_id, to, position = (found.request[k] for k in ("visit_id", "to_rep_id", "position"))
    before = {rep: tuple(i for i in ids if i != visit_id) for rep, ids in problem.before.items()}
    if position is not None:
        others = [v for v in facts.planned[to] if v.id != visit_id]
        index = _dropped_at(others, _own_position(facts, to, visit_id), position)
        order = before.get(to, ())
        before[to] = (*order[:index], visit_id, *order[index:])
    heavy = tuple(
        replace(j, penalty_s=j.penalty_s * MOVED_WEIGHT) if j.id == visit_id else j
        for j in problem.jobs
    )
    return replace(problem, before=before, jobs=heavy)


def _own_position(facts: DayFacts, rep_id: str, visit_id: str) -> int:
    """Where the visit stands in that rep's day now; 0 if it doesn't."""
    return next((v.position for v in facts.planned[rep_id] if v.id == visit_id), 0)


def _dropped_at(others: Sequence[Visit], own: int, position: int) -> int:
    """Index among the others so that the visit ends at `position`, dragged down or up."""
    is_down = 0 < own < position
    return sum(0 < v.position < position or (is_down and v.position == position) for v in others)


def finish(
    asked: Proposal, problem: Problem, plan: Plan, facts: DayFacts, roads: Roads,
    solver: dict[str, Any],
) -> list[Violation]:  # fmt: skip
    """Judge the plan and keep it as ready; one that breaks a rule is never kept.

    Returns the violations. A visit somebody dragged that fits nowhere fails the proposal with the
    reason.
    """
    violations = check_plan(problem, plan)
    if violations:
        fail(asked.id, "plan_broken", violations=[v.kind for v in violations])
        return violations
    was = outcome.before(problem, facts)
    wanted = outcome.after(problem, plan, facts, _line(roads))
    outcome.set_baselines(asked.kind, was, wanted)
    told = outcome.summary(was, wanted)
    told |= {"versions": facts.versions(), "solver": solver}
    with transaction() as session:
        found = store.proposal(session, asked.id, lock=True)
        if found is None or found.status != "running":
            return []
        lost = _lost_move(found, wanted)
        found.before, found.after, found.summary = was, wanted, told
        found.status = "failed" if lost else "ready"
        if lost:
            found.summary = {**told, "error": f"planning.dropped.{lost}"}
        _notify(session, found)
    return []


def _lost_move(found: Proposal, wanted: dict[str, Any]) -> str | None:
    """Why a dragged visit could not be placed; None when it was, or when nothing was dragged."""
    dropped = [d for day in wanted.values() for d in day["dropped"]]
    moved = found.request.get("visit_id")
    return next((d["reason"] for d in dropped if d["visit_id"] == moved), None)


def _line(roads: Roads) -> outcome.Line:
    def along(mode: str, points: Sequence[tuple[float, float]]) -> list[list[float]]:
        from fieldcrm.regions.model import LatLng

        found = roads.route(cast("Mode", mode), [LatLng(*p) for p in points])
        return [[round(p.lat, 6), round(p.lng, 6)] for p in found.line] if found else []

    return along


def fail(proposal_id: str, error: str, status: str = "failed", **data: Any) -> None:
    """Close a proposal that came to nothing; `error` is a catalogue key after planning.error."""
    with transaction() as session:
        found = store.proposal(session, proposal_id, lock=True)
        if found is None or found.status not in ("queued", "running"):
            return
        found.status = status
        found.summary = {**found.summary, "error": f"planning.error.{error}", **data}
        _notify(session, found)


# ---- answering ----


def discard(actor: Actor, proposal_id: str) -> None:
    """Say no to a proposal; a finished one stays as it is."""
    with transaction() as session:
        found = _scoped(session, actor, proposal_id, lock=True)
        if found.status in ("ready", "queued", "running", "stale", "failed"):
            found.status = "discarded"
            _record(session, actor, "discarded", found)
    _stop_job(proposal_id)


def cancel(actor: Actor, proposal_id: str) -> None:
    """Stop a proposal that is being worked out."""
    with transaction() as session:
        found = _scoped(session, actor, proposal_id, lock=True)
        if found.status not in ("queued", "running"):
            raise ProposalNotReady(status=found.status)
        found.status = "cancelled"
        _record(session, actor, "cancelled", found)
    _stop_job(proposal_id)


def _stop_job(proposal_id: str) -> None:
    try:
        jobs.cancel(proposal_id)
    except RedisError:
        return


def apply(actor: Actor, proposal_id: str) -> ProposalView:
    """Put a ready proposal into force: visits, day plans, phones; all of it or nothing.

    Visits that were done or begun meanwhile stay as they are. Raises ProposalNotReady, and
    ProposalStale (the proposal's status then too) when anything else moved on.
    """
    try:
        with transaction() as session:
            return _apply_in(session, actor, proposal_id)
    except ProposalStale:
        _mark_stale(actor, proposal_id)
        raise


def _mark_stale(actor: Actor, proposal_id: str) -> None:
    with transaction() as session:
        found = _scoped(session, actor, proposal_id, lock=True)
        found.status = "stale"
        _notify(session, found)


def _apply_in(session: Session, actor: Actor, proposal_id: str) -> ProposalView:
    feed.take_turn(session)
    found = _scoped(session, actor, proposal_id, lock=True)
    if found.status != "ready":
        raise ProposalNotReady(status=found.status)
    standing = store.day_visits(session, found.rep_ids, found.day)
    rows = {v.id: v for v in standing}
    begun = _check_unchanged(found, rows)
    undo: dict[str, Any] = {}
    for rep_id, day in found.after.items():
        _apply_day(session, actor, found, rep_id, day, rows, begun, undo)
    found.summary = {**found.summary, "undo": undo, "begun": sorted(begun)}
    found.status, found.applied_at = "applied", clock.now()
    _record(session, actor, "applied", found, stops_moved=found.summary.get("stops_moved", 0))
    return _view(found)


def _check_unchanged(found: Proposal, rows: dict[str, Visit]) -> frozenset[str]:
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


def _apply_day(
    session: Session, actor: Actor, found: Proposal, rep_id: str, day: dict[str, Any],
    rows: dict[str, Visit], begun: frozenset[str], undo: dict[str, Any],
) -> None:  # fmt: skip
    for stop in day["stops"]:
        if stop["visit_id"] not in begun:
            _place(session, actor, found, rep_id, stop, rows[stop["visit_id"]], undo)
    for dropped in day["dropped"]:
        if dropped["visit_id"] not in begun:
            _leave_out(session, actor, rows[dropped["visit_id"]], dropped, undo)
    _save_day_plan(session, actor, found, rep_id, day, list(rows.values()))
    if found.day == clock.local(clock.now()).date():
        visits.refresh_expected_in(session, rep_id, found.day)


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
    _tell(session, row)
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
    _tell(session, row)
    undo[row.id]["version_after"] = row.version


def _tell(session: Session, row: Visit) -> None:
    row.updated_at = clock.now()
    session.add(row)
    feed.touch(session, "visit", row.id, rep_ids=[row.rep_id], team_id=row.team_id)


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


def undo(actor: Actor, proposal_id: str) -> ProposalView:
    """Take an applied proposal back; raises CannotUndo when a visit of it moved on since."""
    with transaction() as session:
        feed.take_turn(session)
        found = _scoped(session, actor, proposal_id, lock=True)
        if found.status != "applied":
            raise ProposalNotReady(status=found.status)
        _undo_in(session, actor, found)
        found.status = "undone"
        _record(session, actor, "undone", found)
        return _view(found)


def _undo_in(session: Session, actor: Actor, found: Proposal) -> None:
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
    _tell(session, row)


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
        _tell(session, row)
        events.record(
            session, "visit.locked" if locked else "visit.unlocked", row.id,
            actor_id=actor.user_id or None, team_id=row.team_id, source=actor.source,
        )  # fmt: skip


# ---- the cycle ----


@dataclass(frozen=True)
class CycleProgress:
    """How far a rep's cycle is on a day."""

    cycle_id: str
    name: str
    starts_on: date
    ends_on: date
    clients: dict[str, rules.CycleCount]
    pace: float | None
    """1.0 is on pace."""

    @property
    def planned(self) -> int:
        return sum(c.planned for c in self.clients.values())

    @property
    def done(self) -> int:
        """Visits done that the plan wanted: more at one client never hide a gap at another."""
        return sum(min(c.actual, c.planned) for c in self.clients.values())

    @property
    def remaining(self) -> int:
        return sum(c.remaining for c in self.clients.values())

    @property
    def to_schedule(self) -> int:
        return sum(c.to_schedule for c in self.clients.values())


def cycle_progress_in(session: Session, rep_id: str, day: date) -> CycleProgress | None:
    """A rep's cycle on a day, by the field's arithmetic; None without a cycle or targets."""
    rep = session.get(User, rep_id)
    cycle = store.cycle_on(session, rep.team_id, day) if rep and rep.team_id else None
    wanted = store.targets(session, cycle.id, rep_id) if cycle else {}
    if cycle is None or not wanted:
        return None
    done = store.visit_counts(session, rep_id, cycle.starts_on, cycle.ends_on, "closed")
    ahead = store.visit_counts(session, rep_id, day, cycle.ends_on, "planned")
    counts = {
        client: rules.CycleCount(planned, done.get(client, 0), ahead.get(client, 0))
        for client, planned in wanted.items()
    }
    days = rules.workdays(cycle.starts_on, cycle.ends_on, rep.work_days if rep else "12345")
    met = sum(min(c.actual, c.planned) for c in counts.values())
    gone = sum(d <= day for d in days)
    return CycleProgress(
        cycle.id, cycle.name, cycle.starts_on, cycle.ends_on, counts,
        rules.pace(sum(wanted.values()), met, gone, len(days)),
    )  # fmt: skip
