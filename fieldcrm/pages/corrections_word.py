"""The office's word on a correction: accept it, accept it as edited, refuse it, each with a word to the rep."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients.model import BadClientField
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import LEAVES, button
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.pages.admin import labelled, said
from fieldcrm.sync import corrections

NUMBERS = ("lat", "lng")


@dataclass
class Edit:
    """A wanted field as it can be written otherwise."""

    name: str
    label: str
    value: str


def edits_of(wanted: dict[str, Any], language: str) -> list[Edit]:
    """The wanted fields in the form's order and words."""
    return [
        Edit(name, i18n.t(f"admin.field.{name}", language), "" if value is None else str(value))
        for name, value in wanted.items()
    ]


def read_edits(data: dict[str, Any], edits: list[Edit]) -> dict[str, Any]:
    """What the form says of the fields shown; raises BadClientField for a place that is no number."""
    return {e.name: _value(e.name, str(data.get(e.name) or "").strip()) for e in edits}


def _value(name: str, text: str) -> str | float | None:
    if name not in NUMBERS:
        return text or None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise BadClientField(field=name) from None


def _editing(c: Any, state: Any) -> rx.Component:
    fields = rx.foreach(
        c.edits,
        lambda e: rx.el.label(
            rx.el.span(e.label),
            rx.el.input(name=e.name, default_value=e.value, class_name="input", auto_complete="off",
                        auto_focus=e.name == c.edits[0].name), class_name="field wide",
        ),
    )  # fmt: skip
    word = rx.el.textarea(
        name="reason", rows="2", max_length=corrections.REASON_MOST, class_name="input area"
    )
    return rx.el.form(
        fields, labelled(words("correct.word"), word, wide=True),
        rx.el.div(
            button(icon("check", "s"), words("correct.accept_edited"), kind="primary", type="submit"),
            button(words("privacy.keep.back"), on_click=state.back_to_choice, custom_attrs=LEAVES), class_name="row",
        ),
        on_submit=state.accept_edited, class_name="co-f", key=c.id,
    )  # fmt: skip


def word_on(c: Any, state: Any) -> rx.Component:
    """The choice while it is open, the word that was given afterwards; `state` is the page's."""
    taking = rx.cond(c.overtaken != "", words("correct.accept_over"), words("correct.accept"))
    choice = rx.el.div(
        button(icon("check", "s"), taking, kind="primary", on_click=state.accept(c.id)),
        button(icon("pencil", "s"), words("correct.edit"), on_click=state.start_editing),
        button(icon("x", "s"), words("correct.refuse"), on_click=state.start_refusing), class_name="row",
    )  # fmt: skip
    refusing = rx.el.form(
        rx.el.label(
            rx.el.span(words("correct.reason")),
            rx.el.textarea(name="reason", rows="2", max_length=corrections.REASON_MOST, class_name="input area",
                           auto_focus=True), class_name="field wide",
        ),
        rx.el.div(
            button(words("correct.refuse_now"), kind="danger solid", type="submit"),
            button(words("privacy.keep.back"), on_click=state.back_to_choice, custom_attrs=LEAVES), class_name="row",
        ),
        on_submit=state.refuse, class_name="co-f",
    )  # fmt: skip
    given = rx.el.div(
        rx.el.div(words("correct.decided_by"), " ", c.decided, class_name="t1 muted"),
        rx.cond(c.reason != "", rx.el.blockquote(c.reason, class_name="co-q"), rx.fragment()),
    )
    deciding = rx.fragment(
        said(state.refused),
        rx.cond(state.is_refusing, refusing, rx.cond(state.is_editing, _editing(c, state), choice)),
    )
    return rx.el.div(rx.cond(c.status == "open", deciding, given), class_name="sec said co-w2")
