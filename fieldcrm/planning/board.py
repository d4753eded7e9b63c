"""A problem laid out for searching: orders of jobs per shift, what they cost, where one more fits."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property

from fieldcrm.planning.model import Problem
from fieldcrm.planning.timing import Columns, Timetable, ways

Orders = tuple[tuple[int, ...], ...]
"""Job indices in order, one tuple per shift."""


@dataclass(frozen=True)
class Draft:
    """Orders under search; `out` are the jobs not placed."""

    orders: Orders
    out: frozenset[int]
    cost: int


class Board:
    """A problem prepared for search: a timetable per shift, costs remembered per order."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        shared = {mode: ways(problem, mode) for mode in {s.mode for s in problem.shifts}}
        columns = Columns(problem)
        self.tables = [Timetable(problem, s, shared[s.mode], columns) for s in problem.shifts]
        self._costs: list[dict[tuple[int, ...], int | None]] = [{} for _ in self.tables]

    @cached_property
    def placeable(self) -> frozenset[int]:
        """Jobs that some shift may do and can reach."""
        return frozenset[int]().union(*(t.allowed for t in self.tables))

    @cached_property
    def homes(self) -> list[list[int]]:
        """For each job the shifts that may do it and can reach it."""
        found: list[list[int]] = [[] for _ in self.problem.jobs]
        for shift, table in enumerate(self.tables):
            for job in table.allowed:
                found[job].append(shift)
        return found

    def order_cost(self, shift: int, order: tuple[int, ...]) -> int | None:
        """What an order costs on a shift, None where impossible; remembered."""
        known = self._costs[shift]
        if order not in known:
            if len(known) > 200_000:
                known.clear()
            known[order] = self.tables[shift].cost(order)
        return known[order]

    def draft(self, orders: Orders) -> Draft:
        """A draft of feasible orders, costed."""
        placed = {j for order in orders for j in order}
        out = frozenset(range(len(self.problem.jobs))) - placed
        travel = sum(self._must_cost(s, order) for s, order in enumerate(orders))
        return Draft(orders, out, travel + sum(self.problem.jobs[j].penalty_s for j in out))

    def _must_cost(self, shift: int, order: tuple[int, ...]) -> int:
        cost = self.order_cost(shift, order)
        if cost is None:
            raise ValueError("an impossible order in a draft")
        return cost

    def empty(self) -> Draft:
        return self.draft(tuple(() for _ in self.tables))

    def best_insertion(self, draft: Draft, job: int) -> tuple[int, int, int] | None:
        """(added cost, shift, index) of the cheapest feasible place for a job."""
        best: tuple[int, int, int] | None = None
        for shift in self.homes[job]:
            found = self.best_place(shift, draft.orders[shift], job)
            if found is not None and (best is None or found[0] < best[0]):
                best = (found[0], shift, found[1])
        return best

    def best_place(
        self, shift: int, order: tuple[int, ...], job: int, skip: float = 0.0,
        rng: random.Random | None = None,
    ) -> tuple[int, int] | None:  # fmt: skip
        """(added cost, index) of the cheapest place in one order.

        `skip` is the chance to overlook an index (SISR's blinks), which keeps a search from
        making the same choice for ever.
        """
        base = self._must_cost(shift, order)
        best: tuple[int, int] | None = None
        for index in range(len(order) + 1):
            if rng is not None and rng.random() < skip:
                continue
            cost = self.order_cost(shift, (*order[:index], job, *order[index:]))
            if cost is not None and (best is None or cost - base < best[0]):
                best = (cost - base, index)
        return best

    def removal_gain(self, shift: int, order: tuple[int, ...], index: int) -> int | None:
        """What the order would cost less without its stop; None where it needs that stop."""
        rest = self.order_cost(shift, (*order[:index], *order[index + 1 :]))
        return None if rest is None else self._must_cost(shift, order) - rest


def inserted(draft_orders: Orders, shift: int, index: int, job: int) -> Orders:
    order = draft_orders[shift]
    return (
        *draft_orders[:shift],
        (*order[:index], job, *order[index:]),
        *draft_orders[shift + 1 :],
    )
