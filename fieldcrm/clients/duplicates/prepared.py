"""Columns made ready for comparing many pairs at once: words and numbers as arrays."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fieldcrm.clients import folding
from fieldcrm.clients.duplicates.model import Column, Floats, Ints, Role

WORDS_MOST = 12
NUMBERS_MOST = 4
PHONE_DIGITS = 7
"""Digits from the end by which phones are one: countries and towns are dialled or not."""
LONG_DIGITS = 3
LONG_NUMBER = 100
"""From where on a slip is a likelier cause than another number."""
_BETWEEN_PHONES = re.compile(r"[;,/|\n]| (?:и|și|or|and) ", re.IGNORECASE)
_RUNS = re.compile(r"\d+")


class Prepared:
    """One column of n records: value ids, words with their weights, numbers.

    `figures` are ids of the numbers in a text, -1 for none; `words` is (n, WORDS_MOST), -1 where there is none; `weights` how many bits each says;
    `numbers` (n, NUMBERS_MOST), -1 where there is none; `texts` for comparing letter by letter.
    """

    def __init__(self, column: Column) -> None:
        self.name, self.role = column.name, column.role
        self.about, self.is_coarse = column.about or column.name, column.is_coarse
        made = _READERS[column.role](column.values)
        self.texts: list[str] = made[0]
        self.numbers: Ints = _matrix(made[2], NUMBERS_MOST)
        self.words, self.vocabulary = _word_ids(made[1])
        self.counts: Ints = np.bincount(self.words[self.words >= 0], minlength=len(self.vocabulary))
        self.weights: Floats = _weights(self.words, self.counts, len(self.texts))
        self.values, self.value_counts = _value_ids(made[3])
        self.figures, _ = _value_ids([figures(t) for t in self.texts])
        self.is_long = np.array([len(t) >= LONG_DIGITS for t in self.texts], dtype=bool)
        self.first_numbers = [
            str(n) if n >= LONG_NUMBER else "" for n in self.numbers[:, 0].tolist()
        ]
        self.places = _places(column.values) if self.role is Role.position else None


def _weights(words: Ints, counts: Ints, records: int) -> Floats:
    """Bits that sharing each word says: many for a rare one."""
    bits = np.log2(max(records, 2) / np.maximum(counts, 1)) + 0.1
    return np.where(words >= 0, np.append(bits, 0.0)[words], 0.0)


Read = tuple[list[str], list[list[str]], list[list[int]], list[str]]
"""Of each record: the text, its words, its numbers, and what makes two values the same."""


def _read_text(values: Sequence[str]) -> Read:
    words = [sorted(set(plain_words(v))) for v in values]
    texts = [" ".join(w) for w in words]
    return texts, [[heard(w) for w in some] for some in words], [[] for _ in words], texts


def _read_address(values: Sequence[str]) -> Read:
    """House numbers apart from the words; what has letters and digits (`51st`, `12a`) is both."""
    every = [plain_words(v) for v in values]
    numbers = [[int(w) for w in some if w.isdecimal() and len(w) < 9] for some in every]
    words = [sorted({w for w in some if not w.isdecimal()}) for some in every]
    same = [" ".join(sorted(set(some))) for some in every]
    return [" ".join(w) for w in words], [[heard(w) for w in s] for s in words], numbers, same


def _read_phone(values: Sequence[str]) -> Read:
    cells = [phone_tails(v) for v in values]
    numbers = [[int(tail) for tail in cell] for cell in cells]
    first = [cell[0] if cell else "" for cell in cells]
    return first, [[] for _ in cells], numbers, first


def _read_digits(values: Sequence[str]) -> Read:
    digits = ["".join(_RUNS.findall(v)) for v in values]
    return digits, [[] for _ in digits], [[] for _ in digits], digits


def _read_position(values: Sequence[str]) -> Read:
    return list(values), [[] for _ in values], [[] for _ in values], ["" for _ in values]


_READERS: dict[Role, Callable[[Sequence[str]], Read]] = {
    Role.text: _read_text, Role.address: _read_address, Role.phone: _read_phone,
    Role.digits: _read_digits, Role.position: _read_position,
}  # fmt: skip


def figures(text: str) -> str:
    """The numbers in a text: `school 12` and `school 14` are two, however alike they look."""
    return " ".join(sorted(_RUNS.findall(text)))


def plain_words(value: str) -> list[str]:
    """Words in Latin letters, without case and marks."""
    return folding.latin(folding.fold(value)).split()


def heard(word: str) -> str:
    """What of a word is compared: its sound, so that ways of writing it abroad are one."""
    is_word = len(word) >= folding.SOUND_MIN and word.isalpha()
    return folding.sound(word) if is_word else word


def phone_tails(value: str) -> list[str]:
    """The last digits of each number in a cell; what is too short for a phone is left out."""
    digits = ("".join(_RUNS.findall(part)) for part in _BETWEEN_PHONES.split(value))
    return [d[-PHONE_DIGITS:] for d in digits if len(d) >= 5][:NUMBERS_MOST]


def _word_ids(words: Sequence[Sequence[str]]) -> tuple[Ints, list[str]]:
    ids: dict[str, int] = {}
    rows = [[ids.setdefault(w, len(ids)) for w in some] for some in words]
    return _matrix(rows, WORDS_MOST), list(ids)


def _value_ids(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """(id of each record's value, -1 for none; how many records have each value)."""
    ids: dict[str, int] = {}
    found = np.array([ids.setdefault(t, len(ids)) if t else -1 for t in texts], dtype=np.int64)
    return found, np.bincount(found[found >= 0], minlength=len(ids))


def _matrix(rows: Sequence[Sequence[int]], width: int) -> Ints:
    made = np.full((len(rows), width), -1, dtype=np.int64)
    for n, row in enumerate(rows):
        made[n, : min(len(row), width)] = row[:width]
    return made


def _places(values: Sequence[str]) -> Floats:
    """(n, 2) degrees, NaN where there is none."""
    made: Any = np.full((len(values), 2), np.nan)
    for n, value in enumerate(values):
        if value:
            made[n] = [float(part) for part in value.replace(",", " ").split()[:2]]
    return made
