"""Push, pull, attachments and receipt of the phone app."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
from sqlmodel import Session

from fieldcrm.clients import card_photos
from fieldcrm.clients.ownfields import files as own_files
from fieldcrm.kit import clock, events, file_types, files, ids, secrets
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import Refusal
from fieldcrm.people import registry
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import Device
from fieldcrm.sync import (
    answers,
    conflicts,
    document_store,
    documents,
    envelope,
    export_file,
    handlers,
    pieces,
    rules,
    store,
)
from fieldcrm.sync.model import (
    BadId,
    BadPayload,
    NoSuchFile,
    SequenceReused,
    UnknownKind,
    When,
)
from fieldcrm.sync.tables import Mutation
from fieldcrm.visits import service as visits
from fieldcrm.wire import sync as wire

PULL_MAX = 1000

# ---- devices ----


def register_device(actor: Actor, hello: wire.DeviceHello) -> wire.DeviceAnswer:
    """Note the phone app a rep uses; safe to repeat."""
    people.require(actor, Role.rep)
    device = registry.register_device(actor, hello.device_id, hello.name, hello.app_version)
    return wire.DeviceAnswer(
        device_id=device.id, last_seq=device.last_seq, server_time_ms=clock.now_ms(),
        export_key=export_file.public_key(),
    )  # fmt: skip


# ---- push ----


def decode_push(body: bytes) -> wire.Push:
    """The message, or BadPush saying where it breaks the format."""
    return envelope.read_push(body)


def push(actor: Actor, message: wire.Push) -> wire.PushAnswer:
    """Apply mutations in order of their numbers, each in a transaction with its answer.

    A repeat answers as the first time, a hole makes the later ones wait, a refused one lets the
    next through. Raises UnknownDevice or DeviceTaken, before anything is done.

    Repeats are read at once: a phone that heard no answer sends all it has again, and would queue
    among the writers for nothing; a slow server would get slower with every phone that gives up waiting.
    """
    people.require(actor, Role.rep)
    received = clock.now()
    device_now = None
    if message.device_now_ms is not None:
        device_now = clock.from_ms(message.device_now_ms)
    results: list[wire.MutationResult] = []
    device, answered = _answered(actor, message)
    last_seq = device.last_seq
    for each in sorted(message.mutations, key=lambda m: m.seq):
        if each.id in answered:
            results.append(answers.repeated(answered[each.id], each, device))
            _settle_files(each)
            continue
        with transaction() as session:
            device = _locked_device(session, actor, message.device_id)
            results.append(_answer(session, actor, device, each, device_now, received))
            last_seq = device.last_seq
        _settle_files(each)
    return wire.PushAnswer(results=results, last_seq=last_seq, server_time_ms=clock.now_ms())


def _settle_files(m: wire.Mutation) -> None:
    """Look again, after the commit: a file may have become whole while its naming was under way."""
    named = m.payload.get("attachments")
    hashes = (
        [r.get("sha256") for r in named if isinstance(r, dict)] if isinstance(named, list) else []
    )
    for sha256 in {str(h) for h in (*hashes, m.payload.get("photo_sha256")) if h}:
        if files.is_hash(sha256) and files.has(sha256):
            _tell_visits(sha256)


def _tell_visits(sha256: str) -> None:
    """The visits that name a file which is here now hear of it, and of what it is."""
    visits.attach_stored(sha256, _media_type(files.path_of(sha256)))


def _media_type(path: Path) -> str:
    with path.open("rb") as file:
        return file_types.photo_or_sound(file.read(16)) or "application/octet-stream"


def _answered(actor: Actor, message: wire.Push) -> tuple[Device, dict[str, Mutation]]:
    """The phone as it stands, and what it sends that has its answer; an answer never changes."""
    with reading() as session:
        device = registry.own_device_in(session, actor, message.device_id)
        return device, store.mutations(session, [m.id for m in message.mutations])


def _locked_device(session: Session, actor: Actor, device_id: str) -> Device:
    store.lock_device(session, device_id)
    return registry.own_device_in(session, actor, device_id)


def _answer(
    session: Session, actor: Actor, device: Device, m: wire.Mutation, device_now: datetime | None,
    received: datetime,
) -> wire.MutationResult:  # fmt: skip
    known = store.mutation(session, m.id)
    if known is not None:
        return answers.repeated(known, m, device)
    if m.seq <= device.last_seq:
        return answers.refused(m, SequenceReused(seq=m.seq))
    if m.seq > device.last_seq + 1:
        return wire.MutationResult(id=m.id, seq=m.seq, status="waiting")
    when = rules.moment(clock.from_ms(m.device_at_ms), m.offset_ms, device_now, received)
    result = _applied(session, actor, m, when)
    if not ids.is_id(m.id):  # it could not be found again, so it isn't kept; its number is used
        device.last_seq = m.seq
        return result
    device.last_seq = m.seq
    session.add(
        Mutation(
            id=m.id, device_id=device.id, rep_id=actor.user_id, seq=m.seq, kind=m.kind,
            subject_id=m.subject_id, payload=m.payload, digest=answers.digest(m),
            device_at=clock.from_ms(m.device_at_ms), offset_ms=m.offset_ms, received_at=received,
            status=result.status,
            result=answers.kept(result),
        )
    )  # fmt: skip
    return result


def _applied(session: Session, actor: Actor, m: wire.Mutation, when: When) -> wire.MutationResult:
    """Do it within a savepoint, so that a refusal leaves nothing of it behind."""
    announced = len(session.info.setdefault("announce", []))
    savepoint = session.begin_nested()
    try:
        done = _handle(session, actor, m, when)
        savepoint.commit()
    except Refusal as refusal:
        savepoint.rollback()
        del session.info["announce"][announced:]
        events.record(
            session, "mutation.refused", m.subject_id[:64], actor_id=actor.user_id,
            source=actor.source, data={"kind": m.kind, "code": refusal.code, "id": m.id},
        )  # fmt: skip
        return answers.refused(m, refusal, conflicts.of_refusal(session, actor, m, refusal))
    except BaseException:
        savepoint.rollback()
        raise
    return wire.MutationResult(
        id=m.id, seq=m.seq, status="applied", version=done.version, conflicts=[*done.conflicts]
    )


def _handle(session: Session, actor: Actor, m: wire.Mutation, when: When) -> handlers.Done:
    """Read the payload by its kind and do what it says."""
    if m.kind == envelope.MALFORMED:
        raise BadPayload(**m.payload)
    kind = wire.PAYLOADS.get(m.kind)
    if kind is None:
        raise UnknownKind(kind=m.kind)
    if not ids.is_id(m.id):
        raise BadId(field="id")
    if not ids.is_id(m.subject_id):
        raise BadId(field="subject_id")
    try:
        payload = msgspec.convert(m.payload, kind)
    except msgspec.ValidationError as error:
        raise BadPayload(kind=m.kind, why=str(error)[:300]) from error
    return handlers.handle(session, actor, handlers.Doing(m, when, payload))


# ---- pull ----


@dataclass(frozen=True)
class Cursor:
    """Where a phone stands: `<seq>.<day>`, or `s.<seq>.<day>.<entity>.<id>` in a first copy."""

    seq: int
    day: date
    entity: str | None = None
    after: str = ""

    def __str__(self) -> str:
        if self.entity is None:
            return f"{self.seq}.{self.day.isoformat()}"
        return f"s.{self.seq}.{self.day.isoformat()}.{self.entity}.{self.after}"


def _cursor(text: str) -> Cursor | None:
    """None for 0 and for what this server never made: a first copy begins."""
    parts = text.split(".")
    try:
        if len(parts) == 2:
            return Cursor(int(parts[0]), date.fromisoformat(parts[1]))
        if len(parts) == 5 and parts[0] == "s" and parts[3] in documents.LISTS:
            return Cursor(int(parts[1]), date.fromisoformat(parts[2]), parts[3], parts[4])
    except ValueError:
        return None
    return None


def pull(actor: Actor, cursor: str, limit: int = 500) -> wire.Pull:
    """What changed for a rep's phone since a cursor, or the next page of a first copy."""
    people.require(actor, Role.rep)
    limit = max(1, min(limit, PULL_MAX))
    with reading() as session:
        here = _cursor(cursor[:200])
        newest = store.newest_seq(session)
        reach = documents.reach(actor)
        if here is None or here.seq > newest or reach.today < here.day:
            first = Cursor(newest, reach.today, next(iter(documents.LISTS)))
            return _copy(session, reach, first, limit, reset=True)
        if here.entity is not None:
            return _copy(session, reach, here, limit, reset=False)
        return _delta(session, reach, here, limit)


def _copy(
    session: Session, reach: documents.Reach, here: Cursor, limit: int, *, reset: bool
) -> wire.Pull:
    """One page of a first copy; the feed goes on from where it stood when the copy began."""
    changes: list[wire.Change] = []
    entities = list(documents.LISTS)
    for entity in entities[entities.index(here.entity or entities[0]) :]:
        after = here.after if entity == here.entity else ""
        found = documents.ids_after(session, reach, entity, after, limit - len(changes))
        changes += _puts(session, reach, entity, found)
        if len(changes) >= limit:
            place = Cursor(here.seq, here.day, entity, found[-1])
            return _pulled(place, changes, more=True, reset=reset)
    return _pulled(Cursor(here.seq, here.day), changes, more=False, reset=reset)


def _puts(
    session: Session, reach: documents.Reach, entity: Any, wanted: list[str]
) -> list[wire.Change]:
    """A put for each document, a delete for each id that isn't this phone's any more."""
    made = documents.make(session, reach, entity, wanted)
    return [
        wire.Change(entity, key, "put", made[key])
        if key in made
        else wire.Change(entity, key, "del")
        for key in wanted
    ]


def _delta(session: Session, reach: documents.Reach, here: Cursor, limit: int) -> wire.Pull:
    """Rows the feed names since the cursor, each once, as they stand now."""
    entries = store.entries_after(session, reach.rep_id, here.seq, limit)
    wanted: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.entity in documents.MAKERS:
            wanted.setdefault(entry.entity, {})[entry.entity_id] = None
    if here.day < reach.today:
        _add_new_days(session, reach, here.day, wanted)
    changes = [c for entity, keys in wanted.items() for c in _puts(session, reach, entity, [*keys])]
    seq = entries[-1].seq or here.seq if entries else here.seq
    return _pulled(Cursor(seq, reach.today), changes, more=len(entries) == limit, reset=False)


def _add_new_days(
    session: Session, reach: documents.Reach, before: date, wanted: dict[str, dict[str, None]]
) -> None:
    """Visits and plans of days that came within reach as the calendar went on."""
    first = before + timedelta(days=documents.DAYS_AHEAD + 1)
    for visit_id in document_store.visit_ids(session, reach.rep_id, first, reach.last, "", 5000):
        wanted.setdefault("visit", {})[visit_id] = None
    for plan in document_store.newest_plans(session, reach.rep_id, first, reach.last):
        wanted.setdefault("plan", {})[plan.day.isoformat()] = None
    wanted.setdefault("profile", {})[reach.rep_id] = None


def _pulled(here: Cursor, changes: list[wire.Change], *, more: bool, reset: bool) -> wire.Pull:
    return wire.Pull(
        cursor=str(here), more=more, reset=reset, changes=changes, server_time_ms=clock.now_ms()
    )


# ---- attachments ----


def attachment_offset(actor: Actor, sha256: str) -> tuple[int, bool]:
    """How many bytes of a rep's upload are here, and whether the file is whole.

    A process may have died between giving a file its name and telling its visits: told here anew,
    since the phone sends nothing more of a file that it hears is whole.
    """
    people.require(actor, Role.rep)
    here, is_whole = pieces.have(actor.user_id, sha256)
    if is_whole:
        _tell_visits(sha256)
    return here, is_whole


def take_piece(
    actor: Actor, sha256: str, offset: int, length: int, piece: bytes
) -> tuple[int, bool]:
    """Add a piece of a rep's photo or sound, or of a paper that he gave a card before.

    When whole, the visits that name it are told.
    """
    people.require(actor, Role.rep)
    awaited = partial(own_files.is_awaited, actor, sha256)
    here, is_whole = pieces.take(actor.user_id, sha256, offset, length, piece, awaited)
    if is_whole:
        _tell_visits(sha256)
    return here, is_whole


def attachment_file(actor: Actor, sha256: str) -> tuple[Path, str]:
    """A stored file's path and media type, for whom may see a visit that names it."""
    if not files.is_hash(sha256) or not _may_see_file(actor, sha256):
        raise NoSuchFile()
    path = files.path_of(sha256)
    if not path.is_file():
        raise NoSuchFile()
    return path, _media_type(path)


def _may_see_file(actor: Actor, sha256: str) -> bool:
    """By a visit that names it, or a correction of a card."""
    return visits.may_see_file(actor, sha256) is not None or card_photos.may_see(actor, sha256)


# ---- receipt ----


def receipt(actor: Actor, day: date) -> wire.Receipt:
    """What the server holds of a rep's day, signed with the install's key."""
    people.require(actor, Role.rep)
    with reading() as session:
        rows = document_store.visits_of_day(session, actor.user_id, day)
        photos = document_store.attachments(session, [v.id for v in rows])
    held = [a for a in photos if a.stored_at is not None and files.has(a.sha256)]
    plain = wire.Receipt(
        day=day.isoformat(), rep_id=actor.user_id, issued_at_ms=clock.now_ms(), signed="",
        photos=sorted({a.sha256 for a in held}),
        visits=[
            wire.ReceiptVisit(
                v.id, cast("wire.StateName", v.state), v.version,
                sum(a.visit_id == v.id for a in photos), sum(a.visit_id == v.id for a in held),
            )
            for v in rows
        ],
    )  # fmt: skip
    return msgspec.structs.replace(plain, signed=sign(plain))


def sign(plain: wire.Receipt) -> str:
    """HMAC-SHA256 (hex) over the receipt without its signature, keys sorted."""
    said: dict[str, Any] = msgspec.to_builtins(plain)
    del said["signed"]
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hmac.new(secrets.install_key(), text.encode(), hashlib.sha256).hexdigest()


def is_genuine(told: wire.Receipt) -> bool:
    """Whether this install signed a receipt just as it is."""
    return hmac.compare_digest(sign(told), told.signed)
