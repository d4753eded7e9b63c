"""Corrections of cards that reps ask for: kept with what stood there, until the office decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlmodel import Session

from fieldcrm.clients import card_photos
from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import merging
from fieldcrm.clients.model import BadClientField, ClientNotFound
from fieldcrm.clients.rules import clean
from fieldcrm.clients.tables import CardPhoto, Client
from fieldcrm.kit import clock, feed
from fieldcrm.kit.database import transaction
from fieldcrm.kit.tables import Event
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.sync import store
from fieldcrm.sync.model import CorrectionDecided, CorrectionOvertaken, NoSuchCorrection
from fieldcrm.visits.model import NewAttachment
from fieldcrm.wire import sync as wire

ASKED, ACCEPTED, DECLINED = (
    "client.correction_asked", "client.correction_accepted", "client.correction_declined",
)  # fmt: skip
REASON_MOST = 500


@dataclass(frozen=True)
class Correction:
    """What a rep asks for; `before` is what the card said then, `now` what it says today."""

    id: str
    client_id: str
    client_name: str
    rep_id: str
    rep_name: str
    at: datetime
    wanted: dict[str, Any]
    before: dict[str, Any]
    now: dict[str, Any]
    comment: str | None


def ask_in(
    session: Session, actor: Actor, client: Client, correction_id: str,
    payload: wire.ClientCorrectPayload, photos: Sequence[NewAttachment] = (),
) -> None:  # fmt: skip
    """Keep a correction as an event of the client and tell the team's desks. Raises BadClientField."""
    told: dict[str, Any] = msgspec.to_builtins(payload)
    comment = told.pop("comment", None)
    told.pop("attachments", None)
    wanted = clean(told)
    clients.tell_in(
        session, actor, client, ASKED,
        {"id": correction_id, "wanted": wanted, "comment": comment,
         "before": {name: getattr(client, name) for name in wanted}},
    )  # fmt: skip
    for photo in photos:
        card_photos.keep_in(session, CardPhoto(
            id=photo.id, client_id=client.id, correction_id=correction_id, rep_id=actor.user_id,
            sha256=photo.sha256, content_type=photo.content_type, size=photo.size,
            taken_at=photo.taken_at, lat=photo.lat, lng=photo.lng, asked_at=clock.now(),
        ))  # fmt: skip
    if actor.user_id:  # what the product found itself stands on nobody's phone
        feed.touch(session, "correction", correction_id, rep_ids=[actor.user_id])


def _is_seen(session: Session, actor: Actor, client_id: str) -> bool:
    try:
        clients.get_in(session, actor, client_id)
    except ClientNotFound:
        return False
    return True


def shown(client: Client, event: Event, rep_name: str) -> Correction:
    """A correction from the event by which it was asked for, and its client as it stands."""
    data = event.data
    return Correction(
        id=data["id"], client_id=client.id, client_name=client.name, rep_id=event.actor_id or "",
        rep_name=rep_name, at=event.at, wanted=data["wanted"], before=data["before"],
        now={name: getattr(client, name) for name in data["wanted"]}, comment=data.get("comment"),
    )  # fmt: skip


def decide(
    actor: Actor, correction_id: str, accept: bool, overwrite: bool = False, reason: str = "",
    edits: Mapping[str, Any] | None = None,
) -> Client:  # fmt: skip
    """Take a correction over into the card, or decline it, with a reason for the log and the rep.

    Fields that somebody changed since the rep looked are not overwritten unless the office says so.
    `edits`: what the office writes instead of wanted values, field -> value, of wanted fields only.
    Raises NoSuchCorrection, CorrectionDecided, CorrectionOvertaken (its params name the fields),
    BadClientField.
    """
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    with transaction() as session:
        return decide_in(session, actor, correction_id, accept, overwrite, reason, edits)


def decide_in(
    session: Session, actor: Actor, correction_id: str, accept: bool, overwrite: bool = False,
    reason: str = "", edits: Mapping[str, Any] | None = None,
) -> Client:  # fmt: skip
    """The same inside another transaction."""
    feed.take_turn(session)
    found = store.correction(session, correction_id, ASKED)
    standing = merging.standing_in(session, found[1].id) if found else ""
    if found is None or not _is_seen(session, actor, standing):
        raise NoSuchCorrection()
    event, asked_of = found
    client = session.get_one(Client, standing)
    if store.is_decided(session, asked_of.id, correction_id, (ACCEPTED, DECLINED)):
        raise CorrectionDecided()
    wanted, before = event.data["wanted"], event.data["before"]
    overtaken = [
        name for name in wanted if getattr(client, name) not in (before[name], wanted[name])
    ]
    if accept and overtaken and not overwrite:
        raise CorrectionOvertaken(fields=sorted(overtaken))
    edited = _edited(wanted, edits or {}) if accept else {}
    if accept:
        clients.change_in(session, actor, client, wanted | edited)
    if accept and asked_of is not client:
        merging.keep_in(session, actor, asked_of, wanted | edited)
    kind = ACCEPTED if accept else DECLINED
    told: dict[str, Any] = {"id": correction_id, "rep_id": event.actor_id}
    if edited:
        told["edited"] = edited
    if reason.strip():
        told["reason"] = reason.strip()[:REASON_MOST]
    asker = [event.actor_id] if event.actor_id else []
    clients.tell_in(session, actor, asked_of, kind, told, also=asker)
    if asker:
        feed.touch(session, "correction", correction_id, rep_ids=asker)
    return client


def _edited(wanted: dict[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    """Values of the office that are not what the rep wants."""
    if foreign := sorted(edits.keys() - wanted.keys()):
        raise BadClientField(field=foreign[0])
    return {name: value for name, value in clean(dict(edits)).items() if value != wanted[name]}
