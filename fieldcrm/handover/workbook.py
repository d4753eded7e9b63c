"""The brief of a handover as a workbook: a line for each client, texts stay texts."""

from __future__ import annotations

from io import BytesIO

import xlsxwriter

from fieldcrm.handover import service
from fieldcrm.handover.model import BriefLine, PromiseLine
from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor

HEADS = (
    "client",
    "category",
    "place",
    "promised",
    "last",
    "result",
    "comment",
    "next",
    "remaining",
)
WIDTHS = (32, 10, 36, 48, 14, 16, 40, 14, 14)
KEYS = {"category": "report.category", "result": "report.result", "comment": "correct.comment"}


def export_xlsx(actor: Actor, handover_id: str, language: str) -> bytes:
    """Every client of a handover, those with promises first; raises HandoverUnknown."""
    _, lines = service.brief_of(actor, handover_id)
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet(i18n.t("handover.file", language)[:31])
        bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True})
        for n, (name, width) in enumerate(zip(HEADS, WIDTHS, strict=True)):
            sheet.set_column(n, n, width)
            sheet.write_string(0, n, i18n.t(KEYS.get(name, f"handover.{name}"), language), bold)
        for row, line in enumerate(lines, start=1):
            for n, text in enumerate(_cells(line, language)):
                sheet.write_string(row, n, text, wrapped)
        sheet.freeze_panes(1, 1)
    return buffer.getvalue()


def _cells(line: BriefLine, language: str) -> tuple[str, ...]:
    result = i18n.t(f"result.{line.last_result}", language) if line.last_result else ""
    return (
        line.name, line.category or "", line.place,
        "\n".join(promise_text(p, language) for p in line.promises),
        line.last_visit.isoformat() if line.last_visit else "", result, line.last_comment or "",
        line.next_visit.isoformat() if line.next_visit else "", str(line.remaining),
    )  # fmt: skip


def promise_text(promise: PromiseLine, language: str) -> str:
    """A promise with its day, in words."""
    if promise.due_on is None:
        return promise.text
    day = i18n.day(promise.due_on, language, "d MMM")
    return i18n.t("handover.due", language, what=promise.text, day=day)
