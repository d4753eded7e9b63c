"""Decisions of planning, values in and values out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from opening_hours import (
    OpeningHours,
    ParserError,  # pyright: ignore[reportAttributeAccessIssue]
)

from fieldcrm.kit.units import distance_m
from fieldcrm.planning.model import Window

OPEN, UNKNOWN = "open", "unknown"
SAME_ADDRESS_M = 80.0
"""Two points that name one address and lie nearer than this are one stop."""
PRIORITY_WEIGHT = {1: 1, 2: 4, 3: 16}
CATEGORY_WEIGHT = {"A": 4, "B": 2, "C": 1}
MISSED_BASE_S = 4 * 3600
"""What missing the least visit costs, in seconds of travel: more than any detour of a day."""


# Opening hours


@dataclass(frozen=True)
class Hours:
    """When a client can be visited on a day; `is_known` is False where the text says nothing."""

    windows: tuple[Window, ...]
    is_known: bool


def hours_on(text: str | None, day: date, zone: str, country: str | None = None) -> Hours:
    """Windows of an OSM opening_hours text on a local day, in seconds after its start.

    Honest about ignorance: without a text, with one that can't be parsed, or where the text itself
    says "unknown", the whole day is open and `is_known` is False. Public holidays count when the
    country is given.
    """
    found = _intervals(text.strip(), day, zone, country) if text and text.strip() else None
    if found is None:
        return whole_day(day, zone)
    return Hours(tuple(Window(a, b) for a, b in found), True)


def whole_day(day: date, zone: str) -> Hours:
    """Open from midnight to midnight, for all one knows."""
    return Hours((Window(0, day_seconds(day, zone)),), False)


@lru_cache(maxsize=20_000)
def _intervals(
    text: str, day: date, zone: str, country: str | None
) -> tuple[tuple[int, int], ...] | None:
    """(start, end) seconds of the open times of a day, None where the text can't tell."""
    parsed = _parsed(text, zone, country)
    if parsed is None:
        return None
    start, end = day_start(day, zone), day_start(day + timedelta(days=1), zone)
    tz = ZoneInfo(zone)
    found: list[tuple[int, int]] = []
    for begin, until, state, *_ in parsed.intervals(start.astimezone(tz), end.astimezone(tz)):
        if str(state) == "unknown":
            return None
        if str(state) == "open":
            last = end if until is None else min(end, until.astimezone(UTC))
            first = max(start, begin.astimezone(UTC))
            found.append(
                (int((first - start).total_seconds()), int((last - start).total_seconds()))
            )
    return _joined(found)


def _joined(intervals: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(intervals):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif end > begin:
            joined.append((begin, end))
    return tuple(joined)


@lru_cache(maxsize=5_000)
def _parsed(text: str, zone: str, country: str | None) -> OpeningHours | None:
    try:
        return OpeningHours(text, timezone=ZoneInfo(zone), country=country)
    except (ParserError, SyntaxError, ValueError):
        return None


def is_closed_on(text: str | None, day: date, zone: str, country: str | None = None) -> bool:
    """Whether the stated hours say that nobody is there all day; not knowing is not closed."""
    return not hours_on(text, day, zone, country).windows


def day_start(day: date, zone: str) -> datetime:
    """The UTC moment at which a local day starts."""
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_seconds(day: date, zone: str) -> int:
    """How long a local day is: 23, 24 or 25 hours where clocks change."""
    return int((day_start(day + timedelta(days=1), zone) - day_start(day, zone)).total_seconds())


def local_minute_s(day: date, minute: int, zone: str) -> int:
    """Seconds after the day's start at which the wall clock shows a minute of the day."""
    hour, minute = divmod(min(max(minute, 0), 24 * 60 - 1), 60)
    moment = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(zone))
    return int((moment.astimezone(UTC) - day_start(day, zone)).total_seconds())


def within(windows: Sequence[Window], start_s: int, end_s: int) -> tuple[Window, ...]:
    """The parts of the windows inside [start_s, end_s]."""
    cut = ((max(w.start_s, start_s), min(w.end_s, end_s)) for w in windows)
    return tuple(Window(a, b) for a, b in cut if b > a)


# One address, one stop


def group_places(
    points: Sequence[tuple[float, float]], addresses: Sequence[str | None]
) -> list[int]:
    """For each point, the index of the first point of its stop.

    Points of one address that lie near each other are one stop, as are points at one spot.
    """
    leaders: list[int] = []
    groups: list[int] = []
    by_spot: dict[tuple[float, float], int] = {}
    by_address: dict[str, list[int]] = {}
    for index, (point, address) in enumerate(zip(points, addresses, strict=True)):
        spot = (round(point[0], 5), round(point[1], 5))
        key = " ".join((address or "").casefold().split())
        leader = by_spot.get(spot)
        if leader is None and key:
            near = (i for i in by_address.get(key, ()) if _is_near(points[i], point))
            leader = next(near, None)
        leader = index if leader is None else leader
        by_spot.setdefault(spot, leader)
        by_address.setdefault(key, []).append(leader)
        leaders.append(leader)
        groups.append(leader)
    return groups


def _is_near(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return distance_m(*a, *b) <= SAME_ADDRESS_M


# Worth of a visit


def missed_cost_s(priority: int, category: str | None, service_s: int) -> int:
    """What leaving a visit out costs, in seconds of travel.

    It grows with the visit's own length; otherwise a solver drops the long visits, which are the
    important clients' (measured: docs/decisions/0006-solver.md).
    """
    weight = PRIORITY_WEIGHT.get(priority, 1) * CATEGORY_WEIGHT.get(category or "C", 1)
    return weight * (MISSED_BASE_S + 2 * service_s)


# Differences between two plans


def moved_ids(
    before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]
) -> frozenset[str]:
    """The fewest stops that have to be taken out and put elsewhere to turn one into the other.

    Only stops in both count: what a plan leaves out or newly takes in is told apart from moving.
    """
    both = {i for order in before.values() for i in order}
    both &= {i for order in after.values() for i in order}
    stayed: set[str] = set()
    for rep, order in after.items():
        old = [i for i in before.get(rep, ()) if i in both]
        stayed |= _longest_common(old, [i for i in order if i in both])
    return frozenset(both - stayed)


def _longest_common(a: Sequence[str], b: Sequence[str]) -> set[str]:
    """One longest sequence that both orders share: of `b`, the most that stand in `a` in turn.

    Each order names a stop once, so this is the longest increasing run of places (patience
    sorting): of all runs of one length, the one that ends first is kept.
    """
    place = {stop: n for n, stop in enumerate(a)}
    ends: list[int] = []
    behind: dict[int, int | None] = {}
    for n in [place[stop] for stop in b if stop in place]:
        length = bisect_left(ends, n)
        behind[n] = ends[length - 1] if length else None
        ends[length : length + 1] = [n]
    shared: set[str] = set()
    last = ends[-1] if ends else None
    while last is not None:
        shared.add(a[last])
        last = behind[last]
    return shared


# The cycle's arithmetic (reference: the field's own definitions)


@dataclass(frozen=True)
class CycleCount:
    """How far a cycle plan is: Actual = closed, Scheduled = planned and still ahead."""

    planned: int
    actual: int
    scheduled: int

    @property
    def remaining(self) -> int:
        return max(self.planned - self.actual, 0)

    @property
    def to_schedule(self) -> int:
        return max(self.planned - self.scheduled - self.actual, 0)


def pace(planned: int, done: int, days_gone: int, days: int) -> float | None:
    """Done against what an even pace would have done by now: 1.0 is on pace, None before the start."""
    due = planned * days_gone / days if days else 0
    return None if due <= 0 else done / due


def workdays(starts_on: date, ends_on: date, iso_weekdays: str = "12345") -> list[date]:
    """The working days of a span, both ends included."""
    count = (ends_on - starts_on).days + 1
    days = (starts_on + timedelta(days=n) for n in range(count))
    return [d for d in days if str(d.isoweekday()) in iso_weekdays]
