"""Parts every desk page is made of; plain elements with the classes of assets/desk.css.

A label is a Var from `words("key")` or a State's var. Tables: `table(...)` with rows as `rx.el.tr`.
"""

from __future__ import annotations

from typing import Any, Literal

import reflex as rx

from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.words import words

Drawing = Literal["no_plan", "no_match", "broken", "locked"]


def button(*children: Any, kind: str = "", small: bool = False, **props: Any) -> rx.Component:
    """A button: kind is primary, soft, ghost, danger, `danger solid` or empty (outline)."""
    names = ["btn", kind, "sm" if small else ""]
    props.setdefault("type", "button")
    return rx.el.button(*children, class_name=" ".join(n for n in names if n), **props)


LEAVES = {"data-leave": ""}
"""Attributes (`custom_attrs`) of the button that Escape presses to leave its row, form or drawer."""


BEGINS = {"data-begins": ""}
"""Attributes of a page's heading behind its own menu: there the skip link and the next page begin."""


LANDS = {"data-lands": ""}
"""Attributes of what gets the focus when a step replaces the one that had it."""


def icon_button(
    name: str, label: Any, kind: str = "ghost", small: bool = True, **props: Any
) -> rx.Component:
    """A button that is an icon only; `label` is its name and its tooltip."""
    return button(
        icon(name), kind=f"{kind} icon", small=small, aria_label=label, title=label, **props
    )


def kbd(text: str) -> rx.Component:
    """A key's hint."""
    return rx.el.kbd(text, class_name="kbd")


def badge(*children: Any, tone: Any = "") -> rx.Component:
    """A small label: tone is confirmed, doubtful, contradicted, ok, warn, err, visit, accent, line, dash."""
    return rx.el.span(*children, class_name=f"badge {tone}")


def category(letter: Any) -> rx.Component:
    """A client's category A, B or C; nothing for a client without one."""
    return rx.cond(
        letter == "",
        rx.fragment(),
        rx.el.span(letter, class_name=f"cat {letter.lower()}", title=letter),
    )


def verdict_glyph(verdict: Any, label: Any, size: str = "l") -> rx.Component:
    """confirmed, doubtful, contradicted or unjudged as its shape; `label` says it in words."""
    return glyph(verdict, size, label=label)


def segments(*options: tuple[Any, Any, Any], label: Any) -> rx.Component:
    """A switch of few choices: (text, is_chosen, on_click) each."""
    buttons = [
        rx.el.button(
            text, type="button", aria_pressed=rx.cond(chosen, "true", "false"), on_click=act
        )
        for text, chosen, act in options
    ]
    return rx.el.div(*buttons, class_name="seg", role="group", aria_label=label)


def field(label: Any, control: rx.Component, hint: Any = None, error: Any = None) -> rx.Component:
    """A labelled form control; `control` needs the id that the label's `html_for` would name."""
    notes = []
    if hint is not None:
        notes.append(rx.el.p(hint, class_name="hint"))
    if error is not None:
        shown = rx.el.p(glyph("contradicted", "s"), error, class_name="hint bad", role="alert")
        notes.append(rx.cond(error != "", shown, rx.fragment()))
    return rx.el.div(rx.el.label(rx.el.span(label), control), *notes, class_name="field")


def text_input(**props: Any) -> rx.Component:
    """A text field."""
    return rx.el.input(class_name=f"input {props.pop('class_name', '')}".strip(), **props)


def select(options: list[tuple[str, Any]] | rx.Var, **props: Any) -> rx.Component:
    """A native choice: (value, text) pairs, or a Var of rows with `value` and `text`."""
    if isinstance(options, rx.Var):
        items = rx.foreach(options, lambda o: rx.el.option(o.text, value=o.value))
        return rx.el.select(items, class_name="input", **props)
    made = [rx.el.option(text, value=value) for value, text in options]
    return rx.el.select(*made, class_name="input", **props)


def card(title: Any, *children: Any, actions: Any = None, **props: Any) -> rx.Component:
    """A panel with a title."""
    head = [rx.el.h2(title), rx.el.span(class_name="sp")]
    if actions is not None:
        head.append(actions)
    names = f"card {props.pop('class_name', '')}".strip()
    return rx.el.section(rx.el.header(*head), *children, class_name=names, **props)


def table(
    headings: list[tuple[Any, str]], *body: Any, tight: bool = False, label: Any = None
) -> rx.Component:
    """A table: headings are (text, class), class `num` for numbers; body is rows or a foreach of rows."""
    cells = [rx.el.th(text, class_name=name, scope="col") for text, name in headings]
    named = {} if label is None else {"aria_label": label}
    return rx.el.table(
        rx.el.thead(rx.el.tr(*cells)),
        rx.el.tbody(*body),
        class_name="tbl tight" if tight else "tbl",
        **named,
    )


def note(tone: str, *children: Any, **props: Any) -> rx.Component:
    """A line of advice across a pane: tone is info, ok, warn or err."""
    return rx.el.div(*children, class_name=f"note {tone} offb", **props)


def drawer(label: Any, title: Any, on_close: Any, *body: Any, foot: Any = None) -> rx.Component:
    """A panel at the right: subject in its head, decisions in a fixed foot."""
    head = rx.el.div(
        rx.el.h2(title, class_name="el"), rx.el.span(class_name="sp"),
        icon_button("x", words("desk.close"), on_click=on_close), class_name="sec-h",
    )  # fmt: skip
    feet = [] if foot is None else [rx.el.div(foot, class_name="dr-f")]
    return rx.el.aside(
        head,
        rx.el.div(*body, class_name="dr-b", tab_index=0),
        *feet,
        class_name="drawer",
        aria_label=label,
    )


# ── nothing to show ──────────────────────────────────────────────────────────────────────────────


def empty(
    drawing: Drawing, title: Any, text: Any, *actions: Any, heading: Any = rx.el.h3
) -> rx.Component:
    """A pane with nothing to show: a drawing, a title, one sentence, one action."""
    row = [rx.el.div(*actions, class_name="row")] if actions else []
    return rx.el.div(
        _DRAWINGS[drawing](),
        heading(title, class_name="t3"),
        rx.el.p(text),
        *row,
        class_name="empty",
    )


def failed(title: Any, text: Any, on_retry: Any) -> rx.Component:
    """A pane that could not be loaded, with a way to try again."""
    retry = button(icon("refresh-cw", "s"), words("desk.try_again"), small=True, on_click=on_retry)
    return rx.el.div(empty("broken", title, text, retry), role="alert")


def skeleton(rows: int = 5, height_px: int = 36) -> rx.Component:
    """Rows that keep their height while the real ones load; seen after 300 ms only."""
    widths = ("40%", "30%", "46%", "26%", "36%")
    lines = [_skeleton_row(widths[n % len(widths)], height_px) for n in range(rows)]
    return rx.el.div(*lines, class_name="skl late-in", aria_busy="true", role="status",
                     aria_label=words("desk.loading"))  # fmt: skip


def _skeleton_row(width: str, height_px: int) -> rx.Component:
    def bar(**style: str) -> rx.Component:
        return rx.el.span(class_name="sk", style={"height": "10px", **style})

    return rx.el.div(
        bar(width="16px", height="16px", border_radius="50%"), bar(width=width),
        rx.el.span(class_name="sp"), bar(width="26px"), bar(width="34px"),
        class_name="row", style={"height": f"{height_px}px"},
    )  # fmt: skip


def _art(*children: rx.Component) -> rx.Component:
    return rx.el.svg(
        *children, class_name="art", view_box="0 0 96 64", aria_hidden="true", fill="none",
        stroke="var(--line-strong)", stroke_width="2", stroke_linecap="round", stroke_linejoin="round",
    )  # fmt: skip


def _no_plan() -> rx.Component:
    return _art(
        rx.el.path(d="M6 50C22 30 34 58 48 40S76 18 90 28", stroke_dasharray="5 5"),
        rx.el.circle(cx="20", cy="41", r="5", fill="var(--panel)"),
        rx.el.circle(cx="48", cy="40", r="5", fill="var(--panel)"),
        rx.el.path(
            d="M76 8c-5 0-9 3.8-9 8.6C67 23 76 32 76 32s9-9 9-15.4C85 11.8 81 8 76 8Z",
            fill="var(--accent-soft)", stroke="var(--accent)",
        ),
        rx.el.circle(cx="76", cy="17", r="2.6", stroke="var(--accent)"),
    )  # fmt: skip


def _no_match() -> rx.Component:
    return _art(
        rx.el.circle(cx="42", cy="28", r="18"),
        rx.el.path(d="m56 42 14 14"),
        rx.el.path(d="M35 21l14 14m0-14L35 35", stroke="var(--accent)"),
    )


def _broken() -> rx.Component:
    return _art(
        rx.el.rect(x="14", y="10", width="68", height="18", rx="4"),
        rx.el.rect(x="14", y="36", width="68", height="18", rx="4"),
        rx.el.path(d="M24 19h.1M24 45h.1M34 19h20"),
        rx.el.path(d="m60 40 10 10m0-10L60 50", stroke="var(--contradicted)"),
    )


def _locked() -> rx.Component:
    return _art(
        rx.el.rect(x="30", y="28", width="36", height="28", rx="5", fill="var(--sunken)"),
        rx.el.path(d="M37 28v-8a11 11 0 0 1 22 0v8"),
        rx.el.circle(cx="48", cy="41", r="3", stroke="var(--accent)"),
        rx.el.path(d="M48 44v5", stroke="var(--accent)"),
    )


_DRAWINGS = {"no_plan": _no_plan, "no_match": _no_match, "broken": _broken, "locked": _locked}
