"""Own fields in lists of clients: what orders by one, narrows by one, counts by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col

from fieldcrm.clients import store
from fieldcrm.clients.model import BadClientField, ClientFilters
from fieldcrm.clients.ownfields import counting, rules
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields import store as own_store
from fieldcrm.clients.ownfields.model import COUNTED, NUMBERS, PREFIX, UNSORTED, OwnField
from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import reading
from fieldcrm.people.model import Actor


def own_field(fields: Sequence[OwnField], name: str) -> OwnField:
    """An own field by its name; raises BadClientField for one that was never made."""
    found = next((f for f in fields if f.name == name), None)
    if found is None:
        raise BadClientField(field=f"{PREFIX}{name[:60]}")
    return found


def sorting(session: Session, actor: Actor, by: str) -> OwnField:
    """The own field that orders a list; raises BadClientField for one that has no order."""
    own = own_field(ownfields.seen_in(session, actor), by.removeprefix(PREFIX))
    if own.sense in UNSORTED:
        raise BadClientField(field="sort")
    return own


def sort_value(session: Session, actor: Actor, value: Any, own: OwnField) -> str:
    """A client's value for a cursor, as the database orders it."""
    if own.field.type == "reference":
        return own_store.sort_name(session, actor, value) if isinstance(value, str) else ""
    if rules.is_file(value):
        return str(value["name"])
    if own.sense in NUMBERS:
        return repr(-1e18 if value is None else float(value))
    return "" if value is None else str(value)


def narrowing(session: Session, actor: Actor, wanted: ClientFilters) -> list[Any]:
    """What narrows a list by own fields; raises BadClientField."""
    of_own = [c for c in wanted.conditions if c.field.startswith(PREFIX)]
    if not wanted.own and not of_own:
        return []
    fields = ownfields.seen_in(session, actor)
    values = [own_store.has_value(own_field(fields, name), value) for name, value in wanted.own]
    named = ((own_field(fields, c.field.removeprefix(PREFIX)), c) for c in of_own)
    return [*values, *(own_store.meets(own, c, actor) for own, c in named)]


def count_by(actor: Actor, name: str, filters: ClientFilters, none: str) -> list[counting.Counted]:
    """How many clients in scope, of those that pass the filters, have each value of an own field.

    Clients of kinds that don't have the field are left out. Raises BadClientField for a field
    whose values can't be counted.
    """
    with reading() as session:
        own = own_field(ownfields.seen_in(session, actor), name)
        if own.field.type not in COUNTED:
            raise BadClientField(field=f"{PREFIX}{name}")
        where = [
            store.in_scope(actor),
            *store.narrowed(filters),
            *narrowing(session, actor, filters),
        ]
        found = own_store.count_by(session, own, [*where, col(Client.kind).in_(own.kinds)])
    return counting.spread(own, found, actor.language, none)
