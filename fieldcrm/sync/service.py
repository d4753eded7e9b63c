"""Push, pull, attachments and receipt of the phone app."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock, events, feed, files, ids, secrets
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import Refusal
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import Device
from fieldcrm.sync import documents, envelope, pieces, rules, store
from fieldcrm.sync.model import (
    BadId,
    BadPayload,
    MutationReused,
    NoSuchFile,
    SequenceReused,
    UnknownKind,
    When,
)
from fieldcrm.sync.tables import Mutation
from fieldcrm.tracking import service as tracking
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import ClientUnknown, MoveRequest, NewAttachment, NextStep, Position
from fieldcrm.wire import sync as wire

PULL_MAX = 1000

# ---- devices ----


def register_device(actor: Actor, hello: wire.DeviceHello) -> wire.DeviceAnswer:
    """Note the phone app a rep uses; safe to repeat."""
    people.require(actor, Role.rep)
    device = people.register_device(actor, hello.device_id, hello.name, hello.app_version)
    return wire.DeviceAnswer(
        device_id=device.id, last_seq=device.last_seq, server_time_ms=clock.now_ms()
    )


# ---- push ----


def decode_push(body: bytes) -> wire.Push:
    """The message, or BadPush saying where it breaks the format."""
    return envelope.read_push(body)


def push(actor: Actor, message: wire.Push) -> wire.PushAnswer:
    """Apply mutations in order of their numbers, each in a transaction with its answer.

    A repeat answers as the first time, a hole makes the later ones wait, a refused one lets the
    next through. Raises UnknownDevice or DeviceTaken, before anything is done.
    """
    people.require(actor, Role.rep)
    received = clock.now()
    device_now = None
    if message.device_now_ms is not None:
        device_now = clock.from_ms(message.device_now_ms)
    results: list[wire.MutationResult] = []
    last_seq = _device_seq(actor, message.device_id)
    for each in sorted(message.mutations, key=lambda m: m.seq):
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
            visits.attach_stored(sha256)


def _device_seq(actor: Actor, device_id: str) -> int:
    with reading() as session:
        return people.own_device_in(session, actor, device_id).last_seq


def _locked_device(session: Session, actor: Actor, device_id: str) -> Device:
    store.lock_device(session, device_id)
    return people.own_device_in(session, actor, device_id)


def _answer(
    session: Session, actor: Actor, device: Device, m: wire.Mutation, device_now: datetime | None,
    received: datetime,
) -> wire.MutationResult:  # fmt: skip
    said = rules.digest(m.kind, m.subject_id, m.seq, m.payload)
    known = store.mutation(session, m.id)
    if known is not None:
        return _repeated(known, m, device, said)
    if m.seq <= device.last_seq:
        return _refused(m, SequenceReused(seq=m.seq))
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
            subject_id=m.subject_id, payload=m.payload, digest=said,
            device_at=clock.from_ms(m.device_at_ms), offset_ms=m.offset_ms, received_at=received,
            status=result.status,
            result={"code": result.code, "params": result.params, "version": result.version},
        )
    )  # fmt: skip
    return result


def _repeated(known: Mutation, m: wire.Mutation, device: Device, said: str) -> wire.MutationResult:
    """The first answer again, if this is the same mutation from the same phone."""
    if known.device_id != device.id or known.digest != said:
        return _refused(m, MutationReused())
    return wire.MutationResult(
        id=m.id, seq=known.seq, status="applied" if known.status == "applied" else "refused",
        code=known.result.get("code"), params=known.result.get("params") or {},
        version=known.result.get("version"),
    )  # fmt: skip


def _refused(m: wire.Mutation, refusal: Refusal) -> wire.MutationResult:
    params = json.loads(json.dumps(refusal.params, default=str))
    return wire.MutationResult(
        id=m.id, seq=m.seq, status="refused", code=refusal.code, params=params
    )


def _applied(session: Session, actor: Actor, m: wire.Mutation, when: When) -> wire.MutationResult:
    """Do it within a savepoint, so that a refusal leaves nothing of it behind."""
    announced = len(session.info.setdefault("announce", []))
    savepoint = session.begin_nested()
    try:
        version = _handle(session, actor, m, when)
        savepoint.commit()
    except Refusal as refusal:
        savepoint.rollback()
        del session.info["announce"][announced:]
        events.record(
            session, "mutation.refused", m.subject_id[:64], actor_id=actor.user_id,
            source=actor.source, data={"kind": m.kind, "code": refusal.code, "id": m.id},
        )  # fmt: skip
        return _refused(m, refusal)
    except BaseException:
        savepoint.rollback()
        raise
    return wire.MutationResult(id=m.id, seq=m.seq, status="applied", version=version)


def _handle(session: Session, actor: Actor, m: wire.Mutation, when: When) -> int | None:
    """The version of what was changed."""
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
    return HANDLERS[m.kind](session, actor, Doing(m, when, payload))


@dataclass(frozen=True)
class Doing:
    """A mutation about to be done: as sent, when it happened, its payload by type."""

    mutation: wire.Mutation
    when: When
    payload: Any

    @property
    def subject_id(self) -> str:
        return self.mutation.subject_id

    def request(self, move: str, **fields: Any) -> MoveRequest:
        """The visit's move that this mutation asks for."""
        p, w = self.payload, self.when
        said: dict[str, Any] = {
            name: getattr(p, name, None) for name in ("comment", "no_gps_reason", "reason")
        }
        said |= {"position": _position(p), "attachments": _attachments(p), **fields}
        return MoveRequest(
            visit_id=self.subject_id, move=move, at=w.at, change_id=self.mutation.id,
            device_at=w.device_at, offset_ms=w.offset_ms, clock_facts=w.facts,
            base_version=self.mutation.base_version, **said,
        )  # fmt: skip


def _position(payload: Any) -> Position | None:
    p: wire.Position | None = getattr(payload, "position", None)
    if p is None:
        return None
    return Position(p.lat, p.lng, p.accuracy_m, clock.from_ms(p.fix_at_ms), p.is_mock, p.source)


def _attachments(payload: Any) -> tuple[NewAttachment, ...]:
    refs: list[wire.AttachmentRef] = getattr(payload, "attachments", [])
    if not all(ids.is_id(ref.id) for ref in refs):
        raise BadId(field="attachments.id")
    return tuple(
        NewAttachment(
            ref.id, ref.sha256, ref.kind, ref.content_type, ref.size,
            clock.from_ms(ref.taken_at_ms) if ref.taken_at_ms is not None else None,
            ref.lat, ref.lng,
        )
        for ref in refs
    )  # fmt: skip


def _day(text: str, field: str = "day") -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadPayload(field=field) from error


def _next_step(step: wire.NextStep | msgspec.UnsetType | None) -> NextStep | None:
    if not isinstance(step, wire.NextStep):
        return None
    return NextStep(step.text, _day(step.due_on, "due_on") if step.due_on else None)


def _plain(details: wire.VisitDetails) -> dict[str, Any]:
    return msgspec.to_builtins(details)


# ---- what each kind does ----


def _check_in(session: Session, actor: Actor, d: Doing) -> int:
    p: wire.CheckInPayload = d.payload
    request = d.request("check_in", attachments=_with_photo(d, p))
    return visits.apply_move(session, actor, request).version


def _with_photo(d: Doing, p: wire.CheckInPayload) -> tuple[NewAttachment, ...]:
    """A photo named by its hash alone gets the mutation's id as its own."""
    named = _attachments(p)
    if p.photo_sha256 is None or any(a.sha256 == p.photo_sha256 for a in named):
        return named
    return (*named, NewAttachment(d.mutation.id, p.photo_sha256, taken_at=d.when.at))


def _close(session: Session, actor: Actor, d: Doing) -> int:
    p: wire.ClosePayload = d.payload
    request = d.request(
        "close", result=p.result, details=_plain(p.details), next_step=_next_step(p.next_step)
    )
    return visits.apply_move(session, actor, request).version


def _create(session: Session, actor: Actor, d: Doing) -> int:
    p: wire.CreatePayload = d.payload
    request = d.request(
        "create", client_id=p.client_id, place_id=p.place_id, day=_day(p.day),
        objective=p.objective,
    )  # fmt: skip
    return visits.apply_move(session, actor, request).version


def _move(session: Session, actor: Actor, d: Doing) -> int:
    p: wire.MovePayload = d.payload
    request = d.request("move", day=_day(p.day), new_visit_id=p.new_visit_id)
    return visits.apply_move(session, actor, request).version


def _cancel(session: Session, actor: Actor, d: Doing) -> int:
    return visits.apply_move(session, actor, d.request("cancel")).version


def _revise(session: Session, actor: Actor, d: Doing) -> int:
    """A field left out stays; null is a value."""
    p: wire.RevisePayload = d.payload
    said = {name: getattr(p, name) for name in visits.REVISABLE}
    changes = {k: v for k, v in said.items() if v is not msgspec.UNSET}
    if "details" in changes:
        changes["details"] = _plain(changes["details"])
    request = d.request("revise", comment=None, changes=changes, next_step=_next_step(p.next_step))
    return visits.apply_move(session, actor, request).version


def _promise_done(session: Session, actor: Actor, d: Doing) -> None:
    clients.keep_promise_in(session, actor, d.subject_id, d.when.at)


def _client_note(session: Session, actor: Actor, d: Doing) -> int:
    """The card's note. Where somebody else wrote meanwhile, both texts stay and say whose."""
    p: wire.ClientNotePayload = d.payload
    feed.take_turn(session)
    client = store.client(session, d.subject_id)
    if client is None or client.id not in clients.clients_for_rep_in(session, actor.user_id):
        raise ClientUnknown()
    before, wanted = client.note, p.note
    if _was_changed(d, client.version, before, p) and before and wanted and wanted != before:
        wanted = (
            f"{before}\n--- {actor.name}, {clock.local(d.when.at):%Y-%m-%d %H:%M} ---\n{wanted}"
        )
    return clients.change_in(session, actor, client, {"note": wanted}, kind="client.noted").version


def _was_changed(d: Doing, version: int, note: str | None, p: wire.ClientNotePayload) -> bool:
    """Whether somebody wrote the note after the phone saw it."""
    if p.base_note is not msgspec.UNSET:
        return p.base_note != note
    base = d.mutation.base_version
    return base is not None and base != version


def _shift_start(session: Session, actor: Actor, d: Doing) -> None:
    tracking.start_shift_in(session, actor, d.subject_id, d.when.at)


def _shift_end(session: Session, actor: Actor, d: Doing) -> None:
    tracking.end_shift_in(session, actor, d.subject_id, d.when.at)


def _shift_pause(session: Session, actor: Actor, d: Doing) -> None:
    tracking.pause_in(session, actor, d.subject_id, d.when.at, d.payload.kind)


def _shift_resume(session: Session, actor: Actor, d: Doing) -> None:
    tracking.resume_in(session, actor, d.subject_id, d.when.at)


HANDLERS: dict[str, Callable[[Session, Actor, Doing], int | None]] = {
    "shift.start": _shift_start, "shift.end": _shift_end, "shift.pause": _shift_pause,
    "shift.resume": _shift_resume, "visit.check_in": _check_in, "visit.close": _close,
    "visit.create": _create, "visit.move": _move, "visit.cancel": _cancel,
    "visit.revise": _revise, "promise.done": _promise_done, "client.note": _client_note,
}  # fmt: skip


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
    for visit_id in store.visit_ids(session, reach.rep_id, first, reach.last, "", 5000):
        wanted.setdefault("visit", {})[visit_id] = None
    for plan in store.newest_plans(session, reach.rep_id, first, reach.last):
        wanted.setdefault("plan", {})[plan.day.isoformat()] = None
    wanted.setdefault("profile", {})[reach.rep_id] = None


def _pulled(here: Cursor, changes: list[wire.Change], *, more: bool, reset: bool) -> wire.Pull:
    return wire.Pull(
        cursor=str(here), more=more, reset=reset, changes=changes, server_time_ms=clock.now_ms()
    )


# ---- attachments ----


def attachment_offset(actor: Actor, sha256: str) -> tuple[int, bool]:
    """How many bytes of a rep's upload are here, and whether the file is whole."""
    people.require(actor, Role.rep)
    return pieces.have(actor.user_id, sha256)


def take_piece(
    actor: Actor, sha256: str, offset: int, length: int, piece: bytes
) -> tuple[int, bool]:
    """Add a piece of a rep's photo or sound; when whole, the visits that name it are told."""
    people.require(actor, Role.rep)
    here, is_whole = pieces.take(actor.user_id, sha256, offset, length, piece)
    if is_whole:
        visits.attach_stored(sha256)
    return here, is_whole


def attachment_file(actor: Actor, sha256: str) -> tuple[Path, str]:
    """A stored file's path and media type, for whom may see a visit that names it."""
    if not files.is_hash(sha256) or visits.may_see_file(actor, sha256) is None:
        raise NoSuchFile()
    path = files.path_of(sha256)
    if not path.is_file():
        raise NoSuchFile()
    with path.open("rb") as file:
        kind = rules.file_type(file.read(16))
    return path, kind or "application/octet-stream"


# ---- receipt ----


def receipt(actor: Actor, day: date) -> wire.Receipt:
    """What the server holds of a rep's day, signed with the install's key."""
    people.require(actor, Role.rep)
    with reading() as session:
        rows = store.visits_of_day(session, actor.user_id, day)
        photos = store.attachments(session, [v.id for v in rows])
    held = [a for a in photos if a.stored_at is not None and files.has(a.sha256)]
    plain = wire.Receipt(
        day=day.isoformat(), rep_id=actor.user_id, issued_at_ms=clock.now_ms(), signed="",
        photos=sorted({a.sha256 for a in held}),
        visits=[
            wire.ReceiptVisit(
                v.id, documents.visit_doc(v, ()).state, v.version,
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
