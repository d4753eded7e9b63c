"""Decisions of an import: which column is what, what a row means, what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldcrm.clients import import_words, rules
from fieldcrm.clients.folding import fold
from fieldcrm.clients.model import BadClientField, ImportRules, Table, Trouble, UnreadableTable
from fieldcrm.kit.units import distance_m

MATCHES = ("external_id", "phone", "name_address")
MODES = ("create", "update", "upsert")
SAMPLE_ROWS = 200
MOSTLY = 0.9
"""Share of codes that must be one row's alone, for a code to tell clients apart."""
FAR_M, NEAR_M = 1_500_000, 500_000
"""A point this far from everything known whose swapped axes come this near was mistyped."""
_DEGREES = re.compile(r"[+-]?\d{1,3}([.,]\d+)?([eE][+-]?\d{1,2})?")
_JOIN = {"name": " ", "address": ", ", "note": "\n", "phone": "; ", "tags": ","}


@dataclass
class Row:
    """A row of a file as it was understood."""

    number: int
    fields: dict[str, Any]
    country: str | None = None
    territory: str | None = None
    """By name."""
    troubles: list[Trouble] = field(default_factory=list)

    @property
    def blocks(self) -> bool:
        return any(t.blocks for t in self.troubles)


# ---- which column is what ----


def suggest(table: Table) -> dict[str, str]:
    """Column -> field by titles, else by what the cells look like."""
    titled = {c: f for c in table.columns if (f := import_words.field_of(c))}
    found = _without_rivals(titled)
    return found if table.has_header else found | _by_content(table, found)


def _without_rivals(titled: dict[str, str]) -> dict[str, str]:
    """One column a field, but for those that are joined; exact names win, then the first."""
    found: dict[str, str] = {}
    for column, name in sorted(titled.items(), key=lambda item: item[0] != item[1]):
        if name == "address" or name not in found.values():
            found[column] = name
    return found


def _by_content(table: Table, known: dict[str, str]) -> dict[str, str]:
    """Guesses for a file without titles: codes, degrees, phones, and texts from left to right."""
    taken, found, texts = set(known.values()), dict[str, str](), list[str]()
    for i, column in enumerate(table.columns):
        if column in known:
            continue
        guess = import_words.guess_by_content([cells[i] for _, cells in table.rows[:SAMPLE_ROWS]])
        if guess == "degrees":
            guess = "lat" if "lat" not in taken else "lng"
        if guess == "text":
            texts.append(column)
        elif guess and guess not in taken:
            found[column] = guess
            taken.add(guess)
    if len(found) + len(texts) < 2:
        return {}  # one unnamed column says too little to make clients of it
    return found | _text_columns(texts, taken)


def _text_columns(texts: list[str], taken: set[str]) -> dict[str, str]:
    """The first untold text is the name, the others the address."""
    found: dict[str, str] = {}
    if texts and "name" not in taken:
        found[texts.pop(0)] = "name"
    return found | (dict.fromkeys(texts, "address") if "address" not in taken else {})


def check_rules(r: ImportRules, table: Table) -> None:
    """Raise UnreadableTable when the rules name what isn't there."""
    for column, name in r.mapping.items():
        if column not in table.columns:
            raise UnreadableTable(why="no_column", column=column[:80])
        if name not in import_words.FIELDS:
            raise UnreadableTable(why="no_field", column=str(name)[:80])
    if unknown := set(r.constants) - set(import_words.FIELDS):
        raise UnreadableTable(why="no_field", column=min(unknown)[:80])
    if r.match not in MATCHES or r.mode not in MODES:
        raise UnreadableTable(why="no_match")


def missing_fields(r: ImportRules) -> list[Trouble]:
    """Fields that no column fills yet and without which nothing can be imported."""
    needed = [{"external_id": "external_id", "phone": "phone", "name_address": "name"}[r.match]]
    if r.mode != "update":
        needed.append("name")
    unfilled = sorted(set(needed) - set(r.mapping.values()))
    return [Trouble(1, "not_mapped", name, params={"field": name}) for name in unfilled]


def best_match(mapping: Mapping[str, str], table: Table) -> str:
    """What tells a known client: an external id that is one row's alone, else name and address."""
    by_field = {f: c for c, f in mapping.items()}
    if "external_id" not in by_field:
        return "name_address"
    index = table.columns.index(by_field["external_id"])
    written = [cells[index] for _, cells in table.rows if cells[index]]
    is_own = len(set(written)) >= MOSTLY * len(written) > 0
    return "external_id" if is_own else "name_address"


# ---- what a row means ----


def understand(table: Table, r: ImportRules, known_place: tuple[float, float] | None) -> list[Row]:
    """Every row of a table by the rules; `known_place` helps to tell swapped axes."""
    columns = [(table.columns.index(c), c, f) for c, f in r.mapping.items()]
    columns.sort()
    return [_row(number, cells, columns, r, known_place) for number, cells in table.rows]


def _row(
    number: int, cells: list[str], columns: list[tuple[int, str, str]], r: ImportRules,
    known_place: tuple[float, float] | None,
) -> Row:  # fmt: skip
    texts, title = _texts(cells, columns), {f: c for _, c, f in reversed(columns)}
    for name, value in r.constants.items():
        texts.setdefault(name, value)
    row = Row(number, {}, country=_country(texts.pop("country", "")))
    row.territory = texts.pop("territory", None)
    _read_place(row, texts, title, known_place)
    for name, text in texts.items():
        _read(row, name, text, title.get(name, name))
    if "name" in title and not row.fields.get("name") and r.mode != "update":
        row.troubles.append(Trouble(number, "no_name", title.get("name", "")))
    return row


def _texts(cells: list[str], columns: list[tuple[int, str, str]]) -> dict[str, str]:
    """What is written for each field; a blank is no word and erases nothing."""
    found: dict[str, list[str]] = {}
    for index, _, name in columns:
        if cells[index]:
            found.setdefault(name, []).append(cells[index])
    return {name: _JOIN.get(name, " ").join(dict.fromkeys(parts)) for name, parts in found.items()}


def _read(row: Row, name: str, text: str, column: str) -> None:
    """Take one value, or say why not. What can wait is only warned of and left as it was."""
    try:
        row.fields |= rules.clean({name: _value(name, text)})
    except BadClientField as error:
        code = "too_long" if "limit" in error.params else f"bad_{name}"
        is_grave = name in ("name", "kind", "category", "visit_minutes") or code == "too_long"
        row.troubles.append(
            Trouble(row.number, code, column, text[:80], is_grave, dict(error.params))
        )


def _value(name: str, text: str) -> Any:
    if name == "kind":
        return import_words.kind_of(text) or text
    if name == "tags":
        return [t.strip() for t in re.split(r"[,;|]", text) if t.strip()]
    if name == "visit_minutes":
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else text
    return text


def _country(text: str) -> str | None:
    """An ISO code, or the name of a country in one of three languages."""
    if len(text) == 2 and text.isascii() and text.isalpha():
        return text.upper()
    return _countries().get(fold(text)) if text else None


_COUNTRIES: dict[str, str] = {}


def _countries() -> dict[str, str]:
    if not _COUNTRIES:
        from babel import Locale

        for language in ("en", "ru", "ro"):
            names = Locale(language).territories
            _COUNTRIES.update({fold(n): c for c, n in names.items() if len(c) == 2 and c.isalpha()})
    return _COUNTRIES


# ---- coordinates ----


def _read_place(
    row: Row, texts: dict[str, str], title: dict[str, str], known: tuple[float, float] | None
) -> None:
    written = {axis: texts.pop(axis) for axis in ("lat", "lng") if axis in texts}
    if not written:
        return
    shown = ", ".join(written.values())[:80]
    code = _axes_trouble(written, known)
    if code is None:
        row.fields |= {axis: _degrees(text) for axis, text in written.items()}
        return
    axis = "lng" if code == "no_lng" else "lat"
    row.troubles.append(Trouble(row.number, code, title.get(axis, axis), shown))


def _axes_trouble(written: dict[str, str], known: tuple[float, float] | None) -> str | None:
    """What is wrong with a pair of coordinates as written."""
    if len(written) < 2:
        return "no_lng" if "lat" in written else "no_lat"
    if not all(_DEGREES.fullmatch(text) for text in written.values()):
        return "no_degrees"
    lat, lng = _degrees(written["lat"]), _degrees(written["lng"])
    if (lat, lng) == (0, 0):
        return "null_island"
    if abs(lat) > 90 and abs(lng) <= 90 and abs(lat) <= 180:
        return "swapped_axes"
    if abs(lat) > 90 or abs(lng) > 180:
        return "out_of_range"
    return "swapped_axes" if known and looks_swapped(lat, lng, known) else None


def _degrees(text: str) -> float:
    return float(text.replace(",", "."))


def looks_swapped(lat: float, lng: float, known: tuple[float, float]) -> bool:
    """Whether a point lies far from a known place, and near it with its axes exchanged."""
    if abs(lng) > 90:
        return False
    return distance_m(lat, lng, *known) > FAR_M and distance_m(lng, lat, *known) < NEAR_M


# ---- who is who ----


def name_address_key(fields: Mapping[str, Any]) -> str:
    """Name, address, city and postcode, folded: the same place however it is written."""
    parts = (fields.get(f) or "" for f in ("name", "address", "city", "postcode"))
    return fold(" ".join(str(p) for p in parts))


def is_another_name(before: str, after: str) -> bool:
    """Whether two names share no word: the key may be somebody else's."""
    return not set(fold(before).split()) & set(fold(after).split())


def is_wholesale(renamed: int, updated: int) -> bool:
    """Whether so many clients would get another name that the keys must be another list's."""
    return renamed >= 3 and renamed > updated / 5


def repeated(rows: list[Row], keys: list[str | None]) -> list[Trouble]:
    """Rows whose key an earlier row of the same file has."""
    first: dict[str, int] = {}
    found: list[Trouble] = []
    for row, key in zip(rows, keys, strict=True):
        if key and first.setdefault(key, row.number) != row.number:
            found.append(
                Trouble(row.number, "repeated", value=key[:80], params={"first": first[key]})
            )
    return found
