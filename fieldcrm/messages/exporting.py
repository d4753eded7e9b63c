"""The list of messages as CSV and XLSX files: with every moment, in the reader's language."""

from __future__ import annotations

import csv
import io
from datetime import datetime
from typing import Any

import xlsxwriter

from fieldcrm.clients.exporting import guarded
from fieldcrm.kit import clock, i18n
from fieldcrm.messages import listing
from fieldcrm.messages.model import Filters, Kind, MessageView
from fieldcrm.people.model import Actor

HEADS = (
    "messages.written", "messages.by", "messages.rep", "messages.kind", "messages.text",
    "messages.due_at", "messages.where", "messages.state", "messages.state.arrived",
    "messages.state.seen", "messages.state.accepted", "messages.state.declined",
    "messages.state.done", "messages.state.withdrawn", "messages.comment",
)  # fmt: skip
WIDTHS = (17, 22, 22, 14, 60, 17, 32, 16, 17, 17, 17, 17, 17, 17, 40)


def export_csv(actor: Actor, filters: Filters, sort: str, language: str) -> bytes:
    """UTF-8 with its mark, so that spreadsheets read it right; no cell starts a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(i18n.t(key, language) for key in HEADS)
    for message in listing.every(actor, filters, sort):
        writer.writerow(guarded(_text(cell)) for cell in _cells(message, language))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def export_xlsx(actor: Actor, filters: Filters, sort: str, language: str) -> bytes:
    """A workbook whose texts are texts and whose moments are moments of the company's zone."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "constant_memory": True}) as book:
        sheet = book.add_worksheet(i18n.t("messages.nav", language)[:31])
        bold = book.add_format({"bold": True})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for column, (key, width) in enumerate(zip(HEADS, WIDTHS, strict=True)):
            sheet.set_column(column, column, width)
            sheet.write_string(0, column, i18n.t(key, language), bold)
        sheet.freeze_panes(1, 0)
        for line, message in enumerate(listing.every(actor, filters, sort), 1):
            for column, cell in enumerate(_cells(message, language)):
                if isinstance(cell, datetime):
                    sheet.write_datetime(line, column, cell, moment)
                elif cell:
                    sheet.write_string(line, column, cell)
    return out.getvalue()


def text_of(m: MessageView, language: str) -> str:
    """What was written; a changed plan is told by its day."""
    if m.kind is Kind.plan and m.day is not None:
        return i18n.t("messages.plan_of", language, day=i18n.day(m.day, language, "EEE d MMM"))
    return m.text


def _cells(m: MessageView, language: str) -> list[str | datetime | None]:
    moments = (m.arrived_at, m.seen_at, m.accepted_at, m.declined_at, m.done_at, m.withdrawn_at)
    return [
        _local(m.created_at), m.by, m.rep_name, i18n.t(f"messages.kind.{m.kind}", language),
        text_of(m, language), _local(m.due_at), m.place,
        i18n.t(f"messages.state.{m.state}", language), *map(_local, moments), m.comment,
    ]  # fmt: skip


def _local(at: datetime | None) -> datetime | None:
    """As the wall's clock shows it: a spreadsheet knows no zones."""
    return clock.local(at).replace(tzinfo=None) if at else None


def _text(cell: Any) -> str:
    return f"{cell:%Y-%m-%d %H:%M}" if isinstance(cell, datetime) else cell or ""
