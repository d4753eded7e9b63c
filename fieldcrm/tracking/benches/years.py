"""A year of many reps in the database: simulated weeks, each moved to other weeks and other reps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

WEEKS_A_YEAR = 50
SIZE_IN_POSTGRES = "SELECT pg_total_relation_size('track_chunk')"
_TYPES = {
    "rep_id": "text", "hour": "timestamptz", "count": "int4", "first_at": "timestamptz",
    "last_at": "timestamptz", "data": "bytea", "updated_at": "timestamptz",
}  # fmt: skip
"""Columns of a chunk as PostgreSQL knows them."""
_FIRST_OF_TIMES = 2
"""Where a tight column's head has its first value."""


def moved(data: bytes, by: timedelta) -> bytes:
    """A tight chunk whose fixes are all so much later."""
    begin = 3 + int.from_bytes(data[1:3], "little")
    head = msgspec.msgpack.decode(data[3:begin])
    head[3][0][_FIRST_OF_TIMES] += round(by.total_seconds() * 1000)
    packed = msgspec.msgpack.encode(head)
    return data[:1] + len(packed).to_bytes(2, "little") + packed + data[begin:]


def fill(
    rep_ids: Sequence[str], days: Sequence[date], reps: int, gigabytes: float
) -> tuple[list[tuple[str, date]], dict[str, Any]]:
    """Let so many further reps have a year like the weeks of these, or as many as fit the size.

    Returns (rep, day) of all that was added, and what it takes.
    """
    weeks = len(days) // 5
    base, added, fixes = _rows_of(rep_ids), list[tuple[str, date]](), 0
    _be_quick()
    for number, rep_id in enumerate(_newcomers(reps)):
        rows = list(_year(base[rep_ids[number % len(rep_ids)]], rep_id, weeks))
        _put(rows)
        days_here = sorted({row["first_at"].date() for row in rows})
        work([rep_id], days_here)
        added += [(rep_id, day) for day in days_here]
        fixes += sum(row["count"] for row in rows)
        if number % 50 == 49 and _size() >= gigabytes * 1e9:
            break
    size = _size()
    return added, {
        "filled_reps": len({rep_id for rep_id, _ in added}), "filled_rep_days": len(added),
        "filled_fixes": fixes, "filled_bytes": size, "filled_bytes_per_fix": round(size / fixes, 3),
    }  # fmt: skip


def _put(rows: Sequence[dict[str, Any]]) -> None:
    """Write chunks as they are; into PostgreSQL by COPY, which takes a third of the time."""
    from fieldcrm.kit.database import engine
    from fieldcrm.tracking.tables import TrackChunk

    with engine().begin() as link:
        if not is_postgres():
            link.execute(TrackChunk.__table__.insert(), rows)  # pyright: ignore[reportAttributeAccessIssue]
            return
        cursor: Any = link.connection.cursor()
        with cursor.copy(
            f"COPY track_chunk ({', '.join(_TYPES)}) FROM STDIN (FORMAT BINARY)"
        ) as to:
            to.set_types(list(_TYPES.values()))
            for row in rows:
                to.write_row([row[name] for name in _TYPES])


def _rows_of(rep_ids: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    from sqlmodel import col, select

    from fieldcrm.kit.database import reading
    from fieldcrm.tracking.tables import TrackChunk

    with reading() as session:
        found = session.exec(select(TrackChunk).where(col(TrackChunk.rep_id).in_(rep_ids))).all()
    return {rep: [row.model_dump() for row in found if row.rep_id == rep] for rep in rep_ids}


def _year(base: Sequence[dict[str, Any]], rep_id: str, weeks: int) -> Iterator[dict[str, Any]]:
    """The same weeks again and again; on from where they end, so that nobody has a week twice."""
    times = ("hour", "first_at", "last_at", "updated_at")
    for turn in range(WEEKS_A_YEAR // weeks):
        by = timedelta(weeks=weeks * turn)
        for row in base:
            yield row | {name: row[name] + by for name in times} | {
                "rep_id": rep_id, "data": moved(row["data"], by),
            }  # fmt: skip


def _newcomers(count: int) -> list[str]:
    """So many further reps of the only team."""
    from sqlmodel import select

    from fieldcrm.kit import clock, ids
    from fieldcrm.kit.database import transaction
    from fieldcrm.people.tables import Team, User

    with transaction() as session:
        team = session.exec(select(Team)).one()
        people = [
            User(id=ids.new_id(), login=f"more{n}", name=f"More {n}", role="rep", team_id=team.id,
                 password_hash="", created_at=clock.real_now()) for n in range(count)
        ]  # fmt: skip
        session.add_all(people)
    return [person.id for person in people]


def work(rep_ids: Sequence[str], days: Sequence[date]) -> None:
    """Let reps have a shift on each of these days, with half an hour's lunch."""
    from fieldcrm.kit import ids
    from fieldcrm.kit.database import transaction
    from fieldcrm.tracking.tables import Shift

    with transaction() as session:
        for rep_id in rep_ids:
            for day in days:
                opens = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
                lunch = [(opens + timedelta(minutes=m)).isoformat() for m in (300, 330)]
                session.add(Shift(
                    id=ids.new_id(), rep_id=rep_id, started_at=opens,
                    ended_at=opens + timedelta(hours=12),
                    pauses=[{"from": lunch[0], "to": lunch[1], "kind": "lunch"}],
                ))  # fmt: skip


def is_postgres() -> bool:
    """Whether the bench's database is PostgreSQL."""
    from fieldcrm.kit.database import engine

    return engine().dialect.name == "postgresql"


def _size() -> int:
    """Bytes of the database's file; in PostgreSQL of the table with all that belongs to it."""
    from fieldcrm.kit.database import reading

    asked = [SIZE_IN_POSTGRES] if is_postgres() else ["PRAGMA page_count", "PRAGMA page_size"]
    with reading() as session:
        link, size = session.connection(), 1
        for statement in asked:
            size *= link.exec_driver_sql(statement).scalar_one()
    return size


def _be_quick() -> None:
    """Fill without waiting for the disk at each rep: what is measured comes after."""
    from sqlalchemy import event

    from fieldcrm.kit.database import engine

    if not is_postgres():
        engine().dispose()

        @event.listens_for(engine(), "connect")
        def on_connect(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA synchronous=OFF").close()
