"""What a list of clients can be narrowed by: fields, their types and what may be asked of each; pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from fieldcrm.clients import standing
from fieldcrm.clients.model import CATEGORIES, BadClientField, ClientKind, Condition, Near

FIELDS: Mapping[str, str] = {
    "name": "text", "kind": "choice", "category": "choice", "specialty": "text", "loyalty": "text",
    "phone": "text", "email": "text", "website": "text", "address": "text", "city": "text",
    "postcode": "text", "opening_hours": "text", "visit_minutes": "number", "territory_id": "choice",
    "tags": "choices", "note": "text", "external_id": "text", "source": "choice",
    "created_at": "moment", "updated_at": "moment",
    **{standing.column_of("consents", c): "consent" for c in standing.CHANNELS},
}  # fmt: skip
"""A client's own columns and consents by type; own fields come with those of the forms' language."""
OWN_TYPES: Mapping[str, str] = {
    "text": "text", "phone": "text", "email": "text", "number": "number", "money": "number",
    "date": "date", "choice": "choice", "choices": "choices", "yes_no": "yes_no",
    "position": "place", "reference": "reference", "file": "text",
}  # fmt: skip
OPS: Mapping[str, tuple[str, ...]] = {
    "text": ("has", "is", "is_not", "empty", "filled"),
    "choice": ("is", "is_not", "empty", "filled"),
    "choices": ("has", "empty", "filled"),
    "number": ("is", "from", "to", "empty", "filled"),
    "date": ("is", "from", "to", "empty", "filled"),
    "moment": ("from", "to"),
    "consent": ("is", "is_not"),
    "yes_no": ("is", "empty", "filled"),
    "place": ("empty", "filled"),
    "reference": ("has", "empty", "filled"),
}
CONSENTS = ("given", "withdrawn", "asked", standing.NONE)
"""What of a channel can be asked for; nobody asked is an answer too."""
WITHOUT_VALUE = frozenset({"empty", "filled"})
KNOWN: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(ClientKind), "category": CATEGORIES,
    "source": ("office", "field", "import", "osm", "sample"),
    **{name: CONSENTS for name, kind in FIELDS.items() if kind == "consent"},
}  # fmt: skip
"""Values of the columns that have few of them."""
CONDITIONS_MAX = 20
KM_MAX = 500.0
_KM = 111.195
"""Of a degree of latitude."""


def check(condition: Condition, kind: str | None) -> None:
    """Raise BadClientField where a field of this type (None: no such field) can't be asked so."""
    if kind is None or condition.op not in OPS[kind]:
        raise BadClientField(field=condition.field[:60])
    if condition.op not in WITHOUT_VALUE and not _is_readable(condition, kind):
        raise BadClientField(field=condition.field[:60])


def _is_readable(condition: Condition, kind: str) -> bool:
    value = condition.value
    if not value or "\x00" in value or len(value) > 200:
        return False
    try:
        if kind == "number":
            return math.isfinite(float(value))
        if kind in ("date", "moment"):
            date.fromisoformat(value)
    except ValueError:
        return False
    known = {"yes_no": ("true", "false"), "consent": CONSENTS}.get(kind)
    return known is None or value in known


def check_near(near: Near) -> None:
    """Raise BadClientField for a point that is none, or too far round it."""
    is_point = abs(near.lat) <= 89 and abs(near.lng) <= 180
    if not (is_point and 0 < near.km <= KM_MAX):
        raise BadClientField(field="near")


def box(near: Near) -> tuple[float, float, float, float]:
    """(south, north, west, east) round a point: nothing nearer lies outside it."""
    high = near.km / _KM
    widest = max(0.01, math.cos(math.radians(min(89.0, abs(near.lat) + high))))
    wide = high / widest
    return near.lat - high, near.lat + high, near.lng - wide, near.lng + wide


def crosses(near: Near) -> bool:
    """Whether what is near to a point lies on both sides of the 180th meridian."""
    _, _, west, east = box(near)
    return west < -180 or east > 180


def squared_km(lat: Any, lng: Any, near: Near, size: Callable[[Any], Any] = abs) -> Any:
    """The square of a place's distance from a point, of numbers and of columns alike.

    On a plane whose width follows the latitude: within 0.1 % of the sphere for the distances that
    are asked for. `size` takes the sign away, for columns in the database's own way. Each product is
    written out in the order in which SQL takes it: pages go on from where this says the last one
    ended, so both have to come to the same number to the last bit.
    """
    flat, lean = math.cos(math.radians(near.lat)), math.sin(math.radians(near.lat))
    up = lat - near.lat
    width = flat - up * (lean * math.radians(0.5))
    apart = lng - near.lng
    if crosses(near):  # the shorter way round, whose direction the square doesn't tell
        apart = 180.0 - size(180.0 - size(apart))
    return up * _KM * up * _KM + apart * _KM * width * apart * _KM * width
