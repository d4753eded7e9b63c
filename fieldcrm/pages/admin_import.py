"""Import of clients: a file, its columns, what would change with every problem by row, the run."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.clients.import_rules import MATCHES, MODES
from fieldcrm.clients.model import ClientKind
from fieldcrm.components import behaviour
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.import_drop import import_drop
from fieldcrm.components.parts import LANDS, badge, button, empty, segments, skeleton
from fieldcrm.components.typed import chosen
from fieldcrm.components.words import words
from fieldcrm.pages import admin_import_parts as parts
from fieldcrm.pages.admin import admin_page, said
from fieldcrm.pages.admin_import_look import FIELD_NAMES
from fieldcrm.pages.admin_import_state import AdminImport

WATCH_MS = 5_000


def admin_import() -> rx.Component:
    """The page."""
    shown = rx.match(AdminImport.step, (1, _upload()), (2, _check()), (3, _running()), _done())
    return admin_page("/admin/import", _steps(), said(AdminImport.refused), parts.told(), shown)


def _steps() -> rx.Component:
    def step(n: int, label: str, note: Any) -> rx.Component:
        past, now = AdminImport.step > n, AdminImport.step == n
        sign = rx.cond(past, icon("check", "s"), rx.el.span(str(n)))
        return rx.el.li(
            rx.el.span(sign, class_name="sn"),
            rx.el.span(rx.el.b(words(label)), rx.el.br(), rx.el.span(note, class_name="t1 muted")),
            class_name=rx.cond(past, "ok", rx.cond(now, "now", "")),
            aria_current=rx.cond(now, "step", "false"),
        )

    back = button(icon("chevron-left"), words("admin.import.back"), on_click=AdminImport.forget)
    go = button(
        words("admin.import.run"), kind="primary", on_click=AdminImport.run,
        disabled=(AdminImport.totals.blocks > 0) | AdminImport.is_busy
        | (AdminImport.totals.creates + AdminImport.totals.updates == 0),
    )  # fmt: skip
    problems = rx.el.span(words("admin.import.blocked"), ": ", AdminImport.totals.texts["rejected"], ", ",
                          words("admin.import.warnings"), ": ", AdminImport.totals.texts["warnings"])  # fmt: skip
    return rx.el.ol(
        step(1, "admin.import.step.upload", rx.cond(AdminImport.step > 1, AdminImport.file_name, words("admin.import.csv_or_xlsx"))),
        step(2, "admin.import.step.check", rx.cond(AdminImport.step > 1, problems, words("admin.import.nothing_written"))),
        step(3, "admin.import.step.run", words("admin.import.whole_or_not")),
        rx.el.li(class_name="sp"),
        rx.el.li(rx.cond(AdminImport.step == 2, rx.fragment(back, go), rx.fragment()), class_name="act row"),
        class_name="stp",
    )  # fmt: skip


def _upload() -> rx.Component:
    drop = rx.el.section(import_drop(AdminImport.kept, AdminImport.refuse), class_name="card im-u")
    return rx.el.div(rx.cond(AdminImport.is_busy, _looking(), drop), _past(), class_name="im-w")


def _looking() -> rx.Component:
    """How far the look at a long file is, and the way to give it up."""
    return rx.el.section(
        _landing(AdminImport.file_name), _bar(),
        rx.el.p(AdminImport.doing, class_name="muted", role="status"),
        button(words("admin.import.stop_this"), on_click=AdminImport.stop_looking), class_name="card im-r",
    )  # fmt: skip


def _landing(text: Any) -> rx.Component:
    """The heading of a step, which has the focus once the step is there."""
    return rx.el.h2(text, tab_index=-1, custom_attrs=LANDS)


def _bar() -> rx.Component:
    return rx.el.div(
        rx.el.i(style={"width": f"{AdminImport.percent}%"}), class_name="bart", role="progressbar",
        aria_valuenow=AdminImport.percent.to(int), aria_valuemin=0, aria_valuemax=100, aria_label=AdminImport.doing,
    )  # fmt: skip


def _looking_again() -> rx.Component:
    """The same in a line above what was seen before."""
    return rx.el.div(
        rx.el.span(AdminImport.doing, class_name="muted t1 nw", role="status"), _bar(),
        button(words("admin.import.stop_this"), small=True, on_click=AdminImport.stop_looking),
        class_name="card row im-l",
    )  # fmt: skip


def _past() -> rx.Component:
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(f"admin.{k}"), scope="col")
                               for k in ("when", "who", "import.file", "import.outcome", "data")])),
        rx.el.tbody(rx.foreach(AdminImport.runs, parts.past_run)), class_name="tbl tight",
        aria_label=words("admin.import.past"),
    )  # fmt: skip
    none = rx.el.p(words("admin.import.none_yet"), class_name="muted sec")
    return rx.el.section(
        rx.el.header(rx.el.h2(words("admin.import.past"))),
        rx.cond(AdminImport.runs.length() > 0,
                rx.el.div(rows, class_name="scr", tab_index=0, role="region", aria_label=words("admin.import.past")),
                rx.cond(AdminImport.is_ready, none, skeleton(2))),
        class_name="card ad-c",
    )  # fmt: skip


def _check() -> rx.Component:
    again = rx.cond(AdminImport.is_slow, _looking_again(), rx.fragment())
    return rx.el.div(again, _dry(), rx.el.div(_mapping(), _problems(), class_name="img"), class_name="im-w",
                     aria_busy=rx.cond(AdminImport.is_busy, "true", "false"))  # fmt: skip


def _dry() -> rx.Component:
    t = AdminImport.totals
    modes = segments(
        *[(words(f"admin.import.mode.{m}"), AdminImport.mode == m, AdminImport.choose("mode", m)) for m in MODES],
        label=words("admin.import.mode"),
    )  # fmt: skip
    match = chosen(
        *[rx.el.option(words(f"admin.import.match.{m}"), value=m) for m in MATCHES], value=AdminImport.match,
        on_told=lambda v: AdminImport.choose("match", v), class_name="input sm pick wide-p",
        aria_label=words("admin.import.match"),
    )  # fmt: skip
    shares = (("c", t.creates), ("u", t.updates), ("n", t.keeps), ("r", t.rejects))
    stack = rx.el.div(
        *[rx.cond(n > 0, rx.el.i(class_name=c, style={"flex": f"{n} 1 6px"}), rx.fragment()) for c, n in shares],
        class_name="stack", aria_hidden="true",
    )  # fmt: skip
    figures = rx.el.dl(
        _figure("c", icon("plus", "s"), "create", t.texts["create"]),
        _figure("u", icon("pencil", "s"), "update", t.texts["update"]),
        _figure("n", icon("minus", "s"), "unchanged", t.texts["unchanged"]),
        _figure("r", glyph("contradicted", "s"), "blocking", t.texts["rejected"], t.rejects > 0),
        class_name="dk",
    )  # fmt: skip
    return rx.el.section(
        rx.el.div(_landing(words("admin.import.dry")), rx.el.span(AdminImport.about, class_name="muted t1"),
                  rx.el.span(class_name="sp"), match, modes, class_name="row"),
        stack, rx.el.div(figures, _constants(), class_name="dkw"), parts.switches(), parts.above(),
        class_name="card dry",
    )  # fmt: skip


def _figure(
    tone: str, sign: rx.Component, name: str, value: Any, is_bad: Any = False, said: str = ""
) -> rx.Component:
    """A count with what it counts; `said`: its word once it is done."""
    return rx.el.div(
        rx.el.dt(rx.el.i(class_name=tone), sign, words(f"admin.import.{said or name}")),
        rx.el.dd(value, class_name=rx.cond(is_bad, "bad", "")),
        rx.el.dd(words(f"admin.import.{name}.why"), class_name="sub"),
    )


def _constants() -> rx.Component:
    kind = chosen(
        rx.el.option(words("admin.import.by_column"), value=""),
        *[rx.el.option(words(f"admin.client.{k}"), value=k) for k in ClientKind], value=AdminImport.kind,
        on_told=lambda v: AdminImport.choose("kind", v), class_name="input sm", disabled=AdminImport.has_kind,
    )  # fmt: skip
    territory = chosen(
        rx.el.option("—", value=""), rx.foreach(AdminImport.territories, lambda t: rx.el.option(t, value=t)),
        value=AdminImport.territory, on_told=lambda v: AdminImport.choose("territory", v), class_name="input sm",
        disabled=AdminImport.has_territory,
    )  # fmt: skip
    return rx.el.div(
        rx.el.h3(words("admin.import.for_all")),
        rx.el.div(rx.el.label(words("admin.field.kind"), kind, class_name="im-c"),
                  rx.el.label(words("admin.field.territory"), territory, class_name="im-c"),
                  parts.country(), class_name="row"),
        class_name="upd",
    )  # fmt: skip


def _mapping() -> rx.Component:
    heads = ("admin.import.column", "admin.import.sample", "admin.import.field")
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(k), scope="col") for k in heads],
                             rx.el.th(rx.el.span(words("admin.import.problems"), class_name="vh"), scope="col"))),
        rx.el.tbody(rx.foreach(AdminImport.columns, _column)), class_name="tbl tight",
        aria_label=words("admin.import.mapping"),
    )  # fmt: skip
    return rx.el.section(
        rx.el.header(rx.el.h2(words("admin.import.mapping")), badge(AdminImport.mapped, tone="accent")),
        rx.el.div(table, class_name="scr", tab_index=0, role="region", aria_label=words("admin.import.mapping")),
        parts.templates(), class_name="card mpc",
    )  # fmt: skip


def _column(row: Any) -> rx.Component:
    choice = chosen(
        rx.el.option(words("admin.import.not_imported"), value=""),
        *[rx.el.option(words(f"admin.field.{f}"), value=f) for f in FIELD_NAMES],
        rx.foreach(AdminImport.own, lambda o: rx.el.option(o.text, value=o.value)), value=row.field,
        on_told=lambda v: AdminImport.map_column(row.name, v),
        class_name=rx.cond(row.field == "", "input sm is-off", "input sm"),
        aria_label=f"{words('admin.import.field')}: {row.name}",
    )  # fmt: skip
    bad = rx.el.span(
        glyph("doubtful", label=words("admin.import.has_problems")),
        row.troubles,
        class_name="row g1 t1",
    )
    fits = glyph("confirmed", label=words("admin.import.fits"))
    sign = rx.cond(row.has_troubles, bad, rx.cond(row.field == "", icon("minus", "s"), fits))
    return rx.el.tr(
        rx.el.td(rx.el.div(row.name, class_name="el col-n", title=row.name), class_name="med"),
        rx.el.td(rx.el.div(row.sample, class_name="el col-s", title=row.sample), class_name="mono muted"),
        rx.el.td(choice), rx.el.td(sign), class_name=rx.cond(row.field == "", "off", ""),
    )  # fmt: skip


def _problems() -> rx.Component:
    tabs = segments(
        (rx.fragment(words("admin.import.problems"), rx.el.span(AdminImport.troubles.length().to_string(), class_name="faint")),
         AdminImport.tab == "problems", AdminImport.show_tab("problems")),
        (words("admin.import.first_rows"), AdminImport.tab == "rows", AdminImport.show_tab("rows")),
        label=words("report.tabs"),
    )  # fmt: skip
    none = empty(
        "no_plan", words("admin.import.no_problems"), words("admin.import.no_problems_why")
    )
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(k), scope="col", class_name=c) for k, c in
                               (("admin.import.row", "num"), ("admin.import.action", ""), ("admin.field.name", ""), ("admin.data", ""))])),
        rx.el.tbody(rx.foreach(AdminImport.examples, _example_row)), class_name="tbl tight",
        aria_label=words("admin.import.first_rows"),
    )  # fmt: skip
    shown = rx.cond(
        AdminImport.tab == "rows",
        rows,
        rx.cond(AdminImport.troubles.length() > 0, _troubles(), none),
    )
    return rx.el.section(
        rx.el.header(tabs, rx.el.span(class_name="sp"), parts.problem_files(), class_name="ptabs"),
        rx.el.div(shown, class_name="scr", tab_index=0, role="region", aria_label=words("admin.import.problems")),
        class_name="card prc",
    )  # fmt: skip


def _troubles() -> rx.Component:
    heads = [
        ("admin.import.row", "num"),
        ("", ""),
        ("admin.import.field", ""),
        ("admin.import.value", ""),
        ("admin.import.problem", ""),
    ]
    return rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(k) if k else rx.el.span(words("admin.import.weight"), class_name="vh"),
                                        scope="col", class_name=c) for k, c in heads])),
        rx.el.tbody(rx.foreach(AdminImport.troubles, _trouble_row)), class_name="tbl pt",
        aria_label=words("admin.import.problems"),
    )  # fmt: skip


def _named() -> rx.Component:
    """After the run: the rows that stayed out, and what was warned of."""
    title = words("admin.import.problems")
    return rx.el.section(
        rx.el.header(rx.el.h2(title), rx.el.span(class_name="sp"), parts.problem_files()),
        rx.el.div(_troubles(), class_name="scr", tab_index=0, role="region", aria_label=title),
        class_name="card ad-c im-n",
    )


def _trouble_row(t: Any) -> rx.Component:
    sign = rx.cond(t.blocks, glyph("contradicted", label=words("admin.import.blocks")),
                   glyph("doubtful", label=words("admin.import.warns")))  # fmt: skip
    value = rx.cond(t.value == "", rx.fragment(),
                    rx.el.span(t.value, class_name=rx.cond(t.blocks, "cellv bad", "cellv")))  # fmt: skip
    return rx.el.tr(
        rx.el.td(t.row, class_name="num muted"), rx.el.td(sign), rx.el.td(t.column, class_name="muted"),
        rx.el.td(value), rx.el.td(t.text, class_name="wrap-t"),
    )  # fmt: skip


def _example_row(e: Any) -> rx.Component:
    tone = rx.match(e.action, ("create", "accent"), ("update", "visit"), "line")
    return rx.el.tr(
        rx.el.td(e.row, class_name="num muted"), rx.el.td(badge(e.action_word, tone=tone)),
        rx.el.td(e.name, class_name="med"),
        rx.el.td(parts.field_changes(e), class_name="wrap-t"),
    )  # fmt: skip


def _running() -> rx.Component:
    return rx.el.section(
        behaviour.ticker(WATCH_MS, AdminImport.watch), _landing(AdminImport.file_name), _bar(),
        rx.el.p(AdminImport.doing, class_name="muted", role="status"),
        button(
            rx.cond(AdminImport.is_stopping, words("admin.import.stopping"), words("admin.import.stop")),
            on_click=AdminImport.stop(AdminImport.run_id), disabled=AdminImport.is_stopping,
        ),
        class_name="card im-r",
    )  # fmt: skip


def _done() -> rx.Component:
    t = AdminImport.totals
    figures = rx.el.dl(
        _figure("c", icon("plus", "s"), "create", t.texts["create"], said="created"),
        _figure("u", icon("pencil", "s"), "update", t.texts["update"], said="updated"),
        _figure("n", icon("minus", "s"), "unchanged", t.texts["unchanged"]),
        _figure("r", glyph("contradicted", "s"), "blocking", t.texts["rejected"], t.rejects > 0), class_name="dk",
    )  # fmt: skip
    is_in = (AdminImport.outcome_tone == "ok") & ~AdminImport.is_undone
    can_undo = is_in & (t.creates + t.updates > 0)
    undo = rx.cond(can_undo, parts.undo_button(AdminImport.run_id, small=False), rx.fragment())
    outcome = rx.el.div(
        AdminImport.outcome, class_name=f"note {AdminImport.outcome_tone}", role="status"
    )
    return rx.el.div(
        rx.el.section(
            rx.cond(AdminImport.is_undone, rx.fragment(), outcome),
            rx.cond(is_in, figures, rx.fragment()),
            rx.el.div(button(words("admin.import.another"), kind="primary", on_click=AdminImport.forget, custom_attrs=LANDS), undo, class_name="row"),
            class_name="card im-r",
        ),
        rx.cond(is_in & (AdminImport.troubles.length() > 0), _named(), rx.fragment()),
        _past(), class_name="im-w",
    )  # fmt: skip
