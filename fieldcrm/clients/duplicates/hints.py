"""At entry: who is there already that a new client may be."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, log2, radians
from typing import Any

import numpy as np
from sqlmodel import Session

from fieldcrm.clients import folding, rules
from fieldcrm.clients.duplicates import comparing, records, store, weighing
from fieldcrm.clients.duplicates.model import Hint, SweepStatus, Weights
from fieldcrm.clients.duplicates.prepared import Prepared, heard, phone_tails, plain_words
from fieldcrm.clients.duplicates.records import Record
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import reading
from fieldcrm.people.model import Actor

SHOWN_LEAST = 0.5
SHOWN_MOST = 5
COMMON = 200
"""Clients from which a word is too common to look for."""
EXPECTED = 0.1
"""Share of new clients that are there already: the odds before anything is compared."""
NEAR_M = 150.0
M_PER_DEGREE = 111_195.0


def alike(actor: Actor, fields: Mapping[str, Any], client_id: str | None = None) -> list[Hint]:
    """Clients in scope that one with these fields may be, the likeliest first.

    `client_id` is the client's own, where it is there already. Raises BadClientField.
    """
    if not str(fields.get("name") or "").strip() or not fields.get("kind"):
        return []
    cleaned = rules.clean(fields)
    with reading() as session:
        found = alike_in(session, actor, cleaned, client_id)
        ownfields.show_in(session, actor, (hint.client for hint in found))
        return found


def alike_in(
    session: Session, actor: Actor, cleaned: Mapping[str, Any], client_id: str | None = None
) -> list[Hint]:
    """The same of checked fields inside another transaction."""
    told = {name: cleaned.get(name) for name in Record._fields if name != "id"}
    mine = Record(**{**told, "id": client_id or ""})
    common = store.how_common(session, _words(mine), COMMON)
    rare = [w for w, n in common.items() if n < COMMON]
    near = _box(mine)
    others = store.having_terms(session, actor, mine.kind, [*rare, *_tails(mine)], near or ())
    others = [c for c in others if c.id != client_id]
    return _judged(session, mine, others, common) if others else []


def _words(mine: Record) -> list[str]:
    """Words of name and street that the index of words knows."""
    every = [*plain_words(mine.name), *plain_words(mine.address or "")]
    return [w[: folding.TERM_MOST] for w in dict.fromkeys(every) if len(w) > 2]


def _tails(mine: Record) -> list[str]:
    return [f"#{tail[::-1]}" for tail in phone_tails(mine.phone or "")]


def _box(mine: Record) -> tuple[float, float, float, float] | None:
    """South, west, north, east of what is near."""
    if mine.lat is None or mine.lng is None:
        return None
    up = NEAR_M / M_PER_DEGREE
    wide = up / max(cos(radians(mine.lat)), 0.01)
    return mine.lat - up, mine.lng - wide, mine.lat + up, mine.lng + wide


def _judged(
    session: Session, mine: Record, others: list[Client], common: Mapping[str, int]
) -> list[Hint]:
    rows = [mine, *(Record(*(getattr(c, name) for name in Record._fields)) for c in others)]
    clients = max(store.living(session), len(rows))
    columns = [Prepared(c) for c in records.as_columns(rows)]
    for column in columns:
        _weigh_by_base(column, clients, common)
    right = np.arange(1, len(rows))
    pairs = comparing.compare(columns, np.zeros_like(right), right)
    weights = _weights(session, mine.kind, clients)
    chance = weighing.chance_of(weighing.evidence(columns, pairs, weights))
    chance = np.where(records.is_possible(mine.kind, columns, pairs), chance, 0.0)
    why = records.reasons(columns, pairs, weights)
    made = [Hint(c, round(float(p), 4), w) for c, p, w in zip(others, chance, why, strict=True)]
    likely = sorted((h for h in made if h.probability >= SHOWN_LEAST), key=lambda h: -h.probability)
    return likely[:SHOWN_MOST]


def _weigh_by_base(column: Prepared, clients: int, common: Mapping[str, int]) -> None:
    """What a word says goes by all clients, not by the few that are compared here."""
    by_sound = {heard(word): n for word, n in common.items()}
    counts = [max(by_sound.get(w, 1), 1) for w in column.vocabulary]
    bits = np.array([log2(max(clients, 2) / n) + 0.1 for n in counts] + [0.0])
    column.weights = np.where(column.words >= 0, bits[column.words], 0.0)
    column.value_counts = column.value_counts[:0]


def _weights(session: Session, kind: str, clients: int) -> Weights:
    """As the last sweep learned them for this kind; the usual ones before the first."""
    swept = store.latest_sweep(session, SweepStatus.done)
    learned = (swept.weights if swept else {}).get(kind, {})
    return records.read_weights(learned, log2(EXPECTED / clients))
