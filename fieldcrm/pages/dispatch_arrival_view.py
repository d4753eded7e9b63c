"""A visit's arrival links within its menu on the live desk."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button, icon_button
from fieldcrm.components.words import words
from fieldcrm.pages.dispatch_arrival import ArrivalRow
from fieldcrm.pages.dispatch_day import VisitRow
from fieldcrm.pages.dispatch_state import Dispatch


def arrival_links(v: rx.Var[VisitRow]) -> rx.Component:
    """The button that opens them, and what is open."""
    is_open = Dispatch.arrival_of == v.id
    opens = button(
        icon("link", "s"), words("arrival.link.title"), small=True,
        on_click=Dispatch.show_arrivals(v.id), aria_expanded=rx.cond(is_open, "true", "false"),
    )  # fmt: skip
    return rx.cond(
        Dispatch.is_today,
        rx.fragment(
            rx.el.div(opens, class_name="row g1"), rx.cond(is_open, _links(), rx.fragment())
        ),
        rx.fragment(),
    )


def _links() -> rx.Component:
    trouble = rx.el.p(Dispatch.arrival_trouble, class_name="note err", role="alert")
    return rx.el.div(
        rx.el.p(words("arrival.link.about"), class_name="t1 muted"),
        rx.cond(Dispatch.arrival_trouble != "", trouble, rx.fragment()),
        rx.cond(Dispatch.arrival_url != "", _address(), rx.fragment()),
        rx.foreach(Dispatch.arrivals, _link),
        rx.el.div(
            button(
                words("arrival.link.make"),
                kind="soft",
                small=True,
                on_click=Dispatch.make_arrival,
            ),
            class_name="row",
        ),
        class_name="arr",
    )


def _address() -> rx.Component:
    """The new link's address: it can't be shown again later."""
    return rx.el.div(
        rx.el.input(
            value=Dispatch.arrival_url, read_only=True, class_name="input sm",
            aria_label=words("arrival.link.address"),
        ),
        icon_button("clipboard-check", words("arrival.link.copy"),
                    on_click=rx.set_clipboard(Dispatch.arrival_url)),
        rx.el.a(icon("message-square", "s"), href=f"sms:?&body={Dispatch.arrival_url}",
                class_name="btn ghost icon sm", aria_label=words("arrival.link.send"),
                title=words("arrival.link.send")),
        class_name="row g1",
    )  # fmt: skip


def _link(row: rx.Var[ArrivalRow]) -> rx.Component:
    return rx.el.div(
        rx.el.span(row.text, class_name="t1 el"),
        rx.el.span(class_name="sp"),
        button(
            words("arrival.link.revoke"),
            kind="ghost",
            small=True,
            on_click=Dispatch.revoke_arrival(row.id),
        ),
        class_name="row g1",
        key=row.id,
    )
