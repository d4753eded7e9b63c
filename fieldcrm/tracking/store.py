"""Every SQL statement of tracking."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    String,
    Table,
    and_,
    bindparam,
    delete,
    func,
    or_,
    text,
    update,
)
from sqlmodel import Session, col, select

from fieldcrm.kit.database import UtcDateTime
from fieldcrm.tracking.model import AlertKind
from fieldcrm.tracking.tables import Alert, CoverageDay, CoverageMonth, Shift, TrackChunk
from fieldcrm.visits.tables import Visit

SHIFT_REACHES = timedelta(days=8)
"""So that a day's shifts are found among few, however many years a rep has worked."""
_ALERT_SPACE = 0x616C  # "al"
ERASED = "erased"
"""The tag of a counted day whose track is gone by policy or by wish."""
_LOCK_SPACE = 0x7472  # "tr": advisory locks of tracks, apart from those of other domains


def lock_track(session: Session, rep_id: str) -> None:
    """Let one writer at a time at a rep's chunks (SQLite's transactions do so already)."""
    if session.get_bind().dialect.name == "postgresql":
        statement = text("SELECT pg_advisory_xact_lock(:space, hashtext(:rep))")
        session.execute(statement, {"space": _LOCK_SPACE, "rep": rep_id})


def lock_tracks(session: Session, rep_ids: Sequence[str]) -> None:
    """The same for many reps at once, in the order given: the same for all, or they wait for ever."""
    if rep_ids and session.get_bind().dialect.name == "postgresql":
        locks = "SELECT pg_advisory_xact_lock(:space, hashtext(rep)) FROM unnest(CAST(:reps AS text[])) AS rep"
        session.execute(text(locks), {"space": _LOCK_SPACE, "reps": list(rep_ids)}).all()


def chunk(session: Session, rep_id: str, start: datetime) -> TrackChunk | None:
    """The chunk of a rep that begins there."""
    return session.get(TrackChunk, (rep_id, start), populate_existing=True)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A chunk as it lies in the database; beside the ORM, since the recorder rewrites many."""

    rep_id: str
    hour: datetime
    """Where it begins."""
    count: int
    first_at: datetime
    last_at: datetime
    data: bytes
    updated_at: datetime


_CHUNKS: Table = TrackChunk.__table__  # pyright: ignore[reportAttributeAccessIssue]
_NAMES = [field.name for field in fields(Stretch)]
_STRETCH = _CHUNKS.select().with_only_columns(*(_CHUNKS.c[name] for name in _NAMES))
_STRETCHES_AT = _STRETCH.where(
    _CHUNKS.c.rep_id.in_(bindparam("reps", expanding=True)),
    _CHUNKS.c.hour.in_(bindparam("hours", expanding=True)),
)
_STRETCH_AROUND = (
    _STRETCH.where(
        _CHUNKS.c.rep_id == bindparam("rep", type_=String),
        _CHUNKS.c.hour <= bindparam("hour", type_=UtcDateTime),
    )
    .order_by(_CHUNKS.c.hour.desc())
    .limit(1)
)
_REWRITE = (
    update(_CHUNKS)
    .where(_CHUNKS.c.rep_id == bindparam("in_rep"), _CHUNKS.c.hour == bindparam("in_hour"))
    .values({name: bindparam(name) for name in _NAMES[2:]})
)
"""Put together once: the recorder asks and writes for each rep."""


def stretches_at(
    session: Session, places: Sequence[tuple[str, datetime]]
) -> dict[tuple[str, datetime], Stretch | None]:
    """Those chunks, by rep and hour, that begin with one of these hours of a rep."""
    asked = {"reps": sorted({r for r, _ in places}), "hours": sorted({h for _, h in places})}
    rows = session.connection().execute(_STRETCHES_AT, asked)
    return {(row.rep_id, row.hour): row for row in (Stretch(*found) for found in rows)}


def stretch_around(session: Session, rep_id: str, hour: datetime) -> Stretch | None:
    """The chunk to which a fix of this hour belongs: begun with the hour, or reaching into it."""
    asked = {"rep": rep_id, "hour": hour}
    found = session.connection().execute(_STRETCH_AROUND, asked).first()
    row = Stretch(*found) if found else None
    return row if row and (row.hour == hour or row.last_at >= hour) else None


def write_stretches(
    session: Session, rows: Mapping[tuple[str, datetime], Stretch], known: Collection[Any]
) -> None:
    """Write chunks by rep and start: over those that are `known`, the others as new ones."""
    old = [_rewritten(rows[at]) for at in known]
    new = [asdict(row) for at, row in rows.items() if at not in known]
    if old:
        session.connection().execute(_REWRITE, old)
    if new:
        session.connection().execute(_CHUNKS.insert(), new)


def _rewritten(row: Stretch) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in _NAMES[2:]}
    return {"in_rep": row.rep_id, "in_hour": row.hour, **values}


def reps_written_between(
    session: Session, since: datetime, until: datetime, after: str, limit: int
) -> list[str]:
    """Reps beyond `after`, in order, to whose chunks was written after `since` and by `until`."""
    statement = (
        select(TrackChunk.rep_id)
        .where(
            TrackChunk.updated_at > since,
            TrackChunk.updated_at <= until,
            TrackChunk.rep_id > after,
        )
        .distinct()
        .order_by(TrackChunk.rep_id)
        .limit(limit)
    )
    return list(session.exec(statement))


def chunks_from_settled(
    session: Session, rep_id: str, since: datetime, until: datetime
) -> list[TrackChunk]:
    """A rep's chunks from the one before the first written in since..until, in order of time."""
    own = TrackChunk.rep_id == rep_id
    written = own, TrackChunk.updated_at > since, TrackChunk.updated_at <= until
    first = session.exec(select(func.min(TrackChunk.hour)).where(*written)).one()
    before = session.exec(select(func.max(TrackChunk.hour)).where(own, TrackChunk.hour < first))
    statement = select(TrackChunk).where(own, TrackChunk.hour >= (before.one() or first))
    ordered = statement.order_by(col(TrackChunk.hour))
    return list(session.exec(ordered.execution_options(populate_existing=True)))


def chunks_between(
    session: Session, rep_id: str, start: datetime, end: datetime
) -> list[TrackChunk]:
    """A rep's chunks that touch start..end, in order of time."""
    statement = select(TrackChunk).where(*_touching(rep_id, start, end))
    return list(session.exec(statement.order_by(col(TrackChunk.hour))))


def _touching(rep_id: Any, start: Any, end: Any) -> list[ColumnElement[bool]]:
    """Which chunks touch start..end, found by the key alone.

    Chunks of one rep don't overlap, so of those begun before only the last can reach into it.
    """
    own = col(TrackChunk.rep_id) == rep_id
    before = select(func.max(TrackChunk.hour)).where(own, col(TrackChunk.hour) <= start)
    return [
        own,
        col(TrackChunk.hour) >= func.coalesce(before.scalar_subquery(), start),
        col(TrackChunk.hour) <= end,
        col(TrackChunk.last_at) >= start,
        col(TrackChunk.first_at) <= end,
    ]


_DAY_FIRST, _DAY_LAST = bindparam("first", type_=UtcDateTime), bindparam("last", type_=UtcDateTime)
_DAY_CHUNKS = (
    select(TrackChunk.count, TrackChunk.updated_at, TrackChunk.data)
    .where(*_touching(bindparam("rep", type_=String), _DAY_FIRST, _DAY_LAST))
    .order_by(col(TrackChunk.hour))
)
_DAY_SHIFTS = (
    select(Shift.id, Shift.started_at, Shift.ended_at, Shift.pauses)
    .where(
        col(Shift.rep_id) == bindparam("rep", type_=String),
        col(Shift.started_at) > bindparam("since", type_=UtcDateTime),
        Shift.started_at < _DAY_LAST,
        or_(col(Shift.ended_at).is_(None), col(Shift.ended_at) > _DAY_FIRST),
    )
    .order_by(col(Shift.started_at))
)
"""Put together once: a player waits for them."""


def day_of(session: Session, rep_id: str, start: datetime, end: datetime) -> tuple[Any, Any]:
    """A rep's stretch for a player: rows of (fixes, when written, data) and of (shift, started,
    ended, pauses), both in order of time; shifts begun more than SHIFT_REACHES before are over."""
    asked, link = {"rep": rep_id, "first": start, "last": end}, session.connection()
    since = asked | {"since": start - SHIFT_REACHES}
    return link.execute(_DAY_CHUNKS, asked).all(), link.execute(_DAY_SHIFTS, since).all()


def shift(session: Session, shift_id: str) -> Shift | None:
    """A shift by its id."""
    return session.get(Shift, shift_id)


def open_shifts(session: Session, rep_id: str) -> list[Shift]:
    """A rep's shifts that nobody has ended, the oldest first."""
    statement = select(Shift).where(Shift.rep_id == rep_id, col(Shift.ended_at).is_(None))
    return list(session.exec(statement.order_by(col(Shift.started_at))))


def shifts_since(
    session: Session, since: datetime, rep_ids: Iterable[str] | None = None
) -> list[Shift]:
    """Shifts that were under way at some time after `since`, in order of start."""
    statement = select(Shift).where(
        or_(col(Shift.ended_at).is_(None), col(Shift.ended_at) >= since)
    )
    if rep_ids is not None:
        statement = statement.where(col(Shift.rep_id).in_(list(rep_ids)))
    return list(session.exec(statement.order_by(col(Shift.started_at))))


def shifts_between(session: Session, rep_id: str, start: datetime, end: datetime) -> list[Shift]:
    """A rep's shifts that touch start..end, in order of start."""
    statement = select(Shift).where(
        Shift.rep_id == rep_id,
        Shift.started_at < end,
        or_(col(Shift.ended_at).is_(None), col(Shift.ended_at) > start),
    )
    return list(session.exec(statement.order_by(col(Shift.started_at))))


def visits_under_way(
    session: Session, rep_ids: Iterable[str] | None = None
) -> list[tuple[str, datetime | None]]:
    """(rep, since when) of each visit that takes place now."""
    statement = select(Visit.rep_id, Visit.checked_in_at).where(Visit.state == "under_way")
    if rep_ids is not None:
        statement = statement.where(col(Visit.rep_id).in_(list(rep_ids)))
    return [(rep_id, since) for rep_id, since in session.exec(statement)]


def open_alerts(session: Session, team_ids: Iterable[str] | None = None) -> list[Alert]:
    """Alerts that nothing has resolved, the newest first; None is every team."""
    statement = select(Alert).where(col(Alert.resolved_at).is_(None))
    if team_ids is not None:
        statement = statement.where(col(Alert.team_id).in_(list(team_ids)))
    return list(session.exec(statement.order_by(col(Alert.at).desc())))


def silences(session: Session, since: datetime) -> list[Alert]:
    """Alerts of silence from a moment on, resolved or not."""
    silent = col(Alert.kind) == AlertKind.silent
    return list(session.exec(select(Alert).where(col(Alert.at) >= since, silent)))


def alerts_resolved_since(session: Session, since: datetime) -> list[Alert]:
    """Alerts resolved lately."""
    return list(session.exec(select(Alert).where(col(Alert.resolved_at) >= since)))


def alert(session: Session, alert_id: str) -> Alert | None:
    """An alert by its id."""
    return session.get(Alert, alert_id)


def fixes_stored(session: Session, rep_ids: Iterable[str] | None = None) -> int:
    """How many fixes all chunks hold."""
    statement = select(func.coalesce(func.sum(TrackChunk.count), 0))
    if rep_ids is not None:
        statement = statement.where(col(TrackChunk.rep_id).in_(list(rep_ids)))
    return int(session.exec(statement).one())


Stop = tuple[str, str, str, datetime | None, float | None, float | None]
"""A visit's id, rep, state, planned start, lat and lng: whole rows of everybody's day cost ten times that."""


def stops_of_day(session: Session, day: date) -> list[Stop]:
    """Visits of a local date that still count, in the order of each rep's day."""
    columns: Any = (Visit.id, Visit.rep_id, Visit.state, Visit.planned_at, Visit.lat, Visit.lng)
    wanted = select(*columns).where(
        Visit.day == day, col(Visit.state).in_(["planned", "under_way", "closed"])
    )
    return list(session.exec(wanted.order_by(col(Visit.rep_id), col(Visit.position))))


def lock_alerts(session: Session) -> None:
    """Let one watcher at a time at the alerts (SQLite's transactions do so already)."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:space, 0)"), {"space": _ALERT_SPACE})


def alerts_of(session: Session, rep_id: str) -> list[Alert]:
    """Every alert there ever was about a rep that is kept, the oldest first."""
    statement = select(Alert).where(Alert.rep_id == rep_id)
    return list(session.exec(statement.order_by(col(Alert.at))))


def forget_alerts(session: Session, rep_id: str) -> int:
    """Erase the alerts about a rep, since they tell where he was; returns how many."""
    return session.execute(delete(Alert).where(col(Alert.rep_id) == rep_id)).rowcount  # type: ignore[attr-defined]


def alerts_before(session: Session, moment: datetime) -> int:
    """How many settled alerts are older than a moment."""
    return int(session.exec(select(func.count()).where(*_settled_before(moment))).one())


def erase_alerts_before(session: Session, moment: datetime) -> int:
    """Erase settled alerts older than a moment; returns how many there were."""
    return session.execute(delete(Alert).where(*_settled_before(moment))).rowcount  # type: ignore[attr-defined]


def _settled_before(moment: datetime) -> list[ColumnElement[bool]]:
    return [col(Alert.at) < moment, col(Alert.resolved_at).is_not(None)]


def fixes_before(session: Session, moment: datetime) -> tuple[int, int]:
    """(fixes, reps) of the chunks that end before a moment."""
    statement = select(
        func.coalesce(func.sum(TrackChunk.count), 0),
        func.count(func.distinct(TrackChunk.rep_id)),
    ).where(TrackChunk.last_at < moment)
    fixes, reps = session.exec(statement).one()
    return int(fixes), int(reps)


def reps_tracked_before(session: Session, moment: datetime) -> list[str]:
    """Reps of whom there are fixes older than a moment."""
    statement = select(TrackChunk.rep_id).where(TrackChunk.first_at < moment).distinct()
    return sorted(session.exec(statement))


def chunk_starts(session: Session, rep_id: str) -> list[datetime]:
    """Where a rep's chunks begin, in order of time."""
    statement = select(TrackChunk.hour).where(TrackChunk.rep_id == rep_id)
    return list(session.exec(statement.order_by(col(TrackChunk.hour))))


def forget_coverage(session: Session, rep_id: str, first: date, last: date) -> None:
    """Empty what was counted from a rep's track on these local days.

    The first and the last are counted again; those between have no track any more, which is no
    silence of his.
    """
    own = col(CoverageDay.rep_id) == rep_id, col(CoverageDay.track_tag) != ERASED
    day = col(CoverageDay.day)
    between, ends = and_(day > first, day < last), day.in_((first, last))
    months = select(CoverageDay.month).where(*own, or_(between, ends)).distinct()
    for month in session.exec(months).all():
        session.execute(
            delete(CoverageMonth).where(
                col(CoverageMonth.rep_id) == rep_id, col(CoverageMonth.month) == month
            )
        )
    for which, tag in ((between, ERASED), (ends, "")):
        gone = update(CoverageDay).where(*own, which).values(track=b"", track_tag=tag)
        session.execute(gone)
