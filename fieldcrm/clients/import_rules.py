"""Decisions of an import: which column is what, and by what a known client is told. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fieldcrm.clients import import_places, import_words
from fieldcrm.clients.folding import fold
from fieldcrm.clients.model import ClientKind, ImportRules, Table, Trouble, UnreadableTable
from fieldcrm.clients.ownfields.model import PREFIX, OwnField

MATCHES = ("external_id", "phone", "name_address", "code_name")
"""`code_name` is the external id together with the name, where codes are not one list's alone."""
MODES = ("create", "update", "upsert")
SAMPLE_ROWS = 200
MOSTLY = 0.9
"""Share of codes that must be one row's alone, for a code to tell clients apart."""
DEGREES = re.compile(r"[+-]?\d{1,3}([.,]\d+)?([eE][+-]?\d{1,2})?")


# ---- which column is what ----


def suggest(table: Table, known: tuple[float, float] | None = None) -> dict[str, str]:
    """Column -> field by titles, else by what the cells look like; `known` is where the base lies."""
    titled = {c: f for c in table.columns if (f := import_words.field_of(c))}
    found = _without_rivals(titled)
    if table.has_header:
        return found if "name" in found.values() or not found else _with_name(table, found)
    return _axes_as_they_lie(table, found | _by_content(table, found), known)


def _with_name(table: Table, found: dict[str, str]) -> dict[str, str]:
    """Where no title means a name, a text column that is filled and each row's own is called by."""
    for index, column in enumerate(table.columns):
        if found.get(column) not in (None, "address", "city"):
            continue
        cells = [row[index] for _, row in table.rows]
        written = [c for c in cells if c and not import_words.looks_like_data(c)]
        has_words = sum(" " in c for c in written) > len(written) / 2
        if has_words and len(set(written)) >= MOSTLY * len(cells):
            return {c: f for c, f in found.items() if c != column} | {column: "name"}
    return found


def _axes_as_they_lie(
    table: Table, found: dict[str, str], known: tuple[float, float] | None
) -> dict[str, str]:
    """Of two untitled columns of degrees the first is the latitude, unless that can't be."""
    points = sample_points(table, found)
    if not import_places.are_swapped(points, known):
        return found
    other = {"lat": "lng", "lng": "lat"}
    return {c: other.get(f, f) for c, f in found.items()}


def sample_points(table: Table, mapping: Mapping[str, str]) -> list[tuple[float, float]]:
    """Some (lat, lng) of a table, from all over it."""
    columns = {f: table.columns.index(c) for c, f in mapping.items() if f in ("lat", "lng")}
    if len(columns) < 2:
        return []
    cells = [(row[columns["lat"]], row[columns["lng"]]) for row in sample_rows(table)]
    return [
        (degrees(a), degrees(b)) for a, b in cells if DEGREES.fullmatch(a) and DEGREES.fullmatch(b)
    ]


def sample_rows(table: Table) -> list[list[str]]:
    """Some rows, from all over a table."""
    step = max(1, len(table.rows) // SAMPLE_ROWS)
    return [cells for _, cells in table.rows[::step]]


def degrees(text: str) -> float:
    return float(text.replace(",", "."))


def country_of_file(table: Table, mapping: Mapping[str, str]) -> str | None:
    """Whose national phone numbers a file without a column of countries holds."""
    phone = next((table.columns.index(c) for c, f in mapping.items() if f == "phone"), None)
    if phone is None or "country" in mapping.values():
        return None
    numbers = [row[phone] for row in sample_rows(table) if row[phone]]
    return import_places.country_of_phones(sample_points(table, mapping), numbers)


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


def own_titles(table: Table, known: Mapping[str, str], own: Iterable[OwnField]) -> dict[str, str]:
    """Column -> `own.<name>` for columns called by an own field's name or by one of its labels."""
    found: dict[str, str] = {}
    for column in table.columns if table.has_header else ():
        called = fold(column)
        field = next((f for f in own if column == PREFIX + f.name or called in _labels(f)), None)
        name = PREFIX + field.name if field else ""
        if name and name not in found.values() and (column not in known or column == name):
            found[column] = name
    return found


def who_is_meant(
    own: OwnField, texts: Iterable[str], named: Iterable[tuple[str, str, str, str]]
) -> dict[str, str]:
    """Text -> id of the one client that a reference may mean by it; `named` as the store found.

    An id or external id is exact; a name counts where one client alone has it.
    """
    by_called: dict[str, set[str]] = {}
    for called, client_id, kind, _ in named:
        if own.refers_to(kind):
            by_called.setdefault(called, set()).add(client_id)
    ways = {text: by_called.get(text) or by_called.get(fold(text)) or set() for text in texts}
    return {text: next(iter(ids)) for text, ids in ways.items() if len(ids) == 1}


def _labels(own: OwnField) -> set[str]:
    label = own.field.label
    every = [label] if isinstance(label, str) else label.values()
    return {fold(own.name), *(fold(text) for text in every)}


def check_rules(r: ImportRules, table: Table, own: Iterable[OwnField] = ()) -> None:
    """Raise UnreadableTable when the rules name what isn't there."""
    fields = {*import_words.FIELDS, *(PREFIX + f.name for f in own)}
    for column, name in r.mapping.items():
        if column not in table.columns:
            raise UnreadableTable(why="no_column", column=column[:80])
        if name not in fields:
            raise UnreadableTable(why="no_field", column=str(name)[:80])
    if unknown := set(r.constants) - set(import_words.FIELDS):
        raise UnreadableTable(why="no_field", column=min(unknown)[:80])
    if r.match not in MATCHES or r.mode not in MODES:
        raise UnreadableTable(why="no_match")


def missing_fields(r: ImportRules) -> list[Trouble]:
    """Fields that no column fills yet and without which nothing can be imported."""
    needed = {"name_address": ["name"], "code_name": ["external_id", "name"]}.get(
        r.match, [r.match]
    )
    if r.mode != "update":
        needed.append("name")
    unfilled = sorted(set(needed) - set(r.mapping.values()))
    return [Trouble(0, "not_mapped", name, params={"field": name}) for name in unfilled]


def usual_kind(file_name: str, names: Sequence[str]) -> ClientKind:
    """What rows are that don't say: pharmacies where the file or most names say so."""
    of_names = sum(import_words.speaks_of_pharmacy(n) for n in names) > len(names) / 2
    is_pharmacy = of_names or import_words.speaks_of_pharmacy(file_name)
    return ClientKind.pharmacy if is_pharmacy else ClientKind.organisation


def best_match(mapping: Mapping[str, str], table: Table) -> str:
    """What tells a known client: an external id that is one row's alone, else name and address."""
    by_field = {f: c for c, f in mapping.items()}
    if "external_id" not in by_field:
        return "name_address"
    index = table.columns.index(by_field["external_id"])
    written = [cells[index] for _, cells in table.rows if cells[index]]
    is_own = len(set(written)) >= MOSTLY * len(written) > 0
    return "external_id" if is_own else "name_address"


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
