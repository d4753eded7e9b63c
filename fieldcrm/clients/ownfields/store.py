"""Every SQL statement about clients' own fields and the values they have."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, func, or_
from sqlmodel import Session, col, select

from fieldcrm.clients.ownfields.model import NUMBERS, OwnField
from fieldcrm.clients.ownfields.tables import ClientField
from fieldcrm.clients.tables import Client


def fields(session: Session) -> list[ClientField]:
    """Every field, as they stand on a card."""
    wanted = select(ClientField).order_by(col(ClientField.place), col(ClientField.id))
    return list(session.exec(wanted))


def field(session: Session, field_id: str) -> ClientField | None:
    """A field, locked against other writers until the transaction ends."""
    wanted = select(ClientField).where(ClientField.id == field_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def kept(name: str) -> Any:
    """A field's value of a client, as JSON."""
    return col(Client.own_fields)[name]  # type: ignore[index]


def order_by(own: OwnField) -> ColumnElement[Any]:
    """What orders clients by a field; those without a value come first."""
    if own.field.type in NUMBERS:
        return func.coalesce(kept(own.name).as_float(), -1e18)
    return func.coalesce(kept(own.name).as_string(), "")


def has_value(own: OwnField, value: str) -> ColumnElement[bool]:
    """Clients with a value, as text; of several choices those that chose it. Empty: with none."""
    told = cast(kept(own.name), String)
    if not value:
        return or_(told.is_(None), told == "null")
    if own.field.type == "choices":
        return told.contains(json.dumps(value), autoescape=True)
    if own.field.type in NUMBERS:
        return kept(own.name).as_float() == _number(value)
    if own.field.type == "yes_no":
        return kept(own.name).as_boolean().is_(value == "true")
    return and_(told.is_not(None), kept(own.name).as_string() == value)


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
