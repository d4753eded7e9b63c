"""Coverage as files: every cell of a period with all measures, at the resolution that was shown."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from io import BytesIO, StringIO
from typing import Any, NamedTuple

import h3.api.basic_int as h3
import numpy as np
import xlsxwriter

from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor
from fieldcrm.reports import coverage
from fieldcrm.reports import coverage_rules as rules
from fieldcrm.reports.coverage import Asked

HEADS = ("coverage.cell", "coverage.place", "coverage.presence_min", "coverage.visits",
         "coverage.confirmed", "coverage.silence_min", "coverage.checks", "coverage.absent",
         "coverage.lat", "coverage.lng")  # fmt: skip
_FORMULA = "=+-@\t\r"
SORTS = ("place", "presence", "visits", "confirmed", "silence", "out_of_stock")


class CellRow(NamedTuple):
    """A cell of the list; the one of no known place has no id."""

    id: str
    name: str
    presence_s: int
    silence_s: int
    done: int
    confirmed: int
    checks: int
    absent: int


def rows(
    actor: Actor, asked: Asked, resolution: int, search: str = "", sort: str = "-presence",
    limit: int | None = None,
) -> tuple[list[CellRow], int]:  # fmt: skip
    """Cells of a period in order, and how many there are; `search` looks in their names."""
    found = rules.at_resolution(coverage.grid(actor, asked), resolution)
    cells, order = found.cell.tolist(), _order(found, sort)
    by_name = sort.lstrip("-") == "place"
    known: dict[int, str] = {}
    if search or by_name:
        known = coverage.names(actor, cells, resolution)
        words = search.casefold()
        order = [n for n in order if words in known.get(cells[n], "").casefold()]
    if by_name:
        order.sort(key=lambda n: known.get(cells[n], "").casefold(), reverse=sort[0] == "-")
    count, order = len(order), order[:limit]
    known = known or coverage.names(actor, [cells[n] for n in order], resolution)
    columns = (
        found.presence_s,
        found.silence_s,
        found.done,
        found.confirmed,
        found.checks,
        found.absent,
    )
    return [
        CellRow(_text(cells[n]), known.get(cells[n], ""), *(int(column[n]) for column in columns))
        for n in order
    ], count  # fmt: skip


def _order(found: rules.Grid, sort: str) -> list[int]:
    """Places of the cells by a measure; where no shelf was checked comes below where none lacked."""
    measure = sort.lstrip("-")
    values = coverage.values(found, measure if measure in coverage.MEASURES else "presence")
    if measure == "out_of_stock":
        values = np.where(found.checks > 0, values, -1)
    return sorted(range(len(values)), key=values.__getitem__, reverse=sort.startswith("-"))


def _text(cell: int) -> str:
    return "" if cell == rules.NOWHERE else h3.int_to_str(cell)


def _lines(
    actor: Actor, asked: Asked, resolution: int, search: str, sort: str, language: str
) -> Iterator[list[Any]]:
    found, _ = rows(actor, asked, resolution, search, sort)
    for row in found:
        lat, lng = h3.cell_to_latlng(h3.str_to_int(row.id)) if row.id else ("", "")
        name = row.name if row.id else i18n.t("coverage.nowhere", language)
        yield [
            row.id, name, round(row.presence_s / 60), row.done, row.confirmed, round(row.silence_s / 60),
            row.checks, row.absent, *(round(v, 6) if v != "" else "" for v in (lat, lng)),
        ]  # fmt: skip


def export_xlsx(
    actor: Actor, asked: Asked, resolution: int, search: str, sort: str, language: str
) -> bytes:
    """The list as a workbook; texts stay texts."""
    buffer = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        sheet = book.add_worksheet(i18n.t("coverage.title", language)[:31])
        bold = book.add_format({"bold": True})
        for n, key in enumerate(HEADS):
            sheet.set_column(n, n, 34 if n == 1 else 18)
            sheet.write_string(0, n, i18n.t(key, language), bold)
        lines = list(_lines(actor, asked, resolution, search, sort, language))
        for n, line in enumerate(lines, start=1):
            for at, value in enumerate(line):
                _write(sheet, n, at, value)
        sheet.freeze_panes(1, 0)
        if lines:
            sheet.autofilter(0, 0, len(lines), len(HEADS) - 1)
    return buffer.getvalue()


def _write(sheet: Any, row: int, column: int, value: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, value)
    else:
        sheet.write_number(row, column, value)


def export_csv(
    actor: Actor, asked: Asked, resolution: int, search: str, sort: str, language: str
) -> bytes:
    """The list as text, UTF-8 with its mark; no cell starts a formula."""
    out = StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([i18n.t(key, language) for key in HEADS])
    for line in _lines(actor, asked, resolution, search, sort, language):
        writer.writerow([_harmless(value) for value in line])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA and value else value
