"""OwnTracks in HTTP mode. Source: owntracks.org/booklet/tech/json and tech/http.

Old clients throw a message away on 4xx and stop their queue on 5xx, so a known phone always hears
200 with a JSON array, whatever its message held. `vel` is in km/h.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from fieldcrm.kit.units import MPS_PER_KMH
from fieldcrm.tracking.model import Decoded, Outcome, RawFix
from fieldcrm.tracking.protocols.http import Post, Reply, authorised, json_body, parts
from fieldcrm.tracking.protocols.values import flag, measure, number, percent, seconds

_WITH_POSITION = ("location", "transition")
_LIFE_SIGNS = ("lwt", "status", "waypoint", "waypoints", "card", "cmd", "configuration", "beacon",
               "request", "steps")  # fmt: skip
_LATEST_S = 253_402_300_799  # the year 9999
_Measure = Annotated[float, msgspec.Meta(ge=0)]
_CHARGING = {1: False, 2: True, 3: True}


class _Location(msgspec.Struct, tag_field="_type", tag="location", gc=False):
    """A location as the apps write it: nothing in it needs to be put right."""

    tst: Annotated[int, msgspec.Meta(ge=0, le=_LATEST_S)]
    lat: float
    lon: float
    acc: _Measure | None = None
    vel: _Measure | None = None
    cog: _Measure | None = None
    batt: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    bs: Annotated[int, msgspec.Meta(ge=0, le=8)] | None = None
    mock: bool | None = None


_location = msgspec.json.Decoder(_Location)
_NOTHING = Reply(200, b"[]")


def token(post: Post) -> str | None:
    """The password of HTTP Basic; `token` in the query where an app can't send one."""
    return authorised(post) or post.query.get("token") or None


def decode(post: Post) -> Decoded:
    """A fix per location or transition; an empty body and other types hold none."""
    if (usual := read_usual(post.body)) is not None:
        return Decoded([usual])
    if not post.body.strip():
        return Decoded([])
    body = json_body(post)
    whole = Decoded([])
    for message in parts(body) if isinstance(body, list) else [body]:
        fix = _fix(message)
        if fix is None:
            whole.malformed += 1
        else:
            whole.fixes.append(fix)
    return whole


def accepted(post: Post, outcome: Outcome) -> Reply:
    """An empty list of commands."""
    return _NOTHING


def unknown(post: Post) -> Reply:
    """404: nobody paired this phone, or it was revoked."""
    return Reply(404, b"[]")


def unreadable(post: Post) -> Reply:
    """200 all the same: the phone could only send the same again, and its queue must go on."""
    return Reply(200, b"[]")


def read_usual(body: bytes) -> RawFix | None:
    """One location without any fault; None when it takes more patience to read it."""
    try:
        told = _location.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return RawFix(
        told.tst * 1000, told.lat, told.lon, None, told.acc,
        None if told.vel is None else told.vel * MPS_PER_KMH, told.cog, told.batt,
        None if told.bs is None else _CHARGING.get(told.bs), told.mock,
    )  # fmt: skip


def _fix(message: object) -> RawFix | None:
    if not isinstance(message, dict):
        return None
    kind = message.get("_type")
    if kind in _LIFE_SIGNS:
        return RawFix()
    if kind not in _WITH_POSITION:
        return None
    at, lat, lng = (
        seconds(message.get("tst")),
        number(message.get("lat")),
        number(message.get("lon")),
    )
    if at is None or lat is None or lng is None:
        return None
    level = number(message.get("bs"))
    return RawFix(
        at_ms=at, lat=lat, lng=lng, accuracy_m=measure(message.get("acc")),
        speed_mps=measure(message.get("vel"), MPS_PER_KMH), course_deg=measure(message.get("cog")),
        battery_pct=percent(message.get("batt")),
        is_charging=_CHARGING.get(int(level)) if level is not None and level < 9 else None,
        is_mock=flag(message.get("mock")),
    )  # fmt: skip
