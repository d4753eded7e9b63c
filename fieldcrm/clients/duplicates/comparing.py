"""The level at which two records agree in each column, for many pairs at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from fieldcrm.clients.duplicates.model import Floats, Ints, Levels, Pairs, Role, Tell, quiet
from fieldcrm.clients.duplicates.prepared import LONG_NUMBER, Prepared

PIECE = 200_000
"""Pairs compared at once: what bounds the memory."""
NEAR_TEXT = 88.0
"""Of 100, how alike two texts are letter by letter that differ by slips only."""
PARTLY_TEXT = 72.0
PARTLY = 0.35
WITHIN_M = (40.0, 120.0, 400.0)
EARTH_M = 6_371_008.8


def compare(columns: Sequence[Prepared], left: Ints, right: Ints, tell: Tell = quiet) -> Pairs:
    """Each pair with the level of each column."""
    levels = [np.zeros(len(left), dtype=np.int8) for _ in columns]
    for start in range(0, len(left), PIECE):
        tell(start / len(left))
        part = slice(start, start + PIECE)
        for column, found in zip(columns, levels, strict=True):
            found[part] = _COMPARERS[column.role](column, left[part], right[part])
    return Pairs(left, right, levels)


def _text(column: Prepared, left: Ints, right: Ints) -> Levels:
    overlap, alike, shared = _words(column, left, right)
    ratio = _letters(column, left, right)
    is_same = column.values[left] == column.values[right]
    a, b = column.figures[left], column.figures[right]
    is_other = (a >= 0) & (b >= 0) & (a != b)
    levels = np.select(
        [
            is_same,
            is_other & ((alike >= PARTLY) | (ratio >= PARTLY_TEXT)),
            is_other,
            (ratio >= NEAR_TEXT) | (alike >= 0.85),
            (overlap >= 0.85) & (shared > 3),
            (alike >= PARTLY) | (ratio >= PARTLY_TEXT),
        ],
        [1, 4, 5, 2, 3, 4],
        5,
    )
    return _unless_missing(column, left, right, levels)


def _address(column: Prepared, left: Ints, right: Ints) -> Levels:
    """Words and house numbers judged together: the same number alone says little."""
    overlap, alike, _ = _words(column, left, right)
    ratio = _letters(column, left, right)
    is_street = (overlap >= 0.6) | (alike >= 0.45) | (ratio >= NEAR_TEXT)
    has = (column.numbers[left, 0] >= 0) & (column.numbers[right, 0] >= 0)
    is_number = _shares_number(column.numbers, left, right)
    is_near = has & ~is_number & _near_number(column, left, right)
    is_same = column.values[left] == column.values[right]
    levels = np.select(
        [is_same | (is_number & is_street & (overlap >= 0.85)), is_number & is_street,
         is_near & is_street, ~has & is_street, is_street, is_number],
        [1, 2, 3, 4, 5, 6],
        7,
    )  # fmt: skip
    return _unless_missing(column, left, right, levels)


def _phone(column: Prepared, left: Ints, right: Ints) -> Levels:
    is_same = _shares_number(column.numbers, left, right)
    return _unless_missing(column, left, right, _by_slips(column, left, right, is_same))


def _digits(column: Prepared, left: Ints, right: Ints) -> Levels:
    is_same = column.values[left] == column.values[right]
    return _unless_missing(column, left, right, _by_slips(column, left, right, is_same))


def _by_slips(column: Prepared, left: Ints, right: Ints, is_same: np.ndarray) -> np.ndarray:
    """1 the same, 2 a digit wrong or two changed round, 3 different."""
    a, b = _texts(column, left), _texts(column, right)
    steps = process.cpdist(a, b, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8)
    is_long = column.is_long
    return np.select([is_same, (steps <= 1) & is_long[left] & is_long[right]], [1, 2], 3)


def _position(column: Prepared, left: Ints, right: Ints) -> Levels:
    assert column.places is not None
    apart = metres_apart(column.places[left], column.places[right])
    levels = np.digitize(np.nan_to_num(apart, nan=0.0), WITHIN_M) + 1
    return np.where(np.isnan(apart), 0, levels).astype(np.int8)


_COMPARERS: dict[Role, Callable[[Prepared, Ints, Ints], Levels]] = {
    Role.text: _text, Role.address: _address, Role.phone: _phone, Role.digits: _digits,
    Role.position: _position,
}  # fmt: skip


def metres_apart(a: Floats, b: Floats) -> Floats:
    """Between (n, 2) degrees of latitude and longitude; good for near places."""
    mean = np.radians((a[:, 0] + b[:, 0]) / 2)
    north = np.radians(a[:, 0] - b[:, 0])
    east = np.radians(a[:, 1] - b[:, 1]) * np.cos(mean)
    return EARTH_M * np.hypot(north, east)


def _unless_missing(column: Prepared, left: Ints, right: Ints, levels: np.ndarray) -> Levels:
    is_there = (column.values[left] >= 0) & (column.values[right] >= 0)
    return np.where(is_there, levels, 0).astype(np.int8)


def _words(column: Prepared, left: Ints, right: Ints) -> tuple[Floats, Floats, Floats]:
    """(share of the lighter's weight that both have, of both's weight, bits that both have)."""
    a, b, weights = column.words[left], column.words[right], column.weights[left]
    is_in_both = np.zeros(a.shape, dtype=bool)
    for place in range(b.shape[1]):
        is_in_both |= (a == b[:, place : place + 1]) & (a >= 0)
    shared = (weights * is_in_both).sum(axis=1)
    mine, theirs = weights.sum(axis=1), column.weights[right].sum(axis=1)
    lighter, whole = np.minimum(mine, theirs), mine + theirs - shared
    return shared / np.maximum(lighter, 1e-9), shared / np.maximum(whole, 1e-9), shared


def _letters(column: Prepared, left: Ints, right: Ints) -> Floats:
    a, b = _texts(column, left), _texts(column, right)
    return process.cpdist(a, b, scorer=fuzz.ratio, score_cutoff=PARTLY_TEXT, dtype=np.float32)


def _texts(column: Prepared, rows: Ints) -> list[str]:
    return [column.texts[row] for row in rows.tolist()]


def _shares_number(numbers: Ints, left: Ints, right: Ints) -> np.ndarray:
    """Whether the first number of one is among the other's."""
    a, b = numbers[left], numbers[right]
    first_in = ((a[:, :1] == b) & (a[:, :1] >= 0)).any(axis=1)
    return first_in | ((b[:, :1] == a) & (b[:, :1] >= 0)).any(axis=1)


def _near_number(column: Prepared, left: Ints, right: Ints) -> np.ndarray:
    """Whether the first numbers, of three digits or more, are a slip apart."""
    first = column.first_numbers
    a, b = [first[r] for r in left.tolist()], [first[r] for r in right.tolist()]
    steps = process.cpdist(a, b, scorer=OSA.distance, score_cutoff=1, dtype=np.uint8)
    is_long = column.numbers[:, 0] >= LONG_NUMBER
    return (steps <= 1) & is_long[left] & is_long[right]
