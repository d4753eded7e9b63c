"""Plans a cycle: which client on which days and each day's tours, all in one compiled search.

Deterministic for a seed where a limit in steps ends it; a limit in seconds follows the clock. The
best plan so far stands at any time: a wish to stop is heard between two chunks of steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fieldcrm.planning.cycle_model import ENDLESS, CycleProblem, Tours
from workers.optimiser.cycles import kernel
from workers.optimiser.routes.solve import Stop

CHUNK = 200
"""Steps between two looks at the clock: 5 to 50 ms."""
LONGEST = 10
BLINK = 0.01
ABSENT = 0.25
"""How often the ruin begins at a client who is out, where there is one."""
LOOKED_AT = 20
DEARER, CHEAPER = 1.03, 0.97
"""How a price changes from chunk to chunk: of leaving out a client who must be visited, of load
over the capacity."""
REQUIRED = 1 << 40
"""What leaving out a client who must be visited counts in the cost that is told."""


PHASES = (
    (0.0, 0.2, 1.0), (0.2, 0.4, 1.0), (0.4, 0.6, 1.0), (0.6, 0.8, 0.5), (0.8, 1.0, 0.3),
)  # fmt: skip
"""(begin, end, warmth) of each annealing, in shares of the limit; the less warm go on from the best."""


@dataclass(frozen=True)
class Tuning:
    """The search's numbers, each measured (docs/decisions/0030-cycles.md)."""

    strength: float = 10.0
    """Visits taken out on average, by the paper's formula."""
    hot: float = 0.8
    cold: float = 0.03
    """First and last temperature, in mean legs."""
    absent: float = ABSENT
    looked_at: int = LOOKED_AT
    blink: float = BLINK
    longest: int = LONGEST
    roomy: float = 0.02
    """How often room is made on all days of a pattern for one client, the dearest who is out."""
    opening: float = 0.05
    """How often a tour is opened on some day, if there is one left."""
    tails: float = 0.2
    """How often two tours of a day exchange their tails, where a day has several."""
    phases: tuple[tuple[float, float, float], ...] = PHASES
    easier: float = 1.0
    """How many times cheaper than in truth a client is out at the beginning of an annealing; it ends
    at the truth, in equal ratios."""


WITH_CHOICE = Tuning(hot=20.0, cold=0.05, opening=0.0, phases=((0.0, 1.0, 1.0),), easier=6.0)
"""Where clients may be left out: one visit more is worth many ways, so it begins far hotter; and time is
what there is too little of, so ways count for more than they cost until they are short.

A day's tour that is opened costs the steps more than it brings (docs/decisions/0030).
"""


@dataclass(frozen=True)
class Found:
    plan: Tours
    cost: int
    steps: int
    is_search_done: bool


def solve(
    problem: CycleProblem, stop: Stop, seed: int = 0,
    progress: Callable[[float, int], None] = lambda share, cost: None, tuning: Tuning | None = None,
) -> Found:  # fmt: skip
    """The best plan found; `progress` hears (share done, cost so far) and may raise."""
    return _Search(problem, stop, seed, progress, tuning).run()


class _Search:
    def __init__(
        self, problem: CycleProblem, stop: Stop, seed: int,
        progress: Callable[[float, int], None], tuning: Tuning | None,
    ) -> None:  # fmt: skip
        self.problem, self.stop, self.progress = problem, stop, progress
        self.tuning = tuning or (WITH_CHOICE if problem.penalty[1:].any() else Tuning())
        self.begun = stop.clock()
        self.facts = kernel.make_facts(problem)
        self.is_required = np.asarray(problem.penalty == 0)
        self.is_required[0] = False
        worth = np.where(self.is_required, REQUIRED, problem.penalty)
        self.state = kernel.make_state(self.facts, worth, seed)
        self.is_timed = bool((problem.due < ENDLESS).any())
        """Where only loads are limited, nobody who must be visited need ever be out."""
        self.price = self.cheapest = self.dearest = self.weight = 1.0
        self.ease = self.tuning.easier
        """By what the true prices of clients who may be out are divided now."""
        self.steps = 0

    def done(self) -> float:
        """Share of the limit used up; 1 and more when it is time to stop."""
        if self.stop.is_cancelled():
            return 1.0
        by_steps = self.steps / self.stop.steps if self.stop.steps else 0.0
        seconds = self.stop.seconds
        by_time = (self.stop.clock() - self.begun) / seconds if seconds else 0.0
        return max(by_steps, by_time)

    def run(self) -> Found:
        leg = self._begin()
        for begin, end, warmth in self.tuning.phases:
            if self.done() >= 1:
                break
            if warmth < 1.0:
                self._return_to_best()
            self._anneal(begin, end, self.tuning.hot * warmth * leg, self.tuning.cold * leg)
        plan = kernel.best_tours(self.facts, self.state)
        return Found(plan, int(self.state.tally[kernel.BEST]), self.steps, self.done() >= 1)

    def _begin(self) -> float:
        """A first solution within the loads, and the first prices; its mean leg."""
        self.state.tally[kernel.WEIGHT] = kernel.NOWHERE
        kernel.fill(self.facts, self.state)
        leg = self._mean_leg()
        self.price, self.cheapest = (
            (20.0 * leg, 0.1 * leg) if self.is_timed else (1e3 * leg, 1e3 * leg)
        )
        self.dearest = 1e5 * leg
        self.weight = leg / max(1.0, float(self.problem.demand.mean()))
        self._reprice()
        return leg

    def _return_to_best(self) -> None:
        """The best solution so far becomes the one now."""
        days = kernel.best_tours(self.facts, self.state)
        tours = [t for d in days for t in [*d, *[[]] * (self.problem.tours - len(d))]]
        nodes = np.array([c for tour in tours for c in tour], np.int32)
        ends = np.cumsum([0, *map(len, tours)]).astype(np.int64)
        kernel.load(self.facts, self.state, self.state.best_choice.copy(), nodes, ends)

    def _mean_leg(self) -> float:
        """Cost of a way in the first solution, on average."""
        tally = self.state.tally
        legs = int(tally[kernel.PLACED] + tally[kernel.USED])
        if not legs:
            return max(1.0, float(self.problem.cost.mean()))
        return max(1.0, float(tally[kernel.TRAVEL]) / legs)

    def _anneal(self, begin: float, end: float, hot: float, cold: float) -> None:
        t = self.tuning
        while (done := self.done()) < end:
            share = min(1.0, max(0.0, (done - begin) / (end - begin)))
            heat = hot * (cold / hot) ** share
            self._ease(t.easier ** (1.0 - share))
            kernel.run(
                self.facts, self.state, self.steps, CHUNK, heat,
                t.strength, t.longest, t.blink, t.absent, t.looked_at, t.roomy, t.opening,
                t.tails if self.problem.tours > 1 else 0.0,
            )  # fmt: skip
            self.steps += CHUNK
            self._correct_price()
            self.progress(min(1.0, done), int(self.state.tally[kernel.BEST]))

    def _ease(self, ease: float) -> None:
        if ease != self.ease:
            self.ease = ease
            self._reprice()

    def _correct_price(self) -> None:
        """What is not allowed gets dearer while the plan has it, and cheaper while it has not.

        So the search may pass through plans with too much load in a tour, or with somebody out who
        must be visited, which tight limits need.
        """
        if not self.is_required.any():
            return
        tally = self.state.tally
        changed = self.price * (DEARER if tally[kernel.OUT] > 0 else CHEAPER)
        self.price = min(self.dearest, max(self.cheapest, changed))
        changed = self.weight * (DEARER if tally[kernel.OVER] > 0 else CHEAPER)
        self.weight = min(self.dearest, max(1.0, changed))
        self._reprice()

    def _reprice(self) -> None:
        """Clients of many visits are dearer in the search than in truth: they find a place last."""
        visits = np.maximum(1, self.facts.visits)
        price = np.where(self.is_required, self.price, self.problem.penalty / self.ease)
        kernel.reprice(self.state, (price * visits).astype(np.int64))
        if self.is_required.any():
            self.state.tally[kernel.WEIGHT] = round(self.weight)
