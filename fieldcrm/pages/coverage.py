"""Coverage: a heat map of presence, visits, silence and empty shelves, its list, and the proof."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.clients.model import CATEGORIES
from fieldcrm.components import behaviour
from fieldcrm.components.coverage_map import coverage_map
from fieldcrm.components.download import download
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button, empty, icon_button, note, segments
from fieldcrm.components.section import (
    Column,
    find_box,
    list_table,
    loaded,
    narrowing,
    opener,
    options_of,
)
from fieldcrm.components.shell import page
from fieldcrm.components.typed import typed_day
from fieldcrm.components.words import words
from fieldcrm.pages.coverage_state import NOWHERE, SPANS, Coverage
from fieldcrm.reports.coverage import MEASURES


def coverage_page() -> rx.Component:
    """The page."""
    return page(
        "/coverage", words("coverage.title"), behaviour.keys(["j", "k", "Escape"], Coverage.press),
        _tools(), _head(), _notes(), loaded(Coverage, _body()), class_name="cvg",
    )  # fmt: skip


def _day(name: str, value: Any, label: str) -> rx.Component:
    return typed_day(value, lambda chosen: Coverage.narrow(name, chosen), class_name="input sm day",
                     aria_label=words(label))  # fmt: skip


def _tools() -> rx.Component:
    measures = segments(
        *[(words(f"coverage.{m}"), Coverage.measure == m, Coverage.choose_measure(m)) for m in MEASURES],
        label=words("coverage.measure"),
    )  # fmt: skip
    spans = rx.el.select(
        rx.el.option(words("coverage.period"), value=""),
        *[rx.el.option(words(f"coverage.span.{days}"), value=days) for days in SPANS],
        value="", on_change=Coverage.choose_span, class_name="input sm pick",
        aria_label=words("coverage.period"),
    )  # fmt: skip
    letters = [rx.el.option(letter, value=letter) for letter in CATEGORIES]
    teams = narrowing(
        Coverage, "team", "report.all_teams", options_of(Coverage.teams), "report.team"
    )
    return rx.el.div(
        measures, spans, _day("first", Coverage.first, "admin.from_day"),
        rx.el.span("–", class_name="faint", aria_hidden="true"), _day("last", Coverage.last, "admin.to_day"),
        rx.cond(Coverage.teams.length() > 1, teams, rx.fragment()),
        narrowing(Coverage, "rep", "report.all_reps", options_of(Coverage.reps), "report.rep"),
        narrowing(Coverage, "letter", "report.all_categories", letters, "report.category"),
        class_name="row cv-t",
    )  # fmt: skip


def _head() -> rx.Component:
    progress = rx.el.div(
        rx.el.span(class_name="spin", aria_hidden="true"),
        rx.el.span(words("coverage.counting"), f" {Coverage.percent} %"),
        rx.el.progress(value=Coverage.percent, max=100, aria_label=words("coverage.counting")),
        button(words("coverage.stop"), small=True, on_click=Coverage.stop),
        class_name="row cv-p", role="status",
    )  # fmt: skip
    figures = rx.el.div(
        rx.el.span(Coverage.figures, class_name="med el", title=words("coverage.figures_why")),
        rx.el.span(class_name="sp"), rx.el.span(Coverage.as_of, class_name="muted t1 nw"),
        class_name="row cv-h",
    )  # fmt: skip
    return rx.cond(Coverage.is_counting, progress, figures)


def _notes() -> rx.Component:
    stopped = note(
        "warn", icon("info", "s"), words("coverage.stopped"),
        button(words("coverage.count_again"), small=True, on_click=Coverage.reload), role="status",
    )  # fmt: skip
    warming = note("info", icon("info", "s"), Coverage.warming, role="status")
    category = note("info", icon("info", "s"), words("coverage.no_category"), role="status")
    return rx.fragment(
        rx.cond(Coverage.was_stopped, stopped, rx.fragment()),
        rx.cond(Coverage.warming != "", warming, rx.fragment()),
        rx.cond(Coverage.narrows_tracks, category, rx.fragment()),
    )


def _body() -> rx.Component:
    shown = rx.el.div(
        coverage_map(Coverage.map_url, Coverage.measure, Coverage.bounds, Coverage.opened,
                     Coverage.open, Coverage.look),
        class_name="map cv-m",
    )  # fmt: skip
    side = rx.cond(Coverage.opened != "", _days(), _list())
    return rx.el.div(shown, side, class_name="cv-b")


# ---- the list: the map's twin ----

NONE = ("coverage.none", "coverage.none_why")


def _place(row: Any) -> rx.Component:
    named = opener(row.name, row.id, Coverage)
    return rx.cond(row.id == NOWHERE, rx.el.span(row.name, class_name="muted"), named)


COLUMNS = [
    Column("coverage.place", _place, "place"),
    Column("coverage.presence_min", lambda r: r.presence, "presence", "num"),
    Column("coverage.visits", lambda r: r.visits, "visits", "num"),
    Column("coverage.confirmed", lambda r: r.confirmed, "confirmed", "num"),
    Column("coverage.silence_min", lambda r: r.silence, "silence", "num"),
    Column("coverage.stock", lambda r: r.stock, "out_of_stock", "num"),
]


def _list() -> rx.Component:
    files = [
        download(name, Coverage.download + form + Coverage.download_asked)
        for name, form in (("XLSX", "xlsx"), ("CSV", "csv"))
    ]
    head = rx.el.div(
        find_box(Coverage, "coverage.find"), rx.el.span(class_name="sp"),
        rx.el.span(Coverage.shown, class_name="muted t1 nw", role="status"), *files, class_name="row cv-lh",
    )  # fmt: skip
    table = list_table(Coverage, COLUMNS, "coverage.list", NONE, "coverage.list")
    return rx.el.div(head, table, class_name="cv-s")


# ---- a cell's days ----


def _days() -> rx.Component:
    head = rx.el.div(
        icon_button("chevron-left", words("coverage.back"), on_click=Coverage.close),
        rx.el.h2(Coverage.cell_name, class_name="el"), rx.el.span(class_name="sp"),
        icon_button("arrow-up", words("report.previous"), on_click=Coverage.press("k")),
        icon_button("arrow-down", words("report.next"), on_click=Coverage.press("j")),
        class_name="sec-h",
    )  # fmt: skip
    measure = rx.match(
        Coverage.measure,
        *[(m, words(f"coverage.{m}")) for m in MEASURES[1:]],
        words("coverage.presence"),
    )
    about = rx.el.p(measure, " · ", Coverage.days_told, class_name="muted t1 cv-a")
    more = rx.cond(
        Coverage.days.length() < Coverage.days_count,
        rx.el.div(
            button(words("report.more"), small=True, on_click=Coverage.more_days), class_name="sec"
        ),
        rx.fragment(),
    )
    nothing = empty("no_match", words("coverage.nothing_here"), words("coverage.nothing_here_why"))
    rows = rx.el.table(
        rx.el.tbody(rx.foreach(Coverage.days, _day_row)), class_name="tbl tight",
        aria_label=words("coverage.days"),
    )  # fmt: skip
    body = rx.cond(Coverage.days.length() > 0, rx.fragment(rows, more), nothing)
    shown = rx.el.div(
        body, class_name="scr", tab_index=0, role="region", aria_label=words("coverage.days")
    )
    return rx.el.div(head, about, shown, class_name="cv-s")


def _day_row(row: Any) -> rx.Component:
    replay = rx.el.a(
        icon("history", "s"), rx.cond(row.time != "", row.time, words("replay.nav")), href=row.replay,
        class_name="btn sm", title=words("replay.link"),
    )  # fmt: skip
    visit = rx.el.a(
        icon("clipboard-check", "s"), href=row.visit, class_name="btn ghost sm icon",
        title=words("coverage.open_visit"), aria_label=words("coverage.open_visit"),
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(row.day, class_name="muted nw"), rx.el.td(row.rep, class_name="el"),
        rx.el.td(row.value, class_name="num nw"),
        rx.el.td(rx.el.div(rx.cond(row.visit != "", visit, rx.fragment()), replay, class_name="row g1"),
                 class_name="num"),
    )  # fmt: skip
