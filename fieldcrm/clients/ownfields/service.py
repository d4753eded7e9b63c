"""Clients' own fields: made by the administrator, filled by whom he lets, counted in reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlmodel import Session

from fieldcrm.clients import store as client_store
from fieldcrm.clients.ownfields import formulas, rules, store
from fieldcrm.clients.ownfields.model import (
    EDITORS,
    FIELDS_MAX,
    OF_CARDS,
    BadOwnField,
    CardField,
    OwnField,
    OwnFieldArchived,
    OwnFieldChanged,
    OwnFieldForbidden,
    OwnFieldNotAsked,
    OwnFieldNotFound,
    OwnFieldReckoned,
    OwnFieldRefused,
    OwnFieldUnknown,
)
from fieldcrm.clients.ownfields.tables import ClientField
from fieldcrm.clients.tables import Client
from fieldcrm.forms import words
from fieldcrm.forms.model import FormDefinition
from fieldcrm.kit import clock, events, feed, i18n, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

# ---- reading ----


def fields_in(session: Session) -> list[OwnField]:
    """Every field, archived ones too, as they stand on a card."""
    rows = store.fields(session)
    known = {row.name: row.definition["type"] for row in rows}
    made = [_told(row, known) for row in rows]
    seen_by = {own.name: own.viewers for own in made}
    return [_as_seen(own, seen_by) for own in made]


def _as_seen(own: OwnField, seen_by: Mapping[str, frozenset[str]]) -> OwnField:
    """A formula is seen by those who see all that it is reckoned of: it tells of them."""
    if not own.reads:
        return own
    viewers = own.viewers.intersection(*(seen_by[name] for name in own.reads))
    return dataclasses.replace(own, viewers=viewers)


def list_fields(actor: Actor, *, archived: bool = False) -> list[OwnField]:
    """The fields in use that somebody may see, or with those that are kept no more."""
    with reading() as session:
        every = seen_in(session, actor)
    return [f for f in every if archived or not f.is_archived]


def seen_in(session: Session, actor: Actor) -> list[OwnField]:
    """The fields that there are for somebody, archived ones too."""
    every = fields_in(session)
    hidden = {f.name for f in every if not f.is_seen_by(actor)}
    return [_without_word_of(f, hidden) for f in every if f.name not in hidden]


def _without_word_of(own: OwnField, hidden: set[str]) -> OwnField:
    """A field that doesn't tell for which values of a hidden one it is needed."""
    when = own.field.required_when
    if not hidden or when is None or not formulas.reads(when) & hidden:
        return own
    return dataclasses.replace(own, field=msgspec.structs.replace(own.field, required_when=None))


def hidden_in(session: Session, actor: Actor) -> frozenset[str]:
    """Names of the fields that there are not for somebody."""
    return frozenset(f.name for f in fields_in(session) if not f.is_seen_by(actor))


def show_in(session: Session, actor: Actor, clients: Iterable[Client]) -> None:
    """Let rows that were read, and that nobody writes, tell what somebody may see of them."""
    sight = sight_in(session, actor)
    for client in clients:
        told = sight.of(client)
        if told != client.own_fields:
            client_store.show(client, "own_fields", told)


@dataclass(frozen=True)
class Sight:
    """What somebody sees of clients' own fields: not the hidden ones, and formulas reckoned."""

    hidden: frozenset[str]
    formulas: tuple[OwnField, ...]
    worded: tuple[OwnField, ...]
    """Of types that only cards know: a phone is told them in words."""

    def of(self, client: Any) -> dict[str, Any]:
        """The values of a client (a row or document) as they are to be told."""
        told = rules.without(client.own_fields, self.hidden)
        for own in self.formulas:
            if own.is_asked_of(client.kind):
                told[own.name] = formulas.value_of(
                    own.field.formula or "", client.own_fields, client.kind, client.category
                )
        return {name: value for name, value in told.items() if value is not None}


def sight_in(session: Session, actor: Actor) -> Sight:
    """How somebody sees own fields."""
    every = fields_in(session)
    seen = [f for f in every if f.is_seen_by(actor)]
    hidden = frozenset(f.name for f in every) - {f.name for f in seen}
    reckoned = tuple(f for f in seen if f.is_reckoned)
    return Sight(hidden, reckoned, tuple(f for f in seen if f.field.type in OF_CARDS))


def names_of(
    actor: Actor, fields: Iterable[OwnField], told: Iterable[Mapping[str, Any]]
) -> dict[str, str]:
    """Id -> name of whom values refer to, of those that somebody sees; for `text_of`."""
    if not (ids := _referred(fields, told)):
        return {}
    with reading() as session:
        return store.names(session, actor, ids)


def _referred(fields: Iterable[OwnField], told: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids of the clients that values refer to."""
    named = [f.name for f in fields if f.field.type == "reference"]
    return {v for values in told for n in named if isinstance(v := values.get(n), str)}


def check_seen_in(session: Session, actor: Actor, name: str) -> None:
    """Raise OwnFieldUnknown where there is no such field for somebody."""
    if all(f.name != name for f in seen_in(session, actor)):
        raise OwnFieldUnknown(field=name[:60])


def _told(row: ClientField, known: Mapping[str, str]) -> OwnField:
    """A row as a field; `known`: name -> type of all there are."""
    field = msgspec.convert(row.definition, CardField)
    sense, reads = formulas.read(field, known) if field.formula else (field.type, {})
    return OwnField(
        row.id, field, tuple(row.kinds), frozenset(row.editors), frozenset(row.viewers),
        row.archived_at is not None, row.version, row.changed_at, sense, reads,
    )  # fmt: skip


def tell_phone_in(session: Session, rep: Actor, docs: Iterable[Any]) -> None:
    """Let cards on their way to a rep's phone tell what he may see, cards' own types in words."""
    docs, sight = list(docs), sight_in(session, rep)
    for doc in docs:
        doc.own_fields = sight.of(doc)
    if not sight.worded:
        return
    ids = _referred(sight.worded, (doc.own_fields for doc in docs))
    names = store.names(session, rep, ids)
    for doc in docs:
        for own in sight.worded:
            if (value := doc.own_fields.get(own.name)) is not None:
                doc.own_fields[own.name] = text_of(own, value, rep.language, names)


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


# ---- values ----


def merged_in(
    session: Session, actor: Actor, facts: Mapping[str, Any], current: Mapping[str, Any],
    told: Mapping[str, Any], *, changed: Collection[str] = (), one_by_one: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """A client's values with those told (None takes one away); each is checked by its field.

    `facts` are the client's kind and category, those in `changed` new ones. What the card needs by
    its new state must be there; `one_by_one`: more of it is to come, and each value answers for
    itself.

    A field that somebody may not see is as unknown to him as one that was never made.

    Raises OwnFieldUnknown, OwnFieldArchived, OwnFieldNotAsked, OwnFieldForbidden, OwnFieldRefused.
    """
    known = {f.name: f for f in fields_in(session)}
    made = dict(current)
    for name, value in told.items():
        own = known.get(name)
        if own is None or not own.is_seen_by(actor):
            raise OwnFieldUnknown(field=name[:60])
        value = rules.settled(value)
        if value == current.get(name):
            continue
        _check(actor, str(facts["kind"]), own, value)
        if own.field.type == "reference" and value is not None:
            _check_refers(session, actor, own, value)
        made[name] = value
    kept = {name: value for name, value in made.items() if value is not None}
    touched = {*told} if one_by_one else {*told, *changed}
    for own in known.values():
        if own.name not in kept and own.is_asked_of(str(facts["kind"])) and own.is_filled_by(actor):
            _check_needed(actor, own, kept, facts, touched, one_by_one)
    return kept


def _check_needed(
    actor: Actor, own: OwnField, kept: Mapping[str, Any], facts: Mapping[str, Any],
    touched: set[str], one_by_one: bool,
) -> None:  # fmt: skip
    """Raise OwnFieldRefused where a change leaves a card without what its new state needs.

    A card that lacked it before may be changed in all that has nothing to do with it.
    """
    when = own.field.required_when
    if when is None:
        return
    about = {own.name} if one_by_one else {own.name, *formulas.named(when)}
    if about & touched and formulas.is_needed(own.field, kept, facts):
        why = f"{label_of(own, actor.language)}: {i18n.t('forms.problem.required', actor.language)}"
        raise OwnFieldRefused(field=own.name, why=why)


def _check(actor: Actor, kind: str, own: OwnField, value: Any) -> None:
    label = words.said(own.field.label, actor.language)
    if own.is_archived:
        raise OwnFieldArchived(field=label)
    if kind not in own.kinds:
        raise OwnFieldNotAsked(field=label)
    if own.is_reckoned:
        raise OwnFieldReckoned(field=label)
    if not own.is_filled_by(actor):
        raise OwnFieldForbidden(field=label)
    problem = rules.problem_of(own.field, value, kind, clock.local(clock.now()).date().isoformat())
    if problem is not None:
        form = FormDefinition(title="-", kinds=[], fields=[own.field])
        raise OwnFieldRefused(field=own.name, why=words.problem_text(form, problem, actor.language))


def _check_refers(session: Session, actor: Actor, own: OwnField, client_id: str) -> None:
    """Raise OwnFieldRefused for a client who isn't there for the actor, or of another kind."""
    found = client_store.client(session, actor, client_id)
    if found is None or found.archived_at or not own.refers_to(found.kind):
        label = label_of(own, actor.language)
        why = f"{label}: {i18n.t('own_fields.no_such_client', actor.language)}"
        raise OwnFieldRefused(field=own.name, why=why)


@dataclass(frozen=True)
class Said:
    """A client's value in words."""

    name: str
    label: str
    text: str


def said_of(
    fields: Iterable[OwnField], client: Any, language: str, names: Mapping[str, str]
) -> list[Said]:
    """A client's values in words, as its card shows them; `names` of whom they refer to."""
    return [
        Said(own.name, words.said(own.field.label, language), text)
        for own in fields if own.is_asked_of(client.kind)
        if (text := text_of(own, client.own_fields.get(own.name), language, names))
    ]  # fmt: skip


def label_of(own: OwnField, language: str) -> str:
    """What a field is called."""
    return words.said(own.field.label, language)


def text_of(
    own: OwnField, value: Any, language: str, names: Mapping[str, str] | None = None
) -> str:
    """One value in words; nothing for none, itself where its field can't read it.

    `names` (see `names_of`): of whom references name; others are told to be elsewhere.
    """
    if value is None:
        return ""
    if own.field.type == "reference":
        return (names or {}).get(str(value)) or i18n.t("own_fields.elsewhere", language)
    if own.field.type == "position":
        return rules.written(own.field, value)
    try:
        return words.value_text(rules.as_sense(own.field, own.sense), value, language)
    except (TypeError, ValueError, AttributeError):
        return str(value)
