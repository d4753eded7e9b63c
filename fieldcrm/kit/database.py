"""Engine, sessions and column types for SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from threading import Lock
from typing import Any

import msgspec
from sqlalchemy import JSON, DateTime, Engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, create_engine

from fieldcrm.kit.settings import settings


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python; TIMESTAMPTZ in PostgreSQL, naive UTC text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """What a row gives, which a decorated type doesn't say by itself."""
        return datetime

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True)


@cache
def engine() -> Engine:
    """The process's engine; SQLite in WAL with full sync, so that a power cut takes nothing back."""
    return make_engine(settings().database)


def make_engine(url: str) -> Engine:
    """An engine for a URL; `postgresql://` means psycopg 3."""
    if url.startswith("sqlite"):
        made = create_engine(
            url, connect_args={"check_same_thread": False, "timeout": 30}, json_deserializer=_json,
            pool_size=12, max_overflow=36,  # as many as threads may ask at once: nobody waits for one
        )  # fmt: skip
        _prepare_sqlite(made)
        return made
    url = url.replace("postgres://", "postgresql://", 1)
    url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return create_engine(
        url, pool_pre_ping=True, pool_size=8, max_overflow=16, json_deserializer=_json
    )


def _json(text: str) -> Any:
    """JSON of a column, read five times as fast; what only Python calls JSON (NaN) in Python's way."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text)


def _prepare_sqlite(made: Engine) -> None:
    """Pragmas at connect, and explicit BEGIN so that a writer takes its lock before it reads."""

    @event.listens_for(made, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            "cache_size=-16000",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(made, "begin")
    def on_begin(connection: Any) -> None:
        options = connection.get_execution_options()
        if not options.get("at_a_glance"):
            connection.exec_driver_sql("BEGIN" if options.get("read_only") else "BEGIN IMMEDIATE")


_PATIENCE_S = 30.0
_writer = Lock()


@contextmanager
def _turn() -> Iterator[None]:
    """This process's writers one after another, where the database takes one at a time.

    SQLite lets whoever waits look again after a pause that grows, so that a crowd of writers leaves
    it idle and some of them out. Who waited too long here still has SQLite's own patience.
    """
    if engine().dialect.name != "sqlite":
        yield
        return
    is_mine = _writer.acquire(timeout=_PATIENCE_S)
    try:
        yield
    finally:
        if is_mine:
            _writer.release()


@contextmanager
def transaction() -> Iterator[Session]:
    """One write transaction: committed when the block ends, rolled back when it raises.

    What the block announced through `kit.feed` goes out after the commit only.
    """
    from fieldcrm.kit import feed

    with Session(engine(), expire_on_commit=False) as session:
        with _turn():
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise
        feed.announce(session)


@contextmanager
def reading() -> Iterator[Session]:
    """A session for reads only; takes no write lock in SQLite."""
    with Session(_reader(), expire_on_commit=False) as session:
        yield session


@contextmanager
def glancing() -> Iterator[Session]:
    """The same for a few statements that somebody waits for: none of them in a transaction.

    Each sees what is committed as it begins, as PostgreSQL's would in `reading` too; two round
    trips fewer.
    """
    with Session(_glancer(engine()), expire_on_commit=False) as session:
        yield session


def _reader() -> Engine:
    return engine().execution_options(read_only=True)


@lru_cache(maxsize=1)
def _glancer(behind: Engine) -> Engine:
    if behind.dialect.name == "sqlite":
        return behind.execution_options(read_only=True, at_a_glance=True)
    return behind.execution_options(read_only=True, isolation_level="AUTOCOMMIT")
