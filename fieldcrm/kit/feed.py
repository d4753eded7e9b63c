"""Tells phones and desks that something changed: rows to pull by cursor, a nudge after the commit.

A phone keeps the last `seq` it has seen. PostgreSQL hands out sequence numbers before the commit,
so writers of the feed take one advisory lock: without it a slower transaction could commit a lower
number after a phone's cursor had passed it, and that phone would never hear of the change.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import func, insert, text
from sqlmodel import Session, col, select

from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import transaction
from fieldcrm.kit.tables import FeedEntry

EVERYBODY = "*"
_LOCK = 0x66656564  # "feed"
_log = logging.getLogger(__name__)


def touch(
    session: Session, entity: str, entity_id: str, *, rep_ids: Iterable[str], team_id: str | None = None,
    desk: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Note that `entity_id` changed for these reps' phones (and, with `team_id`, for desks).

    `desk` adds fields to the desk's notice, which always holds entity, id and rep_ids.
    """
    reps = sorted(set(rep_ids))
    take_turn(session)
    session.add_all(
        FeedEntry(rep_id=r, entity=entity, entity_id=entity_id, at=clock.now()) for r in reps
    )
    waiting: list[tuple[str, dict[str, Any]]] = session.info.setdefault("announce", [])
    waiting.extend((bus.phone_channel(r), {"t": "pull"}) for r in reps)
    if team_id:
        notice = {
            "t": "changed",
            "entity": entity,
            "id": entity_id,
            "rep_ids": reps,
            **(desk or {}),
        }
        waiting.append((bus.desk_channel(team_id), notice))


def touch_many(session: Session, entity: str, holders: Mapping[str, Iterable[str]]) -> None:
    """Note that many rows (id -> reps whose phones hold it) changed: each phone is nudged once."""
    now = clock.now()
    rows = [
        {"rep_id": r, "entity": entity, "entity_id": i, "at": now}
        for i, reps in holders.items()
        for r in sorted(set(reps))
    ]
    if not rows:
        return
    take_turn(session)
    session.execute(insert(FeedEntry), rows)
    waiting: list[tuple[str, dict[str, Any]]] = session.info.setdefault("announce", [])
    waiting.extend(
        (bus.phone_channel(r), {"t": "pull"}) for r in sorted({r["rep_id"] for r in rows})
    )


PLAN_CHANGE = "plan_change"
"""Kind of entry that no phone pulls: a rep's plan of a day (`entity_id`) was changed by another."""


def note_plan_change(session: Session, day: date, rep_ids: Iterable[str]) -> None:
    """Note once a transaction that these reps' day was changed for them; messages go by it."""
    noted: set[tuple[str, date]] = session.info.setdefault("plan_changes", set())
    fresh = {(rep_id, day) for rep_id in rep_ids} - noted
    noted |= fresh
    session.add_all(
        FeedEntry(rep_id=r, entity=PLAN_CHANGE, entity_id=day.isoformat(), at=clock.now())
        for r, _ in sorted(fresh)
    )


def plan_changes(session: Session, seq: int, limit: int) -> list[FeedEntry]:
    """The noted changes after a number, in the order of commits."""
    wanted = select(FeedEntry).where(col(FeedEntry.seq) > seq, FeedEntry.entity == PLAN_CHANGE)
    return list(session.exec(wanted.order_by(col(FeedEntry.seq)).limit(limit)))


def newest(session: Session) -> int:
    """The number of the last change; 0 while there was none."""
    return session.exec(select(func.max(FeedEntry.seq))).one() or 0


def reps_since(session: Session, seq: int) -> set[str]:
    """Reps of whom something has changed after a number (EVERYBODY among them: of all).

    Numbers are handed out in the order of commits (see above), so that none is passed over.
    """
    return set(session.exec(select(FeedEntry.rep_id).where(col(FeedEntry.seq) > seq).distinct()))


def notify_desk(session: Session, team_id: str, notice: dict[str, Any]) -> None:
    """Send a notice to a team's desks after the commit, such as a new alert or a job's progress."""
    session.info.setdefault("announce", []).append((bus.desk_channel(team_id), notice))


def announce(session: Session) -> None:
    """Publish what the committed transaction noted; Redis being away never undoes the commit."""
    waiting = session.info.pop("announce", [])
    if not waiting:
        return
    try:
        bus.publish_all(_without_repeats(waiting))
    except Exception as error:  # a nudge is an optimisation: phones also pull on a timer
        _say_once(str(error))


@cache
def _say_once(what: str) -> None:
    _log.warning("no nudge sent: %s", what)


def _without_repeats(waiting: list[tuple[str, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    return list(
        {(channel, repr(notice)): (channel, notice) for channel, notice in waiting}.values()
    )


def take_turn(session: Session) -> None:
    """Wait for the turn to write the feed; a writer of many rows takes it before it locks them."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


@contextmanager
def writing() -> Iterator[Session]:
    """A write transaction that begins with the turn: of two who change one row, the second sees the first.

    SQLite has one writer at a time; PostgreSQL's two would read the same row and write over each other.
    """
    with transaction() as session:
        take_turn(session)
        yield session
