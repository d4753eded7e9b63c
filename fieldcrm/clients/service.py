"""The client base: find, read, change, promise; who sees which client. Territories come with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import conditions, cursors, rules, store
from fieldcrm.clients.model import (
    DISTANCE,
    SORTS,
    BadClientField,
    ClientCard,
    ClientFilters,
    ClientNotFound,
    Page,
    PromiseNotFound,
    StaleClient,
    TerritoryNotFound,
)
from fieldcrm.clients.ownfields import listing
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields import store as own_store
from fieldcrm.clients.ownfields.model import NUMBERS, PREFIX, OwnField
from fieldcrm.clients.tables import Client, Promise
from fieldcrm.clients.territories import clients_by_territory as clients_by_territory
from fieldcrm.clients.territories import list_territories as list_territories
from fieldcrm.clients.territories import reassign_in as reassign_in
from fieldcrm.clients.territories import save_territory as save_territory
from fieldcrm.kit import clock, events, facts, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.kit.tables import Event
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

LIMIT_MAX = 500

# ---- reading ----


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
    limit = max(1, min(limit, LIMIT_MAX))
    with reading() as session:
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


def count(actor: Actor, filters: ClientFilters | None = None, search: str = "") -> int:
    """How many clients in scope are found by a search and pass the filters."""
    wanted = filters or ClientFilters()
    with reading() as session:
        own = listing.narrowing(session, actor, wanted)
        return store.count(session, actor, _query(search), wanted, own)


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


# ---- changing ----


def save(
    actor: Actor, changes: Mapping[str, Any], client_id: str | None = None,
    version: int | None = None,
) -> Client:  # fmt: skip
    """Add a client (no `client_id`; name and kind are needed) or change the given fields of one.

    `version` is the one the caller saw. Raises BadClientField, StaleClient, ClientNotFound,
    TerritoryNotFound, RoleForbids.
    """
    with transaction() as session:
        saved = _save_in(session, actor, changes, client_id, version)
    return _shown(actor, saved)


def _shown(actor: Actor, written: Client) -> Client:
    """What was written, as its author may see it."""
    with reading() as session:
        return shown_in(session, actor, written)


def _save_in(
    session: Session, actor: Actor, changes: Mapping[str, Any], client_id: str | None,
    version: int | None,
) -> Client:  # fmt: skip
    cleaned, own = rules.clean(changes), changes.get("own_fields")
    if client_id is None:
        facts = {"kind": str(cleaned.get("kind")), "category": cleaned.get("category")}
        cleaned |= _own_values(session, actor, facts, {}, own, set(facts))
        return _add_and_compare(session, actor, cleaned)
    client = get_in(session, actor, client_id)
    if version is not None and client.version != version:
        raise StaleClient(version=client.version)
    before = {"kind": client.kind, "category": client.category}
    facts = {name: cleaned.get(name, value) for name, value in before.items()}
    changed = {name for name in facts if facts[name] != before[name]}
    cleaned |= _own_values(session, actor, facts, client.own_fields, own, changed)
    return change_in(session, actor, client, cleaned)


def _own_values(
    session: Session, actor: Actor, facts: Mapping[str, Any], current: Mapping[str, Any], told: Any,
    changed: Collection[str] = (), *, one_by_one: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """The column of own fields with the values told on top; {} where nothing is told or changed."""
    if told is None and not changed:
        return {}
    told = {} if told is None else told
    if not isinstance(told, Mapping):
        raise BadClientField(field="own_fields")
    made = ownfields.merged_in(
        session, actor, facts, current, told, changed=changed, one_by_one=one_by_one
    )
    return {"own_fields": made}


def set_own_in(session: Session, actor: Actor, client: Client, told: Mapping[str, Any]) -> Client:
    """Set own fields of a client inside a transaction; those not told stay as they are."""
    facts = {"kind": client.kind, "category": client.category}
    values = _own_values(session, actor, facts, client.own_fields, told, one_by_one=True)
    return change_in(session, actor, client, values)


def _add_and_compare(session: Session, actor: Actor, cleaned: dict[str, Any]) -> Client:
    from fieldcrm.clients.duplicates import entry

    client = add_in(session, actor, cleaned)
    entry.note_in(session, client)
    return client


def add_in(
    session: Session, actor: Actor, cleaned: dict[str, Any], source: str | None = None,
    country: str | None = None, client_id: str | None = None,
) -> Client:  # fmt: skip
    """Add a client of checked fields inside a transaction; clears the sample's label."""
    for field in ("name", "kind"):
        if not cleaned.get(field):
            raise BadClientField(field=field)
    if actor.role is Role.rep:
        cleaned = cleaned | {"territory_id": _own_territory(session, actor, cleaned)}
    _check_territory(session, actor, {"territory_id": None} | cleaned)
    now = clock.now()
    client = Client(
        id=client_id or ids.new_id(), created_at=now, updated_at=now,
        source=source or ("field" if actor.role is Role.rep else "office"), **cleaned,
    )  # fmt: skip
    _settle(client, country)
    client.is_sample = facts.note_own_data(session)
    session.add(client)
    session.flush()
    tell_in(session, actor, client, "client.added", {"fields": sorted(cleaned)})
    return client


def change_in(
    session: Session, actor: Actor, client: Client, cleaned: dict[str, Any],
    country: str | None = None, kind: str = "client.changed",
) -> Client:  # fmt: skip
    """Set checked fields of a client inside a transaction; nothing new changes nothing."""
    changed = {k: v for k, v in cleaned.items() if getattr(client, k) != v}
    if not changed:
        return client
    rules.check_may_change(actor, set(changed))
    _check_territory(session, actor, changed)
    before = {k: getattr(client, k) for k in changed}
    held_before = store.reps_of(session, [client.id]).get(client.id, set())
    client.sqlmodel_update(changed)
    _settle(client, country)
    client.version += 1
    client.updated_at = clock.now()
    session.flush()
    tell_in(session, actor, client, kind, _said(before, changed), held_before)
    if "name" in changed:
        _tell_tied_in(session, client.id)
    return client


def _said(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What the log tells of a change; of own fields those alone that changed."""
    if "own_fields" in after:
        was, now = own_rules.difference(before["own_fields"], after["own_fields"])
        before, after = before | {"own_fields": was}, after | {"own_fields": now}
    return {"before": before, "after": after}


def _settle(client: Client, country: str | None) -> None:
    rules.check_place(client.lat, client.lng)
    own = country or rules.country_of(settings().timezone)
    client.phone_e164 = rules.e164_of(client.phone, own)


def _own_territory(session: Session, actor: Actor, cleaned: dict[str, Any]) -> str | None:
    """A rep's new client belongs to a territory of his, the first when he names none."""
    mine = [t.id for t in store.territories(session, actor)]
    wanted = cleaned.get("territory_id")
    if wanted and wanted not in mine:
        raise TerritoryNotFound()
    return wanted or (mine[0] if mine else None)


def _check_territory(session: Session, actor: Actor, cleaned: dict[str, Any]) -> None:
    wanted = cleaned.get("territory_id")
    if wanted and wanted not in {t.id for t in store.territories(session, actor)}:
        raise TerritoryNotFound()
    is_lost = "territory_id" in cleaned and not wanted and _leads_teams(actor)
    if is_lost:  # it would vanish from its own author's sight
        raise BadClientField(field="territory_id")


def _leads_teams(actor: Actor) -> bool:
    return actor.role in (Role.dispatcher, Role.manager)


def tell_in(
    session: Session, actor: Actor, client: Client, kind: str, data: dict[str, Any],
    also: Iterable[str] = (),
) -> None:  # fmt: skip
    """Log a client's change and tell the phones that hold it, and those that held it (`also`)."""
    territory = store.territory(session, client.territory_id) if client.territory_id else None
    team_id = territory.team_id if territory else None
    events.record(
        session, kind, client.id, actor_id=actor.user_id or None, team_id=team_id,
        source=actor.source, data=data,
    )  # fmt: skip
    reps = store.reps_of(session, [client.id]).get(client.id, set()) | set(also)
    if reps or team_id:
        feed.touch(session, "client", client.id, rep_ids=reps, team_id=team_id)


def tell_holders_in(session: Session, client_id: str, also: Iterable[str] = ()) -> None:
    """Let every phone that holds a card fetch it anew: what it shows beside its own row has changed."""
    holders = store.reps_of(session, [client_id]).get(client_id, set())
    feed.touch(session, "client", client_id, rep_ids=holders | set(also))


def _tell_tied_in(session: Session, client_id: str) -> None:
    """Cards that name this client, as a workplace or as somebody who works there."""
    for tie in chain(*store.ties(session, client_id)):
        tell_holders_in(session, tie.client_id)


def archive(actor: Actor, client_id: str, version: int | None = None) -> Client:
    """Take a client out of every list; its visits and history stay. Raises StaleClient."""
    return _set_archived(actor, client_id, version, True)


def restore(actor: Actor, client_id: str, version: int | None = None) -> Client:
    """Bring an archived client back."""
    return _set_archived(actor, client_id, version, False)


def _set_archived(actor: Actor, client_id: str, version: int | None, is_archived: bool) -> Client:
    people.require(actor, Role.admin, Role.manager)
    with transaction() as session:
        client = get_in(session, actor, client_id)
        if version is not None and client.version != version:
            raise StaleClient(version=client.version)
        if (client.archived_at is not None) != is_archived:
            client.archived_at = clock.now() if is_archived else None
            client.version += 1
            client.updated_at = clock.now()
            session.flush()
            kind = "client.archived" if is_archived else "client.restored"
            tell_in(session, actor, client, kind, {})
            _tell_tied_in(session, client.id)
    return _shown(actor, client)


# ---- promises ----


def add_promise_in(
    session: Session, actor: Actor, client_id: str, rep_id: str, text: str,
    due_on: date | None, visit_id: str | None = None,
) -> Promise:  # fmt: skip
    """Keep a next step that a rep promised to a client, inside a transaction."""
    client = get_in(session, actor, client_id)
    cleaned = rules.clean_text(text)[:500]
    if not cleaned:
        raise BadClientField(field="text")
    promise = Promise(
        id=ids.new_id(), client_id=client_id, rep_id=rep_id, visit_id=visit_id, text=cleaned,
        due_on=due_on, created_at=clock.now(),
    )  # fmt: skip
    session.add(promise)
    session.flush()
    tell_in(session, actor, client, "promise.made", {"promise_id": promise.id})
    return promise


def keep_promise_in(session: Session, actor: Actor, promise_id: str, at: datetime) -> Promise:
    """Mark a promise as kept; the same again changes nothing. Raises PromiseNotFound."""
    promise = store.promise(session, promise_id)
    if promise is None or (actor.role is Role.rep and promise.rep_id != actor.user_id):
        raise PromiseNotFound()
    client = _promised_to(session, actor, promise)
    if client is None:
        raise PromiseNotFound()
    if promise.done_at is None:
        promise.done_at = at
        session.flush()
        tell_in(session, actor, client, "promise.kept", {"promise_id": promise_id})
    return promise


def _promised_to(session: Session, actor: Actor, promise: Promise) -> Client | None:
    """A rep's own promise is his to keep, also where its client was merged into one out of his sight."""
    if promise.rep_id == actor.user_id:
        return session.get(Client, promise.client_id)
    return store.client(session, actor, promise.client_id)
