"""Every SQL statement of planning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.clients.tables import Client
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.people.tables import User
from fieldcrm.planning.tables import Cycle, CycleTarget, DayPlan, Proposal
from fieldcrm.visits.tables import Visit

LIVE_STATES = ("planned", "under_way", "closed")


def reps(session: Session, rep_ids: Iterable[str]) -> list[User]:
    """Active reps by id."""
    wanted = select(User).where(col(User.id).in_(list(rep_ids)), col(User.is_active))
    return list(session.exec(wanted.where(User.role == "rep").order_by(col(User.id))))


def reps_of_team(session: Session, team_id: str) -> list[User]:
    """A team's active reps by name."""
    wanted = select(User).where(User.team_id == team_id, col(User.is_active), User.role == "rep")
    return list(session.exec(wanted.order_by(col(User.name), col(User.id))))


def day_visits(session: Session, rep_ids: Iterable[str], day: date) -> list[Visit]:
    """Visits of these reps' day that are planned, under way or closed, in order."""
    wanted = select(Visit).where(
        col(Visit.rep_id).in_(list(rep_ids)), Visit.day == day, col(Visit.state).in_(LIVE_STATES)
    )
    ordered = wanted.order_by(col(Visit.rep_id), col(Visit.position), col(Visit.id))
    return list(session.exec(ordered.execution_options(populate_existing=True)))


def visit(session: Session, visit_id: str, *, lock: bool = False) -> Visit | None:
    wanted = select(Visit).where(Visit.id == visit_id)
    wanted = wanted.with_for_update() if lock else wanted
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def clients(session: Session, client_ids: Iterable[str]) -> dict[str, Client]:
    """Clients by id."""
    found = session.exec(select(Client).where(col(Client.id).in_(list(client_ids))))
    return {c.id: c for c in found}


def proposal(session: Session, proposal_id: str, *, lock: bool = False) -> Proposal | None:
    wanted = select(Proposal).where(Proposal.id == proposal_id)
    wanted = wanted.with_for_update() if lock else wanted
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def unfinished_proposals(session: Session) -> list[Proposal]:
    """Proposals that a worker should have or be working on."""
    wanted = select(Proposal).where(col(Proposal.status).in_(UNDER_WAY))
    return list(session.exec(wanted.order_by(col(Proposal.created_at))))


def proposals_of_day(
    session: Session, day: date, team_ids: Sequence[str] | None, statuses: Sequence[str]
) -> list[Proposal]:
    """A day's proposals, the newest first; None is every team."""
    wanted = select(Proposal).where(Proposal.day == day, col(Proposal.status).in_(statuses))
    if team_ids is not None:
        wanted = wanted.where(col(Proposal.team_id).in_(team_ids))
    return list(session.exec(wanted.order_by(col(Proposal.created_at).desc())))


def newest_plan(session: Session, rep_id: str, day: date) -> DayPlan | None:
    """The latest version of a rep's day plan."""
    wanted = select(DayPlan).where(DayPlan.rep_id == rep_id, DayPlan.day == day)
    return session.exec(wanted.order_by(col(DayPlan.version).desc())).first()


def newest_plans(
    session: Session, rep_ids: Sequence[str], first: date, last: date
) -> list[DayPlan]:
    """The latest version of each of these reps' days between two dates (inclusive)."""
    wanted = select(DayPlan).where(
        col(DayPlan.rep_id).in_(rep_ids), DayPlan.day >= first, DayPlan.day <= last
    )
    rows = session.exec(
        wanted.order_by(col(DayPlan.day), col(DayPlan.rep_id), col(DayPlan.version))
    )
    return list({(p.day, p.rep_id): p for p in rows}.values())


def cycle_on(session: Session, team_id: str, day: date) -> Cycle | None:
    """The team's cycle that holds a day; the latest started where two do."""
    wanted = select(Cycle).where(
        Cycle.team_id == team_id, Cycle.starts_on <= day, Cycle.ends_on >= day
    )
    return session.exec(wanted.order_by(col(Cycle.starts_on).desc())).first()


def targets(session: Session, cycle_id: str, rep_id: str) -> dict[str, int]:
    """Visits wanted over the cycle, by client."""
    wanted = select(CycleTarget.client_id, CycleTarget.planned).where(
        CycleTarget.cycle_id == cycle_id, CycleTarget.rep_id == rep_id
    )
    return dict(session.exec(wanted).all())


def visit_counts(
    session: Session, rep_id: str, first: date, last: date, state: str
) -> dict[str, int]:
    """Visits of a rep between two local days (inclusive) in a state, by client."""
    wanted = (
        select(Visit.client_id, func.count())
        .where(Visit.rep_id == rep_id, Visit.state == state, Visit.day >= first, Visit.day <= last)
        .group_by(Visit.client_id)
    )
    return dict(session.exec(wanted).all())


def save_day_plan(session: Session, plan: DayPlan) -> DayPlan:
    """Add a plan as the next version of its rep's day."""
    before = newest_plan(session, plan.rep_id, plan.day)
    plan.version = before.version + 1 if before else 1
    session.add(plan)
    return plan


def plan_before(session: Session, rep_id: str, day: date, proposal_id: str) -> DayPlan | None:
    """The plan of a rep's day that a proposal replaced."""
    wanted = select(DayPlan).where(DayPlan.rep_id == rep_id, DayPlan.day == day)
    found = list(session.exec(wanted.order_by(col(DayPlan.version))))
    ours = next((p.version for p in found if p.solver.get("proposal_id") == proposal_id), 0)
    return next((p for p in reversed(found) if p.version < ours), None)
