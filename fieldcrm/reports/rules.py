"""The indicators' arithmetic: cells and targets in, measures out.

Valid = closed and not contradicted. Every measure carries the visits it rests on by verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta

from fieldcrm.reports.model import (
    Cell,
    DayBar,
    FieldDays,
    Gap,
    GroupBy,
    Indicator,
    Line,
    Measure,
    Period,
    PeriodKind,
    Tally,
    Target,
)

DAY = timedelta(days=1)
TREND_WEEKS = 8

# ---- periods ----


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of a day's week."""
    monday = day - DAY * day.weekday()
    return monday, monday + 6 * DAY


def month_of(day: date) -> tuple[date, date]:
    """First and last day of a day's month."""
    first = day.replace(day=1)
    return first, (first + 31 * DAY).replace(day=1) - DAY


def period_at(kind: PeriodKind, day: date, today: date, cycle: tuple[date, date] | None) -> Period:
    """The period of this kind that holds `day`; without a cycle a cycle is three months."""
    if kind is PeriodKind.week:
        starts, ends = week_of(day)
    elif kind is PeriodKind.month:
        starts, ends = month_of(day)
    else:
        starts, ends = cycle or _quarter(day)
    return Period(kind, starts, ends, min(ends, today))


def _quarter(day: date) -> tuple[date, date]:
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return first, (first + 92 * DAY).replace(day=1) - DAY


def period_before(period: Period) -> Period:
    """The period before, cut as many days after its start as this one has begun."""
    last = period.starts_on - DAY
    if period.kind is PeriodKind.week:
        starts, ends = week_of(last)
    elif period.kind is PeriodKind.month:
        starts, ends = month_of(last)
    else:
        starts, ends = period.starts_on - (period.ends_on - period.starts_on) - DAY, last
    passed = period.until - period.starts_on
    whole = period.until >= period.ends_on
    return Period(period.kind, starts, ends, ends if whole else min(ends, starts + passed))


# ---- what the cycle plan wants ----


def due_by(planned: int, starts_on: date, ends_on: date, day: date) -> int:
    """Visits of a target's plan that fall due up to a day (its end), spread evenly, half up."""
    length = (ends_on - starts_on).days + 1
    passed = min(max((day - starts_on).days + 1, 0), length)
    return (2 * planned * passed + length) // (2 * length)


def goal_within(
    planned: int, cycle: tuple[date, date], period: tuple[date, date], done_before: int
) -> int:
    """A period's sub-goal of a cycle's plan: what falls due in it, less what was done ahead of it.

    What was missed earlier is not added: the period is measured by its own plan.
    """
    due_before = due_by(planned, *cycle, period[0] - DAY)
    due_after = due_by(planned, *cycle, period[1])
    return max(due_after - max(due_before, min(done_before, planned)), 0)


# ---- field days ----


def day_share(shift_min: tuple[int, int], minute: int) -> float:
    """How much of a workday has passed at a minute after local midnight, 0 to 1."""
    start, end = shift_min
    return min(max((minute - start) / (end - start), 0.0), 1.0) if end > start else 1.0


def worked_days(
    work_days: str, first: date, last: date, today_share: tuple[date, float],
    off: dict[date, float],
) -> dict[date, float]:  # fmt: skip
    """Field days by date: workdays less the share spent off territory; today counts as it passes."""
    found: dict[date, float] = {}
    for n in range((last - first).days + 1):
        day = first + DAY * n
        share = today_share[1] if day == today_share[0] else 1.0
        if str(day.isoweekday()) in work_days and (left := share - off.get(day, 0.0)) > 0:
            found[day] = left
    return found


def off_share(
    pauses: Iterable[tuple[datetime, datetime]], midnight: datetime, shift_min: tuple[int, int]
) -> float:
    """Share of a workday that its pauses (aware, merged by their union) take, 0 to 1."""
    start, end = (midnight + timedelta(minutes=m) for m in shift_min)
    whole = (end - start).total_seconds()
    lost, reached = 0.0, start
    for begin, finish in sorted(pauses):
        begin, finish = max(begin, reached), min(finish, end)
        if finish > begin:
            lost += (finish - begin).total_seconds()
            reached = finish
    return min(lost / whole, 1.0) if whole > 0 else 0.0


# ---- adding up ----


def merged(cells: Sequence[Cell]) -> Cell:
    """Cells as one; first check-in and last closing are the outermost."""
    first = cells[0]
    return Cell(
        first.team_id, first.rep_id, first.day, first.category,
        planned=sum(c.planned for c in cells),
        closed=tally(c.closed for c in cells),
        on_target=tally(c.on_target for c in cells),
        same_day=tally(c.same_day for c in cells),
        near_day=tally(c.near_day for c in cells),
        contact_s=sum(c.contact_s for c in cells),
        first_in_s=min((c.first_in_s for c in cells if c.first_in_s is not None), default=None),
        last_out_s=max((c.last_out_s for c in cells if c.last_out_s is not None), default=None),
        stock_checked=sum(c.stock_checked for c in cells),
        stock_absent=sum(c.stock_absent for c in cells),
    )  # fmt: skip


def tally(tallies: Iterable[Tally]) -> Tally:
    """The sum of tallies."""
    confirmed = doubtful = contradicted = unjudged = 0
    for t in tallies:
        confirmed += t.confirmed
        doubtful += t.doubtful
        contradicted += t.contradicted
        unjudged += t.unjudged
    return Tally(confirmed, doubtful, contradicted, unjudged)


def field_seconds(cells: Iterable[Cell]) -> int:
    """Time in field: over rep-days, first check-in to last closing of each, in seconds."""
    outer: dict[tuple[str, date], tuple[int, int]] = {}
    for c in cells:
        if c.first_in_s is None or c.last_out_s is None:
            continue
        low, high = outer.get((c.rep_id, c.day), (c.first_in_s, c.last_out_s))
        outer[c.rep_id, c.day] = (min(low, c.first_in_s), max(high, c.last_out_s))
    return sum(max(high - low, 0) for low, high in outer.values())


def measures(
    cells: Sequence[Cell], targets: Sequence[Target], field_days: float
) -> dict[Indicator, Measure]:
    """Every indicator of a group of cells, its targets and its field days."""
    all_of = merged(cells) if cells else Cell("", "", date.min, "")
    wanted = [t for t in targets if t.goal > 0]
    to_targets = tally(t.done for t in wanted)
    in_field, worked = field_seconds(cells), all_of.closed
    return {
        Indicator.coverage: share(sum(t.done.valid > 0 for t in wanted), len(wanted), to_targets),
        Indicator.frequency: share(
            sum(min(t.done.valid, t.goal) for t in wanted), sum(t.goal for t in wanted), to_targets
        ),
        Indicator.full_frequency: share(
            sum(t.missing == 0 for t in wanted), len(wanted), to_targets
        ),
        Indicator.call_rate: ratio(worked.valid, field_days, worked),
        Indicator.on_target: share(all_of.on_target.valid, worked.valid, all_of.on_target),
        Indicator.same_day: share(all_of.same_day.valid, all_of.planned, all_of.same_day),
        Indicator.near_day: share(all_of.near_day.valid, all_of.planned, all_of.near_day),
        Indicator.time_in_field: ratio(in_field / 3600, _days_in_field(cells), worked),
        Indicator.contact_share: share(all_of.contact_s, in_field, worked),
        Indicator.out_of_stock: share(all_of.stock_absent, all_of.stock_checked, worked),
        Indicator.evidence_rate: share(worked.confirmed, worked.closed, worked),
    }  # fmt: skip


def _days_in_field(cells: Iterable[Cell]) -> int:
    return len({(c.rep_id, c.day) for c in cells if c.first_in_s is not None and c.last_out_s})


def share(part: float, whole: float, visits: Tally) -> Measure:
    """A percentage with its parts; nothing can be said of an empty whole."""
    return Measure(100 * part / whole if whole else None, part, whole, visits)


def ratio(part: float, whole: float, visits: Tally) -> Measure:
    """So much per unit, with its parts."""
    return Measure(part / whole if whole else None, part, whole, visits)


# ---- lines ----

KEY_OF: dict[GroupBy, Callable[[Cell], str]] = {
    GroupBy.team: lambda c: c.team_id,
    GroupBy.rep: lambda c: c.rep_id,
    GroupBy.day: lambda c: c.day.isoformat(),
    GroupBy.category: lambda c: c.category,
}
TARGET_KEY: dict[GroupBy, Callable[[Target], str]] = {
    GroupBy.team: lambda t: t.team_id,
    GroupBy.rep: lambda t: t.rep_id,
    GroupBy.category: lambda t: t.category,
}
SHARED_OUT = frozenset({Indicator.time_in_field, Indicator.contact_share})
"""What can't be told of a category: a rep's day in the field has clients of all."""
UNDATED = frozenset({Indicator.coverage, Indicator.frequency, Indicator.full_frequency})
"""What can't be told of a single day: a target's plan knows no day."""


def lines(
    by: GroupBy, cells: Sequence[Cell], targets: Sequence[Target], days: Sequence[FieldDays],
    names: dict[str, str],
) -> list[Line]:  # fmt: skip
    """The table: a line for each key that has a name, in the order of `names`."""
    cells_by = _grouped(cells, KEY_OF[by])
    targets_by = _grouped(targets, TARGET_KEY[by]) if by in TARGET_KEY else {}
    return [
        line(key, name, cells_by.get(key, []), targets_by.get(key, []),
             field_days(by, key, days), _silent(by))
        for key, name in names.items()
    ]  # fmt: skip


def line(
    key: str, name: str, cells: Sequence[Cell], targets: Sequence[Target], worked: float,
    silent: frozenset[Indicator] = frozenset(),
) -> Line:  # fmt: skip
    """One group's line; indicators in `silent` say nothing of such a group."""
    found = measures(cells, targets, worked)
    for name_of in silent:
        found[name_of] = Measure(None, 0, 0, found[name_of].visits)
    return Line(key, name, sum(c.planned for c in cells), tally(c.closed for c in cells), found)


def _silent(by: GroupBy) -> frozenset[Indicator]:
    return {GroupBy.category: SHARED_OUT, GroupBy.day: UNDATED}.get(by, frozenset())


def field_days(by: GroupBy, key: str, days: Sequence[FieldDays]) -> float:
    """Field days of a group; every category shares all of them."""
    if by is GroupBy.rep:
        return sum(sum(d.by_day.values()) for d in days if d.rep_id == key)
    if by is GroupBy.team:
        return sum(sum(d.by_day.values()) for d in days if d.team_id == key)
    if by is GroupBy.day:
        return sum(d.by_day.get(date.fromisoformat(key), 0.0) for d in days)
    return sum(sum(d.by_day.values()) for d in days)


def _grouped[T](items: Iterable[T], key: Callable[[T], str]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return found


def bars(
    cells: Sequence[Cell], period: Period, today: date, is_work: Callable[[date], bool]
) -> list[DayBar]:
    """The chart's days: those that have begun and are workdays or have visits."""
    by_day = _grouped(cells, KEY_OF[GroupBy.day])
    found: list[DayBar] = []
    for n in range((period.until - period.starts_on).days + 1):
        day = period.starts_on + DAY * n
        here = by_day.get(day.isoformat(), [])
        if here or is_work(day):
            found.append(
                DayBar(
                    day, sum(c.planned for c in here), tally(c.closed for c in here), day == today
                )
            )
    return found


def weeks_back(today: date, count: int = TREND_WEEKS) -> list[tuple[date, date]]:
    """The last whole weeks, oldest first: one under way would seem to fall."""
    monday, _ = week_of(today)
    return [(monday - 7 * DAY * n, monday - 7 * DAY * n + 6 * DAY) for n in range(count, 0, -1)]


# ---- who covered whom ----


def credited(
    targets: Sequence[tuple[str, str]], done: Sequence[tuple[str, str, Tally, int]]
) -> list[tuple[Tally, int]]:
    """Each target's (client, rep) visits: the rep's own, and those of colleagues who have no target
    of the same client, which go to the client's first. `done` is (client, rep, tally, before)."""
    index = {key: n for n, key in reversed(list(enumerate(targets)))}
    first: dict[str, int] = {}
    for n, (client_id, _) in enumerate(targets):
        first.setdefault(client_id, n)
    found: list[tuple[Tally, int]] = [(Tally(), 0)] * len(targets)
    for client_id, rep_id, counted, before in done:
        n = index.get((client_id, rep_id), first.get(client_id))
        if n is not None:
            found[n] = (found[n][0] + counted, found[n][1] + before)
    return found


def gaps(targets: Iterable[Target], cell_of: Callable[[float, float], str]) -> list[Gap]:
    """Where visits are wanting: missing visits summed by cell, the widest gap first."""
    found: dict[str, tuple[int, int]] = {}
    for t in targets:
        if t.goal and t.lat is not None and t.lng is not None:
            cell = cell_of(t.lat, t.lng)
            missing, clients = found.get(cell, (0, 0))
            found[cell] = (missing + t.missing, clients + 1)
    made = [Gap(cell, missing, clients) for cell, (missing, clients) in found.items()]
    return sorted(made, key=lambda g: (-g.missing, g.cell))
