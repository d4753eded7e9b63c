"""Which own fields there are, and what somebody sees of a client's: not the hidden ones, formulas reckoned."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlmodel import Session

from fieldcrm.clients import store as client_store
from fieldcrm.clients.ownfields import formulas, rules, saying, store
from fieldcrm.clients.ownfields.model import OF_CARDS, CardField, OwnField, OwnFieldUnknown
from fieldcrm.clients.ownfields.tables import ClientField
from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import reading
from fieldcrm.people.model import Actor


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
                doc.own_fields[own.name] = saying.noted(own, value, rep.language, names)


def told_in(session: Session, rep: Actor, name: str, value: Any) -> Any:
    """A value as the rep's phone has it: cards' own types in words."""
    own = next((f for f in seen_in(session, rep) if f.name == name), None)
    if value is None or own is None or own.field.type not in OF_CARDS:
        return value
    names = store.names(session, rep, _referred([own], [{name: value}]))
    return saying.noted(own, value, rep.language, names)
