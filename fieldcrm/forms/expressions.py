"""The small language of a form's conditions; `phone/src/forms/expressions.ts` is its twin.

Grammar and meaning are in docs/forms.md; tests/forms/cases.json is run on both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

MOST_DEPTH = 30
WORDS = frozenset({"and", "or", "not", "has", "true", "false", "nothing"})
_TOKEN = re.compile(
    r"""[ \t\n]*(?:(?P<number>\d{1,15}(?:\.\d{1,9})?)|(?P<text>'[^']*'|"[^"]*")"""
    r"""|(?P<word>[a-z][a-z0-9_]*)|(?P<sign><=|>=|!=|[=<>()+\-*/]))"""
)
_BLANKS = " \t\n\r\u00a0"
LARGEST = 1e15


class BadExpression(ValueError):
    """Not an expression of this language; the text says what was met."""


@dataclass(frozen=True)
class Node:
    """A part of an expression: what it does, to which parts or with which constant."""

    does: str
    parts: tuple[Node, ...] = ()
    value: Any = None


# ---- reading ----


@cache
def parse(text: str) -> Node:
    """The expression as a tree. Raises BadExpression."""
    reader = _Reader(_tokens(text))
    found = reader.any_of()
    if reader.token != ("end", ""):
        raise BadExpression(reader.token[1])
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at, end = 0, len(text.rstrip(" \t\n"))
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise BadExpression(text[at : at + 20])
        found.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
        at = match.end()
    return [*found, ("end", "")]


class _Reader:
    """Reads tokens from left to right, one method for each line of the grammar."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> tuple[str, str]:
        return self.tokens[self.at]

    def take(self, *wanted: str) -> str | None:
        kind, text = self.token
        if kind in ("word", "sign") and text in wanted:
            self.at += 1
            return text
        return None

    def any_of(self) -> Node:
        found = self.all_of()
        while self.take("or"):
            found = Node("or", (found, self.all_of()))
        return found

    def all_of(self) -> Node:
        found = self.negated()
        while self.take("and"):
            found = Node("and", (found, self.negated()))
        return found

    def negated(self) -> Node:
        self.depth += 1
        if self.depth > MOST_DEPTH:
            raise BadExpression("too deep")
        found = Node("not", (self.negated(),)) if self.take("not") else self.compared()
        self.depth -= 1
        return found

    def compared(self) -> Node:
        left = self.summed()
        sign = self.take("=", "!=", "<", "<=", ">", ">=", "has")
        return left if sign is None else Node(sign, (left, self.summed()))

    def summed(self) -> Node:
        found = self.scaled()
        while sign := self.take("+", "-"):
            found = Node(sign, (found, self.scaled()))
        return found

    def scaled(self) -> Node:
        found = self.single()
        while sign := self.take("*", "/"):
            found = Node(sign, (found, self.single()))
        return found

    def single(self) -> Node:
        if self.take("("):
            return self.closed(self.any_of())
        if self.take("-"):
            self.depth += 1
            if self.depth > MOST_DEPTH:
                raise BadExpression("too deep")
            negative = Node("-", (Node("value", value=0.0), self.single()))
            self.depth -= 1
            return negative
        kind, text = self.token
        self.at += kind != "end"
        if kind == "number":
            return Node("value", value=float(text))
        if kind == "text":
            return Node("value", value=text[1:-1])
        if kind == "word" and (text not in WORDS or text in _CONSTANTS):
            return self.named(text)
        raise BadExpression(text or "end")

    def named(self, word: str) -> Node:
        if word in _CONSTANTS:
            return Node("value", value=_CONSTANTS[word])
        if not self.take("("):
            return Node("name", value=word)
        if word not in _FUNCTIONS:
            raise BadExpression(word)
        return Node("call", (self.closed(self.any_of()),), word)

    def closed(self, inside: Node) -> Node:
        if not self.take(")"):
            raise BadExpression(self.token[1] or "end")
        return inside


_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "nothing": None}


def names(node: Node) -> set[str]:
    """Every name an expression reads."""
    own = {node.value} if node.does == "name" else set()
    return own.union(*(names(part) for part in node.parts))


# ---- meaning ----


def holds(text: str, known: Mapping[str, Any]) -> bool:
    """Whether an expression is true of what is known."""
    return is_true(evaluate(parse(text), known))


def evaluate(node: Node, known: Mapping[str, Any]) -> Any:
    """An expression's value; what has none is None (`nothing`)."""
    if node.does == "value":
        return node.value
    if node.does == "name":
        return known.get(node.value)
    if node.does == "call":
        return _FUNCTIONS[node.value](evaluate(node.parts[0], known))
    if node.does == "not":
        return not is_true(evaluate(node.parts[0], known))
    left = evaluate(node.parts[0], known)
    if node.does == "and":
        return is_true(left) and is_true(evaluate(node.parts[1], known))
    if node.does == "or":
        return is_true(left) or is_true(evaluate(node.parts[1], known))
    return _OPERATORS[node.does](left, evaluate(node.parts[1], known))


def is_true(value: Any) -> bool:
    """Nothing, false, 0 and whatever is empty are not true."""
    return not (value is None or value is False or value in ("", 0) or value in ([], {}))


def is_blank(value: Any) -> bool:
    """Whether a field was left without an answer."""
    if isinstance(value, str):
        return value.strip(_BLANKS) == ""
    return value is None or value in ([], {})


def number(value: Any) -> float | None:
    """The value as a number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= LARGEST else None


def _equal(left: Any, right: Any) -> bool:
    if number(left) is not None and number(right) is not None:
        return number(left) == number(right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return left is None and right is None


def _ordered(left: Any, right: Any, fits: Callable[[Any, Any], bool]) -> bool:
    """Numbers by size, texts by code point (ISO dates in order); anything else is in no order."""
    if isinstance(left, str) and isinstance(right, str):
        return fits(left, right)
    one, other = number(left), number(right)
    return one is not None and other is not None and fits(one, other)


def _reckoned(left: Any, right: Any, work: Callable[[float, float], float]) -> float | None:
    one, other = number(left), number(right)
    if one is None or other is None:
        return None
    return number(work(one, other))


def _divided(left: Any, right: Any) -> float | None:
    return None if number(right) == 0 else _reckoned(left, right, lambda a, b: a / b)


def _has(left: Any, right: Any) -> bool:
    return isinstance(right, str) and isinstance(left, list | dict) and right in left


_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": _equal,
    "!=": lambda a, b: not _equal(a, b),
    "<": lambda a, b: _ordered(a, b, lambda x, y: x < y),
    "<=": lambda a, b: _ordered(a, b, lambda x, y: x <= y),
    ">": lambda a, b: _ordered(a, b, lambda x, y: x > y),
    ">=": lambda a, b: _ordered(a, b, lambda x, y: x >= y),
    "has": _has,
    "+": lambda a, b: _reckoned(a, b, lambda x, y: x + y),
    "-": lambda a, b: _reckoned(a, b, lambda x, y: x - y),
    "*": lambda a, b: _reckoned(a, b, lambda x, y: x * y),
    "/": _divided,
}


def _count(value: Any) -> float:
    return float(len(value)) if isinstance(value, str | list | dict) else 0.0


def _sum(value: Any) -> float | None:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    total = 0.0
    for part in parts:
        total += number(part) or 0.0
    return number(total)


def _absent(value: Any) -> float:
    rows = value.values() if isinstance(value, dict) else ()
    return float(sum(isinstance(r, dict) and r.get("there") is False for r in rows))


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "count": _count, "sum": _sum, "absent": _absent, "answered": lambda v: not is_blank(v),
}  # fmt: skip
