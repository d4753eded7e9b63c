"""Backup to one file and back: database, photos, settings and keys, each named with its hash.

The file is a zip. Tables are JSON lines, so a backup of SQLite restores into PostgreSQL and the
reverse. `manifest.json` comes last and names every entry; a file without it is no backup.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from fieldcrm.kit import database, files
from fieldcrm.kit.errors import Conflict, Invalid
from fieldcrm.kit.settings import settings
from fieldcrm.migrations import schema

FORMAT = 1
_KEYS = ("secret.key", "push.key", "tls/ca.pem", "tls/ca.key", "tls/server.pem", "tls/server.key")
_SECRET_SETTINGS = ("database_url", "redis_url")
_BATCH = 500

Progress = Callable[[float, str], None]


class NotABackup(Invalid):
    """The file is no whole backup of ours, or it was changed since."""

    code = "not_a_backup"


class NotEmpty(Conflict):
    """A restore goes only into an empty home and database."""

    code = "restore_not_empty"


def backup(target: Path, progress: Progress) -> dict[str, Any]:
    """Write a backup; the file appears under its name only when it is whole."""
    part = target.with_name(target.name + ".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with (
        os.fdopen(descriptor, "wb") as raw,
        zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as into,
    ):
        entries = [*_write_tables(into, progress), *_write_photos(into, progress),
                   *_write_settings(into)]  # fmt: skip
        manifest = _manifest(entries)
        into.writestr("manifest.json", json.dumps(manifest, indent=1))
    os.replace(part, target)
    progress(1.0, "done")
    return {"file": str(target), "bytes": target.stat().st_size, **manifest["counts"]}


def _manifest(entries: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = {e["kind"] for e in entries}
    return {
        "format": FORMAT,
        "revision": _revision(),
        "made_at": datetime.now(UTC).isoformat(),
        "region": settings().region,
        "not_inside": ["the region's roads and map (make them again: fieldcrm region add)",
                       "fixes that the recorder had not written yet"],
        "entries": entries,
        "counts": {k: sum(e.get("rows", 1) for e in entries if e["kind"] == k) for k in kinds},
    }  # fmt: skip


def _revision() -> str:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(schema.config()).get_current_head() or ""


def _write_tables(into: zipfile.ZipFile, progress: Progress) -> Iterator[dict[str, Any]]:
    tables = schema.metadata.sorted_tables
    with _snapshot() as connection:
        for number, table in enumerate(tables):
            progress(0.5 * number / len(tables), f"table {table.name}")
            yield _write_table(into, connection, table)


def _snapshot() -> Connection:
    """A connection that sees one moment of the database, however long the backup takes."""
    engine = database.engine()
    if engine.dialect.name == "postgresql":
        return engine.connect().execution_options(isolation_level="REPEATABLE READ")
    return engine.execution_options(read_only=True).connect()


def _write_table(into: zipfile.ZipFile, connection: Connection, table: sa.Table) -> dict[str, Any]:
    name, digest, rows = f"tables/{table.name}.jsonl", hashlib.sha256(), 0
    key = list(table.primary_key.columns)
    with into.open(name, "w", force_zip64=True) as file:
        for row in connection.execute(sa.select(table).order_by(*key)).yield_per(_BATCH):
            line = (
                json.dumps(dict(row._mapping), default=_plain, ensure_ascii=False).encode() + b"\n"
            )
            digest.update(line)
            file.write(line)
            rows += 1
    return {"kind": "rows", "name": name, "rows": rows, "sha256": digest.hexdigest()}


def _plain(value: object) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"$at": value.isoformat()}
    if isinstance(value, date):
        return {"$day": value.isoformat()}
    raise TypeError(type(value))


def _unplain(value: dict[str, Any]) -> Any:
    if len(value) == 1:
        match next(iter(value.items())):
            case ("$bytes", str(text)):
                return base64.b64decode(text)
            case ("$at", str(text)):
                return datetime.fromisoformat(text)
            case ("$day", str(text)):
                return date.fromisoformat(text)
    return value


def _write_photos(into: zipfile.ZipFile, progress: Progress) -> Iterator[dict[str, Any]]:
    folder = settings().files_dir
    found = [p for p in sorted(folder.rglob("*")) if p.is_file() and files.is_hash(p.name)]
    for number, path in enumerate(found):
        if number % 200 == 0:
            progress(0.5 + 0.4 * number / len(found), f"photos {number}/{len(found)}")
        into.write(path, f"files/{path.name}", zipfile.ZIP_STORED)
        yield {"kind": "photos", "name": f"files/{path.name}", "sha256": path.name}


def _write_settings(into: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    told = {
        k: v for k, v in settings().model_dump(mode="json").items() if k not in _SECRET_SETTINGS
    }
    yield _write_bytes(into, "settings.json", json.dumps(told, indent=1).encode(), "settings")
    for key in _KEYS:
        path = settings().home / key
        if path.is_file():
            yield _write_bytes(into, f"keys/{key}", path.read_bytes(), "keys")


def _write_bytes(into: zipfile.ZipFile, name: str, content: bytes, kind: str) -> dict[str, Any]:
    into.writestr(name, content)
    return {"kind": kind, "name": name, "sha256": hashlib.sha256(content).hexdigest()}


def restore(source: Path, progress: Progress) -> dict[str, Any]:
    """Bring a backup into an empty home; checks every hash before the first row is written."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = _checked_manifest(archive, progress)
            _refuse_unless_empty()
            _restore_keys(archive, manifest)
            _restore_photos(archive, manifest, progress)
            rows = _restore_tables(archive, manifest, progress)
    except (zipfile.BadZipFile, KeyError, OSError, json.JSONDecodeError) as error:
        raise NotABackup(f"{source.name}: {error}") from error
    progress(1.0, "done")
    return {"rows": rows, "made_at": manifest["made_at"], "region": manifest["region"],
            "settings": json.loads(_read(source, "settings.json"))}  # fmt: skip


def _read(source: Path, name: str) -> bytes:
    with zipfile.ZipFile(source) as archive:
        return archive.read(name)


def _checked_manifest(archive: zipfile.ZipFile, progress: Progress) -> dict[str, Any]:
    manifest = json.loads(archive.read("manifest.json"))
    if manifest.get("format") != FORMAT:
        raise NotABackup(f"format {manifest.get('format')} is not {FORMAT}")
    if manifest["revision"] != _revision():
        raise NotABackup(f"made at schema {manifest['revision']}, this is {_revision()}")
    for number, entry in enumerate(manifest["entries"]):
        progress(0.3 * number / len(manifest["entries"]), "checking")
        if _hash_of(archive, entry["name"]) != entry["sha256"]:
            raise NotABackup(f"{entry['name']} was changed or cut")
    return manifest


def _hash_of(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]


def _refuse_unless_empty() -> None:
    home = settings().home
    home.mkdir(parents=True, exist_ok=True)
    if (home / "secret.key").exists() or any(settings().files_dir.glob("*/*")):
        raise NotEmpty(f"{home} is in use")
    schema.upgrade()
    with database.engine().execution_options(read_only=True).connect() as connection:
        for table in schema.metadata.sorted_tables:
            if connection.execute(sa.select(sa.func.count()).select_from(table)).scalar():
                raise NotEmpty(f"table {table.name} has rows")


def _restore_keys(archive: zipfile.ZipFile, manifest: dict[str, Any]) -> None:
    for entry in manifest["entries"]:
        if entry["kind"] == "keys" and entry["name"].removeprefix("keys/") in _KEYS:
            path = settings().home / entry["name"].removeprefix("keys/")
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            files.write_durably(path, archive.read(entry["name"]))
            path.chmod(0o600)


def _restore_photos(archive: zipfile.ZipFile, manifest: dict[str, Any], progress: Progress) -> None:
    photos = [e for e in manifest["entries"] if e["kind"] == "photos"]
    for number, entry in enumerate(photos):
        progress(0.3 + 0.3 * number / len(photos), f"photos {number}/{len(photos)}")
        files.store(entry["sha256"], archive.read(entry["name"]))


def _restore_tables(archive: zipfile.ZipFile, manifest: dict[str, Any], progress: Progress) -> int:
    tables, total = schema.metadata.sorted_tables, 0
    held = {e["name"] for e in manifest["entries"]}
    with database.engine().begin() as connection:
        for number, table in enumerate(tables):
            progress(0.6 + 0.4 * number / len(tables), f"table {table.name}")
            name = f"tables/{table.name}.jsonl"
            if name in held:
                total += _restore_table(archive, name, connection, table)
    return total


def _restore_table(
    archive: zipfile.ZipFile, name: str, connection: Connection, table: sa.Table
) -> int:
    count = 0
    with archive.open(name) as file:
        for batch in _batches(json.loads(line, object_hook=_unplain) for line in file):
            connection.execute(table.insert(), batch)
            count += len(batch)
    if connection.dialect.name == "postgresql" and table.name == "feed" and count:
        connection.execute(
            sa.text(
                "SELECT setval(pg_get_serial_sequence('feed', 'seq'), (SELECT max(seq) FROM feed))"
            )
        )
    return count


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
