"""OsmAnd over HTTP, as Traccar Client speaks it: a query, a form, or (since its version 9) JSON.

Source: Traccar's OsmAndProtocolDecoder. The query's speed is in knots, JSON's in m/s.
"""

from __future__ import annotations

from fieldcrm.kit.units import MPS_PER_KNOT
from fieldcrm.tracking.model import Decoded, Outcome, RawFix, Unreadable
from fieldcrm.tracking.protocols.http import Post, Reply, authorised, form, json_body, parts
from fieldcrm.tracking.protocols.values import flag, iso, mapping, measure, moment, number, percent

_MOST_BYTES = 262_144
"""The token is in the body: a stranger's is read as well, so it had better be short."""


def token(post: Post) -> str | None:
    """`id` or `deviceid`; in JSON `device_id`."""
    if _is_json(post):
        if len(post.body) > _MOST_BYTES:
            raise Unreadable("nobody knows whose it is, and it is long")
        found = mapping(json_body(post)).get("device_id")
        return found if isinstance(found, str) and found else _in_query(post.query)
    return _in_query(form(post)) or authorised(post)


def decode(post: Post) -> Decoded:
    """One fix, or a heartbeat where the position is missing."""
    return _from_json(json_body(post)) if _is_json(post) else _from_pairs(form(post))


def accepted(post: Post, outcome: Outcome) -> Reply:
    """200 for whatever came: another answer would stop the phone's queue at this fix."""
    return Reply(200)


def unknown(post: Post) -> Reply:
    """400 to a query or form, 404 to JSON."""
    return Reply(404 if post.is_json else 400)


def unreadable(post: Post) -> Reply:
    """400: the next request may do better."""
    return Reply(400)


def _is_json(post: Post) -> bool:
    return bool(post.body) and post.is_json


def _in_query(values: dict[str, str]) -> str | None:
    return values.get("id") or values.get("deviceid") or None


def _from_pairs(values: dict[str, str]) -> Decoded:
    at = moment(values.get("timestamp"))
    if at is None and values.get("timestamp"):
        return Decoded([], malformed=1)
    lat, lng = values.get("lat"), values.get("lon")
    if values.get("location"):
        lat, _, lng = values["location"].partition(",")
    fix = RawFix(
        at_ms=at, lat=number(lat), lng=number(lng), accuracy_m=measure(values.get("accuracy")),
        speed_mps=measure(values.get("speed"), MPS_PER_KNOT),
        course_deg=measure(values.get("bearing") or values.get("heading")),
        battery_pct=percent(values.get("batt")), is_charging=flag(values.get("charge")),
        is_mock=flag(values.get("mock")), is_poor=flag(values.get("valid")) is False,
    )  # fmt: skip
    return _unless_broken(fix, lat, lng)


def _unless_broken(fix: RawFix, lat: object, lng: object) -> Decoded:
    """A position that is there but no number is malformed; none at all is a heartbeat."""
    is_there = lat not in (None, "") or lng not in (None, "")
    if is_there and (fix.lat is None or fix.lng is None):
        return Decoded([], malformed=1)
    return Decoded([fix])


def _from_json(body: object) -> Decoded:
    if not isinstance(body, dict):
        raise Unreadable("not an object")
    places = body.get("location")
    whole = Decoded([])
    for place in parts(places) if isinstance(places, list) else [places]:
        one = _place(place)
        whole.fixes += one.fixes
        whole.malformed += one.malformed
    return whole


def _place(place: object) -> Decoded:
    if not isinstance(place, dict):
        return Decoded([], malformed=1)
    at = iso(place.get("timestamp")) or moment(place.get("timestamp"))
    if at is None and place.get("timestamp") is not None:
        return Decoded([], malformed=1)
    coords, battery = mapping(place.get("coords")), mapping(place.get("battery"))
    lat, lng = coords.get("latitude"), coords.get("longitude")
    fix = RawFix(
        at_ms=at, lat=number(lat), lng=number(lng), accuracy_m=measure(coords.get("accuracy")),
        speed_mps=measure(coords.get("speed")), course_deg=measure(coords.get("heading")),
        battery_pct=percent(battery.get("level"), 100), is_charging=flag(battery.get("is_charging")),
        is_mock=flag(place.get("mock")),
    )  # fmt: skip
    return _unless_broken(fix, lat, lng)
