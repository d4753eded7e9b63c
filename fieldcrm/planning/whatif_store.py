"""Every SQL statement of what-if questions."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func
from sqlmodel import Session, col, select

from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.people.tables import User
from fieldcrm.planning.tables import WhatIf, WhatIfScenario


def team_reps(session: Session, team_id: str) -> list[User]:
    """A team's active reps by id."""
    wanted = select(User).where(User.team_id == team_id, User.role == "rep", col(User.is_active))
    return list(session.exec(wanted.order_by(col(User.id))))


def question(session: Session, what_if_id: str, *, lock: bool = False) -> WhatIf | None:
    wanted = select(WhatIf).where(WhatIf.id == what_if_id)
    wanted = wanted.with_for_update() if lock else wanted
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def questions(session: Session, team_ids: Sequence[str] | None, limit: int) -> list[WhatIf]:
    """The newest first; None is every team."""
    wanted = select(WhatIf).order_by(col(WhatIf.asked_at).desc(), col(WhatIf.id).desc())
    if team_ids is not None:
        wanted = wanted.where(col(WhatIf.team_id).in_(team_ids))
    return list(session.exec(wanted.limit(limit)))


def scenario(session: Session, scenario_id: str, *, lock: bool = False) -> WhatIfScenario | None:
    wanted = select(WhatIfScenario).where(WhatIfScenario.id == scenario_id)
    wanted = wanted.with_for_update() if lock else wanted
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def scenarios(session: Session, what_if_id: str) -> list[WhatIfScenario]:
    """A question's scenarios in order, the team as it is first."""
    wanted = select(WhatIfScenario).where(WhatIfScenario.what_if_id == what_if_id)
    ordered = wanted.order_by(col(WhatIfScenario.number))
    return list(session.exec(ordered.execution_options(populate_existing=True)))


def scenario_counts(session: Session, what_if_ids: Sequence[str]) -> dict[str, int]:
    """Scenarios by question, the team as it is not counted."""
    wanted = (
        select(WhatIfScenario.what_if_id, func.count())
        .where(col(WhatIfScenario.what_if_id).in_(what_if_ids), WhatIfScenario.number > 0)
        .group_by(WhatIfScenario.what_if_id)
    )
    return dict(session.exec(wanted).all())


def unfinished(session: Session) -> list[WhatIfScenario]:
    """Scenarios that a worker should have or be working on."""
    wanted = select(WhatIfScenario).where(col(WhatIfScenario.status).in_(UNDER_WAY))
    return list(session.exec(wanted.order_by(col(WhatIfScenario.asked_at))))


def remove_scenario(session: Session, row: WhatIfScenario) -> None:
    session.delete(row)


def remove_question(session: Session, row: WhatIf) -> None:
    """A question and all its scenarios."""
    session.exec(delete(WhatIfScenario).where(col(WhatIfScenario.what_if_id) == row.id))  # type: ignore[call-overload]
    session.delete(row)
