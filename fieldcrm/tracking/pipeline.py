"""The path of a fix: a list of small steps, each with one reason to drop, hold or doubt it. Pure.

Decoding (tracking.protocols, tracking.session) comes before; what is recorded goes to the stream.
A step looks at all fixes of a message, so that it costs nothing where it has nothing to do: some it
keeps back for its Reason, some it marks (doubts are bits on the fix), the others go on. What must be
remembered between messages is in DeviceMemory and RepMemory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from math import cos, radians
from statistics import median

import msgspec

from fieldcrm.kit.units import EARTH_RADIUS_M, distance_m
from fieldcrm.tracking.model import Decoded, Doubt, Fix, Outcome, RawFix, Reason, Span
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
CLOCK_MATTERS_MS = 30_000
"""Below this a phone's clock is right enough: network delay looks the same."""
CLOCK_STEADY_MS = 20_000
"""A new estimate this near the old one changes nothing, so that a re-sent fix keeps its time."""
CLOCK_MOST_MS = 86_400_000
"""A clock further off than a day is not corrected: the fix's time is nonsense."""
_RECENT_KEYS = 512
_PAGE_SHIFT, _PAGE_MASK = 6, 63
_RIGHT = (0, 0)
"""Lags of a clock that has been right of late; what exactly they were matters no more."""
_NO_GUIDE = int(Doubt.teleport | Doubt.accuracy)
"""A fix so doubted doesn't say whether its rep moved."""
ENVELOPE_PARTS = 6
_RADIAN = radians(1)
_DEGREE_M = EARTH_RADIUS_M * _RADIAN
_FLAT_M, _FLAT_LAT = 1000.0, 80.0
"""So near, and so far from the poles, the Earth is flat to a thousandth."""
_MOCK, _TELEPORT, _SPEED, _ACCURACY, _FROZEN, _CLOCK, _LATE = (
    int(doubt) for doubt in
    (Doubt.mock, Doubt.teleport, Doubt.speed, Doubt.accuracy, Doubt.frozen, Doubt.clock, Doubt.late)
)  # fmt: skip


class SeqSet:
    """Which sequence numbers of a device are on disk, in whatever order they came.

    One run of numbers without a hole, and beside it bits of pages, which the run takes in as it
    grows up to them at either end.
    """

    __slots__ = ("_above", "_first", "_pages")
    MOST_PAGES = 4096
    """Pages beside the run; the oldest is forgotten when there are more."""

    def __init__(self) -> None:
        self._first = self._above = 0
        """The run is from the first up to, not including, the second."""
        self._pages: dict[int, int] | None = None

    def __contains__(self, seq: int) -> bool:
        if self._first <= seq < self._above:
            return True
        pages = self._pages
        return bool(pages and pages.get(seq >> _PAGE_SHIFT, 0) >> (seq & _PAGE_MASK) & 1)

    def add(self, seq: int) -> None:
        """Note a number."""
        if seq == self._above and self._first < seq:
            self._above += 1
        elif self._first == self._above:
            self._first, self._above = seq, seq + 1
        elif seq == self._first - 1:
            self._first = seq
        elif not self._first <= seq < self._above:
            self._mark(seq)
            return
        if self._pages:
            self._take_in(self._pages)

    def _mark(self, seq: int) -> None:
        if self._pages is None:
            self._pages = {}
        pages, page = self._pages, seq >> _PAGE_SHIFT
        pages[page] = pages.get(page, 0) | 1 << (seq & _PAGE_MASK)
        if len(pages) > self.MOST_PAGES:
            del pages[next(iter(pages))]

    def _take_in(self, pages: dict[int, int]) -> None:
        """Let the run grow over what is marked next to it."""
        while _unmark(pages, self._above):
            self._above += 1
        while self._first > 0 and _unmark(pages, self._first - 1):
            self._first -= 1

    def __len__(self) -> int:
        """How many pages there are beside the run."""
        return len(self._pages or ())


def _unmark(pages: dict[int, int], seq: int) -> bool:
    """Take a number's bit out; whether it was there."""
    page, bit = seq >> _PAGE_SHIFT, 1 << (seq & _PAGE_MASK)
    bits = pages.get(page, 0)
    if not bits & bit:
        return False
    if bits == bit:
        del pages[page]
    else:
        pages[page] = bits ^ bit
    return True


class DeviceMemory:
    """What is remembered of a device between its messages; small, for there are many."""

    __slots__ = ("clock_lags", "key_order", "keys", "lateness", "offset_ms", "previous", "seqs")

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms
        """Server clock minus device clock; 0 while it is right enough."""
        self.clock_lags: tuple[int, ...] = ()
        """Of the last three messages that told the phone's clock."""
        self.lateness: Lateness | None = None
        """Of a device that tells no clock."""
        self.seqs = SeqSet()
        self.keys: set[int] | None = None
        self.key_order: deque[int] | None = None
        """Times of the last fixes that had no number."""
        self.previous: Fix | None = None

    def remember(self, fixes: Iterable[Fix]) -> None:
        """Note that fixes are on disk: called after the commit only, never before."""
        for fix in fixes:
            if fix.seq is not None:
                self.seqs.add(fix.seq)
            else:
                self._remember_time(fix.device_at_ms)

    def _remember_time(self, device_at_ms: int) -> None:
        if self.keys is None or self.key_order is None:
            self.keys, self.key_order = set(), deque()
        if device_at_ms in self.keys:
            return
        self.keys.add(device_at_ms)
        self.key_order.append(device_at_ms)
        if len(self.key_order) > _RECENT_KEYS:
            self.keys.discard(self.key_order.popleft())

    def knows(self, fix: Fix) -> bool:
        """Whether this very fix is on disk already."""
        if fix.seq is not None:
            return fix.seq in self.seqs
        return self.keys is not None and fix.device_at_ms in self.keys


class Lateness:
    """How late a device's messages have come of late, from which its clock is found out."""

    __slots__ = ("envelope", "lags")

    def __init__(self) -> None:
        self.lags: deque[int] = deque(maxlen=5)
        """Server time minus newest fix of the last messages."""
        self.envelope: deque[tuple[int, int]] = deque(maxlen=ENVELOPE_PARTS)
        """(which two minutes, the smallest lag in them) of late."""

    def note(self, now_ms: int, lag_ms: int) -> bool:
        """Note how late a message's newest fix came; whether that may tell of a wrong clock."""
        self.lags.append(lag_ms)
        part, envelope = now_ms // 120_000, self.envelope
        if not envelope or envelope[-1][0] != part:
            envelope.append((part, lag_ms))
            return True
        if lag_ms < envelope[-1][1]:
            envelope[-1] = (part, lag_ms)
        return lag_ms <= -CLOCK_MATTERS_MS


class RepMemory:
    """What is remembered of a rep between his fixes: the newest, and since when he stands there."""

    __slots__ = ("anchor", "newest", "same_count", "same_since_ms", "still_since_ms")

    def __init__(self, newest: Fix | None = None, still_since_ms: int | None = None) -> None:
        self.newest = newest
        self.anchor = (newest.lat, newest.lng) if newest else None
        self.still_since_ms = still_since_ms
        self.same_count = 0
        self.same_since_ms = 0


class Judged(msgspec.Struct, gc=False):
    """A message's fixes on their way through the steps, with all that a step may look at.

    After the last step it is what became of the message.
    """

    device: DeviceMemory
    rep: RepMemory
    spans: Sequence[Span]
    now_ms: int
    raw: Sequence[RawFix] = ()
    """What the phone told: one for each fix, until the first step that drops."""
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
        for raw, fix in zip(m.raw, m.recorded, strict=True):
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
    device = m.device
    kept = [fix for fix in m.recorded if not device.knows(fix)]
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
    before = m.device.previous
    for fix in m.recorded:
        if before is not None and fix.fix_at_ms > before.fix_at_ms and _leaps(before, fix):
            fix.doubts |= _TELEPORT
        before = fix
    m.device.previous = before


def _leaps(before: Fix, fix: Fix) -> bool:
    took_s = max(1.0, (fix.fix_at_ms - before.fix_at_ms) / 1000)
    most_m = (abs(fix.lat - before.lat) + abs(fix.lng - before.lng)) * _DEGREE_M
    if most_m <= TELEPORT_M or most_m <= TELEPORT_MPS * took_s:
        return False
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
    rep = m.rep
    for fix in m.fresh:
        rep.newest = fix
        if fix.doubts & _NO_GUIDE:
            continue
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


def judge(
    decoded: Decoded, *, rep_id: str, device_id: str, source: str, device: DeviceMemory,
    rep: RepMemory, spans: Sequence[Span], now_ms: int, phone_now_ms: int | None = None,
) -> Judged:  # fmt: skip
    """Send a message's fixes through the steps, in the order they came."""
    judged = Judged(device, rep, spans, now_ms)
    outcome, raw = judged.outcome, decoded.fixes
    if decoded.malformed:
        outcome.reject(Reason.malformed, decoded.malformed)
    observe_clock(device, now_ms, phone_now_ms, raw)
    judged.raw = placed = [one for one in raw if one.lat is not None and one.lng is not None]
    judged.recorded = [identify(one, rep_id, device_id, source, now_ms) for one in placed]
    judged.heard = len(placed) < len(raw)
    for step in STEPS:
        if not judged.recorded:
            break
        step(judged)
    outcome.accepted = (
        len(raw) - len(placed) + len(judged.recorded) + len(judged.held)
    )  # fmt: skip
    return judged


def identify(raw: RawFix, rep_id: str, device_id: str, source: str, now_ms: int) -> Fix:
    """Give a phone's fix its rep and device; the server's time stands in for a missing one."""
    at, course = raw.at_ms, raw.course_deg
    if at is None:
        at = now_ms
    return Fix(
        rep_id, device_id, raw.seq, at, at, now_ms, raw.lat or 0.0, raw.lng or 0.0,
        raw.accuracy_m, raw.speed_mps, course if course is None or course < 360 else course % 360,
        raw.battery_pct, raw.is_charging, raw.is_mock, source, _ACCURACY if raw.is_poor else 0,
    )  # fmt: skip


def observe_clock(
    device: DeviceMemory, now_ms: int, phone_now_ms: int | None, fixes: Sequence[RawFix]
) -> None:
    """Learn how far a device's clock is off, from its own word or from how late its fixes come."""
    if phone_now_ms is not None:
        lag_ms = now_ms - phone_now_ms
        if device.clock_lags is _RIGHT and -CLOCK_MATTERS_MS < lag_ms < CLOCK_MATTERS_MS:
            return
        device.clock_lags = (*device.clock_lags[-2:], lag_ms)
        estimate = min(device.clock_lags)
    else:
        times = [f.at_ms for f in fixes if f.at_ms is not None]
        if not times:
            return
        if device.lateness is None:
            device.lateness = Lateness()
        late = device.lateness
        is_news = late.note(now_ms, now_ms - max(times))
        if not is_news and device.offset_ms == 0:
            return
        estimate = estimated_offset(late.lags, late.envelope, device.offset_ms)
    if -CLOCK_MATTERS_MS < estimate < CLOCK_MATTERS_MS:
        device.offset_ms = 0
        if all(-CLOCK_MATTERS_MS < lag < CLOCK_MATTERS_MS for lag in device.clock_lags):
            device.clock_lags = _RIGHT
    elif abs(estimate) > CLOCK_MOST_MS:
        return
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
