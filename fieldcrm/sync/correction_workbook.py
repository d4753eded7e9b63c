"""The list of corrections as a file: each wanted field in a line of its own, texts stay texts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from fieldcrm.clients.export_forms import Sheet, sheet_at_once
from fieldcrm.kit import clock, i18n
from fieldcrm.people.model import Actor
from fieldcrm.sync.correction_list import Filters, Listed, every

HEADS = ("correct.asked", "report.rep", "report.client", "correct.field", "correct.was",
         "correct.wanted", "correct.now", "correct.comment", "correct.status", "correct.by",
         "correct.decided", "correct.reason")  # fmt: skip
WIDTHS = (18, 22, 32, 16, 32, 32, 32, 40, 14, 22, 18, 40)
NEWEST_FIRST = "-at"


def sheet(actor: Actor, filters: Filters, sort: str, language: str) -> Sheet:
    """Every correction of the list, in its order."""
    titles = [i18n.t(key, language) for key in HEADS]
    found = every(actor, filters, sort)
    lines = (line for listed in found for line in _lines(listed, language))
    return Sheet(i18n.t("correct.title", language), titles, WIDTHS, lines)


def export_xlsx(actor: Actor, filters: Filters, language: str, sort: str = NEWEST_FIRST) -> bytes:
    """The same as a workbook, while somebody waits; raises TooManyRows."""
    return sheet_at_once("xlsx", sheet(actor, filters, sort, language))


def _lines(listed: Listed, language: str) -> Iterator[tuple[Any, ...]]:
    c = listed.correction
    for name in c.wanted:
        yield (
            _moment(c.at), c.rep_name or i18n.t("quality.by_visits", language), c.client_name,
            i18n.t(f"admin.field.{name}", language),
            _text(c.before[name]), _text(c.wanted[name]), _text(c.now[name]), c.comment or "",
            i18n.t(f"correct.status.{listed.status}", language), listed.decided_by,
            _moment(listed.decided_at), listed.reason,
        )  # fmt: skip


def _moment(at: datetime | None) -> datetime | str:
    """As the wall's clock shows it: a spreadsheet knows no zones."""
    return clock.local(at).replace(tzinfo=None) if at else ""


def _text(value: Any) -> str:
    return "" if value is None else str(value)
