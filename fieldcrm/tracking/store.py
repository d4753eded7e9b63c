"""Every SQL statement of tracking."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, delete, func, or_, text, update
from sqlmodel import Session, col, select

from fieldcrm.kit.database import UtcDateTime
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


def chunk(session: Session, rep_id: str, start: datetime) -> TrackChunk | None:
    """The chunk of a rep that begins there."""
    return session.get(TrackChunk, (rep_id, start), populate_existing=True)


_CHUNK_AROUND = (
    select(TrackChunk)
    .where(
        col(TrackChunk.rep_id) == bindparam("rep", type_=String),
        col(TrackChunk.hour) <= bindparam("hour", type_=UtcDateTime),
    )
    .order_by(col(TrackChunk.hour).desc())
    .limit(1)
    .execution_options(populate_existing=True)
)
"""Put together once: the recorder asks it for each rep."""


def chunk_around(session: Session, rep_id: str, hour: datetime) -> TrackChunk | None:
    """The chunk to which a fix of this hour belongs: begun with the hour, or reaching into it."""
    row = session.execute(_CHUNK_AROUND, {"rep": rep_id, "hour": hour}).scalars().first()
    return row if row and (row.hour == hour or row.last_at >= hour) else None


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


def visits_of_day(session: Session, days: Iterable[object]) -> list[Visit]:
    """Planned and under-way visits of these local dates, in the order of each rep's day."""
    statement = select(Visit).where(
        col(Visit.day).in_(list(days)), col(Visit.state).in_(["planned", "under_way", "closed"])
    )
    return list(session.exec(statement.order_by(col(Visit.rep_id), col(Visit.position))))


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
