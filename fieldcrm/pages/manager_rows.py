"""A report in the reader's words: cards, bars, table lines, lists behind numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import h3

from fieldcrm.components.charts import spark_path
from fieldcrm.kit import i18n
from fieldcrm.reports.model import (
    GOALS,
    DayBar,
    Gap,
    GapRow,
    GroupBy,
    Indicator,
    Line,
    Measure,
    Report,
    Tally,
    VisitRow,
)  # fmt: skip
from fieldcrm.reports.workbook import PERCENT, group_name

CARDS = (Indicator.coverage, Indicator.frequency, Indicator.same_day, Indicator.call_rate,
         Indicator.evidence_rate)  # fmt: skip
SMALL = (Indicator.full_frequency, Indicator.near_day, Indicator.on_target, Indicator.time_in_field,
         Indicator.contact_share, Indicator.out_of_stock)  # fmt: skip
STEPS = 5
"""Shades of the gap map, the palest for cells without a gap."""
BELOW = 10.0
"""A table's value this many points below its goal is coloured."""


@dataclass
class Counts:
    """Visits by verdict, as numbers and as one sentence."""

    confirmed: int = 0
    doubtful: int = 0
    contradicted: int = 0
    unjudged: int = 0
    said: str = ""
    texts: list[str] = field(default_factory=lambda: ["0"] * 4)
    """The four as the reader writes numbers."""


@dataclass
class Card:
    """An indicator with its goal, its last weeks and the visits it rests on."""

    name: str
    label: str
    value: str
    unit: str
    parts: str
    spark: str = ""
    spark_dot: str = ""
    percent: float = 0
    tick: float = 0
    pace: float = 0
    """Where the plan would stand by now; 0 where the goal asks the same at any time."""
    is_reached: bool = False
    delta: str = ""
    delta_tone: str = "muted"
    delta_icon: str = ""
    goal: str = ""
    goal_why: str = ""
    counts: Counts = field(default_factory=Counts)


@dataclass
class Bar:
    """A day of the chart; the shape that charts.tsx draws."""

    day: str
    label: str
    title: str
    planned: int
    confirmed: int
    unjudged: int
    doubtful: int
    contradicted: int
    is_today: bool
    starts_week: bool


@dataclass
class Value:
    """A cell of the table."""

    text: str
    tone: str = ""
    name: str = ""
    """The indicator behind it."""


@dataclass
class TableRow:
    """A line of the table."""

    key: str
    name: str
    done: str
    planned: str
    percent: float
    tick: float
    main: list[Value]
    more: list[Value]
    counts: Counts


@dataclass
class Hex:
    """A cell of the gap map; the shape that place_map.tsx draws."""

    cell: str
    missing: int
    step: int
    title: str
    centre: list[float]
    rim: list[list[float]]


@dataclass
class Listed:
    """A visit of a list behind a number."""

    id: str
    verdict: str
    verdict_word: str
    day: str
    category: str
    client: str
    rep: str
    why: str
    state: str
    counts: bool


@dataclass
class Lacking:
    """A client whose visits are wanting."""

    client: str
    category: str
    rep: str
    said: str


TABLE = (Indicator.coverage, Indicator.frequency, Indicator.same_day, Indicator.call_rate)
MORE = (Indicator.on_target, Indicator.time_in_field, Indicator.contact_share)


# ---- numbers ----


def value_text(name: Indicator, value: float | None, language: str) -> str:
    """A value without its unit; a dash where nothing can be said."""
    return "—" if value is None else i18n.number(round(value, 1), language, 1)


def unit(name: Indicator, language: str) -> str:
    if name in PERCENT:
        return "%"
    return i18n.t("report.hours", language) if name is Indicator.time_in_field else ""


def counts(tally: Tally, language: str) -> Counts:
    said = i18n.t(
        "report.verdicts_said", language, confirmed=tally.confirmed, doubtful=tally.doubtful,
        contradicted=tally.contradicted, unjudged=tally.unjudged,
    )  # fmt: skip
    numbers = (tally.confirmed, tally.doubtful, tally.contradicted, tally.unjudged)
    return Counts(
        tally.confirmed,
        tally.doubtful,
        tally.contradicted,
        tally.unjudged,
        said,
        [i18n.number(n, language) for n in numbers],
    )


def parts_text(name: Indicator, m: Measure, language: str) -> str:
    """What the value is made of, as '84 of 107 targets'."""
    if m.value is None:
        return i18n.t("report.nothing_yet", language)
    part, whole = m.part, m.whole
    if name is Indicator.contact_share:
        part, whole = part / 3600, whole / 3600
    shown = {k: round(v, 1) if v % 1 else int(v) for k, v in (("part", part), ("whole", whole))}
    return i18n.t(f"report.parts.{name}", language, **shown)


def all_parts(report: Report, language: str) -> dict[str, str]:
    """The same for every number of the page, by `indicator|line`."""
    return {
        f"{name}|{line.key}": parts_text(name, m, language)
        for line in (report.total, *report.lines) for name, m in line.measures.items()
    }  # fmt: skip


# ---- cards ----


def cards(report: Report, names: Sequence[Indicator], language: str) -> list[Card]:
    return [_card(report, name, language) for name in names]


def _card(report: Report, name: Indicator, language: str) -> Card:
    m = report.total.measures[name]
    card = Card(
        name=name.value, label=i18n.t(f"report.{name}", language),
        value=value_text(name, m.value, language), unit=unit(name, language) if m.value is not None else "",
        parts=parts_text(name, m, language), counts=counts(m.visits, language),
    )  # fmt: skip
    card.spark, card.spark_dot = spark_path(report.trends.get(name, []))
    _add_goal(card, name, m.value, passed_share(report), language)
    _add_delta(card, name, m.value, report, language)
    return card


GROWING = frozenset({Indicator.coverage, Indicator.frequency})
"""What grows through a period, so that half-way half of the goal is well."""


def passed_share(report: Report) -> float:
    """How much of the period's workdays has begun, 0 to 1."""
    return report.work_days_passed / report.work_days if report.work_days else 1.0


def _add_goal(
    card: Card, name: Indicator, value: float | None, passed: float, language: str
) -> None:
    goal = GOALS.get(name)
    if goal is None:
        return
    scale = 100 / (100 if name in PERCENT else goal / 0.857)
    card.percent = min(max(value or 0, 0) * scale, 100)
    card.tick = goal * scale
    card.is_reached = value is not None and value >= goal
    if name in GROWING and passed < 1:
        card.pace = goal * passed * scale
        by_now = i18n.number(round(goal * passed), language)
        card.goal_why = i18n.t("report.pace", language, value=by_now)
    key = "report.goal" if name in PERCENT else "report.norm"
    card.goal = i18n.t(key, language, value=i18n.number(goal, language))


def _add_delta(
    card: Card, name: Indicator, value: float | None, report: Report, language: str
) -> None:
    before = report.total_before.measures[name].value if report.total_before else None
    if value is None or before is None:
        return
    change = round(value, 1) - round(before, 1)
    sign = "+" if change > 0.04 else "−" if change < -0.04 else "±"
    points = i18n.t("report.points", language) if name in PERCENT else ""
    card.delta = f"{sign}{i18n.number(abs(round(change, 1)), language, 1)} {points}".strip()
    worse = change > 0 if name is Indicator.out_of_stock else change < 0
    card.delta_tone = "muted" if sign == "±" else "late" if worse else "good"
    card.delta_icon = {"+": "arrow-up", "−": "arrow-down", "±": ""}[sign]


# ---- chart and map ----


def bars(days: Sequence[DayBar], language: str) -> list[Bar]:
    return [_bar(d, language) for d in days]


def _bar(d: DayBar, language: str) -> Bar:
    title = i18n.t(
        "report.bar_title", language, day=i18n.day(d.day, language, "EEE d MMMM"), planned=d.planned,
        done=d.closed.closed, doubtful=d.closed.doubtful, contradicted=d.closed.contradicted,
        unjudged=d.closed.unjudged,
    )  # fmt: skip
    return Bar(
        d.day.isoformat(), str(d.day.day), title, d.planned, d.closed.confirmed, d.closed.unjudged,
        d.closed.doubtful, d.closed.contradicted, d.is_today, d.day.isoweekday() == 1,
    )  # fmt: skip


def hexes(gaps: Sequence[Gap], language: str) -> list[Hex]:
    most = max((g.missing for g in gaps), default=0)
    return [_hex(g, most, language) for g in gaps]


def _hex(gap: Gap, most: int, language: str) -> Hex:
    step = 0 if not gap.missing else max(1, -(-gap.missing * (STEPS - 1) // most))
    title = i18n.t("report.gap_title", language, n=gap.missing, clients=gap.clients)
    rim = [[lat, lng] for lat, lng in h3.cell_to_boundary(gap.cell)]
    return Hex(gap.cell, gap.missing, step, title, list(h3.cell_to_latlng(gap.cell)), rim)


# ---- the table ----


def table_rows(report: Report, by: GroupBy, language: str) -> list[TableRow]:
    scale = max([1, *(max(x.planned, x.closed.valid) for x in report.lines)]) / 0.933
    passed = passed_share(report)
    return [
        table_row(x, group_name(by, x, language), scale, passed, language) for x in report.lines
    ]


def table_row(line: Line, name: str, scale: float, passed: float, language: str) -> TableRow:
    return TableRow(
        key=line.key, name=name, done=i18n.number(line.closed.valid, language),
        planned=i18n.number(line.planned, language),
        percent=round(100 * line.closed.valid / scale, 1), tick=round(100 * line.planned / scale, 1),
        main=[_value(line, name_of, passed, language) for name_of in TABLE],
        more=[_value(line, name_of, passed, language) for name_of in MORE],
        counts=counts(line.closed, language),
    )  # fmt: skip


def _value(line: Line, name: Indicator, passed: float, language: str) -> Value:
    value, goal = line.measures[name].value, GOALS.get(name)
    wanted = goal and goal * (passed if name in GROWING else 1) - BELOW
    low = wanted is not None and value is not None and name in PERCENT and value < wanted
    return Value(value_text(name, value, language), "late" if low else "", name.value)


# ---- lists ----


def listed(rows: Sequence[VisitRow], language: str) -> list[Listed]:
    return [
        Listed(
            r.id, r.verdict if r.state == "closed" else _state_glyph(r.state),
            i18n.t(f"report.{r.verdict}" if r.state == "closed" else f"report.state.{r.state}", language),
            i18n.day(r.day, language), r.category.strip("-"), r.client_name, r.rep_name,
            _why(r, language), r.state, r.counts,
        )
        for r in rows
    ]  # fmt: skip


def _state_glyph(state: str) -> str:
    return {"missed": "v-missed", "moved": "v-moved", "under_way": "v-now"}.get(state, "v-planned")


def _why(row: VisitRow, language: str) -> str:
    if row.state != "closed":
        return i18n.t(f"report.state.{row.state}", language)
    return " ".join(row.reasons[:2]) or i18n.t("report.not_judged_yet", language)


def lacking(rows: Sequence[GapRow], language: str) -> list[Lacking]:
    return [
        Lacking(r.client_name, r.category.strip("-"), r.rep_name,
                i18n.t("report.done_of", language, done=r.done, goal=r.goal))
        for r in rows
    ]  # fmt: skip


def day_of(text: str) -> date | None:
    """A day from a browser, None for anything else."""
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def as_choices(rows: Sequence[Any]) -> list[dict[str, str]]:
    return [{"value": r.id, "text": r.name} for r in rows]
