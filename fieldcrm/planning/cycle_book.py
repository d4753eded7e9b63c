"""Clients of a rep's cycle as a file: what is planned, done and lacking, and why."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from io import BytesIO, StringIO
from typing import Any

import xlsxwriter

from fieldcrm.kit import i18n
from fieldcrm.planning.cycle_board import Row

HEADS = (
    "cycle.client", "cycle.category", "cycle.wanted", "cycle.done", "cycle.ahead", "cycle.lacking",
    "cycle.reason",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _lines(rows: Sequence[Row], language: str) -> list[list[Any]]:
    return [
        [r.name, r.category, r.planned, r.done, r.ahead, r.lacking,
         i18n.t(f"cycle.reason.{r.reason}", language) if r.reason else ""]
        for r in rows
    ]  # fmt: skip


def as_xlsx(rows: Sequence[Row], language: str) -> bytes:
    """A workbook; texts stay texts."""
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet(i18n.t("cycle.clients", language)[:31])
        bold = book.add_format({"bold": True})
        sheet.set_column(0, 0, 36)
        sheet.set_column(6, 6, 36)
        for column, key in enumerate(HEADS):
            sheet.write_string(0, column, i18n.t(key, language), bold)
        lines = _lines(rows, language)
        for n, line in enumerate(lines, start=1):
            sheet.write_row(n, 0, line)
        sheet.freeze_panes(1, 0)
        if lines:
            sheet.autofilter(0, 0, len(lines), len(HEADS) - 1)
    return buffer.getvalue()


def as_csv(rows: Sequence[Row], language: str) -> bytes:
    """Text, UTF-8 with its mark; no cell starts a formula."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([i18n.t(key, language) for key in HEADS])
    for line in _lines(rows, language):
        writer.writerow([_harmless(value) for value in line])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
