"""What is remembered of devices and reps between their messages: small, for there are many."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldcrm.tracking.model import Fix

if TYPE_CHECKING:
    from fieldcrm.tracking.phone_clock import Lateness

_RECENT_KEYS = 512
_PAGE_SHIFT, _PAGE_MASK = 6, 63


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


class RepMemory:
    """What is remembered of a rep between his fixes: the newest, and since when he stands there."""

    __slots__ = ("anchor", "newest", "same_count", "same_since_ms", "still_since_ms")

    def __init__(self, newest: Fix | None = None, still_since_ms: int | None = None) -> None:
        self.newest = newest
        self.anchor = (newest.lat, newest.lng) if newest else None
        self.still_since_ms = still_since_ms
        self.same_count = 0
        self.same_since_ms = 0
