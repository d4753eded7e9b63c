"""The queue of duplicates as a file: a line for each pair, both clients side by side; texts stay texts."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import BytesIO, StringIO

import xlsxwriter

from fieldcrm.clients.duplicates import words
from fieldcrm.clients.duplicates.model import PairFilters
from fieldcrm.clients.duplicates.queue import PairView, every
from fieldcrm.clients.exporting import guarded
from fieldcrm.kit import clock, i18n
from fieldcrm.people.model import Actor

FIELDS = ("name", "address", "city", "phone")
HEADS = ("duplicates.sheet.probability", "duplicates.why", "duplicates.status", "duplicates.by",
         "duplicates.sheet.decided")  # fmt: skip
WIDTHS = (14, 60, 16, 24, 18, *(32, 36, 18, 20) * 2)


def heads(language: str) -> list[str]:
    """Names of the columns."""
    sides = [(i18n.t(f"duplicates.{side}", language), i18n.t(f"admin.field.{f}", language))
             for side in ("first", "second") for f in FIELDS]  # fmt: skip
    return [*(i18n.t(key, language) for key in HEADS), *(f"{a}: {b}" for a, b in sides)]


def lines(actor: Actor, filters: PairFilters, sort: str, language: str) -> Iterator[list[str]]:
    """A line for each pair of the queue."""
    for view in every(actor, filters, sort):
        yield _line(view, language)


def _line(view: PairView, language: str) -> list[str]:
    decided = view.pair.decided_at
    return [
        f"{view.pair.probability * 100:.0f}", words.why(view.reasons, language),
        i18n.t(f"duplicates.status.{view.pair.status}", language), view.decided_by,
        f"{clock.local(decided):%Y-%m-%d %H:%M}" if decided else "",
        *(str(getattr(c, f) or "") for c in (view.left, view.right) for f in FIELDS),
    ]  # fmt: skip


def export_xlsx(actor: Actor, filters: PairFilters, sort: str, language: str) -> bytes:
    """The queue as a workbook."""
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet(i18n.t("duplicates.nav", language)[:31])
        bold = book.add_format({"bold": True})
        for n, (head, width) in enumerate(zip(heads(language), WIDTHS, strict=True)):
            sheet.set_column(n, n, width)
            sheet.write_string(0, n, head, bold)
        for row, line in enumerate(lines(actor, filters, sort, language), start=1):
            for n, text in enumerate(line):
                sheet.write_string(row, n, text)
        sheet.freeze_panes(1, 0)
    return buffer.getvalue()


def export_csv(actor: Actor, filters: PairFilters, sort: str, language: str) -> bytes:
    """The queue as UTF-8 with its mark, so that a spreadsheet shows every letter."""
    buffer = StringIO()
    out = csv.writer(buffer)
    out.writerow(heads(language))
    for line in lines(actor, filters, sort, language):
        out.writerow([guarded(text) for text in line])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()
