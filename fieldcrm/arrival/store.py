"""Every SQL statement of arrival links."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from fieldcrm.arrival.tables import ArrivalLink
from fieldcrm.clients.tables import Client
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.people.tables import User
from fieldcrm.visits.tables import Visit

_Place: Any = shared_alias(Client)


def link(session: Session, link_id: str) -> ArrivalLink | None:
    """A link by its id."""
    return session.get(ArrivalLink, link_id)


def link_of(session: Session, token_hash: str) -> ArrivalLink | None:
    """A link by what is kept of its token."""
    return session.exec(
        select(ArrivalLink).where(ArrivalLink.token_hash == token_hash)
    ).one_or_none()


def living(session: Session, visit_id: str, now: datetime) -> list[ArrivalLink]:
    """Links of a visit that have neither run out nor been taken back, the newest first."""
    statement = select(ArrivalLink).where(
        ArrivalLink.visit_id == visit_id,
        ArrivalLink.expires_at > now,
        col(ArrivalLink.revoked_at).is_(None),
    )
    return list(session.exec(statement.order_by(col(ArrivalLink.created_at).desc())))


def erase_ended_before(session: Session, moment: datetime) -> int:
    """Erase links that ran out or were taken back before a moment; returns how many."""
    over = or_(col(ArrivalLink.expires_at) < moment, col(ArrivalLink.revoked_at) < moment)
    return session.execute(delete(ArrivalLink).where(over)).rowcount  # type: ignore[attr-defined]


def visit(session: Session, visit_id: str) -> Visit | None:
    """A visit by its id."""
    return session.get(Visit, visit_id)


def told_of(session: Session, visit_id: str) -> tuple[Visit, User, Client, Client | None]:
    """A visit with its rep, its client and the place where it is held, if that is another."""
    statement = (
        select(Visit, User, Client, _Place)
        .join(User, col(User.id) == Visit.rep_id)
        .join(Client, col(Client.id) == Visit.client_id)
        .outerjoin(_Place, _Place.id == Visit.place_id)
        .where(Visit.id == visit_id)
    )
    found: Any = session.exec(statement).one()
    return tuple(found)


def open_visits(session: Session, rep_id: str, day: date) -> list[Visit]:
    """A rep's visits of a day that are still to come or under way, in the order of the day."""
    statement = select(Visit).where(
        Visit.rep_id == rep_id, Visit.day == day, col(Visit.state).in_(["planned", "under_way"])
    )
    return sorted(session.exec(statement), key=_order)


def _order(v: Visit) -> tuple[bool, bool, int, float, str]:
    planned = v.planned_at.timestamp() if v.planned_at else float("inf")
    return v.state != "under_way", v.position == 0, v.position, planned, v.id
