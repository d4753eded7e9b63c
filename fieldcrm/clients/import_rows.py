"""What a row of somebody's table means: fields, place, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fieldcrm.clients import folding, import_hours, import_places, import_words, rules, standing
from fieldcrm.clients.folding import fold
from fieldcrm.clients.import_rules import DEGREES, degrees
from fieldcrm.clients.model import BadClientField, ImportRules, Trouble
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.ownfields.model import PREFIX, OwnField
from fieldcrm.kit.units import distance_m

FAR_M, NEAR_M = 1_500_000, 500_000
"""A point this far from everything known whose swapped axes come this near was mistyped."""
GRAVE = frozenset({"name", "kind", "category", "visit_minutes"})
"""Fields without whose value a row is not taken; others are left out, or left as they were."""
_FIELDS = frozenset(rules.FIELDS)
_FOUND_BY = ("name", "specialty", "address", "city", "postcode", "external_id")
_PHONES = ("phone", "phone_e164")
_JOIN = {"name": " ", "address": ", ", "note": "\n", "phone": "; ", "tags": ","}
_CATEGORY = re.compile(
    r"(?:category|class|категория|кат|класс|categoria|clasa)[.:]?\s*", re.IGNORECASE
)


@dataclass
class FoundBy:
    """By what a client is found and sorted."""

    search_text: str = ""
    sort_name: str = ""
    terms: list[str] = field(default_factory=list)


@dataclass
class Row:
    """A row of a file as it was understood."""

    number: int
    fields: dict[str, Any]
    country: str | None = None
    territory: str | None = None
    """By name."""
    says_kind: bool = False
    """Whether the kind is the row's own, not the one that the file is taken for."""
    troubles: list[Trouble] = field(default_factory=list)
    found_by: FoundBy = field(default_factory=FoundBy)
    """Of a new client that the row makes."""

    @property
    def blocks(self) -> bool:
        return any(t.blocks for t in self.troubles)


@dataclass(frozen=True)
class Around:
    """What the base tells of a file that comes into it."""

    known_place: tuple[float, float] | None = None
    """The middle of all clients: helps to tell swapped axes."""
    country: str | None = None
    """Of the installation, for numbers of rows that name none."""
    own: tuple[OwnField, ...] = ()
    """Fields that the administrator made, that are in use and that somebody fills."""
    referred: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Own field -> what stands in its column -> id of the client that it names."""
    day: str = "2000-01-01"
    """Today (ISO), from which own dates are bounded."""


def understand(
    number: int, cells: list[str], columns: list[tuple[int, str, str]], r: ImportRules, around: Around
) -> Row:  # fmt: skip
    """A numbered row of a table by the rules; `columns` are its mapped ones: index, title, field."""
    texts, title = _texts(cells, columns), {f: c for _, c, f in reversed(columns)}
    says_kind = "kind" in texts
    for name, value in r.constants.items():
        texts.setdefault(name, value)
    row = Row(number, {}, country=_country(texts.pop("country", "")), says_kind=says_kind)
    row.territory = texts.pop("territory", None)
    _read_place(row, texts, title, around.known_place)
    own = {PREFIX + f.name: f for f in around.own}
    for name, text in texts.items():
        if name in own:
            _read_own(row, own[name], text, title.get(name, name), around)
        elif name in standing.CELLS:
            _read_standing(row, name, text, title.get(name, name), around.day)
        elif name in _FIELDS:
            _read(row, name, text, title.get(name, name))
    if "name" in title and not row.fields.get("name") and r.mode != "update":
        row.troubles.append(Trouble(number, "no_name", title.get("name", "")))
    _read_phone(row, title.get("phone", "phone"), row.country or around.country)
    row.found_by = found_by(row.fields)
    return row


def found_by(values: Mapping[str, Any]) -> FoundBy:
    """Of a client with these values, as `tables` keeps it for single rows."""
    texts, phones = (tuple(values.get(f) for f in fields) for fields in (_FOUND_BY, _PHONES))
    text = folding.search_text(*texts, phones=phones)
    return FoundBy(text, folding.fold(values.get("name") or ""), sorted(folding.terms(text)))


def _read_phone(row: Row, column: str, country: str | None) -> None:
    """A number nobody can read stays as it was written, with a warning."""
    if phone := row.fields.get("phone"):
        row.fields["phone_e164"] = rules.e164_of(phone, country)
        if row.fields["phone_e164"] is None:
            row.troubles.append(Trouble(row.number, "phone_unread", column, phone[:80], False))


def _texts(cells: list[str], columns: list[tuple[int, str, str]]) -> dict[str, str]:
    """What is written for each field; a blank is no word and erases nothing."""
    found: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for index, _, name in columns:
        if cell := cells[index]:
            if name in found:
                several.setdefault(name, [found[name]]).append(cell)
            else:
                found[name] = cell
    for name, parts in several.items():
        found[name] = _JOIN.get(name, " ").join(dict.fromkeys(parts))
    return found


def _read(row: Row, name: str, text: str, column: str) -> None:
    """Take one value, or say why not. What can wait is only warned of and left as it was."""
    try:
        row.fields[name] = rules.cleaned(name, _value(name, text))
        if name == "opening_hours" and import_hours.normal(text) is None:
            row.troubles.append(Trouble(row.number, "hours_unread", column, text[:80], False))
    except BadClientField as error:
        code = "too_long" if "limit" in error.params else f"bad_{name}"
        is_grave = name in GRAVE or code == "too_long"
        row.troubles.append(
            Trouble(row.number, code, column, text[:80], is_grave, dict(error.params))
        )


def _read_standing(row: Row, name: str, text: str, column: str, day: str) -> None:
    """Take evidence or a consent; what can't be, or is of a day to come, is warned of and left as it was."""
    field, part = standing.CELLS[name]
    try:
        told = standing.read_cell(name, text)
    except BadClientField as error:
        code = "too_long" if "limit" in error.params else "bad_standing"
        row.troubles.append(Trouble(row.number, code, column, text[:80], False, dict(error.params)))
        return
    if field == "consents" and standing.is_to_come(told[part], day):
        row.troubles.append(Trouble(row.number, "consent_to_come", column, text[:80], False))
    else:
        row.fields.setdefault(field, {}).update(told)


def _read_own(row: Row, own: OwnField, text: str, column: str, around: Around) -> None:
    """Take the value of an own field; one that can't be is warned of and left as it was."""
    value = own_rules.settled(own_rules.read_text(own.field, text))
    if own.field.type == "reference":
        value = around.referred.get(own.name, {}).get(text.strip())
    kind = row.fields.get("kind", "")
    wrong = "own_not_asked" if kind and not own.is_asked_of(kind) else ""
    if not wrong and own.field.type == "reference" and value is None:
        wrong = "own_no_client"
    if not wrong and own_rules.problem_of(own.field, value, kind, around.day):
        wrong = "bad_own"
    if wrong:
        row.troubles.append(Trouble(row.number, wrong, column, text[:80], False))
    else:
        row.fields.setdefault("own_fields", {})[own.name] = value


def _value(name: str, text: str) -> Any:
    if name == "kind":
        return import_words.kind_of(text) or text
    if name == "tags":
        return [t.strip() for t in re.split(r"[,;|]", text) if t.strip()]
    if name == "visit_minutes":
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else text
    if name == "opening_hours":
        return import_hours.normal(text) or text
    if name == "category":
        return _CATEGORY.sub("", text, count=1)
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
    code = _axes_trouble(written, known, row.country)
    if code is None:
        row.fields |= {axis: degrees(text) for axis, text in written.items()}
        return
    axis = "lng" if code == "no_lng" else "lat"
    row.troubles.append(Trouble(row.number, code, title.get(axis, axis), shown))


def _axes_trouble(
    written: dict[str, str], known: tuple[float, float] | None, country: str | None
) -> str | None:
    """What is wrong with a pair of coordinates as written."""
    if len(written) < 2:
        return "no_lng" if "lat" in written else "no_lat"
    if not all(DEGREES.fullmatch(text) for text in written.values()):
        return "no_degrees"
    lat, lng = degrees(written["lat"]), degrees(written["lng"])
    if (lat, lng) == (0, 0):
        return "null_island"
    if abs(lat) > 90 and abs(lng) <= 90 and abs(lat) <= 180:
        return "swapped_axes"
    if abs(lat) > 90 or abs(lng) > 180:
        return "out_of_range"
    if country and (verdict := import_places.is_in(country, lat, lng)) is not None:
        is_swapped = not verdict and import_places.is_swapped_in(country, lat, lng)
    else:
        is_swapped = known is not None and looks_swapped(lat, lng, known)
    return "swapped_axes" if is_swapped else None


def looks_swapped(lat: float, lng: float, known: tuple[float, float]) -> bool:
    """Whether a point lies far from a known place, and near it with its axes exchanged."""
    if abs(lng) > 90:
        return False
    return distance_m(lat, lng, *known) > FAR_M and distance_m(lng, lat, *known) < NEAR_M
