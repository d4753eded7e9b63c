"""The event log: who did what to which row, when and from where; filtered, paged, exported."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button, empty
from fieldcrm.components.section import AdminSection, Choice, loaded
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.components.typed import typed_day
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.tables import Event
from fieldcrm.pages.admin import admin_page
from fieldcrm.pages.list_files import ListFiles, file_tools
from fieldcrm.people import service as people
from fieldcrm.reports.event_words import Told, told
from fieldcrm.reports.eventlog import KINDS, Asked, page_of

PAGE = 60


@dataclass
class EventRow:
    """An event as the table shows it."""

    id: str
    at: str
    who: str
    what: str
    about: str
    subject: str
    source: str
    change: str


class AdminEvents(ListFiles, AdminSection, Desk):
    """One growing list, the newest first."""

    rows: list[EventRow] = []
    people: list[Choice] = []
    kind: str = ""
    actor_id: str = ""
    subject: str = ""
    """The one row whose events are shown, by its id."""
    subject_name: str = ""
    first: str = ""
    last: str = ""
    has_more: bool = False
    _cursor: str = ""

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page."""
        await self._enter()
        every = await asyncio.to_thread(people.list_users, self._actor())
        self.people = [Choice(u.id, u.name) for u in every]
        await self._show()
        await self._read_files()

    @rx.event
    @allows(ADMINISTERING)
    async def filter_kind(self, kind: str):
        """Events about one kind of thing."""
        self.kind = kind if kind in KINDS else ""
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def filter_actor(self, actor_id: str):
        """What one person did."""
        self.actor_id = actor_id[:64]
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def filter_subject(self, subject: str):
        """What was done to one row, by its id."""
        self.subject = subject.strip()[:64]
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def filter_first(self, day: str):
        """From a local day on."""
        self.first = day[:10]
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def filter_last(self, day: str):
        """Up to a local day, inclusive."""
        self.last = day[:10]
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def clear(self):
        """Everything."""
        self.kind = self.actor_id = self.subject = self.first = self.last = ""
        await self._show()

    @rx.event
    @allows(ADMINISTERING)
    async def more(self):
        """The next page."""
        if self.has_more:
            await self._show(self._cursor)

    async def _fill(self, cursor: str = "") -> None:
        asked = Asked(self.kind, self.actor_id, self.subject, self.first, self.last)
        actor = self._actor()
        found, more = await asyncio.to_thread(page_of, actor, asked, cursor, PAGE)
        words_of = await asyncio.to_thread(told, actor, found, self.language)
        names = {p.value: p.text for p in self.people}
        rows = [_row(e, t, names, self.language) for e, t in zip(found, words_of, strict=True)]
        self.rows = [*self.rows, *rows] if cursor else rows
        self.has_more, self._cursor = more, found[-1].id if found else ""
        self.subject_name = next((r.about for r in self.rows if r.subject == self.subject), "")

    def _asked(self) -> tuple[str, dict[str, Any]]:
        asked = {"kind": self.kind, "actor_id": self.actor_id, "subject_id": self.subject,
                 "first": self.first, "last": self.last}  # fmt: skip
        return "events", {k: v for k, v in asked.items() if v}


def _row(event: Event, words_of: Told, names: dict[str, str], language: str) -> EventRow:
    who = names.get(event.actor_id or "", event.actor_id or i18n.t("admin.product", language))
    return EventRow(
        event.id, i18n.moment(event.at, language, "d MMM HH:mm:ss"), who, words_of.what,
        words_of.about, event.subject_id or "", i18n.t(f"event.source.{event.source}", language),
        words_of.change,
    )  # fmt: skip


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def admin_events() -> rx.Component:
    """The page."""
    return admin_page("/admin/events", _tools(), loaded(AdminEvents, _table()))


def _tools() -> rx.Component:
    kinds = rx.el.select(
        rx.el.option(words("admin.all_events"), value=""),
        *[rx.el.option(words(f"event.about.{k}"), value=k) for k in KINDS], value=AdminEvents.kind, on_change=AdminEvents.filter_kind,
        class_name="input sm pick", aria_label=words("admin.event_kind"),
    )  # fmt: skip
    actors = rx.el.select(
        rx.el.option(words("admin.everybody"), value=""),
        rx.foreach(AdminEvents.people, lambda p: rx.el.option(p.text, value=p.value)), value=AdminEvents.actor_id,
        on_change=AdminEvents.filter_actor, class_name="input sm pick", aria_label=words("admin.who"),
    )  # fmt: skip
    only = rx.el.span(
        words("admin.one_subject"), ": ", rx.cond(AdminEvents.subject_name != "", AdminEvents.subject_name, AdminEvents.subject),
        rx.el.button(icon("x", "s"), type="button", class_name="way", aria_label=words("admin.show_all"),
                     title=words("admin.show_all"), on_click=AdminEvents.filter_subject("")),
        class_name="badge accent",
    )  # fmt: skip

    def day(value: Any, act: Any, label: str) -> rx.Component:
        return typed_day(value, act, class_name="input sm day", aria_label=words(label))

    return rx.el.div(
        kinds, actors, day(AdminEvents.first, AdminEvents.filter_first, "admin.from_day"),
        rx.el.span("–", class_name="faint", aria_hidden="true"),
        day(AdminEvents.last, AdminEvents.filter_last, "admin.to_day"),
        rx.cond(AdminEvents.subject != "", only, rx.fragment()), rx.el.span(class_name="sp"),
        file_tools(AdminEvents, "csv", "xlsx"),
        class_name="row ad-t",
    )  # fmt: skip


def _table() -> rx.Component:
    heads = ["when", "who", "event", "about", "change_seen", "source"]
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(f"admin.{k}"), scope="col") for k in heads])),
        rx.el.tbody(rx.foreach(AdminEvents.rows, _line)), class_name="tbl tight log", aria_label=words("admin.events"),
    )  # fmt: skip
    more = rx.cond(
        AdminEvents.has_more,
        rx.el.div(button(words("report.more"), small=True, on_click=AdminEvents.more), class_name="sec"), rx.fragment(),
    )  # fmt: skip
    none = empty("no_match", words("admin.no_events"), words("admin.no_events_why"),
                 button(words("report.clear_filters"), small=True, on_click=AdminEvents.clear))  # fmt: skip
    return rx.el.section(
        rx.cond(AdminEvents.rows.length() > 0,
                rx.el.div(rows, more, class_name="scr", tab_index=0, role="region", aria_label=words("admin.events")), none),
        class_name="card ad-c",
    )  # fmt: skip


def _line(row: Any) -> rx.Component:
    about = rx.el.button(
        rx.cond(row.about != "", row.about, "—"), type="button", class_name="way el cell-l", title=row.about,
        on_click=AdminEvents.filter_subject(row.subject),
    )  # fmt: skip
    return rx.el.tr(
        rx.el.td(row.at, class_name="muted nw"), rx.el.td(row.who, class_name="nw"),
        rx.el.td(row.what, class_name="med nw"),
        rx.el.td(rx.cond(row.subject != "", about, row.about)),
        rx.el.td(rx.el.div(row.change, class_name="el", title=row.change), class_name="why muted"),
        rx.el.td(row.source, class_name="muted nw"),
    )  # fmt: skip
