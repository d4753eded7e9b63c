"""Overland for iOS: GeoJSON features in batches. Source: github.com/aaronpk/Overland-iOS.

Coordinates are [lng, lat], -1 means unknown, and anything but exactly {"result":"ok"} makes the
phone keep the batch and send it again.
"""

from __future__ import annotations

from fieldcrm.tracking.model import Decoded, Outcome, RawFix, Unreadable
from fieldcrm.tracking.protocols.http import Post, Reply, authorised, json_body, parts
from fieldcrm.tracking.protocols.values import iso, mapping, measure, number, percent

_CHARGING = {"charging": True, "full": True, "unplugged": False}


def token(post: Post) -> str | None:
    """The Bearer token; `token` in the query where it was put into the address."""
    return authorised(post) or post.query.get("token") or None


def decode(post: Post) -> Decoded:
    """A fix per feature; a broken feature is counted and harms none beside it."""
    body = json_body(post)
    features = body.get("locations") if isinstance(body, dict) else None
    if not isinstance(features, list):
        raise Unreadable("no locations")
    fixes = [_fix(feature) for feature in parts(features)]
    good = [fix for fix in fixes if fix is not None]
    return Decoded(good, malformed=len(fixes) - len(good))


def accepted(post: Post, outcome: Outcome) -> Reply:
    """The one answer that lets the phone forget the batch."""
    return Reply(200, b'{"result":"ok"}')


def unknown(post: Post) -> Reply:
    """404: the phone keeps its fixes until it is paired again."""
    return Reply(404, b'{"error":"unknown device"}')


def unreadable(post: Post) -> Reply:
    """400: the phone keeps what it has."""
    return Reply(400, b'{"error":"unreadable"}')


def _fix(feature: object) -> RawFix | None:
    geometry, said = (
        mapping(mapping(feature).get("geometry")),
        mapping(mapping(feature).get("properties")),
    )
    place = geometry.get("coordinates")
    at = iso(said.get("timestamp"))
    if at is None or not isinstance(place, list) or len(place) < 2:
        return None
    lng, lat = number(place[0]), number(place[1])
    if lat is None or lng is None:
        return None
    state = said.get("battery_state")
    return RawFix(
        at_ms=at, lat=lat, lng=lng, accuracy_m=measure(said.get("horizontal_accuracy")),
        speed_mps=measure(said.get("speed")), course_deg=measure(said.get("course")),
        battery_pct=percent(said.get("battery_level"), 100),
        is_charging=_CHARGING.get(state) if isinstance(state, str) else None,
    )  # fmt: skip
