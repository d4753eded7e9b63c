"""Two cards side by side: what each says, and whose word a merge would leave."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from fieldcrm.clients import standing, standing_words
from fieldcrm.clients.duplicates import merge_rules
from fieldcrm.clients.duplicates import words as pair_words
from fieldcrm.clients.duplicates.model import FieldPair
from fieldcrm.clients.duplicates.queue import PairView
from fieldcrm.kit import i18n

BOTH = ("tags", "note")
"""Fields of which both cards' values stay."""
NOTHING = "—"


@dataclass
class Line:
    """A field of both cards; `kept` says whose value stays: left, right or both."""

    name: str
    label: str
    left: str
    right: str
    is_different: bool
    can_take: bool
    kept: str
    why: str = ""
    """How the two agree here, and how much that says; empty where it says next to nothing."""


def lines(view: PairView, language: str, keep: str, taken: list[str]) -> list[Line]:
    """The fields that either card fills; `keep`: which card stays, `taken`: what of the other it gets."""
    cards = (view.left, view.right) if keep == "left" else (view.right, view.left)
    after = merge_rules.standing_after(*cards, tuple(taken))
    made = [
        _standing_line(f, after[f.field], keep, language)
        if f.field in standing.CELLS else _line(view, f.field, keep, taken, language)
        for f in view.fields if f.field != "lng"
    ]  # fmt: skip
    said = {r.field: pair_words.weight(r, language) for r in view.reasons}
    return [replace(line, why=said.get(line.name, "")) for line in made]


def _line(view: PairView, field: str, keep: str, taken: list[str], language: str) -> Line:
    name = "position" if field == "lat" else field
    a, b = (_text(card, name, language) for card in (view.left, view.right))
    mine, theirs = (a, b) if keep == "left" else (b, a)
    can_take = a != b and NOTHING not in (mine, theirs) and name in merge_rules.TAKEABLE and name not in BOTH  # fmt: skip
    is_other = name in taken or (mine == NOTHING and name in merge_rules.TAKEABLE)
    kept = "both" if a == b or name in BOTH else _other(keep) if is_other else keep
    return Line(name, pair_words.field(name, language), a, b, a != b, can_take, kept)


def _standing_line(f: FieldPair, after: Any, keep: str, language: str) -> Line:
    """Evidence or a consent: which one a merge leaves is nobody's choice, it follows values and days."""
    a, b = (standing_words.said(told, language) if told else NOTHING for told in (f.left, f.right))
    mine, theirs = (f.left, f.right) if keep == "left" else (f.right, f.left)
    kept = _other(keep) if after == theirs and after != mine else keep
    label = pair_words.field(f.field, language)
    return Line(f.field, label, a, b, f.is_different, False, kept if f.is_different else "both")


def _other(side: str) -> str:
    return "right" if side == "left" else "left"


def _text(card: Any, name: str, language: str) -> str:
    if name == "position":
        if card.lat is None:
            return NOTHING
        return f"{i18n.number(card.lat, language, 5)}; {i18n.number(card.lng, language, 5)}"
    value = getattr(card, name)
    if value in (None, "", []):
        return NOTHING
    if name == "kind":
        return i18n.t(f"admin.client.{value}", language)
    return ", ".join(value) if isinstance(value, list) else str(value)
