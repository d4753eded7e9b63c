"""What a rep asks of the office from the field: an alert that stays until somebody has seen it."""

from __future__ import annotations

from datetime import date, datetime

from sqlmodel import Session

from fieldcrm.kit import ids
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.tracking import service, store
from fieldcrm.tracking.model import AlertKind
from fieldcrm.tracking.tables import Alert


def ask_in(
    session: Session, actor: Actor, rep: User, day: date, comment: str, at: datetime
) -> Alert | None:
    """Ask the team's desks to plan a rep's day anew; asked again, the newest words count."""
    if rep.team_id is None:
        return None
    store.lock_alerts(session)
    data = {"day": day.isoformat()}
    if comment:
        data |= {"comment": comment[:300], "cause": "alert.cause.replan_asked"}
    kind = AlertKind.replan_asked
    same = [a for a in store.open_alerts(session) if a.rep_id == rep.id and a.kind == kind]
    asked = same[0] if same else Alert(
        id=ids.new_id(), rep_id=rep.id, team_id=rep.team_id, kind=kind.value, at=at
    )  # fmt: skip
    asked.data, asked.at = data, at
    asked.acknowledged_at = asked.acknowledged_by = asked.snoozed_until = None
    session.add(asked)
    session.flush()
    service.tell_alert(session, asked, "raised", actor)
    return asked
