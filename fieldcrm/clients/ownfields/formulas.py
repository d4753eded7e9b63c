"""Formulas: what may be reckoned of a client's other fields, and what comes of it. Pure.

The language is that of forms (docs/forms.md), which no more can do than its grammar says: at most
500 characters, 30 deep, no loops, no names but the card's own. Each formula's parts have one type
each, told before it is kept, so that the database can order and narrow by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldcrm.clients.ownfields.model import BadOwnField, CardField
from fieldcrm.forms.expressions import BadExpression, Node, evaluate, holds, names, parse

SENSES: Mapping[str, str] = {
    "number": "number", "money": "number", "text": "text", "phone": "text", "email": "text",
    "date": "text", "choice": "text", "choices": "list", "yes_no": "yes_no",
}  # fmt: skip
"""What fields of a type are to a formula; others it can't read."""
FACTS: Mapping[str, str] = {"kind": "text", "category": "text"}
"""Of the client itself."""
RESULTS = ("number", "text", "yes_no")
_CALLS = {"count": ("text", "list"), "answered": ("number", "text", "list", "yes_no")}
_GIVES = {"count": "number", "answered": "yes_no"}


def read(field: CardField, known: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """(type of the result, {name: type of the field} that it reads).

    `known`: name -> type of the fields there are. Raises BadOwnField for a formula of no sense.
    """
    tree = _tree(field.formula or "")
    senses = {n: SENSES[kind] for n, kind in known.items() if kind in SENSES}
    if names(tree) - set(senses) - set(FACTS):
        raise BadOwnField(why="formula_names")
    result = sense(tree, {**senses, **FACTS})
    if result not in RESULTS:
        raise BadOwnField(why="formula_types")
    return result, {n: known[n] for n in sorted(names(tree) & set(senses))}


def named(text: str) -> frozenset[str]:
    """Names that an expression reads, of own fields and of facts."""
    return frozenset(names(parse(text)))


def reads(text: str) -> frozenset[str]:
    """Names of the own fields that an expression reads."""
    return named(text) - set(FACTS)


def check_condition(text: str, known: Mapping[str, str]) -> None:
    """Raise BadOwnField for a condition (`required_when`) on what no card has."""
    try:
        unknown = reads(text) - {name for name, kind in known.items() if kind in SENSES}
    except BadExpression as error:
        raise BadOwnField(why="condition") from error
    if unknown:
        raise BadOwnField(why="condition")


def is_needed(field: CardField, values: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether a card of these values and facts (kind, category) needs a field."""
    if field.required or field.required_when is None:
        return field.required
    return holds(field.required_when, {**values, **facts})


def _tree(text: str) -> Node:
    try:
        return parse(text)
    except BadExpression as error:
        raise BadOwnField(why="formula") from error


def sense(node: Node, senses: Mapping[str, str]) -> str:
    """The type of an expression: number, text, yes_no, list or nothing; raises BadOwnField."""
    if node.does == "value":
        return _of_constant(node.value)
    if node.does == "name":
        return senses[node.value]
    parts = [sense(part, senses) for part in node.parts]
    if node.does == "call":
        if parts[0] not in _CALLS.get(node.value, ()):
            raise BadOwnField(why="formula_types")
        return _GIVES[node.value]
    if node.does in ("+", "-", "*", "/"):
        return _same(parts, ("number",), "number")
    if node.does == "has":
        is_text = node.parts[1].does == "value" and parts[1] == "text"
        return _same(parts[:1] if is_text else [], ("list",), "yes_no")
    if node.does in ("<", "<=", ">", ">="):
        return _same(parts, ("number", "text"), "yes_no")
    return "yes_no"


def _of_constant(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes_no"
    return "text" if isinstance(value, str) else "number"


def _same(parts: list[str], fit: tuple[str, ...], result: str) -> str:
    if len(set(parts)) != 1 or parts[0] not in fit:
        raise BadOwnField(why="formula_types")
    return result


def value_of(formula: str, values: Mapping[str, Any], kind: str, category: str | None) -> Any:
    """What a formula comes to for a client; None for nothing."""
    known = {**values, "kind": kind, "category": category}
    found = evaluate(parse(formula), known)
    whole = isinstance(found, float) and found == int(found)
    return int(found) if whole else None if found == "" else found
