"""Every SQL statement of the reports: visits summed where they lie, targets, field days, lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    CTE,
    Date,
    Integer,
    String,
    and_,
    case,
    cast,
    extract,
    false,
    func,
    literal,
    or_,
    select,
    true,
)  # fmt: skip
from sqlalchemy.orm import aliased
from sqlmodel import Session

from fieldcrm.clients import tables as clients
from fieldcrm.evidence import tables as evidence
from fieldcrm.kit import clock
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.kit.database import UtcDateTime
from fieldcrm.people import tables as people
from fieldcrm.planning import tables as planning
from fieldcrm.reports.model import NO_CATEGORY, VERDICTS, Cell, Filters, Tally, VisitRow
from fieldcrm.tracking import tables as tracking
from fieldcrm.visits import tables as visits

# columns, not values: a type checker takes a row's fields for what they hold
Visit: Any = visits.Visit
Client: Any = clients.Client
Territory: Any = clients.Territory
Verdict: Any = evidence.Verdict
Team: Any = people.Team
User: Any = people.User
Cycle: Any = planning.Cycle
CycleTarget: Any = planning.CycleTarget
Shift: Any = tracking.Shift

Moved, Last = shared_alias(Visit, name="moved"), shared_alias(Visit, name="last")
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scope:
    """Whose visits may be counted: of one rep, of teams (None: all), narrowed by filters."""

    rep_id: str | None
    team_ids: frozenset[str] | None
    filters: Filters


@dataclass(frozen=True)
class Credit:
    """Closed visits of a rep to a client within a span, and valid ones between its cycle's start and it."""

    client_id: str
    rep_id: str
    done: Tally
    before: int


@dataclass(frozen=True)
class Wanted:
    """A target of a cycle as the plan has it."""

    client_id: str
    rep_id: str
    team_id: str
    category: str
    planned: int
    cycle: tuple[date, date]
    lat: float | None
    lng: float | None


# ---- the smallest conditions, shared by numbers and by the lists behind them ----


def scoped(scope: Scope) -> list[Any]:
    """Conditions that keep a statement over Visit and Client within the scope."""
    f, where = scope.filters, []
    if scope.rep_id is not None:
        where.append(Visit.rep_id == scope.rep_id)
    elif scope.team_ids is not None:
        where.append(Visit.team_id.in_(scope.team_ids))
    for column, wanted in (
        (Visit.team_id, f.team_ids), (Visit.rep_id, f.rep_ids), (Client.territory_id, f.territory_ids),
    ):  # fmt: skip
        if wanted:
            where.append(column.in_(wanted))
    if f.categories:
        where.append(CATEGORY.in_(f.categories))
    return where


CATEGORY = func.coalesce(Client.category, NO_CATEGORY)
IS_CLOSED = Visit.state == "closed"
IS_VALID = and_(IS_CLOSED, Visit.verdict != "contradicted")


def is_first() -> Any:
    """Planned ahead, and not what a moved visit became: the plan's own word on a day."""
    became = select(Moved.moved_to_id).where(Moved.moved_to_id.is_not(None))
    return and_(Visit.is_unplanned.is_(False), Visit.id.not_in(became))


def is_due(today: date, now: datetime) -> Any:
    """Of an earlier day, or of today with its time come (or done early)."""
    come = or_(IS_CLOSED, Visit.planned_at <= now)
    return or_(Visit.day < today, and_(Visit.day == today, come))


def moved_ends() -> Any:
    """What became of moved visits: the first one's id, with state, closing and verdict of the last."""
    first = aliased(Visit, name="first_one")
    became = select(Moved.moved_to_id).where(Moved.moved_to_id.is_not(None))
    chain: CTE = (
        select(first.id.label("root_id"), first.moved_to_id.label("at_id"))
        .where(first.moved_to_id.is_not(None), first.id.not_in(became))
        .cte("chain", recursive=True)
    )
    step = aliased(Visit, name="step")
    chain = chain.union_all(
        select(chain.c.root_id, step.moved_to_id)
        .join(step, step.id == chain.c.at_id)
        .where(step.moved_to_id.is_not(None))
    )
    return (
        select(chain.c.root_id, Last.state, Last.closed_at, Last.verdict)
        .join(Last, Last.id == chain.c.at_id)
        .where(Last.moved_to_id.is_(None))
        .subquery("later")
    )


def days_late(session: Session, moment: Any, day: Any, span: tuple[date, date]) -> Any:
    """Local date of a moment minus a date, in days, within a span of dates (for SQLite's offsets)."""
    if session.get_bind().dialect.name == "postgresql":
        return cast(func.timezone(clock.zone().key, moment), Date) - day
    shifted = [
        (moment < literal(until, UtcDateTime()), func.date(moment, f"{seconds:+d} seconds"))
        for until, seconds in utc_offsets(clock.zone(), *span)
    ]
    local = case(*shifted, else_=None)
    apart = cast(func.julianday(local) - func.julianday(day), Integer)
    return case((local == day, 0), else_=apart)  # most are; SQLite's date functions are slow


def utc_offsets(zone: ZoneInfo, first: date, last: date) -> list[tuple[datetime, int]]:
    """Offsets east of UTC (seconds) of a zone around a span: (until when, offset), in order."""
    hour = timedelta(hours=1)
    at = datetime(first.year, first.month, first.day, tzinfo=UTC) - 40 * DAY
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + 400 * DAY
    found: list[tuple[datetime, int]] = []
    while at < end:
        here = _offset(at, zone)
        after = at
        while after < end and _offset(after, zone) == here:
            after += DAY
        while after < end and _offset(after - hour, zone) != here:
            after -= hour
        found.append((after, here))
        at = after
    return found


def _offset(moment: datetime, zone: ZoneInfo) -> int:
    shift = moment.astimezone(zone).utcoffset()
    return int(shift.total_seconds()) if shift else 0


def targets_of(first: date, last: date) -> Any:
    """Which client was a target of which team's cycle, from when to when."""
    return (
        select(
            CycleTarget.client_id, Cycle.team_id, Cycle.starts_on, Cycle.ends_on,
        )
        .join(Cycle, Cycle.id == CycleTarget.cycle_id)
        .where(Cycle.starts_on <= last, Cycle.ends_on >= first)
        .distinct()
        .subquery("aim")
    )  # fmt: skip


# ---- cells ----


def cells(session: Session, scope: Scope, first: date, last: date, now: datetime) -> list[Cell]:
    """Visits of a span summed by rep, day and category (see Cell)."""
    marked = _marked(session, scope, first, last, now)
    m = marked.c
    keys = (m.team_id, m.rep_id, m.day, m.category)
    is_valid = and_(m.is_closed, m.verdict != "contradicted")
    sums = [
        _sum(m.is_planned),
        *_tally(m.is_closed, m.verdict), *_tally(and_(m.is_closed, m.is_target), m.verdict),
        *_tally(and_(m.is_planned, m.late == 0), m.end_verdict),
        *_tally(and_(m.is_planned, m.late.between(-1, 1)), m.end_verdict),
        func.coalesce(func.sum(case((is_valid, m.out_s - m.in_s))), 0),
        func.min(case((is_valid, m.in_s))), func.max(case((is_valid, m.out_s))),
    ]  # fmt: skip
    stock = _stock(session, scope, first, last)
    found = session.execute(select(*keys, *sums).group_by(*keys)).all()
    return [_cell(row, stock.get((row[1], _as_date(row[2]), row[3]), (0, 0))) for row in found]


def _cell(row: Any, stock: tuple[int, int]) -> Cell:
    n: list[Any] = [int(v) if v is not None else None for v in row[4:]]
    return Cell(
        row[0], row[1], _as_date(row[2]), row[3], n[0] or 0, Tally(*n[1:5]), Tally(*n[5:9]),
        Tally(*n[9:13]), Tally(*n[13:17]), n[17] or 0, n[18], n[19], *stock,
    )  # fmt: skip


def _as_date(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _marked(session: Session, scope: Scope, first: date, last: date, now: datetime) -> CTE:
    """One row a visit with what the sums ask, worked out once."""
    later, aim = moved_ends(), targets_of(first, last)
    end_state = func.coalesce(later.c.state, Visit.state)
    end_closed = func.coalesce(later.c.closed_at, Visit.closed_at)
    lateness = days_late(session, end_closed, Visit.day, (first, last))
    epoch_in, epoch_out = extract("epoch", Visit.checked_in_at), extract("epoch", Visit.closed_at)
    planned = and_(is_first(), is_due(clock.local(now).date(), now))
    return (
        select(
            Visit.team_id, Visit.rep_id, Visit.day, CATEGORY.label("category"), Visit.verdict,
            IS_CLOSED.label("is_closed"), planned.label("is_planned"),
            aim.c.client_id.is_not(None).label("is_target"),
            func.coalesce(later.c.verdict, Visit.verdict).label("end_verdict"),
            case((end_state == "closed", lateness), else_=None).label("late"),
            epoch_in.label("in_s"), epoch_out.label("out_s"),
        )
        .join(Client, Client.id == Visit.client_id)
        .outerjoin(later, later.c.root_id == Visit.id)
        .outerjoin(aim, _aims(aim))
        .where(Visit.day >= first, Visit.day <= last, *scoped(scope))
        .cte("marked").prefix_with("MATERIALIZED")
    )  # fmt: skip


def _aims(aim: Any) -> Any:
    return and_(
        aim.c.client_id == Visit.client_id, aim.c.team_id == Visit.team_id,
        aim.c.starts_on <= Visit.day, aim.c.ends_on >= Visit.day,
    )  # fmt: skip


def _sum(condition: Any) -> Any:
    return func.sum(case((condition, 1), else_=0))


def _tally(condition: Any, verdict: Any) -> list[Any]:
    return [_sum(and_(condition, verdict == each)) for each in VERDICTS]


def _stock(
    session: Session, scope: Scope, first: date, last: date
) -> dict[tuple[str, date, str], tuple[int, int]]:
    """Shelf checks by rep, day and category: (made, found absent)."""
    wanted = (
        select(Visit.rep_id, Visit.day, CATEGORY, Visit.details)
        .join(Client, Client.id == Visit.client_id)
        .where(Visit.day >= first, Visit.day <= last, IS_VALID, _has_stock(), *scoped(scope))
    )
    found: dict[tuple[str, date, str], tuple[int, int]] = {}
    for rep_id, day, category, details in session.execute(wanted):
        made, absent = found.get((rep_id, day, category), (0, 0))
        checks = _checks(details)
        found[rep_id, day, category] = (made + len(checks), absent + checks.count(False))
    return found


def _has_stock() -> Any:
    return cast(Visit.details, String).contains('"stock"')


def _checks(details: Any) -> list[Any]:
    if isinstance(details, str):
        details = json.loads(details)
    stock = details.get("stock") if isinstance(details, dict) else None
    return list(stock.values()) if isinstance(stock, dict) else []


# ---- the plan's targets ----


def wanted(session: Session, scope: Scope, first: date, last: date) -> list[Wanted]:
    """Targets of cycles that overlap a span, within the scope."""
    f = scope.filters
    where: list[Any] = [Cycle.starts_on <= last, Cycle.ends_on >= first]
    if scope.rep_id is not None:
        where.append(CycleTarget.rep_id == scope.rep_id)
    elif scope.team_ids is not None:
        where.append(Cycle.team_id.in_(scope.team_ids))
    for column, chosen in (
        (Cycle.team_id, f.team_ids), (CycleTarget.rep_id, f.rep_ids),
        (Client.territory_id, f.territory_ids),
    ):  # fmt: skip
        if chosen:
            where.append(column.in_(chosen))
    if f.categories:
        where.append(CATEGORY.in_(f.categories))
    asked = (
        select(CycleTarget.client_id, CycleTarget.rep_id, Cycle.team_id, CATEGORY, CycleTarget.planned,
               Cycle.starts_on, Cycle.ends_on, Client.lat, Client.lng)
        .join(Cycle, Cycle.id == CycleTarget.cycle_id)
        .join(Client, Client.id == CycleTarget.client_id)
        .where(*where)
        .order_by(CycleTarget.id)
    )  # fmt: skip
    return [
        Wanted(r[0], r[1], r[2], r[3], r[4], (r[5], r[6]), r[7], r[8])
        for r in session.execute(asked)
    ]


def credits(
    session: Session, team_ids: frozenset[str] | None, span: tuple[date, date], since: date
) -> list[Credit]:
    """Closed visits by client and rep within a span; valid ones from `since` until it began.

    Not narrowed by a rep: a colleague's visit covers a client too.
    """
    inside = and_(Visit.day >= span[0], Visit.day <= span[1])
    ahead = _sum(and_(Visit.day < span[0], Visit.verdict != "contradicted"))
    where: list[Any] = [IS_CLOSED, Visit.day >= min(since, span[0]), Visit.day <= span[1]]
    if team_ids is not None:
        where.append(Visit.team_id.in_(team_ids))
    asked = (
        select(Visit.client_id, Visit.rep_id, *_tally(inside, Visit.verdict), ahead)
        .where(*where).group_by(Visit.client_id, Visit.rep_id)
    )  # fmt: skip
    return [Credit(r[0], r[1], Tally(*map(int, r[2:6])), int(r[6])) for r in session.execute(asked)]


def planned_by_client(
    session: Session, scope: Scope, first: date, last: date
) -> dict[tuple[str, str], int]:
    """Visits that the plan first set for a span, by client and rep, due or not."""
    asked = (
        select(Visit.client_id, Visit.rep_id, func.count())
        .join(Client, Client.id == Visit.client_id)
        .where(Visit.day >= first, Visit.day <= last, is_first(), *scoped(scope))
        .group_by(Visit.client_id, Visit.rep_id)
    )
    return {(c, r): n for c, r, n in session.execute(asked)}


def weekly_reach(
    session: Session, scope: Scope, weeks: Sequence[tuple[date, date]], now: datetime
) -> dict[int, tuple[int, int, int, int]]:
    """By week's number: clients planned, of them seen; visits planned, of them done (valid)."""
    number = case(*((Visit.day <= last, n) for n, (_, last) in enumerate(weeks)), else_=-1)
    later = moved_ends()
    state = func.coalesce(later.c.state, Visit.state)
    verdict = func.coalesce(later.c.verdict, Visit.verdict)
    done = and_(state == "closed", verdict != "contradicted")
    asked = (
        select(number, func.count(Visit.client_id.distinct()),
               func.count(case((done, Visit.client_id), else_=None).distinct()),
               func.count(), _sum(done))
        .join(Client, Client.id == Visit.client_id)
        .outerjoin(later, later.c.root_id == Visit.id)
        .where(Visit.day >= weeks[0][0], Visit.day <= weeks[-1][1], is_first(),
               is_due(clock.local(now).date(), now), *scoped(scope))
        .group_by(number)
    )  # fmt: skip
    return {r[0]: (r[1], r[2], r[3], int(r[4])) for r in session.execute(asked)}


# ---- people and their days ----


def spans_of_reps(session: Session, rep_ids: Iterable[str]) -> dict[str, tuple[date, date]]:
    """First and last day on which each rep has any visit."""
    asked = select(Visit.rep_id, func.min(Visit.day), func.max(Visit.day)).where(
        Visit.rep_id.in_(list(rep_ids))
    )
    rows = session.execute(asked.group_by(Visit.rep_id))
    return {rep: (_as_date(low), _as_date(high)) for rep, low, high in rows}


def shifts(
    session: Session, rep_ids: Iterable[str], start: datetime, end: datetime
) -> list[tracking.Shift]:
    """Shifts that began within a span."""
    asked = select(Shift).where(
        Shift.rep_id.in_(list(rep_ids)), Shift.started_at >= start, Shift.started_at < end
    )
    return list(session.execute(asked).scalars())


def cycle_at(
    session: Session, team_ids: Iterable[str] | None, day: date
) -> tuple[date, date] | None:
    """The cycle of these teams (None: of all) that holds a day, the latest begun, else the last one."""
    asked = select(Cycle.starts_on, Cycle.ends_on)
    if team_ids is not None:
        asked = asked.where(Cycle.team_id.in_(list(team_ids)))
    holds = case((and_(Cycle.starts_on <= day, Cycle.ends_on >= day), 0), else_=1)
    row = session.execute(asked.order_by(holds, Cycle.starts_on.desc()).limit(1)).first()
    return (row[0], row[1]) if row else None


def territories(session: Session, team_ids: frozenset[str] | None) -> list[clients.Territory]:
    """Territories of teams (None: of all), by name."""
    asked = select(Territory)
    if team_ids is not None:
        asked = asked.where(Territory.team_id.in_(team_ids))
    return list(session.execute(asked.order_by(Territory.name, Territory.id)).scalars())


def team_names(session: Session, team_ids: Iterable[str]) -> dict[str, str]:
    asked = select(Team.id, Team.name).where(Team.id.in_(list(team_ids)))
    return dict(session.execute(asked.order_by(Team.name)).all())  # type: ignore[arg-type]


# ---- the visits behind a number ----


@dataclass(frozen=True)
class Behind:
    """Which visits stand behind a number, and which of them raise it."""

    where: Any
    counts: Any


def behind(session: Session, what: str, span: tuple[date, date], now: datetime) -> Behind | None:
    """The visits of an indicator, a verdict, `planned` or `closed`; None for an unknown word."""
    later, aim = moved_ends(), targets_of(*span)
    planned = and_(is_first(), is_due(clock.local(now).date(), now))
    state = _later(later.c.state, later, Visit.state)
    verdict = _later(later.c.verdict, later, Visit.verdict)
    closed_at = _later(later.c.closed_at, later, Visit.closed_at)
    late = days_late(session, closed_at, Visit.day, span)
    done = and_(state == "closed", verdict != "contradicted")
    is_target = select(literal(1)).select_from(aim).where(_aims(aim)).correlate(Visit).exists()
    to_target = and_(IS_CLOSED, is_target)
    absent = cast(Visit.details, String).regexp_match(r'"stock": *\{[^}]*false')
    known: dict[str, Behind] = {
        "coverage": Behind(to_target, IS_VALID), "frequency": Behind(to_target, IS_VALID),
        "full_frequency": Behind(to_target, IS_VALID), "call_rate": Behind(IS_CLOSED, IS_VALID),
        "on_target": Behind(IS_VALID, is_target),
        "same_day": Behind(planned, and_(done, late == 0)),
        "near_day": Behind(planned, and_(done, late.between(-1, 1))),
        "time_in_field": Behind(IS_VALID, true()), "contact_share": Behind(IS_VALID, true()),
        "out_of_stock": Behind(and_(IS_VALID, _has_stock()), absent),
        "evidence_rate": Behind(IS_CLOSED, and_(IS_CLOSED, Visit.verdict == "confirmed")),
        "planned": Behind(planned, done), "closed": Behind(IS_CLOSED, IS_VALID),
        "suspect": Behind(and_(IS_CLOSED, Visit.verdict.in_(("doubtful", "contradicted"))),
                          IS_VALID),
    }  # fmt: skip
    for each in VERDICTS:
        known[each] = Behind(and_(IS_CLOSED, Visit.verdict == each), IS_VALID)
    return known.get(what)


def _later(column: Any, later: Any, own: Any) -> Any:
    """A value of what a moved visit became, else its own."""
    found = select(column).where(later.c.root_id == Visit.id).correlate(Visit).scalar_subquery()
    return func.coalesce(found, own)


def rows_behind(
    session: Session, scope: Scope, span: tuple[date, date], chosen: Behind, group: Sequence[Any],
    limit: int, after: tuple[date, str] | None,
) -> list[VisitRow]:  # fmt: skip
    """Visits, the latest day first, from `after` (day, id) on."""
    asked: Any = (
        select(Visit.id, Visit.rep_id, User.name, Visit.client_id, Client.name, CATEGORY, Visit.day,
               Visit.state, Visit.result, Visit.verdict, Visit.verdict_reasons,
               case((chosen.counts, 1), else_=0))
        .join(Client, Client.id == Visit.client_id)
        .join(User, User.id == Visit.rep_id)
        .where(Visit.day >= span[0], Visit.day <= span[1], chosen.where, *group, *scoped(scope))
        .order_by(Visit.day.desc(), Visit.id.desc()).limit(limit)
    )  # fmt: skip
    if after is not None:
        earlier = and_(Visit.day == after[0], Visit.id < after[1])
        asked = asked.where(or_(Visit.day < after[0], earlier))
    return [_visit_row(r) for r in session.execute(asked)]


def _visit_row(row: Any) -> VisitRow:
    *plain, counts = row
    return VisitRow(*plain, counts=bool(counts))


def in_group(by: str, key: str) -> list[Any]:
    """Conditions of one line of the table; an empty key is the total."""
    if not key:
        return []
    if by == "day":
        return [Visit.day == date.fromisoformat(key)]
    column = {"team": Visit.team_id, "rep": Visit.rep_id, "category": CATEGORY}.get(by)
    return [false() if column is None else column == key]


def latest_reasons(session: Session, visit_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Reasons of each visit's newest verdict, the weightiest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for n in range(0, len(visit_ids), 500):
        asked = select(Verdict.visit_id, Verdict.reasons).where(
            Verdict.visit_id.in_(visit_ids[n : n + 500])
        )
        rows = session.execute(asked.order_by(Verdict.at, Verdict.id))
        found |= dict(rows.all())  # type: ignore[arg-type]
    return found


def names_of_clients(session: Session, ids: Sequence[str]) -> dict[str, str]:
    rows = session.execute(select(Client.id, Client.name).where(Client.id.in_(ids)))
    return dict(rows.all())  # type: ignore[arg-type]
