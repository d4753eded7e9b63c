"""What the planning page shows, in the reader's words: days, loads, clients, differences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from fieldcrm.kit import clock, i18n
from fieldcrm.planning import cycle_board
from fieldcrm.planning.service import ProposalView

SHOWN_MOST = 14
"""Visits of a day that its cell names."""
MOVABLE = ("planned", "kept", "same", "moved")
LOCKABLE = ("planned", "locked")


@dataclass
class Visit:
    """A visit within a day."""

    key: str
    visit_id: str
    name: str
    category: str
    kind: str
    at: str
    note: str
    can_move: bool = False


@dataclass
class Cell:
    """A day of the calendar."""

    day: str
    label: str
    figures: str
    share: int
    """Of the day's working time, in per cent."""
    tone: str
    """off, past, today or empty."""
    is_open: bool
    """Whether something can be put there still."""
    visits: list[Visit] = field(default_factory=list)
    more: str = ""
    can_lock: bool = False
    is_locked: bool = False
    """Every planned visit of it is."""


@dataclass
class Pin:
    """A visit on the map."""

    key: str
    day: str
    number: int
    name: str
    lat: float
    lng: float
    kind: str


def pins(days: list[cycle_board.Day]) -> list[Pin]:
    """Every visit of the calendar that has a place, numbered along its day."""
    return [
        Pin(f"{e.visit_id or e.client_id}/{day.day}", day.day.isoformat(), n, e.name, *e.point, e.kind)
        for day in days for n, e in enumerate(day.entries, 1) if e.point
    ]  # fmt: skip


@dataclass
class Week:
    label: str
    figures: str
    days: list[Cell] = field(default_factory=list)


@dataclass
class LoadRow:
    """A rep's span."""

    id: str
    name: str
    figures: str
    average: str
    share: int
    """Visits a workday against the limit, in per cent."""


@dataclass
class ClientRow:
    """A client and what lacks."""

    id: str
    name: str
    category: str
    planned: int
    done: int
    ahead: int
    lacking: int
    reason: str


@dataclass
class Paper:
    """A proposal that waits, or an approved plan."""

    id: str
    title: str
    about: str
    is_undone: bool = False


def weeks(
    days: list[cycle_board.Day], today: date, minutes_a_day: int, language: str
) -> list[Week]:
    """The calendar in rows of seven days; a weekend without visits is left out."""
    rows = [days[n : n + 7] for n in range(0, len(days), 7)]
    is_free = [all(not r[d].entries and not r[d].is_workday for r in rows) for d in range(7)]
    last = 5 if is_free[5] and is_free[6] else 7
    return [_week(row, last, today, minutes_a_day, language) for row in rows]


def _week(
    row: list[cycle_board.Day], last: int, today: date, minutes_a_day: int, language: str
) -> Week:
    visits = sum(len(d.entries) for d in row)
    minutes = sum(d.minutes for d in row)
    label = i18n.day(row[0].day, language)
    cells = [_cell(d, today, minutes_a_day, language) for d in row[:last]]
    return Week(label, _figures(visits, minutes, language), cells)


def _figures(visits: int, minutes: int, language: str) -> str:
    return i18n.t("cycle.visits_hours", language, n=visits, hours=_hours(minutes, language))


def _hours(minutes: int, language: str) -> str:
    return i18n.number(minutes / 60, language, 1)


def _cell(day: cycle_board.Day, today: date, minutes_a_day: int, language: str) -> Cell:
    tone = "today" if day.day == today else "past" if day.day < today else ""
    tone = tone or ("" if day.is_workday else "off")
    share = min(100, round(100 * day.minutes / max(1, minutes_a_day)))
    shown = [
        _visit(e, n, day.day, language, day.day > today)
        for n, e in enumerate(day.entries[:SHOWN_MOST])
    ]
    rest = len(day.entries) - len(shown)
    return Cell(
        day.day.isoformat(), i18n.day(day.day, language, "EEE d MMM"),
        _figures(len(day.entries), day.minutes, language) if day.entries else "", share, tone,
        day.day > today, shown, i18n.t("cycle.more", language, n=rest) if rest else "",
        day.day > today and any(e.kind in LOCKABLE for e in day.entries),
        any(e.kind == "locked" for e in day.entries)
        and not any(e.kind == "planned" for e in day.entries),
    )  # fmt: skip


def _visit(
    entry: cycle_board.Entry, number: int, day: date, language: str, is_ahead: bool
) -> Visit:
    at = (
        i18n.time_of_day(clock.local(datetime.fromisoformat(entry.at)), language)
        if entry.at
        else ""
    )
    note = i18n.t(f"cycle.kind.{entry.kind}", language)
    if entry.moved_from:
        was = i18n.day(date.fromisoformat(entry.moved_from), language, "EEE d MMM")
        note = i18n.t("cycle.moved_from", language, day=was)
    return Visit(
        f"{day}-{number}", entry.visit_id, entry.name, entry.category, entry.kind, at,
        " · ".join(part for part in (entry.name, at, note) if part),
        is_ahead and bool(entry.visit_id) and entry.kind in MOVABLE,
    )  # fmt: skip


def load_rows(loads: list[cycle_board.Load], most_a_day: int, language: str) -> list[LoadRow]:
    """Each rep's load; the bar is full where every day has as many visits as allowed."""
    return [
        LoadRow(
            each.rep_id, each.name, _figures(each.visits, each.minutes, language),
            i18n.t("cycle.a_day", language, fullest=each.fullest,
                   average=i18n.number(each.visits / max(1, each.days), language, 1)),
            min(100, round(100 * each.visits / max(1, each.days * most_a_day))),
        )
        for each in loads
    ]  # fmt: skip


def client_rows(rows: list[cycle_board.Row], language: str) -> list[ClientRow]:
    """Clients as the list shows them."""
    return [
        ClientRow(
            r.client_id, r.name, r.category, r.planned, r.done, r.ahead, r.lacking,
            i18n.t(f"cycle.reason.{r.reason}", language) if r.reason else "",
        )
        for r in rows
    ]  # fmt: skip


def difference(view: ProposalView, language: str) -> list[str]:
    """A proposal's difference in a few short sentences."""
    told = view.summary
    counted = [
        i18n.t(f"cycle.diff.{kind}", language, n=told.get(kind, 0))
        for kind in ("new", "moved", "removed") if told.get(kind)
    ]  # fmt: skip
    counted += [i18n.t("cycle.diff.stay", language, n=told.get("same", 0) + told.get("kept", 0))]
    hours = i18n.number(told.get("drive_s", 0) / 3600, language, 1)
    counted += [i18n.t("cycle.diff.driving", language, hours=hours)]
    if told.get("left_out"):
        counted.append(i18n.t("cycle.diff.left_out", language, n=told["left_out"]))
    return counted


def paper_of(view: ProposalView, names: Mapping[str, str], language: str) -> Paper:
    """A proposal that waits."""
    by = names.get(view.requested_by or "", "")
    status = i18n.t(f"planning.status.{view.status}", language)
    whose = i18n.t("cycle.reps", language, n=len(view.rep_ids))
    about = (status, by, i18n.t("hand.by_rep", language) if is_by_rep(view) else whose)
    span = _span(view.day, date.fromisoformat(view.request["until"]), language)
    return Paper(view.id, span, " · ".join(p for p in about if p))


def is_by_rep(view: ProposalView) -> bool:
    """Whether a rep proposed it for his own cycle."""
    return bool(view.request.get("by_rep"))


def own_paper(view: ProposalView, language: str) -> Paper:
    """What a rep proposed, as he sees it: what became of it, and the manager's word."""
    title = _span(view.day, date.fromisoformat(view.request["until"]), language)
    about = [i18n.t(f"planning.status.{view.status}", language),
             i18n.t("cycle.diff.moved", language, n=view.summary.get("moved", 0))]  # fmt: skip
    if view.summary.get("word"):
        about.append(i18n.t("mine.manager_says", language, word=view.summary["word"]))
    return Paper(view.id, title, " · ".join(about))


def approved_paper(each: cycle_board.Approved, names: Mapping[str, str], language: str) -> Paper:
    """An approved plan."""
    kept = each.baseline
    when = i18n.moment(clock.local(kept.approved_at), language)
    visits = sum(len(c) for days in kept.days.values() for c in days.values())
    about = [
        _span(kept.first_day, kept.last_day, language), i18n.t("cycle.visits", language, n=visits),
        i18n.t("cycle.approved_by", language, name=names.get(kept.approved_by or "", "—"), when=when),
    ]  # fmt: skip
    if each.status == "undone":
        about.append(i18n.t("planning.status.undone", language))
    title = i18n.t("cycle.version", language, n=kept.version)
    return Paper(kept.proposal_id, title, " · ".join(about), each.status == "undone")


def _span(first: date, last: date, language: str) -> str:
    return f"{i18n.day(first, language)} – {i18n.day(last, language)}"


def people_in(views: list[ProposalView], kept: list[cycle_board.Approved]) -> set[str]:
    """Whose names these papers need."""
    every: list[Any] = [v.requested_by for v in views] + [a.baseline.approved_by for a in kept]
    return {each for each in every if each}


def day_named(text: str) -> date | None:
    """An ISO day as a page names it, None where it is none."""
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
