"""The client base: find, read, change; territories, workplaces, promises; who sees which client."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlmodel import Session, col

from fieldcrm.clients import rules, store
from fieldcrm.clients.model import (
    PERSON_KINDS,
    PLACE_KINDS,
    SORTS,
    BadClientField,
    BadCursor,
    ClientCard,
    ClientFilters,
    ClientNotFound,
    Page,
    PromiseNotFound,
    StaleClient,
    TerritoryNotFound,
    WrongTie,
)
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields import store as own_store
from fieldcrm.clients.ownfields.model import COUNTED, NUMBERS, PREFIX, UNSORTED, OwnField
from fieldcrm.clients.ownfields.service import Counted
from fieldcrm.clients.tables import Affiliation, Client, Promise, Territory
from fieldcrm.kit import clock, events, facts, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.kit.tables import Event
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role, RoleForbids

LIMIT_MAX = 500

# ---- reading ----


def get(actor: Actor, client_id: str) -> Client:
    """A client in the actor's scope; raises ClientNotFound."""
    with reading() as session:
        return get_in(session, actor, client_id)


def get_in(session: Session, actor: Actor, client_id: str) -> Client:
    """The same inside another transaction."""
    found = store.client(session, actor, client_id)
    if found is None:
        raise ClientNotFound()
    return found


def card(actor: Actor, client_id: str) -> ClientCard:
    """A client with its territory, people, workplaces and promises; raises ClientNotFound."""
    with reading() as session:
        client = get_in(session, actor, client_id)
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
    `sort` is one of `model.SORTS`, `-` in front turns it round. Raises BadCursor, BadClientField.
    """
    by = sort.removeprefix("-")
    if by not in SORTS and not by.startswith(PREFIX):
        raise BadClientField(field="sort")
    limit = max(1, min(limit, LIMIT_MAX))
    query = search[:200].replace("\x00", "")
    wanted = filters or ClientFilters()
    with reading() as session:
        sorted_by = _sorting(session, by) if by not in SORTS else None
        after = _read_cursor(cursor, sort, sorted_by) if cursor else None
        rows = store.find(
            session, actor, query, wanted, sort, limit + 1, after,
            own_store.order_by(sorted_by) if sorted_by else None, _of_own(session, wanted),
        )  # fmt: skip
    shown = rows[:limit]
    return Page(shown, _cursor(shown[-1], sort, sorted_by) if len(rows) > limit else None)


def _own_field(session: Session, name: str) -> OwnField:
    """An own field by its name; raises BadClientField for one that was never made."""
    found = next((f for f in ownfields.fields_in(session) if f.name == name), None)
    if found is None:
        raise BadClientField(field=f"{PREFIX}{name[:60]}")
    return found


def _sorting(session: Session, by: str) -> OwnField:
    """The own field that orders a list; raises BadClientField for one that has no order."""
    own = _own_field(session, by.removeprefix(PREFIX))
    if own.field.type in UNSORTED:
        raise BadClientField(field="sort")
    return own


def _of_own(session: Session, wanted: ClientFilters) -> list[Any]:
    """What narrows a list by own fields."""
    return [own_store.has_value(_own_field(session, name), value) for name, value in wanted.own]


def count_by_own(actor: Actor, name: str, filters: ClientFilters, none: str) -> list[Counted]:
    """How many clients in scope, of those that pass the filters, have each value of an own field.

    Clients of kinds that don't have the field are left out. Raises BadClientField for a field
    whose values can't be counted.
    """
    with reading() as session:
        own = _own_field(session, name)
        if own.field.type not in COUNTED:
            raise BadClientField(field=f"{PREFIX}{name}")
        where = [store.in_scope(actor), *store.narrowed(filters), *_of_own(session, filters)]
        found = own_store.count_by(session, own, [*where, col(Client.kind).in_(own.kinds)])
    return ownfields.spread(own, found, actor.language, none)


def _sort_value(client: Client, sort: str, own: OwnField | None) -> Any:
    by = sort.removeprefix("-")
    if own is not None:
        return _own_sort_value(client.own_fields.get(own.name), own)
    if by == "updated_at":
        return client.updated_at.isoformat()
    return {
        "name": client.sort_name,
        "category": client.category or "Z",
        "city": client.city or "",
    }[by]


def _own_sort_value(value: Any, own: OwnField) -> Any:
    """As the database orders it."""
    if own.field.type in NUMBERS:
        return repr(-1e18 if value is None else float(value))
    return "" if value is None else str(value)


def _cursor(last: Client, sort: str, own: OwnField | None) -> str:
    text = json.dumps([sort, _sort_value(last, sort, own), last.id], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read_cursor(cursor: str, sort: str, own: OwnField | None) -> list[Any]:
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        made_for, value, client_id = json.loads(base64.urlsafe_b64decode(padded))
        if made_for != sort or not (isinstance(value, str) and isinstance(client_id, str)):
            raise ValueError
        if "\x00" in value + client_id:
            raise ValueError
        if own is not None and own.field.type in NUMBERS:
            return [float(value), client_id]
        is_time = sort.removeprefix("-") == "updated_at"
        return [datetime.fromisoformat(value) if is_time else value, client_id]
    except (ValueError, TypeError) as error:
        raise BadCursor() from error


def count(actor: Actor, filters: ClientFilters | None = None) -> int:
    """How many clients in scope pass the filters."""
    with reading() as session:
        return store.count(session, actor, filters or ClientFilters())


def clients_for_rep_in(session: Session, rep_id: str) -> set[str]:
    """Ids of a rep's living clients: his territories', his visits', and his people's workplaces."""
    return store.ids_for_rep(session, rep_id)


def history(actor: Actor, client_id: str, limit: int = 100) -> list[Event]:
    """What was done to a client and to those merged into it, the newest first; raises ClientNotFound."""
    from fieldcrm.clients.duplicates import merge_store
    from fieldcrm.people import store as log

    with reading() as session:
        get_in(session, actor, client_id)
        every = [client_id, *merge_store.standing_for(session, client_id)]
        found = [e for i in every for e in log.event_log(session, "", i, None, None, limit)]
    return sorted(found, key=lambda e: e.id, reverse=True)[:limit]


# ---- changing ----


def save(
    actor: Actor, changes: Mapping[str, Any], client_id: str | None = None,
    version: int | None = None,
) -> Client:  # fmt: skip
    """Add a client (no `client_id`; name and kind are needed) or change the given fields of one.

    `version` is the one the caller saw. Raises BadClientField, StaleClient, ClientNotFound,
    TerritoryNotFound, RoleForbids.
    """
    cleaned, own = rules.clean(changes), changes.get("own_fields")
    with transaction() as session:
        if client_id is None:
            cleaned |= _own_values(session, actor, str(cleaned.get("kind")), {}, own)
            return _add_and_compare(session, actor, cleaned)
        client = get_in(session, actor, client_id)
        if version is not None and client.version != version:
            raise StaleClient(version=client.version)
        kind = str(cleaned.get("kind") or client.kind)
        cleaned |= _own_values(session, actor, kind, client.own_fields, own)
        return change_in(session, actor, client, cleaned)


def _own_values(
    session: Session, actor: Actor, kind: str, current: Mapping[str, Any], told: Any
) -> dict[str, Any]:
    """The column of own fields with the values told on top; {} where none are told."""
    if told is None:
        return {}
    if not isinstance(told, Mapping):
        raise BadClientField(field="own_fields")
    return {"own_fields": ownfields.merged_in(session, actor, kind, current, told)}


def set_own_in(session: Session, actor: Actor, client: Client, told: Mapping[str, Any]) -> Client:
    """Set own fields of a client inside a transaction; those not told stay as they are."""
    values = _own_values(session, actor, client.kind, client.own_fields, told)
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
        return client


# ---- workplaces ----


def save_affiliation(
    actor: Actor, person_id: str, organisation_id: str, role: str | None = None,
    hours: str | None = None, is_main: bool = False,
) -> Affiliation:  # fmt: skip
    """Say that a person works at a place; the first place, or one said to be, is the main one.

    A person without coordinates of his own gets those of the main place.
    """
    people.require(actor, Role.admin, Role.manager, Role.dispatcher)
    with transaction() as session:
        person = get_in(session, actor, person_id)
        place = get_in(session, actor, organisation_id)
        if person.kind not in PERSON_KINDS or place.kind not in PLACE_KINDS:
            raise WrongTie()
        known = store.affiliations_of(session, person_id)
        tie = next((a for a in known if a.organisation_id == organisation_id), None)
        tie = tie or Affiliation(
            id=ids.new_id(), person_id=person_id, organisation_id=organisation_id
        )
        others = [a for a in known if a is not tie]
        tie.role, tie.hours = _short(role), _short(hours)
        tie.is_main = is_main or not any(a.is_main for a in others)
        for other in others:
            other.is_main = other.is_main and not tie.is_main
        session.add(tie)
        _follow_main(person, place, tie)
        session.flush()
        data = {"organisation_id": organisation_id, "is_main": tie.is_main}
        tell_in(session, actor, person, "client.workplace_set", data)
        return tie


def _short(text: str | None) -> str | None:
    return rules.clean_text(text)[:200] or None if text else None


def _follow_main(person: Client, place: Client, tie: Affiliation) -> None:
    if tie.is_main and place.lat is not None:
        person.lat, person.lng = place.lat, place.lng
    person.version += 1
    person.updated_at = clock.now()


def remove_affiliation(actor: Actor, affiliation_id: str) -> None:
    """A person no longer works at a place; another of his places becomes the main one."""
    people.require(actor, Role.admin, Role.manager, Role.dispatcher)
    with transaction() as session:
        tie = store.affiliation(session, affiliation_id)
        if tie is None:
            raise ClientNotFound()
        person = get_in(session, actor, tie.person_id)
        session.delete(tie)
        session.flush()
        left = store.affiliations_of(session, person.id)
        if left and not any(a.is_main for a in left):
            left[0].is_main = True
        person.version += 1
        person.updated_at = clock.now()
        data = {"organisation_id": tie.organisation_id}
        tell_in(session, actor, person, "client.workplace_left", data)


# ---- territories ----


def list_territories(actor: Actor) -> list[Territory]:
    """Territories the actor sees, by name."""
    with reading() as session:
        return store.territories(session, actor)


def clients_by_territory(actor: Actor) -> dict[str, int]:
    """How many living clients each territory that the actor sees has."""
    with reading() as session:
        seen = {t.id for t in store.territories(session, actor)}
        found = store.clients_by_territory(session)
    return {territory_id: n for territory_id, n in found.items() if territory_id in seen}


def save_territory(
    actor: Actor, changes: Mapping[str, Any], territory_id: str | None = None,
    version: int | None = None,
) -> Territory:  # fmt: skip
    """Add a territory (name, team_id) or change one: name, team_id, rep_id, cells.

    A rep must be of the territory's team; phones of the rep before and after hear of its clients.
    """
    people.require(actor, Role.admin)
    with transaction() as session:
        territory = store.territory(session, territory_id) if territory_id else None
        if territory_id and territory is None:
            raise TerritoryNotFound()
        if territory and version is not None and territory.version != version:
            raise StaleClient(version=territory.version)
        kind = "territory.changed" if territory else "territory.added"
        territory = territory or Territory(id=ids.new_id(), name="", team_id="", version=0)
        before = _told_of(territory)
        territory.sqlmodel_update(_clean_territory(changes))
        with session.no_autoflush:
            _check_whole(session, actor, territory)
        territory.version += 1
        session.add(territory)
        session.flush()
        _tell_territory(session, actor, territory, kind, before)
        return territory


def reassign_in(
    session: Session, actor: Actor, territories: Iterable[Territory], rep_id: str
) -> None:  # fmt: skip
    """Give territories to another rep of their team inside a transaction; phones hear of it.

    The caller has made sure that the actor may: a handover does.
    """
    for territory in territories:
        before = _told_of(territory)
        territory.rep_id = rep_id
        territory.version += 1
        session.add(territory)
        session.flush()
        _tell_territory(session, actor, territory, "territory.changed", before)


def _told_of(territory: Territory) -> dict[str, Any]:
    """What the log tells of a territory; of its area only how large it is."""
    return {
        "name": territory.name or None, "team_id": territory.team_id or None,
        "rep_id": territory.rep_id, "cells": len(territory.cells or ()),
    }  # fmt: skip


def _clean_territory(changes: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = {k: changes[k] for k in ("team_id", "rep_id") if k in changes}
    if "name" in changes:
        cleaned["name"] = rules.clean({"name": changes["name"]})["name"]
    if "cells" in changes:
        cells = changes["cells"]
        is_fit = isinstance(cells, list) and len(cells) <= 20_000
        if not is_fit or not all(isinstance(c, str) and len(c) <= 16 for c in cells):
            raise BadClientField(field="cells")
        cleaned["cells"] = cells
    return cleaned


def _check_whole(session: Session, actor: Actor, territory: Territory) -> None:
    if not territory.name:
        raise BadClientField(field="name")
    if territory.team_id not in {t.id for t in people.list_teams(actor)}:
        raise BadClientField(field="team_id")
    if territory.rep_id:
        rep = people.scope_rep_in(session, actor, territory.rep_id)
        if rep.team_id != territory.team_id:
            raise BadClientField(field="rep_id")


def _tell_territory(
    session: Session, actor: Actor, territory: Territory, kind: str, before: dict[str, Any]
) -> None:
    events.record(
        session, kind, territory.id, actor_id=actor.user_id or None, team_id=territory.team_id,
        source=actor.source, data=people.difference(before, _told_of(territory)),
    )  # fmt: skip
    if before["rep_id"] == territory.rep_id:
        return
    moved = {rep_id for rep_id in (before["rep_id"], territory.rep_id) if rep_id}
    for rep_id in moved:
        feed.touch(session, "profile", rep_id, rep_ids=[rep_id], team_id=territory.team_id)
    for client_id in store.ids_in_territory(session, territory.id):
        feed.touch(session, "client", client_id, rep_ids=moved)


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


def require_office(actor: Actor) -> None:
    """Raise RoleForbids for a rep: bulk work is the office's."""
    if actor.role is Role.rep:
        raise RoleForbids(role=actor.role.value)
