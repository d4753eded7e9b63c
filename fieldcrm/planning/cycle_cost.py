"""What one visit more costs on a day of a cycle: way, and what it breaks. Values in, values out.

Stops planned keep their order and begin no earlier than planned; who comes after is pushed on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from fieldcrm.planning.cycle_model import Ints
from fieldcrm.planning.cycle_problem import AGREED_SLACK_S, MAX_WAY_S, NO_WAY
from fieldcrm.planning.model import Window

ABSENCE, PAST, CLOSED, WINDOW, LATE, FULL, SPACING, SAME_DAY, NO_ROUTE = (
    "absence", "past", "closed", "window", "late", "full", "spacing", "same_day", "no_route",
)  # fmt: skip
FORBIDS = frozenset({PAST, SAME_DAY})
"""What no hand may do; the rest is said, and done if wanted."""


@dataclass(frozen=True)
class Stand:
    """A visit of a day."""

    key: str
    """The visit's id, or the client's of one that isn't planned yet."""
    client_id: str
    node: int
    """Row of the tables of ways."""
    minutes: int
    windows: tuple[Window, ...] = ()
    """When the client is open, seconds after the day's start; none: closed."""
    planned_s: int | None = None
    is_locked: bool = False


@dataclass(frozen=True)
class Day:
    """A rep's day as it stands."""

    day: date
    is_workday: bool
    is_past: bool
    begin_s: int
    end_s: int
    lunch_s: int
    pause_s: int
    stops: tuple[Stand, ...] = ()
    most: int = 40
    """Visits that the day may hold."""


@dataclass(frozen=True)
class Ways:
    """Times and distances between all places of a rep's span; row 0 is his home."""

    seconds: Ints
    metres: Ints

    def time(self, a: int, b: int) -> int:
        found = int(self.seconds[a, b])
        return MAX_WAY_S if found == NO_WAY else found

    def length(self, a: int, b: int) -> int:
        return max(0, int(self.metres[a, b]))


@dataclass(frozen=True)
class Timed:
    """A day driven through: when each stop begins, what is too late."""

    starts: tuple[int, ...]
    ends_s: int
    outside: int
    """Visits outside their clients' hours, or later than agreed."""
    drive_s: int
    drive_m: int


@dataclass(frozen=True)
class Break:
    """A rule that a move would break; `n` is how much: minutes late, visits too many, days apart."""

    code: str
    n: int = 0


@dataclass(frozen=True)
class Price:
    """What a visit costs on a day."""

    day: date
    position: int
    """From 1, among the day's stops."""
    start_s: int
    drive_s: int
    """More than without it; less than nothing where it saves a way."""
    drive_m: int
    breaks: tuple[Break, ...] = field(default=())

    @property
    def is_possible(self) -> bool:
        return not any(b.code in FORBIDS for b in self.breaks)


def drive(day: Day, stops: Sequence[Stand], ways: Ways) -> Timed:
    """Drive a day's stops in their order, the lunch break where it falls."""
    now, at, rested = day.begin_s, 0, False
    starts: list[int] = []
    outside = drive_s = drive_m = 0
    for stop in stops:
        drive_s, drive_m = drive_s + ways.time(at, stop.node), drive_m + ways.length(at, stop.node)
        now = max(now + ways.time(at, stop.node), stop.planned_s or 0)
        service = stop.minutes * 60
        if not rested and now + service > day.lunch_s:
            now, rested = max(now, min(day.lunch_s, now) + day.pause_s), True
        window = _open(stop, now)
        now = max(now, window.start_s) if window else now
        is_late = stop.is_locked and now > (stop.planned_s or now) + AGREED_SLACK_S
        outside += window is None or now + service > window.end_s or is_late
        starts.append(now)
        now, at = now + service, stop.node
    if stops:
        now += ways.time(at, 0)
        drive_s, drive_m = drive_s + ways.time(at, 0), drive_m + ways.length(at, 0)
    return Timed(tuple(starts), now, outside, drive_s, drive_m)


def _open(stop: Stand, now: int) -> Window | None:
    """The hours in which a visit that could begin now takes place."""
    return next((w for w in stop.windows if now + stop.minutes * 60 <= w.end_s), None)


def price(day: Day, stop: Stand, ways: Ways) -> Price:
    """The cheapest place for a visit on a day, and all that it breaks there."""
    free = replace(stop, planned_s=None, is_locked=False)
    was = drive(day, day.stops, ways)
    places = range(len(day.stops) + 1)
    found = [
        (n, drive(day, (*day.stops[:n], free, *day.stops[n:]), ways)) for n in places
    ]  # fmt: skip
    at, now = min(found, key=lambda each: (each[1].outside, each[1].drive_s, each[0]))
    return Price(
        day.day, at + 1, now.starts[at], now.drive_s - was.drive_s, now.drive_m - was.drive_m,
        tuple(_broken(day, free, was, now, ways)),
    )  # fmt: skip


def _broken(day: Day, stop: Stand, was: Timed, now: Timed, ways: Ways) -> list[Break]:
    late = -(-(now.ends_s - max(day.end_s, was.ends_s)) // 60)
    too_many = len(day.stops) + 1 - day.most
    is_shut = not stop.windows
    broken = {
        PAST: day.is_past, ABSENCE: not day.is_workday, CLOSED: is_shut,
        SAME_DAY: any(s.client_id == stop.client_id for s in day.stops),
        NO_ROUTE: int(ways.seconds[0, stop.node]) == NO_WAY,
    }  # fmt: skip
    counted = {WINDOW: now.outside - was.outside - is_shut, LATE: late, FULL: too_many}
    return [Break(code) for code, is_so in broken.items() if is_so] + [
        Break(code, n) for code, n in counted.items() if n > 0
    ]


def saved(day: Day, key: str, ways: Ways) -> tuple[int, int]:
    """(seconds, metres) of way less once a visit is gone from its day."""
    was = drive(day, day.stops, ways)
    now = drive(day, [s for s in day.stops if s.key != key], ways)
    return was.drive_s - now.drive_s, was.drive_m - now.drive_m


def other_place_s(day: Day, key: str, ways: Ways) -> int:
    """Way more (seconds) with a visit at the cheapest other place of its day; 0 where it is alone."""
    at = next(n for n, s in enumerate(day.stops) if s.key == key)
    rest = [s for s in day.stops if s.key != key]
    now = drive(day, day.stops, ways).drive_s
    others = [
        drive(day, [*rest[:n], day.stops[at], *rest[n:]], ways).drive_s
        for n in range(len(rest) + 1) if n != at
    ]  # fmt: skip
    return min(others, default=now) - now


def too_near(day: date, others: Sequence[date], least_days: int) -> Break | None:
    """Whether a client would be seen again too soon, and how many days lie between."""
    gaps = [abs((day - other).days) for other in others if other != day]
    nearest = min(gaps, default=least_days)
    return Break(SPACING, nearest) if nearest < least_days else None


def least_gap(visits: int, days: int) -> int:
    """Days that should lie between two of so many visits in so many days (3/5 of an even interval)."""
    return max(1, days * 3 // (5 * max(1, visits)))


def without(day: Day, key: str) -> Day:
    """The day without one of its visits."""
    return replace(day, stops=tuple(s for s in day.stops if s.key != key))
