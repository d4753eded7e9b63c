"""What the clients of each territory ask of a rep over the present cycle: visits, and hours with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Integer, cast
from sqlmodel import Session, case, col, func, select

from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.planning.dayfacts import DEFAULT_MINUTES
from fieldcrm.planning.tables import Cycle, CycleTarget
from fieldcrm.visits.tables import Visit


@dataclass(frozen=True)
class TerritoryLoad:
    """A territory's work over the cycle."""

    wanted: int
    """Visits that the cycle's targets ask for."""
    held: int
    """Of them; more than wanted at one client never hide a gap at another."""
    hours: float
    """With the clients, all wanted visits together; the way to them isn't in it."""


NOTHING = TerritoryLoad(0, 0, 0.0)


def territory_loads(actor: Actor, day: date | None = None) -> dict[str, TerritoryLoad]:
    """Territory -> its work over the cycles that hold a day, today by default (administrator)."""
    people.require(actor, Role.admin)
    with reading() as session:
        return _loads(session, day or clock.local(clock.now()).date())


def _loads(session: Session, day: date) -> dict[str, TerritoryLoad]:
    done = _done(day).subquery()
    held = func.coalesce(done.c.visits, 0)
    met = case((held < CycleTarget.planned, held), else_=CycleTarget.planned)
    minutes = CycleTarget.planned * func.coalesce(Client.visit_minutes, DEFAULT_MINUTES)
    wanted: Any = (
        select(Client.territory_id, _total(CycleTarget.planned), _total(met), _total(minutes))
        .select_from(CycleTarget)
        .join(Cycle, col(Cycle.id) == CycleTarget.cycle_id)
        .join(Client, col(Client.id) == CycleTarget.client_id)
        .outerjoin(done, done.c.target_id == CycleTarget.id)
        .where(
            *_holds(day), col(Client.territory_id).is_not(None), col(Client.archived_at).is_(None)
        )
        .group_by(col(Client.territory_id))
    )
    return {t: TerritoryLoad(n, m, round(mins / 60, 1)) for t, n, m, mins in session.exec(wanted)}


def _holds(day: date) -> tuple[Any, Any]:
    return col(Cycle.starts_on) <= day, col(Cycle.ends_on) >= day


def _total(column: Any) -> Any:
    return cast(func.sum(column), Integer)


def _done(day: date) -> Any:
    """Visits held within the cycle at the client of each target, by whoever the target is for."""
    return (
        select(col(CycleTarget.id).label("target_id"), func.count().label("visits"))
        .join(Cycle, col(Cycle.id) == CycleTarget.cycle_id)
        .join(Visit, (col(Visit.client_id) == CycleTarget.client_id) & (col(Visit.rep_id) == CycleTarget.rep_id))
        .where(*_holds(day), Visit.state == "closed", col(Visit.day) >= Cycle.starts_on, col(Visit.day) <= Cycle.ends_on)
        .group_by(CycleTarget.id)
    )  # fmt: skip
