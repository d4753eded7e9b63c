"""Formulas in SQL, so that a million clients are ordered and narrowed by one where they lie.

`formulas.value_of` says the same of one client; tests hold the two together. Every operand is kept
within the language's bounds, so that neither database stops at an overflow.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Double, String, and_, case, cast, false, func, literal, null, or_, true
from sqlmodel import col

from fieldcrm.clients.ownfields.formulas import FACTS, SENSES, sense
from fieldcrm.clients.ownfields.model import OwnField
from fieldcrm.clients.tables import Bytewise, Client
from fieldcrm.forms.expressions import LARGEST, Node, parse

_FLOAT = Double()
LEAST = 1e-100
"""Smaller numbers are nought to a multiplication or division."""


def reckoned(own: OwnField) -> Any:
    """What a formula comes to for each client; NULL for nothing, and for kinds without the field."""
    senses = {**{n: SENSES[kind] for n, kind in own.reads.items()}, **FACTS}
    found = _sql(parse(own.field.formula or ""), senses)
    return case((col(Client.kind).in_(own.kinds), found), else_=null())


def _sql(node: Node, senses: Mapping[str, str]) -> Any:
    if node.does == "value":
        return _constant(node.value)
    if node.does == "name":
        return _column(node.value, senses[node.value])
    kinds = [sense(part, senses) for part in node.parts]
    parts = [_sql(part, senses) for part in node.parts]
    if node.does == "call":
        return (
            _count(parts[0], kinds[0]) if node.value == "count" else _answered(parts[0], kinds[0])
        )
    if node.does in ("and", "or", "not"):
        held = [_is_true(part, kind) for part, kind in zip(parts, kinds, strict=True)]
        return {"and": and_, "or": or_, "not": lambda one: ~one}[node.does](*held)
    if node.does in ("=", "!="):
        same = _equal(parts, kinds)
        return same if node.does == "=" else ~same
    if node.does == "has":
        ways = (json.dumps(node.parts[1].value, ensure_ascii=e) for e in (True, False))
        told = cast(parts[0], String)
        return func.coalesce(or_(*(told.contains(way, autoescape=True) for way in ways)), false())
    if node.does in ("<", "<=", ">", ">="):
        return _ordered(node.does, parts, kinds[0])
    return _sum(node.does, *parts)


def _constant(value: Any) -> Any:
    if value is None:
        return null()
    if isinstance(value, bool):
        return true() if value else false()
    return literal(value)


def _column(name: str, kind: str) -> Any:
    if name in FACTS:
        return col(getattr(Client, name))
    kept = col(Client.own_fields)[name]  # type: ignore[index]
    match kind:
        case "number":
            return kept.as_float()
        case "yes_no":
            return kept.as_boolean()
        case "list":
            return kept
    return kept.as_string()


def _count(told: Any, kind: str) -> Any:
    size = func.json_array_length(told) if kind == "list" else func.length(told)
    return cast(func.coalesce(size, 0), _FLOAT)


def _answered(told: Any, kind: str) -> Any:
    return _is_true(told, kind) if kind in ("text", "list") else told.is_not(None)


def _is_true(told: Any, kind: str) -> Any:
    match kind:
        case "number":
            return func.coalesce(told, 0) != 0
        case "text":
            return func.coalesce(told, "") != ""
        case "list":
            return func.coalesce(func.json_array_length(told), 0) > 0
        case "yes_no":
            return func.coalesce(told, false())
    return false()


def _equal(parts: list[Any], kinds: list[str]) -> Any:
    left, right = parts
    if kinds[0] == kinds[1] and kinds[0] != "list":
        return left.is_not_distinct_from(right)
    return and_(_is_nothing(left, kinds[0]), _is_nothing(right, kinds[1]))


def _is_nothing(told: Any, kind: str) -> Any:
    """A list that isn't there is JSON's null in one database and NULL in the other."""
    if kind != "list":
        return told.is_(None)
    return func.coalesce(cast(told, String), "null") == "null"


def _ordered(sign: str, parts: list[Any], kind: str) -> Any:
    """Numbers by size, texts by code point whichever the database's own order is."""
    left, right = (cast(p, Bytewise) for p in parts) if kind == "text" else parts
    return func.coalesce(left.op(sign, is_comparison=True)(right), false())


def _sum(sign: str, left: Any, right: Any) -> Any:
    one, other = _bounded(left), _bounded(right)
    if sign == "/":
        fits = and_(other != 0, func.abs(one) <= func.abs(other) * LARGEST)
        return case((fits, one / func.nullif(other, 0)), else_=null())
    found = {"+": one + other, "-": one - other, "*": one * other}[sign]
    return case((func.abs(found) <= LARGEST, found), else_=null())


def _bounded(told: Any) -> Any:
    told = cast(told, _FLOAT)
    size = func.abs(told)
    return case((size > LARGEST, null()), (size < LEAST, literal(0.0)), else_=told)
