"""A what-if: how a team's cycle would go with fewer or more reps, other borders or frequencies. Values only.

A question is about one team and one span; its scenarios are lists of changes to the team as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from fieldcrm.kit.errors import Conflict, Invalid, NotFound
from fieldcrm.planning.cycle_problem import CycleRep, Fixed, LeftOut, Wish

LOSE_REP, ADD_REP, FREQUENCY, GIVE_CELLS, BALANCE = (
    "lose_rep", "add_rep", "frequency", "give_cells", "balance",
)  # fmt: skip
KINDS = (LOSE_REP, ADD_REP, FREQUENCY, GIVE_CELLS, BALANCE)
NEW = "new-"
"""How the ids of reps begin who aren't there yet."""
MODES = ("car", "foot", "bicycle")
CATEGORIES = ("A", "B", "C")
RATES = ("0", "1/3", "1/2", "1", "2", "3", "4", "6", "8")
"""Visits in four weeks that a category may be given."""
CHANGES_MOST, SCENARIOS_MOST, CELLS_MOST = 12, 12, 500
CALM = "ready"
STATUSES = ("queued", "running", CALM, "failed", "cancelled")


@dataclass(frozen=True)
class Change:
    """One change; which fields count depends on its kind."""

    kind: str
    rep_id: str = ""
    """Who leaves, or who is given cells."""
    mode: str = ""
    """How a new rep moves."""
    category: str = ""
    rate: str = ""
    """Visits in four weeks, one of RATES."""
    cells: tuple[str, ...] = ()
    """H3 cells as hex text."""

    def as_json(self) -> dict[str, Any]:
        told = {"kind": self.kind, "rep_id": self.rep_id, "mode": self.mode,
                "category": self.category, "rate": self.rate, "cells": list(self.cells)}  # fmt: skip
        return {k: v for k, v in told.items() if v}

    @staticmethod
    def of(told: dict[str, Any]) -> Change:
        return Change(**{**told, "cells": tuple(told.get("cells", ()))})


@dataclass(frozen=True)
class Assumptions:
    """What a question takes for granted; costs are in the reader's own currency."""

    most_a_day: int = 12
    rep_month: float = 3_000.0
    """What a rep costs a month."""
    per_km: float = 0.30
    """What a kilometre by car costs."""

    def as_json(self) -> dict[str, Any]:
        return {"most_a_day": self.most_a_day, "rep_month": self.rep_month, "per_km": self.per_km}


@dataclass(frozen=True)
class Part:
    """One rep's share of the team's work."""

    rep: CycleRep
    wishes: tuple[Wish, ...]
    """Also of clients for whom nothing more is wanted within the span."""
    fixed: tuple[Fixed, ...] = ()

    @property
    def capacity(self) -> float:
        """Minutes that he can work in the span; never 0."""
        day = self.rep.shift_end_min - self.rep.shift_start_min - self.rep.lunch_minutes
        return max(1.0, float(max(day, 0) * len(self.rep.days)))


@dataclass(frozen=True)
class Base:
    """A team's span as it is."""

    first: date
    last: date
    zone: str
    most_a_day: int
    resolution: int
    """Of the H3 cells that territories are made of."""
    parts: tuple[Part, ...]
    leg_min: float = 10.0
    """Minutes of way that a visit costs on average: what work by cell is reckoned with."""

    def with_leg(self, leg_min: float) -> Base:
        return replace(self, leg_min=leg_min)


@dataclass(frozen=True)
class Changed:
    """The team after a scenario's changes."""

    parts: tuple[Part, ...]
    cells: dict[int, str]
    """Every H3 cell of the map -> rep."""
    load: dict[int, float]
    """H3 cell -> minutes of work in it."""
    handed: frozenset[str] = frozenset()
    """Clients who would get another rep."""


@dataclass(frozen=True)
class Counted:
    """Visits of one category."""

    wanted: int = 0
    got: int = 0
    clients: int = 0
    missed: int = 0
    """Clients who get fewer visits than wanted."""


@dataclass
class RepOutcome:
    """A rep's span when it is planned."""

    rep_id: str
    key: str
    """What problem it answers, so that the same one needs no second search."""
    mode: str
    days: int
    """Workdays."""
    visits: int = 0
    drive_s: int = 0
    drive_m: int = 0
    work_s: int = 0
    capacity_s: int = 0
    categories: dict[str, Counted] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    """Why clients are left out -> how many."""
    left_out: list[LeftOut] = field(default_factory=list)


class NoScenario(NotFound):
    """No such what-if, or one about another team."""

    code = "not_found"


class BadScenario(Invalid):
    """A what-if can't be asked so; params: field."""

    code = "bad_scenario"


class ScenarioNotReady(Conflict):
    """It isn't in a state in which this can be done; params: status."""

    code = "scenario_not_ready"
