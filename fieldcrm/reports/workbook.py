"""A report as an Excel workbook: indicators, a table by each grouping, and every visit with its verdict.

Cells are written by type and never as formulas, so that a name that begins with `=` stays a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import xlsxwriter

from fieldcrm.clients.export_forms import AT_ONCE_MOST, few
from fieldcrm.kit import clock, i18n
from fieldcrm.people.model import Actor
from fieldcrm.reports import service
from fieldcrm.reports.model import (
    Filters,
    GroupBy,
    Indicator,
    Line,
    Measure,
    Period,
    Report,
    VisitRow,
)

PERCENT = frozenset(Indicator) - {Indicator.call_rate, Indicator.time_in_field}


@dataclass(frozen=True)
class _Styles:
    head: Any
    title: Any
    text: Any
    day: Any
    number: Any
    total: Any


def export_xlsx(
    actor: Actor, period: Period, filters: Filters | None = None, language: str = "en"
) -> bytes:
    """The workbook of what the actor may see of a period, while somebody waits; raises TooManyRows."""
    most = AT_ONCE_MOST + 1
    rows = list(few(service.all_behind(actor, "closed", period, filters, language, most)))
    buffer = BytesIO()
    _write(buffer, actor, period, filters, rows, language)
    return buffer.getvalue()


def write_xlsx(
    path: Path, actor: Actor, period: Period, filters: Filters, language: str
) -> int:  # fmt: skip
    """The same into a file, with as many visits as there are; how many."""
    rows = service.all_behind(actor, "closed", period, filters, language)
    _write(str(path), actor, period, filters, rows, language)
    return len(rows)


def _write(
    target: BytesIO | str, actor: Actor, period: Period, filters: Filters | None,
    rows: Sequence[VisitRow], language: str,
) -> None:  # fmt: skip
    reports = {by: service.plan_vs_actual(actor, period, filters, by) for by in GroupBy}
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False,
               "strings_to_numbers": False}  # fmt: skip
    with xlsxwriter.Workbook(target, options) as book:
        styles = _styles(book)
        _summary(book, styles, reports[GroupBy.rep], language)
        for by in GroupBy:
            _table(book, styles, reports[by], by, language)
        _visits(book, styles, rows, language)


def _styles(book: Any) -> _Styles:
    head = {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}
    return _Styles(
        head=book.add_format(head), title=book.add_format({"bold": True, "font_size": 14}),
        text=book.add_format({"valign": "top", "text_wrap": True}),
        day=book.add_format({"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"}),
        number=book.add_format({"num_format": "0.0"}),
        total=book.add_format({"bold": True, "top": 1, "num_format": "0.0"}),
    )  # fmt: skip


def _summary(book: Any, styles: _Styles, report: Report, language: str) -> None:
    """One row an indicator: value, parts, and the visits it rests on by verdict."""
    sheet = _sheet(book, "report.sheet.summary", language, (34, 12, 12, 12, 14, 14, 14, 14))
    sheet.write_string(0, 0, i18n.t("report.title", language), styles.title)
    sheet.write_string(1, 0, span_text(report.period, language))
    _heads(sheet, styles, 3, _texts(SUMMARY_HEADS, language))
    for n, name in enumerate(Indicator, start=4):
        measure = report.total.measures[name]
        sheet.write_string(n, 0, label(name, language))
        _write_measure(sheet, n, 1, measure, styles.number)
        sheet.write_number(n, 2, round(measure.part, 2))
        sheet.write_number(n, 3, round(measure.whole, 2))
        for offset, count in enumerate(_counts(measure.visits), start=4):
            sheet.write_number(n, offset, count)
    sheet.freeze_panes(4, 1)


SUMMARY_HEADS = ("report.indicator", "report.value", "report.part", "report.whole",
                 "report.confirmed", "report.doubtful", "report.contradicted",
                 "report.unjudged")  # fmt: skip


def _table(book: Any, styles: _Styles, report: Report, by: GroupBy, language: str) -> None:
    """A line for each group and the total below."""
    sheet = _sheet(book, f"report.by.{by}", language, (30, *[13] * 20))
    heads = [i18n.t(f"report.by.{by}", language), i18n.t("report.planned", language),
             i18n.t("report.closed", language), *(label(i, language) for i in Indicator),
             *_texts(SUMMARY_HEADS[4:], language)]  # fmt: skip
    _heads(sheet, styles, 0, heads)
    for n, line in enumerate(report.lines, start=1):
        _line(sheet, n, line, group_name(by, line, language), styles.number)
    _line(
        sheet, len(report.lines) + 1, report.total, i18n.t("report.total", language), styles.total
    )
    sheet.freeze_panes(1, 1)


def _line(sheet: Any, n: int, line: Line, name: str, style: Any) -> None:
    sheet.write_string(n, 0, name)
    sheet.write_number(n, 1, line.planned)
    sheet.write_number(n, 2, line.closed.closed)
    for offset, indicator in enumerate(Indicator, start=3):
        _write_measure(sheet, n, offset, line.measures[indicator], style)
    for offset, count in enumerate(_counts(line.closed), start=3 + len(Indicator)):
        sheet.write_number(n, offset, count)


def _visits(book: Any, styles: _Styles, rows: Sequence[VisitRow], language: str) -> None:
    sheet = _sheet(book, "report.sheet.visits", language, (12, 24, 34, 10, 16, 16, 90, 38))
    heads = ("report.day", "report.rep", "report.client", "report.category", "report.result",
             "report.verdict", "report.reasons", "report.visit_id")  # fmt: skip
    _heads(sheet, styles, 0, _texts(heads, language))
    for n, row in enumerate(rows, start=1):
        sheet.write_datetime(n, 0, datetime(row.day.year, row.day.month, row.day.day), styles.day)
        for offset, text in enumerate(_told(row, language), start=1):
            sheet.write_string(n, offset, text, styles.text)
    sheet.freeze_panes(1, 0)
    if rows:
        sheet.autofilter(0, 0, len(rows), len(heads) - 1)


def _told(row: VisitRow, language: str) -> tuple[str, ...]:
    result = i18n.t(f"report.result.{row.result}", language) if row.result else ""
    return (row.rep_name, row.client_name, row.category.strip("-"), result,
            i18n.t(f"report.{row.verdict}", language), "\n".join(row.reasons), row.id)  # fmt: skip


def _sheet(book: Any, key: str, language: str, widths: tuple[int, ...]) -> Any:
    sheet = book.add_worksheet(i18n.t(key, language)[:31])
    for n, width in enumerate(widths):
        sheet.set_column(n, n, width)
    return sheet


def _heads(sheet: Any, styles: _Styles, row: int, texts: Sequence[str]) -> None:
    for n, text in enumerate(texts):
        sheet.write_string(row, n, text, styles.head)


def _write_measure(sheet: Any, row: int, column: int, measure: Measure, style: Any) -> None:
    """A value, or an empty cell where nothing can be said."""
    if measure.value is not None:
        sheet.write_number(row, column, round(measure.value, 3), style)


def _counts(tally: Any) -> tuple[int, int, int, int]:
    return tally.confirmed, tally.doubtful, tally.contradicted, tally.unjudged


def _texts(keys: Sequence[str], language: str) -> list[str]:
    return [i18n.t(key, language) for key in keys]


# ---- words that pages share ----


def label(indicator: Indicator, language: str) -> str:
    """An indicator's name with its unit."""
    unit = "%" if indicator in PERCENT else i18n.t(f"report.unit.{indicator}", language)
    return f"{i18n.t(f'report.{indicator}', language)}, {unit}"


def group_name(by: GroupBy, line: Line, language: str) -> str:
    """What a line is called on a screen."""
    if by is GroupBy.day:
        return i18n.day(datetime.fromisoformat(line.key).date(), language, "EEE d MMM")
    if by is GroupBy.category:
        key = "report.no_category" if line.key == "-" else "report.category_named"
        return i18n.t(key, language, letter=line.key)
    return line.name


def span_text(period: Period, language: str) -> str:
    """The days a report speaks of, as '1–19 November 2026'."""
    last = min(period.until, period.ends_on) if period.until >= period.starts_on else period.ends_on
    first = period.starts_on
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{i18n.day(last, language, 'd MMMM y')}"
    start = i18n.day(first, language, "d MMMM" if first.year == last.year else "d MMMM y")
    return f"{start} – {i18n.day(last, language, 'd MMMM y')}"


def file_name(period: Period) -> str:
    """A name without spaces, sorted by date."""
    now = clock.local(clock.now())
    return f"plan-vs-actual_{period.kind}_{period.starts_on}_{now:%Y%m%d-%H%M}.xlsx"
