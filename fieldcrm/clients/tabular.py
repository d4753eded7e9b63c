"""Bytes of somebody's file as a table of texts, whatever its form; never trusting.

A row that can't be read is named and left out; only a file that is no table at all is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

from fieldcrm.clients import import_geojson, import_header, import_sheets, import_vcard
from fieldcrm.clients.model import Table, Trouble, UnreadableTable

ROWS_MAX = 200_000
COLUMNS_MAX = 200
CELL_MAX = 32_000
BAD_ROWS_MAX = 1_000
"""Rows that can't be read, beyond which the file is not what it says it is."""
DELIMITERS = ",;\t|"
LOOKED_AT = 1 << 20
"""Bytes of a long file by which its code page is told."""
_SHEETS = (".xlsx", ".xlsm", ".xls", ".ods")
_WORD = re.compile(r"[^\W\d_]+")
_DAMAGED = re.compile("[\udc80-\udcff]")
"""Bytes that the encoding has no letter for, as `surrogateescape` leaves them."""


def read_table(file_name: str, content: bytes, has_header: bool | None = None) -> Table:
    """The table in a file; raises UnreadableTable with the reason and, where known, the line.

    Whether a row names the columns is told by its look unless `has_header` says; it is the first
    row, or the one below a title line or two.
    """
    if not content.strip(b"\x00\r\n\t ,;|\xef\xbb\xbf"):
        raise UnreadableTable(why="empty")
    if content[:4] in (b"PK\x03\x04", import_sheets.OLE) or file_name.lower().endswith(_SHEETS):
        return _titled(_bounded(import_sheets.sheet_rows(content)), [], "", "", has_header)
    text, encoding = decode(content)
    named = _of_objects(file_name, text)
    if named is not None:
        titles, rows, bad = named
        return _titled([(0, titles), *_bounded(rows)], bad, encoding, "", True)
    delimiter = delimiter_of(text)
    rows, bad = _csv_rows(text, delimiter)
    return _titled(rows, bad, encoding, delimiter, has_header)


def _of_objects(
    file_name: str, text: str
) -> tuple[list[str], list[tuple[int, list[str]]], list[Trouble]] | None:
    """(titles, rows, unread) of a file whose rows name their own cells; None for a plain table."""
    if import_geojson.is_geojson(file_name, text):
        return import_geojson.read(text)
    if import_vcard.is_vcard(file_name, text):
        return import_vcard.read(text)
    return None


def _bounded(found: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    rows = [(number, [_cell(c, number) for c in cells]) for number, cells in found]
    if rows:
        _check_size(rows, rows[-1][0])
    return rows


# ---- text files ----


def decode(content: bytes) -> tuple[str, str]:
    """(text, encoding): UTF-8 with or without its mark, UTF-16 with one, else cp1251 or cp1250.

    Bytes that the encoding has no letter for stay as lone surrogates: their rows are named later.
    """
    if content.startswith(b"\xef\xbb\xbf"):
        return content.decode("utf-8-sig", errors="surrogateescape"), "utf-8-sig"
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _strictly(content, "utf-16"), "utf-16"
    if b"\x00" in content:
        raise UnreadableTable(why="not_text")
    text = content.decode("utf-8", errors="surrogateescape")
    damaged = len(_DAMAGED.findall(text))
    letters = damaged and sum(c > "\x7f" for c in text) - damaged
    if not damaged or letters > 10 * damaged:
        return text, "utf-8"
    encoding = _code_page(content)
    return content.decode(encoding, errors="surrogateescape"), encoding


def _strictly(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UnreadableTable(why="encoding", row=line) from error


def _code_page(content: bytes) -> str:
    """cp1251 when its reading gives whole Cyrillic words, cp1250 when it mixes scripts in a word."""
    whole = mixed = 0
    for word in _WORD.findall(content[:LOOKED_AT].decode("cp1251", errors="replace")):
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
    if score(best)[1] > 1:
        return best
    return import_header.delimiter_by_header(head.splitlines(), DELIMITERS) or ","


def _csv_rows(text: str, delimiter: str) -> tuple[list[tuple[int, list[str]]], list[Trouble]]:
    """Rows with the line each begins on, and those that can't be read.

    Strict about quotes: after a row whose quotes don't close, reading goes on with the next line,
    so that no quotation mark swallows the rest.
    """
    lines = list(io.StringIO(text, newline=""))
    rows: list[tuple[int, list[str]]] = []
    bad: list[Trouble] = []
    begin = 0
    while begin < len(lines):
        begin = _read_on(lines, begin, delimiter, rows, bad)
        if len(bad) > BAD_ROWS_MAX:
            raise UnreadableTable(why=bad[0].code, row=bad[0].row)
    return rows, bad


def _read_on(
    lines: list[str], begin: int, delimiter: str, rows: list[tuple[int, list[str]]],
    bad: list[Trouble],
) -> int:  # fmt: skip
    """Read rows until one can't be; the index of the line to go on with."""
    reader = csv.reader(_from(lines, begin), delimiter=delimiter, strict=True)
    line = begin
    try:
        for cells in reader:
            _take(rows, bad, line + 1, cells)
            line = begin + reader.line_num
    except csv.Error as error:
        why = "too_long" if "field larger" in str(error) else "quotes"
        shown = _DAMAGED.sub("?", lines[line].strip())[:80]
        bad.append(Trouble(line + 1, why, value=shown, params=_limit(why)))
        return line + 1
    return len(lines)


def _from(lines: list[str], begin: int) -> Iterator[str]:
    return (lines[i] for i in range(begin, len(lines)))


def _take(
    rows: list[tuple[int, list[str]]], bad: list[Trouble], number: int, cells: list[str]
) -> None:
    """Keep a row that says anything, or tell why it isn't one; a spreadsheet saved as text ends in
    millions of rows of nothing but delimiters."""
    whole = "".join(cells)
    if not whole.strip():
        return
    why = "too_long" if len(whole) > CELL_MAX and max(map(len, cells)) > CELL_MAX else ""
    if not why and not whole.isascii() and _DAMAGED.search(whole):
        why = "encoding"
    if why:
        shown = _DAMAGED.sub("?", next((c for c in cells if c), ""))[:80]
        bad.append(Trouble(number, why, value=shown, params=_limit(why)))
        return
    rows.append((number, [_cell(c, number) for c in cells]))
    _check_size(rows, number)


def _limit(why: str) -> dict[str, int]:
    return {"limit": CELL_MAX} if why == "too_long" else {}


def _cell(text: str, row: int) -> str:
    if len(text) > CELL_MAX:
        raise UnreadableTable(why="too_long", row=row)
    if "\x00" in text:
        text = text.replace("\x00", "")
    return (plain(text) if text[:1] == "'" else text).strip()


def plain(text: str) -> str:
    """A cell without the apostrophe that guards a spreadsheet against formulas."""
    return text[1:] if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t\r" else text


def _check_size(rows: list[tuple[int, list[str]]], row: int) -> None:
    if len(rows) > ROWS_MAX + 1:
        raise UnreadableTable(why="too_many_rows", row=row, limit=ROWS_MAX)
    if rows and len(rows[-1][1]) > COLUMNS_MAX:
        raise UnreadableTable(why="too_many_columns", row=rows[-1][0], limit=COLUMNS_MAX)


# ---- columns ----


def _titled(
    found: list[tuple[int, list[str]]], bad: list[Trouble], encoding: str, delimiter: str,
    has_header: bool | None,
) -> Table:  # fmt: skip
    rows = [(number, cells) for number, cells in found if any(cells)]
    if bad and (not rows or bad[0].row < rows[0][0]):
        raise UnreadableTable(why=bad[0].code, row=bad[0].row)
    if not rows:
        raise UnreadableTable(why="empty")
    top = import_header.lines_above(rows) if has_header is not False and rows[0][0] else 0
    if has_header is None:
        has_header = top > 0 or import_header.is_header(rows[0][1], [c for _, c in rows[1:21]])
    above, rows = rows[:top], rows[top:]
    titles = rows[0][1] if has_header else []
    body = rows[1:] if has_header else rows
    if not body:
        raise _nothing(bad)
    if titles and delimiter:
        body, bad = _of_titled_width(body, bad, len(titles))
    width = max(len(titles), max((len(cells) for _, cells in body), default=0))
    columns = _names(titles, width)
    padded = [(number, cells + [""] * (width - len(cells))) for number, cells in body]
    return Table(
        columns, padded, has_header, encoding, delimiter, sorted(bad, key=lambda t: t.row),
        rows[0][0] if has_header else 0, [(n, _written(cells)) for n, cells in above],
    )  # fmt: skip


def _written(cells: list[str]) -> str:
    """A line above the header, as it is named to who looks."""
    return " ".join(c for c in cells if c)[:80]


def _nothing(bad: list[Trouble]) -> UnreadableTable:
    return UnreadableTable(why=bad[0].code, row=bad[0].row) if bad else UnreadableTable(why="empty")


def _of_titled_width(
    body: list[tuple[int, list[str]]], bad: list[Trouble], width: int
) -> tuple[list[tuple[int, list[str]]], list[Trouble]]:
    """A few rows with more cells than there are titles hold an unquoted delimiter: every cell
    behind it would be another's. Where many do, it is a column without a title."""
    wider = [(number, cells) for number, cells in body if any(cells[width:])]
    if not wider or len(wider) > len(body) / 10:
        return body, bad
    named = [
        Trouble(n, "extra_cells", "", cells[0][:80], params={"n": len(cells) - width})
        for n, cells in wider
    ]
    numbers = {number for number, _ in wider}
    return [(number, cells) for number, cells in body if number not in numbers], bad + named


def _names(titles: list[str], width: int) -> list[str]:
    """A name for each column: its title, made distinct, or its number."""
    names: list[str] = []
    for i in range(width):
        name = titles[i][:80] if i < len(titles) and titles[i] else str(i + 1)
        names.append(name if name not in names else f"{name} ({i + 1})")
    return names
