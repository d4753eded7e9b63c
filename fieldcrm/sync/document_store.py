"""Reads of what a phone holds: statements made once, plain rows of the columns it is shown."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import Date, bindparam, func
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from fieldcrm.clients.tables import Affiliation, Client, Promise, Territory
from fieldcrm.forms.tables import ShelfCheck
from fieldcrm.kit.among import among
from fieldcrm.kit.database import UtcDateTime
from fieldcrm.people.tables import Team, User
from fieldcrm.planning.tables import Cycle, CycleTarget, DayPlan
from fieldcrm.sync.told import Bulk, select_of, told
from fieldcrm.tracking.tables import Shift
from fieldcrm.visits.tables import Attachment, Product, Visit
from fieldcrm.wire import sync as wire


def _tables(*rows: Any) -> list[Any]:
    return [each.__table__ for each in rows]


# Columns instead of rows with an identity: a first copy reads thousands and changes none.
_CLIENT, _LINK, _PROMISE, _TERRITORY = _tables(Client, Affiliation, Promise, Territory)
_VISIT, _ATTACHMENT, _PRODUCT = _tables(Visit, Attachment, Product)
_USER, _TEAM, _SHIFT = _tables(User, Team, Shift)
_CYCLE, _TARGET, _PLAN = _tables(Cycle, CycleTarget, DayPlan)
(_SHELF,) = _tables(ShelfCheck)
_PERSON, _ORGANISATION = _CLIENT.alias("person"), _CLIENT.alias("organisation")


# Statements are made once, too: to make one takes longer than to run it.
_REP = bindparam("rep_id")
_FIRST, _LAST = bindparam("first", type_=Date), bindparam("last", type_=Date)
_WITHIN = (_VISIT.c.day >= _FIRST, _VISIT.c.day <= _LAST)


def _rows(session: Session, statement: Any, told: dict[str, Any]) -> list[Any]:
    """All plain rows of a statement, past the ORM, which makes objects out of none of them."""
    return [*session.connection().execute(statement, told).all()]


def _values(session: Session, statement: Any, told: dict[str, Any]) -> list[Any]:
    """The same for a single column."""
    return [value for (value,) in _rows(session, statement, told)]


# ---- ids of what a phone holds, page by page ----


_VISIT_IDS = Bulk(
    columns(_VISIT.c.id)
    .where(_VISIT.c.rep_id == _REP, _VISIT.c.id > bindparam("after"), *_WITHIN)
    .order_by(_VISIT.c.id)
    .limit(bindparam("limit"))
)


def visit_ids(
    session: Session, rep_id: str, first: date, last: date, after: str, limit: int
) -> list[str]:
    """Of a rep's visits within days, the next in the order of their ids."""
    wanted = {"rep_id": rep_id, "first": first, "last": last, "after": after, "limit": limit}
    return [visit_id for (visit_id,) in _VISIT_IDS.rows(session, wanted)]


_PRODUCT_IDS = (
    columns(_PRODUCT.c.id)
    .where(_PRODUCT.c.id > bindparam("after"))
    .order_by(_PRODUCT.c.id)
    .limit(bindparam("limit"))
)


def product_ids(session: Session, after: str, limit: int) -> list[str]:
    """The next in the order of their ids."""
    wanted = {"after": after, "limit": limit}
    return _values(session, _PRODUCT_IDS, wanted)


# ---- rows of documents ----


_VISITS = Bulk(
    select_of(_VISIT, wire.VisitDoc, details=wire.VisitDetails, check_in=wire.PlaceTime,
              check_out=wire.PlaceTime)
    .where(among(_VISIT.c.id, "ids"), _VISIT.c.rep_id == _REP, *_WITHIN)
)  # fmt: skip


def visits(
    session: Session, rep_id: str, first: date, last: date, ids: Collection[str]
) -> list[Any]:
    """Those of these visits that are the rep's within days: values in the order of a document."""
    wanted = {"rep_id": rep_id, "first": first, "last": last, "ids": [*ids]}
    return [*_VISITS.rows(session, wanted)]


def visits_of_day(session: Session, rep_id: str, day: date) -> list[Visit]:
    wanted = select(Visit).where(Visit.rep_id == rep_id, Visit.day == day)
    return list(session.exec(wanted.order_by(col(Visit.position), col(Visit.id))))


_ATTACHMENTS = (
    _ATTACHMENT.select().where(among(_ATTACHMENT.c.visit_id, "ids")).order_by(_ATTACHMENT.c.id)
)


def attachments(session: Session, visit_ids: Collection[str]) -> list[Any]:
    """Plain rows of the attachments' columns."""
    return _rows(session, _ATTACHMENTS, {"ids": [*visit_ids]})


_CLIENTS = Bulk(
    select_of(_CLIENT, wire.ClientDoc)
    .where(among(_CLIENT.c.id, "ids"), _CLIENT.c.archived_at.is_(None))
)  # fmt: skip


def clients(session: Session, ids: Collection[str]) -> list[Any]:
    """Plain rows of the columns a phone is told, in the order of a card."""
    return [*_CLIENTS.rows(session, {"ids": [*ids]})]


class Link(NamedTuple):
    """Somebody's work at a place, seen from either card."""

    person_id: str
    organisation_id: str
    role: str | None
    hours: str | None
    is_main: bool
    person: str
    """Names."""
    organisation: str


_LINKS = Bulk(
    columns(*(_LINK.c[n] for n in ("person_id", "organisation_id", "role", "hours", "is_main")),
            _PERSON.c.name.label("person"), _ORGANISATION.c.name.label("organisation"))
    .join(_PERSON, _PERSON.c.id == _LINK.c.person_id)
    .join(_ORGANISATION, _ORGANISATION.c.id == _LINK.c.organisation_id)
    .where(
        among(_LINK.c.person_id, "ids") | among(_LINK.c.organisation_id, "ids"),
        _PERSON.c.archived_at.is_(None),
    )
    .order_by(_LINK.c.is_main.desc(), _LINK.c.id)
)  # fmt: skip


def affiliations(session: Session, ids: Collection[str]) -> list[Link]:
    """Links where either side is one of these."""
    return [Link._make(row) for row in _LINKS.rows(session, {"ids": [*ids]})]


_PROMISES = (
    _PROMISE.select()
    .where(among(_PROMISE.c.client_id, "ids"), _PROMISE.c.rep_id == _REP)
    .order_by(_PROMISE.c.created_at)
)


def promises(session: Session, rep_id: str, client_ids: Collection[str]) -> list[Any]:
    """A rep's promises to clients, as plain rows, the oldest first."""
    return _rows(session, _PROMISES, {"ids": [*client_ids], "rep_id": rep_id})


HISTORY = 10


class Past(NamedTuple):
    """A closed visit, as a card's history shows it."""

    client_id: str
    id: str
    day: str
    result: str | None
    comment: str | None
    rep_name: str


_RANK = func.row_number().over(
    partition_by=_VISIT.c.client_id, order_by=(_VISIT.c.day.desc(), _VISIT.c.id)
)
# By clients: an index of states would find nearly every visit, hence none is offered.
_RANKED = (
    columns(*(_VISIT.c[n] for n in ("client_id", "id", "day", "result", "comment", "rep_id")),
           _RANK.label("rank"))
    .where(among(_VISIT.c.client_id, "ids"), func.coalesce(_VISIT.c.state, "") == "closed")
    .subquery()
)  # fmt: skip
_HISTORY = Bulk(
    columns(*_RANKED.c[:2], told(_RANKED.c.day), *_RANKED.c[3:5], _USER.c.name)
    .join(_USER, _USER.c.id == _RANKED.c.rep_id)
    .where(_RANKED.c.rank <= HISTORY)
    .order_by(_RANKED.c.day.desc(), _RANKED.c.id)
)


def history(session: Session, client_ids: Collection[str]) -> list[Past]:
    """The last closed visits of each client with the rep's name, newest first."""
    return [Past._make(row) for row in _HISTORY.rows(session, {"ids": [*client_ids]})]


class Seen(NamedTuple):
    """One product on a client's shelf, as a visit found it."""

    client_id: str
    product_id: str
    is_there: bool
    price: float | None
    day: str
    visit_id: str
    closed_at_ms: int
    rep_name: str


# Of the last day alone who looked and when: joined for every look, they would cost the most.
_LAST_LOOKS = (
    columns(*(_SHELF.c[n] for n in ("client_id", "product_id", "is_there", "price", "day",
                                    "visit_id", "rep_id")),
            func.rank().over(partition_by=(_SHELF.c.client_id, _SHELF.c.product_id),
                             order_by=_SHELF.c.day.desc()).label("rank"))
    .where(among(_SHELF.c.client_id, "ids"), _SHELF.c.day >= _FIRST)
    .subquery()
)  # fmt: skip
_LAST_SEEN = (
    columns(*_LAST_LOOKS.c[:4], told(_LAST_LOOKS.c.day), _LAST_LOOKS.c.visit_id,
            told(_VISIT.c.closed_at), _USER.c.name)
    .join(_VISIT, _VISIT.c.id == _LAST_LOOKS.c.visit_id)
    .join(_USER, _USER.c.id == _LAST_LOOKS.c.rep_id)
    .where(_LAST_LOOKS.c.rank == 1, _VISIT.c.closed_at.is_not(None))
    .order_by(_VISIT.c.closed_at, _VISIT.c.id, _LAST_LOOKS.c.product_id)
)  # fmt: skip


def last_seen(session: Session, client_ids: Collection[str], first: date) -> list[Seen]:
    """What stood on each client's shelf by product, as it was seen last since a day.

    Where several visits looked on that day, the one closed last stands last.
    """
    wanted = {"ids": [*client_ids], "first": first}
    return [Seen._make(row) for row in _rows(session, _LAST_SEEN, wanted)]


_PRODUCTS = select_of(_PRODUCT, wire.ProductDoc).where(among(_PRODUCT.c.id, "ids"))


def products(session: Session, ids: Collection[str]) -> list[Any]:
    """Plain rows of the columns a phone is told, in the order of its document."""
    return _rows(session, _PRODUCTS, {"ids": [*ids]})


_SINCE = bindparam("since", type_=UtcDateTime)
_SHIFT_IDS = columns(_SHIFT.c.id).where(
    _SHIFT.c.rep_id == _REP,
    _SHIFT.c.ended_at.is_(None) | (_SHIFT.c.ended_at >= _SINCE) | (_SHIFT.c.started_at >= _SINCE),
)


def current_shifts(session: Session, rep_id: str, since: datetime) -> list[str]:
    """Ids of shifts that are open, or began or ended since."""
    return _values(session, _SHIFT_IDS, {"rep_id": rep_id, "since": since})


_SHIFTS = _SHIFT.select().where(among(_SHIFT.c.id, "ids"), _SHIFT.c.rep_id == _REP)


def shifts(session: Session, rep_id: str, ids: Collection[str]) -> list[Any]:
    """Those of these shifts that are the rep's, as plain rows."""
    return _rows(session, _SHIFTS, {"ids": [*ids], "rep_id": rep_id})


_PLANS = (
    _PLAN.select()
    .where(_PLAN.c.rep_id == _REP, _PLAN.c.day >= _FIRST, _PLAN.c.day <= _LAST)
    .order_by(_PLAN.c.day, _PLAN.c.version)
)


def newest_plans(session: Session, rep_id: str, first: date, last: date) -> list[Any]:
    """The newest plan of each day, as plain rows."""
    wanted = {"rep_id": rep_id, "first": first, "last": last}
    return [*{row.day: row for row in _rows(session, _PLANS, wanted)}.values()]


_PERSON_AND_TEAM = (
    columns(_USER, _TEAM.c.name.label("team_name"))
    .join(_TEAM, _TEAM.c.id == _USER.c.team_id, isouter=True)
    .where(_USER.c.id == _REP)
)


def user(session: Session, rep_id: str) -> Any | None:
    """A rep's own plain row, with the name of his team."""
    return next(iter(_rows(session, _PERSON_AND_TEAM, {"rep_id": rep_id})), None)


_TERRITORIES = (
    columns(_TERRITORY.c.name).where(_TERRITORY.c.rep_id == _REP).order_by(_TERRITORY.c.name)
)


def territory_names(session: Session, rep_id: str) -> list[str]:
    """Of a rep, by name."""
    return _values(session, _TERRITORIES, {"rep_id": rep_id})


# ---- the cycle, as a rep's cards show it ----


class Span(NamedTuple):
    """A cycle's id and days."""

    id: str
    starts_on: date
    ends_on: date


_DAY = bindparam("day", type_=Date)
_CURRENT = (
    columns(_CYCLE.c.id, _CYCLE.c.starts_on, _CYCLE.c.ends_on)
    .where(_CYCLE.c.team_id == bindparam("team_id"), _CYCLE.c.starts_on <= _DAY)
    .where(_CYCLE.c.ends_on >= _DAY)
    .order_by(_CYCLE.c.starts_on.desc())
    .limit(1)
)


def current_cycle(session: Session, team_id: str | None, day: date) -> Span | None:
    """The cycle of a team that a day belongs to."""
    found = next(iter(_rows(session, _CURRENT, {"team_id": team_id, "day": day})), None)
    return None if found is None else Span(*found)


_TARGETS = columns(_TARGET.c.client_id, _TARGET.c.planned).where(
    _TARGET.c.cycle_id == bindparam("cycle_id"), _TARGET.c.rep_id == _REP
)


def targets(session: Session, cycle_id: str, rep_id: str) -> dict[str, int]:
    """Visits wanted over the cycle, by client."""
    wanted = {"cycle_id": cycle_id, "rep_id": rep_id}
    return dict(_rows(session, _TARGETS, wanted))


_COUNTED = (
    columns(_VISIT.c.client_id, func.count())
    .where(_VISIT.c.rep_id == _REP, _VISIT.c.state == bindparam("state"), *_WITHIN)
    .where(_VISIT.c.verdict != "contradicted")
    .group_by(_VISIT.c.client_id)
)


def counted(session: Session, rep_id: str, first: date, last: date, state: str) -> dict[str, int]:
    """Visits of one state within days, by client; contradicted ones don't count."""
    wanted = {"rep_id": rep_id, "first": first, "last": last, "state": state}
    return dict(_rows(session, _COUNTED, wanted))
