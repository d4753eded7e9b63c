"""Visits as a list for screens and files: filters from plain texts, a workbook of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import batched
from typing import Any

from fieldcrm.clients.export_forms import Sheet, sheet_at_once
from fieldcrm.forms import service as forms
from fieldcrm.kit import clock, i18n
from fieldcrm.people.model import Actor
from fieldcrm.reports.model import VERDICTS
from fieldcrm.visits import service as visits
from fieldcrm.visits.life import life
from fieldcrm.visits.model import VisitFilters
from fieldcrm.visits.saying import outcome_text
from fieldcrm.visits.store import VisitView

HEADS = ("report.day", "report.rep", "report.client", "report.category", "visits_page.place",
         "visits_page.state", "visits_page.planned", "visits_page.actual", "report.result",
         "report.verdict", "visits_page.comment", "report.visit_id", "form_admin.form", "form_admin.answers")  # fmt: skip
WIDTHS = (12, 22, 32, 10, 28, 16, 10, 14, 18, 16, 60, 38, 24, 100)
PIECE = 500
CELL_MOST = 32_000
"""Characters; Excel takes 32,767 in a cell."""


def filters_of(
    search: str = "", state: str = "", verdict: str = "", category: str = "", rep_id: str = "",
    team_id: str = "", first: date | None = None, last: date | None = None,
) -> VisitFilters:  # fmt: skip
    """Filters of the list; words it doesn't know count as none."""

    def one(value: str, allowed: tuple[str, ...] | None = None) -> tuple[str, ...]:
        return (value,) if value and (allowed is None or value in allowed) else ()

    return VisitFilters(
        search=search[:200].replace("\x00", ""), states=one(state, life().states), verdicts=one(verdict, VERDICTS),
        categories=one(category, ("A", "B", "C")), rep_ids=one(rep_id), team_ids=one(team_id),
        day_from=first, day_to=last,
    )  # fmt: skip


def sheet(actor: Actor, filters: VisitFilters, language: str) -> Sheet:
    """Every visit of the list, in order of day."""
    titles = [i18n.t(key, language) for key in HEADS]
    return Sheet(
        i18n.t("report.sheet.visits", language), titles, WIDTHS, _lines(actor, filters, language)
    )


def _lines(actor: Actor, filters: VisitFilters, language: str) -> Iterator[tuple[Any, ...]]:
    for views in batched(visits.export_rows(actor, filters), PIECE):
        read = forms.reader([v.visit.details or {} for v in views], language)
        for view in views:
            yield (view.visit.day, *_texts(view, language), *_answers(view, read))


def export_xlsx(actor: Actor, filters: VisitFilters, language: str) -> bytes:
    """The same as a workbook, while somebody waits; raises TooManyRows."""
    return sheet_at_once("xlsx", sheet(actor, filters, language))


def _texts(view: VisitView, language: str) -> tuple[str, ...]:
    v = view.visit
    return (
        view.rep_name, view.client_name, view.category or "", view.place_name or view.address or "",
        i18n.t(f"visits_page.state.{v.state}", language),
        _time(v.planned_at), actual_text(v.checked_in_at, v.closed_at),
        outcome_text(v, language),
        i18n.t(f"report.{v.verdict}", language) if v.state == "closed" else "", v.comment or "", v.id,
    )  # fmt: skip


def _answers(view: VisitView, read: forms.Reader) -> tuple[str, str]:
    """The form's title and its answers, one a line."""
    details = view.visit.details or {}
    told = "\n".join(f"{row.label}: {row.text}" for row in read.rows(details))
    return read.title(details), told[:CELL_MOST]


def _time(at: datetime | None) -> str:
    return f"{clock.local(at):%H:%M}" if at else ""


def actual_text(began: datetime | None, ended: datetime | None) -> str:
    """When it really took place, as '11:19–11:31'."""
    return "–".join(t for t in (_time(began), _time(ended)) if t)
