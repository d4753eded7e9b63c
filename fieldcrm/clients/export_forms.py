"""Lists written into files, a row at a time: CSV and XLSX of any list, GeoJSON and vCard of clients."""

from __future__ import annotations

import csv
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec

from fieldcrm.clients.model import PLACE_KINDS
from fieldcrm.kit.errors import TooLarge

FORMULA = ("=", "+", "-", "@", "\t", "\r")
CELL_MOST = 32_000
"""Characters; Excel takes 32,767 in a cell."""
AT_ONCE_MOST = 5_000
"""Rows that a process of pages writes while somebody waits; more are made by `fieldcrm.exports`."""
FOLD_AT = 75
"""Octets of a line of a vCard (RFC 6350)."""
WIDTHS = {"name": 32, "address": 32, "note": 40, "opening_hours": 24}
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")

Row = Sequence[Any]
Writer = Callable[[Path, Sequence[str], Iterable[Row]], None]
"""(file, titles, rows of cells in their order): numbers are numbers, the rest is text."""


class TooManyRows(TooLarge):
    """The list is too long to be written while somebody waits: ask for it as a file."""

    code = "too_many_rows"


@dataclass(frozen=True)
class Sheet:
    """A list as a table: its name, the columns' titles and widths (letters), its rows as they come."""

    name: str
    titles: Sequence[str]
    widths: Sequence[int]
    rows: Iterable[Row]


def guarded(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula, behind an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def write_csv(path: Path, titles: Sequence[str], rows: Iterable[Row]) -> None:
    """UTF-8 with its mark, so that spreadsheets read it right; no cell starts a formula."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(titles)
        for row in rows:
            writer.writerow([guarded(_plain_cell(cell)) for cell in row])


def _plain_cell(cell: Any) -> Any:
    """Moments and days as every spreadsheet reads them; a moment is of the company's zone."""
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M}"
    return cell.isoformat() if isinstance(cell, date) else cell


def write_xlsx(path: Path, titles: Sequence[str], rows: Iterable[Row]) -> None:
    """A workbook of clients."""
    write_book(path, Sheet("clients", titles, [WIDTHS.get(t, 16) for t in titles], rows))


def write_book(path: Path, sheet: Sheet) -> None:
    """A workbook whose texts are texts, never formulas, links or numbers; held in memory by a row."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
        page = book.add_worksheet(sheet.name[:31])
        bold = book.add_format({"bold": True})
        forms = {datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm"}),
                 date: book.add_format({"num_format": "yyyy-mm-dd"})}  # fmt: skip
        for column, (title, width) in enumerate(zip(sheet.titles, sheet.widths, strict=True)):
            page.set_column(column, column, width)
            page.write_string(0, column, title, bold)
        page.freeze_panes(1, 0)
        for line, row in enumerate(sheet.rows, 1):
            for column, cell in enumerate(row):
                _write(page, line, column, cell, forms)


def _write(page: Any, line: int, column: int, cell: Any, forms: dict[type, Any]) -> None:
    if isinstance(cell, int | float):
        page.write_number(line, column, cell)
    elif isinstance(cell, date):  # a datetime is one, too
        page.write_datetime(line, column, cell, forms[type(cell)])
    elif cell:
        page.write_string(line, column, str(cell)[:CELL_MOST])


def write_sheet(path: Path, form: str, sheet: Sheet) -> None:
    """Any list in one of the forms that a spreadsheet opens: csv, xlsx."""
    if form == "csv":
        write_csv(path, sheet.titles, sheet.rows)
    else:
        write_book(path, sheet)


def sheet_at_once(form: str, sheet: Sheet) -> bytes:
    """The same while somebody waits; raises TooManyRows."""
    return sheet_bytes(form, replace(sheet, rows=few(sheet.rows)))


def sheet_bytes(form: str, sheet: Sheet) -> bytes:
    """The same, however long: the caller bounds its rows."""
    with tempfile.TemporaryDirectory(prefix="fieldcrm-export-") as folder:
        path = Path(folder) / f"list.{form}"
        write_sheet(path, form, sheet)
        return path.read_bytes()


def few[T](rows: Iterable[T]) -> Iterator[T]:
    """The same rows; raises TooManyRows after the last that is written at once."""
    for n, row in enumerate(rows):
        if n >= AT_ONCE_MOST:
            raise TooManyRows(most=AT_ONCE_MOST)
        yield row


def write_geojson(path: Path, titles: Sequence[str], rows: Iterable[Row]) -> None:
    """A feature for each client (RFC 7946); one without coordinates has no geometry."""
    with path.open("wb") as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        for n, row in enumerate(rows):
            file.write(b",\n" if n else b"\n")
            file.write(msgspec.json.encode(_feature(dict(zip(titles, row, strict=True)))))
        file.write(b"\n]}\n")


def _feature(told: dict[str, Any]) -> dict[str, Any]:
    lat, lng = told.pop("lat"), told.pop("lng")
    has_place = isinstance(lat, float) and isinstance(lng, float)
    geometry = {"type": "Point", "coordinates": [lng, lat]} if has_place else None
    said = {name: value for name, value in told.items() if value != ""}
    return {"type": "Feature", "geometry": geometry, "properties": said}


def write_vcards(path: Path, titles: Sequence[str], rows: Iterable[Row]) -> None:
    """A card for each client (vCard 3.0, which every address book reads), lines folded."""
    with path.open("wb") as file:
        for row in rows:
            for line in _card(dict(zip(titles, row, strict=True))):
                file.write(_folded(line))


def _card(told: dict[str, Any]) -> Iterator[str]:
    """Lines of a card; what our import reads again."""
    is_place = told["kind"] in PLACE_KINDS
    yield from ("BEGIN:VCARD", "VERSION:3.0")
    yield f"FN:{_plain(told['name'])}"
    yield f"ORG:{_plain(told['name'])}" if is_place else f"N:{_parts(told['name'])}"
    if is_place:
        yield "N:;;;;"
        yield "KIND:org"
    for name, field in _LINES:
        if told[field] != "":
            yield f"{name}:{_plain(told[field])}"
    for tag in [t for t in str(told["tags"]).split(", ") if t]:
        yield f"CATEGORIES:{_plain(tag)}"
    if any(told[f] != "" for f in ("address", "city", "postcode")):
        street, city, code = (_plain(told[f]) for f in ("address", "city", "postcode"))
        yield f"ADR;TYPE=WORK:;;{street};{city};;{code};"
    if told["lat"] != "" and told["lng"] != "":
        yield f"GEO:{told['lat']};{told['lng']}"
    yield "END:VCARD"


_LINES = (
    ("UID", "external_id"), ("TITLE", "specialty"), ("TEL;TYPE=WORK,VOICE", "phone"),
    ("EMAIL", "email"), ("URL", "website"), ("NOTE", "note"),
)  # fmt: skip


def _parts(name: str) -> str:
    """A person's name as last, first and further names, the first word being the last name."""
    last, *others = str(name).split()
    return ";".join([_plain(last), _plain(" ".join(others)), "", "", ""])


def _plain(value: Any) -> str:
    """A text as a card's lines hold it."""
    text = _UNFIT.sub("", str(value)).replace("\\", "\\\\").replace("\r\n", "\n")
    return text.replace("\r", "\n").replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")


def _folded(line: str) -> bytes:
    """A line of at most 75 octets and its continuations; no letter is cut."""
    pieces, held, size = list[str](), "", 0
    for letter in line:
        width = len(letter.encode())
        if size + width > FOLD_AT:
            pieces.append(held)
            held, size = " ", 1
        held, size = held + letter, size + width
    return "\r\n".join([*pieces, held, ""]).encode()


FORMS: dict[str, Writer] = {
    "csv": write_csv, "xlsx": write_xlsx, "geojson": write_geojson, "vcf": write_vcards,
}  # fmt: skip
