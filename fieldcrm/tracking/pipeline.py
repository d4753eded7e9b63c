"""What becomes of a phone's message: its fixes go through the steps of `tracking.steps`. Pure.

Decoding (tracking.protocols, tracking.session) comes before; what is recorded goes to the stream.
The steps are the truth. A message of one plain fix, which nearly all are, is judged at a glance,
with the same result.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fieldcrm.tracking import phone_clock
from fieldcrm.tracking.memory import DeviceMemory, RepMemory
from fieldcrm.tracking.model import Decoded, Doubt, Fix, RawFix, Reason, Span
from fieldcrm.tracking.rules import is_on_last
from fieldcrm.tracking.steps import (
    AT_REST_DEG,
    FUTURE_MS,
    LATE_MS,
    NO_LEAP_DEG,
    POOR_ACCURACY_M,
    STEPS,
    TOP_SPEED_MPS,
    Judged,
    follow,
)

_POOR = int(Doubt.accuracy)


def at_a_glance(
    raw: RawFix, rep_id: str, device_id: str, source: str, device: DeviceMemory, rep: RepMemory,
    spans: Sequence[Span], now_ms: int, phone_now_ms: int | None,
) -> Fix | None:  # fmt: skip
    """A message's only fix, where no step has anything to say but that it is the newest; else None.

    Nearly all are so, and this takes a sixth of the steps' time; where it is not sure it leaves
    everything to them. It changes the memories as they would, or not at all.
    """
    lat, lng, at_ms, newest, before = raw.lat, raw.lng, raw.at_ms, rep.newest, device.previous
    if (
        newest is None or before is None or not lat or not lng or at_ms is None
        or not -90.0 <= lat <= 90.0 or not -180.0 <= lng <= 180.0
        or not newest.fix_at_ms < at_ms <= now_ms + FUTURE_MS or at_ms < now_ms - LATE_MS
        or (lat == newest.lat and lng == newest.lng)
        or raw.is_poor or raw.is_mock or (raw.accuracy_m or 0.0) > POOR_ACCURACY_M
        or (raw.speed_mps or 0.0) > TOP_SPEED_MPS
        or abs(lat - before.lat) + abs(lng - before.lng) > NO_LEAP_DEG
        or not is_on_last(spans, at_ms)
        or device.knows(raw.seq, at_ms)
        or not phone_clock.is_right_as_before(device, now_ms, phone_now_ms, at_ms)
    ):  # fmt: skip
        return None
    course = raw.course_deg
    fix = Fix(
        rep_id, device_id, raw.seq, at_ms, at_ms, now_ms, lat, lng, raw.accuracy_m, raw.speed_mps,
        course if course is None or course < 360 else course % 360, raw.battery_pct,
        raw.is_charging, raw.is_mock, source,
    )  # fmt: skip
    device.previous = rep.newest = fix
    rep.same_count, rep.same_since_ms = 1, at_ms
    anchor = rep.anchor
    if anchor is None or abs(lat - anchor[0]) + abs(lng - anchor[1]) > AT_REST_DEG:
        follow(rep, fix)
    return fix


def judge(
    decoded: Decoded, *, rep_id: str, device_id: str, source: str, device: DeviceMemory,
    rep: RepMemory, spans: Sequence[Span], now_ms: int, phone_now_ms: int | None = None,
) -> Judged:  # fmt: skip
    """What becomes of a message's fixes; the memories know of it then."""
    phone_clock.observe_clock(device, now_ms, phone_now_ms, decoded.fixes)
    judged = Judged(device, rep, spans, now_ms)
    judged.raw = decoded.fixes
    judged.recorded = identify_all(decoded.fixes, rep_id, device_id, source, now_ms)
    walk(judged, decoded)
    return judged


def walk(judged: Judged, decoded: Decoded) -> None:
    """Send a message's fixes through the steps, in the order they came."""
    if decoded.malformed:
        judged.outcome.reject(Reason.malformed, decoded.malformed)
    life_signs = len(decoded.fixes) - len(judged.recorded)
    judged.heard = life_signs > 0
    for step in STEPS:
        if not judged.recorded:
            break
        step(judged)
    judged.outcome.accepted = life_signs + len(judged.recorded) + len(judged.held)


def identify(raw: RawFix, rep_id: str, device_id: str, source: str, now_ms: int) -> Fix:
    """Give a phone's fix its rep and device; the server's time stands in for a missing one."""
    return identify_all((raw,), rep_id, device_id, source, now_ms)[0]


def identify_all(
    raw: Iterable[RawFix], rep_id: str, device_id: str, source: str, now_ms: int
) -> list[Fix]:
    """Give those of a phone's fixes that have a place their rep and device.

    The server's time stands in for a missing one.
    """
    return [
        Fix(
            rep_id, device_id, r.seq, at, at, now_ms, lat, lng, r.accuracy_m,
            r.speed_mps, course if (course := r.course_deg) is None or course < 360 else course % 360,
            r.battery_pct, r.is_charging, r.is_mock, source, _POOR if r.is_poor else 0,
        )
        for r in raw
        if (lat := r.lat) is not None and (lng := r.lng) is not None
        for at in (now_ms if r.at_ms is None else r.at_ms,)
    ]  # fmt: skip
