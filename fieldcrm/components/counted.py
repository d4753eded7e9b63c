"""Counts by value as bars beside a list; a press on one narrows the list to it."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import icon_button
from fieldcrm.components.words import words
from fieldcrm.kit import i18n


@dataclass
class Bar:
    """How many have a value, with the bar's length in percent of the longest."""

    value: str
    label: str
    count: str
    percent: int


def bars(counted: Iterable[tuple[str, str, int]], language: str) -> list[Bar]:
    """(value, label, n) as bars."""
    told = list(counted)
    most = max((n for *_, n in told), default=0) or 1
    return [
        Bar(value, label, i18n.number(n, language), round(100 * n / most))
        for value, label, n in told
    ]


def counted_panel(title: Any, rows: Any, close: Any, choose: Any = None) -> rx.Component:
    """A card of bars; `choose(value)` makes their labels press the list to that value."""

    def line(bar: Any) -> rx.Component:
        label = rx.el.span(bar.label, class_name="el", title=bar.label)
        if choose is not None:
            label = rx.el.button(bar.label, type="button", class_name="way el", title=bar.label,
                                 on_click=choose(bar.value))  # fmt: skip
        return rx.el.li(
            label, rx.el.span(rx.el.i(style={"width": f"{bar.percent}%"}), class_name="of-bar", aria_hidden="true"),
            rx.el.span(bar.count, class_name="num"),
        )  # fmt: skip

    head = rx.el.div(
        icon("chart-no-axes-column", "s"), rx.el.h3(title), rx.el.span(class_name="sp"),
        icon_button("x", words("desk.close"), on_click=close), class_name="sec-h",
    )  # fmt: skip
    return rx.el.section(
        head, rx.el.ul(rx.foreach(rows, line), class_name="of-c"), class_name="card"
    )
