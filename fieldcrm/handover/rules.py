"""What is shared out and how it is told apart. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date, timedelta

from fieldcrm.handover.model import CLIENTS_MOST, BadHandover, BriefLine, Order

AHEAD = timedelta(days=92)


def check(order: Order, today: date) -> None:
    """Raises BadHandover with the field that can't be so."""
    if order.from_rep_id == order.to_rep_id:
        raise BadHandover(field="to_rep_id")
    if not today <= order.first_day <= today + AHEAD:
        raise BadHandover(field="first_day")
    if order.territory_ids and order.client_ids:
        raise BadHandover(field="territory_ids")
    if len(order.client_ids) > CLIENTS_MOST:
        raise BadHandover(field="client_ids")
    if bool(order.client_ids) != (order.into_id is not None):
        raise BadHandover(field="into_id")


def shared_target(planned: int, done: int) -> tuple[int, int]:
    """A cycle's wanted visits, parted: what the former rep has done stays his, the rest goes along."""
    kept = min(max(done, 0), planned)
    return kept, planned - kept


def seal(order: Order, rows: Iterable[tuple[str, int]]) -> str:
    """A short name of exactly this order on exactly these rows; `rows` are ids with versions."""
    said = [order.from_rep_id, order.to_rep_id, order.first_day.isoformat(), order.into_id or ""]
    said += sorted(f"{row_id}:{version}" for row_id, version in rows)
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:24]


def urgency(line: BriefLine) -> tuple[bool, date, str]:
    """Promises first, by their day; then by name."""
    dues = [p.due_on or date.max for p in line.promises]
    return not line.promises, min(dues, default=date.max), line.name
