"""Bytes of a CSV, TSV or spreadsheet file as a table of texts; pure, and never trusting."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Sequence

from fieldcrm.clients import import_words
from fieldcrm.clients.model import Table, UnreadableTable

ROWS_MAX = 200_000
COLUMNS_MAX = 200
CELL_MAX = 32_000
UNPACKED_MAX = 300 << 20
DELIMITERS = ",;\t|"
_SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
_WORD = re.compile(r"[^\W\d_]+")


def read_table(file_name: str, content: bytes, has_header: bool | None = None) -> Table:
    """The table in a file; raises UnreadableTable with the reason and, where known, the line.

    Whether the first row names the columns is told by its look unless `has_header` says.
    """
    if not content.strip(b"\x00\r\n\t ,;|\xef\xbb\xbf"):
        raise UnreadableTable(why="empty")
    if content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0") or file_name.lower().endswith(_SHEETS):
        return _titled(_sheet_rows(content), "", "", has_header)
    text, encoding = decode(content)
    delimiter = delimiter_of(text)
    return _titled(_csv_rows(text, delimiter), encoding, delimiter, has_header)


# ---- text files ----


def decode(content: bytes) -> tuple[str, str]:
    """(text, encoding): UTF-8 with or without its mark, UTF-16 with one, else cp1251 or cp1250."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"),
                           (b"\xfe\xff", "utf-16")):  # fmt: skip
        if content.startswith(mark):
            return _strictly(content, encoding), encoding
    if b"\x00" in content:
        raise UnreadableTable(why="not_text")
    try:
        return content.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        encoding = _code_page(content)
        return content.decode(encoding, errors="replace"), encoding


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UnreadableTable(why="encoding", row=line) from error


def _code_page(content: bytes) -> str:
    """cp1251 when its reading gives whole Cyrillic words, cp1250 when it mixes scripts in a word."""
    whole = mixed = 0
    for word in _WORD.findall(content.decode("cp1251", errors="replace")):
        cyrillic = sum("Ѐ" <= c <= "ӿ" for c in word)
        if cyrillic == len(word) > 1:
            whole += 1
        elif cyrillic:
            mixed += 1
    return "cp1251" if whole > mixed else "cp1250"


def delimiter_of(text: str) -> str:
    """The delimiter by which the first lines fall into the same number of cells, the more the better."""
    head = "\n".join(text.splitlines()[:30])

    def score(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(r) for r in csv.reader(io.StringIO(head), delimiter=delimiter) if r]
        except csv.Error:
            return 0.0, 0
        usual = max(set(widths), key=widths.count, default=1)
        return (widths.count(usual) / len(widths), usual) if usual > 1 else (0.0, 0)

    best = max(DELIMITERS, key=lambda d: (round(score(d)[0], 1), score(d)[1]))
    return best if score(best)[1] > 1 else ","


def _csv_rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Rows with the line each begins on; strict about quotes, so that none swallows the rest."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    line = 1
    try:
        for cells in reader:
            rows.append((line, [_cell(c, line) for c in cells]))
            line = reader.line_num + 1
            _check_size(rows, line)
    except csv.Error as error:
        why = "too_long" if "field larger" in str(error) else "quotes"
        raise UnreadableTable(why=why, row=line) from error
    return rows


def _cell(text: str, row: int) -> str:
    if len(text) > CELL_MAX:
        raise UnreadableTable(why="too_long", row=row)
    return plain(text.replace("\x00", "")).strip()


def plain(text: str) -> str:
    """A cell without the apostrophe that guards a spreadsheet against formulas."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t\r" else text


def _check_size(rows: list[tuple[int, list[str]]], row: int) -> None:
    if len(rows) > ROWS_MAX + 1:
        raise UnreadableTable(why="too_many_rows", row=row, limit=ROWS_MAX)
    if rows and len(rows[-1][1]) > COLUMNS_MAX:
        raise UnreadableTable(why="too_many_columns", row=rows[-1][0], limit=COLUMNS_MAX)


# ---- spreadsheets ----


def _sheet_rows(content: bytes) -> list[tuple[int, list[str]]]:
    """Rows of the first sheet that has any."""
    import python_calamine

    _refuse_bomb(content)
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.height and sheet.height * sheet.width <= ROWS_MAX * COLUMNS_MAX:
                return _sheet_texts(sheet.to_python(skip_empty_area=False))
    except UnreadableTable:
        raise
    except Exception as error:  # the reader names its errors differently for each format
        raise UnreadableTable(why="not_a_sheet") from error
    raise UnreadableTable(why="empty")


def _sheet_texts(found: Sequence[Sequence[object]]) -> list[tuple[int, list[str]]]:
    rows: list[tuple[int, list[str]]] = []
    for number, cells in enumerate(found, 1):
        rows.append((number, [_cell(_as_text(c), number) for c in cells]))
        _check_size(rows, number)
    return rows


def _as_text(value: object) -> str:
    """A cell as its author saw it: whole numbers without `.0`, days without midnight."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value).removesuffix(" 00:00:00")


def _refuse_bomb(content: bytes) -> None:
    """A few kilobytes can unpack into gigabytes."""
    if content[:2] != b"PK":
        return
    try:
        parts = zipfile.ZipFile(io.BytesIO(content)).infolist()
    except zipfile.BadZipFile as error:
        raise UnreadableTable(why="not_a_sheet") from error
    if sum(p.file_size for p in parts) > UNPACKED_MAX:
        raise UnreadableTable(why="too_long")


# ---- columns ----


def _titled(
    found: list[tuple[int, list[str]]], encoding: str, delimiter: str, has_header: bool | None
) -> Table:
    rows = [(number, cells) for number, cells in found if any(cells)]
    if not rows:
        raise UnreadableTable(why="empty")
    if has_header is None:
        has_header = is_header(rows[0][1], [cells for _, cells in rows[1:21]])
    width = max(len(cells) for _, cells in rows)
    titles = rows[0][1] if has_header else []
    columns = _names(titles, width)
    body = rows[1:] if has_header else rows
    if not body:
        raise UnreadableTable(why="empty")
    padded = [(number, cells + [""] * (width - len(cells))) for number, cells in body]
    return Table(columns, padded, has_header, encoding, delimiter)


def _names(titles: list[str], width: int) -> list[str]:
    """A name for each column: its title, made distinct, or its number."""
    names: list[str] = []
    for i in range(width):
        name = titles[i][:80] if i < len(titles) and titles[i] else str(i + 1)
        names.append(name if name not in names else f"{name} ({i + 1})")
    return names


def is_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row names columns: known words in it, and nothing that looks like data."""
    filled = [c for c in first if c]
    if any(import_words.looks_like_data(c) for c in filled):
        return False
    known = sum(import_words.field_of(c) is not None for c in filled)
    if known >= 2 or (known and len(filled) <= 2):
        return True
    return bool(below) and any(import_words.looks_like_data(c) for row in below for c in row)
