"""Decisions about clients: which values can be, who may change what, what a phone number is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from fieldcrm.clients import standing
from fieldcrm.clients.model import CATEGORIES, BadClientField, ClientKind
from fieldcrm.people.model import Actor, Role, RoleForbids

LIMITS = {
    "name": 200, "specialty": 120, "loyalty": 60, "phone": 120, "email": 254, "website": 300,
    "address": 300, "city": 120, "postcode": 20, "opening_hours": 1000, "note": 4000,
    "external_id": 80,
}  # fmt: skip
"""Characters that each text may have."""
FIELD_FIELDS = frozenset(
    {"phone", "email", "website", "opening_hours", "note", "own_fields", "consents"}
)
"""What a rep may correct of a client; which own fields, each of them says itself."""
TAGS_MAX = 30
VISIT_MINUTES_MAX = 480
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LOOKALIKES = str.maketrans("АВСавс", "ABCabc")  # Cyrillic letters that look like the categories


def clean(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Known fields, trimmed and checked; unknown ones are dropped. Raises BadClientField."""
    return {k: cleaned(k, v) for k, v in changes.items() if k in _FIELDS}


def cleaned(field: str, value: Any) -> Any:
    """The value of one of `FIELDS`, trimmed and checked. Raises BadClientField."""
    return _FIELDS[field](field, value)


def check_place(lat: float | None, lng: float | None) -> None:
    """Raise BadClientField when there is only half a coordinate."""
    if (lat is None) != (lng is None):
        raise BadClientField(field="lat" if lat is None else "lng")


def check_may_change(actor: Actor, fields: set[str]) -> None:
    """A rep may correct a client's contacts, hours, note, consents and own fields; its place and standing are the office's."""
    if actor.role is Role.rep and fields - FIELD_FIELDS:
        raise RoleForbids(role=actor.role.value)


def check_consents(actor: Actor, told: Mapping[str, Any]) -> None:
    """A rep notes what a client says; taking a word off the card is the office's."""
    if actor.role is Role.rep and None in told.values():
        raise RoleForbids(role=actor.role.value)


def clean_text(value: str) -> str:
    """Without control characters, NUL above all, and without space at the ends."""
    return _CONTROL.sub("", value).strip()


def _text(field: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadClientField(field=field)
    text = clean_text(value)
    if len(text) > LIMITS[field]:
        raise BadClientField(field=field, limit=LIMITS[field])
    return text or None


def _name(field: str, value: Any) -> str:
    text = _text(field, value)
    if not text:
        raise BadClientField(field=field)
    return text


def _kind(field: str, value: Any) -> str:
    if value not in ClientKind._value2member_map_:
        raise BadClientField(field=field)
    return str(value)


def category_of(value: str) -> str | None:
    """A, B or C from what was typed, None for nothing; raises BadClientField."""
    text = value.strip().translate(_LOOKALIKES).upper()
    if text and text not in CATEGORIES:
        raise BadClientField(field="category")
    return text or None


def _category(field: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise BadClientField(field=field)
    return category_of(value or "")


def _email(field: str, value: Any) -> str | None:
    text = _text(field, value)
    if text and not _EMAIL.fullmatch(text):
        raise BadClientField(field=field)
    return text


def _website(field: str, value: Any) -> str | None:
    """An address of the web only: a link that runs a script never gets in."""
    text = _text(field, value)
    if text and (re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", text, re.I) and not is_web(text)):
        raise BadClientField(field=field)
    return text


def is_web(text: str) -> bool:
    """Whether a link is http or https."""
    return text.lower().startswith(("http://", "https://"))


def _degrees(limit: float) -> Callable[[str, Any], float | None]:
    def check(field: str, value: Any) -> float | None:
        if value is None:
            return None
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not isfinite(value) or abs(value) > limit:
            raise BadClientField(field=field)
        return float(value)

    return check


def _minutes(field: str, value: Any) -> int | None:
    if value is None:
        return None
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or not 1 <= value <= VISIT_MINUTES_MAX:
        raise BadClientField(field=field)
    return value


def _tags(field: str, value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or len(value) > TAGS_MAX:
        raise BadClientField(field=field)
    if any(not isinstance(t, str) or len(t) > 60 for t in value):
        raise BadClientField(field=field)
    return list(dict.fromkeys(text for t in value if (text := clean_text(t))))


def _id(field: str, value: Any) -> str | None:
    if value is not None and (not isinstance(value, str) or len(value) > 64 or "\x00" in value):
        raise BadClientField(field=field)
    return value or None


_FIELDS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(LIMITS, _text),
    "name": _name, "kind": _kind, "category": _category, "email": _email, "website": _website,
    "lat": _degrees(90), "lng": _degrees(180), "visit_minutes": _minutes, "tags": _tags,
    "territory_id": _id, "evidence": lambda _, told: standing.clean_evidence(told),
    "consents": lambda _, told: standing.clean_consents(told),
}  # fmt: skip
FIELDS = tuple(_FIELDS)
"""Every field of a client that somebody may set."""


def e164_of(phone: str | None, country: str | None) -> str | None:
    """The first valid number in a text, as +digits; `country` (ISO) reads national ones."""
    if not phone or not any(c.isdigit() for c in phone):
        return None
    import phonenumbers as numbers

    found = _whole_number(phone, country)
    if found is None:
        found = next((m.number for m in numbers.PhoneNumberMatcher(phone, country)), None)
    return numbers.format_number(found, numbers.PhoneNumberFormat.E164) if found else None


def _whole_number(phone: str, country: str | None) -> Any:
    """The valid number that a text is as a whole, quicker than looking for one in it."""
    import phonenumbers as numbers

    try:
        parsed = numbers.parse(phone, country)
    except numbers.NumberParseException:
        return None
    return parsed if numbers.is_valid_number(parsed) else None


def country_of(timezone: str) -> str | None:
    """The country (ISO) of a time zone's name, for reading national phone numbers."""
    from babel.core import get_global

    return get_global("zone_territories").get(timezone)
