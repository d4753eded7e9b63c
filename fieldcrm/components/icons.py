"""Icons (Lucide, `i-*`) and the product's own glyphs (`g-*`) from the one sprite, assets/icons.svg."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false

from __future__ import annotations

from typing import Any

import reflex as rx

SPRITE = "/icons.svg"


def icon(name: str | rx.Var[str], size: str = "") -> rx.Component:
    """An icon of 16 px (`s` 14, `l` 20); decorative, so name the button it stands in."""
    return _use(f"{SPRITE}#i-{name}", f"i {size}".strip(), None)


def glyph(name: str | rx.Var[str], size: str = "", label: Any = None) -> rx.Component:
    """A state, verdict or kind glyph of 14 px (`s` 12, `l` 18); `label` makes it an image with a name."""
    return _use(f"{SPRITE}#g-{name}", f"g {size}".strip(), label)


def _use(href: Any, class_name: str, label: Any) -> rx.Component:
    spoken = {"aria_hidden": "true"} if label is None else {"role": "img", "aria_label": label}
    return rx.el.svg(rx.el.svg.use(href=href), class_name=class_name, **spoken)


def logo() -> rx.Component:
    """The product's mark."""
    return rx.el.svg(
        rx.el.rect(width="28", height="28", rx="7", fill="var(--accent)"),
        rx.el.path(
            d="M14 5.5c-3.6 0-6.3 2.7-6.3 6.1 0 4.4 6.3 10.9 6.3 10.9s6.3-6.5 6.3-10.9"
            "c0-3.4-2.7-6.1-6.3-6.1Z",
            fill="var(--on-accent)",
        ),
        rx.el.path(
            d="m11.3 11.7 1.9 1.9 3.6-3.9", fill="none", stroke="var(--accent)",
            stroke_width="1.9", stroke_linecap="round", stroke_linejoin="round",
        ),
        view_box="0 0 28 28", aria_hidden="true",
    )  # fmt: skip
