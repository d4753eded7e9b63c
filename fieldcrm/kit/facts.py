"""Facts of this install: read and written by key."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from fieldcrm.kit.settings import settings
from fieldcrm.kit.tables import Fact

SAMPLE = "sample"
"""True while the database holds only sample data; set by the sample loader, cleared by the first
user or client that somebody real adds."""


def get(session: Session, key: str, default: Any = None) -> Any:
    """A fact's value, or the default when nobody stated it."""
    row = session.get(Fact, key)
    return default if row is None else row.value


def put(session: Session, key: str, value: Any) -> None:
    """State a fact, replacing what was stated before."""
    session.merge(Fact(key=key, value=value))


def note_own_data(session: Session) -> bool:
    """Note that somebody adds data of his own; answers whether it counts as sample data.

    On the real clock the database stops being a mere sample. While the sample's clock runs, what
    is added carries that clock's times, so it belongs to the sample and the clock may go on.
    """
    if settings().clock_start is not None:
        return True
    put(session, SAMPLE, False)
    return False
