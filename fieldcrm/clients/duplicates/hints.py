"""At entry: who is there already that a new client may be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from math import cos, log2, radians
from typing import Any

import numpy as np
from sqlmodel import Session

from fieldcrm.clients import folding, rules
from fieldcrm.clients.duplicates import comparing, records, store, weighing
from fieldcrm.clients.duplicates.model import Hint, Levels, Pairs, Reason, SweepStatus, Weights
from fieldcrm.clients.duplicates.prepared import Prepared, heard, phone_tails, plain_words
from fieldcrm.clients.duplicates.records import Record
from fieldcrm.clients.model import PERSON_KINDS, ClientKind
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
OTHER_KIND_BITS = -3.0
"""What another kind says against a pair: not learned, since a sweep looks within one kind."""
M_PER_DEGREE = 111_195.0


def alike(actor: Actor, fields: Mapping[str, Any], client_id: str | None = None) -> list[Hint]:
    """Clients in scope that one with these fields may be, the likeliest first.

    Behind those of its kind come those of another with its name, and its phone or place, too: who
    typed in a pharmacy as an organisation is told; nothing waits in the queue for it. `client_id` is the client's own, where it is there already. Raises BadClientField.
    """
    if not str(fields.get("name") or "").strip() or not fields.get("kind"):
        return []
    cleaned = rules.clean(fields)
    with reading() as session:
        found = alike_in(session, actor, cleaned, client_id)
        found += _of_other_kinds(session, actor, cleaned, client_id)
        found = found[:SHOWN_MOST]
        ownfields.show_in(session, actor, (hint.client for hint in found))
        return found


def alike_in(
    session: Session, actor: Actor, cleaned: Mapping[str, Any], client_id: str | None = None
) -> list[Hint]:
    """The same of checked fields inside another transaction."""
    mine = _record(cleaned, client_id)
    common = store.how_common(session, _words(mine), COMMON)
    others = _others(session, actor, mine, {mine.kind}, common)
    return _judged(session, mine, others, common) if others else []


def _of_other_kinds(
    session: Session, actor: Actor, cleaned: Mapping[str, Any], client_id: str | None
) -> list[Hint]:
    """Clients of other kinds that agree in name, and in phone or place; a name alone says nothing."""
    mine = _record(cleaned, client_id)
    common = store.how_common(session, _words(mine), COMMON)
    others = _others(session, actor, mine, set(ClientKind) - {mine.kind}, common)
    return _named_alike(session, mine, others, common) if others else []


def _record(cleaned: Mapping[str, Any], client_id: str | None) -> Record:
    told = {name: cleaned.get(name) for name in Record._fields if name != "id"}
    return Record(**{**told, "id": client_id or ""})


def _others(
    session: Session, actor: Actor, mine: Record, kinds: Collection[str], common: Mapping[str, int]
) -> list[Client]:
    """Who of some kinds has a rare word or the phone, or is near."""
    rare = [w for w, n in common.items() if n < COMMON]
    terms = [*rare, *_tails(mine)]
    found = store.having_terms(session, actor, kinds, terms, _box(mine) or ())
    return [c for c in found if c.id != mine.id]


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
    columns, pairs, weights = _compared(session, mine, others, common)
    chance = weighing.chance_of(weighing.evidence(columns, pairs, weights))
    chance = np.where(records.is_possible(mine.kind, columns, pairs), chance, 0.0)
    why = records.reasons(columns, pairs, weights)
    made = [Hint(c, round(float(p), 4), w) for c, p, w in zip(others, chance, why, strict=True)]
    return _likeliest([h for h in made if h.probability >= SHOWN_LEAST])


def _named_alike(
    session: Session, mine: Record, others: list[Client], common: Mapping[str, int]
) -> list[Hint]:
    """Those of another kind that agree in what a slip in the kind would leave."""
    columns, pairs, weights = _compared(session, mine, others, common)
    bits = weighing.evidence(columns, pairs, weights) + OTHER_KIND_BITS
    chance = weighing.chance_of(bits)
    why = records.reasons(columns, pairs, weights)
    kind = Reason("kind", "different", OTHER_KIND_BITS)
    agreeing = np.flatnonzero(_agree(columns, pairs, mine, others))
    return _likeliest([
        Hint(others[n], round(float(chance[n]), 4), sorted([*why[n], kind], key=lambda r: -r.bits))
        for n in agreeing
    ])  # fmt: skip


def _agree(
    columns: Sequence[Prepared], pairs: Pairs, mine: Record, others: Sequence[Client]
) -> np.ndarray:
    """Which pairs share name, and phone or place.

    A part of a name counts among people and among places: a doctor's practice that bears his name
    is not he.
    """
    level = {c.name: found for c, found in zip(columns, pairs.levels, strict=True)}
    is_person = np.array([c.kind in PERSON_KINDS for c in others])
    is_like = is_person == (mine.kind in PERSON_KINDS)
    name, phone = level["name"], level["phone"] == 1
    is_named = (name == 1) | (name == 2)
    return (is_named & (phone | _is_there(level))) | ((name == 3) & phone & is_like)


def _is_there(level: Mapping[str, Levels]) -> np.ndarray:
    """Which pairs are at one place: their pins, or street and house in a town that is not another."""
    street = (level["address"] == 1) | (level["address"] == 2)
    return (level["position"] == 1) | (street & (level["city"] != 5))


def _likeliest(found: list[Hint]) -> list[Hint]:
    return sorted(found, key=lambda h: -h.probability)[:SHOWN_MOST]


def _compared(
    session: Session, mine: Record, others: list[Client], common: Mapping[str, int]
) -> tuple[list[Prepared], Pairs, Weights]:
    rows = [mine, *(Record(*(getattr(c, name) for name in Record._fields)) for c in others)]
    clients = max(store.living(session), len(rows))
    columns = [Prepared(c) for c in records.as_columns(rows)]
    for column in columns:
        _weigh_by_base(column, clients, common)
    right = np.arange(1, len(rows))
    pairs = comparing.compare(columns, np.zeros_like(right), right)
    return columns, pairs, _weights(session, mine.kind, clients)


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
