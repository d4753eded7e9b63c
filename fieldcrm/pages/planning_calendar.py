"""A cycle's calendar, and what is held over it: shared by the planning page and a rep's own cycle."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.cycle_map import cycle_map
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import category, icon_button
from fieldcrm.components.words import words

NOT_THERE = rx.Var("undefined")
"""An attribute that is left out."""


def calendar(state: Any, title: Any, legend: Any, can_lock: bool = False) -> rx.Component:
    """Weeks of days; `state` is one of `planning_held`, with its weeks in `calendar`."""

    def week(each: Any) -> rx.Component:
        figures = rx.el.span(each.figures, class_name="muted")
        days = rx.foreach(each.days, lambda d: _day(d, state, can_lock))
        return rx.el.section(
            rx.el.h3(words("cycle.week_of"), " ", each.label, figures),
            rx.el.div(days, class_name="cy-w"), class_name="cy-wk",
        )  # fmt: skip

    return rx.el.section(
        rx.el.div(
            rx.el.h2(title, class_name="el"), rx.el.span(class_name="sp"), legend,
            class_name="row cy-ch",
        ),
        rx.el.div(rx.foreach(state.calendar, week), class_name="scr cy-c", tab_index=0,
                  role="region", aria_label=words("cycle.calendar")),
        class_name="cy-m",
    )  # fmt: skip


def _day(day: Any, state: Any, can_lock: bool) -> rx.Component:
    bar = rx.el.div(
        rx.el.i(style={"width": f"{day.share}%"}), class_name="bart", aria_hidden="true"
    )
    price = rx.cond(
        state.prices[day.day], rx.el.span(state.prices[day.day], class_name="cy-pr"), rx.fragment()
    )
    head = [rx.el.b(day.label), rx.el.span(day.figures, class_name="muted")]
    return rx.el.div(
        rx.el.div(*head, class_name="cy-dh"), *([_lock(day, state)] if can_lock else []),
        bar, price,
        rx.el.ul(rx.foreach(day.visits, lambda v: _visit(v, state)), aria_label=day.label),
        rx.cond(day.more != "", rx.el.span(day.more, class_name="t1 muted"), rx.fragment()),
        class_name=f"cy-day {day.tone}",
        custom_attrs={
            "data-day": day.day, "data-cy-open": rx.cond(day.is_open, "1", NOT_THERE),
            "data-price": state.prices[day.day], "data-breaks": state.breaks[day.day],
            "data-tone": state.tones[day.day],
        },
    )  # fmt: skip


def _lock(day: Any, state: Any) -> rx.Component:
    on = icon_button("lock", words("hand.unlock_day"), on_click=state.lock_day(day.day, False))
    off = icon_button("lock-open", words("hand.lock_day"), on_click=state.lock_day(day.day, True))
    lock = rx.el.span(rx.cond(day.is_locked, on, off), class_name="cy-lk")
    return rx.cond(day.can_lock & (state.status == ""), lock, rx.fragment())


def _visit(visit: Any, state: Any) -> rx.Component:
    mark = rx.match(
        visit.kind, ("locked", icon("lock", "s")),
        ("closed", icon("check", "s")), rx.fragment(),
    )  # fmt: skip
    told = [category(visit.category), rx.el.span(visit.name, class_name="el"), mark]
    can_hold = visit.can_move | (visit.kind == "locked")
    held = rx.el.button(
        *told, type="button", class_name="cy-vb", on_click=state.pick(visit.visit_id, ""),
        title=visit.note, aria_pressed=rx.cond(state.held_visit == visit.visit_id, "true", "false"),
        custom_attrs={"data-cy-visit": rx.cond(visit.can_move, visit.visit_id, NOT_THERE),
                      "data-title": visit.name},
    )  # fmt: skip
    plain = rx.el.span(*told, class_name="cy-vb", title=visit.note)
    return rx.el.li(rx.cond(can_hold, held, plain), class_name=f"cy-v {visit.kind}")


def beside(state: Any, below: Any) -> rx.Component:
    """The map above what is held or listed."""
    drawn = cycle_map(state.pins, state.held_visit, words("hand.map"))
    return rx.el.div(rx.el.div(drawn, class_name="cy-map"), below, class_name="cy-side")


def held_panel(state: Any, *more: Any) -> rx.Component:
    """What is held: why it is where it is, and every day that could have it, cheapest first."""
    away = icon_button("x", words("hand.put_back"), on_click=state.put_back)
    why = rx.cond(
        state.held_why.length() > 0,
        rx.fragment(
            rx.el.h3(words("hand.why"), class_name="cy-h"),
            rx.el.ul(rx.foreach(state.held_why, lambda text: rx.el.li(text)), class_name="cy-why"),
        ),
        rx.fragment(),
    )
    nowhere = rx.el.p(words("hand.nowhere"), class_name="muted cy-why")
    days = rx.el.ul(rx.foreach(state.elsewhere, lambda row: _offer(row, state)), class_name="cy-ps")
    return rx.el.section(
        rx.el.div(rx.el.h2(state.held_name, class_name="el"), rx.el.span(class_name="sp"), *more,
                  away, class_name="row cy-ch"),
        rx.el.div(
            why, rx.el.h3(words("hand.elsewhere"), class_name="cy-h"),
            rx.cond(state.elsewhere.length() > 0, days, nowhere),
            class_name="scr", tab_index=0, role="region", aria_label=words("hand.elsewhere"),
        ),
        class_name="cy-s", aria_label=words("hand.visit"),
    )  # fmt: skip


def _offer(row: Any, state: Any) -> rx.Component:
    breaks = rx.cond(row.breaks != "", rx.el.span(row.breaks, class_name="cy-br"), rx.fragment())
    return rx.el.li(
        rx.el.button(
            rx.el.span(row.label, class_name="med"), rx.el.span(row.cost, class_name="num nw"), breaks,
            type="button", class_name="cy-of", disabled=state.is_held_locked | (state.status != ""),
            on_click=state.drop(state.held_visit, state.held_client, row.day, row.rep_id),
        )
    )  # fmt: skip
