"""Plans routes for one fleet from one depot: the compiled search, its routes recombined, again.

Deterministic for a seed where a limit in steps ends it; a limit in seconds follows the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from workers.optimiser.routes import kernel, layout
from workers.optimiser.routes.combine import Columns, combine
from workers.optimiser.routes.instances import Instance

CHUNK = 1000
"""Steps between two looks at the clock: 10 to 100 ms."""
NEAR = 40
"""Places beside so many near clients before and after are looked at."""
STRENGTH, LONGEST = 10.0, 10
"""Clients taken out on average, and the longest string (the paper's values)."""
BLINK = 0.01
POOL_WIDTH = 0.01
OPENING, TAILS = 0.05, 0.3
"""Routes of solutions so little worse than the best are pooled."""
COLUMNS = 6000
"""Pooled routes, of the best solutions, that the linear program prices."""
HEAT, COLDNESS = 2.0, 0.005
"""First temperature in mean legs, and the last one as a share of it."""
PHASES = ((0.0, 0.55, 1.0), (0.6, 0.78, 0.3), (0.82, 0.96, 0.2))
"""(begin, end, warmth) of each annealing, in shares of the limit; between them routes recombine."""


@dataclass(frozen=True)
class Stop:
    """When to stop: after so many steps, or so many seconds; and on whose wish."""

    steps: int | None = None
    seconds: float | None = None
    is_cancelled: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Found:
    routes: list[list[int]]
    cost: int
    """Tenths: distance and missed prizes."""
    steps: int
    is_optimal_search_done: bool = True


def solve(
    instance: Instance, stop: Stop, seed: int = 0,
    progress: Callable[[float, int], None] = lambda share, cost: None,
) -> Found:  # fmt: skip
    """The best routes found; `progress` hears (share done, cost so far) and may raise."""
    return _Search(instance, stop, seed, progress).run()


class _Search:
    def __init__(
        self, instance: Instance, stop: Stop, seed: int, progress: Callable[[float, int], None]
    ) -> None:
        self.instance, self.stop, self.progress = instance, stop, progress
        self.begun = stop.clock()
        self.facts = layout.make_facts(instance, near=NEAR, seed=seed)
        self.state = kernel.make_state(self.facts, seed)
        self.steps = 0
        self.prizes = instance.prize.tolist()
        self.is_optional = (instance.prize > 0).tolist()

    def done(self) -> float:
        """Share of the limit used up; 1 and more when it is time to stop."""
        if self.stop.is_cancelled():
            return 1.0
        by_steps = self.steps / self.stop.steps if self.stop.steps else 0.0
        seconds = self.stop.seconds
        by_time = (self.stop.clock() - self.begun) / seconds if seconds else 0.0
        return max(by_steps, by_time)

    def run(self) -> Found:
        kernel.fill(self.facts, self.state)
        hot = self._heat()
        for begin, end, warmth in PHASES:
            self._anneal(begin, end, hot * warmth, hot * COLDNESS)
            self._recombine()
            if self.done() >= 1:
                break
        routes = kernel.best_routes(self.facts, self.state)
        return Found(routes, self.instance.cost(routes), self.steps, self.done() >= 1)

    def _heat(self) -> float:
        """The first temperature, from the mean leg of the first solution."""
        routes = kernel.best_routes(self.facts, self.state)
        legs = sum(len(r) + 1 for r in routes)
        return HEAT * self.instance.travelled(routes) / max(1, legs)

    def _anneal(self, begin: float, end: float, hot: float, cold: float) -> None:
        while (done := self.done()) < end:
            share = min(1.0, max(0.0, (done - begin) / (end - begin)))
            heat = hot * (cold / hot) ** share
            kernel.run(
                self.facts, self.state, self.steps, CHUNK, heat, heat,
                STRENGTH, LONGEST, BLINK, POOL_WIDTH, OPENING, TAILS,
            )  # fmt: skip
            self.steps += CHUNK
            self.progress(min(1.0, done), int(self.state.tally[layout.BEST]))

    def _recombine(self) -> None:
        """The best choice of the routes met becomes the solution, if it is better."""
        columns = self._columns()
        best = int(self.state.tally[layout.BEST])
        seconds = self._seconds_to_combine()
        missed = sum(self.prizes)
        chosen = None
        if best < layout.REQUIRED and seconds > 0:
            chosen = combine(
                columns, len(self.prizes) - 1, self.is_optional, self.facts.fleet,
                best - missed, seconds,
            )  # fmt: skip
        routes = (
            [list(columns.routes[n]) for n in chosen] if chosen
            else kernel.best_routes(self.facts, self.state)
        )  # fmt: skip
        nodes = np.array([c for r in routes for c in r], np.uint32)
        ends = np.cumsum([0, *(len(r) for r in routes)]).astype(np.int64)
        kernel.load_routes(self.facts, self.state, nodes, ends)

    def _seconds_to_combine(self) -> float:
        seconds = self.stop.seconds
        return 1.0 if seconds is None else min(2.0, 0.04 * seconds)

    def _columns(self) -> Columns:
        """The routes of the best solutions met; the pool begins anew when it is nearly full."""
        state, met = self.state, int(self.state.tally[layout.POOL_N])
        order = np.argsort(state.pool_score[:met], kind="stable")[:COLUMNS]
        routes, costs = [], []
        for n in order.tolist():
            route = tuple(state.pool_nodes[state.pool_at[n] : state.pool_at[n + 1]].tolist())
            routes.append(route)
            costs.append(int(state.pool_cost[n]) - sum(self.prizes[c] for c in route))
        if met > 0.7 * layout.POOL_ROUTES:
            kernel.forget_pool(state)
        return Columns(routes, costs)
