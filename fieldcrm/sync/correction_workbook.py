"""The list of corrections as a workbook: each wanted field in a line of its own, texts stay texts."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import xlsxwriter

from fieldcrm.kit import clock, i18n
from fieldcrm.people.model import Actor
from fieldcrm.sync.correction_list import Filters, Listed, every

HEADS = ("correct.asked", "report.rep", "report.client", "correct.field", "correct.was",
         "correct.wanted", "correct.now", "correct.comment", "correct.status", "correct.by",
         "correct.decided", "correct.reason")  # fmt: skip
WIDTHS = (18, 22, 32, 16, 32, 32, 32, 40, 14, 22, 18, 40)


def export_xlsx(actor: Actor, filters: Filters, language: str) -> bytes:
    """Every correction of the list, the newest first."""
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet(i18n.t("correct.title", language)[:31])
        bold = book.add_format({"bold": True})
        for n, (key, width) in enumerate(zip(HEADS, WIDTHS, strict=True)):
            sheet.set_column(n, n, width)
            sheet.write_string(0, n, i18n.t(key, language), bold)
        lines = (line for listed in every(actor, filters) for line in _lines(listed, language))
        for row, line in enumerate(lines, start=1):
            for n, text in enumerate(line):
                sheet.write_string(row, n, text)
        sheet.freeze_panes(1, 0)
    return buffer.getvalue()


def _lines(listed: Listed, language: str) -> Iterator[tuple[str, ...]]:
    c = listed.correction
    for name in c.wanted:
        yield (
            _moment(c.at), c.rep_name, c.client_name, i18n.t(f"admin.field.{name}", language),
            _text(c.before[name]), _text(c.wanted[name]), _text(c.now[name]), c.comment or "",
            i18n.t(f"correct.status.{listed.status}", language), listed.decided_by,
            _moment(listed.decided_at), listed.reason,
        )  # fmt: skip


def _moment(at: Any) -> str:
    return f"{clock.local(at):%Y-%m-%d %H:%M}" if at else ""


def _text(value: Any) -> str:
    return "" if value is None else str(value)
