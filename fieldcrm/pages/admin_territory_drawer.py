"""The drawer of a territory: the map of its area, the form of its rule, its workload."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.clients.model import CATEGORIES, ClientKind
from fieldcrm.components import behaviour
from fieldcrm.components.parts import LEAVES, button, icon_button
from fieldcrm.components.territory_draw import territory_draw
from fieldcrm.components.words import words
from fieldcrm.pages.admin import said
from fieldcrm.pages.admin_territory_state import AdminTerritory
from fieldcrm.pages.admin_territory_words import TYPED


def territory_drawer() -> rx.Component:
    """Beside the list while a territory is open."""
    return rx.cond(AdminTerritory.opened != "", _drawer(), rx.fragment())


def _drawer() -> rx.Component:
    name = AdminTerritory.name
    head = rx.el.div(
        behaviour.drawer_focus(AdminTerritory.opened, name),
        rx.el.h2(name, class_name="el"), rx.el.span(class_name="sp"),
        icon_button("x", words("desk.close"), on_click=AdminTerritory.close, custom_attrs=LEAVES),
        class_name="sec-h",
    )  # fmt: skip
    body = rx.el.div(
        _area(),
        _rule(),
        _workload(),
        class_name="dr-b",
        tab_index=0,
        role="region",
        aria_label=name,
    )
    return rx.el.aside(
        head, body, class_name="drawer te-d", aria_label=words("territory.area_and_rule")
    )


def _area() -> rx.Component:
    size = rx.cond(AdminTerritory.size != "", AdminTerritory.size, words("territory.no_area"))
    heard = rx.el.p(AdminTerritory.heard, class_name="vh", role="status")
    return rx.el.section(
        rx.el.div(rx.el.h3(words("territory.area")), rx.el.span(size, class_name="muted t1 num"), class_name="row te-a"),
        territory_draw(AdminTerritory), heard, _bad("area"), class_name="te-g",
    )  # fmt: skip


def _bad(name: str) -> rx.Component:
    """What is wrong with a field, below it."""
    text = rx.el.p(AdminTerritory.problem, class_name="hint bad", role="alert", id=f"te-bad-{name}")
    return rx.cond(AdminTerritory.bad_field == name, text, rx.fragment())


def _rule() -> rx.Component:
    f = AdminTerritory.form
    general = rx.cond(AdminTerritory.bad_field == "", AdminTerritory.problem, "")
    again = button(
        words("territory.read_again"),
        small=True,
        on_click=AdminTerritory.open(AdminTerritory.opened),
    )
    return rx.el.form(
        rx.el.h3(words("territory.rule"), class_name="wide"),
        rx.el.p(words("territory.rule_why"), class_name="muted t1 wide"),
        _ticks("kinds", [(k.value, words(f"form_admin.kind.{k.value}")) for k in ClientKind], f.kinds),
        _ticks("categories", [(c, c) for c in CATEGORIES], f.categories),
        *[_typed(n, getattr(f, n)) for n in TYPED],
        said(general), rx.cond(AdminTerritory.is_stale, rx.el.div(again, class_name="row"), rx.fragment()),
        rx.el.div(button(words("admin.save"), kind="primary", type="submit"),
                  button(words("admin.cancel"), kind="ghost", on_click=AdminTerritory.close), class_name="row"),
        on_submit=AdminTerritory.save, class_name="ad-f te-g", key=f"{f.id}:{f.version}", no_validate=True,
    )  # fmt: skip


def _ticks(name: str, options: list[tuple[str, Any]], chosen: Any) -> rx.Component:
    ticks = [
        rx.el.label(
            rx.el.input(type="checkbox", name=f"{name}:{value}", default_checked=chosen.contains(value)),
            text, class_name="tick",
        )
        for value, text in options
    ]  # fmt: skip
    return rx.el.fieldset(
        rx.el.legend(words(f"territory.{name}")), *ticks, _bad(name), class_name="field ticks wide"
    )


def _typed(name: str, value: Any) -> rx.Component:
    is_bad = AdminTerritory.bad_field == name
    control = rx.el.input(
        name=name, default_value=value, type="text", class_name=rx.cond(is_bad, "input is-err", "input"),
        aria_invalid=rx.cond(is_bad, "true", "false"), aria_describedby=rx.cond(is_bad, f"te-bad-{name}", None),
        placeholder=words(f"territory.{name}.eg"), auto_complete="off",
    )  # fmt: skip
    label = rx.el.label(rx.el.span(words(f"territory.{name}")), control, class_name="field")
    return rx.el.div(label, _bad(name))


def _workload() -> rx.Component:
    rows = rx.foreach(
        AdminTerritory.loads, lambda a: rx.el.div(rx.el.dt(a.label), rx.el.dd(a.value))
    )
    return rx.el.section(
        rx.el.h3(words("territory.workload")), rx.el.dl(rows, class_name="facts pv-a"), class_name="te-g te-wl"
    )  # fmt: skip
