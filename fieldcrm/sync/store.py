"""What offline sync keeps and asks: mutations, what others did, the feed."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.clients.tables import Client
from fieldcrm.kit.feed import EVERYBODY
from fieldcrm.kit.tables import Event, FeedEntry
from fieldcrm.people.tables import Device, User
from fieldcrm.sync.tables import Mutation
from fieldcrm.tracking.tables import Shift
from fieldcrm.visits.tables import VisitChange

# ---- mutations ----


def lock_device(session: Session, device_id: str) -> Device | None:
    """The device, alone until the transaction ends: its mutations come one after another."""
    wanted = select(Device).where(Device.id == device_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def mutation(session: Session, mutation_id: str) -> Mutation | None:
    return session.get(Mutation, mutation_id)


def mutations(session: Session, mutation_ids: Collection[str]) -> dict[str, Mutation]:
    """Those of them that have their answer, by id."""
    found = session.exec(select(Mutation).where(col(Mutation.id).in_(mutation_ids)))
    return {m.id: m for m in found}


def client(session: Session, client_id: str) -> Client | None:
    wanted = select(Client).where(Client.id == client_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


# ---- what others did ----


@dataclass(frozen=True)
class Deed:
    """Somebody's last change of a row, as far as a rep is told of it."""

    by: str | None
    """Name; None for the product itself."""
    at_ms: int
    reason: str | None = None


def last_change_by_others(session: Session, visit_id: str, user_id: str) -> Deed | None:
    """The newest change of a visit that somebody else made."""
    wanted = (
        select(VisitChange, User.name)
        .outerjoin(User, col(User.id) == VisitChange.actor_id)
        .where(VisitChange.visit_id == visit_id, func.coalesce(VisitChange.actor_id, "") != user_id)
        .order_by(col(VisitChange.version).desc())
    )
    found = session.exec(wanted.limit(1)).first()
    if found is None:
        return None
    change, name = found
    return Deed(name, _ms(change.at), change.data.get("reason"))


def last_event_by_others(session: Session, subject_id: str, user_id: str) -> Deed | None:
    """The newest write of a row by somebody else."""
    wanted = (
        select(Event.at, User.name)
        .join(User, col(User.id) == Event.actor_id)
        .where(Event.subject_id == subject_id, Event.actor_id != user_id)
        .order_by(col(Event.at).desc())
    )
    found = session.exec(wanted.limit(1)).first()
    return None if found is None else Deed(found[1], _ms(found[0]))


def correction(session: Session, correction_id: str, kind: str) -> tuple[Event, Client] | None:
    """The event by which a correction was asked for, and its client, locked."""
    sent = session.get(Mutation, correction_id)
    wanted = select(Event).where(Event.kind == kind)
    if sent is not None:
        wanted = wanted.where(Event.subject_id == sent.subject_id)
    else:  # the product asked itself, so that no phone sent it
        wanted = wanted.where(col(Event.data)["id"].as_string() == correction_id)
    asked = next((e for e in session.exec(wanted) if e.data.get("id") == correction_id), None)
    card = client(session, asked.subject_id or "") if asked else None
    return None if asked is None or card is None else (asked, card)


def is_decided(
    session: Session, client_id: str, correction_id: str, kinds: Collection[str]
) -> bool:
    """Whether somebody accepted or declined a correction of a client."""
    wanted = select(Event).where(col(Event.kind).in_(kinds), Event.subject_id == client_id)
    return any(e.data["id"] == correction_id for e in session.exec(wanted))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


# ---- the feed ----


_NEWEST = select(func.max(FeedEntry.seq))


def newest_seq(session: Session) -> int:
    """The last number of the feed; 0 while it is empty."""
    return session.connection().execute(_NEWEST).scalar() or 0


def entries_after(session: Session, rep_id: str, seq: int, limit: int) -> list[FeedEntry]:
    """What changed for a rep after a number, in order."""
    wanted = select(FeedEntry).where(
        col(FeedEntry.rep_id).in_([rep_id, EVERYBODY]), col(FeedEntry.seq) > seq
    )
    return list(session.exec(wanted.order_by(col(FeedEntry.seq)).limit(limit)))


# ---- shifts ----


def shift(session: Session, rep_id: str, shift_id: str) -> Shift | None:
    """The rep's own shift with this id."""
    found = session.get(Shift, shift_id)
    return found if found and found.rep_id == rep_id else None
