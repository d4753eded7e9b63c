"""What if: a team with fewer or more reps, other borders or frequencies, beside the team as it is."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge, button, empty, icon_button, note
from fieldcrm.components.section import loaded, options_of
from fieldcrm.components.shell import page
from fieldcrm.components.territory_map import territory_map
from fieldcrm.components.words import words
from fieldcrm.pages.what_if_borders import borders_pane
from fieldcrm.pages.what_if_state import WhatIfPage
from fieldcrm.planning.whatif_model import (
    ADD_REP,
    CATEGORIES,
    FREQUENCY,
    GIVE_CELLS,
    KINDS,
    LOSE_REP,
    MODES,
    RATES,
)
from fieldcrm.planning.whatif_rules import WEEKS

WATCH_MS = 1_000


def what_if_page() -> rx.Component:
    """The page."""
    nobody = empty("no_plan", words("cycle.nobody"), words("cycle.nobody_why"))
    body = rx.cond(WhatIfPage.question != "", _question(), _start())
    return page(
        "/planning", words("whatif.title"), _tools(), _refusal(),
        loaded(WhatIfPage, rx.cond(WhatIfPage.teams.length() > 0, body, nobody)), class_name="wi",
    )  # fmt: skip


# ---- a question ----


def _tools() -> rx.Component:
    back = rx.el.a(
        icon("chevron-left", "s"), words("cycle.nav"), href="/planning", class_name="btn sm ghost"
    )
    earlier = rx.el.select(
        rx.el.option(words("whatif.new_question"), value=""), *options_of(WhatIfPage.earlier),
        value=WhatIfPage.question, on_change=WhatIfPage.open, class_name="input sm wi-e",
        aria_label=words("whatif.earlier"),
    )  # fmt: skip
    return rx.el.div(back, earlier, class_name="row wi-t")


def _refusal() -> rx.Component:
    told = note("err", icon("info", "s"), rx.el.span(WhatIfPage.refused), role="alert")
    return rx.cond(WhatIfPage.refused != "", told, rx.fragment())


def _start() -> rx.Component:
    """What a new question takes for granted."""
    weeks = [
        rx.el.option(words(f"cycle.weeks.{n}"), value=str(n)) for n in range(WEEKS[0], WEEKS[1] + 1)
    ]
    teams = rx.el.select(
        *options_of(WhatIfPage.teams), value=WhatIfPage.team, class_name="input sm pick",
        on_change=lambda v: WhatIfPage.wish("team", v), aria_label=words("report.team"),
    )  # fmt: skip
    form = rx.el.div(
        _field("report.team", teams),
        _field("cycle.first", rx.el.input(
            type="date", class_name="input sm day", value=WhatIfPage.first,
            aria_label=words("cycle.first"), on_change=lambda v: WhatIfPage.wish("first", v))),
        _field("cycle.weeks", rx.el.select(
            *weeks, value=WhatIfPage.weeks.to_string(), class_name="input sm pick",
            aria_label=words("cycle.weeks"), on_change=lambda v: WhatIfPage.wish("weeks", v))),
        _field("cycle.most_a_day", _typed("most", WhatIfPage.most, "cycle.most_a_day")),
        _field("whatif.rep_month", _typed("month", WhatIfPage.month, "whatif.rep_month")),
        _field("whatif.per_km", _typed("km", WhatIfPage.km, "whatif.per_km")),
        class_name="wi-f",
    )  # fmt: skip
    ask = button(icon("scale", "s"), words("whatif.ask"), kind="primary", on_click=WhatIfPage.ask)
    return rx.el.section(
        rx.el.h2(words("whatif.start"), class_name="t3"),
        rx.el.p(words("whatif.start_why"), class_name="muted"), form,
        rx.el.p(words("whatif.promise"), class_name="muted t1"), ask, class_name="card wi-s",
    )  # fmt: skip


def _field(label: str, control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.span(words(label), class_name="muted t1"), control, class_name="wi-ff")


def _typed(name: str, value: Any, label: str) -> rx.Component:
    return rx.el.input(
        inputmode="decimal", class_name="input sm wi-n", value=value, aria_label=words(label),
        on_change=lambda v: WhatIfPage.wish(name, v),
    )  # fmt: skip


def _question() -> rx.Component:
    watch = rx.cond(
        WhatIfPage.is_working, behaviour.ticker(WATCH_MS, WhatIfPage.watch), rx.fragment()
    )
    head = rx.el.div(
        rx.el.span(WhatIfPage.about, class_name="med"),
        rx.cond(WhatIfPage.is_estimate, badge(words("cycle.estimate"), tone="warn"), rx.fragment()),
        rx.el.span(class_name="sp"),
        button(icon("plus", "s"), words("whatif.build"), kind="primary", small=True,
               on_click=WhatIfPage.build,
               aria_expanded=rx.cond(WhatIfPage.is_building, "true", "false")),
        icon_button("trash", words("whatif.forget"), on_click=WhatIfPage.forget),
        class_name="row wi-h",
    )  # fmt: skip
    return rx.fragment(
        watch, head, _builder(),
        rx.el.div(rx.el.div(_table(), class_name="wi-l"), _land(), class_name="wi-b"),
    )  # fmt: skip


# ---- a scenario put together ----


def _builder() -> rx.Component:
    who = _pick("who", WhatIfPage.who, options_of(WhatIfPage.reps), "whatif.who")
    fields = rx.match(
        WhatIfPage.kind,
        (LOSE_REP, who),
        (ADD_REP, _pick("mode", WhatIfPage.mode, _options("mode", MODES), "whatif.mode")),
        (FREQUENCY, rx.el.span(
            _pick("letter", WhatIfPage.letter, [rx.el.option(c, value=c) for c in CATEGORIES],
                  "report.category"),
            _pick("rate", WhatIfPage.rate, _options("rate", RATES), "whatif.rate"),
            class_name="row g1")),
        (GIVE_CELLS, rx.el.span(
            rx.el.span(WhatIfPage.chosen.length(), " ", words("whatif.cells"), class_name="num nw"),
            who, class_name="row g1")),
        rx.fragment(),
    )  # fmt: skip
    hint = rx.match(WhatIfPage.kind, *[(kind, words(f"whatif.hint.{kind}")) for kind in KINDS], "")
    draft = rx.el.ol(
        rx.foreach(WhatIfPage.draft, lambda text: rx.el.li(text)), class_name="wi-d",
        aria_label=words("whatif.draft"),
    )  # fmt: skip
    form = rx.el.section(
        rx.el.div(
            _pick("kind", WhatIfPage.kind, _options("kind", KINDS), "whatif.kind"), fields,
            button(icon("plus", "s"), words("whatif.add"), small=True, on_click=WhatIfPage.add),
            class_name="row wi-c",
        ),
        rx.el.p(hint, class_name="muted t1"),
        rx.cond(WhatIfPage.draft.length() > 0, draft, rx.fragment()),
        rx.el.div(
            button(icon("sparkles", "s"), words("whatif.work_out"), kind="primary", small=True,
                   on_click=WhatIfPage.work_out),
            rx.cond(WhatIfPage.draft.length() > 0,
                    button(icon("undo-2", "s"), words("whatif.take_back"), small=True,
                           on_click=WhatIfPage.take_back), rx.fragment()),
            button(words("desk.close"), small=True, kind="ghost", on_click=WhatIfPage.build),
            class_name="row",
        ),
        class_name="wi-q", aria_label=words("whatif.build"),
    )  # fmt: skip
    return rx.cond(WhatIfPage.is_building, form, rx.fragment())


def _options(part: str, values: tuple[str, ...]) -> list[rx.Component]:
    return [rx.el.option(words(f"whatif.{part}.{v}"), value=v) for v in values]


def _pick(name: str, value: Any, options: list[Any], label: str) -> rx.Component:
    return rx.el.select(
        *options, value=value, class_name="input sm wi-k", aria_label=words(label),
        on_change=lambda v: WhatIfPage.form(name, v),
    )  # fmt: skip


# ---- side by side ----


def _table() -> rx.Component:
    heads = rx.el.tr(
        rx.el.th(words("whatif.figure"), scope="col"),
        rx.el.th(words("whatif.calendar"), scope="col", class_name="num",
                 title=words("whatif.calendar_why")),
        rx.foreach(WhatIfPage.columns, _head),
    )  # fmt: skip
    rows = rx.foreach(
        WhatIfPage.rows,
        lambda r: rx.el.tr(
            rx.el.th(r.name, scope="row"),
            rx.el.td(r.calendar, class_name="num muted"),
            rx.foreach(r.cells, _cell),
        ),
    )
    return rx.el.div(
        rx.el.table(rx.el.thead(heads), rx.el.tbody(rows), class_name="tbl tight wi-tb",
                    aria_label=words("whatif.table")),
        class_name="scr wi-x", tab_index=0, role="region", aria_label=words("whatif.table"),
    )  # fmt: skip


def _head(column: Any) -> rx.Component:
    working = rx.el.span(
        rx.el.progress(value=column.percent, max=100, aria_label=words("whatif.working")),
        icon_button("x", words("cycle.cancel"), on_click=WhatIfPage.cancel(column.id)),
        class_name="row g1", role="status",
    )  # fmt: skip
    acts = rx.el.span(
        icon_button("refresh-cw", words("whatif.again"), on_click=WhatIfPage.again(column.id)),
        rx.cond(column.is_base, rx.fragment(),
                icon_button("trash", words("whatif.drop"), on_click=WhatIfPage.drop(column.id))),
        class_name="row g0",
    )  # fmt: skip
    told = rx.cond(
        column.is_base,
        rx.el.span(words("whatif.base_why"), class_name="muted t1"),
        rx.el.ul(rx.foreach(column.changes, lambda text: rx.el.li(text)), class_name="wi-cs"),
    )
    return rx.el.th(
        rx.el.button(
            column.title, type="button", class_name="way", on_click=WhatIfPage.pick(column.id),
            aria_pressed=rx.cond(WhatIfPage.picked == column.id, "true", "false"),
        ),
        told,
        rx.cond(column.note != "", rx.el.span(column.note, class_name="wi-o t1"), rx.fragment()),
        rx.cond(column.is_working, working, acts), scope="col",
        class_name=rx.cond(WhatIfPage.picked == column.id, "wi-on", ""),
        custom_attrs={"data-status": column.status},
    )  # fmt: skip


def _cell(cell: Any) -> rx.Component:
    change = rx.el.span(
        icon(cell.mark, "s"), cell.change, rx.cond(cell.verdict != "", rx.el.b(cell.verdict), ""),
        class_name=f"wi-ch {cell.tone}",
    )  # fmt: skip
    return rx.el.td(
        rx.el.span(cell.text, class_name="med"), rx.cond(cell.change != "", change, rx.fragment()),
        class_name="num",
    )  # fmt: skip


# ---- territories ----


def _land() -> rx.Component:
    none = rx.cond(
        WhatIfPage.is_working,
        rx.el.div(rx.el.span(class_name="spin", aria_hidden="true"), words("whatif.working"),
                  class_name="row wi-w", role="status"),
        empty("no_plan", words("whatif.no_map"), words("whatif.no_map_why")),
    )  # fmt: skip
    shown = rx.el.div(
        territory_map(WhatIfPage.areas, WhatIfPage.bounds, WhatIfPage.chosen,
                      WhatIfPage.is_building, WhatIfPage.choose),
        class_name="map wi-m",
    )  # fmt: skip
    return rx.el.section(
        rx.el.h2(words("whatif.territories"), ": ", WhatIfPage.picked_title, class_name="t2 wi-mh"),
        borders_pane(WhatIfPage), rx.cond(WhatIfPage.areas.length() > 0, shown, none),
        rx.el.ul(rx.foreach(WhatIfPage.territories, _territory), class_name="wi-ts", tab_index=0,
                 aria_label=words("whatif.territories")),
        class_name="wi-r", aria_label=words("whatif.territories"),
    )  # fmt: skip


def _territory(each: Any) -> rx.Component:
    bar = rx.el.div(
        rx.el.i(style={"width": f"{each.share}%"}), class_name="bart", aria_hidden="true"
    )
    return rx.el.li(
        rx.el.span(each.number, class_name=f"wi-mark n{each.tone}"),
        rx.el.div(
            rx.el.b(each.name, class_name="el"), rx.el.span(each.figures, class_name="t1"), bar,
            rx.el.span(each.load, class_name="t1 muted"),
            rx.cond(each.about != "", rx.el.span(each.about, class_name="t1 muted"), rx.fragment()),
            class_name="wi-td",
        ),
    )  # fmt: skip
