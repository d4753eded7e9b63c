"""What the visits say of one client: who knows him, and how often he is still to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.reports.store import IS_VALID, Cycle, CycleTarget, User, Visit

MOST = 12
"""Reps who are named."""


@dataclass(frozen=True)
class Knower:
    """A rep who has seen a client: visits that no track contradicts, and the day of the last."""

    rep_id: str
    name: str
    visits: int
    last_on: date


@dataclass(frozen=True)
class Aim:
    """How often a rep is to see a client within the cycle of today."""

    rep_id: str
    name: str
    planned: int
    """Visits wanted over the whole cycle."""
    done: int
    """Closed so far, and contradicted by no track."""
    ahead: int
    """Standing in the plan from today on."""
    ends_on: date
    """The cycle's last day."""

    @property
    def left(self) -> int:
        """Visits that the cycle still wants."""
        return max(0, self.planned - self.done)


def of_client(actor: Actor, client_id: str) -> tuple[list[Knower], list[Aim]]:
    """Reps in the actor's sight who have seen a client, the latest first, and what the cycles of
    today want of them. Raises ClientNotFound."""
    with reading() as session:
        clients.get_in(session, actor, client_id)
        return _knowers(session, actor, client_id), _aims(session, actor, client_id)


def _knowers(session: Session, actor: Actor, client_id: str) -> list[Knower]:
    last = func.max(Visit.day)
    wanted = (
        select(Visit.rep_id, User.name, func.count(), last)
        .join(User, User.id == Visit.rep_id)
        .where(Visit.client_id == client_id, IS_VALID)
        .group_by(Visit.rep_id, User.name).order_by(last.desc(), User.name).limit(MOST)
    )  # fmt: skip
    return [Knower(*row) for row in session.execute(_seen_by(actor, wanted, Visit.team_id))]


def _aims(session: Session, actor: Actor, client_id: str) -> list[Aim]:
    today = clock.local(clock.now()).date()
    wanted = (
        select(CycleTarget.rep_id, User.name, CycleTarget.planned, Cycle.starts_on, Cycle.ends_on)
        .join(Cycle, Cycle.id == CycleTarget.cycle_id).join(User, User.id == CycleTarget.rep_id)
        .where(CycleTarget.client_id == client_id, Cycle.starts_on <= today, Cycle.ends_on >= today)
        .order_by(User.name).limit(MOST)
    )  # fmt: skip
    rows = session.execute(_seen_by(actor, wanted, Cycle.team_id)).all()
    return [_aim(session, client_id, today, *row) for row in rows]


def _seen_by(actor: Actor, wanted: Any, team_id: Any) -> Any:
    teams = people.visible_team_ids(actor)
    return wanted if teams is None else wanted.where(team_id.in_(sorted(teams)))


def _aim(
    session: Session, client_id: str, today: date, rep_id: str, name: str, planned: int,
    starts_on: date, ends_on: date,
) -> Aim:  # fmt: skip
    own = (Visit.client_id == client_id, Visit.rep_id == rep_id)
    within = (Visit.day >= starts_on, Visit.day <= ends_on)
    count = select(func.count()).where(*own, *within)
    done = session.execute(count.where(IS_VALID)).scalar_one()
    ahead = session.execute(count.where(Visit.state == "planned", Visit.day >= today)).scalar_one()
    return Aim(rep_id, name, planned, done, ahead, ends_on)
