"""Clients as columns to compare, and what a comparison says in the words of their fields; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fieldcrm.clients import standing
from fieldcrm.clients.duplicates import weighing
from fieldcrm.clients.duplicates.model import (
    LEVELS,
    Column,
    FieldPair,
    Floats,
    Pairs,
    Reason,
    Role,
    Weights,
)
from fieldcrm.clients.duplicates.prepared import Prepared
from fieldcrm.clients.model import PERSON_KINDS

FIELDS = (
    ("name", Role.text, "name", False),
    ("phone", Role.phone, "phone", False),
    ("email", Role.text, "email", False),
    ("specialty", Role.text, "specialty", False),
    ("address", Role.address, "place", False),
    ("position", Role.position, "place", False),
    ("city", Role.text, "place", True),
    ("postcode", Role.text, "place", True),
)
"""What of clients is compared: column, role, what it is about, and whether neighbours share it."""
SHOWN = (
    "kind", "name", "specialty", "category", "loyalty", "phone", "email", "website", "address",
    "city", "postcode", "lat", "lng", "opening_hours", "visit_minutes", "tags", "note",
    "external_id",
)  # fmt: skip
"""Fields of a card that say how full it is."""
SIDE_BY_SIDE = tuple(
    name
    for field in (*SHOWN, *(standing.column_of("consents", c) for c in standing.CHANNELS))
    for name in (field, f"{field}_evidence")
    if name == field or name in standing.CELLS
)
"""Of two cards: these, with the evidence beside its value and consents by channel."""
SAID_LEAST = 0.5
"""Bits below which a field says nothing worth telling."""
OWN_PHONE_MOST = 2
"""Records with one number up to which it may be a person's own and not a clinic's."""


class Record(NamedTuple):
    """What of a client is compared."""

    id: str
    kind: str
    name: str
    phone: str | None
    email: str | None
    specialty: str | None
    address: str | None
    lat: float | None
    lng: float | None
    city: str | None
    postcode: str | None

    @property
    def position(self) -> str:
        return "" if self.lat is None or self.lng is None else f"{self.lat} {self.lng}"


def as_columns(records: Sequence[Record]) -> list[Column]:
    """The columns of some clients."""
    return [
        Column(name, role, [str(getattr(r, name) or "") for r in records], about, is_coarse)
        for name, role, about, is_coarse in FIELDS
    ]


def is_possible(kind: str, columns: Sequence[Prepared], pairs: Pairs) -> np.ndarray:
    """Which pairs can be one client at all.

    Colleagues share a clinic's address, phone and pin, so that two people are one only by name, or
    by a part of it and a number that few have (who married keeps her telephone).
    """
    if kind not in PERSON_KINDS:
        return np.ones(len(pairs), dtype=bool)
    level = {c.name: found for c, found in zip(columns, pairs.levels, strict=True)}
    phone = next(c for c in columns if c.name == "phone")
    named = (level["name"] >= 1) & (level["name"] <= 3)
    return named | ((level["name"] == 4) & (level["phone"] == 1) & _is_own(phone, pairs))


def _is_own(phone: Prepared, pairs: Pairs) -> np.ndarray:
    if not len(phone.value_counts):
        return np.zeros(len(pairs), dtype=bool)
    return phone.value_counts[phone.values[pairs.left]] <= OWN_PHONE_MOST


def reasons(columns: Sequence[Prepared], pairs: Pairs, weights: Weights) -> list[list[Reason]]:
    """For each pair what its fields say, what says most first; of what is about one thing one word."""
    said = weighing.says(columns, pairs, weights)
    return [_reasons(columns, pairs, said, n) for n in range(len(pairs))]


def _reasons(
    columns: Sequence[Prepared], pairs: Pairs, said: Sequence[Floats], n: int
) -> list[Reason]:
    best: dict[str, Reason] = {}
    for column, levels, bits in zip(columns, pairs.levels, said, strict=True):
        level = LEVELS[column.role].names[int(levels[n])]
        found = Reason(column.name, level, round(float(bits[n]), 1))
        known = best.get(column.about)
        if levels[n] and (known is None or _says_more(found, known)):
            best[column.about] = found
    told = [r for r in best.values() if abs(r.bits) >= SAID_LEAST]
    return sorted(told, key=lambda r: -r.bits)


def _says_more(found: Reason, known: Reason) -> bool:
    if max(found.bits, known.bits) > 0:
        return found.bits > known.bits
    return found.bits < known.bits


def side_by_side(left: Any, right: Any) -> list[FieldPair]:
    """The fields that either card fills, evidence and consents among them; as different counts what both
    fill otherwise."""
    made = []
    for field in SIDE_BY_SIDE:
        a, b = _value(left, field), _value(right, field)
        if a not in (None, "", []) or b not in (None, "", []):
            made.append(FieldPair(field, a, b, a != b))
    return made


def _value(client: Any, name: str) -> Any:
    """A field, or what `standing` keeps of a facet or channel; None where nothing is known."""
    if name not in standing.CELLS:
        return getattr(client, name)
    field, part = standing.CELLS[name]
    return getattr(client, field).get(part)


def fullness(client: Any) -> int:
    """How many of its fields a card fills."""
    return sum(getattr(client, field) not in (None, "", []) for field in SHOWN)


def kept_weights(weights: Weights) -> dict[str, Any]:
    """Weights as JSON, by the columns' names."""
    return {name: bits for (name, *_), bits in zip(FIELDS, weights.bits, strict=True)}


def read_weights(kept: Mapping[str, Any], prior_bits: float) -> Weights:
    """The same back; the usual ones where a column has none."""
    bits = [kept.get(name) or usual_bits(role) for name, role, *_ in FIELDS]
    return Weights([list(b) for b in bits], prior_bits)


def usual_bits(role: Role) -> list[float]:
    """What levels say before anything was learned: the usual shares against pairs at large."""
    both = zip(LEVELS[role].usual, LEVELS[role].at_large, strict=True)
    return [0.0, *(float(np.log2(of_one / at_large)) for of_one, at_large in both)]
