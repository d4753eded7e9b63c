"""A list of nearly all visits in the order of their clients' categories, read and not put in order.

A category is a word of few, so the list is that of one after the other, each in the order of days,
which an index gives: the page ends long before all visits are looked at. A category that few clients
have is reached from these clients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.clients.tables import Client
from fieldcrm.visits.tables import Visit

WORD = func.coalesce(Client.category, "~")
FEW = 2_000
"""Clients whose visits are all put in order rather than looked for among everybody's."""

After = Callable[[tuple[Any, ...], list[Any], bool], Any]


def ids(
    session: Session, where: Sequence[Any], is_down: bool, most: int, values: list[Any] | None,
    after: After,
) -> list[str]:  # fmt: skip
    """The first `most` after `values` (category, day, id), or from the start."""
    days, found = (Visit.day, Visit.id), list[str]()
    order = [c.desc() if is_down else c.asc() for c in (col(Visit.day), col(Visit.id))]
    for category, clients in _categories(session, is_down, values[0] if values else None):
        on = [after(days, values[1:], is_down)] if values and category == values[0] else []
        wanted = _of_few(category) if clients <= FEW else _of_many(category)
        chosen = wanted.where(*where, *on).order_by(*order).limit(most - len(found))
        found += session.exec(chosen)
        if len(found) == most:
            break
    return found


def _categories(session: Session, is_down: bool, begins: str | None) -> list[tuple[str, int]]:
    """From one on (None: from the first): each with how many clients have it, in the database's order."""
    order = WORD.desc() if is_down else WORD.asc()
    counted = select(WORD, func.count()).select_from(Client).group_by(WORD).order_by(order)
    every = [(word, n) for word, n in session.execute(counted)]
    at = next((i for i, (word, _) in enumerate(every) if word == begins), 0)
    return every[at:]


def _of_few(category: str) -> Any:
    theirs = select(Client.id).where(category == WORD)
    return select(Visit.id).where(col(Visit.client_id).in_(theirs))


def _of_many(category: str) -> Any:
    """Led by the days: no index leads from a client to his visits here."""
    led = func.coalesce(Visit.client_id, Visit.client_id)
    return select(Visit.id).join(Client, col(Client.id) == led).where(category == WORD)
