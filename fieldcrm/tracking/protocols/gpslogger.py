"""GPSLogger for Android with a custom URL: the pairs of its %ALL, as query or form.

Source: gpslogger.app's custom URL guide. `spd` is in m/s; `spd_kph` counts where it is missing.
"""

from __future__ import annotations

from fieldcrm.kit.units import MPS_PER_KMH
from fieldcrm.tracking.model import Decoded, Outcome, RawFix
from fieldcrm.tracking.protocols.http import Post, Reply, authorised, form, json_body
from fieldcrm.tracking.protocols.values import flag, iso, mapping, measure, number, percent, seconds


def token(post: Post) -> str | None:
    """`id` or `token` of the custom URL, or an Authorization header."""
    values = form(post)
    return values.get("id") or values.get("token") or authorised(post)


def decode(post: Post) -> Decoded:
    """One fix; without a position it is a heartbeat."""
    values = {k: v for k, v in _values(post).items() if not _is_unfilled(v)}
    at = seconds(values.get("timestamp")) or iso(values.get("time"))
    lat, lng = number(values.get("lat")), number(values.get("lon"))
    has_time = bool(values.get("timestamp") or values.get("time"))
    has_place = bool(values.get("lat") or values.get("lon"))
    if (has_time and at is None) or (has_place and (lat is None or lng is None)):
        return Decoded([], malformed=1)
    speed = measure(values.get("spd"))
    if speed is None:
        speed = measure(values.get("spd_kph"), MPS_PER_KMH)
    return Decoded(
        [
            RawFix(
                at_ms=at, lat=lat, lng=lng, accuracy_m=measure(values.get("acc")), speed_mps=speed,
                course_deg=measure(values.get("dir")), battery_pct=percent(values.get("batt")),
                is_charging=flag(values.get("ischarging")), is_mock=flag(values.get("mock")),
            )
        ]
    )  # fmt: skip


def accepted(post: Post, outcome: Outcome) -> Reply:
    """Any 2xx lets the phone go on."""
    return Reply(200)


def unknown(post: Post) -> Reply:
    """400, as to OsmAnd's queries."""
    return Reply(400)


def unreadable(post: Post) -> Reply:
    """400."""
    return Reply(400)


def _values(post: Post) -> dict[str, object]:
    """Pairs of the query and of the body, which a user may also have written as JSON."""
    if post.body and post.is_json:
        return {**post.query, **mapping(json_body(post))}
    return dict(form(post))


def _is_unfilled(value: object) -> bool:
    """A placeholder that this version of the app doesn't know stays as `%NAME`."""
    return isinstance(value, str) and value.startswith("%")
