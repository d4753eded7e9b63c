"""Decisions of a cycle plan that need no search: how often, which sets of days, which day keeps what.

Values in, values out; days are numbered along a rep's workdays of the span.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from fieldcrm.planning.cycle import MONTHLY
from fieldcrm.planning.cycle_model import Days, Spacing
from fieldcrm.planning.model import BadCycle, CycleWishes

VALUE = {"A": 200_000, "B": 60_000, "C": 8_000}
"""What leaving a client out costs, in seconds of travel, by category."""
VALUE_OTHER = 4_000
SETS_MOST = 160
"""So many sets of days a client are weighed; more cost time and find nothing better."""
YEAR_DAYS = Fraction(1461, 4)
NEAR, FAR = Fraction(3, 5), Fraction(8, 5)
"""Two visits lie at least and at most this share of the even interval apart."""
_SHIFTS = 7
"""Variants of an even row of days, with single days up to two earlier or later."""


@dataclass(frozen=True)
class Quota:
    """What a client's frequency asks of a span."""

    planned: int
    """Visits wanted over the whole cycle; of a span where there is no cycle."""
    done: int
    """Closed within the cycle."""
    ahead: int
    """Planned within the cycle before the span begins."""


def share_of_cycle(
    quota: Quota, cycle: tuple[date, date], span: tuple[date, date]
) -> Fraction:  # fmt: skip
    """Visits that a span is to hold: its share of what the cycle still owes, and of what comes after."""
    begins, ends = cycle
    first, last = span
    owed = max(quota.planned - quota.done - quota.ahead, 0)
    left = (ends - first).days + 1
    within = (min(ends, last) - first).days + 1
    exact = Fraction(owed * within, left) if left > 0 else Fraction(0)
    beyond = (last - max(ends, first)).days if last > ends else 0
    return exact + Fraction(quota.planned * beyond, (ends - begins).days + 1)


def usual_share(category: str | None, span: tuple[date, date]) -> Fraction:
    """Visits of a span by the category's own frequency, where no cycle says more."""
    days = (span[1] - span[0]).days + 1
    return MONTHLY.get(category or "", Fraction(0)) * 12 * days / YEAR_DAYS


def whole_visits(
    exact: Mapping[str, Fraction], category: Mapping[str, str], last_seen: Mapping[str, date]
) -> dict[str, int]:
    """Whole visits that come to the right sum by category: who waited longest gets what a share leaves."""
    found = {client: int(share) for client, share in exact.items()}
    groups: dict[str, list[str]] = defaultdict(list)
    for client in exact:
        groups[category.get(client, "")].append(client)
    for mine in groups.values():
        parts = {c: exact[c] - found[c] for c in mine if exact[c] > found[c]}
        more = int(sum(parts.values(), Fraction(1, 2)))
        longest = sorted(parts, key=lambda c: (last_seen.get(c, date.min), -parts[c], c))
        for client in longest[:more]:
            found[client] += 1
    return found


def spacing_of(visits: int, days: int) -> Spacing:
    """How far apart so many visits lie in so many workdays."""
    even = Fraction(days, max(1, visits))
    return Spacing(visits, max(1, int(even * NEAR)), max(1, -(-even * FAR // 1)))


def day_sets(
    is_open: Sequence[bool], spacing: Spacing, taken: Sequence[int] = ()
) -> tuple[Days, ...]:
    """Sets of open days that keep the spacing, also to days `taken` already (negative: before).

    Not all of them: an even choice of at most SETS_MOST.
    """
    free = [d for d in range(len(is_open)) if is_open[d] and _is_clear(d, taken, spacing.least)]
    if spacing.visits == 1:
        return _thinned([(d,) for d in free])
    if spacing.visits == 2:
        return _thinned([p for p in itertools.combinations(free, 2) if spacing.allows(p)])
    return _thinned([d for d in _rows(len(is_open), free, spacing.visits) if spacing.allows(d)])


def _is_clear(day: int, taken: Sequence[int], least: int) -> bool:
    return all(abs(day - other) >= least for other in taken)


def _rows(days: int, free: Sequence[int], visits: int) -> list[Days]:
    """Even rows of days from every start, and the same with single days a little off."""
    open_days, found = set(free), dict[Days, None]()
    for offset in range(max(1, days // visits + days % visits)):
        even = [offset + n * days // visits for n in range(visits)]
        for variant in range(_SHIFTS):
            row = tuple(_nearest(d + _shift(variant, n), open_days) for n, d in enumerate(even))
            if None not in row and len(set(row)) == visits:
                found[tuple(sorted(d for d in row if d is not None))] = None
    return sorted(found)


def _shift(variant: int, place: int) -> int:
    """From two days earlier to two later; none in the first variant."""
    return 0 if variant == 0 else (variant * 3 + place * 7) % 5 - 2


def _nearest(day: int, open_days: set[int]) -> int | None:
    return next((day + d for d in (0, 1, -1, 2, -2) if day + d in open_days), None)


def _thinned(sets: Sequence[Days]) -> tuple[Days, ...]:
    if len(sets) <= SETS_MOST:
        return tuple(sets)
    return tuple(sets[n * len(sets) // SETS_MOST] for n in range(SETS_MOST))


def value_of(category: str | None) -> int:
    """What leaving a client out costs."""
    return VALUE.get(category or "", VALUE_OTHER)


@dataclass(frozen=True, slots=True)
class Match:
    """A visit that stands, and the day it is to have; None: a new visit, or none any more."""

    visit_id: str | None
    day: date | None


def match_days(wanted: Sequence[date], standing: Mapping[str, date]) -> list[Match]:
    """Keep visits on their own days where wanted, then move the rest in order; as few as possible."""
    wanted_left = sorted(wanted)
    left = dict(sorted(standing.items(), key=lambda item: (item[1], item[0])))
    found: list[Match] = []
    for visit_id, day in list(left.items()):
        if day in wanted_left:
            wanted_left.remove(day)
            del left[visit_id]
            found.append(Match(visit_id, day))
    moved = list(zip(left, wanted_left, strict=False))
    found += [Match(visit_id, day) for visit_id, day in moved]
    found += [Match(None, day) for day in wanted_left[len(moved) :]]
    return found + [Match(visit_id, None) for visit_id in list(left)[len(moved) :]]


WEEKS = (4, 12)
DAYS_AHEAD = 92
"""A visit can be planned so far ahead (visits/life.json)."""
MOST_A_DAY = (1, 40)
REPS_MOST = 50


def check_asked(
    rep_ids: Sequence[str], first: date, weeks: int, asked: CycleWishes, today: date
) -> date:
    """The span's last day; raises BadCycle with the field that is wrong."""
    last = first + timedelta(days=7 * weeks - 1)
    wrong = {
        "rep_ids": not 0 < len(rep_ids) <= REPS_MOST,
        "weeks": not WEEKS[0] <= weeks <= WEEKS[1],
        "first": first <= today or last > today + timedelta(days=DAYS_AHEAD),
        "most_a_day": not MOST_A_DAY[0] <= asked.most_a_day <= MOST_A_DAY[1],
        "most_per_year": asked.most_per_year is not None and asked.most_per_year < 1,
        "days_off": len(asked.days_off) > 7 * WEEKS[1],
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise BadCycle(field=field)
    return last
