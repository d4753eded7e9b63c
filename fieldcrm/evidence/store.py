"""Every SQL statement of evidence."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import exists, func, or_
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


def to_judge_again(session: Session, since: date, before: datetime, limit: int) -> list[Visit]:
    """Judged visits with newer fixes around them, or whose shift ended since, judged before.

    Closed within days; fixes are newer when a chunk that overlaps the visit was written after.
    """
    newer_fixes = exists().where(
        TrackChunk.rep_id == Visit.rep_id, TrackChunk.hour <= Visit.closed_at,
        TrackChunk.last_at >= Visit.checked_in_at, TrackChunk.updated_at > Visit.judged_at,
    )  # fmt: skip
    shift_over = exists().where(
        Shift.rep_id == Visit.rep_id, Shift.started_at <= Visit.checked_in_at,
        Shift.ended_at >= Visit.closed_at, Shift.ended_at > Visit.judged_at,
    )  # fmt: skip
    wanted = select(Visit).where(
        Visit.state == "closed", Visit.verdict != "unjudged", Visit.day >= since,
        col(Visit.judged_at) <= before, or_(newer_fixes, shift_over),
    )  # fmt: skip
    return list(session.exec(wanted.order_by(col(Visit.judged_at)).limit(limit)))


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
