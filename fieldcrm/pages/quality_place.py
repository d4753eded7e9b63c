"""How pins look on the page of quality: proposals side by side, and a map for who has none."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge, button, empty, kbd
from fieldcrm.components.pin_pick import pin_pick
from fieldcrm.components.place_map import pins_map
from fieldcrm.components.section import (
    Column,
    clipped,
    find_box,
    list_table,
    loaded,
    narrowing,
    opener,
    row_drawer,
)
from fieldcrm.components.words import words
from fieldcrm.pages.admin import said
from fieldcrm.pages.quality_pins import QualityPins, QualityPlace
from fieldcrm.quality.model import PinStatus, Source
from fieldcrm.sync.corrections import REASON_MOST

NONE = ("quality.no_pins", "quality.no_pins_why")


def _status(row: Any) -> rx.Component:
    tone = rx.match(row.status, ("open", "warn"), ("accepted", "ok"), "line")
    return rx.el.span(row.status_word, class_name=f"badge {tone}")


COLUMNS = [
    Column("quality.found", lambda r: r.found, class_name="muted nw"),
    Column("report.client", lambda r: opener(r.client, r.id, QualityPins)),
    Column("quality.source", lambda r: r.source, class_name="nw"),
    Column("quality.distance", lambda r: r.moved, class_name="num nw"),
    Column("quality.spoken", lambda r: clipped(r.spoken), class_name="muted"),
    Column("quality.status", _status),
    Column("correct.by", lambda r: r.decided, class_name="muted nw xtra"),
]


def pins_tab() -> rx.Component:
    """Proposed pins."""
    statuses = [rx.el.option(words(f"quality.pin.{s.value}"), value=s.value) for s in PinStatus]
    sources = [rx.el.option(words(f"quality.source.{s.value}"), value=s.value) for s in Source]
    tools = rx.el.div(
        find_box(QualityPins, "quality.find"),
        narrowing(QualityPins, "status", "duplicates.all_statuses", statuses, "quality.status"),
        narrowing(QualityPins, "source", "quality.all_sources", sources, "quality.source"),
        rx.el.span(QualityPins.shown, class_name="muted t1 nw end", role="status"), class_name="row ad-t",
    )  # fmt: skip
    table = list_table(QualityPins, COLUMNS, "quality.tab.pins", NONE, "quality.tab.pins")
    return rx.fragment(tools, loaded(QualityPins, table))


def pins_drawer() -> rx.Component:
    """The open proposal."""
    c = QualityPins.card
    drawn = rx.el.div(pins_map(c.pins, words("quality.pin_map")), class_name="map ev-map co-m")
    marks = (("old", "quality.now"), ("new", "quality.proposed"), ("seen", "quality.seen"))
    legend = rx.el.div(
        *[rx.el.span(rx.el.i(class_name=f"co-k {m}"), words(k), class_name="row t1 muted nw") for m, k in marks],
        class_name="row co-l",
    )  # fmt: skip
    seen = rx.el.div(
        rx.el.h3(words("quality.seen")), rx.el.ul(rx.foreach(c.seen, _seen), class_name="evl"), class_name="sec said",
    )  # fmt: skip
    body = rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.a(c.client, href=f"/clients?client={c.client_id}", class_name="way strong t3 el", title=c.client),
                rx.el.span(class_name="sp"), badge(c.status_word, tone="line"), class_name="row",
            ),
            rx.el.div(c.address, class_name="t1 muted"), rx.el.div(c.source, ": ", c.told, class_name="t1"),
            class_name="sec dh",
        ),
        drawn, legend, rx.cond(c.seen.length() > 0, seen, rx.fragment()), _word(c),
    )  # fmt: skip
    return row_drawer(QualityPins, "quality.one_pin", QualityPins.card_problem, "quality.broken_pin", c.client, body)  # fmt: skip


def _seen(s: Any) -> rx.Component:
    return rx.el.li(
        icon("check", "s"),
        rx.el.span(
            rx.el.a(s.title, href=f"/visits?visit={s.id}", class_name="way med"), rx.el.br(),
            rx.el.span(s.text, class_name="t1 muted"),
        ),
    )  # fmt: skip


def _word(c: Any) -> rx.Component:
    taking = rx.cond(
        QualityPins.is_overtaken, words("correct.accept_over"), words("quality.accept")
    )
    form = rx.el.form(
        rx.el.input(name="reason", max_length=REASON_MOST, class_name="input", placeholder=words("quality.reason"),
                    aria_label=words("quality.reason")),
        rx.el.div(
            button(icon("check", "s"), taking, kind="primary", on_click=QualityPins.accept),
            button(icon("x", "s"), words("quality.decline"), type="submit"), class_name="row",
        ),
        on_submit=QualityPins.decline, class_name="co-f",
    )  # fmt: skip
    given = rx.el.div(c.decided, class_name="t1 muted")
    return rx.el.div(said(QualityPins.refused), rx.cond(c.status == "open", form, given), class_name="sec said co-w2")  # fmt: skip


def place_tab() -> rx.Component:
    """Who waits for a pin, and the map on which he gets it."""
    p = QualityPlace
    drawn = rx.el.div(
        pin_pick(p.start, p.lat, p.lng, p.is_pointed, words("quality.place.map"), p.point), class_name="map qu-map"
    )  # fmt: skip
    far = rx.el.div(words("quality.place.far"), class_name="note warn", role="alert")
    side = rx.el.section(
        rx.el.div(
            rx.el.a(p.name, href=f"/clients?client={p.client_id}", class_name="way strong t3"),
            rx.el.div(p.detail, class_name="t1 muted"), class_name="sec dh",
        ),
        rx.el.div(rx.el.h3(words("admin.field.address")), rx.el.p(p.address, class_name="qu-a"), class_name="sec said"),
        rx.el.div(
            rx.el.div(p.said, class_name="t1 qu-at", role="status"), rx.cond(p.is_far, far, rx.fragment()), said(p.refused),
            rx.el.div(
                button(icon("check", "s"), words("quality.place.save"), kbd("S"), kind="primary", on_click=p.save,
                       disabled=~p.is_pointed),
                button(words("quality.place.skip"), kbd("N"), on_click=p.skip),
                button(words("quality.place.again"), kbd("B"), kind="ghost", on_click=p.again), class_name="row qu-b",
            ),
            rx.el.p(words("quality.place.how"), class_name="faint t1"), class_name="sec said",
        ),
        class_name="card qu-p",
    )  # fmt: skip
    none = empty(
        "no_match", words("quality.place.none"), words("quality.place.none_why"),
        button(words("quality.place.again"), small=True, on_click=p.again),
    )  # fmt: skip
    return loaded(p, rx.cond(p.has_client, rx.el.div(drawn, side, class_name="qu-pl"), none))
