"""What is remembered of devices and reps between their messages: small, for there are many."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from fieldcrm.kit import cells
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

    def known_of(self, numbers: Collection[int]) -> set[int]:
        """Those of some numbers that are in it."""
        first, above, pages = self._first, self._above, self._pages
        if pages:
            bits_of = pages.get
            return {
                n for n in numbers
                if first <= n < above or bits_of(n >> _PAGE_SHIFT, 0) >> (n & _PAGE_MASK) & 1
            }  # fmt: skip
        if min(numbers) >= above or max(numbers) < first:
            return set()
        return {n for n in numbers if first <= n < above}

    def add(self, seq: int) -> None:
        """Note a number."""
        if seq == self._above and self._first < seq:
            self._above += 1
            if self._pages:
                self._take_in(self._pages)
        else:
            self.update((seq,))

    def update(self, numbers: Iterable[int]) -> None:
        """Note numbers in any order."""
        first, above = self._first, self._above
        new = sorted({seq for seq in numbers if not first <= seq < above})
        if not new:
            return
        if first == above:
            self._first, self._above = first, above = new[0], new[0]
        is_run = new[-1] - new[0] == len(new) - 1
        if is_run and new[0] == above:
            self._above = new[-1] + 1
        elif is_run and new[-1] == first - 1:
            self._first = new[0]
        else:
            self._mark(new)
        if self._pages:
            self._take_in(self._pages)

    def _mark(self, numbers: Sequence[int]) -> None:
        if self._pages is None:
            self._pages = {}
        for page, bits in _pages_of(numbers):
            self._pages[page] = self._pages.get(page, 0) | bits
        while len(self._pages) > self.MOST_PAGES:
            del self._pages[next(iter(self._pages))]

    def _take_in(self, pages: dict[int, int]) -> None:
        """Let the run grow over what is marked next to it."""
        while ones := _ones_up(pages.get(self._above >> _PAGE_SHIFT, 0), self._above & _PAGE_MASK):
            _unmark(pages, self._above, ones)
            self._above += ones
        while last := self._first:
            ones = _ones_down(pages.get(last - 1 >> _PAGE_SHIFT, 0), (last - 1 & _PAGE_MASK) + 1)
            if not ones:
                break
            _unmark(pages, last - ones, ones)
            self._first -= ones

    def __len__(self) -> int:
        """How many pages there are beside the run."""
        return len(self._pages or ())


def _pages_of(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Numbers in their order as (page, its bits)."""
    page, bits = -1, 0
    for seq in numbers:
        if seq >> _PAGE_SHIFT != page:
            if bits:
                yield page, bits
            page, bits = seq >> _PAGE_SHIFT, 0
        bits |= 1 << (seq & _PAGE_MASK)
    yield page, bits


def _ones_up(bits: int, begin: int) -> int:
    """How many bits are set one after another from a place upwards."""
    rest = bits >> begin
    return (rest ^ (rest + 1)).bit_length() - 1


def _ones_down(bits: int, end: int) -> int:
    """How many bits are set one after another below a place."""
    whole = (1 << end) - 1
    return end - (~bits & whole).bit_length()


def _unmark(pages: dict[int, int], seq: int, count: int) -> None:
    """Take out bits of one page."""
    page = seq >> _PAGE_SHIFT
    pages[page] ^= ((1 << count) - 1) << (seq & _PAGE_MASK)
    if not pages[page]:
        del pages[page]


class TimeSet:
    """The times of a device's last fixes that had no number.

    They mostly rise, and what is newer than all of them is not among them: only for what isn't
    there is a set to look in.
    """

    __slots__ = ("_known", "_latest", "_times")

    def __init__(self) -> None:
        self._times = array("q")
        self._latest = -1
        self._known: set[int] | None = None

    def __contains__(self, at_ms: int) -> bool:
        if at_ms > self._latest:
            return False
        if self._known is None:
            self._known = set(self._times)
        return at_ms in self._known

    def add(self, at_ms: int) -> None:
        """Note a time."""
        if at_ms > self._latest:
            self._latest = at_ms
        elif at_ms in self:
            return
        self._times.append(at_ms)
        if len(self._times) >= 2 * _RECENT_KEYS:
            del self._times[:_RECENT_KEYS]
            self._known = None
        elif self._known is not None:
            self._known.add(at_ms)


_NO_TIMES = TimeSet()
"""Of the many devices that number their fixes."""


class DeviceMemory:
    """What is remembered of a device between its messages; small, for there are many."""

    __slots__ = ("clock_lags", "lateness", "offset_ms", "previous", "seqs", "times")

    def __init__(self, offset_ms: int = 0) -> None:
        self.offset_ms = offset_ms
        """Server clock minus device clock; 0 while it is right enough."""
        self.clock_lags: tuple[int, ...] = ()
        """Of the last three messages that told the phone's clock."""
        self.lateness: Lateness | None = None
        """Of a device that tells no clock."""
        self.seqs = SeqSet()
        self.times = _NO_TIMES
        self.previous: Fix | None = None

    def remember(self, fixes: Sequence[Fix]) -> None:
        """Note that fixes are on disk: called after the commit only, never before."""
        numbers = [fix.seq for fix in fixes if fix.seq is not None]
        self.seqs.update(numbers)
        if len(numbers) < len(fixes):
            for fix in fixes:
                if fix.seq is None:
                    self.remember_one(fix)

    def remember_one(self, fix: Fix) -> None:
        """Note a single fix."""
        if fix.seq is not None:
            self.seqs.add(fix.seq)
            return
        if self.times is _NO_TIMES:
            self.times = TimeSet()
        self.times.add(fix.device_at_ms)

    def unknown_of(self, fixes: Sequence[Fix]) -> Sequence[Fix]:
        """Those of some fixes that are not on disk yet."""
        numbers = [fix.seq for fix in fixes if fix.seq is not None]
        if len(numbers) < len(fixes):
            return [fix for fix in fixes if not self.knows(fix.seq, fix.device_at_ms)]
        known = self.seqs.known_of(numbers)
        return [fix for fix in fixes if fix.seq not in known] if known else fixes

    def knows(self, seq: int | None, device_at_ms: int) -> bool:
        """Whether this very fix is on disk already."""
        if seq is not None:
            return seq in self.seqs
        return device_at_ms in self.times


class RepMemory:
    """What is remembered of a rep between his fixes: the newest, and since when he stands there."""

    __slots__ = (
        "_cell", "_core", "anchor", "newest", "same_count", "same_since_ms", "still_since_ms",
    )  # fmt: skip

    def __init__(self, newest: Fix | None = None, still_since_ms: int | None = None) -> None:
        self.newest = newest
        self.anchor = (newest.lat, newest.lng) if newest else None
        self.still_since_ms = still_since_ms
        self.same_count = 0
        self.same_since_ms = 0
        self._cell = 0
        self._core: cells.Core | None = None
        """The inside of his cell, once he was found in it twice: who drives is soon elsewhere."""

    def cell_at(self, lat: float, lng: float) -> int:
        """The cell (cells.FINE) of a place where he is now: mostly the one he was in."""
        core = self._core
        if core is not None and cells.is_in_core(core, lat, lng):
            return self._cell
        cell = cells.fine_cell(lat, lng)
        self._core = cells.core_of(cell) if cell == self._cell else None
        self._cell = cell
        return cell
