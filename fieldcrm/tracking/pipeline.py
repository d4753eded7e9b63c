"""The path of a fix: a list of small steps, each with one reason to drop, hold or doubt it. Pure.

Decoding (tracking.protocols, tracking.session) comes before; what is recorded goes to the stream.
A step returns None to let the fix go on, or the Reason for which it ends here; doubts are bits on
the fix. What must be remembered between fixes is in DeviceMemory and RepMemory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from fieldcrm.kit.units import distance_m
from fieldcrm.tracking.model import Decoded, Doubt, Fix, Outcome, RawFix, Reason, Span
from fieldcrm.tracking.rules import Duty, duty_at

ANCIENT_MS = 30 * 86_400_000
FUTURE_MS = 2 * 60_000
LATE_MS = 5 * 60_000
POOR_ACCURACY_M = 100.0
TOP_SPEED_MPS = 60.0
TELEPORT_MPS = 70.0
TELEPORT_M = 300.0
FROZEN_FIXES = 30
FROZEN_MS = 15 * 60_000
MOVED_M = 50.0
"""Leaving a circle of this radius is movement; GPS error alone stays within."""
CLOCK_MATTERS_MS = 30_000
"""Below this a phone's clock is right enough: network delay looks the same."""
CLOCK_STEADY_MS = 20_000
"""A new estimate this near the old one changes nothing, so that a re-sent fix keeps its time."""
CLOCK_MOST_MS = 86_400_000
"""A clock further off than a day is not corrected: the fix's time is nonsense."""
_RECENT_KEYS = 512
_NO_GUIDE = int(Doubt.teleport | Doubt.accuracy)
"""A fix so doubted doesn't say whether its rep moved."""
ENVELOPE_PARTS = 6


class SeqSet:
    """Which sequence numbers of a device are on disk, as a few intervals."""

    __slots__ = ("spans",)
    MOST = 256

    def __init__(self) -> None:
        self.spans: list[list[int]] = []

    def __contains__(self, seq: int) -> bool:
        return any(low <= seq <= high for low, high in reversed(self.spans))

    def add(self, seq: int) -> None:
        """Note a number; the oldest interval is forgotten when there are too many."""
        spans = self.spans
        for i in range(len(spans) - 1, -1, -1):
            low, high = spans[i]
            if low <= seq <= high:
                return
            if seq > high:
                self._insert(i + 1, seq)
                return
        self._insert(0, seq)

    def _insert(self, at: int, seq: int) -> None:
        spans = self.spans
        joins_before = at > 0 and spans[at - 1][1] == seq - 1
        joins_after = at < len(spans) and spans[at][0] == seq + 1
        if joins_before and joins_after:
            spans[at - 1][1] = spans.pop(at)[1]
        elif joins_before:
            spans[at - 1][1] = seq
        elif joins_after:
            spans[at][0] = seq
        else:
            spans.insert(at, [seq, seq])
            if len(spans) > self.MOST:
                spans.pop(0)


class DeviceMemory:
    """What is remembered of a device between its messages."""

    __slots__ = (
        "clock_lags", "envelope", "key_order", "keys", "lags", "offset_ms", "previous", "seqs",
    )  # fmt: skip

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms
        """Server clock minus device clock; 0 while it is right enough."""
        self.clock_lags: deque[int] = deque(maxlen=3)
        self.lags: deque[int] = deque(maxlen=5)
        """Server time minus newest fix of the last messages."""
        self.envelope: deque[tuple[int, int]] = deque(maxlen=ENVELOPE_PARTS)
        """(which two minutes, the smallest lag in them) of late."""
        self.seqs = SeqSet()
        self.keys: set[int] = set()
        self.key_order: deque[int] = deque()
        self.previous: Fix | None = None

    def note_lag(self, now_ms: int, lag_ms: int) -> None:
        """Note how late a message's newest fix came."""
        self.lags.append(lag_ms)
        part = now_ms // 120_000
        if self.envelope and self.envelope[-1][0] == part:
            self.envelope[-1] = (part, min(lag_ms, self.envelope[-1][1]))
        else:
            self.envelope.append((part, lag_ms))

    def remember(self, fix: Fix) -> None:
        """Note that a fix is on disk: called after the commit only, never before."""
        if fix.seq is not None:
            self.seqs.add(fix.seq)
        elif fix.device_at_ms not in self.keys:
            self.keys.add(fix.device_at_ms)
            self.key_order.append(fix.device_at_ms)
            if len(self.key_order) > _RECENT_KEYS:
                self.keys.discard(self.key_order.popleft())

    def knows(self, fix: Fix) -> bool:
        """Whether this very fix is on disk already."""
        return fix.device_at_ms in self.keys if fix.seq is None else fix.seq in self.seqs


class RepMemory:
    """What is remembered of a rep between his fixes: the newest, and since when he stands there."""

    __slots__ = ("anchor", "newest", "same_count", "same_since_ms", "still_since_ms")

    def __init__(self, newest: Fix | None = None, still_since_ms: int | None = None) -> None:
        self.newest = newest
        self.anchor = (newest.lat, newest.lng) if newest else None
        self.still_since_ms = still_since_ms
        self.same_count = 0
        self.same_since_ms = 0


class Candidate(msgspec.Struct, gc=False):
    """A fix on its way through the steps, with all that a step may look at."""

    raw: RawFix
    fix: Fix
    device: DeviceMemory
    rep: RepMemory
    spans: Sequence[Span]
    is_newest: bool = False


class Judged(msgspec.Struct):
    """What became of one message: fixes to record, fixes to hold, the newest for the map."""

    recorded: list[Fix]
    held: list[Fix]
    outcome: Outcome
    newest: Fix | None = None
    heard: bool = False
    """A life sign without a position was in it."""


Step = Callable[[Candidate], Reason | None]


def impossible(c: Candidate) -> Reason | None:
    """No such place on Earth, or null island, which phones tell when they know nothing."""
    lat, lng = c.fix.lat, c.fix.lng
    if not (-90 <= lat <= 90 and -180 <= lng <= 180) or (lat == 0 and lng == 0):
        return Reason.impossible
    return None


def clock(c: Candidate) -> Reason | None:
    """Correct the fix's time by the device's offset and say so; its own time is kept beside."""
    offset = c.device.offset_ms
    if offset and c.raw.at_ms is not None:
        c.fix.fix_at_ms = c.fix.device_at_ms + offset
        c.fix.doubts |= Doubt.clock
    return None


def duplicate(c: Candidate) -> Reason | None:
    """The very same fix is on disk: acknowledged again, stored once."""
    return Reason.duplicate if c.device.knows(c.fix) else None


def ancient(c: Candidate) -> Reason | None:
    """Older than thirty days."""
    return Reason.ancient if c.fix.server_at_ms - c.fix.fix_at_ms > ANCIENT_MS else None


def future(c: Candidate) -> Reason | None:
    """More than two minutes ahead of the server, after correction."""
    return Reason.future if c.fix.fix_at_ms - c.fix.server_at_ms > FUTURE_MS else None


def late(c: Candidate) -> Reason | None:
    """Mark what came over five minutes after it was taken."""
    if c.fix.server_at_ms - c.fix.fix_at_ms > LATE_MS:
        c.fix.doubts |= Doubt.late
    return None


def mock(c: Candidate) -> Reason | None:
    """Mark what the phone says an app invented."""
    if c.fix.is_mock:
        c.fix.doubts |= Doubt.mock
    return None


def accuracy(c: Candidate) -> Reason | None:
    """Mark a place known to 100 m at best, or that the phone itself calls invalid."""
    if c.raw.is_poor or (c.fix.accuracy_m or 0) > POOR_ACCURACY_M:
        c.fix.doubts |= Doubt.accuracy
    return None


def speed(c: Candidate) -> Reason | None:
    """Mark a reported speed above 216 km/h."""
    if (c.fix.speed_mps or 0) > TOP_SPEED_MPS:
        c.fix.doubts |= Doubt.speed
    return None


def teleport(c: Candidate) -> Reason | None:
    """Mark a leap from the device's fix before, more than its accuracies and 250 km/h explain."""
    before = c.device.previous
    if before is not None and c.fix.fix_at_ms > before.fix_at_ms:
        slack = min(before.accuracy_m or 0, 200) + min(c.fix.accuracy_m or 0, 200)
        leap_m = distance_m(before.lat, before.lng, c.fix.lat, c.fix.lng) - slack
        took_s = max(1.0, (c.fix.fix_at_ms - before.fix_at_ms) / 1000)
        if leap_m > TELEPORT_M and leap_m / took_s > TELEPORT_MPS:
            c.fix.doubts |= Doubt.teleport
    return None


def shift(c: Candidate) -> Reason | None:
    """Off shift nothing is recorded; while the phone has not yet told, the fix waits unseen."""
    duty = duty_at(c.spans, c.fix.fix_at_ms)
    if duty is Duty.on:
        return None
    return {Duty.paused: Reason.paused, Duty.off: Reason.off_shift}.get(duty, Reason.held)


def order(c: Candidate) -> Reason | None:
    """Find out whether it is the rep's newest: only that one may move the marker."""
    newest = c.rep.newest
    c.is_newest = newest is None or c.fix.fix_at_ms > newest.fix_at_ms
    c.device.previous = c.fix
    return None


def frozen(c: Candidate) -> Reason | None:
    """Mark the very same coordinates for thirty fixes and fifteen minutes."""
    rep, newest = c.rep, c.rep.newest
    if not c.is_newest:
        return None
    if newest is None or (c.fix.lat, c.fix.lng) != (newest.lat, newest.lng):
        rep.same_count, rep.same_since_ms = 1, c.fix.fix_at_ms
        return None
    rep.same_count += 1
    is_long = c.fix.fix_at_ms - rep.same_since_ms >= FROZEN_MS
    if rep.same_count >= FROZEN_FIXES and is_long:
        c.fix.doubts |= Doubt.frozen
    return None


def motion(c: Candidate) -> Reason | None:
    """Keep since when the rep stands: leaving the circle around his place moves it with him."""
    if not c.is_newest:
        return None
    c.rep.newest = c.fix
    if c.fix.doubts & _NO_GUIDE:
        return None
    anchor = c.rep.anchor
    if anchor is None or distance_m(*anchor, c.fix.lat, c.fix.lng) > _circle(c.fix):
        c.rep.anchor, c.rep.still_since_ms = (c.fix.lat, c.fix.lng), c.fix.fix_at_ms
    return None


def _circle(fix: Fix) -> float:
    return max(MOVED_M, fix.accuracy_m or 0)


STEPS: tuple[Step, ...] = (
    impossible, clock, duplicate, ancient, future, late, mock, accuracy, speed, teleport, shift,
    order, frozen, motion,
)  # fmt: skip


def judge(
    decoded: Decoded, *, rep_id: str, device_id: str, source: str, device: DeviceMemory,
    rep: RepMemory, spans: Sequence[Span], now_ms: int, phone_now_ms: int | None = None,
) -> Judged:  # fmt: skip
    """Send a message's fixes through the steps, in the order they came."""
    judged = Judged([], [], Outcome(rejected={}))
    if decoded.malformed:
        judged.outcome.reject(Reason.malformed, decoded.malformed)
    observe_clock(device, now_ms, phone_now_ms, decoded.fixes)
    for raw in decoded.fixes:
        if raw.lat is None or raw.lng is None:
            judged.heard = True
            judged.outcome.accepted += 1
            continue
        fix = identify(raw, rep_id, device_id, source, now_ms)
        _place(judged, Candidate(raw, fix, device, rep, spans))
    return judged


def identify(raw: RawFix, rep_id: str, device_id: str, source: str, now_ms: int) -> Fix:
    """Give a phone's fix its rep and device; the server's time stands in for a missing one."""
    at = now_ms if raw.at_ms is None else raw.at_ms
    course = raw.course_deg % 360 if raw.course_deg is not None else None
    return Fix(
        rep_id, device_id, raw.seq, at, at, now_ms, raw.lat or 0.0, raw.lng or 0.0,
        raw.accuracy_m, raw.speed_mps, course, raw.battery_pct, raw.is_charging, raw.is_mock, source,
    )  # fmt: skip


def _place(judged: Judged, candidate: Candidate) -> None:
    for step in STEPS:
        reason = step(candidate)
        if reason is None:
            continue
        if reason is Reason.held:
            judged.held.append(candidate.fix)
            judged.outcome.accepted += 1
        else:
            judged.outcome.reject(reason)
        return
    judged.recorded.append(candidate.fix)
    judged.outcome.accepted += 1
    if candidate.is_newest:
        judged.newest = candidate.fix


def observe_clock(
    device: DeviceMemory, now_ms: int, phone_now_ms: int | None, fixes: Sequence[RawFix]
) -> None:
    """Learn how far a device's clock is off, from its own word or from how late its fixes come."""
    if phone_now_ms is not None:
        device.clock_lags.append(now_ms - phone_now_ms)
        estimate = min(device.clock_lags)
    else:
        times = [f.at_ms for f in fixes if f.at_ms is not None]
        if not times:
            return
        device.note_lag(now_ms, now_ms - max(times))
        estimate = estimated_offset(device.lags, device.envelope, device.offset_ms)
    if abs(estimate) > CLOCK_MOST_MS:
        return
    if abs(estimate) < CLOCK_MATTERS_MS:
        device.offset_ms = 0
    elif abs(estimate - device.offset_ms) > CLOCK_STEADY_MS:
        device.offset_ms = estimate


def estimated_offset(
    lags: Sequence[int], envelope: Sequence[tuple[int, int]], known_ms: int = 0
) -> int:
    """A clock's offset from how late its fixes come (server time minus fix time, ms).

    Ahead: fixes come from the future, which no network explains; three of the last five messages
    must say so, since one may be nonsense. Behind: a backlog looks the same at first, so it takes
    ten minutes in which the smallest lags of every two minutes agree within 45 s.
    """
    ahead = [lag for lag in lags if lag <= -CLOCK_MATTERS_MS]
    if len(ahead) >= 3:
        middle = median(ahead)
        return min(lag for lag in ahead if lag >= middle - CLOCK_MATTERS_MS)
    smallest = [lag for _, lag in envelope]
    if known_ms < 0:  # late fixes say nothing against it, only a long time without one so early
        is_past = len(smallest) == ENVELOPE_PARTS and min(smallest) > known_ms + CLOCK_MATTERS_MS
        return 0 if is_past else known_ms
    if min(smallest) < known_ms - CLOCK_MATTERS_MS:
        return max(0, min(smallest))  # its clock was set right, or a backlog has come to its end
    if len(smallest) < ENVELOPE_PARTS:
        return known_ms
    is_steady = max(smallest) - min(smallest) <= 45_000
    return min(smallest) if is_steady and min(smallest) >= 3 * CLOCK_MATTERS_MS else 0
