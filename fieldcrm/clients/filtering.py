"""SQL of the conditions that narrow and order a list of clients."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, String, and_, cast, func, or_
from sqlmodel import col

from fieldcrm.clients import conditions, standing
from fieldcrm.clients.model import DISTANCE, Condition, Near
from fieldcrm.clients.tables import Client
from fieldcrm.kit.settings import settings


def met(condition: Condition) -> ColumnElement[bool]:
    """Clients one of whose columns meets a condition; raises BadClientField."""
    kind = conditions.FIELDS.get(condition.field)
    conditions.check(condition, kind)
    if kind == "consent":
        return compared(_consent(condition.field), "choice", condition)
    column = col(getattr(Client, condition.field))
    if kind == "moment":
        return _moment(column, condition)
    if kind == "choices":
        return _listed(cast(column, String), condition, "[]")
    return compared(column, kind or "", condition)


def _consent(name: str) -> ColumnElement[str]:
    """What stands for a channel of consent; a channel that nobody asked about has no entry."""
    field, channel = standing.CELLS[name]
    kept = col(getattr(Client, field))[(channel, "state")].as_string()
    return func.coalesce(kept, standing.NONE)


def compared(column: Any, kind: str, condition: Condition) -> ColumnElement[bool]:
    """The same for an expression of one of the types of `conditions.OPS`."""
    is_text, value = kind in ("text", "choice", "date"), condition.value
    told: Any = value if is_text else _number(value)
    blank = or_(column.is_(None), column == "") if is_text else column.is_(None)
    match condition.op:
        case "empty":
            return blank
        case "filled":
            return ~blank
        case "is_not":
            return or_(column.is_(None), column != told)
        case "from":
            return column >= told
        case "to":
            return and_(column <= told, ~blank)
        case "has":
            return holds(column, value)
    return column == told


def _number(value: str) -> float:
    return float(value) if value else 0.0


def holds(column: Any, text: str) -> ColumnElement[bool]:
    """A column with a text in it, in whichever case it is written: databases know ASCII's alone."""
    ways = dict.fromkeys((text, text.lower(), text.upper(), text.capitalize(), text.title()))
    return or_(*(column.icontains(way, autoescape=True) for way in ways))


def _listed(told: Any, condition: Condition, none: str) -> ColumnElement[bool]:
    """A JSON list, as text, that has a value in it."""
    blank = or_(told.is_(None), told.in_((none, "null")))
    if condition.op in conditions.WITHOUT_VALUE:
        return blank if condition.op == "empty" else ~blank
    ways = {json.dumps(condition.value), json.dumps(condition.value, ensure_ascii=False)}
    return or_(*(told.contains(way, autoescape=True) for way in sorted(ways)))


def _moment(column: Any, condition: Condition) -> ColumnElement[bool]:
    """From the beginning, or until the end, of a local day."""
    day = date.fromisoformat(condition.value)
    if condition.op == "to":
        return column < _start(day + timedelta(1))
    return column >= _start(day)


def _start(day: date) -> datetime:
    zone = ZoneInfo(settings().timezone)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def within(near: Near) -> ColumnElement[bool]:
    """Clients within a distance of a point: a box that an index finds, then the round."""
    conditions.check_near(near)
    south, north, west, east = conditions.box(near)
    lat, lng = col(Client.lat), col(Client.lng)
    across = [part for part in (lng >= west + 360 if west < -180 else None,
                                lng <= east - 360 if east > 180 else None) if part is not None]  # fmt: skip
    return and_(
        lat.between(south, north),
        or_(lng.between(west, east), *across),
        _squared_km(near) <= near.km * near.km,
    )


def _squared_km(near: Near) -> Any:
    return conditions.squared_km(col(Client.lat), col(Client.lng), near, func.abs)


def sort_column(by: str, near: Near | None) -> Any:
    """What orders clients by a column; those without a value come first, without a category last."""
    if by == DISTANCE and near:
        return _squared_km(near)
    if by == "name":
        return Client.sort_name
    if by in ("updated_at", "created_at", "kind", "source"):
        return getattr(Client, by)
    return func.coalesce(getattr(Client, by), "Z" if by == "category" else "")
