"""A client as the desk's form starts with it, and the form's texts as fields again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldcrm.clients.model import BadClientField

TEXTS = ("name", "kind", "category", "loyalty", "specialty", "phone", "email", "website", "address", "city",
         "postcode", "opening_hours", "note", "territory_id")  # fmt: skip


@dataclass
class ClientDraft:
    """A client as the form starts with; an empty id is a new one."""

    id: str = ""
    version: int = 0
    name: str = ""
    category: str = ""
    loyalty: str = ""
    tags: str = ""
    specialty: str = ""
    phone: str = ""
    email: str = ""
    website: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""
    lat: str = ""
    lng: str = ""
    opening_hours: str = ""
    visit_minutes: str = ""
    note: str = ""
    territory_id: str = ""
    is_archived: bool = False


def draft_of(client: Any) -> ClientDraft:
    """A client's fields as a form's texts."""
    texts = {n: getattr(client, n) or "" for n in TEXTS if n != "kind"}
    numbers = {n: _text_of(getattr(client, n)) for n in ("lat", "lng", "visit_minutes")}
    return ClientDraft(client.id, client.version, **texts, **numbers, tags=", ".join(client.tags),
                       is_archived=client.archived_at is not None)  # fmt: skip


def _text_of(number: float | None) -> str:
    return "" if number is None else str(number)


def read_form(data: dict[str, Any], kind: str) -> dict[str, Any]:
    """A form's texts as fields of a client, which the service judges; raises BadClientField."""
    told: dict[str, Any] = {n: str(data.get(n) or "").strip() or None for n in TEXTS}
    told |= {"kind": kind, "tags": str(data.get("tags") or "").split(",")}
    told |= {n: _number(n, data.get(n), float) for n in ("lat", "lng")}
    return told | {"visit_minutes": _number("visit_minutes", data.get("visit_minutes"), int)}


def place_of(data: dict[str, Any]) -> tuple[float, float] | None:
    """Latitude and longitude (degrees) of a form's texts; None where they are none, or nowhere."""
    try:
        lat, lng = _number("lat", data.get("lat"), float), _number("lng", data.get("lng"), float)
    except BadClientField:
        return None
    if lat is None or lng is None or not (abs(lat) <= 90 and abs(lng) <= 180):
        return None
    return lat, lng


def _number(name: str, value: Any, of: type[int] | type[float]) -> float | None:
    """A number of a text with a comma or a point; None for an empty one."""
    text = str(value or "").strip().replace(",", ".")
    try:
        return of(text) if text else None
    except ValueError:
        raise BadClientField(field=name) from None
