"""Every SQL statement of handovers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.clients.tables import Affiliation, Client, Promise, Territory
from fieldcrm.handover.tables import Handover
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.kit.among import among
from fieldcrm.people.tables import User
from fieldcrm.planning.tables import Cycle, CycleTarget
from fieldcrm.visits.tables import Visit

_By: Any = shared_alias(User)
_To: Any = shared_alias(User)


def territories_of(session: Session, rep_id: str) -> list[Territory]:
    """A rep's territories by name."""
    wanted = select(Territory).where(Territory.rep_id == rep_id)
    return list(session.exec(wanted.order_by(col(Territory.name), col(Territory.id))))


def clients_of(session: Session, territory_ids: Collection[str]) -> list[Client]:
    """Living clients of territories."""
    wanted = select(Client).where(
        among(Client.territory_id, "territory_ids"), col(Client.archived_at).is_(None)
    )
    return list(session.exec(wanted, params={"territory_ids": list(territory_ids)}))


def clients(session: Session, client_ids: Collection[str]) -> list[Client]:
    """Clients by their ids."""
    wanted = select(Client).where(among(Client.id, "client_ids"))
    return list(session.exec(wanted, params={"client_ids": list(client_ids)}))


def planned_visits(session: Session, rep_id: str, first: date) -> list[Visit]:
    """A rep's planned visits from a day on, as their days and stops come."""
    wanted = select(Visit).where(
        Visit.rep_id == rep_id, Visit.state == "planned", Visit.day >= first
    )
    return list(session.exec(wanted.order_by(col(Visit.day), col(Visit.position), col(Visit.id))))


def visits(session: Session, visit_ids: Collection[str]) -> list[Visit]:
    """Visits by their ids."""
    wanted = select(Visit).where(among(Visit.id, "visit_ids"))
    return list(session.exec(wanted, params={"visit_ids": list(visit_ids)}))


def under_way(session: Session, rep_id: str) -> int:
    """How many visits the rep is at."""
    wanted = select(func.count()).where(Visit.rep_id == rep_id, Visit.state == "under_way")
    return session.exec(wanted).one()


def open_promises(session: Session, rep_id: str) -> list[Promise]:
    """What the rep promised and has not kept."""
    wanted = select(Promise).where(Promise.rep_id == rep_id, col(Promise.done_at).is_(None))
    return list(session.exec(wanted.order_by(col(Promise.due_on), col(Promise.id))))


def promises(session: Session, promise_ids: Collection[str]) -> list[Promise]:
    """Promises by their ids."""
    wanted = select(Promise).where(among(Promise.id, "promise_ids"))
    return list(session.exec(wanted, params={"promise_ids": list(promise_ids)}))


def targets(session: Session, rep_id: str, day: date) -> list[tuple[CycleTarget, Cycle]]:
    """What the rep is to reach in cycles that have not ended before a day."""
    wanted = (
        select(CycleTarget, Cycle)
        .join(Cycle, col(Cycle.id) == CycleTarget.cycle_id)
        .where(CycleTarget.rep_id == rep_id, Cycle.ends_on >= day)
    )
    return list(session.exec(wanted.order_by(col(CycleTarget.id))))


def target(session: Session, target_id: str) -> CycleTarget | None:
    """A cycle's target by its id."""
    return session.get(CycleTarget, target_id)


def target_of(session: Session, cycle_id: str, rep_id: str, client_id: str) -> CycleTarget | None:
    """A rep's target for a client within a cycle."""
    wanted = select(CycleTarget).where(
        CycleTarget.cycle_id == cycle_id,
        CycleTarget.rep_id == rep_id,
        CycleTarget.client_id == client_id,
    )
    return session.exec(wanted).first()


def held(session: Session, rep_id: str, first: date, last: date) -> dict[str, int]:
    """Closed visits of a rep between two days, by client."""
    wanted = (
        select(Visit.client_id, func.count())
        .where(
            Visit.rep_id == rep_id, Visit.state == "closed", Visit.day >= first, Visit.day <= last
        )
        .group_by(col(Visit.client_id))
    )
    return dict(session.exec(wanted).all())


def last_visits(session: Session, client_ids: Collection[str]) -> dict[str, Visit]:
    """The newest closed visit of each client, whoever made it."""
    newest = (
        select(Visit.client_id, func.max(Visit.closed_at).label("at"))
        .where(among(Visit.client_id, "client_ids"), Visit.state == "closed")
        .group_by(col(Visit.client_id))
        .subquery()
    )
    wanted = select(Visit).join(
        newest, (col(Visit.client_id) == newest.c.client_id) & (Visit.closed_at == newest.c.at)
    )
    rows = session.exec(wanted, params={"client_ids": list(client_ids)})
    return {visit.client_id: visit for visit in rows}


def workplaces(session: Session, client_ids: Collection[str]) -> dict[str, str]:
    """Name of the main workplace by person."""
    wanted = (
        select(Affiliation.person_id, Client.name)
        .join(Client, col(Client.id) == Affiliation.organisation_id)
        .where(among(Affiliation.person_id, "client_ids"), Affiliation.is_main)
    )
    return dict(session.exec(wanted, params={"client_ids": list(client_ids)}).all())


def handover(session: Session, handover_id: str) -> Handover | None:
    """A handover by its id."""
    return session.get(Handover, handover_id)


Named = tuple[Handover, str, str, str | None]
"""A row with the names of former, new owner and author."""


def _named() -> Any:
    return (
        select(Handover, User.name, _To.name, _By.name)
        .join(User, col(User.id) == Handover.from_rep_id)
        .join(_To, col(_To.id) == Handover.to_rep_id)
        .outerjoin(_By, col(_By.id) == Handover.done_by)
    )


def named(session: Session, handover_id: str) -> Named:
    """One of them."""
    return session.exec(_named().where(Handover.id == handover_id)).one()


def handovers(session: Session, team_ids: frozenset[str] | None, limit: int) -> list[Named]:
    """Those of teams (None: all), the newest first."""
    wanted = _named()
    if team_ids is not None:
        wanted = wanted.where(col(Handover.team_id).in_(team_ids))
    newest = wanted.order_by(col(Handover.done_at).desc(), col(Handover.id).desc())
    return list(session.exec(newest.limit(limit)))
