"""Judges cards and keeps how they stand: a few at once, after somebody changed them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import Actor
from fieldcrm.quality import rules, settings, store
from fieldcrm.quality.model import Card, Norms

CAUGHT_UP_MOST = 400
"""Changed cards that are judged anew before a list is shown."""


def judged(card: Card, norms: Norms, now: datetime) -> dict[str, Any]:
    """A row of how a card stands."""
    found = rules.findings(card, norms, now)
    points = rules.score(found)
    return {
        "client_id": card.id, "score": points, "mask": rules.mask(found),
        "value": rules.value(card, points, clock.local(now).date()),
        "findings": [{"code": f.code.value, "field": f.field} for f in found],
        "next_visit_on": card.next_visit_on, "version": card.version, "checked_at": now,
    }  # fmt: skip


def rows_of(cards: Iterable[Card], norms: Norms, now: datetime) -> list[dict[str, Any]]:
    """The same for many."""
    return [judged(card, norms, now) for card in cards]


def again_in(session: Session, client_ids: Collection[str]) -> None:
    """Judge these cards inside a transaction."""
    if not client_ids:
        return
    now = clock.now()
    beside = store.around(session, clock.local(now).date(), client_ids)
    norms = settings.judged_by(session)
    store.keep(session, rows_of(store.cards(session, beside, client_ids), norms, now))


def catch_up(actor: Actor) -> int:
    """Judge cards in scope that were changed since they were judged; returns how many."""
    with reading() as session:
        changed = store.changed_since(session, actor, CAUGHT_UP_MOST)
    if changed:
        with transaction() as session:
            again_in(session, changed)
    return len(changed)
