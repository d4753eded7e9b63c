"""A cycle's proposal worked out, in the worker: each rep's problem loaded, its plan judged, all kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.planning import cycle_facts, cycle_outcome, store, working
from fieldcrm.planning.cycle_check import check_cycle
from fieldcrm.planning.cycle_facts import RepFacts, Span
from fieldcrm.planning.cycle_model import CycleProblem, Tours
from fieldcrm.planning.cycle_problem import RepCycle, Ways, make_rep_cycle
from fieldcrm.planning.model import NothingToPlan, Violation
from fieldcrm.planning.notices import notify
from fieldcrm.planning.tables import Proposal

Solve = Callable[[int, CycleProblem], Tours]
"""(which rep of how many, problem) -> tours."""


@dataclass(frozen=True)
class Solved:
    """All reps' plans and what they rest on."""

    was: dict[str, Any]
    wanted: dict[str, Any]
    versions: dict[str, int]
    violations: list[Violation]


def load(found: Proposal) -> list[RepFacts]:
    """The reps' facts as things stand now; raises NothingToPlan."""
    span = Span.of(found.day, found.request)
    with reading() as session:
        facts = [cycle_facts.load_rep(session, u, span) for u in store.reps(session, found.rep_ids)]
    if not any(f.wishes or f.standing for f in facts):
        raise NothingToPlan(day=found.day.isoformat())
    return facts


def solve_all(found: Proposal, facts: list[RepFacts], ways: Ways, solve: Solve) -> Solved:
    """Every rep's span planned and judged; nothing is written."""
    most, zone = Span.of(found.day, found.request).most_a_day, settings().timezone
    solved = Solved({}, {}, {}, [])
    for number, each in enumerate(facts):
        if not each.rep.days:
            continue
        asked = make_rep_cycle(each.rep, each.fixed, each.wishes, ways, zone, most)
        tours = solve(number, asked.problem)
        solved.violations.extend(check_cycle(asked.problem, tours))
        _tell(solved, asked, tours, each)
    return solved


def _tell(solved: Solved, asked: RepCycle, tours: Tours, facts: RepFacts) -> None:
    rep_id = facts.rep.id
    solved.was[rep_id] = cycle_outcome.before(facts)
    solved.wanted[rep_id] = cycle_outcome.after(asked, tours, facts)
    cycle_outcome.mark_moves(solved.wanted[rep_id], facts.standing)
    solved.versions.update({v.id: v.version for v in facts.standing})


def finish(asked: Proposal, solved: Solved, solver: dict[str, Any]) -> list[Violation]:
    """Keep a judged plan as ready; one that breaks a rule is never kept. Returns what it breaks."""
    if solved.violations:
        working.fail(asked.id, "plan_broken", violations=[v.kind for v in solved.violations])
        return solved.violations
    told = cycle_outcome.summary(solved.was, solved.wanted)
    told |= {"versions": solved.versions, "solver": solver}
    with transaction() as session:
        found = store.proposal(session, asked.id, lock=True)
        if found is None or found.status != "running":
            return []
        found.before, found.after, found.summary = solved.was, solved.wanted, told
        found.status = "ready"
        notify(session, found)
    return []
