"""Where a table names its columns: in its first row, below a title line or two, or nowhere. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from fieldcrm.clients import import_words

ABOVE_MAX = 5
"""Lines that somebody writes above a table: its title, its day, whose it is."""
type Numbered = tuple[int, list[str]]
"""A row of a table with its number."""


def is_header(first: list[str], below: list[list[str]]) -> bool:
    """Whether the first row names columns: known words in it, and nothing that looks like data."""
    filled = [c for c in first if c]
    if any(import_words.looks_like_data(c) for c in filled):
        return False
    known = sum(import_words.field_of(c) is not None for c in filled)
    if known >= 2 or (known and len(filled) <= 2):
        return True
    return bool(below) and any(import_words.looks_like_data(c) for row in below for c in row)


def lines_above(rows: Sequence[Numbered]) -> int:
    """How many rows stand above the one that names the columns; 0 where none surely does so lower.

    A row is taken for one only when it names two fields or more and no data, and each row above it
    fills half of its cells at most, as titles do and rows of clients don't.
    """
    for n, (_, cells) in enumerate(rows[: ABOVE_MAX + 1]):
        if is_sure(cells):
            most = max((_filled(above) for _, above in rows[:n]), default=0)
            return n if 2 * most <= _filled(cells) else 0
    return 0


def is_sure(cells: Sequence[str]) -> bool:
    """Whether cells name two different fields or more, and nothing among them looks like data."""
    filled = [c for c in cells if c]
    named = {import_words.field_of(c) for c in filled} - {None}
    return len(named) >= 2 and not any(import_words.looks_like_data(c) for c in filled)


def _filled(cells: Sequence[str]) -> int:
    return sum(c != "" for c in cells)


def delimiter_by_header(lines: Sequence[str], delimiters: str) -> str | None:
    """By which one of the first lines names columns: of a short table titles may be most lines."""
    first = [line for line in lines if line.strip()][: ABOVE_MAX + 1]
    return next((d for line in first for d in delimiters if is_sure(_cells(line, d))), None)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        found = next(csv.reader(io.StringIO(line), delimiter=delimiter), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in found]
