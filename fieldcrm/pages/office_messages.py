"""Messages to the field: write a task or reminder, see when it arrived, was seen, accepted and done."""

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
from fieldcrm.components.section import Choice, Section, loaded, options_of
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.messages import service as messages
from fieldcrm.messages.model import RADIUS_M, BadMessage, Draft, Kind, MessageView, State
from fieldcrm.pages.admin import labelled, said
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

PAGE = 60
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


class OfficeMessages(Section, Desk):
    """The form, and what was sent."""

    rows: list[Row] = []
    readers: list[Choice] = []
    """Teams whole, then reps."""
    rep: str = ""
    kind: str = ""
    open_only: bool = False
    has_more: bool = False
    places: list[Choice] = []
    place: str = ""
    place_name: str = ""
    refused: str = ""
    asked: str = ""
    """The message whose withdrawal awaits a second press."""
    sent_count: int = 0
    """Makes the form anew after each message."""

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page."""
        actor = await self._enter()
        self.refused, self.asked = "", ""
        self.readers = await asyncio.to_thread(_readers, actor, self.language)
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Try again."""
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def narrow(self, name: str, value: str):
        """By rep or kind; an unknown name is none of ours."""
        if name in ("rep", "kind"):
            setattr(self, name, str(value)[:64])
            await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def switch_open(self):
        """Open ones only, or all."""
        self.open_only = not self.open_only
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def more(self):
        """The next page."""
        if self.has_more and self.rows:
            await self._show(self.rows[-1].id)

    async def _fill(self, cursor: str = "") -> None:
        kind = Kind(self.kind) if self.kind in Kind else None
        found = await asyncio.to_thread(
            messages.sent,
            self._actor(),
            self.rep or None,
            kind,
            self.open_only,
            PAGE,
            cursor or None,
        )
        told = [_row(m, self.language) for m in found]
        self.rows = [*self.rows, *told] if cursor else told
        self.has_more = len(found) == PAGE

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
        self.refused, self.sent_count = "", self.sent_count + 1
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
    text = m.text
    if m.kind is Kind.plan and m.day is not None:
        text = i18n.t("messages.plan_of", language, day=i18n.day(m.day, language, "EEE d MMM"))
    where = [i18n.moment(m.due_at, language) if m.due_at else "", m.place or ""]
    return Row(
        m.id, i18n.moment(m.created_at, language), m.rep_name,
        i18n.t(f"messages.kind.{m.kind}", language), text, " · ".join(p for p in where if p),
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
    body = rx.el.div(title, _form(), _tools(), loaded(OfficeMessages, _table()), class_name="ad-b")
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
        name="to", class_name="input", required=True,
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
    return rx.el.div(
        _pick("rep", "messages.all_reps", [reps], "messages.rep"),
        _pick("kind", "messages.all_kinds", kinds, "messages.kind"),
        rx.el.label(
            rx.el.input(type="checkbox", checked=OfficeMessages.open_only,
                        on_change=lambda _: OfficeMessages.switch_open()),
            words("messages.open_only"), class_name="tick",
        ),
        class_name="row ad-t",
    )  # fmt: skip


def _pick(name: str, every: str, options: list[Any], label: str) -> rx.Component:
    return rx.el.select(
        rx.el.option(words(every), value=""), *options, value=getattr(OfficeMessages, name),
        on_change=lambda chosen: OfficeMessages.narrow(name, chosen), class_name="input sm pick",
        aria_label=words(label),
    )  # fmt: skip


HEADS = ("written", "rep", "kind", "text", "when_where", "state")


def _table() -> rx.Component:
    label = words("messages.list")
    heads = [rx.el.th(words(f"messages.{k}"), scope="col") for k in HEADS]
    actions = rx.el.th(rx.el.span(words("messages.actions"), class_name="vh"), scope="col")
    rows = rx.el.table(
        rx.el.thead(rx.el.tr(*heads, actions)), rx.el.tbody(rx.foreach(OfficeMessages.rows, _line)),
        class_name="tbl ms-l", aria_label=label,
    )  # fmt: skip
    more = rx.cond(
        OfficeMessages.has_more,
        rx.el.div(button(words("messages.more"), small=True, on_click=OfficeMessages.more), class_name="sec"),
        rx.fragment(),
    )  # fmt: skip
    shown = rx.el.div(rows, more, class_name="scr", tab_index=0, role="region", aria_label=label)
    none = empty("no_match", words("messages.none"), words("messages.none_why"))
    return rx.el.section(
        rx.cond(OfficeMessages.rows.length() > 0, shown, none), class_name="card ad-c"
    )


def _line(row: Any) -> rx.Component:
    said_back = rx.cond(
        row.comment != "", rx.el.p(row.comment, class_name="muted t1"), rx.fragment()
    )
    no_phone = rx.cond(
        row.no_phone, rx.el.p(words("messages.no_phone"), class_name="muted t1"), rx.fragment()
    )
    again = rx.cond(
        OfficeMessages.asked == row.id, words("messages.withdraw_sure"), words("messages.withdraw")
    )
    act = rx.cond(
        row.may_withdraw,
        button(again, small=True, on_click=OfficeMessages.withdraw(row.id)),
        rx.fragment(),
    )
    return rx.el.tr(
        rx.el.td(row.written, class_name="muted nw"), rx.el.td(row.rep, class_name="med nw"),
        rx.el.td(badge(row.kind, tone="line")), rx.el.td(row.text, class_name="ms-t"),
        rx.el.td(row.when_where, class_name="muted"),
        rx.el.td(rx.el.span(glyph(row.state_glyph), row.state_word, class_name="row"), said_back, no_phone),
        rx.el.td(act, class_name="num"),
    )  # fmt: skip
