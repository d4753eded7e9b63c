"""Plan against actual within what the actor may see, and the visits behind each of its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

import h3
from sqlmodel import Session

from fieldcrm.evidence import service as evidence
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import Team, User
from fieldcrm.reports import rules, store
from fieldcrm.reports.model import (
    NO_CATEGORY,
    Cell,
    FieldDays,
    Filters,
    GapRow,
    GroupBy,
    Indicator,
    Line,
    Period,
    PeriodKind,
    Report,
    Target,
    UnknownGroup,
    VisitRow,
)

GAP_RESOLUTION = 9
"""H3 resolution of the gap map (edge about 174 m)."""
CATEGORIES = ("A", "B", "C", NO_CATEGORY)
PAGE = 100
EXPORT_MOST = 200_000


@dataclass(frozen=True)
class Choices:
    """What the actor may narrow a report to."""

    teams: list[Team]
    reps: list[User]
    territories: list[Any]


@dataclass(frozen=True)
class Behind:
    """A page of the visits behind a number, and the targets it lacks."""

    rows: list[VisitRow]
    gaps: list[GapRow]
    cursor: str | None


@dataclass(frozen=True)
class _View:
    """What every step of one report shares."""

    actor: Actor
    scope: store.Scope
    reps: list[User]
    now: datetime

    @property
    def today(self) -> date:
        return clock.local(self.now).date()


def choices(actor: Actor) -> Choices:
    """Teams, reps and territories within the actor's scope, by name."""
    with reading() as session:
        places = store.territories(session, people.visible_team_ids(actor))
    if actor.role is Role.rep:
        places = [t for t in places if t.rep_id == actor.user_id]
    return Choices(people.list_teams(actor), people.visible_reps(actor), places)


def period(actor: Actor, kind: PeriodKind, day: date | None = None, team_id: str = "") -> Period:
    """The period of a kind that holds a local day (today); a cycle is that of the actor's teams."""
    today = clock.local(clock.now()).date()
    teams = people.visible_team_ids(actor)
    wanted = [team_id] if team_id and (teams is None or team_id in teams) else teams
    with reading() as session:
        cycle = store.cycle_at(session, wanted, day or today)
    return rules.period_at(kind, day or today, today, cycle)


def plan_vs_actual(
    actor: Actor, period: Period, filters: Filters | None = None, by: GroupBy = GroupBy.rep
) -> Report:
    """The report of a period within the actor's scope, grouped by team, rep, day or category."""
    view = _view(actor, filters or Filters())
    before, weeks = rules.period_before(period), rules.weeks_back(view.today)
    with reading() as session:
        first = min(before.starts_on, weeks[0][0], period.starts_on)
        last = max(period.until, weeks[-1][1])
        cells = store.cells(session, view.scope, first, last, view.now)
        days = _field_days(session, view, first, min(last, view.today))
        targets = _targets(session, view, period)
        targets_before = _targets(session, view, before)
        reach = store.weekly_reach(session, view.scope, weeks, view.now)
    here, worked = _within(cells, period), _days_within(days, period)
    return Report(
        period, before, *_work_days(view.reps, period),
        total=_total(here, targets, worked),
        total_before=_before(cells, days, targets_before, before),
        lines=rules.lines(by, here, targets, worked, _names(view, by, here, period)),
        days=rules.bars(here, period, view.today, lambda d: _is_work_day(view.reps, d)),
        trends=_trends(cells, days, weeks, reach),
        gaps=rules.gaps(targets, lambda lat, lng: h3.latlng_to_cell(lat, lng, GAP_RESOLUTION)),
    )  # fmt: skip


def visits_behind(
    actor: Actor, what: str, period: Period, filters: Filters | None = None,
    by: GroupBy = GroupBy.rep, key: str = "", limit: int = PAGE, cursor: str | None = None,
    language: str | None = None,
) -> Behind:  # fmt: skip
    """The visits of a number: an indicator's, a verdict's, `planned`, `closed` or `suspect`.

    `key` is a line's of the table grouped by `by`, empty for the total; with a `language` reasons
    are told in words. Raises UnknownGroup.
    """
    view = _view(actor, filters or Filters())
    span = (period.starts_on, period.until)
    with reading() as session:
        chosen = store.behind(session, what, span, view.now)
        if chosen is None:
            raise UnknownGroup(what=what[:40])
        group, after = _in_group(by, key), _after(cursor)
        limit = max(1, min(limit, 500))
        rows = store.rows_behind(session, view.scope, span, chosen, group, limit + 1, after)
        lacking = _lacking(session, view, what, period, by, key) if cursor is None else []
    more = f"{rows[limit - 1].day}|{rows[limit - 1].id}" if len(rows) > limit else None
    return Behind(with_reasons(rows[:limit], language) if language else rows[:limit], lacking, more)


def with_reasons(rows: Sequence[VisitRow], language: str) -> list[VisitRow]:
    """Rows whose reasons are words: what speaks against a suspect visit, for another."""
    with reading() as session:
        found = store.latest_reasons(session, [r.id for r in rows])
    return [replace(r, reasons=_told(r, found.get(r.id, []), language)) for r in rows]


def _told(row: VisitRow, reasons: Sequence[dict[str, Any]], language: str) -> list[str]:
    suspect = row.verdict in ("doubtful", "contradicted")
    chosen = [r for r in reasons if (r["weight"] <= 0) == suspect]
    return [evidence.words(r["code"], r["params"], language) for r in chosen or reasons]


def all_behind(
    actor: Actor, what: str, period: Period, filters: Filters | None, language: str,
    most: int = EXPORT_MOST,
) -> list[VisitRow]:  # fmt: skip
    """The same without pages and with reasons in words, for exports; the first `most` of them."""
    view = _view(actor, filters or Filters())
    span = (period.starts_on, period.until)
    with reading() as session:
        chosen = store.behind(session, what, span, view.now)
        if chosen is None:
            raise UnknownGroup(what=what[:40])
        rows = store.rows_behind(session, view.scope, span, chosen, [], most, None)
    return with_reasons(rows, language)


# ---- steps ----


def _view(actor: Actor, filters: Filters) -> _View:
    rep_id = actor.user_id if actor.role is Role.rep else None
    scope = store.Scope(rep_id, people.visible_team_ids(actor), filters)
    reps = [r for r in people.visible_reps(actor, inactive=True) if _is_chosen(r, filters)]
    return _View(actor, scope, reps, clock.now())


def _is_chosen(rep: User, filters: Filters) -> bool:
    in_team = not filters.team_ids or rep.team_id in filters.team_ids
    return in_team and (not filters.rep_ids or rep.id in filters.rep_ids)


def _within(cells: Sequence[Cell], period: Period) -> list[Cell]:
    return [c for c in cells if period.starts_on <= c.day <= period.until]


def _days_within(days: Sequence[FieldDays], period: Period) -> list[FieldDays]:
    low, high = period.starts_on, period.until
    return [
        replace(d, by_day={k: v for k, v in d.by_day.items() if low <= k <= high}) for d in days
    ]


def _total(cells: Sequence[Cell], targets: Sequence[Target], days: Sequence[FieldDays]) -> Line:
    worked = sum(sum(d.by_day.values()) for d in days)
    return rules.line("", "", cells, targets, worked)


def _before(
    cells: Sequence[Cell], days: Sequence[FieldDays], targets: Sequence[Target], before: Period
) -> Line | None:
    """The period before, None when nothing is known of it."""
    there = _within(cells, before)
    return _total(there, targets, _days_within(days, before)) if there else None


def _targets(session: Session, view: _View, period: Period) -> list[Target]:
    """The plan's targets of a period, each with its goal and what was done."""
    wanted = store.wanted(session, view.scope, period.starts_on, period.ends_on)
    weekly: dict[tuple[str, str], int] = {}
    if period.kind is PeriodKind.week:
        weekly = store.planned_by_client(session, view.scope, period.starts_on, period.ends_on)
    found: list[Target] = []
    for cycle in sorted({w.cycle for w in wanted}):
        mine = [w for w in wanted if w.cycle == cycle]
        span = (max(period.starts_on, cycle[0]), min(period.until, cycle[1]))
        done = store.credits(session, view.scope.team_ids, span, cycle[0])
        given = rules.credited(
            [(w.client_id, w.rep_id) for w in mine],
            [(c.client_id, c.rep_id, c.done, c.before) for c in done],
        )
        found += [_target(w, t, b, period, weekly) for w, (t, b) in zip(mine, given, strict=True)]
    return found


def _target(
    w: store.Wanted, done: Any, before: int, period: Period, weekly: dict[tuple[str, str], int]
) -> Target:
    """A week's goal is what the plan set for it; a longer period's is its share of the cycle."""
    if period.kind is PeriodKind.week:
        goal = weekly.get((w.client_id, w.rep_id), 0)
    else:
        goal = rules.goal_within(w.planned, w.cycle, (period.starts_on, period.ends_on), before)
    return Target(w.client_id, w.rep_id, w.team_id, w.category, goal, done, w.lat, w.lng)


def _field_days(session: Session, view: _View, first: date, last: date) -> list[FieldDays]:
    """Each rep's field days; they begin with his first visit, and end with the last of one who left."""
    known = store.spans_of_reps(session, [r.id for r in view.reps])
    off = _time_off(session, view, first, last)
    return [
        _days_of(rep, known[rep.id], off.get(rep.id, {}), first, last, view.now)
        for rep in view.reps if rep.id in known
    ]  # fmt: skip


def _days_of(
    rep: User, known: tuple[date, date], off: dict[date, float], first: date, last: date,
    now: datetime,
) -> FieldDays:  # fmt: skip
    here = clock.local(now)
    passed = rules.day_share((rep.shift_start_min, rep.shift_end_min), here.hour * 60 + here.minute)
    until = last if rep.is_active else min(last, known[1])
    days = rules.worked_days(rep.work_days, max(first, known[0]), until, (here.date(), passed), off)
    return FieldDays(rep.id, rep.team_id or "", days)


def _time_off(
    session: Session, view: _View, first: date, last: date
) -> dict[str, dict[date, float]]:
    """Share of each day that reps spent off territory, as their shifts tell."""
    start, end = clock.day_bounds(first)[0], clock.day_bounds(last)[1]
    by_id = {r.id: r for r in view.reps}
    found: dict[str, dict[date, float]] = {}
    for shift in store.shifts(session, by_id, start, end):
        rep, day = by_id[shift.rep_id], clock.local(shift.started_at).date()
        pauses = [_pause(p, shift.ended_at or view.now) for p in shift.pauses
                  if p.get("kind") == "time_off"]  # fmt: skip
        if pauses:
            of_rep = found.setdefault(rep.id, {})
            shift_min = (rep.shift_start_min, rep.shift_end_min)
            lost = rules.off_share(pauses, clock.day_bounds(day)[0], shift_min)
            of_rep[day] = min(of_rep.get(day, 0.0) + lost, 1.0)
    return found


def _pause(pause: dict[str, Any], open_until: datetime) -> tuple[datetime, datetime]:
    begin = datetime.fromisoformat(pause["from"])
    return begin, datetime.fromisoformat(pause["to"]) if pause.get("to") else open_until


def _is_work_day(reps: Sequence[User], day: date) -> bool:
    return any(r.is_active and str(day.isoweekday()) in r.work_days for r in reps)


def _work_days(reps: Sequence[User], period: Period) -> tuple[int, int]:
    """Workdays of the period, and how many have begun."""
    length = (period.ends_on - period.starts_on).days + 1
    days = [period.starts_on + timedelta(days=n) for n in range(length)]
    work = [d for d in days if _is_work_day(reps, d)]
    return len(work), sum(d <= period.until for d in work)


def _names(view: _View, by: GroupBy, cells: Sequence[Cell], period: Period) -> dict[str, str]:
    """Keys and names of the table's lines in their order; days and categories name themselves."""
    seen = {rules.KEY_OF[by](c) for c in cells}
    if by is GroupBy.rep:
        return {r.id: r.name for r in view.reps if r.is_active or r.id in seen}
    if by is GroupBy.team:
        ids = seen | {r.team_id for r in view.reps if r.is_active and r.team_id}
        with reading() as session:
            return store.team_names(session, ids)
    if by is GroupBy.day:
        return {key: key for key in sorted(seen, reverse=True)}
    asked = view.scope.filters.categories or CATEGORIES
    return {c: c for c in CATEGORIES if c in asked and (c != NO_CATEGORY or c in seen)}


WEEKLY = (Indicator.call_rate, Indicator.same_day, Indicator.near_day, Indicator.evidence_rate,
          Indicator.on_target, Indicator.time_in_field, Indicator.contact_share)  # fmt: skip


def _trends(
    cells: Sequence[Cell], days: Sequence[FieldDays], weeks: Sequence[tuple[date, date]],
    reach: dict[int, tuple[int, int, int, int]],
) -> dict[Indicator, list[float | None]]:  # fmt: skip
    """Values by week; coverage and frequency of a week are those of its own plan."""
    found: dict[Indicator, list[float | None]] = {i: [] for i in WEEKLY}
    found[Indicator.coverage], found[Indicator.frequency] = [], []
    for n, (low, high) in enumerate(weeks):
        here = [c for c in cells if low <= c.day <= high]
        worked = sum(v for d in days for k, v in d.by_day.items() if low <= k <= high)
        values = rules.measures(here, [], worked)
        for name in WEEKLY:
            found[name].append(values[name].value if here else None)
        clients, met, planned, done = reach.get(n, (0, 0, 0, 0))
        found[Indicator.coverage].append(100 * met / clients if clients else None)
        found[Indicator.frequency].append(100 * done / planned if planned else None)
    return found


LACKING = frozenset({Indicator.coverage, Indicator.frequency, Indicator.full_frequency})


def _lacking(
    session: Session, view: _View, what: str, period: Period, by: GroupBy, key: str
) -> list[GapRow]:
    """Targets that a coverage or frequency lacks, the widest gap first."""
    if what not in LACKING or (by is GroupBy.day and key):
        return []
    in_line = rules.TARGET_KEY.get(by)
    targets = [
        t for t in _targets(session, view, period) if not key or (in_line and in_line(t) == key)
    ]
    short = [t for t in targets if t.missing and (what != Indicator.coverage or not t.done.valid)]
    short = sorted(short, key=lambda t: (-t.missing, t.category, t.client_id))[:500]
    names = store.names_of_clients(session, [t.client_id for t in short])
    reps = {r.id: r.name for r in view.reps}
    return [
        GapRow(t.client_id, names.get(t.client_id, ""), t.category, reps.get(t.rep_id, ""), t.goal,
               t.done.valid)
        for t in short
    ]  # fmt: skip


def _in_group(by: GroupBy, key: str) -> list[Any]:
    try:
        return store.in_group(by.value, key)
    except ValueError as error:
        raise UnknownGroup(what=key[:40]) from error


def _after(cursor: str | None) -> tuple[date, str] | None:
    if not cursor:
        return None
    day, _, visit_id = cursor.partition("|")
    try:
        return date.fromisoformat(day), visit_id
    except ValueError as error:
        raise UnknownGroup(what=cursor[:40]) from error
