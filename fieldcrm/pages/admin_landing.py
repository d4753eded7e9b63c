"""The line above the territories: clients that none has, and letting them land."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import reflex as rx

from fieldcrm.components.parts import button
from fieldcrm.components.words import words
from fieldcrm.pages.admin import said
from fieldcrm.pages.admin_landing_state import AdminLanding


def landing_strip() -> rx.Component:
    """Nothing where every client has a territory."""
    waits = rx.cond(AdminLanding.waits > 0, _waits(), rx.fragment())
    shown = rx.cond(AdminLanding.is_landing, _under_way(), waits)
    result = rx.el.div(AdminLanding.result, class_name=f"note {AdminLanding.tone}")
    heard = rx.el.div(
        rx.cond(AdminLanding.result != "", result, rx.fragment()), role="status", class_name="te-s"
    )
    return rx.fragment(shown, heard, said(AdminLanding.problem))


def _waits() -> rx.Component:
    where = rx.el.span(
        words("territory.lands_in"), " ",
        rx.foreach(AdminLanding.lands, lambda t: rx.el.span(t.name, " ", rx.el.b(t.count), class_name="te-l")),
        AdminLanding.more,
    )  # fmt: skip
    none = rx.el.span(words("territory.lands_nowhere"))
    act = button(words("territory.land"), kind="primary", small=True, on_click=AdminLanding.land)
    can = AdminLanding.will > 0
    return rx.el.div(
        rx.el.b(AdminLanding.told), rx.cond(can, where, none), rx.el.span(class_name="sp"),
        rx.cond(can, act, rx.fragment()), class_name="note info te-s te-n",
    )  # fmt: skip


def _under_way() -> rx.Component:
    bar = rx.el.div(
        rx.el.i(style={"width": f"{AdminLanding.percent}%"}), class_name="bart", role="progressbar",
        aria_valuenow=AdminLanding.percent, aria_valuemin=0, aria_valuemax=100,
        aria_label=words("territory.landing"),
    )  # fmt: skip
    stop = button(words("admin.cancel"), small=True, on_click=AdminLanding.stop)
    return rx.el.div(
        rx.el.b(words("territory.landing")), bar, rx.el.span(f"{AdminLanding.percent}%", class_name="num"),
        stop, class_name="note info te-s te-n",
    )  # fmt: skip
