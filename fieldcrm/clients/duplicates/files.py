"""The queue of duplicates as a file: a line for each pair, both clients side by side; texts stay texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fieldcrm.clients.duplicates import words
from fieldcrm.clients.duplicates.model import PairFilters
from fieldcrm.clients.duplicates.queue import PairView, every
from fieldcrm.clients.export_forms import Sheet, sheet_at_once
from fieldcrm.kit import clock, i18n
from fieldcrm.people.model import Actor

FIELDS = ("name", "address", "city", "phone")
HEADS = ("duplicates.sheet.probability", "duplicates.why", "duplicates.status", "duplicates.by",
         "duplicates.sheet.decided")  # fmt: skip
WIDTHS = (14, 60, 16, 24, 18, *(32, 36, 18, 20) * 2)


def sheet(actor: Actor, filters: PairFilters, sort: str, language: str) -> Sheet:
    """A line for each pair of the queue, in its order."""
    return Sheet(
        i18n.t("duplicates.nav", language), _heads(language), WIDTHS,
        _lines(actor, filters, sort, language),
    )  # fmt: skip


def _heads(language: str) -> list[str]:
    sides = [(i18n.t(f"duplicates.{side}", language), i18n.t(f"admin.field.{f}", language))
             for side in ("first", "second") for f in FIELDS]  # fmt: skip
    return [*(i18n.t(key, language) for key in HEADS), *(f"{a}: {b}" for a, b in sides)]


def _lines(actor: Actor, filters: PairFilters, sort: str, language: str) -> Iterator[list[Any]]:
    for view in every(actor, filters, sort):
        yield _line(view, language)


def _line(view: PairView, language: str) -> list[Any]:
    decided = view.pair.decided_at
    return [
        round(view.pair.probability * 100), words.why(view.reasons, language),
        i18n.t(f"duplicates.status.{view.pair.status}", language), view.decided_by,
        clock.local(decided).replace(tzinfo=None) if decided else "",
        *(str(getattr(c, f) or "") for c in (view.left, view.right) for f in FIELDS),
    ]  # fmt: skip


def export(form: str, actor: Actor, filters: PairFilters, sort: str, language: str) -> bytes:
    """The queue as CSV or a workbook, while somebody waits; raises TooManyRows."""
    return sheet_at_once(form, sheet(actor, filters, sort, language))
