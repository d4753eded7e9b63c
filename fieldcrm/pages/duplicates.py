"""The queue of clients that may be one: side by side, and a person's word on each pair."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.clients.duplicates.model import Status
from fieldcrm.clients.model import ClientKind
from fieldcrm.components import behaviour
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge, button, empty, kbd
from fieldcrm.components.section import (
    Column,
    clipped,
    find_box,
    folded,
    list_table,
    loaded,
    narrowing,
    opener,
    row_drawer,
)
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.pages.admin import said
from fieldcrm.pages.duplicates_state import RULES, Duplicates
from fieldcrm.pages.list_files import file_tools

WATCH_MS = 1_500


def duplicates_page() -> rx.Component:
    """The page."""
    table = list_table(Duplicates, COLUMNS, "duplicates.title", NONE, "duplicates.list")
    why = rx.cond(
        Duplicates.may_sweep, words("duplicates.never_why"), words("duplicates.never_who")
    )
    unswept = rx.el.section(
        empty("no_match", words("duplicates.sweep.never"), why), class_name="card ad-c"
    )
    table = rx.cond(Duplicates.is_unswept, unswept, table)
    title = rx.el.h2(words("duplicates.title"), class_name="vh")
    body = rx.el.div(title, _sweep(), _tools(), loaded(Duplicates, table), class_name="ad-b")
    drawer = row_drawer(Duplicates, "duplicates.one", Duplicates.card_problem, "duplicates.broken",
                        Duplicates.card.left, _card_body())  # fmt: skip
    keys = rx.fragment(
        behaviour.keys(["j", "k", "Escape"], Duplicates.press),
        behaviour.keys(["s", "n", "l", "1", "2"], Duplicates.strike),
    )
    return page(
        "/duplicates", words("duplicates.title"), keys,
        rx.el.div(body, drawer, class_name="ad-w du-w"), class_name="ad",
        on_toast=Duplicates.answer_toast,
    )  # fmt: skip


def _status(row: Any) -> rx.Component:
    tone = rx.match(row.status, ("open", "warn"), ("merged", "ok"), "line")
    return rx.el.span(row.status_word, class_name=f"badge {tone}")


NONE = ("duplicates.none", "duplicates.none_why")
COLUMNS = [
    Column("duplicates.chance", lambda r: r.chance, "probability", "num nw"),
    Column("duplicates.first", lambda r: opener(r.left, r.id, Duplicates), "name"),
    Column("duplicates.second", lambda r: clipped(r.right)),
    Column("admin.field.kind", lambda r: r.kind, class_name="nw"),
    Column("duplicates.why", lambda r: clipped(r.why), class_name="muted"),
    Column("duplicates.status", _status),
    Column("duplicates.by", lambda r: r.decided, class_name="muted nw xtra"),
    Column("duplicates.found", lambda r: r.found, "found_at", "muted nw xtra"),
]


def _sweep() -> rx.Component:
    """When the base was looked through last, and a way to do so now."""
    bar = rx.el.div(
        rx.el.i(style={"width": f"{Duplicates.sweep_percent}%"}), class_name="bart", role="progressbar",
        aria_valuenow=Duplicates.sweep_percent, aria_valuemin=0, aria_valuemax=100,
        aria_label=words("duplicates.sweep"),
    )  # fmt: skip
    ask = button(
        icon("search", "s"), words("duplicates.sweep"), small=True, on_click=Duplicates.sweep
    )
    stop = button(
        icon("x", "s"), words("duplicates.sweep.stop"), small=True, on_click=Duplicates.stop
    )
    watched = rx.fragment(behaviour.ticker(WATCH_MS, Duplicates.watch), bar,
                          rx.cond(Duplicates.may_sweep, stop, rx.fragment()))  # fmt: skip
    rules = [rx.el.option(words(f"duplicates.rule.{r}"), value=r) for r in RULES]
    rule = rx.el.select(
        rx.el.option(words("duplicates.rule.none"), value=""), *rules, value=Duplicates.rule,
        on_change=Duplicates.choose_rule, class_name="input sm pick", aria_label=words("duplicates.rule"),
    )  # fmt: skip
    idle = rx.cond(Duplicates.may_sweep, rx.fragment(rule, ask), rx.fragment())
    return rx.el.div(
        rx.el.span(Duplicates.sweep_said, class_name="muted t1", role="status"),
        rx.el.span(class_name="sp"), rx.cond(Duplicates.is_sweeping, watched, idle), class_name="row du-s",
    )  # fmt: skip


def _tools() -> rx.Component:
    statuses = [rx.el.option(words(f"duplicates.status.{s}"), value=s.value) for s in Status]
    kinds = [rx.el.option(words(f"admin.client.{k}"), value=k.value) for k in ClientKind]
    return rx.el.div(
        find_box(Duplicates, "duplicates.find"),
        folded(
            Duplicates,
            narrowing(Duplicates, "status", "duplicates.all_statuses", statuses, "duplicates.status"),
            narrowing(Duplicates, "kind", "clients_page.all_kinds", kinds, "admin.field.kind"),
        ),
        rx.el.span(Duplicates.shown, class_name="muted t1 nw end", role="status"),
        file_tools(Duplicates, "xlsx", "csv"), class_name="row ad-t",
    )  # fmt: skip


def _card_body() -> rx.Component:
    c = Duplicates.card
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.span(c.chance, class_name="strong t3"), rx.el.span(class_name="sp"),
                badge(c.status_word, tone="line"), class_name="row",
            ),
            rx.el.ul(rx.foreach(c.good, lambda t: _reason(t, "check")), rx.foreach(c.bad, lambda t: _reason(t, "minus")),
                     class_name="du-r", aria_label=words("duplicates.why")),
            rx.el.p(words("duplicates.how_sure"), class_name="muted t1"),
            class_name="sec dh",
        ),
        _side_by_side(c), _word(c),
    )  # fmt: skip


def _reason(text: Any, sign: str) -> rx.Component:
    return rx.el.li(icon(sign, "s"), text, class_name="row t1")


def _side_by_side(c: Any) -> rx.Component:
    heads = rx.el.tr(
        rx.el.th(words("duplicates.field"), scope="col"),
        _head(c, "left", c.left_id, "duplicates.first", "1"),
        _head(c, "right", c.right_id, "duplicates.second", "2"),
    )
    table = rx.el.table(
        rx.el.thead(heads), rx.el.tbody(rx.foreach(c.lines, _line)), class_name="tbl tight co-t du-t",
        aria_label=words("duplicates.side"),
    )  # fmt: skip
    return rx.el.div(table, class_name="co-s")


def _head(c: Any, side: str, client_id: Any, label: str, key: str) -> rx.Component:
    """A card's head: its place in the pair, a way to it, and whether it stays."""
    stays = Duplicates.keep == side
    choice = button(
        rx.cond(stays, icon("check", "s"), rx.fragment()),
        rx.cond(stays, words("duplicates.kept"), words("duplicates.keep")), kbd(key), kind="soft", small=True,
        on_click=Duplicates.choose(side), aria_pressed=rx.cond(stays, "true", "false"),
    )  # fmt: skip
    is_open = (c.status == "open") | (c.status == "later")
    return rx.el.th(
        rx.el.a(words(label), href=f"/clients?client={client_id}", class_name="way"),
        rx.cond(is_open, rx.el.div(choice), rx.fragment()), scope="col",
    )  # fmt: skip


def _line(line: Any) -> rx.Component:
    marked = rx.cond(line.is_different, "du-d", "")
    differs = rx.cond(
        line.is_different, rx.el.span(words("duplicates.differs"), class_name="vh"), rx.fragment()
    )
    said = rx.cond(
        line.why != "",
        rx.el.span(rx.el.br(), line.why, class_name="muted t1"),
        rx.fragment(),
    )
    return rx.el.tr(
        rx.el.th(line.label, differs, said, scope="row"),
        _cell(line, "left", line.left), _cell(line, "right", line.right), class_name=marked,
    )  # fmt: skip


def _cell(line: Any, side: str, text: Any) -> rx.Component:
    """A value; one that differs can be chosen by hand."""
    stays = (line.kept == side) | (line.kept == "both")
    is_open = (Duplicates.card.status == "open") | (Duplicates.card.status == "later")
    chosen = rx.el.button(
        rx.cond(stays, icon("check", "s"), rx.fragment()), text, type="button", class_name="way du-v",
        on_click=Duplicates.take(line.name), aria_pressed=rx.cond(stays, "true", "false"),
    )  # fmt: skip
    ticked = rx.cond(stays & line.is_different, icon("check", "s"), rx.fragment())
    shown = rx.cond(line.can_take & is_open, chosen, rx.el.span(ticked, text))
    return rx.el.td(shown, class_name=rx.cond(stays, "med", "muted"))


def _word(c: Any) -> rx.Component:
    """The choice while it is open; what was said, and a way back, afterwards."""
    choice = rx.fragment(
        rx.el.p(words("duplicates.how"), class_name="muted t1"),
        rx.el.div(
            button(icon("git-merge", "s"), words("duplicates.same"), kbd("S"), kind="primary", on_click=Duplicates.merge),
            button(words("duplicates.different"), kbd("N"), on_click=Duplicates.decide("different")),
            rx.cond(c.status == "open",
                    button(words("duplicates.later"), kbd("L"), kind="ghost", on_click=Duplicates.decide("later")),
                    rx.fragment()),
            class_name="row du-b",
        ),
        rx.el.p(words("duplicates.keys"), class_name="faint t1"),
    )  # fmt: skip
    back = rx.cond(
        c.merge_id != "",
        button(icon("undo-2", "s"), words("duplicates.undo"), on_click=Duplicates.undo),
        rx.cond(c.status == "different",
                button(icon("undo-2", "s"), words("duplicates.again"), on_click=Duplicates.decide("open")),
                rx.fragment()),
    )  # fmt: skip
    given = rx.el.div(
        rx.el.div(words("duplicates.by"), " ", c.decided, class_name="t1 muted"),
        rx.el.div(back, class_name="row"),
    )
    is_open = (c.status == "open") | (c.status == "later")
    return rx.el.div(
        said(Duplicates.refused), rx.cond(is_open, choice, given), class_name="sec said co-w2"
    )
