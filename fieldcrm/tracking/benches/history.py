"""`fieldcrm bench history`: what a rep's history costs to keep, and how fast a day is replayed.

Simulated reps on real roads live through days; their fixes go the recorder's way into a database of
their own, the nights' joining included; then days are asked for over HTTP, each a different one,
from an API process that has to decode them. With `--fill GB` once more beside a year of many reps, with
the database's file in the system's memory and, day by day, without it. With `--tracks FOLDER` real tracks are kept too (see
`material`). Parquet with zstd 19 holds the same columns beside it. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from fieldcrm.tracking.benches import material, replaying, years
from fieldcrm.tracking.columns import NAMES, Table, table_of
from fieldcrm.tracking.model import Fix

WORKDAYS_A_YEAR = 250
SAME_REPS = 40
POSITION = ("at", "lat", "lng")
_ROWS = "SELECT rep_id, hour, count, data FROM track_chunk ORDER BY rep_id, hour"
_SIZE = "SELECT SUM(pgsize) FROM dbstat WHERE name IN (%s)"
_TABLE = "'track_chunk', 'sqlite_autoindex_track_chunk_1', 'ix_track_chunk_updated_at'"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


# Keeping


def keep(fixes: Sequence[Fix]) -> None:
    """Record fixes as they would have come: hour after hour."""
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import transaction
    from fieldcrm.tracking import keeping

    with clock.held(clock.from_ms(fixes[-1].fix_at_ms)), transaction() as session:
        keeping.append(session, fixes)


def tighten(now: datetime) -> float:
    """Let all nights pass; seconds it took."""
    from fieldcrm.tracking import keeping

    began = time.perf_counter()
    while keeping.tighten(now):
        pass
    return time.perf_counter() - began


def stored(rep_ids: Sequence[str]) -> dict[str, Any]:
    """What the rows of these reps hold, by fix, and Parquet of the same beside it."""
    from fieldcrm.kit.database import reading
    from fieldcrm.tracking import chunks, tight

    with reading() as session:
        rows = [row for row in session.connection().exec_driver_sql(_ROWS) if row[0] in rep_ids]
    fixes = sum(row[2] for row in rows)
    tables = [table_of(chunks.unpack(row[0], row[3])) for row in rows]
    position = sum(tight.sizes(row[3][1:])[name] for row in rows for name in POSITION)
    quick = sum(len(chunks.pack(chunks.unpack(row[0], row[3]))) for row in rows)
    return {
        "fixes": fixes, "chunks": len(rows),
        "bytes_per_fix": _by(sum(len(row[3]) for row in rows), fixes),
        "bytes_per_fix_position": _by(position, fixes),
        "bytes_per_fix_quick": _by(quick, fixes),
        "parquet_bytes_per_fix": parquet(tables),
    }  # fmt: skip


def _by(size: float, fixes: int) -> float:
    return round(size / fixes, 3)


def indexed(fixes: int) -> float:
    """Bytes a fix that the table and its indexes take in the database's own pages."""
    from fieldcrm.kit.database import reading

    statement = years.SIZE_IN_POSTGRES if years.is_postgres() else _SIZE % _TABLE
    with reading() as session:
        found = session.connection().exec_driver_sql(statement).scalar_one()
    return _by(found, fixes)


def parquet(tables: Sequence[Table]) -> float | None:
    """The same columns in Parquet, zstd 19: the better of its encodings, chunk by chunk or all in
    one file; None without pyarrow."""
    try:
        import_module("pyarrow.parquet")
    except ImportError:
        _tell("pyarrow is not installed (extra `bench`): nothing to compare with")
        return None
    fixes = sum(table.length for table in tables)
    apart = sum(_parquet_size(table.columns) for table in tables)
    columns = [[table.columns[i] for table in tables] for i in range(len(NAMES))]
    np = import_module("numpy")
    together = _parquet_size([np.concatenate(parts) for parts in columns])
    return _by(min(apart, together), fixes)


def _parquet_size(columns: Sequence[Any]) -> int:
    arrow, pq = import_module("pyarrow"), import_module("pyarrow.parquet")
    table = arrow.table(dict(zip(NAMES, columns, strict=True)))
    encodings = ({"column_encoding": dict.fromkeys(NAMES, "DELTA_BINARY_PACKED")},
                 {"column_encoding": dict.fromkeys(NAMES, "BYTE_STREAM_SPLIT")})  # fmt: skip
    ways = [{"use_dictionary": False} | way for way in encodings] + [{"use_dictionary": True}]
    return min(_written(pq, table, way) for way in ways)


def _written(pq: Any, table: Any, way: dict[str, Any]) -> int:
    file = io.BytesIO()
    pq.write_table(
        table, file, compression="zstd", compression_level=19, write_statistics=False,
        row_group_size=10_000_000, **way,
    )  # fmt: skip
    return file.tell()


# A company to keep and replay


def found_company(reps: int) -> tuple[list[str], str]:
    """An empty database with one team of reps and an administrator; rep ids, his token."""
    from fieldcrm.kit import clock, ids, secrets
    from fieldcrm.kit.database import engine, transaction
    from fieldcrm.migrations.schema import metadata
    from fieldcrm.people.tables import SignIn, Team, User

    metadata.create_all(engine())
    now, token = clock.real_now(), secrets.new_token()
    with transaction() as session:
        team = Team(id=ids.new_id(), name="Bench", created_at=now)
        session.add(team)
        session.flush()
        people = [User(id=ids.new_id(), login=f"rep{n}", name=f"Rep {n}", role="rep",
                       team_id=team.id, password_hash="", created_at=now) for n in range(reps)]  # fmt: skip
        admin = User(
            id=ids.new_id(),
            login="admin",
            name="Admin",
            role="admin",
            password_hash="",
            created_at=now,
        )
        session.add_all([*people, admin])
        session.flush()
        session.add(SignIn(token_hash=secrets.token_hash(token), user_id=admin.id, created_at=now,
                           expires_at=now + timedelta(days=1)))  # fmt: skip
    return [person.id for person in people], token


def repeat(rep_ids: Sequence[str], times: int) -> None:
    """Let so many further reps have the same tracks."""
    from fieldcrm.kit.database import transaction

    copied = "INSERT INTO track_chunk SELECT substr(rep_id, 1, 28) || ?, hour, count, first_at, " \
             "last_at, data, updated_at FROM track_chunk WHERE rep_id = ?"  # fmt: skip
    with transaction() as session:
        for number in range(times):
            for n, rep_id in enumerate(rep_ids):
                session.connection().exec_driver_sql(copied, (f"{number:05}{n:03}", rep_id))


def bench(home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Everything; see the module."""
    from fieldcrm.regions.build import build_region, sample_extract

    _tell("roads")
    roads_home = options.home or home
    region = build_region(sample_extract(), roads_home, "helsinki")
    from fieldcrm.regions.roads import Roads

    company = material.Company(Roads(region.folder), sample_extract(), options.every)
    rep_ids, token = found_company(options.reps)
    days = material.workdays(options.days)
    _tell(f"{options.reps} reps live through {options.days} days")
    recording_s = _live(company, rep_ids, days)
    later = datetime.combine(days[-1] + timedelta(days=3), datetime.min.time(), UTC)
    tightening_s = tighten(later)
    found = stored(rep_ids)
    found["bytes_per_fix_indexed"] = indexed(found["fixes"])
    fixes_a_day = found["fixes"] / (options.reps * options.days)
    found |= {
        "fixes_per_day": round(fixes_a_day), "record_ms_per_day": _each(recording_s, options),
        "tighten_ms_per_day": _each(tightening_s, options),
        "year_of_1000_reps_gb": round(
            found["bytes_per_fix_indexed"] * fixes_a_day * WORKDAYS_A_YEAR * 1000 / 1e9, 2
        ),
    }  # fmt: skip
    wanted = [(rep_id, day) for rep_id in rep_ids for day in days]
    _tell("replay")
    found |= replaying.replayed(token, wanted, options.requests)
    if options.fill:
        found |= _filled(rep_ids, days, token, options)
    if options.tracks:
        found |= {name: _real(name, options.tracks) for name in ("hof", "diary")}
    return found


def _filled(
    rep_ids: Sequence[str], days: Sequence[date], token: str, options: argparse.Namespace
) -> dict[str, Any]:
    """A year of many reps beside those, and days of all of them replayed: first as the system keeps
    the file in memory after it was written, then each day from the disk (SQLite; `cold_`)."""
    from fieldcrm.kit.settings import settings

    _tell(f"{options.fill_reps} further reps with a year each, up to {options.fill} GB")
    began = time.perf_counter()
    wanted, found = years.fill(rep_ids, days, options.fill_reps, options.fill)
    _tell(f"filled in {time.perf_counter() - began:.0f} s; replay")
    again = replaying.replayed(token, wanted, options.requests, seed=2)
    found |= {f"filled_{key}": value for key, value in again.items()}
    if years.is_postgres():
        return found  # its own memory is not ours to empty
    file = Path(settings().database.removeprefix("sqlite:///"))
    again = replaying.replayed_cold(token, wanted, options.requests, file, seed=3)
    return found | {f"cold_{key}": value for key, value in again.items()}


def _live(company: material.Company, rep_ids: Sequence[str], days: Sequence[date]) -> float:
    recording_s = 0.0
    for day in days:
        for number, rep_id in enumerate(rep_ids):
            fixes = company.day(rep_id, number, day)
            began = time.perf_counter()
            keep(fixes)
            recording_s += time.perf_counter() - began
        years.work([(rep_id, day) for rep_id in rep_ids])
    return recording_s


def _each(seconds: float, options: argparse.Namespace) -> float:
    return round(1000 * seconds / (options.reps * options.days), 1)


def _real(name: str, folder: Path) -> dict[str, Any]:
    """A set of real tracks as history, in a database of its own.

    The set is small, so for the index it is kept by SAME_REPS reps: a database's first pages would
    count as its index otherwise.
    """
    with tempfile.TemporaryDirectory() as home, _at_home(Path(home)):
        (rep_id, *_), _ = found_company(1)
        keep(material.dressed(rep_id, getattr(material, name)(folder)))
        tighten(datetime.now(UTC))
        found = stored([rep_id])
        repeat([rep_id], SAME_REPS - 1)
        return found | {"bytes_per_fix_indexed": indexed(SAME_REPS * found["fixes"])}


@contextmanager
def _at_home(home: Path, database_url: str | None = None) -> Iterator[None]:
    """Settings and engine of another home."""
    from fieldcrm.kit import database
    from fieldcrm.kit.settings import settings

    before = {k: os.environ.pop(k) for k in list(os.environ) if k.startswith("FIELDCRM_")}
    os.environ |= {"FIELDCRM_HOME": str(home), "FIELDCRM_TIMEZONE": "UTC"}
    if database_url:
        os.environ["FIELDCRM_DATABASE_URL"] = database_url
    settings.cache_clear()
    database.engine.cache_clear()
    try:
        yield
    finally:
        database.engine().dispose()
        for name in [k for k in os.environ if k.startswith("FIELDCRM_")]:
            del os.environ[name]
        os.environ |= before
        settings.cache_clear()
        database.engine.cache_clear()


def main(arguments: list[str]) -> None:
    """The command's options; prints one JSON object last."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench history", description=__doc__)
    parser.add_argument("--reps", type=int, default=10)
    parser.add_argument("--days", type=int, default=5, help="working days of each rep")
    parser.add_argument("--every", type=int, default=5, help="seconds between fixes")
    parser.add_argument("--requests", type=int, default=400, help="days asked for over HTTP")
    parser.add_argument("--tracks", type=Path, help="folder of hof_points.csv and the stop diary")
    parser.add_argument("--fill", type=float, default=0.0,
                        help="replay again beside years of further reps, up to so many GB")  # fmt: skip
    parser.add_argument("--fill-reps", type=int, default=1000, help="at most so many of them")
    parser.add_argument("--database", help="URL of an empty PostgreSQL database instead of SQLite")
    parser.add_argument("--home", type=Path, help="where the region is built or stands already")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fieldcrm-history-") as folder:
        home = Path(folder)
        with _at_home(home, options.database):
            found = bench(home, options)
    print(json.dumps(found), flush=True)
