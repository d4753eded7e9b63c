"""Values of clients' own fields as somebody sets them, each judged by its field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import store as client_store
from fieldcrm.clients.ownfields import files, formulas, rules
from fieldcrm.clients.ownfields.model import (
    OwnField,
    OwnFieldArchived,
    OwnFieldForbidden,
    OwnFieldNotAsked,
    OwnFieldReckoned,
    OwnFieldRefused,
    OwnFieldUnknown,
)
from fieldcrm.clients.ownfields.saying import label_of
from fieldcrm.clients.ownfields.seeing import fields_in
from fieldcrm.forms import words
from fieldcrm.forms.model import FormDefinition
from fieldcrm.kit import clock, i18n
from fieldcrm.people.model import Actor


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
        if own.field.type == "file" and value is not None:
            value = files.value_in(session, actor, own, value, current.get(name))
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
