"""The path of a fix: a list of small steps, each with one reason to drop, hold or doubt it. Pure.

A step looks at all fixes of a message, so that it costs nothing where it has nothing to do: some it
keeps back for its Reason, some it marks (doubts are bits on the fix), the others go on. What must be
remembered between messages is in DeviceMemory and RepMemory. `tracking.pipeline` sends messages
through them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, radians

import msgspec

from fieldcrm.kit.units import EARTH_RADIUS_M, distance_m
from fieldcrm.tracking.memory import DeviceMemory, RepMemory
from fieldcrm.tracking.model import Doubt, Fix, Outcome, RawFix, Reason, Span
from fieldcrm.tracking.rules import Duty, duty_at, is_all_on

ANCIENT_MS = 30 * 86_400_000
FUTURE_MS = 2 * 60_000
LATE_MS = 5 * 60_000
POOR_ACCURACY_M = 100.0
TOP_SPEED_MPS = 60.0
TELEPORT_MPS = 70.0
TELEPORT_M = 300.0
MOST_ACCURACY_M = 20_000_000.0
"""Half around the Earth: who says more knows nothing."""
MOST_SPEED_MPS = 100_000.0
FROZEN_FIXES = 30
FROZEN_MS = 15 * 60_000
MOVED_M = 50.0
"""Leaving a circle of this radius is movement; GPS error alone stays within."""
_NO_GUIDE = int(Doubt.teleport | Doubt.accuracy)
"""A fix so doubted doesn't say whether its rep moved."""
_RADIAN = radians(1)
_DEGREE_M = EARTH_RADIUS_M * _RADIAN
_FLAT_M, _FLAT_LAT = 1000.0, 80.0
"""So near, and so far from the poles, the Earth is flat to a thousandth."""
NO_LEAP_DEG, AT_REST_DEG = TELEPORT_M / _DEGREE_M, 0.98 * MOVED_M / _DEGREE_M
"""Degrees of latitude and of longitude together, within which nothing leaps, and nobody moves."""
_LEAP_DEG_MS = 0.99 * TELEPORT_MPS / 1000 / _DEGREE_M
"""Who makes fewer of them in a millisecond doesn't leap either."""
_AT_REST_DEG_2 = AT_REST_DEG**2
_NOWHERE = 1e9
_MOCK, _TELEPORT, _SPEED, _ACCURACY, _FROZEN, _CLOCK, _LATE = (
    int(doubt) for doubt in
    (Doubt.mock, Doubt.teleport, Doubt.speed, Doubt.accuracy, Doubt.frozen, Doubt.clock, Doubt.late)
)  # fmt: skip


class Judged(msgspec.Struct, gc=False):
    """A message's fixes on their way through the steps, with all that a step may look at.

    After the last step it is what became of the message.
    """

    device: DeviceMemory
    rep: RepMemory
    spans: Sequence[Span]
    now_ms: int
    raw: Sequence[RawFix] = ()
    """What the phone told: one for each fix, and life signs without a place."""
    recorded: Sequence[Fix] = ()
    """Those that are still on their way, in the order they came; in the end, to record."""
    held: Sequence[Fix] = ()
    fresh: Sequence[Fix] = ()
    """Those that were each the rep's newest when they came."""
    earliest_ms: int = 0
    """Between this and the latest all fixes were taken: a step may see that it has nothing to do."""
    latest_ms: int = 0
    outcome: Outcome = msgspec.field(default_factory=Outcome)
    heard: bool = False
    """A life sign without a position was in it."""

    @property
    def newest(self) -> Fix | None:
        """The one that moves the map's marker."""
        return self.fresh[-1] if self.fresh else None

    def keep(self, kept: Sequence[Fix], reason: Reason) -> None:
        """Go on with some of the fixes; the others end here for one reason."""
        self.outcome.reject(reason, len(self.recorded) - len(kept))
        self.recorded = kept


Step = Callable[[Judged], None]


def clock(m: Judged) -> None:
    """Correct the fixes' times by the device's offset and say so; its own time is kept beside."""
    if m.device.offset_ms:
        placed = [raw for raw in m.raw if raw.lat is not None and raw.lng is not None]
        for raw, fix in zip(placed, m.recorded, strict=True):
            if raw.at_ms is not None:
                fix.fix_at_ms = fix.device_at_ms + m.device.offset_ms
                fix.doubts |= _CLOCK
    if len(m.recorded) == 1:
        m.earliest_ms = m.latest_ms = m.recorded[0].fix_at_ms
    else:
        times = [fix.fix_at_ms for fix in m.recorded]
        m.earliest_ms, m.latest_ms = min(times), max(times)


def impossible(m: Judged) -> None:
    """No such place on Earth, or null island, which phones tell when they know nothing."""
    kept = [
        fix for fix in m.recorded
        if -90.0 <= fix.lat <= 90.0 and -180.0 <= fix.lng <= 180.0 and (fix.lat or fix.lng)
    ]  # fmt: skip
    if len(kept) != len(m.recorded):
        m.keep(kept, Reason.impossible)


def duplicate(m: Judged) -> None:
    """The very same fix is on disk: acknowledged again, stored once."""
    kept = m.device.unknown_of(m.recorded)
    if len(kept) != len(m.recorded):
        m.keep(kept, Reason.duplicate)


def ancient(m: Judged) -> None:
    """Older than thirty days."""
    oldest_ms = m.now_ms - ANCIENT_MS
    if m.earliest_ms < oldest_ms:
        m.keep([fix for fix in m.recorded if fix.fix_at_ms >= oldest_ms], Reason.ancient)


def future(m: Judged) -> None:
    """More than two minutes ahead of the server, after correction."""
    last_ms = m.now_ms + FUTURE_MS
    if m.latest_ms > last_ms:
        m.keep([fix for fix in m.recorded if fix.fix_at_ms <= last_ms], Reason.future)


def late(m: Judged) -> None:
    """Mark what came over five minutes after it was taken."""
    late_ms = m.now_ms - LATE_MS
    if m.earliest_ms < late_ms:
        for fix in m.recorded:
            if fix.fix_at_ms < late_ms:
                fix.doubts |= _LATE


def mock(m: Judged) -> None:
    """Mark what the phone says an app invented."""
    for fix in m.recorded:
        if fix.is_mock:
            fix.doubts |= _MOCK


def accuracy(m: Judged) -> None:
    """Mark a place known to 100 m at best (one the phone itself calls invalid came marked)."""
    for fix in m.recorded:
        if fix.accuracy_m is not None and fix.accuracy_m > POOR_ACCURACY_M:
            fix.doubts |= _ACCURACY


def speed(m: Judged) -> None:
    """Mark a reported speed above 216 km/h."""
    for fix in m.recorded:
        if fix.speed_mps is not None and fix.speed_mps > TOP_SPEED_MPS:
            fix.doubts |= _SPEED


def shift(m: Judged) -> None:
    """Off shift nothing is recorded; while the phone has not yet told, the fix waits unseen."""
    if is_all_on(m.spans, m.earliest_ms, m.latest_ms):
        return
    duties = [duty_at(m.spans, fix.fix_at_ms) for fix in m.recorded]
    told = list(zip(m.recorded, duties, strict=True))
    m.held = [fix for fix, duty in told if duty is Duty.unknown]
    m.recorded = [fix for fix, duty in told if duty is Duty.on]
    for duty, reason in ((Duty.paused, Reason.paused), (Duty.off, Reason.off_shift)):
        if count := duties.count(duty):
            m.outcome.reject(reason, count)


def teleport(m: Judged) -> None:
    """Mark a leap from the device's fix before, more than its accuracies and 250 km/h explain."""
    before = m.device.previous or m.recorded[0]
    for fix in m.recorded:
        took_ms = fix.fix_at_ms - before.fix_at_ms
        if took_ms > 0:
            gone_deg = abs(fix.lat - before.lat) + abs(fix.lng - before.lng)
            if gone_deg > NO_LEAP_DEG and gone_deg > took_ms * _LEAP_DEG_MS and _leaps(before, fix):
                fix.doubts |= _TELEPORT
        before = fix
    m.device.previous = before


def _leaps(before: Fix, fix: Fix) -> bool:
    took_s = max(1.0, (fix.fix_at_ms - before.fix_at_ms) / 1000)
    slack = min(before.accuracy_m or 0, 200) + min(fix.accuracy_m or 0, 200)
    leap_m = distance_m(before.lat, before.lng, fix.lat, fix.lng) - slack
    return leap_m > TELEPORT_M and leap_m / took_s > TELEPORT_MPS


def order(m: Judged) -> None:
    """Find those that were the rep's newest when they came: only such may move the marker."""
    newest = m.rep.newest
    newest_ms = -1 if newest is None else newest.fix_at_ms
    if m.latest_ms <= newest_ms:
        return
    m.fresh = fresh = []
    for fix in m.recorded:
        if fix.fix_at_ms > newest_ms:
            newest_ms = fix.fix_at_ms
            fresh.append(fix)


def frozen(m: Judged) -> None:
    """Mark the very same coordinates for thirty fixes and fifteen minutes."""
    rep, before = m.rep, m.rep.newest
    for fix in m.fresh:
        if before is None or fix.lat != before.lat or fix.lng != before.lng:
            rep.same_count, rep.same_since_ms = 1, fix.fix_at_ms
        else:
            rep.same_count += 1
            is_long = fix.fix_at_ms - rep.same_since_ms >= FROZEN_MS
            if is_long and rep.same_count >= FROZEN_FIXES:
                fix.doubts |= _FROZEN
        before = fix


def motion(m: Judged) -> None:
    """Keep since when the rep stands: leaving the circle around his place moves it with him."""
    if not m.fresh:
        return
    rep = m.rep
    rep.newest = m.fresh[-1]
    lat, lng, narrow = _place(rep)
    for fix in m.fresh:
        north, east = fix.lat - lat, (fix.lng - lng) * narrow
        if north * north + east * east > _AT_REST_DEG_2 and not fix.doubts & _NO_GUIDE:
            follow(rep, fix)
            lat, lng, narrow = _place(rep)


def _place(rep: RepMemory) -> tuple[float, float, float]:
    """Where a rep is thought to be, and how long there a degree of longitude is, or at most is."""
    if rep.anchor is None:
        return _NOWHERE, _NOWHERE, 1.0
    lat, lng = rep.anchor
    return lat, lng, cos(lat * _RADIAN) if abs(lat) < _FLAT_LAT else 1.0


def follow(rep: RepMemory, fix: Fix) -> None:
    """Move the rep's place to a fix that has left the circle around it."""
    if rep.anchor is None or is_beyond(*rep.anchor, fix.lat, fix.lng, _circle(fix)):
        rep.anchor, rep.still_since_ms = (fix.lat, fix.lng), fix.fix_at_ms


def _circle(fix: Fix) -> float:
    return max(MOVED_M, fix.accuracy_m or 0)


def is_beyond(lat1: float, lng1: float, lat2: float, lng2: float, metres: float) -> bool:
    """Whether two places are further apart than that; mostly seen without measuring exactly."""
    north_m = abs(lat2 - lat1) * _DEGREE_M
    if north_m > metres:
        return True
    if metres < _FLAT_M and abs(lat1) < _FLAT_LAT:
        east_m = abs(lng2 - lng1) * _DEGREE_M * cos(lat1 * _RADIAN)
        far = (north_m * north_m + east_m * east_m) / (metres * metres + 1e-9)
        if far < 0.99 or 1.01 < far < 4:
            return far > 1
    return distance_m(lat1, lng1, lat2, lng2) > metres


STEPS: tuple[Step, ...] = (
    clock, impossible, duplicate, ancient, future, late, mock, accuracy, speed, shift, teleport,
    order, frozen, motion,
)  # fmt: skip
