"""Columns as a phone is told them: moments as epoch milliseconds, days as text, JSON in the wire's shapes.

A first copy is some ten thousand values. Each goes from what the driver gives straight to what the answer
holds, instead of by way of a datetime in a zone or a dict that is then looked through.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    Float,
    Integer,
    String,
    case,
    cast,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import OperationalError
from sqlalchemy.types import UserDefinedType
from sqlmodel import Session

from fieldcrm.kit.database import UtcDateTime

Reader = Callable[[Any], Any] | None
"""From the driver's value to the wire's; None where they are the same."""


def ms(moment: datetime | None) -> int | None:
    """Epoch milliseconds of an aware moment."""
    return None if moment is None else round(moment.timestamp() * 1000)


class Told(UserDefinedType[Any]):
    """A column's value as a document has it; read only."""

    cache_ok = True

    def __init__(self, kind: str, shape: Any = Any) -> None:
        self.kind, self.shape = kind, shape

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        """What reads a driver's value."""
        del coltype
        is_text = dialect.name == "sqlite"
        if self.kind == "moment":
            return _ms_of_text if is_text else ms
        if self.kind == "day":
            return None if is_text else _iso
        return _of_json(self.shape) if is_text else _of_value(self.shape)


_EPOCH = datetime(1970, 1, 1)


def _ms_of_text(text: str | None) -> int | None:
    """SQLite's text is in UTC and names no zone; to give it one would take three times as long."""
    if text is None:
        return None
    return round((datetime.fromisoformat(text) - _EPOCH).total_seconds() * 1000)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _of_json(shape: Any) -> Reader:
    decode, convert = msgspec.json.Decoder(shape).decode, _of_value(shape)

    def read(text: str | None) -> Any:
        if text is None:
            return None
        try:
            return decode(text)
        except msgspec.DecodeError:  # what only Python calls JSON (NaN)
            return convert(json.loads(text)) if convert else json.loads(text)

    return read


def _of_value(shape: Any) -> Reader:
    if shape is Any:
        return None
    return lambda value: None if value is None else msgspec.convert(value, shape)


def told(column: Any, shape: Any = Any) -> ColumnElement[Any]:
    """A column as a document tells it; `shape`: what JSON is read as."""
    kinds = ((UtcDateTime, "moment"), (Date, "day"), (JSON, "json"))
    kind = next((name for type_, name in kinds if isinstance(column.type, type_)), None)
    return column if kind is None else type_coerce(column, Told(kind, shape)).label(column.name)


def select_of(table: Any, doc: type[msgspec.Struct], **shapes: Any) -> Any:
    """A select of the columns that a phone's document shows, in its order: the others cost reading, too.

    `shapes`: what of a JSON column's value is told, by its name; else all of it.
    """
    shown = (name.removesuffix("_ms") for name in doc.__struct_fields__)
    return select(*(told(table.c[n], shapes.get(n, Any)) for n in shown if n in table.c))


# ---- many rows at once ----


class Bulk:
    """A select whose rows SQLite hands over in one piece: a list of lists, packed and read outside Python.

    Python's driver lets other threads in before each row, so that a crowd of first copies spends its
    time waiting for each other. PostgreSQL's rows come in one piece anyhow.
    """

    def __init__(self, plain: Any) -> None:
        self.plain = plain
        rows = plain.subquery("told_row")
        values = func.json_array(*(_packed(c) for c in rows.c))
        self._packed = select(func.json_group_array(values, type_=String))
        shapes = tuple[tuple(_shape(c) for c in rows.c)]  # type: ignore[misc]
        self._read = msgspec.json.Decoder(list[shapes], strict=False).decode  # type: ignore[valid-type]

    def rows(self, session: Session, told: dict[str, Any]) -> Sequence[Any]:
        """All rows with these parameters, each a sequence of values."""
        connection = session.connection()
        if connection.dialect.name == "sqlite":
            with suppress(OperationalError):  # what only Python calls JSON (NaN) can't be packed
                return self._read(connection.execute(self._packed, told).scalar_one())
        return connection.execute(self.plain, told).all()


def _packed(column: Any) -> Any:
    """A value as JSON has it, to the last bit."""
    if isinstance(column.type, Told):
        return _PACKED[column.type.kind](type_coerce(column, String))
    if isinstance(column.type, Float):
        exactly = func.printf(literal_column("'%!.17g'"), column)
        return func.json(case((column.is_not(None), exactly)))
    return column


def _ms_in_sql(moment: Any) -> Any:
    """Of SQLite's text; with its fraction, the seconds would be rounded, too."""
    seconds = cast(func.strftime(literal_column("'%s'"), func.substr(moment, 1, 19)), Integer)
    return seconds * 1000 + (cast(func.substr(moment, 21, 6), Integer) + 500) // 1000


_PACKED: dict[str, Callable[[Any], Any]] = {
    "moment": _ms_in_sql, "day": lambda day: day, "json": func.json,
}  # fmt: skip


def _shape(column: Any) -> Any:
    """What a packed value is read as."""
    if isinstance(column.type, Boolean):
        return bool | None  # SQLite's is a number
    return (
        column.type.shape | None
        if isinstance(column.type, Told) and column.type.shape is not Any
        else Any
    )
