"""Every SQL statement of offline sync, and the reads of a phone's documents."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalMemberAccess=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func
from sqlalchemy import select as columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from fieldcrm.clients.tables import Affiliation, Client, Promise, Territory
from fieldcrm.kit.feed import EVERYBODY
from fieldcrm.kit.tables import Event, FeedEntry
from fieldcrm.people.tables import Device, Team, User
from fieldcrm.planning.tables import Cycle, CycleTarget, DayPlan
from fieldcrm.sync.tables import Mutation
from fieldcrm.tracking.tables import Shift
from fieldcrm.visits.tables import Attachment, Product, Visit, VisitChange
from fieldcrm.wire import sync as wire

# ---- mutations ----


def lock_device(session: Session, device_id: str) -> Device | None:
    """The device, alone until the transaction ends: its mutations come one after another."""
    wanted = select(Device).where(Device.id == device_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def mutation(session: Session, mutation_id: str) -> Mutation | None:
    return session.get(Mutation, mutation_id)


def client(session: Session, client_id: str) -> Client | None:
    wanted = select(Client).where(Client.id == client_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


# ---- what others did ----


@dataclass(frozen=True)
class Deed:
    """Somebody's last change of a row, as far as a rep is told of it."""

    by: str | None
    """Name; None for the product itself."""
    at_ms: int
    reason: str | None = None


def last_change_by_others(session: Session, visit_id: str, user_id: str) -> Deed | None:
    """The newest change of a visit that somebody else made."""
    wanted = (
        select(VisitChange, User.name)
        .outerjoin(User, col(User.id) == VisitChange.actor_id)
        .where(VisitChange.visit_id == visit_id, func.coalesce(VisitChange.actor_id, "") != user_id)
        .order_by(col(VisitChange.version).desc())
    )
    found = session.exec(wanted.limit(1)).first()
    if found is None:
        return None
    change, name = found
    return Deed(name, _ms(change.at), change.data.get("reason"))


def last_event_by_others(session: Session, subject_id: str, user_id: str) -> Deed | None:
    """The newest write of a row by somebody else."""
    wanted = (
        select(Event.at, User.name)
        .join(User, col(User.id) == Event.actor_id)
        .where(Event.subject_id == subject_id, Event.actor_id != user_id)
        .order_by(col(Event.at).desc())
    )
    found = session.exec(wanted.limit(1)).first()
    return None if found is None else Deed(found[1], _ms(found[0]))


def correction(session: Session, correction_id: str, kind: str) -> tuple[Event, Client] | None:
    """The event by which a correction was asked for, and its client, locked."""
    sent = session.get(Mutation, correction_id)
    if sent is None:
        return None
    wanted = select(Event).where(Event.kind == kind, Event.subject_id == sent.subject_id)
    asked = next((e for e in session.exec(wanted) if e.data.get("id") == correction_id), None)
    card = client(session, sent.subject_id)
    return None if asked is None or card is None else (asked, card)


def is_decided(
    session: Session, client_id: str, correction_id: str, kinds: Collection[str]
) -> bool:
    """Whether somebody accepted or declined a correction of a client."""
    wanted = select(Event).where(col(Event.kind).in_(kinds), Event.subject_id == client_id)
    return any(e.data["id"] == correction_id for e in session.exec(wanted))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


# ---- the feed ----


def newest_seq(session: Session) -> int:
    """The last number of the feed; 0 while it is empty."""
    return session.exec(select(func.max(FeedEntry.seq))).one() or 0


def entries_after(session: Session, rep_id: str, seq: int, limit: int) -> list[FeedEntry]:
    """What changed for a rep after a number, in order."""
    wanted = select(FeedEntry).where(
        col(FeedEntry.rep_id).in_([rep_id, EVERYBODY]), col(FeedEntry.seq) > seq
    )
    return list(session.exec(wanted.order_by(col(FeedEntry.seq)).limit(limit)))


# ---- ids of what a phone holds, page by page ----


def visit_ids(
    session: Session, rep_id: str, first: date, last: date, after: str, limit: int
) -> list[str]:
    wanted = select(Visit.id).where(
        Visit.rep_id == rep_id, Visit.day >= first, Visit.day <= last, Visit.id > after
    )
    return list(session.exec(wanted.order_by(col(Visit.id)).limit(limit)))


def product_ids(session: Session, after: str, limit: int) -> list[str]:
    wanted = select(Product.id).where(Product.id > after)
    return list(session.exec(wanted.order_by(col(Product.id)).limit(limit)))


# ---- rows of documents ----


# Columns instead of rows with an identity: a first copy reads thousands and changes none.
_CLIENT, _VISIT, _ATTACHMENT = (t.__table__ for t in (Client, Visit, Attachment))  # type: ignore[attr-defined]
_PERSON, _ORGANISATION = aliased(Client), aliased(Client)


# Statements are made once, too: to make one takes longer than to run it.
_IDS, _REP = bindparam("ids", expanding=True), bindparam("rep_id")


def _told(table: Any, doc: type[msgspec.Struct]) -> Any:
    """A select of the columns that a phone's document shows: the others cost reading, too."""
    shown = {name.removesuffix("_ms") for name in doc.__struct_fields__}
    return columns(*(c for c in table.c if c.name in shown))


_VISITS = _told(_VISIT, wire.VisitDoc).where(_VISIT.c.id.in_(_IDS), _VISIT.c.rep_id == _REP)


def visits(session: Session, rep_id: str, ids: Collection[str]) -> list[Any]:
    """Those of these visits that are the rep's, as plain rows of the columns a phone is told."""
    return list(session.execute(_VISITS, {"ids": [*ids], "rep_id": rep_id}))


def visits_of_day(session: Session, rep_id: str, day: date) -> list[Visit]:
    wanted = select(Visit).where(Visit.rep_id == rep_id, Visit.day == day)
    return list(session.exec(wanted.order_by(col(Visit.position), col(Visit.id))))


_ATTACHMENTS = (
    _ATTACHMENT.select().where(_ATTACHMENT.c.visit_id.in_(_IDS)).order_by(_ATTACHMENT.c.id)
)


def attachments(session: Session, visit_ids: Collection[str]) -> list[Any]:
    """Plain rows of the attachments' columns."""
    return list(session.execute(_ATTACHMENTS, {"ids": [*visit_ids]}))


_CLIENTS = _told(_CLIENT, wire.ClientDoc).where(
    _CLIENT.c.id.in_(_IDS), _CLIENT.c.archived_at.is_(None)
)


def clients(session: Session, ids: Collection[str]) -> list[Any]:
    """Plain rows of the columns a phone is told."""
    return list(session.execute(_CLIENTS, {"ids": [*ids]}))


@dataclass(frozen=True)
class Link:
    """Somebody's work at a place, seen from either card."""

    person_id: str
    organisation_id: str
    role: str | None
    hours: str | None
    is_main: bool
    person: str
    """Names."""
    organisation: str


_LINKS = (
    select(
        Affiliation.person_id, Affiliation.organisation_id, Affiliation.role, Affiliation.hours,
        Affiliation.is_main, _PERSON.name, _ORGANISATION.name,
    )  # type: ignore[call-overload]
    .join(_PERSON, _PERSON.id == Affiliation.person_id)
    .join(_ORGANISATION, _ORGANISATION.id == Affiliation.organisation_id)
    .where(
        col(Affiliation.person_id).in_(_IDS) | col(Affiliation.organisation_id).in_(_IDS),
        _PERSON.archived_at.is_(None),
    )
    .order_by(col(Affiliation.is_main).desc(), col(Affiliation.id))
)  # fmt: skip


def affiliations(session: Session, ids: Collection[str]) -> list[Link]:
    """Links where either side is one of these."""
    return [Link(*row) for row in session.execute(_LINKS, {"ids": [*ids]})]


_PROMISE = Promise.__table__  # type: ignore[attr-defined]
_PROMISES = (
    _PROMISE.select()
    .where(_PROMISE.c.client_id.in_(_IDS), _PROMISE.c.rep_id == _REP)
    .order_by(_PROMISE.c.created_at)
)


def promises(session: Session, rep_id: str, client_ids: Collection[str]) -> list[Any]:
    """A rep's promises to clients, as plain rows, the oldest first."""
    return list(session.execute(_PROMISES, {"ids": [*client_ids], "rep_id": rep_id}))


HISTORY = 10


@dataclass(frozen=True)
class Past:
    """A closed visit, as a card's history shows it."""

    client_id: str
    id: str
    day: date
    result: str | None
    comment: str | None
    rep_name: str


_RANK = func.row_number().over(
    partition_by=_VISIT.c.client_id, order_by=(_VISIT.c.day.desc(), _VISIT.c.id)
)
_RANKED = (
    columns(*(_VISIT.c[n] for n in ("client_id", "id", "day", "result", "comment", "rep_id")),
           _RANK.label("rank"))
    .where(_VISIT.c.client_id.in_(_IDS), _VISIT.c.state == "closed")
    .subquery()
)  # fmt: skip
_HISTORY = (
    columns(*_RANKED.c[:5], User.__table__.c.name)
    .join(User, col(User.id) == _RANKED.c.rep_id)
    .where(_RANKED.c.rank <= HISTORY)
    .order_by(_RANKED.c.day.desc(), _RANKED.c.id)
)


def history(session: Session, client_ids: Collection[str]) -> list[Past]:
    """The last closed visits of each client with the rep's name, newest first."""
    return [Past(*row) for row in session.execute(_HISTORY, {"ids": [*client_ids]})]


def products(session: Session, ids: Collection[str]) -> list[Product]:
    return list(session.exec(select(Product).where(col(Product.id).in_(ids))))


def current_shifts(session: Session, rep_id: str, since: datetime) -> list[Shift]:
    """Shifts that are open, or began or ended since."""
    wanted = select(Shift).where(
        Shift.rep_id == rep_id,
        col(Shift.ended_at).is_(None)
        | (col(Shift.ended_at) >= since)
        | (Shift.started_at >= since),
    )
    return list(session.exec(wanted.order_by(col(Shift.started_at))))


def shift(session: Session, rep_id: str, shift_id: str) -> Shift | None:
    found = session.get(Shift, shift_id)
    return found if found and found.rep_id == rep_id else None


def newest_plans(session: Session, rep_id: str, first: date, last: date) -> list[DayPlan]:
    """The newest plan of each day."""
    wanted = select(DayPlan).where(
        DayPlan.rep_id == rep_id, DayPlan.day >= first, DayPlan.day <= last
    )
    rows = session.exec(wanted.order_by(col(DayPlan.day), col(DayPlan.version)))
    return list({row.day: row for row in rows}.values())


def user(session: Session, user_id: str) -> User | None:
    return session.get(User, user_id)


def team_name(session: Session, team_id: str | None) -> str | None:
    found = session.get(Team, team_id) if team_id else None
    return found.name if found else None


def territory_names(session: Session, rep_id: str) -> list[str]:
    wanted = select(Territory.name).where(Territory.rep_id == rep_id)
    return list(session.exec(wanted.order_by(col(Territory.name))))


# ---- the cycle, as a rep's cards show it ----


def current_cycle(session: Session, team_id: str | None, day: date) -> Cycle | None:
    wanted = select(Cycle).where(Cycle.team_id == team_id, Cycle.starts_on <= day)
    return session.exec(
        wanted.where(Cycle.ends_on >= day).order_by(col(Cycle.starts_on).desc())
    ).first()


def targets(session: Session, cycle_id: str, rep_id: str) -> dict[str, int]:
    """Visits wanted over the cycle, by client."""
    wanted = select(CycleTarget.client_id, CycleTarget.planned).where(
        CycleTarget.cycle_id == cycle_id, CycleTarget.rep_id == rep_id
    )
    return dict(session.exec(wanted).all())


def counted(session: Session, rep_id: str, first: date, last: date, state: str) -> dict[str, int]:
    """Visits of one state within days, by client; contradicted ones don't count."""
    wanted = (
        select(Visit.client_id, func.count())
        .where(
            Visit.rep_id == rep_id, Visit.day >= first, Visit.day <= last, Visit.state == state,
            Visit.verdict != "contradicted",
        )
        .group_by(col(Visit.client_id))
    )  # fmt: skip
    return dict(session.exec(wanted).all())
