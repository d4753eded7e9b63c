"""What geocoders are asked and what their answers mean. Pure: Nominatim's and Photon's JSON in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from fieldcrm.quality.model import Located, Precision, Provider

_NUMBER = re.compile(r"\d+")
_STREETS = frozenset({"road", "street", "pedestrian", "residential", "highway", "square"})


def question(address: str | None, postcode: str | None, city: str | None) -> str | None:
    """What is asked of a client's address; None where too little is known to ask."""
    town = " ".join(t for t in (_clean(postcode), _clean(city)) if t)
    street = _clean(address)
    if not street or not (town or "," in street):
        return None
    return ", ".join(t for t in (street, town) if t)


def _clean(text: str | None) -> str:
    return " ".join((text or "").split())[:300]


def key(provider: Provider, url: str, asked: str) -> str:
    """By which an answer is remembered: SHA-256 (hex)."""
    return hashlib.sha256(f"{provider}\n{url.rstrip('/')}\n{asked.casefold()}".encode()).hexdigest()


def request(
    provider: Provider, url: str, asked: str, countries: Sequence[str], language: str
) -> tuple[str, dict[str, str]]:
    """Where and with what parameters a service is asked."""
    base = url.rstrip("/")
    if provider is Provider.photon:
        return f"{base}/api", {"q": asked, "limit": "1"}
    told = {
        "q": asked, "format": "jsonv2", "addressdetails": "1", "limit": "1",
        "accept-language": language,
    }  # fmt: skip
    if countries:
        told["countrycodes"] = ",".join(c.lower() for c in countries)
    return f"{base}/search", told


def read(provider: Provider, body: Any, asked: str) -> Located | None:
    """The first hit of an answer; None for none. Raises ValueError for what is no such answer."""
    try:
        found = _photon(body, asked) if provider is Provider.photon else _nominatim(body, asked)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError("not a geocoder's answer") from error
    if found and not (isfinite(found.lat) and isfinite(found.lng)):
        raise ValueError("no place on earth")
    if found and not (abs(found.lat) <= 90 and abs(found.lng) <= 180):
        raise ValueError("no place on earth")
    return found


def _nominatim(body: Any, asked: str) -> Located | None:
    if not isinstance(body, list):
        raise ValueError("not a list of hits")
    if not body:
        return None
    hit, told = body[0], body[0].get("address") or {}
    number, kind = told.get("house_number"), str(hit.get("addresstype") or hit.get("type") or "")
    is_street = kind in _STREETS or int(hit.get("place_rank") or 0) in (26, 27) or bool(number)
    return Located(
        float(hit["lat"]), float(hit["lon"]), _precision(number, is_street or bool(told.get("road")), asked),
        str(hit.get("display_name") or "")[:300],
    )  # fmt: skip


def _photon(body: Any, asked: str) -> Located | None:
    hits = body["features"]
    if not isinstance(hits, list):
        raise ValueError("not a list of hits")
    if not hits:
        return None
    lng, lat = hits[0]["geometry"]["coordinates"][:2]  # GeoJSON: the longitude first
    told: Mapping[str, Any] = hits[0].get("properties") or {}
    number = told.get("housenumber")
    is_street = told.get("type") in ("street", "house") or bool(told.get("street"))
    parts = (told.get("name"), told.get("street"), number, told.get("postcode"), told.get("city"))
    return Located(
        float(lat), float(lng), _precision(number, is_street, asked),
        ", ".join(str(p) for p in parts if p)[:300],
    )  # fmt: skip


def _precision(number: Any, is_street: bool, asked: str) -> Precision:
    """The very house only where its number is the one that was asked for."""
    wanted = _NUMBER.findall(asked.split(",")[0])
    if number and set(_NUMBER.findall(str(number))[:1]) & set(wanted):
        return Precision.house
    return Precision.street if is_street else Precision.town
