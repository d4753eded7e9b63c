"""The fields of `typed.tsx` as Reflex components."""

# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.beside import browser_file

_library = browser_file(__file__, "typed.tsx")
WAIT_MS = 250
DAY_WAIT_MS = 800
"""A year that is typed is a day at each of its digits."""


class _Typed(rx.Component):
    library = _library
    tag = "Typed"
    text: rx.Var[str]
    wait_ms: rx.Var[int]
    is_area: rx.Var[bool]
    type: rx.Var[str]
    placeholder: rx.Var[str]
    rows: rx.Var[str]
    max_length: rx.Var[int]
    spell_check: rx.Var[bool]
    on_told: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class _Chosen(rx.Component):
    library = _library
    tag = "Chosen"
    chosen: rx.Var[str]
    is_held: rx.Var[bool]
    disabled: rx.Var[bool]
    on_told: rx.EventHandler[rx.event.passthrough_event_spec(str)]


def typed(text: Any, on_told: Any, wait_ms: int = WAIT_MS, **props: Any) -> rx.Component:
    """A field that shows `text` of a State and calls `on_told(text)` once somebody pauses.

    A plain input with `value` of a State shows what the server last said, so that letters typed
    before its answer are lost. `is_area` makes it a textarea; `type` is an input's.
    """
    return _Typed.create(text=text, wait_ms=wait_ms, on_told=on_told, **props)


def typed_day(text: Any, on_told: Any, **props: Any) -> rx.Component:
    """The same for a day that is typed or picked (ISO date)."""
    return typed(text, on_told, DAY_WAIT_MS, type="date", **props)


def chosen(*options: Any, value: Any, on_told: Any, **props: Any) -> rx.Component:
    """A choice that shows `value` of a State and calls `on_told(value)`, not for options that arrow keys
    pass; with `is_held` only at Enter or when it is left, for a choice that does something."""
    return _Chosen.create(*options, chosen=value, on_told=on_told, **props)
