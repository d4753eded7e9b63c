"""Messages to the field: write a task or reminder; a list of what became of each: searched, sorted, exported."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.components.alerts import Toast
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.messages import Messages
from fieldcrm.components.parts import badge, button, empty
from fieldcrm.components.section import (
    PAGE,
    Choice,
    Column,
    Listing,
    find_box,
    folded,
    list_table,
    loaded,
    narrowing,
    options_of,
)
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.messages import listing
from fieldcrm.messages import service as messages
from fieldcrm.messages.exporting import text_of
from fieldcrm.messages.model import (
    RADIUS_M,
    BadMessage,
    Draft,
    Filters,
    Kind,
    MessageView,
    State,
)
from fieldcrm.pages.admin import labelled, said
from fieldcrm.pages.list_files import ListFiles, file_tools
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

FILTERS = ("rep", "kind", "state")
SORTS = ("written", "rep", "kind", "when", "state")
OPEN = "open"
"""Stands for every state in which something is still to come."""
FOUND_MOST = 6
RADII = (100, RADIUS_M, 500, 1000)
TEAM = "team:"
GLYPHS = {
    State.waiting: "idle", State.arrived: "v-planned", State.seen: "v-now",
    State.accepted: "v-now", State.declined: "contradicted", State.done: "v-done",
    State.withdrawn: "v-missed",
}  # fmt: skip


@dataclass
class Row:
    """A message in the reader's words."""

    id: str
    written: str
    rep: str
    kind: str
    text: str
    when_where: str
    state: str
    state_glyph: str
    state_word: str
    comment: str
    no_phone: bool
    may_withdraw: bool


class OfficeMessages(ListFiles, Listing, Desk):
    """The form, and what was sent, as the reader has asked for it."""

    rows: list[Row] = []
    sort: str = listing.NEWEST_FIRST
    readers: list[Choice] = []
    """Teams whole, then reps."""
    rep: str = ""
    kind: str = ""
    state: str = ""
    places: list[Choice] = []
    to: str = ""
    """Whom the address asks to write to."""
    place: str = ""
    place_name: str = ""
    refused: str = ""
    asked: str = ""
    """The message whose withdrawal awaits a second press."""
    sent_count: int = 0
    """Makes the form anew, after each message and with another reader."""

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name whom to write to (`to`, a rep)."""
        actor = await self._enter()
        self.refused, self.asked = "", ""
        self.readers = await asyncio.to_thread(_readers, actor, self.language)
        self._write_to(self.router.url.query_parameters.get("to", ""))
        await self._show()
        await self._read_files()

    def _write_to(self, rep_id: str) -> None:
        """Begin the form with a reader; a stranger's id is nobody's."""
        self.to = rep_id if any(rep_id == choice.value for choice in self.readers) else ""
        self.sent_count += 1

    def _filters(self) -> tuple[str, ...]:
        return FILTERS

    def _sorts(self) -> tuple[str, ...]:
        return SORTS

    async def _open(self, row_id: str) -> None:
        """Nothing more is known of a message than its row tells."""

    async def _fill(self, cursor: str = "") -> None:
        wanted = Filters(
            self.search, self.rep, Kind(self.kind) if self.kind in Kind else None,
            State(self.state) if self.state in State else None, self.state == OPEN,
        )  # fmt: skip
        found = await asyncio.to_thread(
            listing.page, self._actor(), wanted, self.sort, PAGE, cursor or None
        )
        self._turn([_row(m, self.language) for m in found.rows], found.cursor, bool(cursor))
        plus = "+" if self.has_more else ""
        self.shown = self._t("messages.listed", n=len(self.rows), more=plus)

    @rx.var
    def is_narrowed(self) -> bool:
        """Whether something was asked for: then an empty list has found nothing."""
        return any((self.search, self.rep, self.kind, self.state))

    def _asked(self) -> tuple[str, dict[str, Any]]:
        asked = {"search": self.search, "rep_id": self.rep, "kind": self.kind, "sort": self.sort}
        asked |= {"is_open": "true"} if self.state == OPEN else {"state": self.state}
        return "messages", {k: v for k, v in asked.items() if v}

    @rx.event
    @allows(DISPATCHING)
    async def find_place(self, text: str):
        """Clients whose name, address or number fits."""
        wanted = str(text).strip()[:100]
        self.places = []
        if len(wanted) >= 2:
            found = await asyncio.to_thread(
                clients.find, self._actor(), search=wanted, limit=FOUND_MOST
            )
            self.places = [
                Choice(c.id, " · ".join(part for part in (c.name, c.address) if part))
                for c in found.rows if c.lat is not None
            ]  # fmt: skip

    @rx.event
    @allows(DISPATCHING)
    def choose_place(self, client_id: str):
        """One of those that were found."""
        chosen = next((p for p in self.places if p.value == client_id), None)
        if chosen is not None:
            self.place, self.place_name, self.places = chosen.value, chosen.text, []

    @rx.event
    @allows(DISPATCHING)
    def drop_place(self):
        """Without a place."""
        self.place, self.place_name, self.places = "", "", []

    @rx.event
    @allows(DISPATCHING)
    async def send(self, data: dict):
        """Write it to each of the reps meant."""
        try:
            draft = _draft(data, self.place)
            made = await asyncio.to_thread(messages.write, self._actor(), draft)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.refused, self.to, self.sent_count = "", "", self.sent_count + 1
        self.place, self.place_name, self.places = "", "", []
        toasts = await self.get_state(Messages)
        toasts._say(Toast("message", "ok", "confirmed", self._t("messages.sent", n=len(made))))
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def withdraw(self, message_id: str):
        """Asks once, then takes it back."""
        if self.asked != message_id:
            self.asked = str(message_id)
            return
        self.asked = ""
        try:
            await asyncio.to_thread(messages.withdraw, self._actor(), str(message_id))
        except Refusal as error:
            toasts = await self.get_state(Messages)
            toasts._say(Toast("message", "err", "contradicted", self._refusal(error)))
        await self._show()


def _readers(actor: Actor, language: str) -> list[Choice]:
    teams = [
        Choice(TEAM + t.id, i18n.t("messages.whole_team", language, name=t.name))
        for t in people.list_teams(actor)
    ]
    return [*teams, *(Choice(r.id, r.name) for r in people.visible_reps(actor))]


def _draft(data: dict[str, Any], place: str) -> Draft:
    """What the form says; raises BadMessage."""
    to = str(data.get("to", ""))[:80]
    is_team = to.startswith(TEAM)
    try:
        kind, radius = Kind(str(data.get("kind", ""))), int(data.get("radius_m") or RADIUS_M)
    except ValueError as error:
        raise BadMessage(field="kind") from error
    return Draft(
        kind, str(data.get("text", "")), frozenset({to} if to and not is_team else ()),
        to.removeprefix(TEAM) if is_team else None, _moment(str(data.get("due", ""))),
        place or None, radius_m=radius,
    )  # fmt: skip


def _moment(text: str) -> datetime | None:
    """A date and time of the company's zone as the browser writes it; raises BadMessage."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text[:32]).replace(tzinfo=clock.zone()).astimezone(UTC)
    except ValueError as error:
        raise BadMessage(field="due_at") from error


def _row(m: MessageView, language: str) -> Row:
    where = [i18n.moment(m.due_at, language) if m.due_at else "", m.place or ""]
    return Row(
        m.id, i18n.moment(m.created_at, language), m.rep_name,
        i18n.t(f"messages.kind.{m.kind}", language), text_of(m, language), " · ".join(p for p in where if p),
        m.state, GLYPHS[m.state], _state_words(m, language), m.comment or "",
        m.state is State.waiting and m.phones == 0,
        m.kind is not Kind.plan and m.state not in (State.done, State.declined, State.withdrawn),
    )  # fmt: skip


def _state_words(m: MessageView, language: str) -> str:
    at = {
        State.arrived: m.arrived_at, State.seen: m.seen_at, State.accepted: m.accepted_at,
        State.declined: m.declined_at, State.done: m.done_at, State.withdrawn: m.withdrawn_at,
    }.get(m.state)  # fmt: skip
    word = i18n.t(f"messages.state.{m.state}", language)
    return f"{word} · {i18n.moment(at, language)}" if at else word


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def messages_page() -> rx.Component:
    """The page."""
    title = rx.el.h2(words("messages.title"), class_name="vh")
    body = rx.el.div(title, _form(), _tools(), loaded(OfficeMessages, _list()), class_name="ad-b")
    return page(
        "/messages", words("messages.title"), rx.el.div(body, class_name="ad-w"), class_name="ad"
    )


def _form() -> rx.Component:
    kinds = rx.el.select(
        *[rx.el.option(words(f"messages.kind.{k}"), value=k) for k in (Kind.task, Kind.reminder)],
        name="kind", class_name="input",
    )  # fmt: skip
    readers = rx.el.select(
        rx.el.option(words("messages.choose"), value=""), *options_of(OfficeMessages.readers),
        name="to", class_name="input", required=True, default_value=OfficeMessages.to,
    )  # fmt: skip
    text = rx.el.textarea(
        name="text", rows="2", max_length=1000, required=True, class_name="input area"
    )
    due = rx.el.input(type="datetime-local", name="due", class_name="input")
    form = rx.el.form(
        labelled(words("messages.to"), readers), labelled(words("messages.kind"), kinds),
        labelled(words("messages.text"), text, wide=True), labelled(words("messages.due"), due),
        _place(), said(OfficeMessages.refused),
        rx.el.div(button(icon("message-square", "s"), words("messages.send"), kind="primary", type="submit"), class_name="row"),
        on_submit=OfficeMessages.send, class_name="ad-f ms-f", key=OfficeMessages.sent_count,
    )  # fmt: skip
    return rx.el.section(
        rx.el.header(rx.el.h3(words("messages.write"))),
        rx.el.div(form, class_name="sec"),
        class_name="card",
    )


def _place() -> rx.Component:
    search = rx.el.input(
        type="search", class_name="input", placeholder=words("messages.find_client"), auto_complete="off",
        on_change=OfficeMessages.find_place.debounce(250),
    )  # fmt: skip
    found = rx.el.div(
        rx.foreach(OfficeMessages.places, lambda p: button(
            p.text, kind="ghost", small=True, on_click=OfficeMessages.choose_place(p.value))),
        class_name="ms-p",
    )  # fmt: skip
    radius = rx.el.select(
        *[rx.el.option(f"{r} m", value=str(r)) for r in RADII], name="radius_m", class_name="input sm",
        default_value=str(RADIUS_M), aria_label=words("messages.radius"),
    )  # fmt: skip
    chosen = rx.el.div(
        rx.el.b(OfficeMessages.place_name), rx.el.span(words("messages.radius"), class_name="muted t1 nw"), radius,
        button(icon("x", "s"), words("messages.place_away"), small=True, on_click=OfficeMessages.drop_place),
        class_name="row ms-c",
    )  # fmt: skip
    looking = rx.el.div(labelled(words("messages.place"), search), found)
    return rx.el.div(rx.cond(OfficeMessages.place != "", chosen, looking), class_name="field")


def _tools() -> rx.Component:
    kinds = [rx.el.option(words(f"messages.kind.{k}"), value=k) for k in Kind]
    reps = rx.foreach(
        OfficeMessages.readers,
        lambda r: rx.cond(
            r.value.startswith(TEAM), rx.fragment(), rx.el.option(r.text, value=r.value)
        ),
    )
    states = [rx.el.option(words(f"messages.state.{s}"), value=s) for s in State]
    ahead = rx.el.option(words("messages.open_only"), value=OPEN)
    return rx.el.div(
        find_box(OfficeMessages, "messages.find"),
        folded(
            OfficeMessages,
            narrowing(OfficeMessages, "rep", "messages.all_reps", [reps], "messages.rep"),
            narrowing(OfficeMessages, "kind", "messages.all_kinds", kinds, "messages.kind"),
            narrowing(OfficeMessages, "state", "messages.all_states", [ahead, *states], "messages.state"),
        ),
        rx.el.span(OfficeMessages.shown, class_name="muted t1 nw end", role="status"),
        file_tools(OfficeMessages, "xlsx", "csv"),
        class_name="row ad-t",
    )  # fmt: skip


def _list() -> rx.Component:
    """The list; where nothing was ever written, what will stand here."""
    nothing = empty("no_match", words("messages.none"), words("messages.none_why"))
    is_new = (OfficeMessages.rows.length() == 0) & ~OfficeMessages.is_narrowed
    table = list_table(OfficeMessages, COLUMNS, "messages.list", NONE, "messages.list")
    return rx.cond(is_new, rx.el.section(nothing, class_name="card ad-c"), table)


def _said(row: Any) -> rx.Component:
    """How far it is, what the rep said, and that nothing wakes his phone."""
    comment = rx.cond(row.comment != "", rx.el.p(row.comment, class_name="muted t1"), rx.fragment())
    no_phone = rx.cond(
        row.no_phone, rx.el.p(words("messages.no_phone"), class_name="muted t1"), rx.fragment()
    )
    state = rx.el.span(glyph(row.state_glyph), row.state_word, class_name="row")
    return rx.el.div(state, comment, no_phone, class_name="ms-s")


def _withdrawal(row: Any) -> rx.Component:
    again = rx.cond(
        OfficeMessages.asked == row.id, words("messages.withdraw_sure"), words("messages.withdraw")
    )
    act = button(again, small=True, on_click=OfficeMessages.withdraw(row.id))
    return rx.cond(row.may_withdraw, act, rx.fragment())


NONE = ("messages.none_found", "messages.none_found_why")
COLUMNS = [
    Column("messages.written", lambda r: r.written, "written", "muted nw"),
    Column("messages.rep", lambda r: r.rep, "rep", "med nw"),
    Column("messages.kind", lambda r: badge(r.kind, tone="line"), "kind"),
    Column("messages.text", lambda r: rx.el.div(r.text, class_name="ms-t")),
    Column(
        "messages.when_where", lambda r: rx.el.div(r.when_where, class_name="ms-w"), "when", "muted"
    ),
    Column("messages.state", _said, "state"),
    Column("messages.actions", _withdrawal, class_name="num"),
]
