"""What each kind of mutation does, by its kind; refusals are the domains' own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlmodel import Session

from fieldcrm.clients import service as clients
from fieldcrm.clients import standing
from fieldcrm.clients.duplicates import entry, merging
from fieldcrm.clients.model import PLACE_KINDS
from fieldcrm.clients.ownfields import files as own_files
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.rules import clean
from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit import clock, feed, ids
from fieldcrm.people.model import Actor
from fieldcrm.planning import by_hand
from fieldcrm.sync import conflicts, corrections, from_office, store
from fieldcrm.sync.model import BadId, BadPayload, When
from fieldcrm.tracking import shifts
from fieldcrm.visits import effects, joint
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import ClientUnknown, MoveRequest, NewAttachment, NextStep, Position
from fieldcrm.wire import sync as wire


@dataclass(frozen=True)
class Done:
    """What was made of a mutation: the subject's new version, and what two people both changed."""

    version: int | None = None
    conflicts: tuple[wire.FieldConflict, ...] = ()


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


def _revise(session: Session, actor: Actor, d: Doing) -> Done:
    """A field left out stays; null is a value; what another changed meanwhile waits for a choice."""
    p: wire.RevisePayload = d.payload
    said = {name: getattr(p, name) for name in effects.REVISABLE}
    changes = {k: v for k, v in said.items() if v is not msgspec.UNSET}
    if "details" in changes:
        changes["details"] = _plain(changes["details"])
    request = d.request("revise", comment=None, changes=changes, next_step=_next_step(p.next_step))
    visit = visits.apply_move(session, actor, request)
    return Done(visit.version, conflicts.set_aside(session, actor, visit, d.mutation.id))


def _promise_done(session: Session, actor: Actor, d: Doing) -> None:
    clients.keep_promise_in(session, actor, d.subject_id, d.when.at)


def _client_note(session: Session, actor: Actor, d: Doing) -> Done:
    """The card's note. Where somebody else wrote meanwhile, both texts stay until a person chooses."""
    p: wire.ClientNotePayload = d.payload
    feed.take_turn(session)
    client = _standing(session, actor, d.subject_id)
    before, wanted = client.note, p.note
    told: tuple[wire.FieldConflict, ...] = ()
    if _was_changed(d, client.version, before, p) and wanted != before:
        told = (conflicts.of_note(session, actor, client.id, p.note, before),)
        wanted = _both(actor, d, before, wanted)
    changed = clients.change_in(session, actor, client, {"note": wanted}, kind="client.noted")
    if client.id != d.subject_id:  # the card that was put away says it too, should it come back
        put_away = session.get_one(Client, d.subject_id)
        merging.keep_in(session, actor, put_away, {"note": p.note}, "client.noted")
    return Done(changed.version, told)


def _client_field(session: Session, actor: Actor, d: Doing) -> Done:
    """One own field of a card. What somebody else set meanwhile stays until the rep has chosen."""
    p: wire.ClientFieldPayload = d.payload
    feed.take_turn(session)
    client = _standing(session, actor, d.subject_id)
    ownfields.check_seen_in(session, actor, p.name)
    there = client.own_fields.get(p.name)
    wanted = _wanted(session, actor, p)
    if client.id != d.subject_id:
        _keep_own(session, actor, d.subject_id, p, wanted)
    if there != wanted and not _is_base(session, actor, p, there):
        mine = p.value if p.file is None else wanted
        told = conflicts.of_own_field(session, actor, client.id, p.name, mine, there)
        return Done(client.version, (told,))
    return Done(clients.set_own_in(session, actor, client, {p.name: wanted}).version)


def _client_consent(session: Session, actor: Actor, d: Doing) -> Done:
    """What a client said of a channel, on the card that stands for him and on his own."""
    feed.take_turn(session)
    client = _standing(session, actor, d.subject_id)
    told = {"consents": _with_consent(client, d)}
    if client.id != d.subject_id:
        put_away = session.get_one(Client, d.subject_id)
        own = {"consents": _with_consent(put_away, d)}
        merging.keep_in(session, actor, put_away, own)
    return Done(clients.change_in(session, actor, client, told).version)


def _with_consent(client: Client, d: Doing) -> dict[str, Any]:
    """The card's with the phone's word; a word before the card's last change never loosens it."""
    p: wire.ClientConsentPayload = d.payload
    said = {"state": p.state, "on": p.on, "source": p.source, "text": p.text}
    told = standing.clean_consents({p.channel: said})
    for new in told.values():
        new["on"] = min(new["on"], clock.today().isoformat())
    return standing.later(client.consents, told, is_stale=client.updated_at > d.when.at)


def _wanted(session: Session, actor: Actor, p: wire.ClientFieldPayload) -> Any:
    """The value that a field is to have; of a file its own, the bytes follow."""
    if p.file is None:
        return own_rules.settled(p.value)
    f = p.file
    return own_files.announce_in(
        session, actor, p.name, sha256=f.sha256, file_name=f.name, size=f.size
    )


def _is_base(session: Session, actor: Actor, p: wire.ClientFieldPayload, there: Any) -> bool:
    """Whether a value is the one that the phone had: as it is, in words, or a file of its own by hash."""
    if there == p.base or own_files.is_same_in(session, there, p.base):
        return True
    return ownfields.told_in(session, actor, p.name, there) == p.base


def _keep_own(
    session: Session, actor: Actor, client_id: str, p: wire.ClientFieldPayload, wanted: Any
) -> None:
    """The card that was put away says it too, should it come back, whatever its stand-in says."""
    put_away = session.get_one(Client, client_id)
    there = put_away.own_fields.get(p.name)
    if there == wanted or _is_base(session, actor, p, there):
        kept = {**put_away.own_fields, p.name: wanted}
        told = {n: value for n, value in kept.items() if value is not None}
        merging.keep_in(session, actor, put_away, {"own_fields": told})


def _standing(session: Session, actor: Actor, client_id: str) -> Client:
    """The rep's client; of one that was his and was merged, who stands for it. Raises ClientUnknown."""
    client = store.client(session, merging.standing_in(session, client_id))
    seen = clients.clients_for_rep_in(session, actor.user_id)
    if client is None or not (
        client.id in seen or merging.is_reached_in(session, actor.user_id, client_id)
    ):
        raise ClientUnknown()
    return client


def _both(actor: Actor, d: Doing, theirs: str | None, mine: str | None) -> str | None:
    """Two notes as one; where one of them is empty the other stays."""
    if not theirs or not mine:
        return theirs or mine
    return f"{theirs}\n--- {actor.name}, {clock.local(d.when.at):%Y-%m-%d %H:%M} ---\n{mine}"


def _was_changed(d: Doing, version: int, note: str | None, p: wire.ClientNotePayload) -> bool:
    """Whether somebody wrote the note after the phone saw it."""
    if p.base_note is not msgspec.UNSET:
        return p.base_note != note
    base = d.mutation.base_version
    return base is not None and base != version


def _shift_start(session: Session, actor: Actor, d: Doing) -> None:
    shifts.start_shift_in(session, actor, d.subject_id, d.when.at)


def _shift_end(session: Session, actor: Actor, d: Doing) -> None:
    shifts.end_shift_in(session, actor, d.subject_id, _in_order(session, actor, d))


def _shift_pause(session: Session, actor: Actor, d: Doing) -> None:
    at = _in_order(session, actor, d)
    shifts.pause_in(session, actor, d.subject_id, at, d.payload.kind)


def _shift_resume(session: Session, actor: Actor, d: Doing) -> None:
    shifts.resume_in(session, actor, d.subject_id, _in_order(session, actor, d))


def _in_order(session: Session, actor: Actor, d: Doing) -> datetime:
    """When it was pressed, but not before what was pressed earlier: the phone's numbers tell the
    order, and its clock may have been turned back since."""
    shift = store.shift(session, actor.user_id, d.subject_id)
    if shift is None:
        return d.when.at
    edges = [datetime.fromisoformat(t) for p in shift.pauses for t in (p["from"], p["to"]) if t]
    return max(d.when.at, shift.started_at, *edges)


def _client_create(session: Session, actor: Actor, d: Doing) -> int:
    """A client found in the field belongs to the rep's own territory, its workplace to his reach."""
    p: wire.ClientCreatePayload = d.payload
    feed.take_turn(session)
    if store.client(session, d.subject_id) is not None:
        raise BadId(field="subject_id")
    place = _workplace(session, actor, p)
    told: dict[str, Any] = msgspec.to_builtins(p)
    told.pop("place_id")
    if p.lat is None and place is not None:
        told |= {"lat": place.lat, "lng": place.lng}
    client = clients.add_in(session, actor, clean(told), source="field", client_id=d.subject_id)
    if place is not None:
        tie = Affiliation(id=ids.new_id(), person_id=client.id, organisation_id=place.id)
        session.add(tie)
        merging.note_arrival_in(session, p.place_id, "affiliation.organisation_id", tie.id)
        feed.touch(session, "client", place.id, rep_ids=[actor.user_id])
    entry.note_in(session, client)
    return client.version


def _workplace(session: Session, actor: Actor, p: wire.ClientCreatePayload) -> Client | None:
    if p.place_id is None or p.kind in PLACE_KINDS:
        return None
    place = _standing(session, actor, p.place_id)
    if place.kind not in PLACE_KINDS:
        raise ClientUnknown(place_id=p.place_id)
    return place


def _client_correct(session: Session, actor: Actor, d: Doing) -> int:
    """Kept for the office to accept; the card stays as it is until then."""
    feed.take_turn(session)
    _standing(session, actor, d.subject_id)
    client = store.client(session, d.subject_id)
    if client is None:
        raise ClientUnknown()
    photos = _attachments(d.payload)
    corrections.ask_in(session, actor, client, d.mutation.id, d.payload, photos)
    return client.version


def _day_order(session: Session, actor: Actor, d: Doing) -> None:
    """The rep's own day in the order that he chose."""
    p: wire.DayOrderPayload = d.payload
    by_hand.order_day_in(session, actor, d.subject_id, _day(p.day), p.visit_ids, d.when.at)


def _day_replan(session: Session, actor: Actor, d: Doing) -> None:
    p: wire.DayReplanPayload = d.payload
    by_hand.ask_replan_in(session, actor, d.subject_id, _day(p.day), p.comment, d.when.at)


def _joint_ask(session: Session, actor: Actor, d: Doing) -> None:
    p: wire.JointAskPayload = d.payload
    joint.ask_in(session, actor, d.subject_id, p.visit_id, p.colleague_id, d.when.at)


def _joint_answer(session: Session, actor: Actor, d: Doing) -> None:
    p: wire.JointAnswerPayload = d.payload
    joint.answer_in(session, actor, d.subject_id, p.answer, _position(p), d.when.at)


HANDLERS: dict[str, Callable[[Session, Actor, Doing], Done | int | None]] = {
    "shift.start": _shift_start, "shift.end": _shift_end, "shift.pause": _shift_pause,
    "shift.resume": _shift_resume, "visit.check_in": _check_in, "visit.close": _close,
    "visit.create": _create, "visit.move": _move, "visit.cancel": _cancel,
    "visit.revise": _revise, "promise.done": _promise_done, "client.note": _client_note,
    "client.field": _client_field, "client.consent": _client_consent, "client.create": _client_create, "client.correct": _client_correct,
    "message.answer": from_office.answer,
    "joint.ask": _joint_ask, "joint.answer": _joint_answer,
    "day.order": _day_order, "day.replan": _day_replan,
}  # fmt: skip


def handle(session: Session, actor: Actor, d: Doing) -> Done:
    """Do it; raises a Refusal of the domain it belongs to."""
    found = HANDLERS[d.mutation.kind](session, actor, d)
    return found if isinstance(found, Done) else Done(found)
