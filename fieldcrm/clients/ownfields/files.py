"""Files that own fields hold: sent first, then named by a card; fetched by whoever sees card and field.

A row says who sent what; a card's value is `{id, name, size, type}`, so that lists, files and history
tell of it without another look. Bytes lie by their hash among all attachments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.clients import store as client_store
from fieldcrm.clients.model import ClientNotFound
from fieldcrm.clients.ownfields import rules
from fieldcrm.clients.ownfields.model import (
    OwnField,
    OwnFieldForbidden,
    OwnFieldUnknown,
    OwnFileNotFound,
    OwnFileOnItsWay,
    OwnFileTooLarge,
    OwnFileUnfit,
)
from fieldcrm.clients.ownfields.saying import label_of
from fieldcrm.clients.ownfields.seeing import seen_in
from fieldcrm.clients.ownfields.tables import ClientFile
from fieldcrm.kit import clock, events, file_types, files, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.people.model import Actor

UNUSED = timedelta(days=2)
"""So long a file that no card names yet waits for its card."""


def keep(actor: Actor, name: str, file_name: str, content: bytes) -> dict[str, Any]:
    """Keep a file for a field, by the field's name: the value that a card is to be given.

    What it is, is told by its bytes. Raises OwnFieldUnknown, OwnFieldForbidden, OwnFileTooLarge,
    OwnFileUnfit.
    """
    limit = settings().upload_limit_mb
    if len(content) > limit << 20:
        raise OwnFileTooLarge(limit_mb=limit)
    with reading() as session:
        _check_may_fill(actor, _field(session, actor, name))
    kind = file_types.of_document(content)
    if kind is None:
        raise OwnFileUnfit()
    digest = hashlib.sha256(content).hexdigest()
    files.store(digest, content)
    row = _sent(actor, name, digest, file_name, kind, len(content))
    with transaction() as session:
        _let_go_unused(session)
        session.add(row)
        events.record(session, "client_file.sent", row.id, actor_id=row.by_id, source=actor.source,
                      data={"name": name, "size": row.size})  # fmt: skip
        return _value(row)


def announce_in(
    session: Session, actor: Actor, name: str, *, sha256: str, file_name: str, size: int
) -> dict[str, Any]:
    """The value for a file of a phone, whose bytes follow: its name promises what they are.

    Raises OwnFieldUnknown, OwnFieldForbidden, OwnFileTooLarge, OwnFileUnfit.
    """
    limit = settings().upload_limit_mb
    if size > limit << 20:
        raise OwnFileTooLarge(limit_mb=limit)
    _check_may_fill(actor, _field(session, actor, name))
    kind = file_types.by_name(file_name)
    if kind is None:
        raise OwnFileUnfit()
    row = _sent(actor, name, sha256, file_name, kind, size)
    session.add(row)
    session.flush()
    return _value(row)


def is_awaited(actor: Actor, sha256: str) -> bool:
    """Whether somebody gave a card a file of this hash, so that its bytes may come."""
    asked = select(ClientFile.id).where(
        ClientFile.sha256 == sha256, ClientFile.by_id == actor.user_id,
        col(ClientFile.erased_at).is_(None),
    )  # fmt: skip
    with reading() as session:
        return session.exec(asked).first() is not None


def is_same_in(session: Session, there: Any, told: Any) -> bool:
    """Whether a value is the file that a phone told by its hash, before it heard of the value."""
    if not isinstance(told, Mapping) or not rules.is_file(there):
        return False
    row = session.get(ClientFile, there["id"])
    return row is not None and row.sha256 == told.get("sha256")


def _sent(actor: Actor, name: str, sha256: str, file_name: str, kind: str, size: int) -> ClientFile:
    return ClientFile(
        id=ids.new_id(), field=name, sha256=sha256, name=file_types.named(file_name, kind),
        content_type=kind, size=size, by_id=actor.user_id or None, at=clock.now(),
    )  # fmt: skip


def _field(session: Session, actor: Actor, name: str) -> OwnField:
    found = next((f for f in seen_in(session, actor) if f.name == name), None)
    if found is None or found.field.type != "file" or found.is_archived:
        raise OwnFieldUnknown(field=name[:60])
    return found


def _check_may_fill(actor: Actor, own: OwnField) -> None:
    if not own.is_filled_by(actor):
        raise OwnFieldForbidden(field=label_of(own, actor.language))


def _value(row: ClientFile) -> dict[str, Any]:
    return {"id": row.id, "name": row.name, "size": row.size, "type": row.content_type}


def _let_go_unused(session: Session) -> None:
    """Files that were sent long ago and that no card was given: their bytes go with the next erased ones."""
    old = select(ClientFile).where(
        ~col(ClientFile.is_used), col(ClientFile.erased_at).is_(None),
        col(ClientFile.at) < clock.now() - UNUSED,
    )  # fmt: skip
    for row in session.exec(old):
        row.erased_at = clock.now()


def value_in(session: Session, actor: Actor, own: OwnField, told: Any, there: Any) -> Any:
    """The value that a file's id means: the one that is there, or a file that the actor has sent.

    Raises OwnFileNotFound for a file that was sent by others, for another field, or is gone.
    """
    asked = told.get("id") if isinstance(told, Mapping) else told
    if not isinstance(asked, str):
        raise OwnFileNotFound()
    if isinstance(there, Mapping) and there.get("id") == asked:
        return there
    row = session.get(ClientFile, asked)
    is_own = row is not None and row.field == own.name and row.by_id == (actor.user_id or None)
    if row is None or not is_own or row.erased_at is not None:
        raise OwnFileNotFound()
    row.is_used = True
    return _value(row)


def fetch(actor: Actor, client_id: str, name: str) -> tuple[Path, str, str]:
    """(path, media type, name) of the file that a client's field holds.

    Raises ClientNotFound, OwnFieldUnknown, OwnFileNotFound, OwnFileOnItsWay.
    """
    with reading() as session:
        client = client_store.client(session, actor, client_id)
        if client is None:
            raise ClientNotFound()
        value = client.own_fields.get(_field(session, actor, name).name)
        row = session.get(ClientFile, value["id"]) if rules.is_file(value) else None
    if row is None or row.erased_at is not None:
        raise OwnFileNotFound()
    if not files.has(row.sha256):
        raise OwnFileOnItsWay()
    return files.path_of(row.sha256), row.content_type, row.name


def erased_among(told: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Ids of those of some values whose bytes are no longer kept."""
    asked = [value["id"] for value in told]
    if not asked:
        return frozenset()
    gone = select(ClientFile.id).where(
        col(ClientFile.id).in_(asked), col(ClientFile.erased_at).is_not(None)
    )
    with reading() as session:
        return frozenset(session.exec(gone))


# ---- how long they are kept ----


def _of(rep_id: str) -> list[Any]:
    return [ClientFile.by_id == rep_id, col(ClientFile.erased_at).is_(None)]


def count_in(session: Session, rep_id: str | None) -> tuple[int, int]:
    """(files, bytes) that are kept of what a rep has sent; none for no rep: a card's files stay with it."""
    if rep_id is None:
        return 0, 0
    wanted = select(func.count(), func.coalesce(func.sum(ClientFile.size), 0))
    found = session.exec(wanted.where(*_of(rep_id))).one()
    return int(found[0]), int(found[1])


def erase_in(session: Session, rep_id: str | None) -> int:
    """Mark what a rep has sent as erased; the bytes go with those of visits' attachments."""
    _let_go_unused(session)
    if rep_id is None:
        return 0
    rows = list(session.exec(select(ClientFile).where(*_of(rep_id))))
    for row in rows:
        row.erased_at = clock.now()
    return len(rows)


def erased_since(session: Session, since: datetime) -> set[str]:
    """Hashes of files that were erased since a moment."""
    return set(session.exec(select(ClientFile.sha256).where(col(ClientFile.erased_at) >= since)))


def needed(session: Session, hashes: Iterable[str]) -> set[str]:
    """Those of the hashes that an own field still holds."""
    some = select(ClientFile.sha256).where(
        col(ClientFile.sha256).in_(list(hashes)), col(ClientFile.erased_at).is_(None)
    )
    return set(session.exec(some))
