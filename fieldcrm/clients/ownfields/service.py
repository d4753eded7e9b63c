"""Clients' own fields: made by the administrator, filled by whom he lets, counted in reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlmodel import Session

from fieldcrm.clients.ownfields import rules, store
from fieldcrm.clients.ownfields.model import (
    FIELDS_MAX,
    BadOwnField,
    OwnField,
    OwnFieldArchived,
    OwnFieldChanged,
    OwnFieldForbidden,
    OwnFieldNotAsked,
    OwnFieldNotFound,
    OwnFieldRefused,
    OwnFieldUnknown,
)
from fieldcrm.clients.ownfields.tables import ClientField
from fieldcrm.forms import words
from fieldcrm.forms.model import FormDefinition, FormField
from fieldcrm.kit import clock, events, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

# ---- reading ----


def fields_in(session: Session) -> list[OwnField]:
    """Every field, archived ones too, as they stand on a card."""
    return [_told(row) for row in store.fields(session)]


def list_fields(actor: Actor, *, archived: bool = False) -> list[OwnField]:
    """The fields in use, or with those that are kept no more; everybody may see what is asked."""
    with reading() as session:
        every = fields_in(session)
    return [f for f in every if archived or not f.is_archived]


def _told(row: ClientField) -> OwnField:
    field = msgspec.convert(row.definition, FormField)
    return OwnField(
        row.id, field, tuple(row.kinds), frozenset(row.editors), row.archived_at is not None,
        row.version, row.changed_at,
    )  # fmt: skip


# ---- making ----


def save_field(
    actor: Actor, definition: Mapping[str, Any], kinds: Any, editors: Any,
    field_id: str | None = None, version: int | None = None,
) -> OwnField:  # fmt: skip
    """A new field at the end, or another wording of one; its name and type stay as they are.

    Phones have it from their next sync on. Raises BadOwnField, OwnFieldNotFound, OwnFieldChanged.
    """
    people.require(actor, Role.admin)
    field = rules.read_field(definition)
    asked, filled = rules.read_kinds(kinds), rules.read_editors(editors)
    with transaction() as session:
        feed.take_turn(session)
        row = _seen(session, field_id, version) if field_id else _new(session, field.name)
        before = _said(row) if field_id else {}
        if field_id:
            rules.check_stays(msgspec.convert(row.definition, FormField), field)
        row.definition, row.kinds, row.editors = rules.plain(field), asked, filled
        return _keep(session, actor, row, "client_field.saved", before)


def _new(session: Session, name: str) -> ClientField:
    there = store.fields(session)
    if any(row.name == name for row in there):
        raise BadOwnField(why="name_twice")
    if sum(row.archived_at is None for row in there) >= FIELDS_MAX:
        raise BadOwnField(why="too_many")
    place = max((row.place for row in there), default=0) + 1
    return ClientField(id=ids.new_id(), name=name, place=place, version=0, changed_at=clock.now())


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
        return _keep(session, actor, row, kind, {})


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
    return _told(row)


def _said(row: ClientField) -> dict[str, Any]:
    """What the log tells of a field."""
    return {
        "definition": row.definition, "kinds": ", ".join(row.kinds), "editors": ", ".join(row.editors)
    }  # fmt: skip


# ---- values ----


def merged_in(
    session: Session, actor: Actor, kind: str, current: Mapping[str, Any], told: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """A client's values with those told (None takes one away); each is checked by its field.

    Raises OwnFieldUnknown, OwnFieldArchived, OwnFieldNotAsked, OwnFieldForbidden, OwnFieldRefused.
    """
    known = {f.name: f for f in fields_in(session)}
    made = dict(current)
    for name, value in told.items():
        value = rules.settled(value)
        if value == current.get(name):
            continue
        _check(actor, kind, known.get(name), name, value)
        made[name] = value
    return {name: value for name, value in made.items() if value is not None}


def _check(actor: Actor, kind: str, own: OwnField | None, name: str, value: Any) -> None:
    if own is None:
        raise OwnFieldUnknown(field=name[:60])
    label = words.said(own.field.label, actor.language)
    if own.is_archived:
        raise OwnFieldArchived(field=label)
    if kind not in own.kinds:
        raise OwnFieldNotAsked(field=label)
    if actor.role.value not in own.editors and not actor.is_admin:
        raise OwnFieldForbidden(field=label)
    problem = rules.problem_of(own.field, value, kind, clock.local(clock.now()).date().isoformat())
    if problem is not None:
        form = FormDefinition(title="-", kinds=[], fields=[own.field])
        raise OwnFieldRefused(field=name, why=words.problem_text(form, problem, actor.language))


@dataclass(frozen=True)
class Said:
    """A client's value in words."""

    name: str
    label: str
    text: str


def said_of(fields: Iterable[OwnField], client: Any, language: str) -> list[Said]:
    """A client's values in words, as its card shows them."""
    return [
        Said(own.name, words.said(own.field.label, language), text)
        for own in fields if own.is_asked_of(client.kind)
        if (text := text_of(own, client.own_fields.get(own.name), language))
    ]  # fmt: skip


def text_of(own: OwnField, value: Any, language: str) -> str:
    """One value in words; nothing for none, itself where its field can't read it."""
    if value is None:
        return ""
    try:
        return words.value_text(own.field, value, language)
    except (TypeError, ValueError, AttributeError):
        return str(value)


# ---- counting ----


@dataclass(frozen=True)
class Counted:
    """How many clients have a value; an empty value is none at all."""

    value: str
    label: str
    clients: int


def spread(
    own: OwnField, found: Sequence[tuple[Any, int]], language: str, none: str
) -> list[Counted]:
    """(value, clients) as counts by option in its order; of several choices each counts for itself.

    `none` is what clients without a value are called; they come last.
    """
    by: dict[str, int] = {o.value: 0 for o in own.field.options}
    for value, n in found:
        each = value if isinstance(value, list) else [value]
        for one in each or [None]:
            key = "" if one is None else str(one)
            if own.field.type == "yes_no" and one is not None:
                key = "true" if one else "false"
            by[key] = by.get(key, 0) + n
    blank = by.pop("", 0)
    rows = [Counted(v, _label(own, v, language), n) for v, n in by.items()]
    return [*rows, Counted("", none, blank)]


def _label(own: OwnField, value: str, language: str) -> str:
    if own.field.type == "yes_no":
        return text_of(own, value == "true", language)
    return text_of(own, [value] if own.field.type == "choices" else value, language)
