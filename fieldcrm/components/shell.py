"""The frame of every desk page: rail, bar, messages, what shows while nobody is known yet.

How a new page uses it (its State beside it, one file under fieldcrm/pages):

    class Reports(Desk):                       # from components.session
        @rx.event
        @allows(MANAGING)                      # every handler has a rule
        async def load(self):                  # the page's on_load; runs again on a language switch
            actor = await self._enter()        # fills name, role, language; then this page's data
            self.rows = await asyncio.to_thread(report_rows, actor, self.language)

    def reports() -> rx.Component:
        return page("/manager", words("report.title"), body..., bar=[filters...])

    in fieldcrm/fieldcrm.py:  app.add_page(reports, route="/manager", title=..., on_load=Reports.load)

The rail's places are in components/navigation.py, buttons, tables, drawers and empty states in
components/parts.py, labels by `words("part.key")`, everything with numbers or names by `self._t(...)`.
A message at the bottom right: `(await self.get_state(Messages))._say(Toast(...))` (components/messages,
components/alerts); a page that answers a toast's buttons gives `on_toast=State.handler(id, name)`.
"""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.alerts import Alerts, bell
from fieldcrm.components.icons import icon, logo
from fieldcrm.components.messages import Messages
from fieldcrm.components.navigation import PAGES, Page
from fieldcrm.components.parts import button, skeleton
from fieldcrm.components.search import search_box
from fieldcrm.components.session import DISPATCHING, MANAGING, Desk
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.people.model import Role

LANGUAGE_NAMES = {"en": "English", "ru": "Русский", "ro": "Română"}
ALERTS_EVERY_MS = 30_000


def page(
    path: str, title: Any, *children: Any, bar: list[Any] | None = None, class_name: str = "",
    toasts: Any = None, on_toast: Any = None, on_toast_gone: Any = None,
) -> rx.Component:  # fmt: skip
    """A desk page: `path` marks its place in the rail, `bar` stands right of the title, `class_name`
    is that of the main pane. A page with toasts of its own gives all three of the last arguments."""
    main = rx.el.main(
        rx.cond(Desk.is_in, rx.fragment(*children), skeleton(8)),
        class_name=f"main {class_name}".strip(), id="main", tab_index=-1,
    )  # fmt: skip
    return rx.fragment(
        behaviour.product_clock(title),
        behaviour.kept_focus(),
        rx.cond(
            Desk.is_in & dispatches(),
            behaviour.ticker(ALERTS_EVERY_MS, Alerts.refresh),
            rx.fragment(),
        ),
        rx.el.div(_rail(path), _bar(title, bar or []), main, class_name="app"),
        behaviour.toast_stack(
            Messages.toasts if toasts is None else toasts,
            on_toast or Messages.wave_away_with,
            on_toast_gone or Messages.wave_away,
        ),
    )


def dispatches() -> rx.Var[bool]:
    """Whether the reader's role sees the live desk."""
    return _is_one_of(DISPATCHING)


def manages() -> rx.Var[bool]:
    """Whether the reader is a manager or an administrator."""
    return _is_one_of(MANAGING)


def _is_one_of(roles: frozenset[Role]) -> rx.Var[bool]:
    return rx.Var.create(sorted(role.value for role in roles)).contains(Desk.role)


def _rail(path: str) -> rx.Component:
    return rx.el.nav(
        rx.el.a(words("desk.skip"), href="#main", class_name="skip"),
        rx.el.a(logo(), href="/", class_name="logo", aria_label="fieldcrm"),
        *[_place(place, path) for place in PAGES],
        rx.el.span(class_name="sp"),
        button(
            icon("keyboard"), kind="ghost icon", aria_label=words("desk.shortcuts"),
            title=words("desk.shortcuts"), custom_attrs={"popoverTarget": "shortcuts"},
        ),
        _shortcuts(),
        class_name="rail", aria_label=words("desk.main_menu"),
    )  # fmt: skip


def _place(place: Page, path: str) -> rx.Component:
    current = {"aria_current": "page"} if place.path == path else {}
    alarm = rx.cond(Alerts.new_count > 0, rx.el.span(class_name="pip"), rx.fragment())
    link = rx.el.a(
        icon(place.icon), words(place.label),
        *([alarm] if place.path == "/dispatch" and not current else []),
        href=place.path, class_name="nav", title=words(place.label), **current,
    )  # fmt: skip
    return rx.cond(_is_one_of(place.roles), link, rx.fragment())


def _bar(title: Any, extra: list[Any]) -> rx.Component:
    return rx.el.header(
        rx.el.h1(title), *extra,
        rx.el.span(class_name="sp"), search_box(), rx.el.span(class_name="sp"),
        rx.cond(Desk.is_sample, rx.el.span(words("desk.sample"), class_name="badge dash",
                                           title=words("desk.sample_why")), rx.fragment()),
        rx.cond(dispatches(), bell(), rx.fragment()),
        _language_menu(), behaviour.theme_button(), _user_menu(),
        class_name="bar",
    )  # fmt: skip


def _language_menu() -> rx.Component:
    opens = button(
        Desk.language.upper(), icon("chevron-down", "s"), kind="ghost", small=True,
        aria_label=words("desk.language"), title=words("desk.language"),
        custom_attrs={"popoverTarget": "languages"},
    )  # fmt: skip
    items = [
        rx.el.button(
            rx.el.span(LANGUAGE_NAMES[code], lang=code), rx.el.span(class_name="sp"),
            rx.cond(Desk.language == code, icon("check", "s"), rx.fragment()),
            type="button", class_name="mi", on_click=Desk.choose_language(code),
            custom_attrs={"popoverTarget": "languages", "popoverTargetAction": "hide"},
        )
        for code in i18n.LANGUAGES
    ]  # fmt: skip
    return rx.fragment(opens, _menu("languages", *items))


def _user_menu() -> rx.Component:
    opens = rx.el.button(
        Desk.user_initials, type="button", class_name="who", title=Desk.user_name,
        aria_label=f"{words('desk.user_menu')} {Desk.user_name}",
        custom_attrs={"popoverTarget": "user"},
    )  # fmt: skip
    about = rx.el.div(
        rx.el.b(Desk.user_name), rx.el.span(Desk.role_word, class_name="t1 muted"), class_name="mh"
    )
    leave = rx.el.button(
        icon("log-out", "s"),
        words("desk.sign_out"),
        type="button",
        class_name="mi",
        on_click=rx.call_script(
            "fetch('/api/v1/session',{method:'DELETE'}).finally(()=>location.assign('/sign-in'))"
        ),
    )
    return rx.fragment(opens, _menu("user", about, leave))


def _menu(name: str, *items: Any) -> rx.Component:
    return rx.el.div(
        *items, id=name, class_name=f"float menu m-{name}", custom_attrs={"popover": "auto"}
    )


def _shortcuts() -> rx.Component:
    known = (
        ("Ctrl K", "desk.key.search"), ("J K", "desk.key.next"), ("↵", "desk.key.apply"),
        ("Esc", "desk.key.discard"), ("Z", "desk.key.undo"), ("Alt ↑ ↓", "desk.key.move"),
        ("F", "desk.key.follow"), ("+ −", "desk.key.zoom"), ("0", "desk.key.everybody"), ("R", "desk.key.replan"),
    )  # fmt: skip
    rows = [
        rx.el.div(
            rx.el.dt(words(text)), rx.el.dd(rx.el.kbd(key, class_name="kbd")), class_name="kr"
        )
        for key, text in known
    ]
    return _menu("shortcuts", rx.el.h2(words("desk.shortcuts"), class_name="mh"), rx.el.dl(*rows))


def offline_pill(stateful: bool) -> rx.Component | None:
    """Says that the server doesn't answer, instead of Reflex's own toast."""
    from reflex_components_core.core.banner import has_connection_errors

    if not stateful:
        return None
    pill = rx.el.div(
        icon("wifi-off", "s"), words("desk.offline"), class_name="pill off", role="status"
    )
    return rx.fragment(rx.cond(has_connection_errors, pill, rx.fragment()))
