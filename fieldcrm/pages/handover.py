"""Handing a rep's clients over to a colleague: chosen, looked at, done; past ones, undone at need."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from typing import Any

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.components.alerts import Toast
from fieldcrm.components.download import download
from fieldcrm.components.icons import icon
from fieldcrm.components.messages import Messages
from fieldcrm.components.parts import button, category, empty
from fieldcrm.components.section import Choice, Section, loaded, options_of
from fieldcrm.components.session import MANAGING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.typed import typed_day
from fieldcrm.components.words import words
from fieldcrm.handover import service as handovers
from fieldcrm.handover.model import BadHandover, BriefLine, HandoverView, Order, Preview
from fieldcrm.handover.workbook import promise_text
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import labelled, said
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

WHOLE, LISTED = "whole", "listed"
FOUND_MOST, PICKED_MOST = 8, 200
FIGURES = ("clients", "visits", "promises", "days")


@dataclass
class BriefRow:
    """A client in the reader's words."""

    id: str
    name: str
    category: str
    place: str
    promises: list[str]
    last: str
    next: str
    remaining: int


@dataclass
class Look:
    """What would happen."""

    clients: int = 0
    visits: int = 0
    promises: int = 0
    days: int = 0
    title: str = ""
    staying: str = ""
    more: str = ""
    seal: str = ""


@dataclass
class PastRow:
    """A handover that was done."""

    id: str
    when: str
    title: str
    clients: int
    visits: int
    promises: int
    by: str
    state: str
    is_undone: bool
    brief: str


class Handovers(Section, Desk):
    """What is being chosen, what it would do, what was done."""

    givers: list[Choice] = []
    takers: list[Choice] = []
    kinds: list[Choice] = []
    intos: list[Choice] = []
    former: str = ""
    owner: str = ""
    kind: str = WHOLE
    into: str = ""
    first_day: str = ""
    found: list[Choice] = []
    picked: list[Choice] = []
    look: Look = Look()
    brief: list[BriefRow] = []
    refused: str = ""
    is_sure: bool = False
    is_busy: bool = False
    past: list[PastRow] = []
    asked: str = ""
    """The handover whose undoing awaits a second press."""

    @rx.event
    @allows(MANAGING)
    async def load(self):
        """Fill the page; an address may name who hands over."""
        actor = await self._enter()
        self.givers = await asyncio.to_thread(_givers, actor, self.language)
        self.first_day = self.first_day or clock.local(clock.now()).date().isoformat()
        self.asked = ""
        asked = str(self.router.url.query_parameters.get("from", ""))[:64]
        if asked in [g.value for g in self.givers]:
            self.former = asked
        await self._choices()
        await self._show()

    @rx.event
    @allows(MANAGING)
    async def reload(self):
        """Try again."""
        await self._show()

    async def _fill(self, cursor: str = "") -> None:
        del cursor
        found = await asyncio.to_thread(handovers.list_handovers, self._actor())
        self.past = [_past(each, self.language) for each in found]

    async def _choices(self) -> None:
        """Who may take over from whom is chosen, and what he has."""
        actor, language = self._actor(), self.language
        self.takers = await asyncio.to_thread(_takers, actor, self.former)
        if self.owner not in [t.value for t in self.takers]:
            self.owner = ""
        self.kinds = await asyncio.to_thread(_kinds, actor, self.former, language)
        self.intos = await asyncio.to_thread(_territories, actor, self.owner)
        if self.kind not in [k.value for k in self.kinds]:
            self.kind = WHOLE
        if self.into not in [t.value for t in self.intos]:
            self.into = self.intos[0].value if self.intos else ""

    @rx.event
    @allows(MANAGING)
    async def choose(self, name: str, value: str):
        """One part of the order; what was looked at before no longer counts."""
        if name not in ("former", "owner", "kind", "into", "first_day"):
            return
        setattr(self, name, str(value)[:64])
        if name == "former":
            self.picked = []
        self._forget()
        await self._choices()

    def _forget(self) -> None:
        self.look, self.brief, self.refused, self.is_sure, self.found = Look(), [], "", False, []

    @rx.event
    @allows(MANAGING)
    async def find(self, text: str):
        """The former's clients whose name, address or number fits."""
        wanted = str(text).strip()[:100]
        self.found = []
        if len(wanted) < 2 or not self.former:
            return
        own = {t.value for t in await asyncio.to_thread(_territories, self._actor(), self.former)}
        rows = await asyncio.to_thread(clients.find, self._actor(), search=wanted, limit=50)
        known = {p.value for p in self.picked}
        fit = [c for c in rows.rows if c.territory_id in own and c.id not in known]
        self.found = [
            Choice(c.id, " · ".join(p for p in (c.name, c.address) if p)) for c in fit[:FOUND_MOST]
        ]

    @rx.event
    @allows(MANAGING)
    def pick(self, client_id: str):
        """Into the list."""
        chosen = next((f for f in self.found if f.value == client_id), None)
        if chosen is not None and len(self.picked) < PICKED_MOST:
            left = [f for f in self.found if f.value != client_id]
            picked = [*self.picked, chosen]
            self._forget()
            self.picked, self.found = picked, left

    @rx.event
    @allows(MANAGING)
    def drop(self, client_id: str):
        """Out of the list."""
        self._forget()
        self.picked = [p for p in self.picked if p.value != client_id]

    @rx.event
    @allows(MANAGING)
    async def show_look(self):
        """What it would do."""
        self._forget()
        try:
            order = self._order()
            seen = await asyncio.to_thread(handovers.preview, self._actor(), order)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.look = _look(seen, self.language)
        self.brief = [_brief(line, self.language) for line in seen.brief]

    def _order(self) -> Order:
        """What is chosen; raises BadHandover."""
        for name in ("former", "owner"):
            if not getattr(self, name):
                raise BadHandover(field="to_rep_id" if name == "owner" else "from_rep_id")
        try:
            first = date.fromisoformat(self.first_day)
        except ValueError as error:
            raise BadHandover(field="first_day") from error
        if self.kind == LISTED:
            if not self.picked:
                raise BadHandover(field="client_ids")
            named = frozenset(p.value for p in self.picked)
            return Order(
                self.former, self.owner, first, client_ids=named, into_id=self.into or None
            )
        territories = frozenset() if self.kind == WHOLE else frozenset({self.kind})
        return Order(self.former, self.owner, first, territories)

    @rx.event
    @allows(MANAGING)
    async def hand_over(self):
        """Asks once, then does what was looked at."""
        if not self.look.seal or self.is_busy:
            return
        if not self.is_sure:
            self.is_sure = True
            return
        self.is_busy = True
        yield
        try:
            await self._do()
        finally:
            self.is_busy = False

    async def _do(self) -> None:
        order, seal = self._order(), self.look.seal
        self._forget()
        try:
            done = await asyncio.to_thread(handovers.hand_over, self._actor(), order, seal)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.picked = []
        await self._toast("handover.done", clients=done.clients, visits=done.visits,
                          promises=done.promises)  # fmt: skip
        await self._choices()
        await self._show()

    @rx.event
    @allows(MANAGING)
    async def undo(self, handover_id: str):
        """Asks once, then gives back what nobody has built on."""
        if self.asked != handover_id:
            self.asked = str(handover_id)[:64]
            return
        self.asked = ""
        self._forget()
        try:
            done = await asyncio.to_thread(handovers.undo, self._actor(), str(handover_id))
        except Refusal as error:
            self.refused = self._refusal(error)
        else:
            key = "handover.gave_back_but" if done.stayed else "handover.gave_back"
            await self._toast(key, n=done.stayed)
        await self._choices()
        await self._show()

    async def _toast(self, key: str, **params: Any) -> None:
        toasts = await self.get_state(Messages)
        toasts._say(Toast("handover", "ok", "confirmed", self._t(key, **params)))


def _givers(actor: Actor, language: str) -> list[Choice]:
    """Reps of the actor's teams, also those who left."""
    return [
        Choice(r.id, r.name if r.is_active else i18n.t("handover.gone", language, name=r.name))
        for r in people.visible_reps(actor, True)
    ]


def _takers(actor: Actor, former: str) -> list[Choice]:
    every = people.visible_reps(actor, True)
    team = next((r.team_id for r in every if r.id == former), None)
    return [
        Choice(r.id, r.name)
        for r in every if r.is_active and r.id != former and team and r.team_id == team
    ]  # fmt: skip


def _territories(actor: Actor, rep_id: str) -> list[Choice]:
    own = [t for t in clients.list_territories(actor) if rep_id and t.rep_id == rep_id]
    return [Choice(t.id, t.name) for t in own]


def _kinds(actor: Actor, former: str, language: str) -> list[Choice]:
    """All he has, one of his territories, or clients by name."""
    own = _territories(actor, former)
    by_area = [
        Choice(t.value, i18n.t("handover.territory", language, name=t.text)) for t in own
    ]  # fmt: skip
    return [
        Choice(WHOLE, i18n.t("handover.whole", language)), *by_area,
        Choice(LISTED, i18n.t("handover.listed", language)),
    ]  # fmt: skip


def _look(seen: Preview, language: str) -> Look:
    staying = (
        i18n.t("handover.staying", language, n=seen.staying)
        if seen.staying else ""
    )  # fmt: skip
    is_cut = seen.clients > len(seen.brief)
    return Look(
        seen.clients, seen.visits, seen.promises, seen.days, f"{seen.from_name} → {seen.to_name}",
        staying, i18n.t("handover.some", language, n=len(seen.brief)) if is_cut else "", seen.seal,
    )  # fmt: skip


def _brief(line: BriefLine, language: str) -> BriefRow:
    result = i18n.t(f"result.{line.last_result}", language) if line.last_result else ""
    last = i18n.day(line.last_visit, language, "d MMM") if line.last_visit else ""
    return BriefRow(
        line.client_id, line.name, line.category or "", line.place,
        [promise_text(p, language) for p in line.promises],
        " · ".join(part for part in (last, result) if part),
        i18n.day(line.next_visit, language, "EEE d MMM") if line.next_visit else "", line.remaining,
    )  # fmt: skip


def _past(h: HandoverView, language: str) -> PastRow:
    state = i18n.t("handover.in_force", language)
    if h.undone_at is not None:
        key = "handover.undone_but" if h.stayed else "handover.undone"
        state = i18n.t(key, language, at=i18n.moment(h.undone_at, language), n=h.stayed)
    return PastRow(
        h.id, i18n.moment(h.done_at, language), f"{h.from_name} → {h.to_name}", h.clients, h.visits,
        h.promises, h.by or "", state, h.undone_at is not None,
        f"/api/v1/handovers/{h.id}/brief.xlsx?language={language}",
    )  # fmt: skip


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def handover_page() -> rx.Component:
    """The page."""
    title = rx.el.h2(words("handover.title"), class_name="vh")
    body = rx.el.div(
        title, _form(), rx.cond(Handovers.look.seal != "", _seen(), loaded(Handovers, _table())),
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
        labelled(words("handover.to"), _select("owner", Handovers.takers, "handover.choose")),
        labelled(words("handover.what"), _select("kind", Handovers.kinds)),
        labelled(words("handover.first_day"), first),
        rx.cond(Handovers.kind == LISTED, _listed(), rx.fragment()), said(Handovers.refused),
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
        labelled(words("handover.into"), _select("into", Handovers.intos)), class_name="ms-f ho-l",
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
