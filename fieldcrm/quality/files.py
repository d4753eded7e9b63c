"""The list of cards as a file: a line for each, its findings in words; texts stay texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fieldcrm.clients.export_forms import Sheet, sheet_at_once
from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor
from fieldcrm.quality import service, words
from fieldcrm.quality.model import CardFilters
from fieldcrm.quality.store import Row

HEADS = ("quality.score", "admin.field.name", "admin.field.kind", "admin.field.category",
         "quality.findings", "admin.field.address", "admin.field.city", "admin.field.phone",
         "admin.field.territory", "quality.owner", "quality.next_visit", "admin.field.external_id")  # fmt: skip
WIDTHS = (10, 32, 14, 10, 60, 36, 18, 20, 22, 22, 14, 16)


def sheet(actor: Actor, filters: CardFilters, sort: str, language: str) -> Sheet:
    """A line for each card of the list, in its order."""
    return Sheet(
        i18n.t("quality.nav", language), [i18n.t(key, language) for key in HEADS], WIDTHS,
        _lines(actor, filters, sort, language),
    )  # fmt: skip


def _lines(actor: Actor, filters: CardFilters, sort: str, language: str) -> Iterator[list[Any]]:
    for row in service.every(actor, filters, sort):
        yield _line(row, language)


def _line(row: Row, language: str) -> list[Any]:
    q, c = row.quality, row.client
    return [
        q.score, c.name, i18n.t(f"admin.client.{c.kind}", language), c.category or "",
        words.why(service.findings_of(row), language), c.address or "", c.city or "", c.phone or "",
        row.territory or "", row.owner or "", q.next_visit_on, c.external_id or "",
    ]  # fmt: skip


def export(form: str, actor: Actor, filters: CardFilters, sort: str, language: str) -> bytes:
    """The list as CSV or a workbook, while somebody waits; raises TooManyRows."""
    return sheet_at_once(form, sheet(actor, filters, sort, language))
