"""Quality of the client base: what to fix first, how it stands, pins, runs, the rules."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.clients.model import CATEGORIES
from fieldcrm.components import behaviour
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge, button, category, empty, kbd
from fieldcrm.components.section import (
    Column,
    clipped,
    find_box,
    folded,
    list_table,
    loaded,
    narrowing,
    opener,
    options_of,
    row_drawer,
)
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.pages.admin import said
from fieldcrm.pages.list_files import file_tools
from fieldcrm.pages.quality_pins import QualityPins, QualityPlace
from fieldcrm.pages.quality_place import pins_drawer, pins_tab, place_tab
from fieldcrm.pages.quality_rules import QualityRules, rules_tab
from fieldcrm.pages.quality_state import TABS, Quality
from fieldcrm.quality.model import Code

WATCH_MS = 1_500
ICONS = {"fix": "list-filter", "whole": "chart-no-axes-column", "pins": "map-pin",
         "place": "locate-fixed", "runs": "history", "rules": "settings-2"}  # fmt: skip


def quality_page() -> rx.Component:
    """The page."""
    title = rx.el.h2(words("quality.title"), class_name="vh")
    tab = rx.match(
        Quality.tab, ("whole", _whole()), ("pins", rx.el.div(_on(QualityPins.load), pins_tab(), class_name="ad-b")),
        ("place", rx.el.div(_on(QualityPlace.load), place_tab(), class_name="ad-b")), ("runs", _runs()),
        ("rules", rx.el.div(_on(QualityRules.load), rules_tab(_ticker), class_name="ad-b")), _fix(),
    )  # fmt: skip
    keys = rx.match(
        Quality.tab,
        ("pins", behaviour.keys(["j", "k", "Escape"], QualityPins.press)),
        ("place", behaviour.keys(["s", "n", "b"], QualityPlace.strike)),
        ("fix", rx.fragment(behaviour.keys(["j", "k", "Escape"], Quality.press),
                            behaviour.keys(["c"], Quality.strike))), rx.fragment(),
    )  # fmt: skip
    drawer = rx.match(
        Quality.tab, ("pins", pins_drawer()),
        ("fix", row_drawer(Quality, "quality.one", Quality.card_problem, "quality.broken", Quality.card.name, _card())),
        rx.fragment(),
    )  # fmt: skip
    return page(
        "/quality", words("quality.title"), keys, _tabs(),
        rx.el.div(title, tab, drawer, class_name="ad-w co-w qu-w"), class_name="ad",
    )  # fmt: skip


def _on(handler: Any) -> rx.Component:
    """Asks a tab to fill itself when it is drawn, also after a switch of language."""
    return rx.el.span(on_mount=handler, key=Quality.language, class_name="vh", aria_hidden="true")


def _ticker(handler: Any) -> rx.Component:
    return behaviour.ticker(WATCH_MS, handler)


def _tabs() -> rx.Component:
    made = [_tab(name) for name in TABS if name != "rules"]
    return rx.el.div(
        *made, rx.cond(Quality.may_run, _tab("rules"), rx.fragment()), class_name="tabs qu-tabs",
        role="tablist", aria_label=words("quality.tabs"),
    )  # fmt: skip


def _tab(name: str) -> rx.Component:
    n = rx.cond(
        Quality.waiting_pins != "0", badge(Quality.waiting_pins, tone="accent"), rx.fragment()
    )
    return rx.el.button(
        icon(ICONS[name], "s"), words(f"quality.tab.{name}"), *([n] if name == "pins" else []),
        type="button", role="tab", aria_selected=rx.cond(Quality.tab == name, "true", "false"),
        on_click=Quality.choose(name),
    )  # fmt: skip


# ---- what to fix first ----

NONE = ("quality.none", "quality.none_why")


def score_badge(text: Any, tone: Any) -> rx.Component:
    """A score with its look."""
    return rx.el.span(text, class_name=f"badge {tone} qu-n")


COLUMNS = [
    Column("quality.score", lambda r: score_badge(r.score, r.tone), "score", "num nw"),
    Column("report.client", lambda r: opener(r.name, r.id, Quality), "name"),
    Column("admin.field.category", lambda r: category(r.category), "category", "nw"),
    Column("quality.findings", lambda r: clipped(r.why), class_name="qu-y"),
    Column("quality.next_visit", lambda r: r.next_visit, class_name="muted nw xtra"),
    Column("admin.field.territory", lambda r: clipped(r.territory), class_name="muted xtra"),
    Column("quality.owner", lambda r: clipped(r.owner), class_name="muted xtra"),
]


def _fix() -> rx.Component:
    table = list_table(Quality, COLUMNS, "quality.title", NONE, "quality.list")
    unchecked = rx.el.section(_unchecked(), class_name="card ad-c")
    shown = rx.cond(Quality.is_unchecked, unchecked, table)
    return rx.el.div(_tools(), loaded(Quality, shown), class_name="ad-b")


def _unchecked() -> rx.Component:
    """Before the first check: who may start it does so here, others read who can."""
    why = rx.cond(Quality.may_run, words("quality.never_why"), words("quality.never_who"))
    going = rx.fragment(_ticker(Quality.watch), _progress())
    step = rx.cond(Quality.is_running, going, rx.cond(Quality.may_run, _ask_check(), rx.fragment()))
    return empty("no_match", Quality.run_said, why, step)


def _tools() -> rx.Component:
    codes = [rx.el.option(words(f"quality.finding.{c.value}"), value=c.value) for c in Code]
    letters = [rx.el.option(letter, value=letter) for letter in CATEGORIES]
    first = button(
        words("quality.first"), small=True, on_click=Quality.sort_by("value"),
        aria_pressed=rx.cond(Quality.sort == "-value", "true", "false"),
    )  # fmt: skip
    return rx.el.div(
        find_box(Quality, "quality.find"), first,
        folded(
            Quality,
            narrowing(Quality, "code", "quality.all_findings", codes, "quality.finding"),
            narrowing(Quality, "category", "report.all_categories", letters, "report.category"),
            narrowing(Quality, "territory", "quality.all_territories", options_of(Quality.territories), "admin.field.territory"),
            narrowing(Quality, "rep", "report.all_reps", options_of(Quality.owners), "quality.owner"),
        ),
        rx.el.span(Quality.shown, class_name="muted t1 nw end", role="status"),
        file_tools(Quality, "xlsx", "csv"), class_name="row ad-t",
    )  # fmt: skip


def _card() -> rx.Component:
    c = Quality.card
    facts = [(words("admin.field.address"), c.address), (words("admin.field.phone"), c.phone),
             (words("admin.field.opening_hours"), c.hours)]  # fmt: skip
    told = [
        rx.cond(v != "", rx.el.div(rx.el.dt(k), rx.el.dd(v)), rx.fragment()) for k, v in facts
    ]  # fmt: skip
    lines = rx.el.ul(rx.foreach(c.lines, _finding), class_name="qu-l", aria_label=words("quality.findings"))  # fmt: skip
    fine = rx.el.p(words("quality.nothing_wrong"), class_name="muted")
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.a(c.name, href=f"/clients?client={c.id}", class_name="way strong t3 el", title=c.name),
                rx.el.span(class_name="sp"), score_badge(c.score, c.tone), class_name="row",
            ),
            rx.el.div(words("quality.checked"), " ", c.checked, class_name="t1 muted"), class_name="sec dh",
        ),
        rx.el.div(rx.el.h3(words("quality.findings")), rx.cond(c.lines.length() > 0, lines, fine), class_name="sec said"),
        rx.el.div(rx.el.dl(*told, class_name="facts"), class_name="sec"),
        rx.el.div(
            said(Quality.refused),
            rx.el.div(
                rx.el.a(icon("pencil", "s"), words("quality.edit"), href=f"/clients/form?client={c.id}", class_name="btn primary"),
                button(icon("check", "s"), words("quality.confirm"), kbd("C"), on_click=Quality.confirm), class_name="row qu-b",
            ),
            rx.el.p(words("quality.confirm_why"), class_name="faint t1"), class_name="sec said co-w2",
        ),
    )  # fmt: skip


def _finding(line: Any) -> rx.Component:
    return rx.el.li(
        icon("minus", "s"), rx.el.span(line.text), rx.el.span(class_name="sp"),
        rx.el.span(line.points, class_name="muted t1 nw", title=words("quality.gain")), class_name="row",
    )  # fmt: skip


# ---- how it stands ----


def _whole() -> rx.Component:
    counts = rx.el.ul(
        rx.foreach(Quality.counts, _count),
        class_name="qu-c",
        aria_label=words("quality.by_finding"),
    )
    head = rx.el.div(
        rx.el.span(Quality.whole.score, class_name="t4 strong"), rx.el.span(words("quality.mean"), class_name="muted"),
        rx.el.span(Quality.whole.clients, class_name="med"), rx.el.span(words("quality.clients"), class_name="muted"),
        class_name="row qu-h",
    )  # fmt: skip
    none = empty("no_match", words("quality.none"), words("quality.none_why"))
    nothing = rx.cond(Quality.is_unchecked, _unchecked(), none)
    body = rx.el.div(
        rx.el.section(rx.el.header(rx.el.h2(words("quality.by_finding"))), head, counts, class_name="card"),
        _sums("quality.by_territory", Quality.places, "territory", True),
        _sums("quality.by_owner", Quality.holders, "rep", False), class_name="qu-o",
    )  # fmt: skip
    shown = rx.cond(Quality.whole.clients != "0", body, nothing)
    return rx.el.div(loaded(Quality, shown), class_name="ad-b qu-s")


def _count(c: Any) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.span(c.text), rx.el.span(class_name="sp"), rx.el.span(c.n, class_name="num"),
            type="button", class_name="way row", on_click=Quality.only(c.code),
        )
    )  # fmt: skip


def _sums(title: str, rows: Any, name: str, has_owner: bool) -> rx.Component:
    heads = [words("admin.field.territory" if has_owner else "quality.owner")]
    heads += [words("quality.owner")] if has_owner else []
    made = [rx.el.th(h, scope="col") for h in heads]
    made += [rx.el.th(words("office.nav.clients"), scope="col", class_name="num"),
             rx.el.th(words("quality.score"), scope="col"), rx.el.th(words("quality.worst"), scope="col", class_name="xtra")]  # fmt: skip
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*made)), rx.el.tbody(rx.foreach(rows, lambda s: _sum(s, name, has_owner))),
        class_name="tbl tight", aria_label=words(title),
    )  # fmt: skip
    region = rx.el.div(table, class_name="scr", tab_index=0, role="region", aria_label=words(title))
    return rx.el.section(rx.el.header(rx.el.h2(words(title))), region, class_name="card")


def _sum(s: Any, name: str, has_owner: bool) -> rx.Component:
    bar = rx.el.span(
        rx.el.i(style={"width": f"{s.percent}%"}), class_name=f"bart {s.tone}", aria_hidden="true"
    )
    named = rx.el.button(
        s.name, type="button", class_name="way med el cell-l", on_click=Quality.within(name, s.id)
    )
    return rx.el.tr(
        rx.el.td(named), *([rx.el.td(s.owner, class_name="muted")] if has_owner else []),
        rx.el.td(s.clients, class_name="num"),
        rx.el.td(rx.el.div(rx.el.span(s.score, class_name="num"), bar, class_name="row qu-m")),
        rx.el.td(s.worst, class_name="muted xtra"),
    )  # fmt: skip


# ---- runs ----


def _runs() -> rx.Component:
    heads = ("quality.run_at", "quality.run_by", "quality.status", "office.nav.clients", "quality.score",
             "quality.change", "quality.pins_found")  # fmt: skip
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(h), scope="col") for h in heads])),
        rx.el.tbody(rx.foreach(Quality.runs, _run)), class_name="tbl tight", aria_label=words("quality.runs"),
    )  # fmt: skip
    region = rx.el.div(
        table, class_name="scr", tab_index=0, role="region", aria_label=words("quality.runs")
    )
    none = empty("no_match", words("quality.never"), words("quality.never_why"))
    shown = rx.el.section(rx.cond(Quality.runs.length() > 0, region, none), class_name="card ad-c")
    return rx.el.div(_run_bar(), said(Quality.refused), loaded(Quality, rx.el.div(shown, class_name="qu-o one")), class_name="ad-b qu-s")  # fmt: skip


def _run_bar() -> rx.Component:
    going = rx.fragment(_ticker(Quality.watch), _progress())
    return rx.el.div(
        rx.el.span(Quality.run_said, class_name="muted t1", role="status"), rx.el.span(class_name="sp"),
        rx.cond(Quality.is_running, going, rx.cond(Quality.may_run, _ask_check(), rx.fragment())),
        class_name="row ad-t",
    )  # fmt: skip


def _progress() -> rx.Component:
    """How far the check is, and for who may the way to stop it."""
    bar = rx.el.div(
        rx.el.i(style={"width": f"{Quality.run_percent}%"}), class_name="bart", role="progressbar",
        aria_valuenow=Quality.run_percent, aria_valuemin=0, aria_valuemax=100, aria_label=words("quality.run"),
    )  # fmt: skip
    stop = button(icon("x", "s"), words("quality.stop"), small=True, on_click=Quality.stop)
    return rx.fragment(bar, rx.cond(Quality.may_run, stop, rx.fragment()))


def _ask_check() -> rx.Component:
    again, run = icon("refresh-cw", "s"), words("quality.run")
    return button(again, run, small=True, kind="primary", on_click=Quality.run)


def _run(r: Any) -> rx.Component:
    is_shown = Quality.shown_run == r.id
    opens = rx.el.button(r.at, type="button", class_name="way med nw", on_click=Quality.show_run(r.id),
                         aria_expanded=rx.cond(is_shown, "true", "false"))  # fmt: skip
    tone = rx.match(r.status, ("done", "ok"), ("failed", "err"), ("cancelled", "warn"), "line")
    cells = [
        opens,
        r.by,
        rx.el.span(r.status_word, class_name=f"badge {tone}"),
        r.clients,
        r.score,
        r.change,
        r.pins,
    ]
    row = rx.el.tr(*[rx.el.td(c) for c in cells])
    heads = (
        "quality.finding",
        "quality.before",
        "quality.now",
        "quality.cleared",
        "quality.appeared",
    )
    lines = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(h), scope="col", class_name="" if n == 0 else "num") for n, h in enumerate(heads)])),
        rx.el.tbody(rx.foreach(r.lines, _run_line)), class_name="tbl tight qu-i", aria_label=words("quality.by_finding"),
    )  # fmt: skip
    more = rx.el.tr(rx.el.td(lines, col_span=len(cells)))
    return rx.fragment(row, rx.cond(is_shown & (r.lines.length() > 0), more, rx.fragment()))


def _run_line(line: Any) -> rx.Component:
    numbers = (line.before, line.now, line.cleared, line.appeared)
    return rx.el.tr(rx.el.td(line.text), *[rx.el.td(n, class_name="num") for n in numbers])
