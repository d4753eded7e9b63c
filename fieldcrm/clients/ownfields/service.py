"""Clients' own fields: made by the administrator, filled by whom he lets, counted in reports.

What others ask of them is reached here: who sees what is `seeing`, what is set `values`, words `saying`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlmodel import Session

from fieldcrm.clients import store as client_store
from fieldcrm.clients.ownfields import formulas, rules, store
from fieldcrm.clients.ownfields.model import (
    EDITORS,
    FIELDS_MAX,
    BadOwnField,
    CardField,
    OwnField,
    OwnFieldChanged,
    OwnFieldNotFound,
)
from fieldcrm.clients.ownfields.saying import Said as Said
from fieldcrm.clients.ownfields.saying import label_of as label_of
from fieldcrm.clients.ownfields.saying import noted as noted
from fieldcrm.clients.ownfields.saying import said_of as said_of
from fieldcrm.clients.ownfields.saying import text_of as text_of
from fieldcrm.clients.ownfields.seeing import check_seen_in as check_seen_in
from fieldcrm.clients.ownfields.seeing import fields_in as fields_in
from fieldcrm.clients.ownfields.seeing import hidden_in as hidden_in
from fieldcrm.clients.ownfields.seeing import names_of as names_of
from fieldcrm.clients.ownfields.seeing import seen_in as seen_in
from fieldcrm.clients.ownfields.seeing import show_in as show_in
from fieldcrm.clients.ownfields.seeing import sight_in as sight_in
from fieldcrm.clients.ownfields.seeing import tell_phone_in as tell_phone_in
from fieldcrm.clients.ownfields.seeing import told_in as told_in
from fieldcrm.clients.ownfields.tables import ClientField
from fieldcrm.clients.ownfields.values import merged_in as merged_in
from fieldcrm.kit import clock, events, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role


def list_fields(actor: Actor, *, archived: bool = False) -> list[OwnField]:
    """The fields in use that somebody may see, or with those that are kept no more."""
    with reading() as session:
        every = seen_in(session, actor)
    return [f for f in every if archived or not f.is_archived]


# ---- making ----


def save_field(
    actor: Actor, definition: Mapping[str, Any], kinds: Any, editors: Any,
    field_id: str | None = None, version: int | None = None, *, viewers: Any = None,
) -> OwnField:  # fmt: skip
    """A new field at the end, or another wording of one; its name and type stay as they are.

    Where `viewers` are not told, a new field is everybody's to see and another's stay who they are.
    Phones have it from their next sync on. Raises BadOwnField, OwnFieldNotFound, OwnFieldChanged.
    """
    people.require(actor, Role.admin)
    field = rules.read_field(definition)
    asked, filled = rules.read_kinds(kinds), rules.read_editors(editors)
    seen = None if viewers is None else rules.read_viewers(viewers)
    with transaction() as session:
        feed.take_turn(session)
        row = _seen(session, field_id, version) if field_id else _new(session, field.name)
        known = {r.name: r.definition["type"] for r in store.fields(session)}
        if field.formula:
            formulas.read(field, known)
        if field.required_when:
            formulas.check_condition(field.required_when, known)
        before = _said(row) if field_id else {}
        if field_id:
            rules.check_stays(msgspec.convert(row.definition, CardField), field)
        was = (set(row.viewers), row.definition.get("formula"))
        row.definition, row.kinds, row.editors = rules.plain(field), asked, filled
        row.viewers = row.viewers if seen is None else seen
        told = _keep(session, actor, row, "client_field.saved", before)
        if Role.rep.value in was[0] ^ set(row.viewers) or was[1] != field.formula:
            _tell_cards(session, told)
        return told


def _tell_cards(session: Session, own: OwnField) -> None:
    """Phones fetch the cards anew that have a value of a field that comes or goes."""
    every = [own, *(f for f in fields_in(session) if own.name in f.reads)]
    held = {client_id for each in every for client_id in store.holders(session, each)}
    feed.touch_many(session, "client", client_store.reps_of(session, sorted(held)))


def _new(session: Session, name: str) -> ClientField:
    there = store.fields(session)
    if any(row.name == name for row in there):
        raise BadOwnField(why="name_twice")
    if sum(row.archived_at is None for row in there) >= FIELDS_MAX:
        raise BadOwnField(why="too_many")
    place = max((row.place for row in there), default=0) + 1
    return ClientField(
        id=ids.new_id(), name=name, place=place, version=0, changed_at=clock.now(),
        viewers=[*EDITORS],
    )  # fmt: skip


def _seen(session: Session, field_id: str, version: int | None) -> ClientField:
    row = store.field(session, field_id)
    if row is None:
        raise OwnFieldNotFound()
    if version is not None and row.version != version:
        raise OwnFieldChanged(version=row.version)
    return row


def set_archived(
    actor: Actor, field_id: str, is_archived: bool, version: int | None = None
) -> OwnField:
    """Keep a field no more, or again; the values that clients have stay where they are."""
    people.require(actor, Role.admin)
    with transaction() as session:
        feed.take_turn(session)
        row = _seen(session, field_id, version)
        row.archived_at = clock.now() if is_archived else None
        kind = "client_field.archived" if is_archived else "client_field.restored"
        told = _keep(session, actor, row, kind, {})
        if told.is_reckoned:
            _tell_cards(session, told)
        return told


def move(actor: Actor, field_id: str, by: int) -> None:
    """A field one place up (-1) or down (1) among those in use."""
    people.require(actor, Role.admin)
    with transaction() as session:
        feed.take_turn(session)
        row = _seen(session, field_id, None)
        rows = [r for r in store.fields(session) if r.archived_at is None]
        if row not in rows or not 0 <= (n := rows.index(row) + by) < len(rows):
            return
        other = rows[n]
        row.place, other.place = other.place, row.place
        session.add(other)
        _keep(session, actor, row, "client_field.moved", {})


def _keep(
    session: Session, actor: Actor, row: ClientField, kind: str, before: Mapping[str, Any]
) -> OwnField:
    """Store a changed field, with the log, and let every phone hear of it."""
    row.version += 1
    row.changed_at = clock.now()
    session.add(row)
    session.flush()
    data: dict[str, Any] = {"name": row.name}
    if before:
        data |= people.difference(before, _said(row))
    events.record(
        session, kind, row.id, actor_id=actor.user_id or None, source=actor.source, data=data
    )
    reps = people.reps_in(session)
    feed.touch_many(session, "profile", {rep.id: [rep.id] for rep in reps})
    return next(own for own in fields_in(session) if own.id == row.id)


def _said(row: ClientField) -> dict[str, Any]:
    """What the log tells of a field."""
    return {
        "definition": row.definition, "kinds": ", ".join(row.kinds),
        "editors": ", ".join(row.editors), "viewers": ", ".join(row.viewers),
    }  # fmt: skip
