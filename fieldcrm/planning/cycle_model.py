"""The problem of a cycle: which client on which days, and each day's tours. Values only.

One depot (node 0), so many days, so many tours a day, clients 1..n. Costs and times are integers.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Days = tuple[int, ...]
ENDLESS = 1 << 29
"""No limit of time or load."""
SHARPNESS = 10_000
"""True lengths are kept in ten-thousandths, rounded up so that no tour gets too long."""
Tours = list[list[list[int]]]
"""[day][tour] client numbers in order: a plan of a cycle."""


@dataclass(frozen=True)
class Spacing:
    """So many visits over the cycle, the next one so many days after each, at least and at most."""

    visits: int
    least: int = 1
    most: int = 1 << 20

    def allows(self, days: Sequence[int]) -> bool:
        gaps = [b - a for a, b in itertools.pairwise(days)]
        return len(days) == self.visits and all(self.least <= g <= self.most for g in gaps)


@dataclass(frozen=True)
class CycleProblem:
    """Everything a cycle's plan depends on; node 0 of each array is the depot."""

    name: str
    days: int
    tours: int
    """At most so many tours a day."""
    cost: Ints
    """[n + 1, n + 1] what a way costs."""
    time: Ints
    """[n + 1, n + 1] how long it takes."""
    service: Ints
    ready: Ints
    """[days, n + 1] when a client opens; of the depot: when tours may leave."""
    due: Ints
    """[days, n + 1] when a client closes, below `ready` on a closed day; depot: tours must be back."""
    patterns: tuple[tuple[Days, ...], ...]
    """For each node the sets of days on which it may be visited, one of which is to be chosen."""
    demand: Ints
    capacity: Ints
    """[days] what one tour can carry."""
    penalty: Ints
    """[n + 1] what leaving a client out costs; 0 where it must be visited."""
    category: tuple[str, ...]
    spacing: dict[str, Spacing] = field(default_factory=dict)
    """By category, where patterns follow from a rule; the check goes by the rule."""
    must_end_in_window: bool = False
    """Whether a visit must also be over by `due`, or only begin."""
    exact: Floats | None = None
    """The ways' true lengths, where `cost` is rounded: what a plan's cost is told in."""
    best_known: float | None = None

    def told_cost(self, plan: Tours) -> float:
        """Ways and penalties of a plan, in the file's own unit."""
        ways = self.cost if self.exact is None else self.exact
        travelled = sum(
            float(ways[a, b]) for tours in plan for tour in tours
            for a, b in zip([0, *tour], [*tour, 0], strict=True)
        )  # fmt: skip
        return travelled + sum(int(self.penalty[c]) for c in self.missed(plan))

    def missed(self, plan: Tours) -> list[int]:
        """Clients that a plan leaves out."""
        seen = {c for tours in plan for tour in tours for c in tour}
        return [c for c in range(1, len(self.service)) if c not in seen]

    def missed_by_category(self, plan: Tours) -> dict[str, int]:
        names = sorted(set(self.category[1:]))
        missed = [self.category[c] for c in self.missed(plan)]
        return {name: missed.count(name) for name in names}

    def travel_s(self, plan: Tours) -> int:
        """How long all ways of a plan take."""
        return sum(
            int(self.time[a, b]) for tours in plan for tour in tours
            for a, b in zip([0, *tour], [*tour, 0], strict=True)
        )  # fmt: skip


def spaced(days: int, spacing: Spacing, is_open: Sequence[bool]) -> tuple[Days, ...]:
    """Every set of open days that a spacing allows, in order."""
    found: list[Days] = []

    def grow(chosen: Days) -> None:
        if len(chosen) == spacing.visits:
            found.append(chosen)
            return
        first = chosen[-1] + spacing.least if chosen else 0
        last = min(days - 1, chosen[-1] + spacing.most) if chosen else days - 1
        for day in range(first, last + 1):
            if is_open[day]:
                grow((*chosen, day))

    grow(())
    return tuple(found)


def plan_as_json(problem: CycleProblem, plan: Tours) -> dict[str, Any]:
    """A plan as its file holds it."""
    return {"name": problem.name, "days": plan, "cost": round(problem.told_cost(plan), 2)}
