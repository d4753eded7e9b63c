"""Every SQL statement about visits."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched
from typing import Any

from sqlalchemy import String, and_, cast, func, insert, literal, or_, tuple_
from sqlmodel import Session, col, select

from fieldcrm.clients import folding
from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.kit.tables import Event
from fieldcrm.people.tables import User
from fieldcrm.visits import category_order
from fieldcrm.visits.model import BadCursor, BadSort, VisitFilters
from fieldcrm.visits.tables import Attachment, JointVisit, Visit, VisitChange

Place = shared_alias(Client, name="place")
AT_ONCE = 500
"""Ids asked for in one statement."""


@dataclass(frozen=True)
class VisitView:
    """A visit with the names a screen shows."""

    visit: Visit
    client_name: str
    client_kind: str
    category: str | None
    address: str | None
    place_name: str | None
    rep_name: str


@dataclass(frozen=True)
class Page[Row]:
    """One page of a list; `cursor` asks for the next, None when this is the last."""

    rows: list[Row]
    cursor: str | None


# ---- one visit ----


def visit(session: Session, visit_id: str, *, lock: bool = False) -> Visit | None:
    """A visit; locked against other writers until the transaction ends when asked."""
    if not lock:
        return session.get(Visit, visit_id)
    wanted = select(Visit).where(Visit.id == visit_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def visits_for_writing(session: Session, visit_ids: Iterable[str]) -> dict[str, Visit]:
    """Visits by id, locked in the order of their ids so that two writers never wait crosswise."""
    found: dict[str, Visit] = {}
    for some in batched(sorted(set(visit_ids)), AT_ONCE):
        wanted = select(Visit).where(col(Visit.id).in_(some)).order_by(col(Visit.id))
        fresh = wanted.with_for_update().execution_options(populate_existing=True)
        found |= {v.id: v for v in session.exec(fresh)}
    return found


def add_changes(
    session: Session, changes: list[dict[str, Any]], events: list[dict[str, Any]]
) -> None:
    """Many changes and their events by columns: rows of a model each cost ten times as much."""
    if changes:
        session.execute(insert(VisitChange), changes)
        session.execute(insert(Event), events)


def change(session: Session, change_id: str) -> VisitChange | None:
    return session.get(VisitChange, change_id)


def changes(session: Session, visit_id: str) -> list[VisitChange]:
    """A visit's changes in the order they were made here."""
    wanted = select(VisitChange).where(VisitChange.visit_id == visit_id)
    return list(session.exec(wanted.order_by(col(VisitChange.version), col(VisitChange.id))))


def changes_since(session: Session, visit_id: str, version: int) -> list[VisitChange]:
    """Changes that made versions later than this one."""
    wanted = select(VisitChange).where(
        VisitChange.visit_id == visit_id, VisitChange.version > version
    )
    return list(session.exec(wanted))


def day_of(session: Session, rep_id: str, day: date) -> list[Visit]:
    """A rep's visits of a local day in their order."""
    wanted = select(Visit).where(Visit.rep_id == rep_id, Visit.day == day)
    return list(session.exec(wanted.order_by(col(Visit.position), col(Visit.id))))


def last_position(session: Session, rep_id: str, day: date) -> int:
    """The highest order number of a rep's day."""
    wanted = select(func.max(Visit.position)).where(Visit.rep_id == rep_id, Visit.day == day)
    return session.exec(wanted).one() or 0


def reps_running_late(session: Session, day: date, now: datetime) -> list[str]:
    """Reps of a day with a visit that is still planned though its expected time has passed."""
    late = select(Visit.rep_id).where(
        Visit.day == day, Visit.state == "planned", col(Visit.expected_at) < now
    )
    return sorted(set(session.exec(late)))


def overdue(session: Session, today: date, limit: int) -> list[str]:
    """Ids of planned visits whose day is over."""
    wanted = select(Visit.id).where(Visit.state == "planned", Visit.day < today)
    return list(session.exec(wanted.order_by(col(Visit.day)).limit(limit)))


# ---- what hangs on a visit ----


def attachments(session: Session, visit_ids: Iterable[str]) -> dict[str, list[Attachment]]:
    """Attachments by visit."""
    found: dict[str, list[Attachment]] = {}
    wanted = select(Attachment).where(col(Attachment.visit_id).in_(list(visit_ids)))
    for row in session.exec(wanted.order_by(col(Attachment.id))):
        found.setdefault(row.visit_id, []).append(row)
    return found


def attachment(session: Session, attachment_id: str) -> Attachment | None:
    return session.get(Attachment, attachment_id)


def attachments_of_hash(session: Session, sha256: str) -> list[Attachment]:
    return list(session.exec(select(Attachment).where(Attachment.sha256 == sha256)))


def visits_of_hash(session: Session, sha256: str) -> list[Visit]:
    """Visits that name a file."""
    wanted = select(Visit).join(Attachment).where(Attachment.sha256 == sha256)
    return list(session.exec(wanted))


# ---- who and where ----


def rep(session: Session, rep_id: str) -> User | None:
    found = session.get(User, rep_id)
    return found if found and found.role == "rep" else None


def client(session: Session, client_id: str) -> Client | None:
    return session.get(Client, client_id)


def main_place(session: Session, person_id: str) -> Client | None:
    """The organisation where a person mainly works."""
    wanted = (
        select(Client)
        .join(Affiliation, col(Affiliation.organisation_id) == Client.id)
        .where(Affiliation.person_id == person_id)
        .order_by(col(Affiliation.is_main).desc(), col(Affiliation.id))
    )
    return session.exec(wanted).first()


def clients_with_places(
    session: Session, client_ids: Iterable[str]
) -> dict[str, tuple[Client, Client | None]]:
    """Clients by id, each with the organisation where it mainly works."""
    found: dict[str, tuple[Client, Client | None]] = {}
    for some in batched(sorted(set(client_ids)), AT_ONCE):
        rows = session.exec(select(Client).where(col(Client.id).in_(some)))
        found |= {c.id: (c, None) for c in rows}
        ties = (
            select(Affiliation.person_id, Client)
            .join(Client, col(Client.id) == Affiliation.organisation_id)
            .where(col(Affiliation.person_id).in_(some))
            .order_by(col(Affiliation.is_main), col(Affiliation.id).desc())
        )
        for person, place in session.exec(ties):
            found[person] = (found[person][0], place)
    return found


def joint_rows(session: Session, visit_ids: Iterable[str]) -> list[JointVisit]:
    """Colleagues asked to these visits."""
    found: list[JointVisit] = []
    for some in batched(sorted(set(visit_ids)), AT_ONCE):
        found += session.exec(select(JointVisit).where(col(JointVisit.visit_id).in_(some)))
    return found


def works_at(session: Session, person_id: str, organisation_id: str) -> bool:
    wanted = select(Affiliation.id).where(
        Affiliation.person_id == person_id, Affiliation.organisation_id == organisation_id
    )
    return session.exec(wanted).first() is not None


# ---- lists ----

Scope = Callable[[Any], Any]


def views(session: Session, *where: Any, order: Sequence[Any] = (), limit: int | None = None):
    """Visits with the names a screen shows."""
    wanted = (
        _joined(select(Visit, Client, Place, User))
        .where(*where)
        .order_by(*(order or (col(Visit.day), col(Visit.position), col(Visit.id))))
    )
    if limit is not None:
        wanted = wanted.limit(limit)
    return [_view(*row) for row in session.exec(wanted)]


def _view(row: Visit, who: Client, place: Client | None, by: User) -> VisitView:
    return VisitView(
        visit=row, client_name=who.name, client_kind=who.kind, category=who.category,
        address=(place.address if place else None) or who.address,
        place_name=place.name if place else None, rep_name=by.name,
    )  # fmt: skip


def unindexed(column: Any) -> Any:
    """A column that no index is taken for: another one gives the order in which a page is read."""
    return func.coalesce(column, column)


def scope_clause(rep_id: str | None, team_ids: frozenset[str] | None) -> Any:
    """Rows of one rep, or of teams (None: of all)."""
    if rep_id is not None:
        return Visit.rep_id == rep_id
    if team_ids is None:
        return literal(True)
    return col(Visit.team_id).in_(team_ids)


def filter_clauses(filters: VisitFilters, *, is_led_by_day: bool = True) -> list[Any]:
    """SQL conditions of a list's filters; the last day may be kept from leading the way."""
    clauses = [_search_clause(filters.search)] if filters.search.strip() else []
    for column, wanted in (
        (Visit.state, filters.states), (Visit.verdict, filters.verdicts),
        (Visit.result, filters.results), (Client.category, filters.categories),
        (Visit.rep_id, filters.rep_ids), (Visit.team_id, filters.team_ids),
    ):  # fmt: skip
        if wanted:
            clauses.append(col(column).in_(wanted))
    if filters.client_id is not None:
        clauses.append(Visit.client_id == filters.client_id)
    if filters.day_from is not None:
        clauses.append(Visit.day >= filters.day_from)
    if filters.day_to is not None:
        day: Any = Visit.day if is_led_by_day else unindexed(Visit.day)
        clauses.append(day <= filters.day_to)
    if filters.is_unplanned is not None:
        clauses.append(col(Visit.is_unplanned) == filters.is_unplanned)
    if filters.has_conflict:
        clauses.append(cast(col(Visit.conflicts), String).like("[{%"))
    return clauses


def is_wide(filters: VisitFilters) -> bool:
    """Whether a list is of nearly all visits: narrowed by nothing but its last day."""
    return filters == VisitFilters(day_to=filters.day_to)


def _search_clause(search: str) -> Any:
    """Every word is somewhere in the client's or place's folded text, or in the comment."""
    columns = (col(Client.search_text), col(Place.search_text), func.lower(col(Visit.comment)))
    return and_(
        *(
            or_(*(c.contains(text, autoescape=True) for c in columns for text in alternatives))
            for alternatives in folding.needles(search)
        )
    )


_BEGINS = func.coalesce(Visit.checked_in_at, Visit.planned_at, Visit.created_at)
"""When a visit began, or is to begin: stops of different reps stand in the order of their hours."""

SORTS: dict[str, tuple[Any, ...]] = {
    "day": (Visit.day, _BEGINS, Visit.id),
    "client": (Client.name, Visit.day, Visit.id),
    "rep": (User.name, Visit.day, _BEGINS, Visit.id),
    "state": (unindexed(Visit.state), Visit.day, Visit.id),
    "verdict": (unindexed(Visit.verdict), Visit.day, Visit.id),
    "category": (category_order.WORD, Visit.day, Visit.id),
}
"""What a list can be sorted by; a leading '-' turns it round.

State and verdict have indexes of these very words: plain ones would be taken in many other queries too,
where they lead through nearly every visit.
"""


def page(
    session: Session, where: Sequence[Any], sort: str, limit: int, cursor: str | None,
    is_wide: bool = False,
) -> Page[VisitView]:  # fmt: skip
    """One page by keyset: stable while rows come and go.

    `is_wide`: most visits pass, so they are read in their order and not all put in order.
    """
    key = SORTS.get(sort.removeprefix("-"))
    if key is None:
        raise BadSort(sort=sort)
    is_down, name = sort.startswith("-"), sort.removeprefix("-")
    values = _decoded(cursor, key) if cursor else None
    order = [c.desc() if is_down else c.asc() for c in key]
    if is_wide and name == "category":
        found = category_order.ids(session, where, is_down, limit + 1, values, _after)
    else:
        after = [_after(key, values, is_down)] if values else []
        joined = _ROUTES.get(name, _joined) if is_wide else _joined
        # what is ordered is narrow: long rows of all visits are read for one page alone
        chosen = joined(select(Visit.id)).where(*where, *after).order_by(*order).limit(limit + 1)
        found = list(session.exec(chosen))
    rows = views(session, col(Visit.id).in_(found), order=order)
    shown = rows[:limit]
    more = _encoded(session, key, shown[-1]) if len(rows) > limit else None
    return Page(shown, more)


def count(session: Session, where: Sequence[Any], most: int | None = None) -> int:
    """How many visits fit; `most` and one at most."""
    found = _joined(select(Visit.id)).where(*where)
    if most is not None:
        found = found.limit(most + 1)
    return session.exec(select(func.count()).select_from(found.subquery())).one()


def _joined(wanted: Any) -> Any:
    """With what a list is narrowed and ordered by beside the visits' own columns."""
    return (
        wanted.join(Client, col(Client.id) == Visit.client_id)
        .join(User, col(User.id) == Visit.rep_id)
        .outerjoin(Place, col(Place.id) == Visit.place_id)
    )


def _by_client(wanted: Any) -> Any:
    """Clients in the order of their names, and the visits of each: the page ends before most of them.

    No index leads from a visit to its client here, or all visits would be joined and put in order.
    """
    return wanted.join(Client, unindexed(Client.id) == Visit.client_id).join(
        User, col(User.id) == Visit.rep_id
    )


def _by_rep(wanted: Any) -> Any:
    """The same by reps."""
    return wanted.join(User, unindexed(User.id) == Visit.rep_id)


def _alone(wanted: Any) -> Any:
    """By the visits' own columns."""
    return wanted


_ROUTES = {"client": _by_client, "rep": _by_rep, "state": _alone, "verdict": _alone}
"""How to the visits in an order that an index gives."""


def _after(key: tuple[Any, ...], values: list[Any], is_down: bool) -> Any:
    here = tuple_(*(literal(v, c.type) for v, c in zip(values, key, strict=True)))
    return tuple_(*key) < here if is_down else tuple_(*key) > here


def _encoded(session: Session, key: tuple[Any, ...], last: VisitView) -> str:
    row = session.execute(
        select(*key)
        .select_from(Visit)
        .join(Client, col(Client.id) == Visit.client_id)
        .join(User, col(User.id) == Visit.rep_id)
        .where(Visit.id == last.visit.id)
    ).one()
    plain = [v.isoformat() if isinstance(v, date | datetime) else v for v in row]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode()


def _decoded(cursor: str, key: tuple[Any, ...]) -> list[Any]:
    try:
        plain = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(plain, list) or len(plain) != len(key):
            raise BadCursor()
        return [_typed(v, c) for v, c in zip(plain, key, strict=True)]
    except ValueError as error:
        raise BadCursor() from error


def _typed(value: Any, column: Any) -> Any:
    wanted = column.type.python_type
    if wanted is date and isinstance(value, str):
        return date.fromisoformat(value)
    if wanted is datetime and isinstance(value, str) and "+" in value:
        return datetime.fromisoformat(value)
    if not isinstance(value, wanted):
        raise BadCursor()
    return value
