"""Every SQL statement of coverage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import and_, delete, exists, func, or_, select, tuple_
from sqlmodel import Session

from fieldcrm.clients import tables as clients
from fieldcrm.kit import tables as kit
from fieldcrm.reports.coverage_rules import Block
from fieldcrm.tracking import store as tracks
from fieldcrm.tracking import tables as tracking
from fieldcrm.visits import tables as visits

# columns, not values: a type checker takes a row's fields for what they hold
Day: Any = tracking.CoverageDay
Month: Any = tracking.CoverageMonth
Chunk: Any = tracking.TrackChunk
Shift: Any = tracking.Shift
Visit: Any = visits.Visit
Client: Any = clients.Client
Territory: Any = clients.Territory
Event: Any = kit.Event
SHIFT_EVENTS = ("shift.started", "shift.ended", "shift.paused", "shift.resumed")
VISIT_EVENTS = ("visit.close", "visit.revise", "visit.judged", "visit.reopen")
A_DAY = timedelta(days=1)


class Sources(NamedTuple):
    """What a rep's day is counted from."""

    chunks: Sequence[Any]
    shifts: Sequence[Any]
    visits: Sequence[Any]


# ---- counting ----


def sources(session: Session, rep_id: str, day: date, start: datetime, end: datetime) -> Sources:
    """A rep's local day from `start` to `end`."""
    rows = tracks.chunks_between(session, rep_id, start, end)
    shifts = tracks.shifts_between(session, rep_id, start, end)
    closed = (
        select(Visit.id, Visit.version, Visit.lat, Visit.lng, Visit.verdict, Visit.details,
               Visit.check_in, Client.category, Client.lat, Client.lng)
        .join(Client, Client.id == Visit.client_id)
        .where(Visit.rep_id == rep_id, Visit.day == day, Visit.state == "closed")
        .order_by(Visit.id)
    )  # fmt: skip
    return Sources(rows, shifts, session.execute(closed).all())


def day(session: Session, rep_id: str, day: date) -> Any:
    """A rep's counted day, None where it never was."""
    return session.get(tracking.CoverageDay, (day, rep_id), populate_existing=True)


def forget_month(session: Session, rep_id: str, month: int) -> None:
    """A month's sum no longer holds."""
    session.execute(delete(Month).where(Month.month == month, Month.rep_id == rep_id))


def chunks_written(
    session: Session, since: datetime, until: datetime, after: Sequence[Any], limit: int
) -> list[Any]:
    """(written, rep, hour, first fix, last fix) of chunks written in since..until, in that order.

    `after` is (written, rep, hour) of the last one of the page before, or empty.
    """
    keys = (Chunk.updated_at, Chunk.rep_id, Chunk.hour)
    asked = select(*keys, Chunk.first_at, Chunk.last_at).where(keys[0] > since, keys[0] <= until)
    if after:
        at, rep_id, hour = after
        same = keys[0] == at
        later = or_(keys[1] > rep_id, and_(keys[1] == rep_id, keys[2] > hour))
        asked = asked.where(or_(keys[0] > at, and_(same, later)))
    return list(session.execute(asked.order_by(*keys).limit(limit)))


def visit_days_changed(session: Session, since: datetime, until: datetime) -> set[tuple[str, date]]:
    """(rep, day) of visits that were closed, revised or judged within a time."""
    changed = select(Event.subject_id).where(
        Event.at > since, Event.at <= until, Event.kind.in_(VISIT_EVENTS)
    )
    found = session.execute(select(Visit.rep_id, Visit.day).where(Visit.id.in_(changed)).distinct())
    return {(rep_id, day) for rep_id, day in found}


def visit_days(session: Session) -> set[tuple[str, date]]:
    """(rep, day) of every closed visit there is."""
    found = session.execute(
        select(Visit.rep_id, Visit.day).where(Visit.state == "closed").distinct()
    )
    return {(rep_id, day) for rep_id, day in found}


def shifts_changed(session: Session, since: datetime, until: datetime) -> list[Any]:
    """(rep, started, ended) of shifts of which something was told within a time, or that go on."""
    told = select(Event.subject_id).where(
        Event.at > since, Event.at <= until, Event.kind.in_(SHIFT_EVENTS)
    )
    recent = and_(Shift.ended_at.is_(None), Shift.started_at > until - A_DAY)
    asked = select(Shift.rep_id, Shift.started_at, Shift.ended_at)
    return list(session.execute(asked.where(or_(Shift.id.in_(told), recent))))


def shifts_all(session: Session) -> list[Any]:
    """(rep, started, ended) of every shift: a day may have one and no fix."""
    return list(session.execute(select(Shift.rep_id, Shift.started_at, Shift.ended_at)))


def first_written(session: Session) -> datetime | None:
    """When the oldest chunk was written."""
    return session.execute(select(func.min(Chunk.updated_at))).scalar_one()


def keys_counted(session: Session) -> set[tuple[str, date]]:
    """(rep, day) of every day that was counted."""
    return {(rep_id, day) for rep_id, day in session.execute(select(Day.rep_id, Day.day))}


def emptied(session: Session, limit: int) -> list[tuple[str, date]]:
    """(rep, day) of days whose track was erased since they were counted."""
    asked = select(Day.rep_id, Day.day).where(Day.track_tag == "").limit(limit)
    return [(rep_id, day) for rep_id, day in session.execute(asked)]


def months_to_sum(session: Session, before: int, limit: int) -> list[tuple[str, int]]:
    """(rep, month) of past months whose days are counted and that have no sum yet."""
    has_sum = exists().where(Month.month == Day.month, Month.rep_id == Day.rep_id)
    asked = (
        select(Day.rep_id, Day.month).where(Day.month < before, ~has_sum).distinct().limit(limit)
    )
    return [(rep_id, month) for rep_id, month in session.execute(asked)]


def days_of_month(session: Session, rep_id: str, first: date, last: date) -> list[Any]:
    """(track, its tag, visits) of a rep's counted days."""
    asked = select(Day.track, Day.track_tag, Day.visits).where(
        Day.day >= first, Day.day <= last, Day.rep_id == rep_id
    )
    return list(session.execute(asked))


# ---- reading ----


def packed(session: Session, rep_ids: Sequence[str], block: Block) -> list[Any]:
    """(track, visits) of a block: a month's sums where they stand, else its days."""
    days = select(Day.track, Day.visits).where(
        Day.day >= block.first, Day.day <= block.last, Day.rep_id.in_(rep_ids)
    )
    if not block.is_whole:
        return list(session.execute(days))
    sums = select(Month.track, Month.visits).where(
        Month.month == block.month, Month.rep_id.in_(rep_ids)
    )
    has_sum = exists().where(Month.month == block.month, Month.rep_id == Day.rep_id)
    return [*session.execute(sums), *session.execute(days.where(~has_sum))]


def reps_packed(session: Session, rep_ids: Sequence[str], block: Block) -> list[Any]:
    """(rep, track, visits) of the month's sums of a whole month."""
    if not block.is_whole:
        return []
    asked = select(Month.rep_id, Month.track, Month.visits).where(
        Month.month == block.month, Month.rep_id.in_(rep_ids)
    )
    return list(session.execute(asked))


def days_packed(session: Session, rep_ids: Sequence[str], block: Block) -> list[Any]:
    """(rep, day, track, visits) of each counted day of a block."""
    asked = select(Day.rep_id, Day.day, Day.track, Day.visits).where(
        Day.day >= block.first, Day.day <= block.last, Day.rep_id.in_(rep_ids)
    )
    return list(session.execute(asked))


def visits_of(session: Session, keys: Iterable[tuple[str, date]]) -> list[Any]:
    """(rep, day, id, begun, lat, lng, check-in, client's lat, lng) of closed visits of some days."""
    asked = (
        select(Visit.rep_id, Visit.day, Visit.id, Visit.checked_in_at, Visit.lat, Visit.lng,
               Visit.check_in, Client.lat, Client.lng)
        .join(Client, Client.id == Visit.client_id)
        .where(tuple_(Visit.rep_id, Visit.day).in_(list(keys)), Visit.state == "closed")
        .order_by(Visit.checked_in_at)
    )  # fmt: skip
    return list(session.execute(asked))


def addresses(session: Session, team_ids: frozenset[str] | None) -> list[Any]:
    """(lat, lng, address, city) of clients of these teams' territories (None: of all)."""
    asked = select(Client.lat, Client.lng, Client.address, Client.city).where(
        Client.lat.is_not(None), Client.lng.is_not(None)
    )
    if team_ids is not None:
        own = select(Territory.id).where(Territory.team_id.in_(team_ids))
        asked = asked.where(Client.territory_id.in_(own))
    return list(session.execute(asked))


def counted_until(session: Session, rep_ids: Sequence[str]) -> datetime | None:
    """When any of these reps' days was last counted."""
    return session.execute(
        select(func.max(Day.counted_at)).where(Day.rep_id.in_(rep_ids))
    ).scalar_one()
