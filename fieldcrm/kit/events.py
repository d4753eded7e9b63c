"""The event log: an entry in the same transaction as the write it tells of."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, ids
from fieldcrm.kit.tables import Event


def record(
    session: Session,
    kind: str,
    subject_id: str | None,
    *,
    actor_id: str | None = None,
    team_id: str | None = None,
    source: str = "web",
    data: dict[str, Any] | None = None,
) -> Event:
    """Append one event; `data` is JSON and never holds a secret or a raw token."""
    entry = Event(
        id=ids.new_id(), at=clock.now(), actor_id=actor_id, kind=kind, subject_id=subject_id,
        team_id=team_id, source=source, data=data or {},
    )  # fmt: skip
    session.add(entry)
    return entry
