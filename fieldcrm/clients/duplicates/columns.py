"""What a column of an unknown table holds, told from its values alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fieldcrm.clients.duplicates.model import Column, Role

FILLED_LEAST = 0.05
"""Share of records with a value below which a column says too little."""
DISTINCT_LEAST = 20
"""Values below which a column sorts records into classes rather than telling them apart."""
_DIGIT = re.compile(r"\d")
_LETTER = re.compile(r"[^\W\d_]")
_WORDS = re.compile(r"\w+")
_DEGREES = re.compile(r"-?\d{1,3}(?:\.\d+)?(?:[eE]-?\d+)?")
_EXACT = re.compile(r"\.\d{2}")
_POSITION = re.compile(rf"({_DEGREES.pattern})[\s,;]+({_DEGREES.pattern})")


def find_columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Column]:
    """The columns worth comparing, each with its role; keys, classes and near-empty ones aren't."""
    every = {name: [_cell(row, place) for row in rows] for place, name in enumerate(names)}
    roles = ((name, values, role_of(values)) for name, values in _with_positions(every))
    return [Column(name, role, values) for name, values, role in roles if role]


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""


def _with_positions(every: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    """The columns; two of degrees side by side become one of positions, the latitude first."""
    found: list[tuple[str, list[str]]] = []
    for name, values in every.items():
        before = found[-1] if found else ("", [])
        if _are_degrees(before[1]) and _are_degrees(values):
            lat, lng = (values, before[1]) if _reach(before[1]) > 90 else (before[1], values)
            pairs = zip(lat, lng, strict=True)
            found[-1] = (f"{before[0]}, {name}", [f"{a} {b}" if a and b else "" for a, b in pairs])
        else:
            found.append((name, values))
    return found


def _are_degrees(values: Sequence[str]) -> bool:
    """Numbers of degrees, nearly all with decimals; small ones may be written with an exponent."""
    filled = [v for v in values if v]
    are_numbers = all(_DEGREES.fullmatch(v) for v in filled)
    return (
        bool(filled)
        and are_numbers
        and _share(filled, lambda v: _EXACT.search(v) is not None) > 0.9
    )


def _reach(values: Sequence[str]) -> float:
    return max((abs(float(v)) for v in values if v), default=0.0)


def chosen_columns(
    names: Sequence[str], rows: Sequence[Sequence[str]], chosen: Mapping[str, str]
) -> list[Column]:
    """Columns that a person named by role; a name is compared as text. Raises KeyError, ValueError."""
    found = []
    for role, name in chosen.items():
        place = list(names).index(name)
        values = [_cell(row, place) for row in rows]
        found.append(Column(name, Role.text if role == "name" else Role(role), values))
    return found


def role_of(values: Sequence[str]) -> Role | None:
    """How a column's values are to be compared; None where comparing them tells nothing."""
    filled = [v for v in values if v]
    distinct = set(filled)
    if len(filled) < FILLED_LEAST * len(values) or len(distinct) < DISTINCT_LEAST:
        return None
    if len(distinct) == len(filled) and all(_is_key(v) for v in filled):
        return None
    if _share(filled, _is_position) == 1.0:
        return Role.position
    if _share(filled, _is_digits) > 0.8:
        return Role.phone if _share(filled, _is_phone) > 0.5 else Role.digits
    return Role.address if _share(filled, _is_address) > 0.5 else Role.text


def _share(values: Sequence[str], holds) -> float:  # type: ignore[no-untyped-def]
    return sum(map(holds, values)) / len(values)


def _is_key(value: str) -> bool:
    """One word with digits: what numbers records, where no two are alike."""
    return " " not in value and _DIGIT.search(value) is not None


def _is_position(value: str) -> bool:
    return _POSITION.fullmatch(value) is not None and "." in value


def _is_digits(value: str) -> bool:
    """Digits with few letters, as numbers of phones and documents and dates are."""
    return len(_DIGIT.findall(value)) > 2 * len(_LETTER.findall(value))


def _is_phone(value: str) -> bool:
    """Seven digits or more that are no date: written with the signs of a phone, or not of a date's length."""
    digits = len(_DIGIT.findall(value))
    return digits >= 7 and (digits != 8 or any(c in value for c in "+() "))


def _is_address(value: str) -> bool:
    words = _WORDS.findall(value)
    return len(words) > 1 and any(w[0].isdigit() for w in words) and bool(_LETTER.search(value))
