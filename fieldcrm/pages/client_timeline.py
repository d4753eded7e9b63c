"""The timeline of a client's card: what happened, by kind, a page at a time; and calls noted there."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients import calls
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.parts import button
from fieldcrm.components.section import Choice
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import labelled, said
from fieldcrm.reports.timeline import KINDS, Moment, timeline

PAGE = 12
_ICONS = {"call": "phone", "change": "history", "document": "file-text", "promise": "hand-heart"}
_SIGNS = {"missed": "v-missed", "cancelled": "v-missed", "moved": "v-moved",
          "under_way": "v-now", "planned": "v-planned"}  # fmt: skip


@dataclass
class TimelineRow:
    """A moment as the card shows it."""

    id: str
    kind: str
    glyph: str
    icon: str
    title: str
    note: str
    """When, and who."""
    text: str
    href: str
    is_file: bool


class ClientTimeline(Desk, mixin=True):
    """Part of the list's state: the timeline of the client whose card is open."""

    moments: list[TimelineRow] = []
    moment_kind: str = ""
    moment_more: str = ""
    """Where the next page begins; empty at the end."""
    moment_kinds: list[Choice] = []
    call_problem: str = ""
    call_round: int = 0
    """Rises with each call noted, so that the form is empty again."""
    _timeline_of: str = ""

    async def _read_timeline(self, client_id: str, cursor: str = "") -> None:
        """A page of the timeline; raises Refusal."""
        if client_id != self._timeline_of:
            self._timeline_of, self.moment_kind, self.call_problem = client_id, "", ""
        found = await asyncio.to_thread(
            timeline, self._actor(), client_id, self.language, self.moment_kind, PAGE, cursor or None
        )  # fmt: skip
        rows = [_row(m) for m in found.rows]
        self.moments = [*self.moments, *rows] if cursor else rows
        self.moment_more = found.cursor or ""
        self.moment_kinds = [
            Choice(k, self._t(f"timeline.kind.{k or 'all'}")) for k in ("", *KINDS)
        ]

    @rx.event
    @allows(DISPATCHING)
    async def show_moments(self, kind: str):
        """Moments of one kind, or of all."""
        if kind in ("", *KINDS) and self._timeline_of:
            self.moment_kind = kind
            await self._try_timeline("")

    @rx.event
    @allows(DISPATCHING)
    async def more_moments(self):
        """Older ones."""
        if self.moment_more:
            await self._try_timeline(self.moment_more)

    async def _try_timeline(self, cursor: str) -> None:
        try:
            await self._read_timeline(self._timeline_of, cursor)
        except Refusal as error:
            self.moments, self.moment_more = [], ""
            self.card_problem = self._refusal(error)

    @rx.event
    @allows(DISPATCHING)
    async def note_call(self, data: dict):
        """Note a call to the client."""
        outcome, text = str(data.get("outcome", "")), str(data.get("text", ""))
        try:
            await asyncio.to_thread(
                calls.note_call, self._actor(), self._timeline_of, outcome, text
            )
        except Refusal as error:
            self.call_problem = self._refusal(error)
            return
        self.call_problem, self.call_round = "", self.call_round + 1
        await self._try_timeline("")


def _row(m: Moment) -> TimelineRow:
    note = " · ".join(t for t in (m.when, m.by) if t)
    href = m.href or (f"/visits?visit={m.visit_id}" if m.visit_id else "")
    return TimelineRow(
        m.id, m.kind, _SIGNS.get(m.sign, m.sign), _ICONS.get(m.kind, ""), m.title, note, m.text,
        href, bool(m.href),
    )  # fmt: skip


# ── parts of the page ────────────────────────────────────────────────────────────────────────────


def timeline_part(state: Any) -> rx.Component:
    """The section of the card."""
    rows = rx.el.ul(rx.foreach(state.moments, _moment), class_name="evl tl")
    none = rx.el.p(words("timeline.none"), class_name="muted t1")
    more = rx.cond(
        state.moment_more != "",
        button(words("timeline.more"), small=True, on_click=state.more_moments),
        rx.fragment(),
    )
    return rx.el.div(
        rx.el.h3(words("timeline.title")), _kinds(state), _call(state),
        rx.cond(state.moments.length() > 0, rows, none), rx.el.div(more, class_name="row"),
        class_name="sec said",
    )  # fmt: skip


def _kinds(state: Any) -> rx.Component:
    def one(kind: Any) -> rx.Component:
        is_on = state.moment_kind == kind.value
        return rx.el.button(
            kind.text, type="button", class_name=rx.cond(is_on, "btn sm soft", "btn sm ghost"),
            aria_pressed=rx.cond(is_on, "true", "false"), on_click=state.show_moments(kind.value),
        )  # fmt: skip

    return rx.el.div(rx.foreach(state.moment_kinds, one), class_name="row wrap tl-k", role="group",
                     aria_label=words("timeline.kinds"))  # fmt: skip


def _call(state: Any) -> rx.Component:
    outcome = rx.el.select(
        *[rx.el.option(words(f"event.outcome.{o}"), value=o) for o in calls.OUTCOMES],
        name="outcome", class_name="input",
    )  # fmt: skip
    text = rx.el.input(
        name="text", class_name="input", max_length=calls.TEXT_MOST, auto_complete="off"
    )
    form = rx.el.form(
        labelled(words("timeline.outcome"), outcome), labelled(words("timeline.about"), text, wide=True),
        said(state.call_problem),
        rx.el.div(button(icon("check", "s"), words("admin.save"), small=True, type="submit"), class_name="row"),
        on_submit=state.note_call, class_name="ad-f", key=state.call_round.to_string(),
    )  # fmt: skip
    title = rx.el.summary(
        icon("phone", "s"), words("timeline.note_call"), class_name="btn sm ghost"
    )
    return rx.el.details(title, form, class_name="tl-c")


def _moment(m: Any) -> rx.Component:
    sign = rx.cond(m.kind == "visit", glyph(m.glyph), rx.match(
        m.kind, *[(kind, icon(name, "s")) for kind, name in _ICONS.items()], icon("history", "s")))  # fmt: skip
    file = rx.el.a(
        m.title,
        href=m.href,
        class_name="way med",
        target="_blank",
        custom_attrs={"reloadDocument": True},
    )
    link = rx.el.a(m.title, href=m.href, class_name="way med")
    title = rx.cond(
        m.href == "",
        rx.el.span(m.title, class_name="med"),
        rx.cond(m.is_file, file, link),
    )
    text = rx.cond(m.text != "", rx.el.span(m.text, rx.el.br(), class_name="tl-t"), rx.fragment())
    return rx.el.li(
        sign, rx.el.span(title, rx.el.br(), text, rx.el.span(m.note, class_name="t1 muted"))
    )
