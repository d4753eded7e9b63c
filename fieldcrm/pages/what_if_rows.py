"""What the what-if page shows, in the reader's words: scenarios, figures side by side, territories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import h3.api.basic_int as h3

from fieldcrm.kit import i18n
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.planning import whatif, whatif_outcome
from fieldcrm.planning.whatif_model import (
    ADD_REP,
    BALANCE,
    FREQUENCY,
    GIVE_CELLS,
    LOSE_REP,
    Change,
    RepOutcome,
)
from fieldcrm.planning.whatif_outcome import BETTER, SAME, WORSE, Figures

COLOURS = 10
"""So many territories have colours of their own; numbers tell all of them apart."""
FIGURES = (
    ("coverage", "share", 0.005), ("coverage_a", "share", 0.005), ("coverage_b", "share", 0.005),
    ("coverage_c", "share", 0.005), ("value", "share", 0.005), ("visits", "whole", 1),
    ("left_out", "whole", 1), ("drive_h", "one", 0.1), ("drive_km", "whole", 1),
    ("work_h", "whole", 1), ("spread", "points", 0.01), ("cost", "whole", 1),
    ("cost_visit", "two", 0.05), ("reps", "whole", 1), ("handed", "whole", 1),
)  # fmt: skip
"""(figure, how it is written, from which difference on there is one)."""


@dataclass
class Column:
    """A scenario: the head of its column."""

    id: str
    title: str
    changes: list[str]
    status: str
    """queued, running, ready, failed, cancelled."""
    note: str
    percent: int
    is_base: bool
    is_working: bool
    has_map: bool


@dataclass
class Cell:
    """A figure of a scenario."""

    text: str
    change: str
    tone: str
    mark: str
    verdict: str
    """Better or worse, in words."""


@dataclass
class Row:
    """A figure of every scenario."""

    name: str
    calendar: str
    """As it stands in the calendar."""
    cells: list[Cell] = field(default_factory=list)


@dataclass
class Territory:
    """A rep's territory."""

    id: str
    number: str
    tone: str
    name: str
    figures: str
    load: str
    share: int
    about: str


@dataclass
class Area:
    """A cell on the map."""

    id: str
    number: int
    tone: int
    minutes: int
    rim: list[float]


def columns(view: whatif.QuestionView, language: str) -> list[Column]:
    """The scenarios in order."""
    return [_column(each, view.rep_names, language) for each in view.scenarios]


def _column(each: whatif.ScenarioView, names: Mapping[str, str], language: str) -> Column:
    title = (
        i18n.t("whatif.base", language)
        if each.number == 0
        else i18n.t("whatif.scenario", language, number=each.number)
    )
    return Column(
        each.id, title, [change_told(c, n, names, language) for n, c in enumerate(each.changes)],
        each.status, _note(each, language), round(100 * each.progress), each.number == 0,
        each.status in UNDER_WAY, bool(each.cells),
    )  # fmt: skip


def _note(each: whatif.ScenarioView, language: str) -> str:
    told: list[str] = []
    if each.status == "failed":
        told.append(i18n.t(each.error or "planning.error.broken", language))
    elif each.status == "cancelled":
        best = "whatif.cancelled_best" if each.figures else "planning.error.cancelled"
        told.append(i18n.t(best, language))
    elif each.is_rough:
        told.append(i18n.t("whatif.rough", language))
    if each.is_dated:
        told.append(i18n.t("whatif.dated", language))
    return " ".join(told)


def change_told(change: Change, number: int, names: Mapping[str, str], language: str) -> str:
    """A change in words."""
    params = {
        LOSE_REP: {"name": rep_named(change.rep_id, names, language)},
        ADD_REP: {"number": number + 1, "mode": i18n.t(f"whatif.mode.{change.mode}", language)}
        if change.kind == ADD_REP else {},
        FREQUENCY: {"category": change.category,
                    "rate": i18n.t(f"whatif.rate.{change.rate}", language)}
        if change.kind == FREQUENCY else {},
        GIVE_CELLS: {"n": len(change.cells), "name": rep_named(change.rep_id, names, language)},
        BALANCE: {},
    }[change.kind]  # fmt: skip
    return i18n.t(f"whatif.told.{change.kind}", language, **params)


def rep_named(rep_id: str, names: Mapping[str, str], language: str) -> str:
    """A rep's name; of one who isn't there yet, which one."""
    if rep_id in names:
        return names[rep_id]
    number = rep_id.rpartition("-")[2]
    known = number.isdigit() and rep_id.startswith("new-")
    return i18n.t("whatif.new_rep", language, number=number) if known else "—"


# ---- figures side by side ----


def rows(view: whatif.QuestionView, language: str) -> list[Row]:
    """Every figure of every scenario, with its difference to the team as it is."""
    base = view.scenarios[0].figures if view.scenarios else None
    told: list[Row] = []
    for name, form, least in FIGURES:
        calendar = "" if name in ("reps", "handed") else _told(view.calendar, name, form, language)
        row = Row(i18n.t(f"whatif.figure.{name}", language), calendar)
        for each in view.scenarios:
            row.cells.append(_cell(each, base, name, form, least, language))
        told.append(row)
    return told


def _told(figures: Figures | None, name: str, form: str, language: str) -> str:
    value = getattr(figures, name) if figures else None
    return "–" if value is None else _number(value, form, language)


def _number(value: float, form: str, language: str) -> str:
    if form == "change":
        return i18n.t("whatif.points", language, n=i18n.number(round(100 * value), language))
    if form in ("share", "points"):
        return i18n.number(round(100 * value), language) + "\u202f%"
    digits = {"whole": 0, "one": 1, "two": 2}[form]
    return i18n.number(round(value, digits) if digits else round(value), language, digits)


def _cell(
    each: whatif.ScenarioView, base: Figures | None, name: str, form: str, least: float,
    language: str,
) -> Cell:  # fmt: skip
    told = _told(each.figures, name, form, language)
    if each.number == 0 or each.figures is None or base is None or each.is_dated:
        return Cell(told, "", SAME, "", "")
    now, then = getattr(base, name), getattr(each.figures, name)
    tone = whatif_outcome.compared(name, now, then, least)
    if tone == SAME or now is None or then is None:
        return Cell(told, "", SAME, "", "")
    sign = "+" if then > now else "−"
    form = "change" if form in ("share", "points") else form
    change = sign + _number(abs(then - now), form, language)
    verdict = i18n.t(f"whatif.{tone}", language) if tone in (BETTER, WORSE) else ""
    return Cell(told, change, tone, "arrow-up" if then > now else "arrow-down", verdict)


# ---- the map ----


def territories(
    view: whatif.QuestionView, each: whatif.ScenarioView, language: str
) -> list[Territory]:
    """A scenario's reps with their work, numbered as on the map."""
    fullest = max((r.work_s / max(1, r.capacity_s) for r in each.reps), default=1) or 1
    return [
        _territory(n, rep, each, view.rep_names, fullest, language)
        for n, rep in enumerate(sorted(each.reps, key=lambda r: r.rep_id))
    ]


def _territory(
    n: int, rep: RepOutcome, each: whatif.ScenarioView, names: Mapping[str, str], fullest: float,
    language: str,
) -> Territory:  # fmt: skip
    wanted, got = (sum(getattr(c, k) for c in rep.categories.values()) for k in ("wanted", "got"))
    busy = rep.work_s / max(1, rep.capacity_s)
    work = sum(m for c, m in each.load.items() if each.cells.get(c) == rep.rep_id)
    figures = i18n.t(
        "whatif.territory", language, hours=_number(rep.work_s / 3600, "whole", language),
        busy=_number(busy, "share", language), visits=_number(rep.visits, "whole", language),
        coverage=_number(got / wanted if wanted else 1, "share", language),
    )  # fmt: skip
    reasons = ", ".join(
        f"{i18n.t(f'cycle.reason.{why}', language)}: {count}" for why, count in rep.reasons.items()
    )
    return Territory(
        rep.rep_id, str(n + 1), str(n % COLOURS), rep_named(rep.rep_id, names, language), figures,
        i18n.t("whatif.wanted_work", language, hours=_number(work / 60, "whole", language)),
        min(100, round(100 * busy / max(1.0, fullest))), reasons,
    )  # fmt: skip


def areas(each: whatif.ScenarioView) -> list[Area]:
    """A scenario's cells for the map; `rim` is lat, lng of each corner in turn."""
    numbers = {r: n for n, r in enumerate(sorted(r.rep_id for r in each.reps))}
    found: list[Area] = []
    for text, rep_id in sorted(each.cells.items()):
        rim = [round(x, 5) for corner in h3.cell_to_boundary(int(text, 16)) for x in corner]
        number = numbers.get(rep_id, 0)
        found.append(Area(text, number + 1, number % COLOURS, each.load.get(text, 0), rim))
    return found


def bounds(found: list[Area]) -> list[float]:
    """South, west, north, east of some cells."""
    if not found:
        return []
    lats, lngs = [x for a in found for x in a.rim[::2]], [x for a in found for x in a.rim[1::2]]
    return [min(lats), min(lngs), max(lats), max(lngs)]
