"""A proposal worked out, in the worker: taken up, its problem loaded, its plan judged and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from fieldcrm.kit import feed, job_rows
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.planning import assemble, dayfacts, outcome, store
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.dayfacts import DayFacts
from fieldcrm.planning.model import NothingToPlan, NotMovable, Plan, Problem, Violation
from fieldcrm.planning.notices import notice, notify
from fieldcrm.planning.tables import Proposal
from fieldcrm.visits.tables import Visit

if TYPE_CHECKING:
    from fieldcrm.regions.model import Mode
    from fieldcrm.regions.roads import Roads

MOVED_WEIGHT = 100
"""A visit somebody dragged is worth so much more than itself: it goes in before others."""


def begin(proposal_id: str) -> Proposal | None:
    """Take a proposal up; None when nobody wants it any more."""
    with transaction() as session:
        found = job_rows.take_up(store.proposal(session, proposal_id, lock=True))
        if found is not None:
            feed.notify_desk(session, found.team_id, notice(found.id, found.status, 0.0))
        return found


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
        notify(session, found)
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
        if found is None or not job_rows.is_under_way(found):
            return
        found.status = status
        found.summary = {**found.summary, "error": f"planning.error.{error}", **data}
        notify(session, found)
