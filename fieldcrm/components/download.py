"""A link to a file of the API; the browser fetches it, not the pages' own router."""

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon


def download(label: Any, href: Any) -> rx.Component:
    """A small button that saves what `href` answers."""
    return rx.el.a(
        icon("download", "s"), label, href=href, class_name="btn sm",
        custom_attrs={"download": "", "reloadDocument": True},
    )  # fmt: skip
