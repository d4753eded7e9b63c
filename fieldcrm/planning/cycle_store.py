"""Every SQL statement of cycle plans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.clients.tables import Affiliation, Client, Territory
from fieldcrm.planning.tables import Cycle, CycleBaseline, CycleTarget, Proposal
from fieldcrm.visits.tables import Visit

KIND = "cycle"
HAND = "by_hand"
"""Kind of a proposal that was moves by hand, applied at once."""
OPEN = ("queued", "running", "ready", "stale", "failed")
_YEAR = timedelta(days=365)
_CHUNK = 500


def span_visits(
    session: Session, rep_ids: Iterable[str], first: date, last: date, *states: str
) -> list[Visit]:  # fmt: skip
    """Visits of these reps between two days (inclusive) in some states, by rep, day and order."""
    wanted = select(Visit).where(
        col(Visit.rep_id).in_(list(rep_ids)), Visit.day >= first, Visit.day <= last,
        col(Visit.state).in_(states or ("planned",)),
    )  # fmt: skip
    order = (col(Visit.rep_id), col(Visit.day), col(Visit.position), col(Visit.id))
    return list(session.exec(wanted.order_by(*order).execution_options(populate_existing=True)))


def targets_of(session: Session, cycle_id: str, rep_id: str) -> list[tuple[Client, int]]:
    """Living clients of a rep's cycle with the visits wanted."""
    wanted = (
        select(Client, CycleTarget.planned)
        .join(CycleTarget, col(CycleTarget.client_id) == Client.id)
        .where(CycleTarget.cycle_id == cycle_id, CycleTarget.rep_id == rep_id,
               col(Client.archived_at).is_(None))
        .order_by(col(Client.id))
    )  # fmt: skip
    return [(client, planned) for client, planned in session.exec(wanted)]


def territory_targets(session: Session, rep_id: str) -> list[Client]:
    """Living clients with a category in a rep's territories, where no cycle names any."""
    wanted = (
        select(Client)
        .join(Territory, col(Territory.id) == Client.territory_id)
        .where(Territory.rep_id == rep_id, col(Client.archived_at).is_(None),
               col(Client.category).is_not(None))
        .order_by(col(Client.id))
    )  # fmt: skip
    return list(session.exec(wanted))


def workplaces(session: Session, client_ids: Sequence[str]) -> dict[str, tuple[str | None, Client]]:
    """People's main workplaces: person -> (the person's own hours there, the organisation)."""
    found: dict[str, tuple[str | None, Client]] = {}
    for at in range(0, len(client_ids), _CHUNK):
        wanted = (
            select(Affiliation, Client)
            .join(Client, col(Client.id) == Affiliation.organisation_id)
            .where(col(Affiliation.person_id).in_(client_ids[at : at + _CHUNK]),
                   col(Affiliation.is_main))
        )  # fmt: skip
        found |= {tie.person_id: (tie.hours, place) for tie, place in session.exec(wanted)}
    return found


def last_seen(session: Session, rep_id: str) -> dict[str, date]:
    """The last day each client of a rep was visited."""
    wanted = (
        select(Visit.client_id, func.max(Visit.day))
        .where(Visit.rep_id == rep_id, Visit.state == "closed")
        .group_by(Visit.client_id)
    )
    return dict(session.exec(wanted).all())


def done_in_year(session: Session, rep_id: str, day: date) -> dict[str, int]:
    """Visits to each of a rep's clients by anybody in the year before a day, made or planned."""
    mine = select(Visit.client_id).where(Visit.rep_id == rep_id).distinct()
    wanted = (
        select(Visit.client_id, func.count())
        .where(col(Visit.client_id).in_(mine), Visit.day > day - _YEAR, Visit.day < day,
               col(Visit.state).in_(("closed", "under_way", "planned")))
        .group_by(Visit.client_id)
    )  # fmt: skip
    return dict(session.exec(wanted).all())


def client_days(session: Session, client_id: str, but: str, around: date) -> list[date]:
    """Days of a client's visits, made or planned, within a year around a day; one visit left out."""
    wanted = select(col(Visit.day)).where(
        Visit.client_id == client_id, Visit.id != but, Visit.day > around - _YEAR,
        Visit.day < around + _YEAR, col(Visit.state).in_(("closed", "under_way", "planned")),
    )  # fmt: skip
    return list(session.exec(wanted.distinct()))


def client_count(session: Session, rep_id: str, client_id: str, first: date, last: date) -> int:
    """Visits of a rep to a client between two days (inclusive), made or planned."""
    wanted = select(func.count()).where(
        Visit.rep_id == rep_id, Visit.client_id == client_id, Visit.day >= first,
        Visit.day <= last, col(Visit.state).in_(("closed", "under_way", "planned")),
    )  # fmt: skip
    return session.exec(wanted).one()


def names(session: Session, client_ids: Iterable[str]) -> dict[str, Client]:
    """Clients by id, also archived ones."""
    every, found = sorted(set(client_ids)), dict[str, Client]()
    for at in range(0, len(every), _CHUNK):
        wanted = select(Client).where(col(Client.id).in_(every[at : at + _CHUNK]))
        found |= {c.id: c for c in session.exec(wanted)}
    return found


def proposals(
    session: Session, team_ids: Sequence[str] | None, statuses: Sequence[str], limit: int
) -> list[Proposal]:
    """Cycle plans asked for, the newest first; None is every team."""
    wanted = select(Proposal).where(Proposal.kind == KIND, col(Proposal.status).in_(statuses))
    if team_ids is not None:
        wanted = wanted.where(col(Proposal.team_id).in_(team_ids))
    return list(session.exec(wanted.order_by(col(Proposal.created_at).desc()).limit(limit)))


def own_proposals(
    session: Session, user_id: str, statuses: Sequence[str] = (), limit: int = 10
) -> list[Proposal]:
    """Cycle plans that somebody asked for himself, the newest first."""
    wanted = select(Proposal).where(Proposal.kind == KIND, Proposal.requested_by == user_id)
    if statuses:
        wanted = wanted.where(col(Proposal.status).in_(statuses))
    return list(session.exec(wanted.order_by(col(Proposal.created_at).desc()).limit(limit)))


def baselines(
    session: Session, team_ids: Sequence[str] | None, limit: int
) -> list[tuple[CycleBaseline, str]]:
    """Approved plans with what became of each (applied, undone), the newest first."""
    wanted = select(CycleBaseline, Proposal.status).join(
        Proposal, col(Proposal.id) == CycleBaseline.proposal_id
    )
    if team_ids is not None:
        wanted = wanted.where(col(CycleBaseline.team_id).in_(team_ids))
    return list(session.exec(wanted.order_by(col(CycleBaseline.approved_at).desc()).limit(limit)))


def baseline(session: Session, baseline_id: str) -> CycleBaseline | None:
    return session.get(CycleBaseline, baseline_id)


def newest_version(session: Session, team_id: str) -> int:
    """The number of a team's last approved plan; 0 before the first."""
    wanted = select(func.max(CycleBaseline.version)).where(CycleBaseline.team_id == team_id)
    return session.exec(wanted).one() or 0


def cycle_of(session: Session, team_id: str, day: date) -> Cycle | None:
    """The team's cycle that holds a day."""
    from fieldcrm.planning import store

    return store.cycle_on(session, team_id, day)
