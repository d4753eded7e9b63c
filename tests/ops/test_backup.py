"""A backup holds all that a restore needs, and a restore is proven into an empty home."""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlmodel import Session, select

from fieldcrm.clients.tables import Client
from fieldcrm.kit import database, files, ids, secrets
from fieldcrm.kit.settings import settings
from fieldcrm.messages import keys
from fieldcrm.migrations import schema
from fieldcrm.ops import backup
from fieldcrm.people.tables import Team, User
from fieldcrm.tracking.tables import TrackChunk
from fieldcrm.visits.tables import Visit
from tests.conftest import forget_settings
from tests.servers import Postgres

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


def quiet(_share: float, _what: str) -> None:
    return


def fill() -> str:
    """A little of everything, with bytes, dates and letters that break careless dumps."""
    photo = b"\xff\xd8\xff" + bytes(range(256))
    sha = hashlib.sha256(photo).hexdigest()
    team, rep, client = (ids.new_id(NOW) for _ in range(3))
    with database.transaction() as s:
        s.add(Team(id=team, name="Centru Știință", created_at=NOW))
        s.flush()
        s.add(
            User(
                id=rep,
                login="ion",
                name="Ион Руссу",
                role="rep",
                team_id=team,
                password_hash="x",
                created_at=NOW,
            )
        )
        s.add(
            Client(
                id=client,
                kind="doctor",
                name="Țurcanu",
                created_at=NOW,
                updated_at=NOW,
                tags=["a", "b"],
            )
        )
        s.flush()
        s.add(
            Visit(
                id=ids.new_id(NOW),
                rep_id=rep,
                team_id=team,
                client_id=client,
                day=date(2026, 3, 2),
                details={"n": None, "x": [1, 2]},
                created_at=NOW,
                updated_at=NOW,
            )
        )
        s.add(
            TrackChunk(
                rep_id=rep,
                hour=NOW,
                count=3,
                first_at=NOW,
                last_at=NOW,
                data=bytes(range(256)),
                updated_at=NOW,
            )
        )
    files.store(sha, photo)
    secrets.install_key()
    keys.private_key()
    return sha


def dump() -> dict[str, list[str]]:
    with Session(database.engine()) as s:
        return {
            t.name: sorted(repr(tuple(r)) for r in s.execute(select(t)))  # type: ignore[call-overload]
            for t in schema.metadata.sorted_tables
        }


def move_home(path: Path, monkeypatch: pytest.MonkeyPatch, url: str | None = None) -> None:
    monkeypatch.setenv("FIELDCRM_HOME", str(path))
    if url:
        monkeypatch.setenv("FIELDCRM_DATABASE_URL", url)
    forget_settings()


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_restore_brings_everything_into_an_empty_home(
    home: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    into: str,
) -> None:
    schema.upgrade()
    sha = fill()
    before, key, push_key = dump(), secrets.install_key(), keys.public_key()
    file = tmp_path_factory.mktemp("out") / "b.zip"
    backup.backup(file, quiet)

    url = None
    if into == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.new_database()
    move_home(tmp_path_factory.mktemp("new"), monkeypatch, url)
    report = backup.restore(file, quiet)

    assert dump() == before
    assert report["rows"] == sum(len(rows) for rows in before.values())
    assert files.has(sha)
    assert secrets.install_key() == key
    assert keys.public_key() == push_key, "phones that subscribed with it can still be woken"
    assert file.stat().st_mode & 0o077 == 0


def test_restore_refuses_a_used_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    schema.upgrade()
    fill()
    file = tmp_path_factory.mktemp("out") / "b.zip"
    backup.backup(file, quiet)
    before = dump()
    with pytest.raises(backup.NotEmpty):
        backup.restore(file, quiet)
    assert dump() == before


def test_a_changed_or_cut_backup_is_refused(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.upgrade()
    fill()
    out = tmp_path_factory.mktemp("out")
    backup.backup(out / "b.zip", quiet)
    _tamper(out / "b.zip", out / "changed.zip")
    (out / "cut.zip").write_bytes((out / "b.zip").read_bytes()[:-200])
    move_home(tmp_path_factory.mktemp("new"), monkeypatch)
    for name in ("changed.zip", "cut.zip"):
        with pytest.raises(backup.NotABackup):
            backup.restore(out / name, quiet)
    assert not settings().files_dir.exists()


def _tamper(source: Path, target: Path) -> None:
    with zipfile.ZipFile(source) as a, zipfile.ZipFile(target, "w") as b:
        for name in a.namelist():
            content = a.read(name)
            b.writestr(name, content.replace("Руссу".encode(), "Русов".encode()))


def test_manifest_names_what_is_not_inside(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    schema.upgrade()
    file = tmp_path_factory.mktemp("out") / "b.zip"
    backup.backup(file, quiet)
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert any("region" in line for line in manifest["not_inside"])
