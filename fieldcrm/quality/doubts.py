"""What a person who types a client should look at once more; said, never refused. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fieldcrm.clients import import_hours, import_places
from fieldcrm.clients.import_rows import looks_swapped
from fieldcrm.quality import rules


@dataclass(frozen=True)
class Doubt:
    """A field and the locale key of what seems wrong with it."""

    field: str
    key: str
    is_swapped: bool = False
    """Whether exchanging latitude and longitude would settle it."""


def doubts_about(
    fields: Mapping[str, Any],
    before: Mapping[str, Any],
    countries: Sequence[str],
    known: tuple[float, float] | None,
) -> list[Doubt]:
    """Doubts about what differs from `before`, in the form's order.

    `countries` are ISO codes of the company's; `known` is where its base lies (lat, lng; degrees).
    """
    changed = {n for n, value in fields.items() if value != before.get(n)}
    found = [*_phone(fields, countries), *_place(fields, countries, known), *_hours(fields)]
    return [d for d in found if d.field in changed or (d.field == "lat" and "lng" in changed)]


def _phone(fields: Mapping[str, Any], countries: Sequence[str]) -> Iterator[Doubt]:
    phone = fields.get("phone")
    if phone and not rules.is_phone(phone, None, tuple(countries)):
        yield Doubt("phone", "quality.finding.bad_phone")


def _place(
    fields: Mapping[str, Any], countries: Sequence[str], known: tuple[float, float] | None
) -> Iterator[Doubt]:
    lat, lng = fields.get("lat"), fields.get("lng")
    if lat is None or lng is None:
        return
    if _is_swapped(lat, lng, countries, known):
        yield Doubt("lat", "import.trouble.swapped_axes", True)
    elif not rules.can_be_at(lat, lng, countries):
        yield Doubt("lat", "quality.finding.bad_place")


def _is_swapped(
    lat: float, lng: float, countries: Sequence[str], known: tuple[float, float] | None
) -> bool:
    if abs(lng) > 90:
        return False
    if abs(lat) > 90:
        return abs(lat) <= 180
    if not rules.can_be_at(lat, lng, countries):
        return any(import_places.is_swapped_in(c, lat, lng) for c in countries)
    return not countries and known is not None and looks_swapped(lat, lng, known)


def _hours(fields: Mapping[str, Any]) -> Iterator[Doubt]:
    hours = fields.get("opening_hours")
    if not hours:
        return
    read = import_hours.normal(hours)
    if read is None:
        yield Doubt("opening_hours", "quality.finding.bad_hours")
    elif not rules.ever_opens(read):
        yield Doubt("opening_hours", "quality.finding.never_open")
