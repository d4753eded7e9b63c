"""The live desk: reps and who needs attention, the map, the selected rep's day and its re-planning."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.live_map import live_map, visit_drag
from fieldcrm.components.parts import badge, button, category, empty, failed, icon_button, segments
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.pages.dispatch_rows import GLYPHS, STATES, CompareRow, Hour, RepRow, VisitRow
from fieldcrm.pages.dispatch_state import ChangeRow, Dispatch

EVERY_MS = 15_000
KEYS = ["j", "k", "Enter", "Escape", "z", "f", "r"]


def dispatch() -> rx.Component:
    """The page."""
    body = [
        behaviour.ticker(EVERY_MS, Dispatch.tick),
        behaviour.keys(KEYS, Dispatch.press),
        visit_drag(Dispatch.selected, Dispatch.proposal_id != "", Dispatch.move_visit),
        _left(),
        _middle(),
        rx.cond(Dispatch.selected != "", _right(), rx.fragment()),
    ]
    shape = rx.cond(Dispatch.selected != "", "live", "live alone-map")
    return page(
        "/dispatch", words("desk.nav.live"), *body, bar=_bar(), class_name=shape,
        toasts=Dispatch.toasts, on_toast=Dispatch.toast_act, on_toast_gone=Dispatch.toast_away,
    )  # fmt: skip


def _bar() -> list[Any]:
    options = rx.foreach(Dispatch.teams, lambda team: rx.el.option(team.text, value=team.value))
    team = rx.el.select(
        rx.el.option(words("dispatch.all_teams"), value=""), options, value=Dispatch.team,
        on_change=Dispatch.filter_team, class_name="input sm team", aria_label=words("dispatch.team"),
    )  # fmt: skip
    return [
        rx.cond(Dispatch.teams.length() > 1, team, rx.fragment()),
        rx.el.span(Dispatch.today, class_name="muted nw"),
    ]


# ── left: reps ───────────────────────────────────────────────────────────────────────────────────


def _left() -> rx.Component:
    head = rx.el.div(
        rx.el.h2(words("dispatch.reps")), rx.el.span(Dispatch.on_shift, class_name="faint nw"),
        rx.el.span(class_name="sp"),
        button(
            rx.cond(Dispatch.is_by_name, words("dispatch.by_name"), words("dispatch.attention_first")),
            kind="ghost", small=True, on_click=Dispatch.switch_order,
        ),
        class_name="sec-h",
    )  # fmt: skip
    search = rx.el.div(
        rx.el.input(
            type="search", class_name="input sm", placeholder=words("dispatch.find_rep"),
            aria_label=words("dispatch.find_rep"), value=Dispatch.text_filter,
            on_change=Dispatch.filter_text.debounce(200),
        ),
        class_name="rep-find",
    )  # fmt: skip
    return rx.el.aside(
        head,
        search,
        _states(),
        _rep_list(),
        class_name="side left reps",
        aria_label=words("dispatch.reps"),
    )


def _states() -> rx.Component:
    buttons = [
        rx.el.button(
            glyph(GLYPHS[state], "s"), Dispatch.counts[state].to_string(), type="button",
            title=words(f"state.{state}"), aria_label=words(f"state.{state}"),
            aria_pressed=rx.cond(Dispatch.state_filter == state, "true", "false"),
            on_click=Dispatch.filter_state(state),
        )
        for state in STATES
    ]  # fmt: skip
    return rx.el.div(
        *buttons, class_name="statebar", role="group", aria_label=words("dispatch.by_state")
    )


def _rep_list() -> rx.Component:
    listed = rx.el.ul(
        rx.foreach(Dispatch.shown_reps, _rep),
        role="listbox",
        class_name="replist",
        aria_label=words("dispatch.reps"),
    )
    nobody = empty(
        "no_match", words("dispatch.nobody"), words("dispatch.nobody_why"),
        button(words("dispatch.clear_filters"), small=True, on_click=Dispatch.clear_filters),
    )  # fmt: skip
    broken = failed(words("dispatch.broken"), Dispatch.problem, Dispatch.tick)
    some = rx.cond(
        Dispatch.shown_reps.length() > 0,
        listed,
        rx.cond(Dispatch.off_reps.length() > 0, rx.fragment(), nobody),
    )
    return rx.el.div(
        rx.cond(Dispatch.problem != "", broken, rx.fragment()),
        some, _off_shift(), class_name="rep-scroll",
    )  # fmt: skip


def _off_shift() -> rx.Component:
    fold = rx.el.button(
        glyph("off"), rx.el.span(words("state.off_shift"), class_name="muted"), rx.el.span(class_name="sp"),
        rx.el.span(Dispatch.off_reps.length(), class_name="faint"),
        rx.cond(Dispatch.is_off_open, icon("chevron-down", "s"), icon("chevron-right", "s")),
        type="button", class_name="offline-row row", on_click=Dispatch.fold_off_shift,
        aria_expanded=rx.cond(Dispatch.is_off_open, "true", "false"),
    )  # fmt: skip
    listed = rx.el.ul(
        rx.foreach(Dispatch.off_reps, _rep),
        role="listbox",
        class_name="replist",
        aria_label=words("state.off_shift"),
    )
    opened = rx.fragment(fold, rx.cond(Dispatch.is_off_open, listed, rx.fragment()))
    return rx.cond(Dispatch.off_reps.length() > 0, opened, rx.fragment())


def _rep(rep: rx.Var[RepRow]) -> rx.Component:
    is_chosen = Dispatch.selected == rep.id
    return rx.el.li(
        rx.el.div(
            glyph(rep.glyph, label=rep.state_word),
            rx.el.span(rep.name, class_name="strong el", title=rep.name),
            rx.el.span(class_name="sp"),
            behaviour.age(
                rep.id, rep.fix_ms, title=words("dispatch.fix_age"),
                class_name=rx.cond(rep.is_bad, "nw t1 bad med", "nw t1 muted"),
            ),
            _battery(rep),
            class_name="row",
        ),
        rx.el.div(rep.what, class_name=rx.cond(rep.is_bad, "what el bad", "what el"), title=rep.what),
        rx.cond(rep.total > 0, _progress(rep), rx.fragment()),
        rx.cond(rep.next_name != "", _next(rep), rx.fragment()),
        class_name="rep", role="option", tab_index=0, aria_selected=rx.cond(is_chosen, "true", "false"),
        on_click=Dispatch.select_rep(rep.id),
        custom_attrs={"data-drop-rep": rep.id, "data-rep-row": rep.id},
    )  # fmt: skip


def _battery(rep: rx.Var[RepRow]) -> rx.Component:
    shape = rx.el.svg(
        rx.el.rect(x=".75", y=".75", width="18", height="10.5", rx="2.5", fill="none",
                   stroke="currentColor", stroke_width="1.3"),
        rx.el.rect(x="2.6", y="2.6", width=rep.battery_width, height="6.8", rx="1", fill="currentColor"),
        rx.el.path(d="M20.6 4v4", stroke="currentColor", stroke_width="1.6", stroke_linecap="round"),
        view_box="0 0 22 12", aria_hidden="true",
    )  # fmt: skip
    known = rx.el.span(
        shape, rep.battery, rx.el.span("\u00a0%", class_name="u"),
        class_name=rx.cond(rep.is_battery_low, "bat low", "bat"), title=words("dispatch.battery"),
    )  # fmt: skip
    return rx.cond(rep.battery != "", known, rx.fragment())


def _progress(rep: rx.Var[RepRow]) -> rx.Component:
    return rx.el.div(
        rx.el.span(
            rx.foreach(rep.segments, lambda mark: rx.el.i(class_name=mark)),
            class_name="steps12",
            aria_hidden="true",
        ),
        rx.el.span(
            rx.el.b(rep.done), rx.el.span(f"/{rep.total}", class_name="u"), class_name="t1 nw num"
        ),
        class_name="row g3 prog",
    )


def _next(rep: rx.Var[RepRow]) -> rx.Component:
    return rx.el.div(
        rx.el.span(words("dispatch.next"), class_name="faint"),
        rx.el.span(rep.next_name, class_name="el sp", title=rep.next_name),
        rx.el.span(rep.next_at, class_name=rx.cond(rep.late != "", "nw late", "nw muted")),
        rx.cond(rep.late != "", rx.el.span(rep.late, class_name="badge warn nw"), rx.fragment()),
        class_name="row t1",
    )


# ── middle: the map and the day's ribbon ─────────────────────────────────────────────────────────


def _middle() -> rx.Component:
    pane = live_map(
        reps=Dispatch.reps, selected=Dispatch.selected, stops=Dispatch.stops, lines=Dispatch.map_lines,
        fit=Dispatch.fit, spot=Dispatch.spot, follow=Dispatch.follow, on_select=Dispatch.select_rep,
        on_follow=Dispatch.set_follow, on_notices=Dispatch.notices, on_link=Dispatch.link_is,
    )  # fmt: skip
    return rx.el.div(
        pane, rx.cond(Dispatch.selected != "", _ribbon(), rx.fragment()),
        class_name="map", role="region", aria_label=words("map.title"),
    )  # fmt: skip


def _ribbon() -> rx.Component:
    bars = rx.foreach(
        Dispatch.shown_day,
        lambda v: rx.el.i(
            class_name=v.ribbon, style={"left": f"{v.left}%", "width": f"{v.width}%"}, title=v.title
        ),
    )
    now = rx.cond(
        Dispatch.ribbon.now_left >= 0,
        rx.el.span(
            rx.el.em(Dispatch.ribbon.now),
            class_name="nowl",
            style={"left": f"{Dispatch.ribbon.now_left}%"},
        ),
        rx.fragment(),
    )
    hours = rx.el.div(rx.foreach(Dispatch.ribbon.hours, _hour), class_name="hrs")
    live = rx.match(
        Dispatch.link,
        ("live", rx.el.span(icon("radio", "s"), words("map.live"), class_name="badge accent")),
        (
            "offline",
            rx.el.span(icon("wifi-off", "s"), words("map.link_off"), class_name="badge warn"),
        ),
        rx.el.span(words("map.connecting"), class_name="badge"),
    )
    line = rx.el.div(
        bars, now, hours, class_name="rt", role="img", aria_label=words("dispatch.ribbon")
    )
    return rx.el.div(line, live, class_name="float ribbon")


def _hour(hour: rx.Var[Hour]) -> rx.Component:
    return rx.el.span(hour.text, style={"left": f"{hour.left}%"})


# ── right: the selected rep's day ────────────────────────────────────────────────────────────────


def _right() -> rx.Component:
    rep: Any = Dispatch.chosen
    listed = rx.el.ol(
        rx.foreach(Dispatch.shown_day, _visit),
        class_name="tl",
        tab_index=0,
        aria_label=words("dispatch.visits"),
    )
    nothing = empty("no_plan", words("dispatch.no_visits"), words("dispatch.no_visits_why"))
    return rx.el.aside(
        rx.cond(Dispatch.chosen, _head(rep), rx.fragment()),
        rx.cond(Dispatch.shown_day.length() > 0, rx.fragment(_columns(), listed), nothing),
        rx.match(
            Dispatch.proposal_status,
            ("ready", _proposal()),
            ("", _foot()),
            _working(),
        ),
        class_name="side right", aria_label=words("dispatch.day_of"),
    )  # fmt: skip


def _head(rep: Any) -> rx.Component:
    call = rx.cond(
        rep.phone != "",
        rx.el.a(icon("phone"), href=f"tel:{rep.phone}", class_name="btn ghost icon sm", aria_label=words("desk.call"),
                title=words("desk.call")),
        rx.fragment(),
    )  # fmt: skip
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
            badge(rep.state_word, tone=tone), rx.el.span(class_name="sp"), call,
            icon_button("x", words("desk.close"), on_click=Dispatch.unselect),
            class_name="row",
        ),
        rx.el.div(
            icon("smartphone", "s"), rx.el.span(rep.tracker, class_name="el", title=rep.tracker),
            rx.el.span("·", class_name="faint"),
            rx.el.span(words("dispatch.last_fix"), class_name="faint nw"), behaviour.age(rep.id, rep.fix_ms, class_name="nw"),
            class_name="row g1 t1 muted",
        ),
        rx.el.dl(
            _figure("dispatch.figure.visits", Dispatch.figures.done, f"/{Dispatch.figures.total}"),
            _figure("dispatch.figure.contact", Dispatch.figures.contact, "\u00a0%"),
            _figure("dispatch.figure.way", Dispatch.figures.distance, " ", words("dispatch.km")),
            _figure("dispatch.figure.ends", Dispatch.figures.ends),
            class_name="kv",
        ),
        class_name="rh",
    )  # fmt: skip


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
        rx.el.div(category(v.category), glyph(v.glyph, "s"), rx.el.span(v.sub, class_name="el", title=v.sub),
                  class_name="row g1 t1 faint"),
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
            on_click=Dispatch.move_visit(v.id, rep.id, 0),
        ),
    )  # fmt: skip
    own = [
        icon_button(
            "arrow-up",
            words("dispatch.earlier"),
            kind="",
            on_click=Dispatch.move_visit(v.id, Dispatch.selected, v.order - 1),
        ),
        icon_button(
            "arrow-down",
            words("dispatch.later"),
            kind="",
            on_click=Dispatch.move_visit(v.id, Dispatch.selected, v.order + 1),
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
