"""The client base: changed and promised to here, found and read by `finding`. Territories come with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import landing, rules, standing, store
from fieldcrm.clients.finding import LIMIT_MAX as LIMIT_MAX
from fieldcrm.clients.finding import card as card
from fieldcrm.clients.finding import clients_for_rep_in as clients_for_rep_in
from fieldcrm.clients.finding import count as count
from fieldcrm.clients.finding import count_by_rep as count_by_rep
from fieldcrm.clients.finding import find as find
from fieldcrm.clients.finding import get as get
from fieldcrm.clients.finding import get_in as get_in
from fieldcrm.clients.finding import history as history
from fieldcrm.clients.finding import ids_found as ids_found
from fieldcrm.clients.finding import shown_in as shown_in
from fieldcrm.clients.model import (
    BadClientField,
    PromiseNotFound,
    StaleClient,
    TerritoryNotFound,
)
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.tables import Client, Promise
from fieldcrm.clients.territories import clients_by_category as clients_by_category
from fieldcrm.clients.territories import clients_by_territory as clients_by_territory
from fieldcrm.clients.territories import landing_in
from fieldcrm.clients.territories import list_territories as list_territories
from fieldcrm.clients.territories import mean_place as mean_place
from fieldcrm.clients.territories import reassign_in as reassign_in
from fieldcrm.clients.territories import save_territory as save_territory
from fieldcrm.kit import clock, events, facts, feed, ids
from fieldcrm.kit.database import reading
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

# ---- changing ----


def save(
    actor: Actor, changes: Mapping[str, Any], client_id: str | None = None,
    version: int | None = None,
) -> Client:  # fmt: skip
    """Add a client (no `client_id`; name and kind are needed) or change the given fields of one.

    `version` is the one the caller saw. Raises BadClientField, StaleClient, ClientNotFound,
    TerritoryNotFound, RoleForbids.
    """
    with feed.writing() as session:
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
    rules.check_consents(actor, cleaned.get("consents", {}))
    if client_id is None:
        facts = {"kind": str(cleaned.get("kind")), "category": cleaned.get("category")}
        cleaned |= _own_values(session, actor, facts, {}, own, set(facts))
        return _add_and_compare(session, actor, _settled(standing.NOTHING, cleaned))
    client = get_in(session, actor, client_id)
    if version is not None and client.version != version:
        raise StaleClient(version=client.version)
    before = {"kind": client.kind, "category": client.category}
    facts = {name: cleaned.get(name, value) for name, value in before.items()}
    changed = {name for name in facts if facts[name] != before[name]}
    cleaned |= _own_values(session, actor, facts, client.own_fields, own, changed)
    return change_in(session, actor, client, _settled(client.model_dump(), cleaned))


def _settled(before: Mapping[str, Any], cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The checked fields with evidence and consents whole; raises ConsentToCome."""
    told = cleaned.get("consents", {})
    standing.check_days(before["consents"], told, clock.today().isoformat())
    return standing.settled(before, cleaned)


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
    elif not cleaned.get("territory_id"):
        found = landing_in(session, actor).of(cleaned)
        cleaned = cleaned | ({"territory_id": found} if found else {})
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
    told = sorted(name for name, value in cleaned.items() if value not in (None, "", [], {}))
    tell_in(session, actor, client, "client.added", {"fields": told})
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
    changed |= _landed(session, actor, client, changed)
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
    """What the log tells of a change; of own fields, evidence and consents those alone that changed."""
    return own_rules.changes_told(before, after)


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


def _landed(
    session: Session, actor: Actor, client: Client, changed: Mapping[str, Any]
) -> dict[str, Any]:
    """The territory that a client without one lands in by what is changed; {} where there is none."""
    if client.territory_id or "territory_id" in changed or not landing.LANDS_BY & changed.keys():
        return {}
    found = landing_in(session, actor).of(client.model_dump() | dict(changed))
    return {"territory_id": found} if found else {}


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
    with feed.writing() as session:
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
