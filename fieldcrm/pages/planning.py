"""Planning: the team's load, a rep's calendar, clients and their frequency, a cycle's plan in between."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.cycle_drag import cycle_drag
from fieldcrm.components.download import download
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge, button, category, empty, icon_button, note, segments
from fieldcrm.components.section import Column, clipped, find_box, list_table, loaded
from fieldcrm.components.shell import manages, page
from fieldcrm.components.typed import typed
from fieldcrm.components.words import words
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.pages.planning_calendar import beside, calendar, held_panel
from fieldcrm.pages.planning_state import ONE, TEAM, Planning
from fieldcrm.planning.cycle_rules import WEEKS

WATCH_MS = 1_000
EXPORT = "/api/v1/plans/cycles/clients."


def planning_page() -> rx.Component:
    """The page."""
    body = rx.el.div(_loads(), calendar(Planning, Planning.rep_name, _legend(), can_lock=True), _side(),
                     class_name="cy-b")  # fmt: skip
    nobody = empty("no_plan", words("cycle.nobody"), words("cycle.nobody_why"))
    return page(
        "/planning", words("cycle.title"),
        cycle_drag(Planning, Planning.status != "", words("hand.working")), _tools(), _question(), _answer(), _proposal(),
        loaded(Planning, rx.cond(Planning.reps.length() > 0, body, nobody)), class_name="cyc",
    )  # fmt: skip


# ---- what is asked ----


def _tools() -> rx.Component:
    weeks = [
        rx.el.option(words(f"cycle.weeks.{n}"), value=str(n)) for n in range(WEEKS[0], WEEKS[1] + 1)
    ]
    return rx.el.div(
        rx.el.label(
            rx.el.span(words("cycle.first"), class_name="muted t1"),
            rx.el.input(type="date", class_name="input sm day", value=Planning.first,
                        on_change=Planning.choose_first),
            class_name="row g1",
        ),
        rx.el.select(
            *weeks, value=Planning.weeks.to_string(), on_change=Planning.choose_weeks,
            class_name="input sm pick", aria_label=words("cycle.weeks"),
        ),
        rx.el.span(class_name="sp"),
        rx.el.a(icon("scale", "s"), words("whatif.link"), href="/planning/what-if", class_name="btn sm"),
        button(
            icon("calendar-range", "s"), words("cycle.plan"), kind="primary", small=True,
            on_click=Planning.ask, aria_expanded=rx.cond(Planning.is_asking, "true", "false"),
            disabled=Planning.status.to(str) != "",
        ),
        class_name="row cy-t",
    )  # fmt: skip


def _question() -> rx.Component:
    """How it is to be planned."""
    whose = segments(
        (Planning.rep_name, Planning.whose == ONE, Planning.wish("whose", ONE)),
        (words("cycle.whole_team"), Planning.whose == TEAM, Planning.wish("whose", TEAM)),
        label=words("cycle.whose"),
    )
    off = rx.foreach(
        Planning.days_off,
        lambda d: rx.el.button(
            d.text, icon("x", "s"), type="button", class_name="btn sm", on_click=Planning.drop_day_off(d.value),
            aria_label=f"{words('cycle.drop_day_off')} {d.text}",
        ),
    )  # fmt: skip
    form = rx.el.section(
        _wish("cycle.whose", whose),
        _wish("cycle.most_a_day", _number("most", Planning.most)),
        _wish("cycle.per_year", _number("per_year", Planning.per_year, words("cycle.no_limit"))),
        _wish("cycle.days_off", rx.el.span(
            rx.el.input(type="date", class_name="input sm day", on_change=Planning.add_day_off,
                        value="", aria_label=words("cycle.days_off")), off, class_name="row g1")),
        rx.el.label(
            rx.el.input(type="checkbox", checked=Planning.keeps, on_change=Planning.keep),
            rx.el.span(words("cycle.keeps")), class_name="row g1 cy-k",
        ),
        rx.el.p(words("cycle.promise"), class_name="muted t1 cy-w"),
        rx.el.div(
            button(icon("calendar-range", "s"), words("cycle.work_out"), kind="primary", small=True,
                   on_click=Planning.plan),
            button(words("desk.close"), small=True, on_click=Planning.ask), class_name="row",
        ),
        class_name="cy-q", aria_label=words("cycle.plan"),
    )  # fmt: skip
    return rx.cond(Planning.is_asking, form, rx.fragment())


def _wish(label: str, control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.span(words(label), class_name="muted t1"), control, class_name="cy-f")


def _number(name: str, value: Any, hint: Any = "") -> rx.Component:
    label = "cycle.most_a_day" if name == "most" else "cycle.per_year"
    return rx.el.input(
        type="number", min=1, class_name="input sm cy-n", value=value, placeholder=hint,
        on_change=lambda typed: Planning.wish(name, typed), aria_label=words(label),
    )  # fmt: skip


def _answer() -> rx.Component:
    """What became of the last wish."""
    away = icon_button("x", words("desk.close"), on_click=Planning.put_aside)
    back = rx.cond(
        (Planning.undo_id != "") & manages(),
        button(icon("undo-2", "s"), words("dispatch.undo"), small=True, on_click=Planning.undo),
        rx.fragment(),
    )
    moved_back = rx.cond(
        Planning.move_id != "",
        button(
            icon("undo-2", "s"), words("dispatch.undo"), small=True, on_click=Planning.undo_move
        ),
        rx.fragment(),
    )
    told = note("ok", icon("check", "s"), rx.el.span(Planning.told), back, moved_back,
                rx.el.span(class_name="sp"), away, role="status")  # fmt: skip
    refused = note("err", icon("info", "s"), rx.el.span(Planning.refused),
                   rx.el.span(class_name="sp"), away, role="alert")  # fmt: skip
    return rx.fragment(
        rx.cond(Planning.told != "", told, rx.fragment()),
        rx.cond(Planning.refused != "", refused, rx.fragment()),
    )


def _proposal() -> rx.Component:
    waits = rx.el.div(
        behaviour.ticker(WATCH_MS, Planning.watch),
        rx.el.span(class_name="spin", aria_hidden="true"),
        rx.el.span(words("cycle.working"), " ", Planning.percent, " %"),
        rx.el.progress(value=Planning.percent, max=100, aria_label=words("cycle.working")),
        button(words("cycle.cancel"), small=True, on_click=Planning.discard),
        class_name="row cy-p", role="status",
    )  # fmt: skip
    looks = segments(
        (words("cycle.before"), ~Planning.is_after, Planning.look_at(False)),
        (words("cycle.after"), Planning.is_after, Planning.look_at(True)),
        label=words("cycle.compare"),
    )
    approve = rx.cond(
        manages(),
        button(rx.cond(Planning.is_busy, rx.el.span(class_name="spin", aria_hidden="true"), icon("check", "s")),
               words("cycle.approve"), kind="primary", small=True, on_click=Planning.approve,
               disabled=Planning.is_busy),
        badge(words("cycle.awaits"), tone="warn"),
    )  # fmt: skip
    back = rx.cond(
        manages() & Planning.is_by_rep,
        rx.el.span(
            typed(Planning.word, Planning.write_word, class_name="input sm",
                  aria_label=words("hand.word"), placeholder=words("hand.word")),
            button(words("hand.send_back"), small=True, on_click=Planning.send_back),
            class_name="row g1",
        ),
        rx.fragment(),
    )  # fmt: skip
    applying = rx.el.span(
        rx.el.progress(value=Planning.percent, max=100, aria_label=words("hand.applying")),
        Planning.percent, " %", class_name="row g1",
    )  # fmt: skip
    ready = rx.el.div(
        rx.el.span(words("cycle.proposed"), class_name="strong nw"), looks,
        rx.cond(Planning.rep_word != "", rx.el.span(Planning.rep_word, class_name="muted"), rx.fragment()),
        rx.el.ul(rx.foreach(Planning.changes, lambda text: rx.el.li(text)), class_name="cy-d"),
        rx.cond(Planning.is_estimate, badge(words("cycle.estimate"), tone="warn"), rx.fragment()),
        rx.el.span(class_name="sp"), rx.cond(Planning.is_busy, applying, rx.fragment()), back, approve,
        button(words("cycle.discard"), small=True, on_click=Planning.discard),
        class_name="row cy-p", role="status",
    )  # fmt: skip
    is_waiting = rx.Var.create(list(UNDER_WAY)).contains(Planning.status)
    return rx.cond(is_waiting, waits, rx.cond(Planning.status == "ready", ready, rx.fragment()))


# ---- loads ----


def _loads() -> rx.Component:
    return rx.el.section(
        rx.el.h2(words("cycle.load"), class_name="cy-h"),
        rx.el.ul(rx.foreach(Planning.reps, _load), class_name="cy-l"),
        class_name="cy-r", aria_label=words("cycle.load"),
    )  # fmt: skip


def _load(row: Any) -> rx.Component:
    bar = rx.el.div(
        rx.el.i(style={"width": f"{row.share}%"}), class_name="bart", aria_hidden="true"
    )
    return rx.el.li(
        rx.el.button(
            rx.el.span(row.name, class_name="med el"), rx.el.span(row.figures, class_name="t1 nw"),
            bar, rx.el.span(row.average, class_name="t1 muted el"),
            type="button", on_click=Planning.choose_rep(row.id), class_name="cy-o",
            aria_pressed=rx.cond(Planning.rep == row.id, "true", "false"),
            custom_attrs={"data-drop-rep": row.id, "data-price": Planning.prices[row.id],
                          "data-breaks": Planning.breaks[row.id],
                          "data-tone": Planning.tones[row.id]},
        )
    )  # fmt: skip


def _legend() -> rx.Component:
    shown = [
        rx.el.span(rx.el.i(class_name=f"cy-v {kind}"), words(f"cycle.kind.{kind}"))
        for kind in ("new", "moved")
    ]
    legend = rx.el.span(*shown, class_name="row t1 muted cy-g")
    return rx.cond((Planning.status == "ready") & Planning.is_after, legend, rx.fragment())


# ---- clients, proposals, approved plans ----

NONE = ("cycle.no_clients", "cycle.no_clients_why")
COLUMNS = [
    Column("cycle.client", lambda r: _client(r), "name"),
    Column("cycle.category", lambda r: category(r.category), "category"),
    Column("cycle.wanted", lambda r: r.planned, "planned", "num"),
    Column("cycle.done", lambda r: r.done, "done", "num"),
    Column("cycle.ahead", lambda r: r.ahead, "ahead", "num"),
    Column("cycle.lacking", lambda r: r.lacking, "lacking", "num"),
    Column("cycle.reason", lambda r: clipped(r.reason), "reason", "muted"),
]


def _client(row: Any) -> rx.Component:
    """A client's name: taken hold of, it is planned on a day."""
    is_free = (row.lacking > 0) & (Planning.status == "")
    handle = rx.el.button(
        row.name, type="button", class_name="cy-cl el cell-l", title=row.name,
        on_click=Planning.pick("", row.id),
        custom_attrs={"data-cy-client": row.id, "data-title": row.name},
    )  # fmt: skip
    return rx.cond(is_free, handle, clipped(row.name))


def _side() -> rx.Component:
    lock = rx.cond(
        Planning.held_visit != "",
        rx.cond(
            Planning.is_held_locked,
            button(
                icon("lock", "s"), words("hand.unlock"), small=True, on_click=Planning.lock(False)
            ),
            button(icon("lock", "s"), words("hand.lock"), small=True, on_click=Planning.lock(True)),
        ),
        rx.fragment(),
    )
    below = rx.cond(Planning.held_name != "", held_panel(Planning, lock), _papers_or_clients())
    return beside(Planning, below)


def _papers_or_clients() -> rx.Component:
    tabs = segments(
        (words("cycle.clients"), Planning.side == "clients", Planning.choose_side("clients")),
        (words("cycle.papers"), Planning.side == "papers", Planning.choose_side("papers")),
        label=words("cycle.side"),
    )
    return rx.el.section(
        rx.el.div(tabs, rx.el.span(class_name="sp"),
                  rx.el.span(Planning.count_told, class_name="muted t1 nw"), class_name="row cy-ch"),
        rx.cond(Planning.side == "papers", _papers(), _clients()), class_name="cy-s",
        aria_label=words("cycle.side"),
    )  # fmt: skip


def _clients() -> rx.Component:
    which = segments(
        (words("cycle.everybody"), ~Planning.only_lacking, Planning.show_lacking(False)),
        (words("cycle.only_lacking"), Planning.only_lacking, Planning.show_lacking(True)),
        label=words("cycle.which"),
    )
    files = [
        download(name, EXPORT + form + Planning.export_asked)
        for name, form in (("XLSX", "xlsx"), ("CSV", "csv"))
    ]
    return rx.fragment(
        rx.el.div(find_box(Planning, "cycle.find"), which, rx.el.span(class_name="sp"), *files,
                  class_name="row cy-lh"),
        list_table(Planning, COLUMNS, "cycle.clients", NONE, "cycle.clients"),
    )  # fmt: skip


def _papers() -> rx.Component:
    none = empty("no_plan", words("cycle.no_papers"), words("cycle.no_papers_why"))
    every = rx.el.div(
        rx.cond(Planning.papers.length() > 0, _list("cycle.waiting", Planning.papers, True), rx.fragment()),
        rx.cond(Planning.baselines.length() > 0, _list("cycle.baselines", Planning.baselines, False),
                rx.fragment()),
        class_name="scr", tab_index=0, role="region", aria_label=words("cycle.papers"),
    )  # fmt: skip
    return rx.cond((Planning.papers.length() > 0) | (Planning.baselines.length() > 0), every, none)


def _list(title: str, rows: Any, can_open: bool) -> rx.Component:
    def row(paper: Any) -> rx.Component:
        told = rx.el.div(rx.el.b(paper.title), rx.el.span(paper.about, class_name="muted t1"),
                         class_name="cy-pp")  # fmt: skip
        look = button(words("cycle.look"), small=True, on_click=Planning.open(paper.id))
        return rx.el.li(told, look if can_open else rx.fragment(), class_name="row cy-pl")

    return rx.fragment(
        rx.el.h3(words(title), class_name="cy-h"),
        rx.el.ul(rx.foreach(rows, row), class_name="cy-ps"),
    )
