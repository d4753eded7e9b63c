"""Every SQL statement about saved views."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, update
from sqlmodel import Session, col, select

from fieldcrm.clients.views.model import Shared
from fieldcrm.clients.views.tables import ClientListHabit, ClientView
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import Team, User


def _seen_by(actor: Actor) -> ColumnElement[bool]:
    """His own, his teams' and everybody's; an administrator sees all that is shared."""
    of_teams = col(ClientView.shared) == Shared.team
    if not actor.is_admin:
        of_teams = and_(of_teams, col(ClientView.team_id).in_(actor.team_ids))
    everybody = col(ClientView.shared) == Shared.everybody
    return or_(col(ClientView.owner_id) == actor.user_id, of_teams, everybody)


def views(session: Session, actor: Actor) -> list[tuple[ClientView, str]]:
    """(view, its owner's name) of what the actor may open, by name."""
    wanted = (
        select(ClientView, User.name)
        .join(User, col(User.id) == ClientView.owner_id)
        .where(_seen_by(actor))
        .order_by(func.lower(ClientView.name), col(ClientView.id))
    )
    return [tuple(row) for row in session.exec(wanted)]  # type: ignore[misc]


def view(session: Session, actor: Actor, view_id: str) -> tuple[ClientView, str] | None:
    """One of them."""
    wanted = (
        select(ClientView, User.name)
        .join(User, col(User.id) == ClientView.owner_id)
        .where(ClientView.id == view_id, _seen_by(actor))
    )
    found = session.exec(wanted).first()
    return tuple(found) if found else None  # type: ignore[return-value]


def count(session: Session, owner_id: str) -> int:
    """How many a person has."""
    wanted = select(func.count()).select_from(ClientView).where(ClientView.owner_id == owner_id)
    return session.exec(wanted).one()


def is_team(session: Session, team_id: str) -> bool:
    return session.get(Team, team_id) is not None


def habit(session: Session, user_id: str) -> ClientListHabit | None:
    """How a person likes the list."""
    return session.get(ClientListHabit, user_id)


def forget_default(session: Session, view_id: str) -> None:
    """A view that goes opens by itself for nobody."""
    gone: Any = update(ClientListHabit).where(col(ClientListHabit.view_id) == view_id)
    session.execute(gone.values(view_id=None))
