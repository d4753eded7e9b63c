"""Works out the plan of a cycle, one rep after the other, within the job of its proposal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fieldcrm.planning import cycle_working
from fieldcrm.planning.cycle_model import CycleProblem, Tours
from fieldcrm.planning.cycle_ways import ways_here
from fieldcrm.planning.model import Violation
from fieldcrm.planning.tables import Proposal
from workers.optimiser.cycles.solve import solve
from workers.optimiser.routes.solve import Stop

STEPS_A_NODE, STEPS_LEAST = 400, 4_000
SECONDS = 180.0
"""A net for the whole job, shared by its reps: steps end the search where the machine is quick."""
SEED = 1
Tell = Callable[[float], None]


def work_out(found: Proposal, tell: Tell) -> list[Violation]:
    """Plan, judge and keep; `tell` hears the share done and raises when nobody wants it any more."""
    started = time.perf_counter()
    facts = cycle_working.load(found)
    ways = ways_here()
    search = _Search(len(facts), tell)
    solved = cycle_working.solve_all(found, facts, ways, search)
    solver: dict[str, Any] = {
        "engine": "cycles", "seed": SEED, "steps": search.steps, "is_estimate": ways.is_estimate,
        "is_search_done": search.is_done, "seconds": round(time.perf_counter() - started, 2),
    }  # fmt: skip
    return cycle_working.finish(found, solved, solver)


class _Search:
    """One rep's search after the other, with a common clock."""

    def __init__(self, reps: int, tell: Tell) -> None:
        self.reps, self.tell, self.steps, self.is_done = max(1, reps), tell, 0, True

    def __call__(self, number: int, problem: CycleProblem) -> Tours:
        nodes = len(problem.service) - 1
        if not nodes:
            return [[] for _ in range(problem.days)]
        steps = max(STEPS_LEAST, STEPS_A_NODE * nodes)
        found = solve(
            problem, Stop(steps, SECONDS / self.reps), SEED,
            lambda share, _cost: self.tell((number + share) / self.reps),
        )  # fmt: skip
        self.steps += found.steps
        self.is_done = self.is_done and found.steps >= steps
        return found.plan
