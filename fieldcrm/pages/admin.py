"""What the administrator's pages share: the row of sections under the bar."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import BEGINS
from fieldcrm.components.shell import page
from fieldcrm.components.words import words

SECTIONS = (
    ("/admin", "admin.users", "users"), ("/admin/teams", "admin.teams", "layers"),
    ("/admin/territories", "admin.territories", "map-pin"),
    ("/admin/devices", "admin.devices", "smartphone"),
    ("/admin/forms", "form_admin.forms", "file-text"),
    ("/admin/fields", "own_fields.fields", "contact"),
    ("/admin/import", "admin.import", "upload"), ("/admin/events", "admin.events", "history"),
    ("/admin/data", "privacy.data", "clock"), ("/admin/person", "privacy.person", "user"),
)  # fmt: skip
OFFICE = "/rep/office/"
"""Where phones' sealed exports are brought in: a page of the phone app, not of these."""


def admin_page(path: str, *children: Any, drawer: Any = None) -> rx.Component:
    """A section: its tab marked, content in the middle, a drawer at the right when there is one."""
    tabs = rx.el.nav(
        *[_tab(*section, is_here=section[0] == path) for section in SECTIONS],
        rx.el.a(icon("lock", "s"), words("correct.office"), href=OFFICE, custom_attrs={"reloadDocument": True}),
        class_name="tabs", aria_label=words("admin.sections"),
    )  # fmt: skip
    name = next(label for section, label, _ in SECTIONS if section == path)
    title = rx.el.h2(words(name), class_name="vh", tab_index=-1, custom_attrs=BEGINS)
    body = rx.el.div(title, *children, class_name="ad-b")
    return page(
        "/admin", words("desk.nav.admin"), tabs,
        rx.el.div(body, *([drawer] if drawer is not None else []), class_name="ad-w"),
        class_name="ad",
    )  # fmt: skip


def _tab(path: str, label: str, glyph: str, is_here: bool) -> rx.Component:
    current = {"aria_current": "page"} if is_here else {}
    return rx.el.a(icon(glyph, "s"), words(label), href=path, **current)


def said(text: Any, tone: str = "err") -> rx.Component:
    """A refusal or a confirmation above a form's buttons."""
    line = rx.el.div(rx.el.span(text), class_name=f"note {tone}", role="alert")
    return rx.cond(text != "", line, rx.fragment())


def labelled(label: Any, control: rx.Component, wide: bool = False) -> rx.Component:
    """A form's field: label above control."""
    return rx.el.label(rx.el.span(label), control, class_name="field wide" if wide else "field")
