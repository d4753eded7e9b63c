"""Which client on which day over weeks: frequency by category, spacing, hours, load, neighbours.

A light spread for the first release; its result is a plain choice of days that any stronger search
can start from. Pure and deterministic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

import h3.api.basic_int as h3

MONTHLY = {"A": Fraction(2), "B": Fraction(1), "C": Fraction(1, 2)}
"""Visits a month by category (docs: the field's own defaults)."""
CAPACITY = 12
"""Visits a day that a rep makes well."""
CELL_RESOLUTION = 9
"""H3 cells that count as one neighbourhood (edge about 200 m)."""
SHIFT_TOLERANCE = 0.35
"""A visit may leave its ideal day by this share of the client's interval."""
NO_ROOM, CLOSED_ALWAYS = "no_room", "closed_always"


@dataclass(frozen=True, slots=True)
class Target:
    """A client to be seen regularly."""

    client_id: str
    rep_id: str
    category: str
    lat: float
    lng: float
    address: str = ""
    """Clients of one address are seen the same day as far as their frequencies allow."""
    opening_hours: str | None = None


@dataclass
class CyclePlan:
    """Who is seen when, and who could not be fitted as often as wanted."""

    days: dict[tuple[str, date], list[str]] = field(default_factory=dict)
    """(rep, day) -> client ids."""
    short: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Client id -> (visits that found no day, why: no_room or closed_always)."""


def visits_wanted(category: str, months: int, turn: int = 0) -> int:
    """Visits over a cycle; where the frequency leaves a half, every other client (`turn`) gets one
    more, so that a base of many clients comes out right."""
    exact = MONTHLY.get(category, Fraction(0)) * months
    whole = int(exact)
    return whole + (1 if exact > whole and turn % 2 == 0 else 0)


IsOpen = Callable[[str | None, date], bool]
"""(OSM hours, day) -> whether somebody is there."""


def make_cycle_plan(
    targets: Sequence[Target], wanted: Mapping[str, int], days: Sequence[date], is_open: IsOpen,
    capacity: int = CAPACITY,
) -> CyclePlan:  # fmt: skip
    """Spread each rep's clients over the workdays.

    `wanted` is visits over these days by client. Important clients choose first; each visit takes
    the cheapest open day near its ideal one, where a day costs by how full it is and saves by how
    many neighbours it has already.
    """
    plan = CyclePlan()
    for rep_id in sorted({t.rep_id for t in targets}):
        _Spread(rep_id, days, capacity, is_open, plan).run(
            [t for t in targets if t.rep_id == rep_id], wanted
        )
    return plan


class _Spread:
    """One rep's days while they are filled."""

    def __init__(
        self, rep_id: str, days: Sequence[date], capacity: int, is_open: IsOpen, plan: CyclePlan
    ) -> None:
        self.rep_id, self.days, self.capacity, self.plan = rep_id, days, capacity, plan
        self.is_open = is_open
        self.load = [0] * len(days)
        self.cells: list[dict[int, int]] = [defaultdict(int) for _ in days]
        self.addresses: list[dict[str, int]] = [defaultdict(int) for _ in days]
        self.phase: dict[str, float] = {}

    def run(self, targets: Sequence[Target], wanted: Mapping[str, int]) -> None:
        turn = 0
        for target in sorted(targets, key=lambda t: (-wanted[t.client_id], t.address, t.client_id)):
            count = wanted[target.client_id]
            key = f"{target.address or target.client_id}/{count}"
            if key not in self.phase:  # the golden ratio spreads phases evenly however many come
                self.phase[key] = (turn * 0.6180339887) % 1.0
                turn += 1
            self._place(target, count, self.phase[key])

    def _place(self, target: Target, count: int, phase: float) -> None:
        open_days = [n for n, d in enumerate(self.days) if self.is_open(target.opening_hours, d)]
        cell = h3.latlng_to_cell(target.lat, target.lng, CELL_RESOLUTION)
        missed = 0
        for n in range(count):
            day = self._best_day(target, cell, open_days, (n + phase) / count, count)
            if day is None:
                missed += 1
                continue
            self._put(target, cell, day)
        if missed:
            why = NO_ROOM if open_days else CLOSED_ALWAYS
            self.plan.short[target.client_id] = (missed, why)

    def _best_day(
        self, target: Target, cell: int, open_days: Sequence[int], share: float, count: int
    ) -> int | None:
        ideal = share * len(self.days)
        interval = len(self.days) / count
        best: tuple[float, int] | None = None
        for day in open_days:
            away = abs(day - ideal) / interval
            if away > SHIFT_TOLERANCE or self.load[day] >= self.capacity:
                continue
            score = (
                3.0 * (self.load[day] / self.capacity) ** 2 + away
                - 1.5 * bool(self.addresses[day][target.address] and target.address)
                - 0.25 * min(4, self.cells[day][cell])
            )  # fmt: skip
            if best is None or score < best[0]:
                best = (score, day)
        return None if best is None else best[1]

    def _put(self, target: Target, cell: int, day: int) -> None:
        self.load[day] += 1
        self.cells[day][cell] += 1
        self.addresses[day][target.address] += 1
        self.plan.days.setdefault((self.rep_id, self.days[day]), []).append(target.client_id)
