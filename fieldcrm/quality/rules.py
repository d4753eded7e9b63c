"""Judges a card: what is wrong with it, what that costs, and how urgent it is. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import h3.api.basic_int as h3
from opening_hours import OpeningHours

from fieldcrm.clients import import_hours, import_places
from fieldcrm.clients.model import PERSON_KINDS, PLACE_KINDS, ClientKind
from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.clients.rules import e164_of
from fieldcrm.quality.model import (
    BIT,
    EVERY_MOST,
    FULL,
    ON_CARD,
    REQUIRABLE,
    SOON_DAYS,
    STALE_LEAST,
    STALE_MOST,
    VERY_SOON_DAYS,
    WEIGHT,
    BadNorm,
    Card,
    Code,
    Finding,
    Geocoder,
    Norms,
    category_of,
)

_NO_NUMBER = re.compile(r"\d|б\s*/\s*н|\bбез номера\b|\bs\s*/\s*n\b|\bf\s*\.?\s*n\b|\bfără număr\b", re.I)  # fmt: skip
"""A house number, or the word that there is none."""
_ALIKE = 6
"""The last digits of a number that is no number when they are all the same."""
_AT = datetime(2026, 1, 5, 3)
"""A night from which it is asked whether a place ever opens again; rules read no clock."""
_COUNTRY = re.compile(r"[A-Z]{2}")
_WEB = re.compile(r"https?://[^\s/?#@]+(:\d+)?(/[^\s?#]*)?", re.I)
_CONTACT = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+|https?://\S+")


def findings(card: Card, norms: Norms, now: datetime) -> list[Finding]:
    """Everything wrong with a card, in the order of `Code`."""
    found = [
        *_place(card, norms),
        *_standing(card, norms, now),
        *_missing(card, norms),
        *_texts(card, norms),
    ]
    order = list(Code)
    return sorted(found, key=lambda f: order.index(f.code))


def score(found: Iterable[Finding]) -> int:
    """What is left of a hundred, never below nought."""
    return max(0, FULL - sum(f.points for f in found))


def mask(found: Iterable[Finding]) -> int:
    """The kinds of findings as bits, so that a database can count and narrow by them."""
    bits = 0
    for each in found:
        bits |= BIT[each.code]
    return bits


def codes_in(bits: int) -> list[Code]:
    """The kinds of findings in such a mask."""
    return [code for code, bit in BIT.items() if bits & bit]


def value(card: Card, points: int, today: date) -> int:
    """How much a card is worth putting right: its category, a visit soon, and what can be gained."""
    return WEIGHT.get(card.category or "", 1) * _urgency(card.next_visit_on, today) * (FULL - points)  # fmt: skip


def _urgency(visit_on: date | None, today: date) -> int:
    if visit_on is None or visit_on < today:
        return 1
    days = (visit_on - today).days
    return 3 if days <= VERY_SOON_DAYS else 2 if days <= SOON_DAYS else 1


# ---- where it is ----


def _place(card: Card, norms: Norms) -> Iterator[Finding]:
    if card.lat is None or card.lng is None:
        yield Finding(Code.no_place)
        return
    if not can_be_at(card.lat, card.lng, norms.countries):
        yield Finding(Code.bad_place)
        return
    if card.has_wrong_pin:
        yield Finding(Code.wrong_pin)
    if card.area is not None and not is_within(card.lat, card.lng, card.area):
        yield Finding(Code.outside)


def can_be_at(lat: float, lng: float, countries: Sequence[str]) -> bool:
    """Whether the company can have a client there; a country that nobody drew forbids nothing."""
    if abs(lat) < 0.01 and abs(lng) < 0.01:  # no country, but what a form sends that has no place
        return False
    return not countries or any(import_places.is_in(c, lat, lng) is not False for c in countries)


def is_within(lat: float, lng: float, cells: frozenset[int]) -> bool:
    """Whether a point lies in one of these H3 cells or right beside one; they may be of any size."""
    for size in _sizes(cells):
        cell = h3.latlng_to_cell(lat, lng, size)
        if cell in cells or not cells.isdisjoint(h3.grid_disk(cell, 1)):
            return True
    return False


@lru_cache(maxsize=256)
def _sizes(cells: frozenset[int]) -> tuple[int, ...]:
    return tuple({h3.get_resolution(c) for c in cells})


def cells_of(texts: Iterable[str]) -> frozenset[int] | None:
    """Cells of a territory as numbers; None where it has no area, what is no cell left out."""
    made = frozenset(h3.str_to_int(t) for t in texts if h3.is_valid_cell(_number(t)))
    return made or None


def _number(text: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        return 0


# ---- how it stands ----


def _standing(card: Card, norms: Norms, now: datetime) -> Iterator[Finding]:
    if card.has_double:
        yield Finding(Code.duplicate)
    if card.known_at is None or card.known_at < now - timedelta(days=norms.stale_days):
        yield Finding(Code.stale)
    has_contact = card.kind in PERSON_KINDS and bool(card.phone or card.email)
    if norms.consent_field and has_contact and not _consents(card, norms.consent_field):
        yield Finding(Code.no_consent)


_REACHED_BY = {"phone": ("call", "message"), "email": ("email",)}
"""Contact -> channels of which one must be allowed for it to be kept."""


def _consents(card: Card, name: str) -> bool:
    if name == ON_CARD:
        kept = (channels for contact, channels in _REACHED_BY.items() if getattr(card, contact))
        return all(any(_has_given(card, c) for c in channels) for channels in kept)
    return card.own_fields.get(name) not in (None, "", False, [], "no")


def _has_given(card: Card, channel: str) -> bool:
    return card.consents.get(channel, {}).get("state") == "given"


# ---- what it says ----


def _missing(card: Card, norms: Norms) -> Iterator[Finding]:
    for name in norms.required.get(category_of(card.category), ()):
        if can_have(card, name) and _is_empty(card, name):
            yield Finding(Code.missing, name)


def can_have(card: Card, name: str) -> bool:
    """Whether a field can be asked of such a client: a person at a workplace has that one's address."""
    if name == "specialty":
        return card.kind == ClientKind.doctor
    if name == "opening_hours":
        return card.kind in PLACE_KINDS
    return not (name in ("address", "city", "postcode") and card.has_workplace)


def _is_empty(card: Card, name: str) -> bool:
    told: Any = card.own_fields.get(name.removeprefix(PREFIX)) if name.startswith(PREFIX) else getattr(card, name)  # fmt: skip
    return told is None or told == "" or told == []


def _texts(card: Card, norms: Norms) -> Iterator[Finding]:
    if card.phone and not is_phone(card.phone, card.phone_e164, tuple(norms.countries)):
        yield Finding(Code.bad_phone)
    if card.opening_hours:
        hours = import_hours.normal(card.opening_hours)
        if hours is None:
            yield Finding(Code.bad_hours)
        elif not ever_opens(hours):
            yield Finding(Code.never_open)
    if card.address and not _NO_NUMBER.search(card.address):
        yield Finding(Code.no_house)


def is_phone(text: str, known: str | None, countries: tuple[str, ...]) -> bool:
    """Whether a text holds a number that a country of ours, or the world, could have given out."""
    numbers = [known] if known else [e164_of(text, c) for c in countries or (None,)]
    return any(n is not None and len(set(n[-_ALIKE:])) > 1 for n in numbers)


@lru_cache(maxsize=20_000)
def ever_opens(hours: str) -> bool:
    """Whether somebody could ever meet an open door."""
    read = OpeningHours(hours)
    return read.is_open(_AT) or read.next_change(_AT) is not None


# ---- the administrator's choices ----


def norms_of(told: Mapping[str, Any], own_fields: Iterable[str]) -> Norms:
    """Norms as a form or file tells them, checked. Raises BadNorm."""
    usual, own = Norms(), set(own_fields)
    required = {
        category: tuple(dict.fromkeys(_field(name, own) for name in _list("required", names)))
        for category, names in dict(told.get("required", usual.required)).items()
    }
    if set(required) - set(usual.required):
        raise BadNorm(field="required")
    consent = str(told.get("consent_field", usual.consent_field))
    if consent not in ("", ON_CARD, *own):
        raise BadNorm(field="consent_field")
    countries = tuple(dict.fromkeys(_list("countries", told.get("countries", ()))))
    if any(not _COUNTRY.fullmatch(c) for c in countries) or len(countries) > 30:
        raise BadNorm(field="countries")
    return Norms(
        dict(usual.required) | required, _number_in("stale_days", told.get("stale_days", usual.stale_days), STALE_LEAST, STALE_MOST),
        consent, countries, _number_in("every_days", told.get("every_days", usual.every_days), 0, EVERY_MOST),
    )  # fmt: skip


def norms_without(norms: Norms, hidden: Collection[str]) -> Norms:
    """Norms that say nothing of some own fields (by name)."""
    unsaid = {PREFIX + name for name in hidden}
    required = {
        c: tuple(n for n in names if n not in unsaid) for c, names in norms.required.items()
    }
    consent = "" if norms.consent_field in hidden else norms.consent_field
    return replace(norms, required=required, consent_field=consent)


def _field(name: str, own: set[str]) -> str:
    if name in REQUIRABLE or (name.startswith(PREFIX) and name.removeprefix(PREFIX) in own):
        return name
    raise BadNorm(field="required")


def _list(field: str, told: Any) -> list[str]:
    if not isinstance(told, list | tuple) or any(not isinstance(t, str) for t in told):
        raise BadNorm(field=field)
    return list(told)


def _number_in(field: str, told: Any, least: int, most: int) -> int:
    is_whole = isinstance(told, int) and not isinstance(told, bool)
    if not is_whole or not least <= told <= most:
        raise BadNorm(field=field, least=least, most=most)
    return told


def check_geocoder(wanted: Geocoder) -> Geocoder:
    """A geocoder that can be asked, or none; raises BadNorm."""
    if not wanted.url:
        return Geocoder(wanted.provider, "", wanted.contact[:254], wanted.apply_exact)
    if len(wanted.url) > 300 or not _WEB.fullmatch(wanted.url):
        raise BadNorm(field="url")
    if len(wanted.contact) > 254 or not _CONTACT.fullmatch(wanted.contact):
        raise BadNorm(field="contact")
    return wanted
