"""Handing a rep's clients over to a colleague: chosen, looked at, done; past ones, undone at need."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.download import download
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button, category, empty
from fieldcrm.components.section import loaded, options_of
from fieldcrm.components.shell import page
from fieldcrm.components.typed import typed_day
from fieldcrm.components.words import words
from fieldcrm.pages.admin import labelled, said
from fieldcrm.pages.handover_state import FOUND, LISTED, Handovers

FIGURES = ("clients", "visits", "promises", "days")


def handover_page() -> rx.Component:
    """The page."""
    title = rx.el.h2(words("handover.title"), class_name="vh")
    body = rx.el.div(
        title, _form(), rx.cond(Handovers.is_busy, _under_way(), rx.fragment()), rx.cond(Handovers.look.seal != "", _seen(), loaded(Handovers, _table())),
        class_name="ad-b",
    )  # fmt: skip
    return page(
        "/clients", words("handover.title"), rx.el.div(body, class_name="ad-w"), class_name="ad"
    )


def _form() -> rx.Component:
    first = typed_day(
        Handovers.first_day, lambda day: Handovers.choose("first_day", day), class_name="input"
    )
    form = rx.el.div(
        labelled(words("handover.from"), _select("former", Handovers.givers, "handover.choose")),
        rx.el.div(
            labelled(words("handover.to"), _select("owner", Handovers.takers, "handover.choose")),
            _why(Handovers.why_these),
        ),
        labelled(words("handover.what"), _select("kind", Handovers.kinds)),
        labelled(words("handover.first_day"), first),
        rx.cond(Handovers.kind == LISTED, _listed(), rx.fragment()),
        rx.cond(Handovers.kind == FOUND, _of_list(), rx.fragment()), said(Handovers.refused),
        rx.el.div(button(icon("search", "s"), words("handover.look"), kind="primary", on_click=Handovers.show_look),
                  class_name="row"),
        class_name="ad-f ms-f",
    )  # fmt: skip
    back = rx.el.a(
        icon("chevron-left", "s"), words("handover.back"), href="/clients", class_name="btn sm"
    )
    return rx.el.section(
        rx.el.header(rx.el.h3(words("handover.title")), rx.el.span(class_name="sp"), back),
        rx.el.div(form, class_name="sec"), class_name="card",
    )  # fmt: skip


def _select(name: str, choices: Any, none: str = "") -> rx.Component:
    first = [rx.el.option(words(none), value="")] if none else []
    return rx.el.select(
        *first, *options_of(choices), value=getattr(Handovers, name), class_name="input",
        on_change=lambda chosen: Handovers.choose(name, chosen),
    )  # fmt: skip


def _listed() -> rx.Component:
    """Clients looked up one by one, and the territory they come into."""
    search = rx.el.input(
        type="search", class_name="input", placeholder=words("handover.find"), auto_complete="off",
        on_change=Handovers.find.debounce(250),
    )  # fmt: skip
    found = rx.el.div(
        rx.foreach(Handovers.found, lambda f: button(
            icon("plus", "s"), f.text, kind="ghost", small=True, on_click=Handovers.pick(f.value))),
        class_name="ms-p",
    )  # fmt: skip
    picked = rx.el.div(
        rx.el.span(words("handover.picked"), " ", Handovers.picked.length(), class_name="muted t1"),
        rx.foreach(Handovers.picked, lambda p: rx.el.button(
            p.text, icon("x", "s"), type="button", class_name="btn sm", on_click=Handovers.drop(p.value),
            title=words("handover.drop"))),
        class_name="ho-p",
    )  # fmt: skip
    return rx.el.div(
        rx.el.div(labelled(words("handover.client"), search), found, picked),
        _into_territory(), class_name="ms-f ho-l",
    )  # fmt: skip


def _of_list() -> rx.Component:
    """Which list, whose clients it finds, and the territory they come into."""
    none = rx.el.p(words("handover.no_lists"), class_name="muted t1")
    which = rx.el.div(
        labelled(words("handover.which"), _select("which", Handovers.lists)),
        rx.el.p(Handovers.spread, class_name="muted t1", role="status"),
    )
    return rx.el.div(
        rx.cond(Handovers.lists.length() > 0, which, none),
        _into_territory(),
        class_name="ms-f ho-l",
    )


def _into_territory() -> rx.Component:
    chosen = labelled(words("handover.into"), _select("into", Handovers.intos))
    return rx.el.div(chosen, _why(Handovers.why_nowhere))


def _why(text: Any) -> rx.Component:
    return rx.cond(text != "", rx.el.p(text, class_name="muted t1"), rx.fragment())


def _under_way() -> rx.Component:
    """How far the run is, and the way to stop it."""
    bar = rx.el.div(
        rx.el.i(style={"width": f"{Handovers.percent}%"}), class_name="bart", role="progressbar",
        aria_valuenow=Handovers.percent, aria_valuemin=0, aria_valuemax=100,
        aria_label=Handovers.doing,
    )  # fmt: skip
    stop = button(words("admin.cancel"), small=True, on_click=Handovers.stop)
    return rx.el.div(
        rx.el.b(Handovers.doing), bar, rx.el.span(f"{Handovers.percent}%", class_name="num"), stop,
        class_name="note info te-s te-n",
    )  # fmt: skip


def _seen() -> rx.Component:
    """The figures, who stays, the brief, and the button that does it."""
    figures = [
        rx.el.div(rx.el.dt(words(f"handover.{name}")), rx.el.dd(getattr(Handovers.look, name)))
        for name in FIGURES
    ]
    note = rx.cond(
        Handovers.look.staying != "",
        rx.el.p(Handovers.look.staying, class_name="muted"), rx.fragment(),
    )  # fmt: skip
    label = rx.cond(Handovers.is_sure, words("handover.do_sure"), words("handover.do"))
    act = button(
        icon("check", "s"), label, kind="primary", on_click=Handovers.hand_over,
        disabled=Handovers.is_busy,
    )  # fmt: skip
    return rx.el.section(
        rx.el.header(rx.el.h3(Handovers.look.title), rx.el.span(class_name="sp"), act),
        rx.el.div(rx.el.dl(*figures, class_name="kv"), note, class_name="sec"), _brief_table(),
        class_name="card",
    )  # fmt: skip


def _brief_table() -> rx.Component:
    label = words("handover.brief")
    heads = ("client", "place", "promised", "last", "next", "remaining")
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(f"handover.{h}"), scope="col") for h in heads])),
        rx.el.tbody(rx.foreach(Handovers.brief, _brief_line)), class_name="tbl tight", aria_label=label,
    )  # fmt: skip
    more = rx.cond(
        Handovers.look.more != "",
        rx.el.p(Handovers.look.more, class_name="sec muted"),
        rx.fragment(),
    )
    return rx.el.div(
        rows, more, class_name="scr ho-b", tab_index=0, role="region", aria_label=label
    )


def _brief_line(row: Any) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(category(row.category), rx.el.span(row.name), class_name="row med")),
        rx.el.td(row.place, class_name="muted"),
        rx.el.td(rx.foreach(row.promises, lambda p: rx.el.p(p))),
        rx.el.td(row.last, class_name="muted nw"), rx.el.td(row.next, class_name="nw"),
        rx.el.td(row.remaining, class_name="num"),
    )  # fmt: skip


PAST = ("when", "title", "clients", "visits", "promises", "by", "state")
COUNTS = frozenset({"clients", "visits", "promises"})


def _table() -> rx.Component:
    label = words("handover.past")
    heads = [
        rx.el.th(words(f"handover.{'who' if h == 'title' else h}"), scope="col",
                 class_name="num" if h in COUNTS else "")
        for h in PAST
    ]  # fmt: skip
    actions = rx.el.th(rx.el.span(words("handover.actions"), class_name="vh"), scope="col")
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*heads, actions)), rx.el.tbody(rx.foreach(Handovers.past, _past_line)),
        class_name="tbl tight", aria_label=label,
    )  # fmt: skip
    none = empty("no_match", words("handover.none"), words("handover.none_why"))
    shown = rx.el.div(rows, class_name="scr", tab_index=0, role="region", aria_label=label)
    return rx.el.section(
        rx.el.header(rx.el.h3(label)), rx.cond(Handovers.past.length() > 0, shown, none),
        class_name="card ad-c",
    )  # fmt: skip


def _past_line(row: Any) -> rx.Component:
    label = rx.cond(Handovers.asked == row.id, words("handover.undo_sure"), words("handover.undo"))
    undo = rx.cond(
        row.is_undone, rx.fragment(), button(label, small=True, on_click=Handovers.undo(row.id))
    )
    return rx.el.tr(
        rx.el.td(row.when, class_name="muted nw"), rx.el.td(row.title, class_name="med nw"),
        *[rx.el.td(getattr(row, name), class_name="num") for name in ("clients", "visits", "promises")],
        rx.el.td(row.by, class_name="muted nw"), rx.el.td(row.state),
        rx.el.td(rx.el.span(download(words("handover.file"), row.brief), undo, class_name="row"), class_name="num"),
    )  # fmt: skip
