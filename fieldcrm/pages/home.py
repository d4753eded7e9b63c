"""`/` sends each role to its page; an unknown address says so."""

from __future__ import annotations

import reflex as rx

from fieldcrm.components.parts import empty, skeleton
from fieldcrm.components.words import words


def home() -> rx.Component:
    """Shown for a moment only: the page's on_load sends on."""
    return rx.el.main(skeleton(4), id="main")


def missing() -> rx.Component:
    """No page has this address."""
    back = rx.el.a(words("page.go_home"), href="/", class_name="btn")
    return rx.el.main(
        empty("no_match", words("page.missing"), words("page.missing_why"), back, heading=rx.el.h1),
        id="main",
        class_name="alone",
    )
