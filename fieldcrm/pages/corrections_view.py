"""Parts of an open correction: photos, the map's marks, check-ins, what else was asked."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge
from fieldcrm.components.words import words


def photos(c: Any) -> rx.Component:
    """What the rep saw there."""
    return rx.el.div(rx.foreach(c.photos, _photo_figure), class_name="sec co-ph")


def _photo_figure(photo: Any) -> rx.Component:
    image = rx.el.a(
        rx.el.img(src=photo.url, alt=words("correct.photo"), class_name="ph", loading="lazy"),
        href=photo.url, target="_blank", rel="noopener",
    )  # fmt: skip
    waits = rx.el.div(icon("clock", "l"), class_name="ph waits")
    caption = rx.el.figcaption(photo.caption, class_name="t1 muted")
    return rx.el.figure(rx.cond(photo.url != "", image, waits), caption)


def others(c: Any, state: Any) -> rx.Component:
    """The history: what was asked before and since, and what became of it."""
    listed = rx.el.ul(rx.foreach(c.others, lambda o: _other(o, state)), class_name="evl")
    return rx.el.div(rx.el.h3(words("correct.others")), listed, class_name="sec said")


def _other(o: Any, state: Any) -> rx.Component:
    name = rx.el.button(
        o.at, " · ", o.rep, type="button", class_name="way med", on_click=state.open(o.id)
    )
    decided = rx.cond(o.decided != "", f" · {o.decided}", "")
    return rx.el.li(
        rx.el.span(
            name, rx.el.br(), rx.el.span(o.change, class_name="t1"), rx.el.br(),
            rx.el.span(o.status_word, decided, class_name="t1 muted"),
        )
    )  # fmt: skip


def legend(c: Any) -> rx.Component:
    """What the map's marks are."""

    def mark(name: str, key: str) -> rx.Component:
        return rx.el.span(
            rx.el.i(class_name=f"co-k {name}"), words(key), class_name="row t1 muted nw"
        )

    return rx.el.div(
        rx.cond(c.has_new, rx.fragment(mark("old", "correct.was"), mark("new", "correct.wanted")), mark("old", "correct.now")),
        mark("seen", "correct.check_ins"),
        rx.el.span(class_name="sp"), rx.el.span(c.moved, class_name="t1 nw"), class_name="row co-l",
    )  # fmt: skip


def evidence(c: Any) -> rx.Component:
    """Where reps checked in at the client."""
    listed = rx.el.ul(rx.foreach(c.seen, _seen_line), class_name="evl")
    none = rx.el.p(words("correct.no_check_ins"), class_name="muted t1")
    return rx.el.div(
        rx.el.h3(words("correct.check_ins")),
        rx.cond(c.weighed != "", rx.el.p(c.weighed, class_name="t1"), rx.fragment()),
        rx.cond(c.seen.length() > 0, listed, none), class_name="sec said",
    )  # fmt: skip


def _seen_line(s: Any) -> rx.Component:
    mock = rx.cond(s.is_mock, badge(words("correct.mock"), tone="err"), rx.fragment())
    return rx.el.li(
        rx.cond(s.is_near, icon("check", "s"), icon("minus", "s")),
        rx.el.span(
            rx.el.a(s.title, href=f"/visits?visit={s.id}", class_name="way med"), " ", mock,
            rx.el.br(), rx.el.span(s.text, class_name="t1 muted"),
        ),
    )  # fmt: skip
