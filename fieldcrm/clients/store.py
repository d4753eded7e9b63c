"""Every SQL statement about clients."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, column, exists, func, or_, table, true
from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from fieldcrm.clients import filtering, search_lookup
from fieldcrm.clients.model import ClientFilters, Condition, Tie
from fieldcrm.clients.tables import (
    Affiliation,
    Client,
    ImportRun,
    Promise,
    Territory,
)
from fieldcrm.kit.aliases import shared_alias
from fieldcrm.people.model import Actor, Role

# Visits lie above clients, so their table is known here by name only, for the scope of rows.
_visit = table(
    "visit", column("rep_id"), column("team_id"), column("client_id"), column("place_id"),
    column("state"),
)  # fmt: skip
_PERSON = shared_alias(Client)
OWN = "own."
"""Before the name of an own field, as `ownfields.model.PREFIX`."""
_CHUNK = 500
"""Values in one IN list; SQLite takes 32,766 parameters, older ones 999."""


def in_scope(actor: Actor, of: Any = Client) -> ColumnElement[bool]:
    """Which clients the actor sees; `of` is the office's query's own name for them.

    A rep: those of his territories, of his visits, and where his people work. A dispatcher or
    manager: those of their teams' territories and visits. An administrator: all.
    """
    if actor.is_admin:
        return true()
    if actor.role is Role.rep:
        return _in_reps_scope(actor.user_id)
    mine = select(Territory.id).where(col(Territory.team_id).in_(actor.team_ids))
    return or_(of.territory_id.in_(mine), _is_visited_by(actor.team_ids, of))


def _is_visited_by(team_ids: Collection[str], of: Any) -> ColumnElement[bool]:
    """Looked up for a client where his territory doesn't tell: teams' visits are too many to collect."""
    theirs = _visit.c.team_id.in_(team_ids)
    return or_(
        exists().where(_visit.c.client_id == of.id, theirs),
        exists().where(_visit.c.place_id == of.id, theirs),
    )


def _in_reps_scope(rep_id: Any) -> ColumnElement[bool]:
    held = select(Territory.id).where(Territory.rep_id == rep_id)
    workplaces = (
        select(Affiliation.organisation_id)
        .join(_PERSON, col(_PERSON.id) == Affiliation.person_id)
        .where(col(_PERSON.territory_id).in_(held))
    )
    return or_(
        col(Client.territory_id).in_(held),
        _is_visited(_visit.c.rep_id == rep_id),
        col(Client.id).in_(workplaces),
    )


def is_in_reps_scope(session: Session, rep_id: str, client_id: str) -> bool:
    """Whether a client, archived or not, is in a rep's scope."""
    wanted = select(Client.id).where(Client.id == client_id, _in_reps_scope(rep_id))
    return session.exec(wanted).first() is not None


def _is_visited(visits: ColumnElement[bool]) -> ColumnElement[bool]:
    clients = select(_visit.c.client_id).where(visits)
    places = select(_visit.c.place_id).where(visits, _visit.c.place_id.is_not(None))
    return or_(col(Client.id).in_(clients), col(Client.id).in_(places))


def client(session: Session, actor: Actor, client_id: str) -> Client | None:
    """A client in the actor's scope, archived or not."""
    return session.exec(select(Client).where(Client.id == client_id, in_scope(actor))).first()


_OF_REP = select(Client.id).where(
    _in_reps_scope(bindparam("rep_id")), col(Client.archived_at).is_(None)
)
"""Made once: every phone that pulls asks."""


def ids_for_rep(session: Session, rep_id: str) -> set[str]:
    """Living clients of a rep."""
    return set(session.connection().execute(_OF_REP, {"rep_id": rep_id}).scalars())


def show(row: Any, column: str, value: Any) -> None:
    """Let a row that was read, and that nobody writes, tell something else than the database keeps."""
    set_committed_value(row, column, value)


def reps_of(session: Session, client_ids: Iterable[str]) -> dict[str, set[str]]:
    """Reps whose phones hold each client: the territory's, and those with a visit to it or its people.

    Whoever holds a card must hear of its changes: no fewer than `_in_reps_scope` gives it to.
    """
    found: dict[str, set[str]] = {}
    for some in _chunks(client_ids):
        for client_id, rep_id in (
            row for wanted in _holders(some) for row in session.execute(wanted)
        ):
            found.setdefault(client_id, set()).add(rep_id)
    return found


def _holders(some: Collection[str]) -> Iterable[Any]:
    """Selects of (client, rep): by territory, by visits, by those who work there of either."""
    at_home = select(Client.id, Territory.rep_id).join(
        Territory, col(Territory.id) == Client.territory_id
    )
    visits = select(_visit.c.client_id, _visit.c.rep_id)
    link = col(Affiliation.organisation_id)
    works_at_home = (
        select(link, Territory.rep_id)
        .join(_PERSON, col(_PERSON.id) == Affiliation.person_id)
        .join(Territory, col(Territory.id) == _PERSON.territory_id)
    )
    visited_there = select(link, _visit.c.rep_id).join(
        _visit, _visit.c.client_id == Affiliation.person_id
    )
    held = col(Territory.rep_id).is_not(None)
    yield at_home.where(col(Client.id).in_(some), held)
    yield visits.where(_visit.c.client_id.in_(some)).distinct()
    yield works_at_home.where(link.in_(some), held).distinct()
    yield visited_there.where(link.in_(some)).distinct()


def find(
    session: Session, actor: Actor, query: str, filters: ClientFilters,
    sort: str, limit: int, after: list[Any] | None, by_own: Any = None,
    own: Collection[ColumnElement[bool]] = (),
) -> list[Client]:  # fmt: skip
    """Clients in scope that hold every word of a query, in order, from after a (value, id) key.

    `by_own` orders by an own field instead of a column; `own` narrows by own fields.
    """
    where, is_few = _chosen(session, actor, query, filters, own)
    by = filtering.sort_column(sort.lstrip("-"), filters.near) if by_own is None else by_own
    is_descending = sort.startswith("-")
    if is_few:
        by = func.coalesce(by, by)  # few rows are sorted, not picked from the order of all
    wanted = select(Client).where(*where)
    if after is not None:
        wanted = wanted.where(_comes_after(by, after, is_descending))
    key = (by, col(Client.id))
    order = [c.desc() for c in key] if is_descending else [c.asc() for c in key]
    return list(session.exec(wanted.order_by(*order).limit(limit)))


def _chosen(
    session: Session, actor: Actor, query: str, filters: ClientFilters,
    own: Collection[ColumnElement[bool]],
) -> tuple[list[ColumnElement[bool]], bool]:  # fmt: skip
    """(what clients of a list have in common, whether an index leaves few of them)."""
    where = [in_scope(actor), *narrowed(filters), *own]
    is_large = bool(query) and search_lookup.is_large(session)
    words = search_lookup.words_of(session, query, is_large)
    found = search_lookup.among(session, words) if is_large else search_lookup.Among(None, words)
    where += [search_lookup.holds(session, word) for word in found.left]
    if found.ids is not None:
        where.append(search_lookup.is_one_of(session, found.ids))
    return where, found.ids is not None or filters.near is not None


def _comes_after(by: Any, after: list[Any], is_descending: bool) -> ColumnElement[bool]:
    value, client_id = after
    beyond = by < value if is_descending else by > value
    next_id = col(Client.id) < client_id if is_descending else col(Client.id) > client_id
    return or_(beyond, and_(by == value, next_id))


def narrowed(f: ClientFilters) -> list[ColumnElement[bool]]:
    """What narrows a list by columns; raises BadClientField. Own fields are `ownfields.listing`'s."""
    archived = col(Client.archived_at)
    found: list[Any] = [archived.is_not(None) if f.archived else archived.is_(None)]
    if f.kinds:
        found.append(col(Client.kind).in_(f.kinds))
    if f.categories:
        found.append(col(Client.category).in_(f.categories))
    if f.territory_id:
        found.append(Client.territory_id == f.territory_id)
    if f.team_id:
        team = select(Territory.id).where(Territory.team_id == f.team_id)
        found.append(col(Client.territory_id).in_(team))
    if f.rep_id:
        held = select(Territory.id).where(Territory.rep_id == f.rep_id)
        found.append(col(Client.territory_id).in_(held))
    if f.without_place:
        found.append(col(Client.lat).is_(None))
    if f.tag:
        found.append(filtering.met(Condition("tags", "has", f.tag)))
    if f.near:
        found.append(filtering.within(f.near))
    return found + [filtering.met(c) for c in f.conditions if not c.field.startswith(OWN)]


def count(
    session: Session, actor: Actor, query: str, filters: ClientFilters,
    own: Collection[ColumnElement[bool]] = (), most: int | None = None,
) -> int:  # fmt: skip
    """How many clients in scope hold every word of a query and pass the filters; `most` and one at most."""
    where, _ = _chosen(session, actor, query, filters, own)
    found: Any = select(Client.id).where(*where)
    if most is not None:
        found = found.limit(most + 1)
    return session.exec(select(func.count()).select_from(found.subquery())).one()


def ids(
    session: Session, actor: Actor, query: str, filters: ClientFilters, limit: int,
    own: Collection[ColumnElement[bool]] = (),
) -> list[str]:  # fmt: skip
    """Clients that a list finds, in no order."""
    where, _ = _chosen(session, actor, query, filters, own)
    return list(session.exec(select(Client.id).where(*where).limit(limit)))


def count_by_rep(
    session: Session, actor: Actor, query: str, filters: ClientFilters,
    own: Collection[ColumnElement[bool]] = (),
) -> dict[str | None, int]:  # fmt: skip
    """How many clients a list finds, by whose territory they are in; None: nobody's."""
    where, _ = _chosen(session, actor, query, filters, own)
    wanted = (
        select(Territory.rep_id, func.count())
        .select_from(Client)
        .outerjoin(Territory, col(Territory.id) == Client.territory_id)
        .where(*where)
        .group_by(col(Territory.rep_id))
    )
    return dict(session.exec(wanted).all())


def ties(session: Session, client_id: str) -> tuple[list[Tie], list[Tie]]:
    """(people who work at this client, workplaces of this client)."""
    people = _ties(session, Affiliation.organisation_id == client_id, Affiliation.person_id)
    places = _ties(session, Affiliation.person_id == client_id, Affiliation.organisation_id)
    return people, places


def _ties(session: Session, here: Any, other_side: Any) -> list[Tie]:
    wanted = (
        select(Affiliation, Client)
        .join(Client, col(Client.id) == other_side)
        .where(here, col(Client.archived_at).is_(None))
        .order_by(col(Affiliation.is_main).desc(), col(Client.sort_name))
    )
    return [
        Tie(a.id, c.id, c.name, c.kind, a.role, a.hours, a.is_main) for a, c in session.exec(wanted)
    ]


def affiliation(session: Session, affiliation_id: str) -> Affiliation | None:
    return session.get(Affiliation, affiliation_id)


def affiliations_of(session: Session, person_id: str) -> list[Affiliation]:
    return list(session.exec(select(Affiliation).where(Affiliation.person_id == person_id)))


def territory(session: Session, territory_id: str) -> Territory | None:
    return session.get(Territory, territory_id)


def territories(session: Session, actor: Actor) -> list[Territory]:
    """Territories the actor sees: a rep's own, a dispatcher's or manager's teams', all."""
    wanted = select(Territory)
    if actor.role is Role.rep:
        wanted = wanted.where(Territory.rep_id == actor.user_id)
    elif not actor.is_admin:
        wanted = wanted.where(col(Territory.team_id).in_(actor.team_ids))
    return list(session.exec(wanted.order_by(col(Territory.name), col(Territory.id))))


def without_territory(session: Session, after: str, limit: int) -> list[Client]:
    """Living clients that no territory has, by id, those after one."""
    wanted = select(Client).where(
        col(Client.territory_id).is_(None), col(Client.archived_at).is_(None), Client.id > after
    )
    return list(session.exec(wanted.order_by(col(Client.id)).limit(limit)))


def ids_in_territory(session: Session, territory_id: str) -> list[str]:
    return list(session.exec(select(Client.id).where(Client.territory_id == territory_id)))


def clients_by_territory(session: Session) -> dict[str, int]:
    """How many living clients each territory has."""
    wanted = (
        select(Client.territory_id, func.count())
        .where(col(Client.archived_at).is_(None), col(Client.territory_id).is_not(None))
        .group_by(col(Client.territory_id))
    )
    return {territory_id: n for territory_id, n in session.exec(wanted) if territory_id}


def clients_by_category(session: Session, territory_id: str) -> dict[str, int]:
    """How many living clients of each category a territory has; those without one under ""."""
    wanted = (
        select(Client.category, func.count())
        .where(col(Client.archived_at).is_(None), Client.territory_id == territory_id)
        .group_by(col(Client.category))
    )
    return {category or "": n for category, n in session.exec(wanted)}


def promises(session: Session, client_id: str, rep_id: str | None = None) -> list[Promise]:
    """Open promises to a client by due day (none last), then those kept, the latest first."""
    wanted = select(Promise).where(Promise.client_id == client_id)
    if rep_id:
        wanted = wanted.where(Promise.rep_id == rep_id)
    found = list(session.exec(wanted.order_by(col(Promise.created_at))))
    unkept = (p for p in found if p.done_at is None)
    kept = sorted(((p.done_at, p) for p in found if p.done_at), key=lambda k: k[0], reverse=True)
    return sorted(unkept, key=_urgency) + [p for _, p in kept]


def _urgency(p: Promise) -> tuple[bool, date]:
    return p.due_on is None, p.due_on or p.created_at.date()


def promise(session: Session, promise_id: str) -> Promise | None:
    return session.get(Promise, promise_id)


def import_run(session: Session, run_id: str) -> ImportRun | None:
    return session.get(ImportRun, run_id)


def import_runs(session: Session, limit: int) -> list[ImportRun]:
    """The latest imports."""
    return list(session.exec(select(ImportRun).order_by(col(ImportRun.id).desc()).limit(limit)))


def by_values(session: Session, actor: Actor, field: str, values: Collection[str]) -> list[Client]:
    """Living clients in scope whose column holds one of the values."""
    by = getattr(Client, field)
    return [
        found
        for some in _chunks(values)
        for found in session.exec(
            select(Client).where(
                col(by).in_(some), col(Client.archived_at).is_(None), in_scope(actor)
            )
        )
    ]


def mean_place(session: Session) -> tuple[float, float] | None:
    """The middle of all clients with coordinates."""
    wanted = select(func.avg(Client.lat), func.avg(Client.lng)).where(col(Client.lat).is_not(None))
    lat, lng = session.exec(wanted).one()
    return None if lat is None else (lat, lng)


def _chunks(values: Iterable[str]) -> Iterable[list[str]]:
    every = list(dict.fromkeys(values))
    return (every[i : i + _CHUNK] for i in range(0, len(every), _CHUNK))
