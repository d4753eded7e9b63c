"""A year of many reps in the database: simulated weeks, each moved to other weeks and other reps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

WEEKS_A_YEAR = 50
HOURS, QUICK_BY_TIGHT = 8, 1.3
"""A day's chunks before they are joined, and how much larger they are together."""
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

    Day after day, everybody's together, as a year comes: what lies beside what in the file is part
    of what is measured. Returns (rep, day) of all that was added, and what it takes.
    """
    base, turns = [_rows_of(rep_id) for rep_id in rep_ids], WEEKS_A_YEAR // (len(days) // 5)
    a_year = turns * sum(len(row["data"]) for rows in base for row in rows) / len(base)
    newcomers = _newcomers(max(1, min(reps, int(gigabytes * 1e9 / a_year))))
    added, fixes = list[tuple[str, date]](), 0
    _be_quick()
    for rows in _year(base, newcomers, turns, timedelta(weeks=len(days) // 5)):
        _put(rows)
        had = sorted({(row["rep_id"], row["first_at"].date()) for row in rows})
        work(had)
        added += had
        fixes += sum(row["count"] for row in rows)
    size = _size()
    return added, {
        "filled_reps": len(newcomers), "filled_rep_days": len(added),
        "filled_fixes": fixes, "filled_bytes": size, "filled_bytes_per_fix": round(size / fixes, 3),
    }  # fmt: skip


def _put(rows: Sequence[dict[str, Any]]) -> None:
    """Write chunks as they are; into PostgreSQL by COPY, which takes a third of the time."""
    from fieldcrm.kit.database import engine

    with engine().begin() as link:
        if not is_postgres():
            _lay(link, rows)
            return
        cursor: Any = link.connection.cursor()
        with cursor.copy(
            f"COPY track_chunk ({', '.join(_TYPES)}) FROM STDIN (FORMAT BINARY)"
        ) as to:
            to.set_types(list(_TYPES.values()))
            for row in rows:
                to.write_row([row[name] for name in _TYPES])


def _lay(link: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Leave a day's chunks in SQLite's pages as the recorder and the night leave them.

    Hours are written first, everybody's one after another; then each rep's are joined into the
    first, whose pages are those that the joined left, wherever they lie.
    """
    from fieldcrm.tracking.tables import TrackChunk

    table: Any = TrackChunk.__table__  # pyright: ignore[reportAttributeAccessIssue]
    for hour in range(HOURS):
        link.execute(table.insert(), [_hour_of(row, hour) for row in rows])
    others = "DELETE FROM track_chunk WHERE rep_id = ? AND hour > ? AND hour <= ?"
    joined = "UPDATE track_chunk SET data = ? WHERE rep_id = ? AND hour = ?"
    for row in rows:
        first, last = (_text(row["hour"] + timedelta(hours=hour)) for hour in (0, HOURS))
        link.exec_driver_sql(others, (row["rep_id"], first, last))
        link.exec_driver_sql(joined, (row["data"], row["rep_id"], first))


def _hour_of(row: dict[str, Any], hour: int) -> dict[str, Any]:
    """An hour's share of a chunk, as many bytes as the quick form takes."""
    size = round(QUICK_BY_TIGHT * len(row["data"]) / HOURS)
    return row | {"hour": row["hour"] + timedelta(hours=hour), "data": row["data"][:size]}


def _text(moment: datetime) -> str:
    """As SQLAlchemy writes it for SQLite."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _rows_of(rep_id: str) -> list[dict[str, Any]]:
    from sqlmodel import col, select

    from fieldcrm.kit.database import reading
    from fieldcrm.tracking.tables import TrackChunk

    statement = select(TrackChunk).where(TrackChunk.rep_id == rep_id)
    with reading() as session:
        found = session.exec(statement.order_by(col(TrackChunk.hour))).all()
    return [row.model_dump() for row in found]


def _year(
    base: Sequence[Sequence[dict[str, Any]]], rep_ids: Sequence[str], turns: int, weeks: timedelta
) -> Iterator[list[dict[str, Any]]]:
    """The same weeks again and again, a day of everybody's at a time; on from where they end, so
    that nobody has a week twice."""
    days = sorted({row["hour"].date() for rows in base for row in rows})
    for turn in range(turns):
        for day in days:
            yield [
                _later(row, rep_id, weeks * turn)
                for number, rep_id in enumerate(rep_ids)
                for row in base[number % len(base)]
                if row["hour"].date() == day
            ]


def _later(row: dict[str, Any], rep_id: str, by: timedelta) -> dict[str, Any]:
    """The same chunk of another rep, so much later."""
    times = {name: row[name] + by for name in ("hour", "first_at", "last_at", "updated_at")}
    return row | times | {"rep_id": rep_id, "data": moved(row["data"], by)}


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


def work(days: Sequence[tuple[str, date]]) -> None:
    """Let reps have a shift on days of theirs, with half an hour's lunch."""
    from fieldcrm.kit.database import transaction
    from fieldcrm.tracking.tables import Shift

    table: Any = Shift.__table__  # pyright: ignore[reportAttributeAccessIssue]
    with transaction() as session:
        session.connection().execute(table.insert(), [_shift(*which) for which in days])


def _shift(rep_id: str, day: date) -> dict[str, Any]:
    from fieldcrm.kit import ids

    opens = datetime(day.year, day.month, day.day, 8, tzinfo=UTC)
    lunch = [(opens + timedelta(minutes=m)).isoformat() for m in (300, 330)]
    return {
        "id": ids.new_id(), "rep_id": rep_id, "started_at": opens,
        "ended_at": opens + timedelta(hours=12), "source": "phone",
        "pauses": [{"from": lunch[0], "to": lunch[1], "kind": "lunch"}],
    }  # fmt: skip


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
