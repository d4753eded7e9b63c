"""Which target on which workday: a rota that keeps each category's frequency. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

PER_CYCLE = {"A": 6, "B": 3, "C": 1.5}
"""Visits in a cycle of three months: two a month, one a month, one in two months."""
EVERY_WORKDAYS = {"A": 10.5, "B": 21, "C": 42}
A_DAY = 13
"""More than this breeds padded visits."""


@dataclass(frozen=True)
class Target:
    """A client to be seen: `sweep` orders targets by where they are, 0 to 1."""

    client_id: str
    category: str
    is_doctor: bool
    sweep: float


def planned_per_cycle(index: int, category: str) -> int:
    """Whole visits of a cycle; every other C target has one more."""
    return int(PER_CYCLE[category] + (0.5 if index % 2 else 0))


def cycle_start(today: date) -> date:
    """The cycle began four weeks ago, on a Monday."""
    return today - timedelta(days=today.weekday() + 28)


def days_of(targets: Sequence[Target], days: int) -> list[list[str]]:
    """Client ids for each of so many workdays from the cycle's first on.

    Targets of a category follow each other around the territory, so that a day lies together; a
    turn gives way by a day to one with less to do.
    """
    plan: list[list[str]] = [[] for _ in range(days)]
    for category, every in EVERY_WORKDAYS.items():
        for is_doctor in (True, False):
            group = [t for t in targets if t.category == category and t.is_doctor == is_doctor]
            for place, target in enumerate(sorted(group, key=lambda t: (t.sweep, t.client_id))):
                for due in _turns(place / len(group), every, days):
                    day = min(_near(due, days), key=lambda d: (len(plan[d]), abs(d - due)))
                    plan[day].append(target.client_id)
    return [list(dict.fromkeys(day))[:A_DAY] for day in plan]


def _turns(share: float, every: float, days: int) -> list[int]:
    turns, at = list[int](), share * every
    while at < days:
        turns.append(int(at))
        at += every
    return turns


def _near(due: int, days: int) -> range:
    return range(max(0, due - 1), min(days, due + 2))
