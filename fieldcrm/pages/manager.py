"""Plan against actual: indicators, days, where visits are wanting, a table, and the proof of each."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportReturnType=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.charts import bullet, day_chart, plan_bar, sparkline, verdict_bar
from fieldcrm.components.download import download
from fieldcrm.components.evidence_drawer import evidence_body
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.parts import (
    button,
    category,
    empty,
    failed,
    icon_button,
    segments,
    skeleton,
)
from fieldcrm.components.place_map import gap_map
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.pages.list_files import file_tools
from fieldcrm.pages.manager_rows import (
    MORE,
    TABLE,
)  # fmt: skip
from fieldcrm.pages.manager_state import Manager
from fieldcrm.reports.model import VERDICTS

KEYS = ["j", "k", "Escape"]


def manager() -> rx.Component:
    """The page."""
    shape = rx.cond(Manager.drawer != "", "pva", "pva wide")
    return page(
        "/manager", words("report.title"), behaviour.keys(KEYS, Manager.press), _report(), _drawer(),
        class_name=shape, bar=[_filters()],
    )  # fmt: skip


# ── filters ──────────────────────────────────────────────────────────────────────────────────────


def _filters() -> rx.Component:
    return rx.el.div(
        _filter(
            Manager.teams, Manager.team, Manager.filter_team, "report.all_teams", "report.team"
        ),
        class_name="row",
    )


def _filter(options: Any, value: Any, act: Any, every: str, label: str) -> rx.Component:
    items = rx.foreach(options, lambda o: rx.el.option(o["text"], value=o["value"]))
    chosen = rx.el.select(
        rx.el.option(words(every), value=""), items, value=value, on_change=act,
        class_name="input sm pick", aria_label=words(label),
    )  # fmt: skip
    return rx.cond(options.length() > 1, chosen, rx.fragment())


def _head() -> rx.Component:
    kinds = segments(
        (words("report.week"), Manager.kind == "week", Manager.choose_kind("week")),
        (rx.cond(Manager.kind == "month", Manager.month_word, words("report.month")),
         Manager.kind == "month", Manager.choose_kind("month")),
        (words("report.cycle"), Manager.kind == "cycle", Manager.choose_kind("cycle")),
        label=words("report.period"),
    )  # fmt: skip
    steps = rx.el.div(
        icon_button("chevron-left", words("report.earlier"), on_click=Manager.step(False)),
        icon_button("chevron-right", words("report.later"), on_click=Manager.step(True),
                    disabled=Manager.is_last),
        class_name="row g0",
    )  # fmt: skip
    letters = rx.el.select(
        rx.el.option(words("report.all_categories"), value=""),
        *[rx.el.option(letter, value=letter) for letter in "ABC"],
        rx.el.option(words("report.no_category"), value="-"),
        value=Manager.category, on_change=Manager.filter_category, class_name="input sm pick",
        aria_label=words("report.category"),
    )  # fmt: skip
    return rx.el.div(
        kinds, steps, rx.el.span(Manager.span, class_name="med nw"),
        rx.el.span(Manager.work_days, class_name="muted t1 nw el"), rx.el.span(class_name="sp"),
        _filter(Manager.reps, Manager.rep, Manager.filter_rep, "report.all_reps", "report.rep"),
        _filter(Manager.territories, Manager.territory, Manager.filter_territory,
                "report.all_territories", "report.territory"),
        letters,
        rx.cond(Manager.is_long, file_tools(Manager, "xlsx"),
                download(words("report.export"), Manager.export_url)),
        class_name="row pv-h",
    )  # fmt: skip


# ── the report ───────────────────────────────────────────────────────────────────────────────────


def _report() -> rx.Component:
    broken = failed(words("report.broken"), Manager.problem, Manager.reload)
    nothing = rx.el.section(
        empty("no_plan", words("report.nothing"), words("report.nothing_why"),
              button(words("report.to_now"), small=True, on_click=Manager.back_to_now),
              button(words("report.clear_filters"), small=True, on_click=Manager.clear_filters),
              heading=rx.el.h2),
        class_name="card pv-e",
    )  # fmt: skip
    whole = rx.fragment(_cards(), _small(), _two(), _table())
    return rx.el.div(
        _head(),
        rx.cond(
            Manager.problem != "", broken,
            rx.cond(Manager.is_ready, rx.cond(Manager.has_visits, whole, nothing), _waiting()),
        ),
        class_name="pvb", tab_index=0, role="region", aria_label=words("report.numbers"),
    )  # fmt: skip


def _waiting() -> rx.Component:
    cards = [rx.el.div(rx.el.span(class_name="sk line"), rx.el.span(class_name="sk big"),
                       class_name="card kpi") for _ in range(5)]  # fmt: skip
    return rx.fragment(
        rx.el.div(*cards, class_name="kpis late-in", aria_hidden="true"),
        rx.el.section(skeleton(8), class_name="card"),
    )


def _cards() -> rx.Component:
    return rx.el.div(rx.foreach(Manager.cards, _card), class_name="kpis")


def _card(card: Any) -> rx.Component:
    arrow = rx.cond(card.delta_icon != "", icon(card.delta_icon, "s"), rx.fragment())
    delta = rx.el.span(arrow, card.delta, class_name=f"{card.delta_tone} med nw",
                       title=words("report.delta_why"))  # fmt: skip
    goal = rx.el.span(
        rx.cond(card.is_reached, icon("check", "s"), rx.fragment()),
        card.goal,
        class_name=rx.cond(card.is_reached, "good nw", "muted nw"),
        title=card.goal_why,
    )
    return rx.el.article(
        rx.el.h2(card.label, title=card.label),
        rx.el.div(
            rx.el.button(
                card.value, rx.el.span(rx.cond(card.unit != "", f" {card.unit}", ""), class_name="u"),
                type="button", class_name="val way", title=card.parts,
                aria_label=f"{card.label}: {card.value} {card.unit}. {card.parts}",
                on_click=Manager.drill(card.name, ""),
            ),
            rx.el.span(class_name="sp"), sparkline(card.spark, card.spark_dot),
            class_name="row",
        ),
        bullet(card.percent, card.tick, card.pace, card.is_reached),
        rx.el.div(delta, rx.el.span(class_name="sp"), goal, class_name="row t1"),
        _tally(card),
        class_name="card kpi",
    )  # fmt: skip


def _tally(card: Any) -> rx.Component:
    """How many of the indicator's visits are confirmed, doubtful, contradicted, unjudged."""
    shown = [rx.el.span(glyph(v, "s"), card.counts.texts[n]) for n, v in enumerate(VERDICTS)]
    return rx.el.div(*shown, class_name="tally t1", role="img", aria_label=card.counts.said,
                     title=card.counts.said)  # fmt: skip


def _small() -> rx.Component:
    return rx.el.div(rx.foreach(Manager.small, _small_one), class_name="card smalls")


def _small_one(card: Any) -> rx.Component:
    return rx.el.button(
        rx.el.span(card.label, class_name="t1 muted el"),
        rx.el.span(
            rx.el.span(card.value, class_name="strong"),
            rx.el.span(rx.cond(card.unit != "", f" {card.unit}", ""), class_name="u"),
            rx.cond(card.delta != "", rx.el.span(card.delta, class_name=f"{card.delta_tone} t1"),
                    rx.fragment()),
            class_name="row",
        ),
        type="button", title=f"{card.parts}. {card.counts.said}", on_click=Manager.drill(card.name, ""),
    )  # fmt: skip


def _two() -> rx.Component:
    legend = [
        _legend("report.plan", "M0 4h14", "var(--plan-line)"),
        _swatch("report.confirmed_short", "var(--accent)"),
        _swatch("report.unjudged_short", "var(--accent)", "0.42"),
        _swatch("report.doubtful_short", "url(#hat)"),
        _swatch("report.contradicted_short", "var(--contradicted)"),
    ]
    switch = icon_button("file-spreadsheet", words("report.as_table"), on_click=Manager.switch_view,
                         aria_pressed=rx.cond(Manager.as_table, "true", "false"))  # fmt: skip
    chart = rx.el.section(
        rx.el.header(rx.el.h2(words("report.by_day")), rx.el.span(class_name="sp"), *legend, switch),
        rx.el.div(
            rx.cond(Manager.as_table, _days_table(),
                    day_chart(Manager.bars, words("report.by_day"), Manager.drill_day)),
            class_name="chart",
        ),
        class_name="card",
    )  # fmt: skip
    gaps = rx.el.section(
        rx.el.header(
            rx.el.h2(words("report.gaps"), class_name="nw"), rx.el.span(class_name="sp"),
            rx.el.span("0 ", rx.el.span(*[rx.el.i(class_name=f"h{n}") for n in range(5)],
                                        class_name="ramp", aria_hidden="true"),
                       " ", Manager.gap_most, class_name="lg"),
            icon_button("chevron-right", words("report.gaps_list"),
                        on_click=Manager.drill("frequency", "")),
        ),
        rx.el.div(
            rx.cond(Manager.hexes.length() > 0, gap_map(Manager.hexes, words("report.gaps")),
                    rx.el.p(words("report.no_targets"), class_name="muted map-none")),
            class_name="map",
        ),
        class_name="card hexc",
    )  # fmt: skip
    return rx.el.div(chart, gaps, class_name="two")


def _legend(key: str, path: str, colour: str) -> rx.Component:
    mark = rx.el.svg(rx.el.path(d=path, stroke=colour, stroke_width="2"), width="14", height="8",
                     aria_hidden="true")  # fmt: skip
    return rx.el.span(mark, words(key), class_name="lg")


def _swatch(key: str, fill: str, opacity: str = "1") -> rx.Component:
    mark = rx.el.svg(rx.el.rect(width="10", height="10", rx="2", fill=fill, opacity=opacity),
                     width="10", height="10", aria_hidden="true")  # fmt: skip
    return rx.el.span(mark, words(key), class_name="lg")


def _days_table() -> rx.Component:
    heads = ["report.day", "report.planned", "report.confirmed", "report.doubtful",
             "report.contradicted", "report.unjudged"]  # fmt: skip
    return rx.el.div(
        rx.el.table(
            rx.el.thead(rx.el.tr(*[rx.el.th(words(k), scope="col", class_name="num" if n else "")
                                   for n, k in enumerate(heads)])),
            rx.el.tbody(rx.foreach(Manager.bars, _day_row)), class_name="tbl tight",
        ),
        class_name="scr days", tab_index=0, role="region", aria_label=words("report.days_table"),
    )  # fmt: skip


def _day_row(bar: Any) -> rx.Component:
    numbers = (bar.planned, bar.confirmed, bar.doubtful, bar.contradicted, bar.unjudged)
    return rx.el.tr(
        rx.el.td(rx.el.button(bar.day, type="button", class_name="way", on_click=Manager.drill_day(bar.day))),
        *[rx.el.td(n, class_name="num") for n in numbers],
    )  # fmt: skip


# ── the table ────────────────────────────────────────────────────────────────────────────────────


def _table() -> rx.Component:
    groups = segments(
        *[(words(f"report.by.{by}"), Manager.by == by, Manager.choose_group(by))
          for by in ("team", "rep", "day", "category")],
        label=words("report.group"),
    )  # fmt: skip
    body = rx.el.table(
        rx.el.thead(_heads()),
        rx.el.tbody(rx.foreach(Manager.lines, _lines)),
        rx.el.tfoot(_total()),
        class_name="tbl tight pvt", aria_label=words("report.table"),
    )  # fmt: skip
    return rx.el.section(
        rx.el.header(groups, rx.el.span(class_name="sp"),
                     rx.el.span(words("report.table_hint"), class_name="t1 faint nw el")),
        rx.el.div(body, class_name="scr-x", tab_index=0, role="region", aria_label=words("report.table")),
        class_name="card tblc",
    )  # fmt: skip


def _heads() -> rx.Component:
    def head(key: str, class_name: str = "num", **more: Any) -> rx.Component:
        return rx.el.th(
            words(key), scope="col", class_name=class_name, title=words(f"{key}.why"), **more
        )

    verdicts = [
        rx.el.th(glyph(v, label=words(f"report.{v}")), scope="col", class_name="num vc",
                 title=words(f"report.{v}"))
        for v in VERDICTS
    ]  # fmt: skip
    named = rx.match(
        Manager.by, *[(by, words(f"report.by.{by}")) for by in ("team", "rep", "day")],
        words("report.by.category"),
    )  # fmt: skip
    return rx.el.tr(
        rx.el.th(named, scope="col", class_name="sort"),
        rx.el.th(words("report.done_and_plan"), scope="col", style={"width": "112px"}),
        rx.el.th(rx.el.span(words("report.count"), class_name="vh"), scope="col", class_name="num"),
        *[head(f"report.head.{name}") for name in TABLE],
        *[head(f"report.head.{name}", "num xtra") for name in MORE],
        rx.el.th(words("report.verdicts"), scope="col", style={"width": "104px"}),
        *verdicts,
    )


def _lines(line: Any) -> rx.Component:
    is_open = Manager.opened == line.key
    return rx.fragment(
        _line(line, is_open),
        rx.cond(
            is_open, rx.fragment(rx.foreach(Manager.sub, _sub_row), _sub_end(line)), rx.fragment()
        ),
    )


def _line(line: Any, is_open: Any) -> rx.Component:
    opens = rx.el.button(
        rx.cond(is_open, icon("chevron-down", "s"), icon("chevron-right", "s")), line.name,
        type="button", class_name="exp", aria_expanded=rx.cond(is_open, "true", "false"),
        on_click=Manager.toggle_line(line.key),
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(opens, class_name="med"),
        rx.el.td(plan_bar(line.percent, line.tick)),
        rx.el.td(_number(line.done, "closed", line.key),
                 rx.el.span("/", class_name="u"), _number(line.planned, "planned", line.key, "u"),
                 class_name="num"),
        rx.foreach(line.main, lambda v: _cell(v, line.key, "num")),
        rx.foreach(line.more, lambda v: _cell(v, line.key, "num xtra")),
        rx.el.td(_verdicts(line)),
        *_verdict_counts(line),
        class_name=rx.cond(is_open, "open", ""),
    )  # fmt: skip


def _verdicts(line: Any) -> rx.Component:
    c = line.counts
    return verdict_bar(c.confirmed, c.doubtful, c.contradicted, c.unjudged, c.said)


def _verdict_counts(line: Any) -> list[rx.Component]:
    c = line.counts
    counts = (c.confirmed, c.doubtful, c.contradicted, c.unjudged)
    return [
        rx.el.td(
            rx.cond(count > 0, _number(c.texts[n], name, line.key), rx.el.span("0", class_name="faint")),
            class_name="num bad-if" if name == "contradicted" else "num",
        )
        for n, (name, count) in enumerate(zip(VERDICTS, counts, strict=True))
    ]  # fmt: skip


def _number(text: Any, what: str, key: Any, tone: str = "") -> rx.Component:
    """A number that opens the visits behind it."""
    return rx.el.button(
        text, type="button", class_name=f"way {tone}".strip(), on_click=Manager.drill(what, key)
    )


def _cell(value: Any, key: Any, class_name: str) -> rx.Component:
    number = rx.el.button(
        value.text,
        type="button",
        class_name=f"way {value.tone}",
        on_click=Manager.drill(value.name, key),
    )
    return rx.el.td(
        rx.cond(value.text == "—", rx.el.span("—", class_name="faint"), number),
        class_name=class_name,
    )


def _sub_row(visit: Any) -> rx.Component:
    who = rx.el.div(
        glyph(visit.verdict, label=visit.verdict_word),
        rx.el.span(visit.day, class_name="faint t1 sub-d"), category(visit.category),
        rx.el.span(visit.client, class_name="el"), class_name="row",
    )  # fmt: skip
    chosen = (Manager.drawer == "visit") & (Manager.visit.id == visit.id)
    return rx.el.tr(
        rx.el.td(who, col_span=3),
        rx.el.td(rx.el.div(visit.why, class_name="el", title=visit.why), col_span=4 + len(MORE), class_name="muted why"),
        rx.el.td(
            rx.el.button(words("report.evidence"), type="button", class_name="way link",
                         on_click=Manager.open_sub(visit.id)),
            col_span=5, class_name="num",
        ),
        class_name="sub", aria_selected=rx.cond(chosen, "true", "false"),
        on_click=Manager.open_sub(visit.id),
    )  # fmt: skip


def _sub_end(line: Any) -> rx.Component:
    """Below the suspect visits: that there are none, or a way to all of them."""
    none = rx.el.span(glyph("confirmed"), words("report.none_suspect"), class_name="row muted")
    every = rx.el.button(
        Manager.sub_more,
        type="button",
        class_name="way link",
        on_click=Manager.drill("suspect", line.key),
    )
    shown = rx.cond(Manager.sub.length() == 0, none, every)
    return rx.cond(
        (Manager.sub.length() == 0) | (Manager.sub_more != ""),
        rx.el.tr(rx.el.td(shown, col_span=12 + len(MORE)), class_name="sub"), rx.fragment(),
    )  # fmt: skip


def _total() -> rx.Component:
    line = Manager.total
    return rx.el.tr(
        rx.el.td(line.name), rx.el.td(""),
        rx.el.td(_number(line.done, "closed", ""), rx.el.span("/", class_name="u"),
                 _number(line.planned, "planned", "", "u"), class_name="num"),
        rx.foreach(line.main, lambda v: _cell(v, "", "num")),
        rx.foreach(line.more, lambda v: _cell(v, "", "num xtra")),
        rx.el.td(_verdicts(line)),
        *_verdict_counts(line),
    )  # fmt: skip


# ── the drawer ───────────────────────────────────────────────────────────────────────────────────


def _drawer() -> rx.Component:
    return rx.match(
        Manager.drawer, ("list", _list_drawer()), ("visit", _visit_drawer()), rx.fragment()
    )


def _visit_drawer() -> rx.Component:
    back = rx.cond(
        Manager.came_from == "list",
        icon_button("chevron-left", words("report.to_list"), on_click=Manager.close_drawer), rx.fragment(),
    )  # fmt: skip
    head = rx.el.div(
        back, rx.el.h2(words("report.visit_and_evidence"), class_name="el"), rx.el.span(class_name="sp"),
        rx.el.span(Manager.place, class_name="t1 faint nw"),
        icon_button("arrow-up", words("report.previous"), on_click=Manager.neighbour(-1)),
        icon_button("arrow-down", words("report.next"), on_click=Manager.neighbour(1)),
        icon_button("x", words("desk.close"), on_click=Manager.shut_drawer), class_name="sec-h",
    )  # fmt: skip
    broken = empty("broken", words("report.visit_broken"), Manager.visit_problem)
    return rx.el.aside(
        head,
        rx.el.div(
            rx.cond(Manager.visit_problem != "", broken, rx.fragment(*evidence_body(Manager.visit))),
            class_name="dr-b", tab_index=0, role="region", aria_label=Manager.visit.client,
        ),
        class_name="drawer", aria_label=words("report.visit_and_evidence"),
    )  # fmt: skip


def _list_drawer() -> rx.Component:
    tabs = segments(
        (words("report.tab.visits"), Manager.list_tab == "visits", Manager.show_tab("visits")),
        (rx.fragment(words("report.tab.lacking"), rx.el.span(Manager.lacking_count, class_name="faint")),
         Manager.list_tab == "lacking", Manager.show_tab("lacking")),
        label=words("report.tabs"),
    )  # fmt: skip
    head = rx.el.div(
        rx.el.h2(Manager.list_title, class_name="el", title=Manager.list_title), rx.el.span(class_name="sp"),
        icon_button("x", words("desk.close"), on_click=Manager.shut_drawer), class_name="sec-h",
    )  # fmt: skip
    none = empty("no_match", words("report.list_empty"), words("report.list_empty_why"))
    visits = rx.fragment(
        rx.el.ul(rx.foreach(Manager.listed, _listed), class_name="vlist"),
        rx.cond(Manager.list_cursor != "",
                rx.el.div(button(words("report.more"), small=True, on_click=Manager.more), class_name="sec"),
                rx.fragment()),
    )  # fmt: skip
    shown = rx.cond(
        Manager.list_tab == "lacking",
        rx.el.ul(rx.foreach(Manager.lacking, _lacking), class_name="vlist"),
        rx.cond(Manager.listed.length() > 0, visits, none),
    )
    return rx.el.aside(
        head,
        rx.cond(Manager.lacking.length() > 0, rx.el.div(tabs, class_name="sec tabs-r"), rx.fragment()),
        rx.cond(
            (Manager.list_note != "") & (Manager.list_tab == "visits"),
            rx.el.p(Manager.list_note, class_name="t1 muted list-n"), rx.fragment(),
        ),
        rx.el.div(rx.cond(Manager.list_busy, skeleton(8), shown), class_name="dr-b", tab_index=0,
                  role="region", aria_label=Manager.list_title),
        class_name="drawer", aria_label=words("report.behind"),
    )  # fmt: skip


def _listed(visit: Any) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            glyph(visit.verdict, label=visit.verdict_word),
            rx.el.span(
                rx.el.span(category(visit.category), rx.el.span(visit.client, class_name="el med"),
                           rx.el.span(class_name="sp"), rx.el.span(visit.day, class_name="faint t1 nw"),
                           class_name="row"),
                rx.el.span(visit.rep, " · ", visit.why, class_name="t1 muted el", title=visit.why),
                class_name="vl-b",
            ),
            type="button", class_name=rx.cond(visit.counts, "vl", "vl out"),
            on_click=Manager.open_listed(visit.id),
        )
    )  # fmt: skip


def _lacking(row: Any) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            category(row.category),
            rx.el.span(rx.el.span(row.client, class_name="el med"),
                       rx.el.span(row.rep, class_name="t1 muted el"), class_name="vl-b"),
            rx.el.span(row.said, class_name="t1 late nw"), class_name="vl",
        )
    )  # fmt: skip
