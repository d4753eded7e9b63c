"""Fixtures every test may use: a fresh home, a database of each kind, a real Valkey.

`app_db` (SQLite) and `any_db` (SQLite, then PostgreSQL) give an empty database with all tables;
`valkey` gives a flushed server and points the settings at it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from fieldcrm.regions.build import build_region, sample_extract
from tests.browser import what_is_shown
from tests.install import Install, copy_home, make_sample_home, midday_of
from tests.servers import LentDatabase, Postgres, Valkey

settings.register_profile("loaded", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(
    "loaded"
)  # how fast a law is drawn and checked says nothing of whether it holds


def forget_settings() -> None:
    """Drop what processes cache of their settings, so that changed variables count."""
    from fieldcrm.kit import bus, database
    from fieldcrm.kit import settings as kept

    if database.engine.cache_info().currsize:
        database.engine().dispose()
    for cached in (kept.settings, database.engine, bus.connection):
        cached.cache_clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """A failed test's report also has what its browser showed and what its install's parts wrote."""
    report = yield
    if report.when == "call" and report.failed:
        installs = [f for f in getattr(item, "funcargs", {}).values() if isinstance(f, Install)]
        report.sections += [("Screens", what_is_shown()), *(("Parts", i.said()) for i in installs)]
    return report


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home folder that the settings point at."""
    for name in list(os.environ):
        if name.startswith("FIELDCRM_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("FIELDCRM_HOME", str(tmp_path))
    forget_settings()
    yield tmp_path
    forget_settings()


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder of this run that all workers share."""
    folder = tmp_path_factory.getbasetemp()
    return folder if worker_id == "master" else folder.parent


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """The folder, made by whichever worker comes first; the others wait."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            making = folder.with_suffix(".making")
            make(making)
            making.rename(folder)
    return folder


@pytest.fixture(scope="session")
def sample_home(common: Path) -> Path:
    """A home with the sample company, made once for all workers; never started itself, only copied."""
    return made_once(common / "sample-home", make_sample_home)


@pytest.fixture(scope="session")
def helsinki_home(common: Path) -> Path:
    """A home in which Helsinki's region stands, made once for all workers; nobody writes into it."""
    return made_once(
        common / "helsinki-home", lambda home: build_region(sample_extract(), home, "helsinki")
    )


@pytest.fixture(scope="module")
def install(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """A running sample company with weeks behind it, at eleven on a working day, its reps standing still."""
    home = copy_home(sample_home, tmp_path_factory.mktemp("install") / "home")
    with Install(home, "--no-simulate", "--clock-start", midday_of(home)) as running:
        yield running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[Valkey]:
    server = Valkey()
    yield server
    server.stop()


@pytest.fixture
def valkey(home: Path, valkey_server: Valkey, monkeypatch: pytest.MonkeyPatch) -> Valkey:
    from fieldcrm.kit import bus

    monkeypatch.setenv("FIELDCRM_REDIS_URL", valkey_server.url)
    forget_settings()
    bus.connection().flushall()
    return valkey_server


def _make_tables(url: str) -> None:
    """All tables in a database, with nothing in them."""
    from fieldcrm.kit.database import make_engine
    from fieldcrm.migrations.schema import metadata

    made = make_engine(url)
    metadata.create_all(made)
    made.dispose()


@pytest.fixture(scope="session")
def sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables, to be copied: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("tables") / "fieldcrm.db"
    _make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def lent_postgres(postgres: Postgres) -> LentDatabase:
    """A PostgreSQL database with all tables, emptied after each test."""
    return LentDatabase(postgres, _make_tables)


@pytest.fixture
def app_db(home: Path, sqlite_tables: Path) -> None:
    """SQLite in the test's home, all tables made."""
    shutil.copy(sqlite_tables, home / "fieldcrm.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def any_db(
    request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Both databases in turn, all tables made; the value names which."""
    if request.param == "sqlite":
        request.getfixturevalue("app_db")
        yield request.param
        return
    lent: LentDatabase = request.getfixturevalue("lent_postgres")
    monkeypatch.setenv("FIELDCRM_DATABASE_URL", lent.lend())
    forget_settings()
    yield request.param
    forget_settings()
    lent.give_back()
