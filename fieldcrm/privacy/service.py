"""A person's data in a file for who asked, and his track and messages erased once counted."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError
from sqlmodel import Session

from fieldcrm.kit import bus, clock, events, ids, job_rows, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import Unavailable
from fieldcrm.kit.made_files import MadeFiles
from fieldcrm.kit.settings import settings
from fieldcrm.kit.standing import FileStatus
from fieldcrm.messages import service as messages
from fieldcrm.messages.tables import Message
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.privacy import archive, store
from fieldcrm.privacy.model import (
    Erased,
    FileNotReady,
    FileUnderWay,
    Footprint,
    NoSuchFile,
    NotCounted,
    PersonFileView,
    WrongConfirmation,
)
from fieldcrm.privacy.tables import PersonFile
from fieldcrm.tracking import person, unreadable
from fieldcrm.tracking.tables import Alert, Shift
from fieldcrm.visits import keeping as photos
from fieldcrm.visits.tables import Visit

KEEP_FILE = timedelta(hours=72)
"""So long a file may be fetched; then it is erased, since it holds all of a person."""
MAKE_WITHIN_S = 3600
COUNTED_FOR_S = 600
"""What was counted may be erased for ten minutes."""
SHOWN = 50

# ---- what is kept ----


def footprint(actor: Actor, rep_id: str) -> Footprint:
    """What is kept of a rep (administrator). Raises OutOfScope, Unavailable without Valkey."""
    people.require(actor, Role.admin)
    try:
        waiting, aside = len(person.waiting_fixes(rep_id)), len(unreadable.fixes_of(rep_id))
    except RedisError as error:
        raise Unavailable("live") from error
    with reading() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        fixes, first, last = store.track_facts(session, rep_id)
        pictures, size = photos.count_in(session, rep_id=rep_id)
        return Footprint(
            rep_id=rep.id, login=rep.login, name=rep.name, fixes=fixes, first_at=first,
            last_at=last, waiting=waiting, aside=aside, photos=pictures, photo_bytes=size,
            alerts=store.count(session, Alert, rep_id), visits=store.count(session, Visit, rep_id),
            shifts=store.count(session, Shift, rep_id),
            messages=store.count(session, Message, rep_id),
        )  # fmt: skip


# ---- a person's file ----


def ask_file(actor: Actor, rep_id: str) -> PersonFileView:
    """Have a zip of all that is kept of a rep made in the background; logged.

    Raises OutOfScope, FileUnderWay, Unavailable where no job can be queued.
    """
    people.require(actor, Role.admin)
    made = PersonFile(
        id=ids.new_id(), rep_id=rep_id, maker_id=actor.user_id, status=FileStatus.queued,
        asked_at=clock.now(),
    )  # fmt: skip
    with transaction() as session:
        rep = people.scope_rep_in(session, actor, rep_id)
        if store.under_way(session, actor.user_id, rep_id):
            raise FileUnderWay()
        session.add(made)
        _log(session, actor, rep, "person.file_asked", {})
    _files.queue(made.id)
    return _view(made, rep.name)


def make_file(file_id: str) -> None:
    """The job: write the zip of a person, unless it is cancelled meanwhile."""
    _files.make(file_id, _write)


def _write(made: PersonFile, path: Path) -> Mapping[str, int]:
    language = people.actor_of(made.maker_id, "worker").language
    return archive.write(path, made.rep_id, language, lambda s, n: jobs.report(made.id, s, n))


def path_of(file_id: str) -> Path:
    """Where a person's file lies: apart from photos, so that nothing else serves it."""
    return settings().home / "person-files" / f"{file_id}.zip"


def _log_made(session: Session, made: PersonFile, counts: Mapping[str, int]) -> None:
    made.counts = dict(counts)
    rep, maker = session.get(User, made.rep_id), session.get(User, made.maker_id)
    if rep is not None and maker is not None:
        asker = Actor(maker.id, Role.admin, frozenset(), source="worker")
        _log(session, asker, rep, "person.file_made", {"fixes": made.counts["fixes"]})


_files = MadeFiles[PersonFile](
    "fieldcrm.privacy.service.make_file", MAKE_WITHIN_S, KEEP_FILE, store.file,
    lambda made: path_of(made.id), _log_made,
)  # fmt: skip


def files(actor: Actor) -> list[PersonFileView]:
    """The files the actor asked for, the newest first."""
    people.require(actor, Role.admin)
    erase_expired(clock.now())
    with reading() as session:
        found = store.files_of(session, actor.user_id, SHOWN)
    return [_view(made, name) for made, name in found]


def _view(made: PersonFile, rep_name: str) -> PersonFileView:
    """As its maker sees it, a file whose job has died as failed."""
    state = job_rows.seen(_files.settled(made))
    return PersonFileView(
        id=made.id, rep_id=made.rep_id, rep_name=rep_name, status=FileStatus(made.status),
        progress=_files.progress(made), note=state.note if state else "",
        asked_at=made.asked_at, finished_at=made.finished_at, expires_at=made.expires_at,
        size=made.size, counts=made.counts,
    )  # fmt: skip


def cancel_file(actor: Actor, file_id: str) -> None:
    """Stop making a file, or erase a ready one before its time. Raises NoSuchFile."""
    people.require(actor, Role.admin)
    with transaction() as session:
        made = _own(session, actor, file_id)
        if not _files.drop_in(made):
            return
        rep = people.scope_rep_in(session, actor, made.rep_id)
        _log(session, actor, rep, "person.file_cancelled", {})
    _files.clear(made)


def fetch_file(actor: Actor, file_id: str) -> tuple[Path, str]:
    """A ready file's path and the name to keep it under, for its maker alone; logged.

    Raises NoSuchFile, FileNotReady.
    """
    people.require(actor, Role.admin)
    erase_expired(clock.now())
    with transaction() as session:
        made = _own(session, actor, file_id)
        path = path_of(file_id)
        if made.status != FileStatus.ready or not path.is_file():
            raise FileNotReady(status=made.status)
        rep = people.scope_rep_in(session, actor, made.rep_id)
        _log(session, actor, rep, "person.file_fetched", {})
        return path, f"{rep.login}-{clock.local(made.asked_at):%Y-%m-%d}.zip"


def _own(session: Session, actor: Actor, file_id: str) -> PersonFile:
    made = store.file(session, file_id)
    if made is None or made.maker_id != actor.user_id:
        raise NoSuchFile()
    return made


def erase_expired(now: datetime) -> int:
    """Erase files whose time is over; returns how many."""
    return _files.expire([m for m in _ready() if m.expires_at is None or m.expires_at <= now])


def _ready(rep_id: str | None = None) -> list[PersonFile]:
    with reading() as session:
        return store.ready_files(session, rep_id=rep_id)


# ---- erasure, in two steps ----


@dataclass(frozen=True)
class Counted:
    """What would be erased, and the seal without which nothing is."""

    footprint: Footprint
    seal: str


def count_erasure(actor: Actor, rep_id: str) -> Counted:
    """The first step: say what would go and what stays. The seal lives for ten minutes."""
    found = footprint(actor, rep_id)
    seal = secrets.token_urlsafe(24)
    try:
        bus.connection().set(_seal_key(actor, rep_id), seal, ex=COUNTED_FOR_S)
    except RedisError as error:
        raise Unavailable("live") from error
    return Counted(found, seal)


def erase(actor: Actor, rep_id: str, login: str, seal: str, with_photos: bool = False) -> Erased:
    """The second step: erase a rep's track until now, what the office wrote to him, where his
    phones can be woken, and on wish the photos of his visits; logged.

    The files made of his data go too: they hold the same. Raises WrongConfirmation, NotCounted,
    Unavailable while fixes wait that nobody records.
    """
    people.require(actor, Role.admin)
    rep = people.scope_rep(actor, rep_id)
    if login.strip().casefold() != rep.login.casefold():
        raise WrongConfirmation()
    _break_seal(actor, rep_id, seal)
    fixes = person.erase_track(actor, rep_id)
    pictures = photos.erase(rep_id=rep_id) if with_photos else 0
    _files.expire(_ready(rep_id))
    with transaction() as session:
        written = messages.erase_in(session, rep_id)
        _log(session, actor, rep, "person.messages_erased", {"messages": written})
        if with_photos:
            _log(session, actor, rep, "person.photos_erased", {"photos": pictures})
    return Erased(fixes, pictures, written)


def _break_seal(actor: Actor, rep_id: str, seal: str) -> None:
    """A seal serves once."""
    try:
        kept: Any = bus.connection().getdel(_seal_key(actor, rep_id))
    except RedisError as error:
        raise Unavailable("live") from error
    if not kept or not secrets.compare_digest(kept, seal.encode()):
        raise NotCounted()


def _seal_key(actor: Actor, rep_id: str) -> str:
    return f"erasure:{actor.user_id}:{rep_id}"


def _log(session: Session, actor: Actor, rep: User, kind: str, data: dict[str, Any]) -> None:
    events.record(
        session, kind, rep.id, actor_id=actor.user_id or None, team_id=rep.team_id,
        source=actor.source, data=data,
    )  # fmt: skip
