"""Every SQL statement of privacy."""

# pyright: reportAttributeAccessIssue=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import Session, SQLModel, col, select

from fieldcrm.clients.ownfields.tables import ClientFile
from fieldcrm.clients.tables import CardPhoto, Client, Promise
from fieldcrm.evidence.tables import Verdict
from fieldcrm.forms.tables import ShelfCheck
from fieldcrm.kit.standing import UNDER_WAY, FileStatus
from fieldcrm.kit.tables import Event
from fieldcrm.messages.tables import Message, PushSubscription
from fieldcrm.people.tables import Device, SignIn, Team, User
from fieldcrm.planning.tables import DayPlan
from fieldcrm.privacy.tables import PersonFile
from fieldcrm.sync.tables import Mutation
from fieldcrm.tracking.tables import Alert, Shift, TrackChunk
from fieldcrm.visits.tables import Attachment, JointVisit, Visit, VisitChange

BATCH = 500


def file(session: Session, file_id: str) -> PersonFile | None:
    return session.get(PersonFile, file_id, with_for_update=True)


def files_of(session: Session, maker_id: str, limit: int) -> list[tuple[PersonFile, str]]:
    """(file, rep's name) that an administrator asked for, the newest first."""
    wanted = (
        select(PersonFile, User.name)
        .join(User, col(User.id) == PersonFile.rep_id)
        .where(PersonFile.maker_id == maker_id)
        .order_by(col(PersonFile.id).desc())
    )
    return [tuple(row) for row in session.exec(wanted.limit(limit))]  # type: ignore[misc]


def under_way(session: Session, maker_id: str, rep_id: str) -> PersonFile | None:
    """A file of this rep that is being made for this administrator."""
    wanted = select(PersonFile).where(
        PersonFile.maker_id == maker_id, PersonFile.rep_id == rep_id,
        col(PersonFile.status).in_(UNDER_WAY),
    )  # fmt: skip
    return session.exec(wanted).first()


def ready_files(session: Session, *, rep_id: str | None = None) -> list[PersonFile]:
    """Files that lie on the disk."""
    wanted = select(PersonFile).where(PersonFile.status == FileStatus.ready)
    return list(
        session.exec(wanted if rep_id is None else wanted.where(PersonFile.rep_id == rep_id))
    )


def track_facts(session: Session, rep_id: str) -> tuple[int, datetime | None, datetime | None]:
    """(fixes, first, last) of a rep's whole track."""
    first = session.exec(
        select(TrackChunk.first_at)
        .where(TrackChunk.rep_id == rep_id)
        .order_by(col(TrackChunk.hour))
    ).first()
    last = session.exec(
        select(TrackChunk.last_at).where(TrackChunk.rep_id == rep_id).order_by(col(TrackChunk.hour).desc())
    ).first()  # fmt: skip
    fixes = select(func.coalesce(func.sum(TrackChunk.count), 0)).where(TrackChunk.rep_id == rep_id)
    return int(session.exec(fixes).one()), first, last


def count(session: Session, table: Any, rep_id: str) -> int:
    """How many rows of a table with `rep_id` are a rep's."""
    return int(
        session.exec(select(func.count()).select_from(table).where(table.rep_id == rep_id)).one()
    )


# ---- all of a person, by kind; what authenticates is left out ----


def rows_of(session: Session, kind: str, rep_id: str) -> Iterator[dict[str, Any]]:
    """Rows of a kind as plain fields, in the order in which they came to be."""
    for found in session.exec(_WANTED[kind](rep_id).execution_options(yield_per=BATCH)):
        yield _told(kind, [found] if isinstance(found, SQLModel) else list(found))


def _told(kind: str, parts: list[Any]) -> dict[str, Any]:
    told = parts[0].model_dump(exclude=_SECRET)
    return told | ({_MORE[kind]: parts[1]} if len(parts) > 1 else {})


_SECRET = {"password_hash", "token_hash", "digest", "endpoint", "p256dh", "auth"}
"""What lets somebody in or wakes a phone, and a hash that says nothing of the person."""
_MORE = {"person": "team", "visits": "client", "promises": "client", "messages": "client"}


def _person(rep_id: str) -> Any:
    return (
        select(User, Team.name)
        .outerjoin(Team, col(Team.id) == User.team_id)
        .where(User.id == rep_id)
    )


def _visits(rep_id: str) -> Any:
    wanted = select(Visit, Client.name).join(Client, col(Client.id) == Visit.client_id)
    return wanted.where(Visit.rep_id == rep_id).order_by(col(Visit.id))


def _of_visits(table: Any) -> Any:
    def wanted(rep_id: str) -> Any:
        return select(table).join(Visit).where(Visit.rep_id == rep_id).order_by(col(table.id))

    return wanted


def _own(table: Any, order: str = "id", owner: str = "rep_id") -> Any:
    def wanted(rep_id: str) -> Any:
        return select(table).where(getattr(table, owner) == rep_id).order_by(getattr(table, order))

    return wanted


def _shelves(rep_id: str) -> Any:
    """What his visits found on shelves."""
    wanted = select(ShelfCheck).where(ShelfCheck.rep_id == rep_id)
    return wanted.order_by(col(ShelfCheck.visit_id), col(ShelfCheck.product_id))


def _together(rep_id: str) -> Any:
    """Visits that he made with a colleague, whoever of them asked."""
    both = or_(col(JointVisit.rep_id) == rep_id, col(JointVisit.colleague_id) == rep_id)
    return select(JointVisit).where(both).order_by(col(JointVisit.id))


def _promises(rep_id: str) -> Any:
    wanted = select(Promise, Client.name).join(Client, col(Client.id) == Promise.client_id)
    return wanted.where(Promise.rep_id == rep_id).order_by(col(Promise.id))


def _messages(rep_id: str) -> Any:
    """What the office wrote to him, with what he answered and when."""
    wanted = select(Message, Client.name).outerjoin(Client, col(Client.id) == Message.client_id)
    return wanted.where(Message.rep_id == rep_id).order_by(col(Message.id))


def _events(rep_id: str) -> Any:
    own = or_(col(Event.actor_id) == rep_id, col(Event.subject_id) == rep_id)
    return select(Event).where(own).order_by(col(Event.id))


_WANTED: dict[str, Any] = {
    "person": _person, "devices": _own(Device, owner="user_id"),
    "sign_ins": _own(SignIn, "created_at", "user_id"), "shifts": _own(Shift), "alerts": _own(Alert),
    "plans": _own(DayPlan), "visits": _visits, "visit_changes": _of_visits(VisitChange),
    "verdicts": _of_visits(Verdict), "attachments": _of_visits(Attachment), "promises": _promises,
    "shelf_checks": _shelves, "joint_visits": _together, "card_photos": _own(CardPhoto),
    "card_files": _own(ClientFile, owner="by_id"),
    "messages": _messages, "push_subscriptions": _own(PushSubscription),
    "mutations": _own(Mutation), "events": _events,
}  # fmt: skip
KINDS = tuple(_WANTED)
"""Each becomes a file of JSON lines."""
