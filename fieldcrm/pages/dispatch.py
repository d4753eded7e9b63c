"""The live desk: reps and who needs attention, the map, the selected rep's day and its re-planning."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.alerts import AlertRow, reach
from fieldcrm.components.area_tools import area_tools
from fieldcrm.components.dragging import hold_still, visit_drag
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.live_map import live_map
from fieldcrm.components.parts import button, category, empty, failed, icon_button
from fieldcrm.components.shell import page
from fieldcrm.components.typed import typed
from fieldcrm.components.words import words
from fieldcrm.pages.dispatch_day import Hour
from fieldcrm.pages.dispatch_loose import LooseRow
from fieldcrm.pages.dispatch_panel import right_panel
from fieldcrm.pages.dispatch_reps import GLYPHS, STATES, RepRow
from fieldcrm.pages.dispatch_state import Dispatch

EVERY_MS = 15_000
KEYS = ["j", "k", "Enter", "Escape", "z", "f", "r"]


def dispatch() -> rx.Component:
    """The page."""
    body = [
        behaviour.ticker(EVERY_MS, Dispatch.tick),
        behaviour.keys(KEYS, Dispatch.press),
        hold_still(
            visit_drag(Dispatch.selected, Dispatch.proposal_id != "", Dispatch.move_visit), _left()
        ),
        _middle(),
        hold_still(rx.cond(Dispatch.selected != "", right_panel(), rx.fragment())),
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
        typed(
            Dispatch.text_filter, Dispatch.filter_text, type="search", class_name="input sm",
            placeholder=words("dispatch.find_rep"), aria_label=words("dispatch.find_rep"),
        ),
        class_name="rep-find",
    )  # fmt: skip
    return rx.el.aside(
        head,
        search,
        _states(),
        _alerts(),
        _rep_list(),
        _loose(),
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


# ── alerts that speak up ──


def _alerts() -> rx.Component:
    more = rx.el.button(
        Dispatch.more_speaking, type="button", class_name="al-more t1",
        custom_attrs={"popoverTarget": "alerts"},
    )  # fmt: skip
    some = rx.el.section(
        rx.foreach(Dispatch.speaking, _alert),
        rx.cond(Dispatch.more_speaking != "", more, rx.fragment()),
        class_name="speaking",
        aria_label=words("desk.alerts"),
        aria_live="polite",
    )
    return rx.cond(Dispatch.speaking.length() > 0, some, rx.fragment())


def _alert(alert: rx.Var[AlertRow]) -> rx.Component:
    sign = rx.cond(
        alert.glyph.startswith("i-"), icon(alert.glyph.replace("i-", "")), glyph(alert.glyph, "l")
    )
    acts = [
        button(words("alert.show"), small=True, on_click=Dispatch.show_alert(alert.rep_id)),
        button(words("alert.replan"), small=True, on_click=Dispatch.replan_of(alert.rep_id)),
        rx.el.span(class_name="sp"), reach(alert.rep_id, alert.phone),
        icon_button("clock", words("alert.snooze"), on_click=Dispatch.answer_alert(alert.id, "snooze")),
        icon_button("check", words("alert.acknowledge"), on_click=Dispatch.answer_alert(alert.id, "seen")),
    ]  # fmt: skip
    return rx.el.div(
        rx.el.span(sign, class_name=f"ico {alert.tone}"),
        rx.el.div(
            rx.el.b(alert.title, class_name="med el", title=alert.title),
            rx.el.span(alert.text, class_name="t1 muted el"),
            class_name="al-b",
        ),
        icon_button("x", words("desk.dismiss"), on_click=Dispatch.set_alert_aside(alert.id)),
        rx.el.div(*acts, class_name="row g1 act"),
        class_name="sa",
    )  # fmt: skip


# ── the list of reps ──


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
        rx.cond(Dispatch.off_count > 0, rx.fragment(), nobody),
    )
    return rx.el.div(
        rx.cond(Dispatch.problem != "", broken, rx.fragment()),
        some, _unlisted(), _off_shift(), class_name="rep-scroll",
    )  # fmt: skip


def _unlisted() -> rx.Component:
    told = rx.el.p(Dispatch.unlisted, class_name="pal-n t1 muted")
    return rx.cond(Dispatch.unlisted != "", told, rx.fragment())


def _off_shift() -> rx.Component:
    fold = rx.el.button(
        glyph("off"), rx.el.span(words("state.off_shift"), class_name="muted"), rx.el.span(class_name="sp"),
        rx.el.span(Dispatch.off_count, class_name="faint"),
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
    return rx.cond(Dispatch.off_count > 0, opened, rx.fragment())


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


# ── visits that want a rep ──


def _loose() -> rx.Component:
    fold = rx.el.button(
        icon("user", "s"), rx.el.span(words("dispatch.loose"), class_name="med"), rx.el.span(class_name="sp"),
        rx.el.span(Dispatch.loose.length(), class_name="badge warn"),
        rx.cond(Dispatch.is_loose_open, icon("chevron-down", "s"), icon("chevron-right", "s")),
        type="button", class_name="row unas-h", on_click=Dispatch.fold_loose,
        aria_expanded=rx.cond(Dispatch.is_loose_open, "true", "false"),
    )  # fmt: skip
    listed = rx.el.div(
        rx.el.p(words("dispatch.loose_hint"), class_name="t1 muted"),
        rx.el.ul(rx.foreach(Dispatch.loose, _loose_visit), aria_label=words("dispatch.loose")),
        class_name="unas-b",
    )
    opened = rx.el.section(
        fold, rx.cond(Dispatch.is_loose_open, listed, rx.fragment()), class_name="unas",
        aria_label=words("dispatch.loose"),
    )  # fmt: skip
    return rx.cond(Dispatch.loose.length() > 0, opened, rx.fragment())


def _loose_visit(v: rx.Var[LooseRow]) -> rx.Component:
    give = rx.el.button(
        icon("arrow-right", "s"), type="button", class_name="dots", on_click=Dispatch.give_to_selected(v.id),
        aria_label=words("dispatch.give_to_selected"), title=words("dispatch.give_to_selected"),
    )  # fmt: skip
    return rx.el.li(
        rx.el.span(icon("grip-vertical", "s"), class_name="hand", title=words("dispatch.drag_loose"),
                   custom_attrs={"data-handle": "true"}),
        rx.el.div(
            rx.el.div(category(v.category), rx.el.span(v.title, class_name="el med", title=v.title), class_name="row g1"),
            rx.el.div(rx.el.span(v.why, class_name="el", title=v.why), class_name="row t1 muted"),
            class_name="tvb",
        ),
        rx.el.span(v.at, class_name="num muted t1"),
        rx.cond(Dispatch.selected != "", give, rx.fragment()),
        class_name="lv", custom_attrs={"data-drag-visit": v.id, "data-title": v.title}, key=v.id,
    )  # fmt: skip


# ── middle: the map and the day's ribbon ─────────────────────────────────────────────────────────


def _middle() -> rx.Component:
    pane = live_map(
        reps=Dispatch.reps, selected=Dispatch.selected, stops=Dispatch.stops, lines=Dispatch.map_lines,
        shown=Dispatch.map_filter, is_today=Dispatch.is_today, fit=Dispatch.fit, spot=Dispatch.spot, follow=Dispatch.follow, on_select=Dispatch.select_rep,
        on_follow=Dispatch.set_follow, on_notices=Dispatch.notices, on_link=Dispatch.link_is,
    )  # fmt: skip
    return rx.el.div(
        pane, area_tools(), rx.cond(Dispatch.selected != "", _ribbon(), rx.fragment()),
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
