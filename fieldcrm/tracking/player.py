"""What a player asks for: a rep's day in the bytes of `tracking.replay`, in as few steps as can be.

A person waits for it, so it is one session of the database, and its statements are put together
once.
"""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from fieldcrm.kit import clock
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.tracking import chunks, replay, rules, store


def day_replay_in(
    session: Session, actor: Actor, rep_id: str, day: date, known: str = ""
) -> tuple[str, bytes]:
    """A rep's local day for a player, and a tag that changes with it.

    No bytes where the caller knows this tag already. Raises OutOfScope.
    """
    people.check_rep_in(session, actor, rep_id)
    start, end = clock.day_bounds(day)
    rows, shifts = store.day_of(session, rep_id, start, end)
    tag = replay.tag_of(rep_id, day, [row[:2] for row in rows], shifts)
    if tag == known:
        return tag, b""
    tables = [chunks.unpack_columns(data, replay.SOURCES) for _, _, data in rows]
    first_ms, last_ms = (round(1000 * moment.timestamp()) for moment in (start, end))
    about = {"rep_id": rep_id, "day": day, "start_ms": first_ms, "end_ms": last_ms}
    columns = replay.joined(tables, first_ms, last_ms)
    return tag, replay.encode(columns, [rules.span_of(*shift) for shift in shifts], about)
