"""What a rep asked and what became of it, as his phone holds it: corrections, visits made by two."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from fieldcrm.clients import card_photos
from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import UtcDateTime
from fieldcrm.kit.tables import Event
from fieldcrm.people.tables import User
from fieldcrm.visits import joint
from fieldcrm.wire import sync as wire

if TYPE_CHECKING:
    from fieldcrm.sync.documents import Reach

KEPT_FOR = timedelta(days=30)
"""So long a phone holds a correction after it was asked for."""
ASKED = "client.correction_asked"
DECIDED = {"client.correction_accepted": "accepted", "client.correction_declined": "declined"}

# ---- corrections ----


def correction_ids(session: Session, r: Reach, after: str, limit: int) -> list[str]:
    found = sorted(event.data["id"] for event, _ in _asked(session, r))
    return [i for i in found if i > after][:limit]


def correction_docs(session: Session, r: Reach, ids: Collection[str]) -> dict[str, Any]:
    asked = [(e, name) for e, name in _asked(session, r) if e.data["id"] in ids]
    words = _words(session, {e.subject_id or "" for e, _ in asked})
    photos = card_photos.of_corrections(session, [e.data["id"] for e, _ in asked])
    return {
        e.data["id"]: _correction(
            e, name, words.get(e.data["id"]), len(photos.get(e.data["id"], ()))
        )
        for e, name in asked
    }


_ASKED = (
    select(Event, Client.name)
    .join(Client, col(Client.id) == Event.subject_id)
    .where(Event.actor_id == bindparam("rep_id"), Event.kind == ASKED)
    .where(Event.at >= bindparam("since", type_=UtcDateTime))
)
"""Made once: every phone that pulls asks."""


def _asked(session: Session, r: Reach) -> list[tuple[Event, str]]:
    """The rep's own corrections of late, with their client's name."""
    told = {"rep_id": r.rep_id, "since": clock.now() - KEPT_FOR}
    return [tuple(row) for row in session.exec(_ASKED, params=told)]  # type: ignore[misc]


def _words(session: Session, client_ids: Collection[str]) -> dict[str, tuple[Event, str | None]]:
    """The office's word by correction, with whose it is."""
    if not client_ids:
        return {}
    wanted = (
        select(Event, User.name)
        .outerjoin(User, col(User.id) == Event.actor_id)
        .where(col(Event.subject_id).in_(list(client_ids)), col(Event.kind).in_(list(DECIDED)))
    )
    return {event.data["id"]: (event, name) for event, name in session.exec(wanted)}


def _correction(
    asked: Event, client: str, word: tuple[Event, str | None] | None, photos: int
) -> wire.CorrectionDoc:
    return wire.CorrectionDoc(
        id=asked.data["id"], client_id=asked.subject_id or "", client_name=client,
        asked_at_ms=_ms(asked.at) or 0, wanted=asked.data["wanted"],
        comment=asked.data.get("comment"), photos=photos,
        status=DECIDED[word[0].kind] if word else "open",
        decided_at_ms=_ms(word[0].at) if word else None, decided_by=word[1] if word else None,
        reason=word[0].data.get("reason") if word else None,
    )  # fmt: skip


# ---- visits made by two ----


def joint_ids(session: Session, r: Reach, after: str, limit: int) -> list[str]:
    found = (j.row.id for j in joint.of_rep(session, r.rep_id, r.first, r.last))
    return sorted(i for i in found if i > after)[:limit]


def joint_docs(session: Session, r: Reach, ids: Collection[str]) -> dict[str, Any]:
    return {j.row.id: _joint(j, r) for j in joint.of_rep(session, r.rep_id, r.first, r.last, ids)}


def _joint(j: joint.Joint, r: Reach) -> wire.JointDoc:
    is_mine = j.row.rep_id == r.rep_id
    at = j.visit.checked_in_at or j.visit.expected_at or j.visit.planned_at
    return wire.JointDoc(
        id=j.row.id, visit_id=j.row.visit_id, is_mine=is_mine,
        other_name=j.colleague_name if is_mine else j.rep_name, client_name=j.client_name,
        place_name=j.place_name, day=j.visit.day.isoformat(), at_ms=_ms(at),
        status=j.row.status, answered_at_ms=_ms(j.row.answered_at),
    )  # fmt: skip


_COLLEAGUES = (
    select(User.id, User.name)
    .where(User.team_id == bindparam("team_id"), User.role == "rep", col(User.is_active))
    .where(User.id != bindparam("rep_id"))
    .order_by(User.name)
)


def colleagues(session: Session, team_id: str | None, rep_id: str) -> list[wire.Colleague]:
    """Active reps of a team but one, by name."""
    if team_id is None:
        return []
    found = session.connection().execute(_COLLEAGUES, {"team_id": team_id, "rep_id": rep_id})
    return [wire.Colleague(*row) for row in found]


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1000)
