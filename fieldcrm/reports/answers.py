"""What visits' forms were answered, counted by value; and who changed own fields of a client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.forms import service as forms
from fieldcrm.forms import words
from fieldcrm.forms.model import FormField
from fieldcrm.kit.database import reading
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor, BadField
from fieldcrm.reports import event_names
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import VisitFilters

COUNTED = ("choice", "choices", "yes_no")


@dataclass(frozen=True)
class Answered:
    """How many visits gave an answer."""

    value: str
    label: str
    visits: int


@dataclass(frozen=True)
class Question:
    """A field of a form whose answers can be counted."""

    form_id: str
    field: str
    label: str
    """With its form's title in front."""


def questions(actor: Actor, language: str) -> list[Question]:
    """What can be counted of the forms' newest versions."""
    return [
        Question(
            view.form.id, field.name,
            f"{words.said(view.definition.title, language)}: {words.said(field.label, language)}",
        )
        for view in forms.list_forms(actor) for field in view.definition.fields
        if field.type in COUNTED
    ]  # fmt: skip


def count(
    actor: Actor, form_id: str, name: str, filters: VisitFilters, language: str
) -> list[Answered]:
    """Visits in scope, of those that pass the filters, by their answer to a field of a form.

    Options come in the newest version's order; answers it doesn't know any more come last. Raises
    BadField for a field that can't be counted.
    """
    field = _field(actor, form_id, name)
    found = Counter(v for told in _answers(actor, form_id, name, filters) for v in _values(told))
    known = {option.value: 0 for option in field.options} | dict(found)
    return [Answered(v, _label(field, v, language), n) for v, n in known.items()]


def _field(actor: Actor, form_id: str, name: str) -> FormField:
    view = next((v for v in forms.list_forms(actor) if v.form.id == form_id), None)
    every = view.definition.fields if view else []
    field = next((f for f in every if f.name == name and f.type in COUNTED), None)
    if field is None:
        raise BadField(field="field")
    return field


def _answers(actor: Actor, form_id: str, name: str, filters: VisitFilters) -> Iterator[Any]:
    for view in visits.export_rows(actor, filters):
        form = (view.visit.details or {}).get("form")
        if form and form["form_id"] == form_id and form["answers"].get(name) is not None:
            yield form["answers"][name]


def _values(told: Any) -> Iterable[str]:
    for one in told if isinstance(told, list) else [told]:
        yield str(one).lower() if isinstance(one, bool) else str(one)


def _label(field: FormField, value: str, language: str) -> str:
    if field.type == "yes_no":
        return words.value_text(field, value == "true", language)
    return words.value_text(field, [value] if field.type == "choices" else value, language)


# ---- own fields of a client ----


@dataclass(frozen=True)
class Changed:
    """An own field of a client that somebody changed."""

    event_id: str
    """Of the event that told it."""
    label: str
    before: str
    after: str
    by: str
    at: datetime


def own_changes(actor: Actor, events: Iterable[Event], language: str) -> list[Changed]:
    """Who changed which own field, when, from what to what, as events of `clients.history` tell it."""
    told = [e for e in events if _own(e.data.get("after"))]
    if not told:
        return []
    known = {f.name: f for f in ownfields.list_fields(actor, archived=True)}
    with reading() as session:
        names = event_names.names_of(session, {e.actor_id for e in told if e.actor_id})
    states = [_own(e.data.get(side)) for e in told for side in ("before", "after")]
    refers = ownfields.names_of(actor, known.values(), states)
    return [
        Changed(
            e.id, words.said(known[name].field.label, language),
            ownfields.text_of(known[name], _own(e.data.get("before")).get(name), language, refers),
            ownfields.text_of(known[name], value, language, refers), names.get(e.actor_id or "", ""), e.at,
        )
        for e in told for name, value in _own(e.data["after"]).items() if name in known
    ]  # fmt: skip


def _own(data: Any) -> dict[str, Any]:
    own = data.get("own_fields") if isinstance(data, dict) else None
    return own if isinstance(own, dict) else {}
