"""Every SQL statement about clients' own fields and the values they have."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, false, func, or_
from sqlmodel import Session, col, select

from fieldcrm.clients import conditions, filtering
from fieldcrm.clients.folding import fold
from fieldcrm.clients.model import Condition
from fieldcrm.clients.ownfields import formula_store
from fieldcrm.clients.ownfields.model import NUMBERS, OwnField
from fieldcrm.clients.ownfields.tables import ClientField
from fieldcrm.clients.store import in_scope
from fieldcrm.clients.tables import Client
from fieldcrm.people.model import Actor

_CHUNK = 500


_FIELDS = select(ClientField).order_by(col(ClientField.place), col(ClientField.id))
"""Made once: every phone that pulls asks."""


def fields(session: Session) -> list[ClientField]:
    """Every field, as they stand on a card."""
    return list(session.exec(_FIELDS))


def field(session: Session, field_id: str) -> ClientField | None:
    """A field, locked against other writers until the transaction ends."""
    wanted = select(ClientField).where(ClientField.id == field_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def holders(session: Session, own: OwnField) -> list[str]:
    """Living clients that have a value of a field, or may have one of a formula."""
    has = col(Client.kind).in_(own.kinds) if own.is_reckoned else ~has_value(own, "")
    return list(session.exec(select(Client.id).where(has, col(Client.archived_at).is_(None))))


def kept(name: str) -> Any:
    """A field's value of a client, as JSON."""
    return col(Client.own_fields)[name]  # type: ignore[index]


def value_of(own: OwnField) -> Any:
    """A field's value as number, truth or text of the database; a file's name."""
    if own.is_reckoned:
        return formula_store.reckoned(own)
    if own.field.type == "file":
        return col(Client.own_fields)[(own.name, "name")].as_string()  # type: ignore[index]
    if own.sense in NUMBERS:
        return kept(own.name).as_float()
    return kept(own.name).as_boolean() if own.sense == "yes_no" else kept(own.name).as_string()


def order_by(own: OwnField, actor: Actor) -> ColumnElement[Any]:
    """What orders clients by a field; those without a value come first.

    References go by the names that the actor sees: whom he doesn't see are as nobody.
    """
    told = _referred_name(own, actor) if own.field.type == "reference" else value_of(own)
    return func.coalesce(told, -1e18 if own.sense in NUMBERS else "")


def _referred_name(own: OwnField, actor: Actor) -> Any:
    seen = select(Client.id, Client.sort_name).where(in_scope(actor)).subquery()
    by_id = select(seen.c.sort_name).where(seen.c.id == kept(own.name).as_string())
    return by_id.correlate(Client).scalar_subquery()


def sort_name(session: Session, actor: Actor, client_id: str) -> str:
    """The name that a reference is ordered by; empty for a client that the actor doesn't see."""
    wanted = select(Client.sort_name).where(Client.id == client_id, in_scope(actor))
    return session.exec(wanted).first() or ""


def has_value(own: OwnField, value: str) -> ColumnElement[bool]:
    """Clients with a value, as text; of several choices those that chose it. Empty: with none."""
    if own.is_reckoned:
        return _comes_to(own, value)
    told = cast(kept(own.name), String)
    if not value:
        return or_(told.is_(None), told == "null")
    if own.field.type == "choices":
        return told.contains(json.dumps(value), autoescape=True)
    if own.field.type in NUMBERS:
        return kept(own.name).as_float() == _number(value)
    if own.field.type == "yes_no":
        return kept(own.name).as_boolean().is_(value == "true")
    return and_(told.is_not(None), value_of(own) == value)


def _comes_to(own: OwnField, value: str) -> ColumnElement[bool]:
    told = value_of(own)
    if not value:
        return or_(told.is_(None), told == "") if own.sense == "text" else told.is_(None)
    wanted: Any = {"number": _number, "yes_no": lambda v: v == "true"}.get(own.sense, str)(value)
    return func.coalesce(told == wanted, false())


def meets(own: OwnField, condition: Condition, actor: Actor) -> ColumnElement[bool]:
    """Clients whose value meets a condition; raises BadClientField."""
    kind = conditions.OWN_TYPES.get(own.sense)
    conditions.check(condition, kind)
    if condition.op == "empty":
        return has_value(own, "")
    if condition.op == "filled":
        return ~has_value(own, "")
    if kind in ("choices", "yes_no"):
        return has_value(own, condition.value)
    if kind == "reference":
        return _names_one(own, condition.value, actor)
    return filtering.compared(value_of(own), kind or "", condition)


def _names_one(own: OwnField, text: str, actor: Actor) -> ColumnElement[bool]:
    """Clients that refer to one that the actor sees and whose name has a text in it."""
    is_named = col(Client.sort_name).contains(fold(text), autoescape=True)
    named = select(Client.id).where(is_named, in_scope(actor)).correlate(None)
    return func.coalesce(kept(own.name).as_string().in_(named), false())


def names(session: Session, actor: Actor, ids: Collection[str]) -> dict[str, str]:
    """Id -> name of those of some clients that the actor sees."""
    every = sorted(set(ids))
    some = (every[i : i + _CHUNK] for i in range(0, len(every), _CHUNK))
    return {
        key: name
        for part in some
        for key, name in session.exec(
            select(Client.id, Client.name).where(col(Client.id).in_(part), in_scope(actor))
        )
    }


def referred(
    session: Session, actor: Actor, texts: Collection[str]
) -> list[tuple[str, str, str, str]]:
    """(what it is called by, id, kind, folded name) of living clients that texts name.

    By id or external id, else by name: as files say who is meant.
    """
    every = sorted(set(texts))
    found: dict[tuple[str, str], tuple[str, str, str, str]] = {}
    for i in range(0, len(every), _CHUNK):
        part = every[i : i + _CHUNK]
        ways = {fold(t) for t in part}
        by = or_(
            col(Client.id).in_(part),
            col(Client.external_id).in_(part),
            col(Client.sort_name).in_(ways),
        )
        wanted = select(Client.id, Client.external_id, Client.sort_name, Client.kind)
        for key, code, name, kind in session.exec(
            wanted.where(by, in_scope(actor), col(Client.archived_at).is_(None))
        ):
            for called in (key, code, name):
                if called:
                    found[called, key] = (called, key, kind, name)
    return list(found.values())


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("nan")


def count_by(session: Session, own: OwnField, where: list[Any]) -> list[tuple[Any, int]]:
    """(value, clients) of those that pass, as kept; None where there is no value."""
    each = select(cast(kept(own.name), String).label("value")).where(*where).subquery()
    found = session.execute(select(each.c.value, func.count()).group_by(each.c.value))
    return [(json.loads(value) if value is not None else None, n) for value, n in found]
