"""The live desk's right panel: the selected rep's phone and day, and the proposal about it."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.alerts import reach
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.parts import badge, button, category, empty, icon_button, segments
from fieldcrm.components.words import words
from fieldcrm.pages.dispatch_arrival_view import arrival_links
from fieldcrm.pages.dispatch_day import VisitRow
from fieldcrm.pages.dispatch_phone import PhoneFact
from fieldcrm.pages.dispatch_proposal import ChangeRow, CompareRow
from fieldcrm.pages.dispatch_state import Dispatch


def right_panel() -> rx.Component:
    """The panel, while a rep is selected."""
    rep: Any = Dispatch.chosen
    listed = rx.el.ol(
        rx.foreach(Dispatch.shown_day, _visit),
        class_name="tl",
        tab_index=0,
        aria_label=words("dispatch.visits"),
    )
    why = rx.cond(
        Dispatch.is_today,
        words("dispatch.no_visits_why"),
        words("dispatch.no_visits_then_why"),
    )
    title = rx.cond(
        Dispatch.is_today, words("dispatch.no_visits"), words("dispatch.no_visits_then")
    )
    nothing = empty("no_plan", title, why)
    return rx.el.aside(
        rx.cond(Dispatch.chosen, _head(rep), rx.fragment()),
        rx.cond(Dispatch.shown_day.length() > 0, rx.fragment(_columns(), listed), nothing),
        rx.match(
            Dispatch.proposal_status,
            ("ready", rx.cond(Dispatch.is_nothing, _nothing_better(), _proposal())),
            ("", rx.cond(Dispatch.is_past, rx.fragment(), _foot())),
            _working(),
        ),
        class_name="side right", aria_label=words("dispatch.day_of"),
    )  # fmt: skip


def _head(rep: Any) -> rx.Component:
    tone = rx.match(
        rep.state,
        ("moving", "accent"),
        ("in_visit", "visit"),
        ("idle", "warn"),
        ("silent", "err"),
        "",
    )
    return rx.el.div(
        rx.el.div(
            glyph(rep.glyph, "l"), rx.el.h2(rep.name, class_name="el"),
            badge(rep.state_word, tone=tone), rx.el.span(class_name="sp"), reach(rep.id, rep.phone),
            icon_button("x", words("desk.close"), on_click=Dispatch.unselect),
            class_name="row",
        ),
        _phone_line(rep),
        rx.cond(Dispatch.is_phone_open, _phone(), rx.fragment()),
        _day_line(),
        rx.el.dl(
            _figure("dispatch.figure.visits", Dispatch.shown_figures.done, f"/{Dispatch.shown_figures.total}"),
            _figure("dispatch.figure.contact", Dispatch.shown_figures.contact, "\u00a0%"),
            _figure("dispatch.figure.way", Dispatch.shown_figures.distance, " ", words("dispatch.km")),
            _figure("dispatch.figure.ends", Dispatch.shown_figures.ends),
            class_name="kv",
        ),
        rx.cond(
            Dispatch.shown_figures.moved != "",
            rx.el.p(Dispatch.shown_figures.moved, class_name="t1 muted"), rx.fragment(),
        ),
        class_name="rh",
    )  # fmt: skip


def _phone_line(rep: Any) -> rx.Component:
    """What tracks the rep and how old his last fix is; opens what his phone does."""
    return rx.el.button(
        icon("smartphone", "s"), rx.el.span(rep.tracker, class_name="el", title=rep.tracker),
        rx.el.span("·", class_name="faint"),
        rx.el.span(words("dispatch.last_fix"), class_name="faint nw"), behaviour.age(rep.id, rep.fix_ms, class_name="nw"),
        rx.el.span(class_name="sp"),
        rx.cond(Dispatch.is_phone_open, icon("chevron-down", "s"), icon("chevron-right", "s")),
        type="button", class_name="row g1 t1 muted ph-l", on_click=Dispatch.fold_phone,
        title=words("phone_does.title"), aria_expanded=rx.cond(Dispatch.is_phone_open, "true", "false"),
    )  # fmt: skip


def _phone() -> rx.Component:
    """What the rep's phone does, a line a fact."""
    return rx.el.dl(
        rx.foreach(Dispatch.phone, _phone_fact),
        class_name="ph-d t1",
        aria_label=words("phone_does.title"),
    )


def _phone_fact(fact: rx.Var[PhoneFact]) -> rx.Component:
    return rx.el.div(
        rx.el.dt(fact.label, class_name="muted"), rx.el.dd(fact.text, class_name=fact.tone)
    )


def _day_line() -> rx.Component:
    """Which day is shown, and the way to the days beside it."""
    back = button(words("dispatch.day.back"), small=True, on_click=Dispatch.back_to_today)
    return rx.el.div(
        icon_button("chevron-left", words("dispatch.day.before"), on_click=Dispatch.step_day(-1)),
        rx.el.span(Dispatch.day_word, class_name="med", aria_live="polite"),
        icon_button("chevron-right", words("dispatch.day.after"), on_click=Dispatch.step_day(1)),
        rx.el.span(class_name="sp"),
        rx.cond(Dispatch.is_today, rx.fragment(), back),
        rx.el.a(
            icon("history", "s"),
            words("replay.link"),
            href=f"/replay?rep={Dispatch.selected}&day={Dispatch.on_day}",
            class_name="btn ghost sm",
        ),
        class_name="row g1 dayl",
    )


def _figure(key: str, value: Any, *unit: Any) -> rx.Component:
    units = [rx.el.span(*unit, class_name="u")] if unit else []
    return rx.el.div(rx.el.dt(words(key)), rx.el.dd(value, *units))


def _columns() -> rx.Component:
    return rx.el.div(
        rx.el.span(), rx.el.span(), rx.el.span(words("dispatch.visit")),
        rx.el.span(words("dispatch.plan"), class_name="num"),
        rx.el.span(words("dispatch.actual"), class_name="num"), rx.el.span(),
        class_name="th t1 faint", aria_hidden="true",
    )  # fmt: skip


def _visit(v: rx.Var[VisitRow]) -> rx.Component:
    number = rx.el.svg(
        rx.el.circle(r="10"), rx.el.svg.text(v.label, y="4"),
        class_name=f"num-m stop {v.kind}", view_box="-12 -12 24 24", aria_hidden="true",
    )  # fmt: skip
    name = rx.el.div(
        rx.el.div(rx.el.span(v.title, class_name=rx.cond(v.can_move, "el med", "el"), title=v.title), class_name="row g1"),
        rx.cond(v.there != "", _there(v), _where(v)),
        class_name="tvb",
    )  # fmt: skip
    row = [
        _hand(v), number, name,
        rx.el.span(v.plan, class_name="num tp"), _actual(v),
        rx.el.span(
            rx.cond(v.verdict != "", glyph(v.verdict, "l", label=v.verdict_word), rx.cond(v.can_move, _more(v), rx.fragment())),
            class_name="vd",
        ),
    ]  # fmt: skip
    return rx.el.li(
        rx.el.div(
            *row, class_name=f"tv {v.kind}", tab_index=rx.cond(v.can_move, 0, -1),
            custom_attrs={"data-drag-visit": v.id, "data-order": v.order, "data-title": v.title},
        ),
        rx.cond(Dispatch.move_menu == v.id, _move_menu(v), rx.fragment()),
        key=v.id,
    )  # fmt: skip


def _where(v: rx.Var[VisitRow]) -> rx.Component:
    place = rx.el.span(v.sub, class_name="el", title=v.sub)
    return rx.el.div(category(v.category), glyph(v.glyph, "s"), place, class_name="row g1 t1 faint")


def _there(v: rx.Var[VisitRow]) -> rx.Component:
    """By his fixes he is, or was, at a visit's place without having checked in."""
    told = rx.el.span(v.there, class_name=rx.cond(v.is_unmarked, "el late", "el"), title=v.there)
    return rx.el.div(icon("map-pin", "s"), told, class_name="row g1 t1")


def _hand(v: rx.Var[VisitRow]) -> rx.Component:
    locked = rx.el.button(
        icon("lock", "s"), type="button", class_name="hand", title=words("dispatch.unlock"),
        aria_label=words("dispatch.unlock"), on_click=Dispatch.set_lock(v.id, False),
    )  # fmt: skip
    free = rx.el.span(icon("grip-vertical", "s"), class_name="hand", title=words("dispatch.drag"),
                      custom_attrs={"data-handle": "true"})  # fmt: skip
    return rx.cond(v.is_locked, locked, rx.cond(v.can_move, free, rx.el.span(class_name="hand")))


def _actual(v: rx.Var[VisitRow]) -> rx.Component:
    expected = rx.el.span(rx.el.span("~", class_name="ap"), v.first)
    below = rx.cond(
        v.late != "",
        rx.el.span(v.late, class_name="t1"),
        rx.el.span(v.second, class_name="faint"),
    )
    return rx.el.span(
        rx.cond(v.is_expected, expected, v.first), rx.el.br(), below,
        class_name=rx.cond(v.late != "", "num late", rx.cond(v.is_expected, "num ex", "num")),
    )  # fmt: skip


def _more(v: rx.Var[VisitRow]) -> rx.Component:
    return rx.el.button(
        icon("ellipsis", "s"), type="button", class_name="dots", aria_label=words("dispatch.move_to"),
        title=words("dispatch.move_to"), on_click=Dispatch.open_move_menu(v.id),
        aria_expanded=rx.cond(Dispatch.move_menu == v.id, "true", "false"),
    )  # fmt: skip


def _move_menu(v: rx.Var[VisitRow]) -> rx.Component:
    """What a drag does, for the keyboard: another rep, a place up or down, a lock."""
    others = rx.foreach(
        Dispatch.other_reps,
        lambda rep: rx.el.button(
            glyph(rep.glyph, "s"), rep.short, type="button", class_name="btn sm",
            on_click=Dispatch.move_visit(v.id, rep.id, 0, ""),
        ),
    )  # fmt: skip
    own = [
        icon_button(
            "arrow-up",
            words("dispatch.earlier"),
            kind="",
            on_click=Dispatch.move_visit(v.id, Dispatch.selected, v.order - 1, ""),
        ),
        icon_button(
            "arrow-down",
            words("dispatch.later"),
            kind="",
            on_click=Dispatch.move_visit(v.id, Dispatch.selected, v.order + 1, ""),
        ),
        button(
            icon("lock", "s"),
            words("dispatch.lock"),
            small=True,
            on_click=Dispatch.set_lock(v.id, True),
        ),
    ]
    return rx.el.div(
        rx.el.div(rx.el.span(words("dispatch.give_to"), class_name="t1 muted"), others, class_name="row wrap g1"),
        rx.el.div(rx.el.span(words("dispatch.in_day"), class_name="t1 muted"), *own, class_name="row g1"),
        arrival_links(v),
        class_name="mv-menu",
    )  # fmt: skip


# ── foot: re-plan, its progress, its proposal ────────────────────────────────────────────────────


def _foot() -> rx.Component:
    return rx.el.div(
        rx.el.span(words("dispatch.drag_hint"), class_name="t1 faint el"), rx.el.span(class_name="sp"),
        button(icon("route", "s"), words("dispatch.replan"), rx.el.kbd("R", class_name="kbd"), small=True,
               on_click=Dispatch.replan),
        class_name="rfoot",
    )  # fmt: skip


def _working() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.span(class_name="spin", aria_hidden="true"), rx.el.h3(Dispatch.proposal_title, class_name="el"),
            rx.el.span(class_name="sp"),
            button(words("proposal.cancel"), rx.el.kbd("Esc", class_name="kbd"), kind="ghost", small=True, on_click=Dispatch.discard),
            class_name="row",
        ),
        rx.el.div(
            rx.el.i(style={"width": f"{Dispatch.proposal_progress}%"}), class_name="bart", role="progressbar",
            aria_label=Dispatch.proposal_title, aria_valuenow=Dispatch.proposal_progress, aria_valuemin=0, aria_valuemax=100,
        ),
        class_name="replan", aria_label=words("proposal.title"), aria_live="polite",
    )  # fmt: skip


def _proposal() -> rx.Component:
    head = rx.el.div(
        icon("route"), rx.el.h3(Dispatch.proposal_title, class_name="el", title=Dispatch.proposal_title),
        rx.el.span(class_name="sp"),
        segments(
            (words("proposal.before"), ~Dispatch.is_after, Dispatch.look_at(False)),
            (words("proposal.after"), Dispatch.is_after, Dispatch.look_at(True)),
            label=words("proposal.title"),
        ),
        class_name="row",
    )  # fmt: skip
    table = rx.el.table(rx.el.tbody(rx.foreach(Dispatch.compare, _compare)), class_name="cmp")
    told = rx.el.ul(
        rx.foreach(Dispatch.changes, _change),
        class_name="mv t1",
        tab_index=0,
        aria_label=words("proposal.changes"),
    )
    foot = rx.el.div(
        rx.el.span(Dispatch.proposal_note, class_name="t1 faint el"), rx.el.span(class_name="sp"),
        button(words("proposal.discard"), rx.el.kbd("Esc", class_name="kbd"), kind="ghost", small=True, on_click=Dispatch.discard),
        button(words("proposal.apply"), rx.el.kbd("↵", class_name="kbd"), kind="primary", small=True, on_click=Dispatch.apply),
        class_name="row",
    )  # fmt: skip
    return rx.el.section(
        head, table, rx.cond(Dispatch.changes.length() > 0, told, rx.fragment()), foot,
        class_name="replan", aria_label=words("proposal.title"),
    )  # fmt: skip


def _nothing_better() -> rx.Component:
    """A proposal that changes nothing: said, and there is nothing to apply."""
    return rx.el.section(
        rx.el.div(
            icon("check"), rx.el.h3(words("proposal.nothing"), class_name="el"), rx.el.span(class_name="sp"),
            button(words("desk.close"), rx.el.kbd("Esc", class_name="kbd"), small=True, on_click=Dispatch.discard),
            class_name="row",
        ),
        rx.el.p(words("proposal.nothing_why"), class_name="t1 muted"),
        class_name="replan", aria_label=words("proposal.title"), aria_live="polite",
    )  # fmt: skip


def _compare(line: rx.Var[CompareRow]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(line.label), rx.el.td(line.before, class_name="num muted"),
        rx.el.td(icon("arrow-right", "s"), class_name="ar"), rx.el.td(line.after, class_name="num"),
        rx.el.td(line.change, class_name=f"num med {line.tone}"),
    )  # fmt: skip


def _change(change: rx.Var[ChangeRow]) -> rx.Component:
    return rx.el.li(
        rx.el.span(change.text, class_name="el"), rx.el.span(class_name="sp"),
        rx.el.span(change.note, class_name="muted nw"),
    )  # fmt: skip
