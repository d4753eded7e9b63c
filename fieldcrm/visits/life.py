"""The life table, read once: states, moves, who may make each and what it needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "life.json"


@dataclass(frozen=True)
class Need:
    """At least one of `any_of` must be given, or the move is refused with `error`."""

    any_of: frozenset[str]
    error: str
    who: frozenset[str] | None
    """Whom it binds; None is everybody."""


@dataclass(frozen=True)
class Move:
    name: str
    from_states: frozenset[str | None]
    to_state: str
    who: frozenset[str]
    needs: tuple[Need, ...]


@dataclass(frozen=True)
class Limits:
    """How old, how far ahead and how vague a fix may be to count as evidence."""

    fix_age_s: float
    fix_ahead_s: float
    accuracy_m: float
    days_ahead: int


@dataclass(frozen=True)
class Life:
    states: tuple[str, ...]
    moves: dict[str, Move]
    held_results: frozenset[str]
    results: tuple[str, ...]
    limits: Limits


@cache
def life() -> Life:
    """The table as the phone has it too."""
    raw = json.loads(TABLE.read_text(encoding="utf-8"))
    return Life(
        states=tuple(raw["states"]),
        moves={each["name"]: _move(each) for each in raw["moves"]},
        held_results=frozenset(r["name"] for r in raw["results"] if r["is_held"]),
        results=tuple(r["name"] for r in raw["results"]),
        limits=Limits(**raw["limits"]),
    )


def _move(raw: dict[str, Any]) -> Move:
    return Move(
        name=raw["name"], from_states=frozenset(raw["from"]), to_state=raw["to"],
        who=frozenset(raw["who"]), needs=tuple(_need(n) for n in raw["needs"]),
    )  # fmt: skip


def _need(raw: dict[str, Any]) -> Need:
    who = frozenset(raw["who"]) if "who" in raw else None
    return Need(any_of=frozenset(raw["any"]), error=raw["error"], who=who)
