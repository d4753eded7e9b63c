"""Own fields in the form of a client: as inputs, and read again as the values that were changed."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as begun
from typing import Any

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import ClientFilters
from fieldcrm.clients.ownfields import rules
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import PREFIX, OwnField
from fieldcrm.components.icons import icon
from fieldcrm.components.own_file import own_file
from fieldcrm.components.parts import button
from fieldcrm.components.section import Choice
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.forms.words import said
from fieldcrm.pages.admin import labelled

LOOKS = {
    "date": "day", "choice": "select", "yes_no": "select", "choices": "ticks", "text": "text",
    "reference": "reference", "file": "file",
}  # fmt: skip
FOUND_MOST = 6
"""How a type is typed in, where it isn't a line."""


@dataclass
class OwnOption:
    """A value that can be chosen."""

    name: str
    value: str
    label: str
    is_on: bool = False


@dataclass
class OwnInput:
    """An own field of the client in the form."""

    name: str
    """What it is called in the form's data."""
    label: str
    hint: str
    look: str
    value: str
    is_locked: bool
    """Filled by others, or reckoned; shown alone."""
    shown: str = ""
    """Whom a reference names; a file's name and size."""
    options: list[OwnOption] = begun(default_factory=list)
    field: str = ""
    """Its name among the own fields."""
    href: str = ""
    """Where the file that is there is fetched."""


def inputs_of(
    fields: Iterable[OwnField],
    kind: str,
    values: Mapping[str, Any],
    actor: Any,
    client_id: str = "",
) -> list[OwnInput]:
    """The fields that a client (none: a new one) of a kind has, as the form begins with them."""
    asked = [own for own in fields if own.is_asked_of(kind)]
    names = ownfields.names_of(actor, asked, [values])
    made = [_input_of(own, values.get(own.name), actor, names) for own in asked]
    return [
        replace(
            told, field=own.name, href=rules.address_of(client_id, own.name) if client_id else ""
        )
        for told, own in zip(made, asked, strict=True)
    ]


def _input_of(own: OwnField, value: Any, actor: Any, names: Mapping[str, str]) -> OwnInput:
    language, name = actor.language, PREFIX + own.name
    star = " *" if own.field.required else ""
    label, hint = ownfields.label_of(own, language) + star, said(own.field.hint, language)
    text = ownfields.noted(own, value, language, names)
    if not own.is_filled_by(actor):
        return OwnInput(name, label, hint, "line", text, True)
    look = LOOKS.get(own.field.type, "line")
    options = _options(own, name, value, language)
    return OwnInput(name, label, hint, look, rules.written(own.field, value), False, text, options)


def _options(own: OwnField, name: str, value: Any, language: str) -> list[OwnOption]:
    if own.field.type == "yes_no":
        told = {"true": True, "false": False}
        return [OwnOption(name, v, ownfields.text_of(own, t, language)) for v, t in told.items()]
    chosen = value if isinstance(value, list) else []
    return [
        OwnOption(f"{name}:{o.value}", o.value, said(o.label, language), o.value in chosen)
        for o in own.field.options
    ]


def read(
    data: Mapping[str, Any], fields: Sequence[OwnField], kind: str, before: Mapping[str, Any],
    actor: Any,
) -> dict[str, Any]:  # fmt: skip
    """The values that the form changes, by name; None takes one away. The service judges them."""
    told = {
        own.name: _read(data, own, before.get(own.name))
        for own in fields if own.is_asked_of(kind) and own.is_filled_by(actor)
    }  # fmt: skip
    return {name: value for name, value in told.items() if value != before.get(name)}


def _read(data: Mapping[str, Any], own: OwnField, before: Any) -> Any:
    name = PREFIX + own.name
    if rules.is_file(before) and data.get(name) == before["id"]:
        return before
    if own.field.type == "choices":
        ticked = [o.value for o in own.field.options if data.get(f"{name}:{o.value}")]
        return ticked or None
    text = str(data.get(name) or "").strip()
    return rules.settled(rules.read_text(own.field, text)) if text else None


def found_for(own: OwnField, text: str, actor: Any) -> list[Choice]:
    """Clients that a reference may name, by what is typed of their name."""
    kinds = tuple(own.field.of_kinds)
    rows = clients.find(actor, text, ClientFilters(kinds=kinds), limit=FOUND_MOST).rows
    return [Choice(c.id, " · ".join(t for t in (c.name, c.address) if t)) for c in rows]


class OwnReferences(Desk, mixin=True):
    """Part of the form's state: whom a reference is to name, looked up as it is typed."""

    own: list[OwnInput] = []
    own_asked: str = ""
    """The reference that is looked up."""
    own_found: list[Choice] = []
    _fields: list[Any] = []
    """Own fields that the person may see."""

    @rx.event
    @allows(DISPATCHING)
    async def find_own(self, name: str, text: str):
        """Clients whom a reference may name."""
        own = next((f for f in self._fields if PREFIX + f.name == name), None)
        text, self.own_asked, self.own_found = str(text)[:100].strip(), name, []
        if text and own is not None and own.field.type == "reference":
            self.own_found = await asyncio.to_thread(found_for, own, text, self._actor())

    @rx.event
    @allows(DISPATCHING)
    def choose_own(self, name: str, client_id: str):
        """One of those found, or nobody."""
        word = next((c.text for c in self.own_found if c.value == client_id), "")
        chosen = client_id if word else ""
        self.own = [
            replace(o, value=chosen, shown=word) if o.name == name and o.look == "reference" else o
            for o in self.own
        ]
        self.own_found = []


# ── parts of the page ────────────────────────────────────────────────────────────────────────────


def own_inputs(state: Any) -> rx.Component:
    """The fields with their heading; nothing where a client has none."""
    inputs = state.own
    shown = rx.el.fieldset(
        rx.el.legend(words("own_fields.own"), class_name="strong"),
        rx.el.div(rx.foreach(inputs, lambda o: _drawn(o, state)), class_name="of-i"),
        class_name="wide of-k", id="own-inputs",
    )  # fmt: skip
    return rx.cond(inputs.length() > 0, shown, rx.fragment())


def _drawn(o: Any, state: Any) -> rx.Component:
    looks = rx.match(
        o.look,
        ("select", labelled(o.label, _select(o))),
        ("ticks", _ticks(o)),
        ("text", labelled(o.label, _text(o))),
        ("reference", _reference(o, state)),
        ("file", own_file(o.name, o.field, o.label, o.value, o.shown, o.href)),
        labelled(o.label, _line(o, state.bad_field)),
    )
    hint = rx.cond(o.hint != "", rx.el.p(o.hint, class_name="t1 muted"), rx.fragment())
    return rx.el.div(looks, hint, key=o.name)


def _line(o: Any, bad: Any) -> rx.Component:
    is_bad = PREFIX + bad == o.name
    return rx.el.input(
        name=o.name, default_value=o.value, type=rx.cond(o.look == "day", "date", "text"),
        disabled=o.is_locked, auto_complete="off", class_name=rx.cond(is_bad, "input is-err", "input"),
        aria_invalid=rx.cond(is_bad, "true", "false"),
    )  # fmt: skip


def _reference(o: Any, state: Any) -> rx.Component:
    """Who is named: looked up, chosen, taken away again."""
    search = rx.el.input(
        type="search", class_name="input", placeholder=words("own_fields.find_client"), auto_complete="off",
        on_change=lambda text: state.find_own(o.name, text).debounce(250),
    )  # fmt: skip
    found = rx.el.div(
        rx.foreach(state.own_found, lambda c: button(
            icon("plus", "s"), c.text, kind="ghost", small=True, type="button",
            on_click=state.choose_own(o.name, c.value))),
        class_name="ms-p",
    )  # fmt: skip
    chosen = rx.el.div(
        rx.el.span(o.label, class_name="lb"),
        rx.el.button(o.shown, icon("x", "s"), type="button", class_name="btn",
                     title=words("own_fields.drop_client"), on_click=state.choose_own(o.name, "")),
        class_name="field",
    )  # fmt: skip
    looking = rx.fragment(
        labelled(o.label, search), rx.cond(state.own_asked == o.name, found, rx.fragment())
    )
    kept = rx.el.input(type="hidden", name=o.name, value=o.value)
    return rx.fragment(kept, rx.cond(o.value == "", looking, chosen))


def _text(o: Any) -> rx.Component:
    return rx.el.textarea(name=o.name, default_value=o.value, rows="2", class_name="input")


def _select(o: Any) -> rx.Component:
    none = rx.el.option("—", value="")
    each = rx.foreach(o.options, lambda p: rx.el.option(p.label, value=p.value))
    return rx.el.select(none, each, name=o.name, default_value=o.value, class_name="input")


def _ticks(o: Any) -> rx.Component:
    def box(p: Any) -> rx.Component:
        control = rx.el.input(type="checkbox", name=p.name, default_checked=p.is_on)
        return rx.el.label(control, p.label, class_name="tick")

    return rx.el.fieldset(
        rx.el.legend(o.label), rx.el.div(rx.foreach(o.options, box), class_name="row"),
        class_name="of-k",
    )  # fmt: skip
