"""Visits made by two: a rep names a colleague, who confirms it himself, each with his own place."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, String, bindparam, or_
from sqlmodel import Session, col, select

from fieldcrm.clients.tables import Client
from fieldcrm.kit import events, feed
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.kit.among import among
from fieldcrm.kit.errors import Conflict
from fieldcrm.people.model import Actor, OutOfScope
from fieldcrm.people.tables import User
from fieldcrm.visits import store
from fieldcrm.visits.model import IllegalMove, Position, VisitExists, VisitNotFound
from fieldcrm.visits.tables import JointVisit, Visit

MOST = 3
"""Colleagues on one visit."""
OPEN_STATES = ("planned", "under_way", "closed")
ANSWERS = ("confirmed", "declined")
WITHDRAWN = "withdrawn"


class TooManyColleagues(Conflict):
    """More came along than anybody believes."""

    code = "too_many_colleagues"


@dataclass(frozen=True)
class Joint:
    """A visit made by two, with the names that screens show."""

    row: JointVisit
    visit: Visit
    rep_name: str
    colleague_name: str
    client_name: str
    place_name: str | None


# ---- asking and answering ----


def ask_in(
    session: Session, actor: Actor, joint_id: str, visit_id: str, colleague_id: str, at: datetime
) -> JointVisit:
    """Name a colleague of one's own team; asked again after a withdrawal, it is open again.

    Raises VisitNotFound, IllegalMove, OutOfScope, TooManyColleagues, VisitExists.
    """
    feed.take_turn(session)
    visit = store.visit(session, visit_id)
    if visit is None or visit.rep_id != actor.user_id:
        raise VisitNotFound()
    if visit.state not in OPEN_STATES:
        raise IllegalMove(move="joint", state=visit.state)
    colleague = session.get(User, colleague_id)
    _check_colleague(visit, actor, colleague)
    known = _of_pair(session, visit_id, colleague_id)
    if known is None:
        if session.get(JointVisit, joint_id) is not None:
            raise VisitExists()
        if len(_asked(session, visit_id)) >= MOST:
            raise TooManyColleagues(most=MOST)
        known = JointVisit(
            id=joint_id, visit_id=visit_id, rep_id=actor.user_id, colleague_id=colleague_id,
            asked_at=at,
        )  # fmt: skip
    elif known.status == WITHDRAWN:
        known.status, known.asked_at = "asked", at
    _tell(session, actor, known, visit, "visit.joint_asked")
    return known


def _check_colleague(visit: Visit, actor: Actor, colleague: User | None) -> None:
    is_one = colleague is not None and colleague.is_active and colleague.role == "rep"
    same = colleague is not None and colleague.team_id == visit.team_id
    if not is_one or not same or (colleague is not None and colleague.id == actor.user_id):
        raise OutOfScope()


def answer_in(
    session: Session, actor: Actor, joint_id: str, answer: str, position: Position | None,
    at: datetime,
) -> JointVisit:  # fmt: skip
    """The colleague's word with where he is, or the asking rep's withdrawal.

    Raises VisitNotFound (not his), IllegalMove (withdrawn meanwhile, or the visit was called off).
    """
    feed.take_turn(session)
    row = session.get(JointVisit, joint_id)
    speaker = None if row is None else (row.rep_id if answer == WITHDRAWN else row.colleague_id)
    visit = store.visit(session, row.visit_id) if row else None
    if row is None or visit is None or speaker != actor.user_id:
        raise VisitNotFound()
    if row.status == WITHDRAWN or visit.state not in OPEN_STATES:
        raise IllegalMove(move=f"joint_{answer}", state=visit.state)
    row.status, row.answered_at = answer, at
    if answer in ANSWERS:
        row.lat = position.lat if position else None
        row.lng = position.lng if position else None
        row.accuracy_m = position.accuracy_m if position else None
    _tell(session, actor, row, visit, f"visit.joint_{answer}")
    return row


def _tell(session: Session, actor: Actor, row: JointVisit, visit: Visit, kind: str) -> None:
    session.add(row)
    session.flush()
    events.record(
        session, kind, visit.id, actor_id=actor.user_id, team_id=visit.team_id,
        source=actor.source, data={"colleague_id": row.colleague_id, "id": row.id},
    )  # fmt: skip
    both = [row.rep_id, row.colleague_id]
    feed.touch(session, "joint", row.id, rep_ids=both, team_id=visit.team_id)


def follow_in(session: Session, visit_id: str) -> None:
    """A visit changed: both phones show when it is on what was asked of it, so both are told."""
    rows = session.exec(select(JointVisit).where(JointVisit.visit_id == visit_id))
    for row in rows:
        feed.touch(session, "joint", row.id, rep_ids=[row.rep_id, row.colleague_id])


# ---- reading ----


def _of_pair(session: Session, visit_id: str, colleague_id: str) -> JointVisit | None:
    wanted = select(JointVisit).where(JointVisit.visit_id == visit_id)
    return session.exec(wanted.where(JointVisit.colleague_id == colleague_id)).first()


def _asked(session: Session, visit_id: str) -> list[JointVisit]:
    wanted = select(JointVisit).where(
        JointVisit.visit_id == visit_id, JointVisit.status != WITHDRAWN
    )
    return list(session.exec(wanted))


_Owner = shared_alias(User, name="owner")
_Mate = shared_alias(User, name="mate")
_Place = shared_alias(Client, name="joint_place")


_NAMED = (
    select(JointVisit, Visit, _Owner.name, _Mate.name, Client.name, _Place.name)  # type: ignore[call-overload]
    .join(Visit, col(Visit.id) == JointVisit.visit_id)
    .join(_Owner, _Owner.id == JointVisit.rep_id)  # type: ignore[arg-type]
    .join(_Mate, _Mate.id == JointVisit.colleague_id)  # type: ignore[arg-type]
    .join(Client, col(Client.id) == Visit.client_id)
    .outerjoin(_Place, _Place.id == Visit.place_id)  # type: ignore[arg-type]
    .order_by(col(JointVisit.id))
)


def with_names(session: Session, wanted: Iterable[object]) -> list[Joint]:
    """Joint visits by conditions on their rows and visits, oldest first."""
    return [Joint(*row) for row in session.exec(_NAMED.where(*wanted))]


_REP = bindparam("rep_id", type_=String)
_OF_REP = _NAMED.where(
    or_(col(JointVisit.rep_id) == _REP, col(JointVisit.colleague_id) == _REP),
    col(Visit.day) >= bindparam("first", type_=Date), col(Visit.day) <= bindparam("last", type_=Date),
)  # fmt: skip
"""Made once: every phone that pulls asks."""
_SOME_OF_REP = _OF_REP.where(among(JointVisit.id, "ids"))


def of_rep(
    session: Session, rep_id: str, first: date, last: date, ids: Collection[str] | None = None
) -> list[Joint]:
    """What a rep asked or was asked of visits between two days (inclusive)."""
    told: dict[str, Any] = {"rep_id": rep_id, "first": first, "last": last}
    if ids is None:
        return [Joint(*row) for row in session.exec(_OF_REP, params=told)]
    return [Joint(*row) for row in session.exec(_SOME_OF_REP, params=told | {"ids": [*ids]})]


def of_visit(session: Session, visit_id: str) -> list[Joint]:
    """Who was named for a visit; what was withdrawn is left out."""
    return with_names(session, [JointVisit.visit_id == visit_id, JointVisit.status != WITHDRAWN])
