"""What a report is asked for, what it is made of, and what it answers with."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from fieldcrm.kit.errors import Invalid


class PeriodKind(StrEnum):
    """How long a report looks."""

    week = "week"
    month = "month"
    cycle = "cycle"


class GroupBy(StrEnum):
    """What a line of the report's table stands for."""

    team = "team"
    rep = "rep"
    day = "day"
    category = "category"


class Indicator(StrEnum):
    """The field's indicators; their arithmetic is in `rules`."""

    coverage = "coverage"
    frequency = "frequency"
    full_frequency = "full_frequency"
    call_rate = "call_rate"
    on_target = "on_target"
    same_day = "same_day"
    near_day = "near_day"
    time_in_field = "time_in_field"
    contact_share = "contact_share"
    out_of_stock = "out_of_stock"
    evidence_rate = "evidence_rate"


VERDICTS = ("confirmed", "doubtful", "contradicted", "unjudged")
NO_CATEGORY = "-"
"""Group of clients that are no target."""


class UnknownGroup(Invalid):
    """A report can't be asked for that."""

    code = "unknown_report"


@dataclass(frozen=True)
class Period:
    """Local days, inclusive; `until` is the last that has begun (before `starts_on`: none has)."""

    kind: PeriodKind
    starts_on: date
    ends_on: date
    until: date

    @property
    def is_under_way(self) -> bool:
        return self.starts_on <= self.until < self.ends_on


@dataclass(frozen=True)
class Filters:
    """Narrows a report; empty is no limit. Never widens what the actor may see."""

    team_ids: tuple[str, ...] = ()
    rep_ids: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    territory_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tally:
    """Visits counted by the verdict on each."""

    confirmed: int = 0
    doubtful: int = 0
    contradicted: int = 0
    unjudged: int = 0

    @property
    def valid(self) -> int:
        """Closed and not contradicted."""
        return self.confirmed + self.doubtful + self.unjudged

    @property
    def closed(self) -> int:
        return self.valid + self.contradicted

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.confirmed + other.confirmed, self.doubtful + other.doubtful,
            self.contradicted + other.contradicted, self.unjudged + other.unjudged,
        )  # fmt: skip


@dataclass(frozen=True)
class Cell:
    """Visits of one rep, day and category, summed: the smallest piece a report is added up from."""

    team_id: str
    rep_id: str
    day: date
    category: str
    planned: int = 0
    """Visits the plan had for this day (the day it was first planned for) and that are due."""
    closed: Tally = Tally()
    on_target: Tally = Tally()
    """Those of `closed` whose client is one of the cycle's targets."""
    same_day: Tally = Tally()
    """Those of `planned` that were closed on that day."""
    near_day: Tally = Tally()
    """Those of `planned` that were closed on it, the day before or the day after."""
    contact_s: int = 0
    """Seconds between check-in and closing, summed over valid visits."""
    first_in_s: int | None = None
    """First check-in (epoch seconds)."""
    last_out_s: int | None = None
    """Last closing (epoch seconds)."""
    stock_checked: int = 0
    stock_absent: int = 0


@dataclass(frozen=True)
class Target:
    """A client of a rep's cycle plan and what became of him within the period."""

    client_id: str
    rep_id: str
    team_id: str
    category: str
    goal: int
    """Visits wanted within the period."""
    done: Tally = Tally()
    lat: float | None = None
    lng: float | None = None

    @property
    def missing(self) -> int:
        """Visits that are still wanting; too many elsewhere never makes it less."""
        return max(self.goal - self.done.valid, 0)


@dataclass(frozen=True)
class FieldDays:
    """Workdays of a rep less time off territory, so far, by local day (1.0 is a whole one)."""

    rep_id: str
    team_id: str
    by_day: dict[date, float]


@dataclass(frozen=True)
class Measure:
    """One indicator's value with the visits it rests on; None where nothing can be said."""

    value: float | None
    part: float
    """The numerator: of what it says how much."""
    whole: float
    """The denominator."""
    visits: Tally


@dataclass(frozen=True)
class Line:
    """A row of the report: a group (or the total) with its indicators."""

    key: str
    name: str
    planned: int
    closed: Tally
    measures: dict[Indicator, Measure]


@dataclass(frozen=True)
class DayBar:
    """One day of the chart."""

    day: date
    planned: int
    closed: Tally
    is_today: bool = False


@dataclass(frozen=True)
class Gap:
    """An H3 cell and how many visits are wanting there."""

    cell: str
    missing: int
    clients: int


@dataclass(frozen=True)
class Report:
    """Plan against actual, as one screen shows it."""

    period: Period
    before: Period
    """The period it is compared with, cut where this one stands."""
    work_days: int
    work_days_passed: int
    total: Line
    total_before: Line | None
    lines: list[Line]
    days: list[DayBar]
    trends: dict[Indicator, list[float | None]]
    """Values of the last weeks, the newest last."""
    gaps: list[Gap]


@dataclass(frozen=True)
class VisitRow:
    """A visit behind a number."""

    id: str
    rep_id: str
    rep_name: str
    client_id: str
    client_name: str
    category: str
    day: date
    state: str
    result: str | None
    verdict: str
    reasons: list[str] = field(default_factory=list)
    counts: bool = True
    """Whether it is among those that raise the number (False: it lowers it)."""


@dataclass(frozen=True)
class GapRow:
    """A target behind a gap: a client with visits wanting."""

    client_id: str
    client_name: str
    category: str
    rep_name: str
    goal: int
    done: int


GOALS: dict[Indicator, float] = {
    Indicator.coverage: 85.0,
    Indicator.frequency: 80.0,
    Indicator.same_day: 80.0,
    Indicator.call_rate: 12.0,
    Indicator.evidence_rate: 95.0,
}
"""What a company of this kind usually asks of its reps (see docs: 12 to 13 visits a day is the
optimum that reps report themselves; norms above 14 breed padded visits)."""
