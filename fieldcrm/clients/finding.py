"""Reading the client base: who sees which client, lists a page at a time, a card, what was done."""

from __future__ import annotations

from sqlmodel import Session

from fieldcrm.clients import conditions, cursors, folding, store
from fieldcrm.clients.model import (
    DISTANCE,
    SORTS,
    BadClientField,
    ClientCard,
    ClientFilters,
    ClientNotFound,
    Page,
)
from fieldcrm.clients.ownfields import listing
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields import store as own_store
from fieldcrm.clients.ownfields.model import NUMBERS, PREFIX, OwnField
from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import glancing, reading
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor, Role

LIMIT_MAX = 500


def get(actor: Actor, client_id: str) -> Client:
    """A client in the actor's scope, with the own fields that he may see; raises ClientNotFound."""
    with reading() as session:
        return shown_in(session, actor, get_in(session, actor, client_id))


def get_in(session: Session, actor: Actor, client_id: str) -> Client:
    """The row as it stands, with fields that he may not see, inside another transaction."""
    found = store.client(session, actor, client_id)
    if found is None:
        raise ClientNotFound()
    return found


def shown_in(session: Session, actor: Actor, client: Client) -> Client:
    """A row that nobody writes any more, as somebody may see it."""
    ownfields.show_in(session, actor, [client])
    return client


def card(actor: Actor, client_id: str) -> ClientCard:
    """A client with its territory, people, workplaces and promises; raises ClientNotFound."""
    with reading() as session:
        client = shown_in(session, actor, get_in(session, actor, client_id))
        staff, workplaces = store.ties(session, client_id)
        territory = store.territory(session, client.territory_id) if client.territory_id else None
        promised = store.promises(session, client_id, _own_only(actor))
    return ClientCard(client, territory, staff, workplaces, promised)


def _own_only(actor: Actor) -> str | None:
    return actor.user_id if actor.role is Role.rep else None


def find(
    actor: Actor, search: str = "", filters: ClientFilters | None = None, sort: str = "name",
    limit: int = 50, cursor: str | None = None,
) -> Page:  # fmt: skip
    """Clients in scope, a page at a time.

    `search` is words in any case, script or with marks left out, or a part of a phone number;
    `sort` is one of `model.SORTS`, `own.<name>`, or `distance` beside `filters.near`; `-` in front
    turns it round. Raises BadCursor, BadClientField.
    """
    by, wanted = sort.removeprefix("-"), filters or ClientFilters()
    if by not in SORTS and not by.startswith(PREFIX) and not (by == DISTANCE and wanted.near):
        raise BadClientField(field="sort")
    if folding.asks_nothing(search[:200]):
        return Page([], None)
    limit = max(1, min(limit, LIMIT_MAX))
    with glancing() as session:
        own = listing.sorting(session, actor, by) if by.startswith(PREFIX) else None
        is_number = by == DISTANCE or (own is not None and own.sense in NUMBERS)
        after = cursors.read(cursor, sort, is_number=is_number) if cursor else None
        rows = store.find(
            session, actor, _query(search), wanted, sort, limit + 1, after,
            own_store.order_by(own, actor) if own else None, listing.narrowing(session, actor, wanted),
        )  # fmt: skip
        ownfields.show_in(session, actor, rows)
        shown = rows[:limit]
        is_more = len(rows) > limit
        cursor = _cursor(session, actor, shown[-1], sort, own, wanted) if is_more else None
    return Page(shown, cursor)


def _query(search: str) -> str:
    return search[:200].replace("\x00", "")


def _cursor(
    session: Session, actor: Actor, last: Client, sort: str, own: OwnField | None,
    wanted: ClientFilters,
) -> str:  # fmt: skip
    by = sort.removeprefix("-")
    if by == DISTANCE and wanted.near:
        value = repr(conditions.squared_km(last.lat, last.lng, wanted.near))
    elif own is not None:
        value = listing.sort_value(session, actor, last.own_fields.get(own.name), own)
    elif by in cursors.MOMENTS:
        value = getattr(last, by).isoformat()
    elif by == "name":
        value = last.sort_name
    else:
        value = getattr(last, by) or ("Z" if by == "category" else "")
    return cursors.written(sort, value, last.id)


def count(
    actor: Actor, filters: ClientFilters | None = None, search: str = "", most: int | None = None
) -> int:
    """How many clients in scope are found by a search and pass the filters.

    Counting ends one above `most`, where more is of no interest.
    """
    wanted = filters or ClientFilters()
    if folding.asks_nothing(search[:200]):
        return 0
    with reading() as session:
        own = listing.narrowing(session, actor, wanted)
        return store.count(session, actor, _query(search), wanted, own, most)


def ids_found(
    actor: Actor, filters: ClientFilters, search: str = "", limit: int = LIMIT_MAX
) -> list[str]:
    """Ids of clients in scope that a list finds, in no order."""
    if folding.asks_nothing(search[:200]):
        return []
    with reading() as session:
        own = listing.narrowing(session, actor, filters)
        return store.ids(session, actor, _query(search), filters, limit, own)


def count_by_rep(actor: Actor, filters: ClientFilters, search: str = "") -> dict[str | None, int]:
    """How many clients in scope a list finds, by the rep of their territory; None: nobody's."""
    if folding.asks_nothing(search[:200]):
        return {}
    with reading() as session:
        own = listing.narrowing(session, actor, filters)
        return store.count_by_rep(session, actor, _query(search), filters, own)


def clients_for_rep_in(session: Session, rep_id: str) -> set[str]:
    """Ids of a rep's living clients: his territories', his visits', and his people's workplaces."""
    return store.ids_for_rep(session, rep_id)


def history(actor: Actor, client_id: str, limit: int = 100) -> list[Event]:
    """What was done to a client and to those merged into it, the newest first; raises ClientNotFound.

    Nothing is told of own fields that the actor may not see.
    """
    from fieldcrm.clients.duplicates import merge_store
    from fieldcrm.people import store as log

    with reading() as session:
        get_in(session, actor, client_id)
        every = [client_id, *merge_store.standing_for(session, client_id)]
        found = [e for i in every for e in log.event_log(session, "", i, None, None, limit)]
        found = _seen(found, ownfields.hidden_in(session, actor))
    return sorted(found, key=lambda e: e.id, reverse=True)[:limit]


def _seen(found: list[Event], hidden: frozenset[str]) -> list[Event]:
    """Events without what they tell of hidden fields, and without those that tell nothing else."""
    told = [(event, own_rules.told_without(event.data, hidden)) for event in found]
    for event, data in told:
        if data is not None and data != event.data:
            store.show(event, "data", data)
    return [event for event, data in told if data is not None]
