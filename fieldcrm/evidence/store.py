"""Every SQL statement of evidence."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import exists, func
from sqlmodel import Session, col, select

from fieldcrm.evidence.tables import Verdict
from fieldcrm.people.tables import User
from fieldcrm.tracking.tables import Shift, TrackChunk
from fieldcrm.visits.tables import Attachment, Visit


def unjudged(session: Session, since: date) -> list[Visit]:
    """Closed visits that wait for their first verdict, the oldest first."""
    wanted = select(Visit).where(
        Visit.state == "closed", Visit.verdict == "unjudged", Visit.day >= since
    )
    return list(session.exec(wanted.order_by(col(Visit.closed_at))))


Span = tuple[str, datetime, datetime, datetime]
"""(rep id, start, end, when it became known)"""


def chunks_written_since(session: Session, moment: datetime) -> list[Span]:
    """Stretches of track that were written after a moment."""
    wanted = select(
        TrackChunk.rep_id, TrackChunk.hour, TrackChunk.last_at, TrackChunk.updated_at
    ).where(TrackChunk.updated_at > moment)
    return [tuple(row) for row in session.exec(wanted)]  # type: ignore[misc]


def shifts_ended_since(session: Session, moment: datetime) -> list[Span]:
    """Shifts that ended after a moment."""
    wanted = select(Shift.rep_id, Shift.started_at, Shift.ended_at, Shift.ended_at).where(
        col(Shift.ended_at) > moment
    )
    return [tuple(row) for row in session.exec(wanted)]  # type: ignore[misc]


def judged(
    session: Session, rep_ids: Collection[str], since: date, before: datetime
) -> list[Visit]:
    """Visits of these reps and days that were judged before a moment, the longest ago first."""
    wanted = select(Visit).where(
        col(Visit.rep_id).in_(rep_ids), Visit.day >= since, Visit.state == "closed",
        Visit.verdict != "unjudged", col(Visit.judged_at) <= before,
    )  # fmt: skip
    return list(session.exec(wanted.order_by(col(Visit.judged_at))))


def with_newer_photos(
    session: Session, arrived_after: datetime, since: date, before: datetime
) -> list[Visit]:
    """Visits judged before a moment, some photo of which arrived after their verdict."""
    arrived = col(Attachment.stored_at)
    newer = exists().where(
        col(Attachment.visit_id) == Visit.id, arrived > arrived_after,
        arrived > col(Visit.judged_at),
    )  # fmt: skip
    wanted = select(Visit).where(
        Visit.day >= since, Visit.state == "closed", Visit.verdict != "unjudged",
        col(Visit.judged_at) <= before, newer,
    )  # fmt: skip
    return list(session.exec(wanted.order_by(col(Visit.judged_at))))


def visit(session: Session, visit_id: str) -> Visit | None:
    """A visit, locked until the transaction ends."""
    wanted = select(Visit).where(Visit.id == visit_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def closed_of_day(session: Session, rep_id: str, day: date) -> list[Visit]:
    wanted = select(Visit).where(Visit.rep_id == rep_id, Visit.day == day, Visit.state == "closed")
    return list(session.exec(wanted))


def attachments(session: Session, visit_ids: Collection[str]) -> dict[str, list[Attachment]]:
    """Attachments by visit."""
    found: dict[str, list[Attachment]] = {}
    wanted = select(Attachment).where(col(Attachment.visit_id).in_(visit_ids))
    for row in session.exec(wanted.order_by(col(Attachment.id))):
        found.setdefault(row.visit_id, []).append(row)
    return found


def namings(session: Session, hashes: Collection[str]) -> list[tuple[str, str, datetime | None]]:
    """(hash, visit id, check-in) of every visit that names one of these files."""
    wanted = (
        select(Attachment.sha256, Visit.id, Visit.checked_in_at)
        .join(Visit, col(Visit.id) == Attachment.visit_id)
        .where(col(Attachment.sha256).in_(hashes))
    )
    return [tuple(row) for row in session.exec(wanted)]  # type: ignore[misc]


def shift_around(session: Session, rep_id: str, moment: datetime) -> Shift | None:
    """The shift within which a moment lies, or the one that had begun before it."""
    wanted = select(Shift).where(Shift.rep_id == rep_id, Shift.started_at <= moment)
    return session.exec(wanted.order_by(col(Shift.started_at).desc())).first()


def last_fix_at(session: Session, rep_id: str, start: datetime, end: datetime) -> datetime | None:
    """When the newest fix of a span of hours was true."""
    wanted = select(func.max(TrackChunk.last_at)).where(
        TrackChunk.rep_id == rep_id, TrackChunk.last_at >= start, TrackChunk.hour < end
    )
    return session.exec(wanted).one()


def mode_of(session: Session, rep_id: str) -> str:
    found = session.get(User, rep_id)
    return found.mode if found else "car"


def verdicts(session: Session, visit_id: str) -> list[Verdict]:
    """Every verdict on a visit, the latest first."""
    wanted = select(Verdict).where(Verdict.visit_id == visit_id)
    return list(session.exec(wanted.order_by(col(Verdict.at).desc(), col(Verdict.id).desc())))


def latest_verdict(session: Session, visit_id: str) -> Verdict | None:
    wanted = select(Verdict).where(Verdict.visit_id == visit_id)
    return session.exec(
        wanted.order_by(col(Verdict.at).desc(), col(Verdict.id).desc()).limit(1)
    ).first()
