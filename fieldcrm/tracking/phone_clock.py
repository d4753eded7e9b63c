"""How far a phone's clock is off: from its own word, or from how late its fixes come. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

from fieldcrm.tracking.memory import DeviceMemory
from fieldcrm.tracking.model import RawFix

CLOCK_MATTERS_MS = 30_000
"""Below this a phone's clock is right enough: network delay looks the same."""
CLOCK_STEADY_MS = 20_000
"""A new estimate this near the old one changes nothing, so that a re-sent fix keeps its time."""
CLOCK_MOST_MS = 86_400_000
"""A clock further off than a day is not corrected: the fix's time is nonsense."""
ENVELOPE_PARTS, PART_MS = 6, 120_000
_RIGHT = (0, 0)
"""Lags of a clock that has been right of late; what exactly they were matters no more."""


class Lateness:
    """How late a device's messages have come of late, from which its clock is found out."""

    __slots__ = ("_part", "_past", "_smallest_ms", "lags")

    def __init__(self) -> None:
        self.lags: deque[int] = deque(maxlen=5)
        """Server time minus newest fix of the last messages, as long as one of them was ahead."""
        self._part = -1
        """Which two minutes these are."""
        self._smallest_ms = 0
        """The smallest lag in them."""
        self._past: deque[int] = deque(maxlen=ENVELOPE_PARTS - 1)
        """The same of those before."""

    @property
    def envelope(self) -> list[int]:
        """The smallest lags of every two minutes of late."""
        return [*self._past, self._smallest_ms]

    def note(self, now_ms: int, lag_ms: int) -> bool:
        """Note how late a message's newest fix came; whether that may tell of a wrong clock."""
        is_ahead = lag_ms <= -CLOCK_MATTERS_MS
        if is_ahead or self.lags:
            self._note_lag(lag_ms)
        part = now_ms // PART_MS
        if part != self._part:
            if self._part >= 0:
                self._past.append(self._smallest_ms)
            self._part, self._smallest_ms = part, lag_ms
            return True
        if lag_ms < self._smallest_ms:
            self._smallest_ms = lag_ms
        return is_ahead

    def _note_lag(self, lag_ms: int) -> None:
        self.lags.append(lag_ms)
        if min(self.lags) > -CLOCK_MATTERS_MS:
            self.lags.clear()

    def note_usual(self, now_ms: int, lag_ms: int) -> bool:
        """The same where it is no news; False, and nothing is noted, where it may be."""
        if lag_ms <= -CLOCK_MATTERS_MS or self.lags or now_ms // PART_MS != self._part:
            return False
        if lag_ms < self._smallest_ms:
            self._smallest_ms = lag_ms
        return True


def is_right_as_before(
    device: DeviceMemory, now_ms: int, phone_now_ms: int | None, at_ms: int
) -> bool:  # fmt: skip
    """Whether a clock is right and a message with one fix of that time says nothing else.

    Then it is observed; else that is left to `observe_clock`.
    """
    if device.offset_ms:
        return False
    if phone_now_ms is not None:
        lag_ms = now_ms - phone_now_ms
        return device.clock_lags is _RIGHT and -CLOCK_MATTERS_MS < lag_ms < CLOCK_MATTERS_MS
    return device.lateness is not None and device.lateness.note_usual(now_ms, now_ms - at_ms)


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


def estimated_offset(lags: Sequence[int], smallest: Sequence[int], known_ms: int = 0) -> int:
    """A clock's offset from how late its fixes come (server time minus fix time, ms).

    `lags` are those of the last five messages, `smallest` those of every two minutes. Ahead: fixes come from the future, which no network explains; three of the last five messages
    must say so, since one may be nonsense. Behind: a backlog looks the same at first, so it takes
    ten minutes in which the smallest lags of every two minutes agree within 45 s.
    """
    ahead = [lag for lag in lags if lag <= -CLOCK_MATTERS_MS]
    if len(ahead) >= 3:
        middle = median(ahead)
        return min(lag for lag in ahead if lag >= middle - CLOCK_MATTERS_MS)
    if known_ms < 0:  # late fixes say nothing against it, only a long time without one so early
        is_past = len(smallest) == ENVELOPE_PARTS and min(smallest) > known_ms + CLOCK_MATTERS_MS
        return 0 if is_past else known_ms
    if min(smallest) < known_ms - CLOCK_MATTERS_MS:
        return max(0, min(smallest))  # its clock was set right, or a backlog has come to its end
    if len(smallest) < ENVELOPE_PARTS:
        return known_ms
    is_steady = max(smallest) - min(smallest) <= 45_000
    return min(smallest) if is_steady and min(smallest) >= 3 * CLOCK_MATTERS_MS else 0
