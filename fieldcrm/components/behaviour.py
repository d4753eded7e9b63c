"""The small TypeScript behaviours of `desk.tsx` as Reflex components."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.beside import browser_file
from fieldcrm.components.session import Desk
from fieldcrm.components.words import all_texts

_library = browser_file(__file__, "desk.tsx", "focus_kept.ts")


def _nothing() -> list[Any]:
    return []


class _Behaviour(rx.Component):
    library = _library


class _Clock(_Behaviour):
    tag = "Clock"
    ms: rx.Var[int | float]
    speed: rx.Var[int | float]
    lang: rx.Var[str]
    title: rx.Var[str]


class _Age(_Behaviour):
    tag = "Age"
    rep_id: rx.Var[str]
    at_ms: rx.Var[int | float]
    lang: rx.Var[str]


class _Ticker(_Behaviour):
    tag = "Ticker"
    every_ms: rx.Var[int]
    on_tick: rx.EventHandler[_nothing]


class _ThemeButton(_Behaviour):
    tag = "ThemeButton"
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]


class _Keys(_Behaviour):
    tag = "Keys"
    keys: rx.Var[list[str]]
    on_key: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class _KeptFocus(_Behaviour):
    tag = "KeptFocus"


class _DrawerFocus(rx.Component):
    library = browser_file(__file__, "drawer_focus.tsx")
    tag = "DrawerFocus"
    opened: rx.Var[str]
    name: rx.Var[str]


class _FromTop(rx.Component):
    library = browser_file(__file__, "drawer_focus.tsx")
    tag = "FromTop"
    order: rx.Var[str]


class _Toasts(_Behaviour):
    tag = "Toasts"
    items: rx.Var[list[Any]]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    on_act: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]
    on_gone: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class _Palette(_Behaviour):
    tag = "Palette"
    items: rx.Var[list[Any]]
    query: rx.Var[str]
    busy: rx.Var[bool]
    words: rx.Var[dict[str, dict[str, str]]]
    lang: rx.Var[str]
    on_search: rx.EventHandler[rx.event.passthrough_event_spec(str)]
    on_pick: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]


def product_clock(title: Any) -> rx.Component:
    """Keeps the product's time, the page's language and title; once a page (the shell has it)."""
    return _Clock.create(ms=Desk.clock_ms, speed=Desk.clock_speed, lang=Desk.language, title=title)


def age(rep_id: Any, at_ms: Any, **props: Any) -> rx.Component:
    """A ticking age such as `12 s`; for a rep it follows the live socket. `at_ms` 0 shows a dash."""
    return _Age.create(rep_id=rep_id, at_ms=at_ms, lang=Desk.language, **props)


def ticker(every_ms: int, on_tick: Any) -> rx.Component:
    """Calls at once, then every so often while the page is visible."""
    return _Ticker.create(every_ms=every_ms, on_tick=on_tick)


def theme_button() -> rx.Component:
    """Light, dark, as the system wishes; kept in the browser."""
    keys = ("desk.theme", "desk.theme.light", "desk.theme.dark", "desk.theme.system")
    return _ThemeButton.create(words=all_texts(*keys), lang=Desk.language)


def keys(names: list[str], on_key: Any) -> rx.Component:
    """Calls `on_key(name)` for plain keys (KeyboardEvent.key, letters lower case) outside fields."""
    return _Keys.create(keys=names, on_key=on_key)


def kept_focus() -> rx.Component:
    """Gives the focus back when what it was in closes; Escape presses what is marked `LEAVES`; once a page."""
    return _KeptFocus.create()


def drawer_focus(opened: Any, name: Any) -> rx.Component:
    """In the drawer of a list's row: takes the focus of a row opened by a key, and gives it back."""
    return _DrawerFocus.create(opened=opened, name=name)


def from_top(order: Any) -> rx.Component:
    """In a list's scrolling pane: goes back to its first row when the order or the search changes."""
    return _FromTop.create(order=order)


def toast_stack(items: Any, on_act: Any, on_gone: Any) -> rx.Component:
    """At most three messages at the bottom right."""
    texts = all_texts("desk.messages", "desk.dismiss", "desk.call")
    return _Toasts.create(
        items=items, words=texts, lang=Desk.language, on_act=on_act, on_gone=on_gone
    )


def palette(items: Any, query: Any, busy: Any, on_search: Any, on_pick: Any) -> rx.Component:
    """The search box and, with Ctrl K, its palette."""
    texts = all_texts("desk.search", "desk.searching", "desk.nothing_found")
    return _Palette.create(items=items, query=query, busy=busy, words=texts, lang=Desk.language,
                           on_search=on_search, on_pick=on_pick)  # fmt: skip
