"""The client base as a list: search, filters, order, pages by keyset, export; each opens its card."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import ClientCard, ClientFilters, ClientKind
from fieldcrm.components import behaviour
from fieldcrm.components.download import download
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.parts import badge, button, category, empty, icon_button
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.admin import loaded, sort_head
from fieldcrm.people.model import Actor
from fieldcrm.reports.visit_list import actual_text
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import VisitFilters

PAGE = 60
SORTS = ("name", "category", "city", "updated_at")
GLYPHS = {"pharmacy": "pharmacy", "organisation": "org"}
FACTS = ("specialty", "loyalty", "phone", "email", "website", "address", "city", "postcode", "opening_hours",
         "visit_minutes", "external_id", "note")  # fmt: skip


@dataclass
class Choice:
    """An option of a select."""

    value: str
    text: str


@dataclass
class Row:
    """A client as the table shows it."""

    id: str
    name: str
    glyph: str
    kind: str
    category: str
    specialty: str
    address: str
    city: str
    phone: str
    territory: str


@dataclass
class Pair:
    """A fact with its name."""

    label: str
    value: str


@dataclass
class TieRow:
    """A person at a workplace, seen from either side."""

    id: str
    name: str
    note: str
    is_main: bool


@dataclass
class PastVisit:
    """A visit on the card."""

    id: str
    glyph: str
    word: str
    title: str
    text: str


@dataclass
class PromiseRow:
    """A next step somebody promised."""

    text: str
    due: str
    is_done: bool


@dataclass
class Card:
    """A client's card in the reader's words."""

    id: str = ""
    name: str = ""
    kind: str = ""
    category: str = ""
    territory: str = ""
    facts: list[Pair] = field(default_factory=list)
    ties: list[TieRow] = field(default_factory=list)
    promises: list[PromiseRow] = field(default_factory=list)
    visits: list[PastVisit] = field(default_factory=list)


class Clients(Desk):
    """The list as the reader has asked for it, and the card that is open."""

    is_ready: bool = False
    is_broken: bool = False
    problem: str = ""
    rows: list[Row] = []
    search: str = ""
    kind: str = ""
    letter: str = ""
    territory: str = ""
    is_archive: bool = False
    sort: str = "name"
    has_more: bool = False
    shown: str = ""
    territories: list[Choice] = []
    opened: str = ""
    card: Card = Card()
    card_problem: str = ""
    _cursor: str = ""

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; an address may name a client to open."""
        actor = await self._enter()
        places = await asyncio.to_thread(clients.list_territories, actor)
        self.territories = [Choice(t.id, t.name) for t in places]
        await self._fill()
        asked = self.router.url.query_parameters.get("client", "") or self.opened
        if asked:
            await self._open(str(asked))

    @rx.event
    @allows(DISPATCHING)
    async def reload(self):
        """Try again."""
        await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def narrow(self, name: str, value: str):
        """Set one filter; an unknown value counts as none."""
        if name in ("search", "kind", "letter", "territory"):
            setattr(self, name, str(value)[:200])
            await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def switch_archive(self):
        """Living clients, or archived ones."""
        self.is_archive = not self.is_archive
        await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def clear(self):
        """Everything one may see."""
        self.search = self.kind = self.letter = self.territory = ""
        self.is_archive = False
        await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def sort_by(self, name: str):
        """By a column; again turns it round."""
        if name in SORTS:
            self.sort = f"-{name}" if self.sort == name else name
            await self._fill()

    @rx.event
    @allows(DISPATCHING)
    async def more(self):
        """The next page."""
        if self.has_more:
            await self._fill(self._cursor)

    @rx.event
    @allows(DISPATCHING)
    async def open(self, client_id: str):
        """A client's card."""
        await self._open(client_id)

    @rx.event
    @allows(DISPATCHING)
    def close(self):
        """Away with the card."""
        self.opened = ""

    @rx.event
    @allows(DISPATCHING)
    async def press(self, key: str):
        """J and K: the client below and above; Escape: close."""
        if key == "Escape":
            self.opened = ""
        ids = [r.id for r in self.rows]
        if self.opened in ids and key in ("j", "k"):
            n = ids.index(self.opened) + (1 if key == "j" else -1)
            if 0 <= n < len(ids):
                await self._open(ids[n])

    async def _fill(self, cursor: str = "") -> None:
        wanted = ClientFilters(
            kinds=(self.kind,) if self.kind in ClientKind else (),
            categories=(self.letter,) if self.letter in ("A", "B", "C") else (),
            territory_id=self.territory or None, archived=self.is_archive,
        )  # fmt: skip
        try:
            found = await asyncio.to_thread(
                clients.find, self._actor(), self.search, wanted, self.sort, PAGE, cursor or None
            )
        except Refusal as error:
            self.problem, self.is_broken, self.is_ready = self._refusal(error), True, True
            return
        names = {t.value: t.text for t in self.territories}
        told = [_row(c, names, self.language) for c in found.rows]
        self.rows = [*self.rows, *told] if cursor else told
        self._cursor, self.has_more = found.cursor or "", found.cursor is not None
        self.shown = self._t(
            "clients_page.shown", n=len(self.rows), more="+" if self.has_more else ""
        )
        self.is_ready, self.is_broken = True, False

    async def _open(self, client_id: str) -> None:
        self.opened, self.card_problem = client_id, ""
        try:
            self.card = await asyncio.to_thread(_card, self._actor(), client_id, self.language)
        except Refusal as error:
            self.card, self.card_problem = Card(), self._refusal(error)

    @rx.var
    def export_url(self) -> str:
        """The same list as a file."""
        asked = {"search": self.search, "kind": self.kind, "category": self.letter,
                 "territory_id": self.territory, "archived": "true" if self.is_archive else ""}  # fmt: skip
        return f"/api/v1/clients/export.xlsx?{urlencode({k: v for k, v in asked.items() if v})}"


def _row(client: Any, territories: dict[str, str], language: str) -> Row:
    return Row(
        client.id, client.name, GLYPHS.get(client.kind, "doctor"), i18n.t(f"admin.client.{client.kind}", language),
        client.category or "", client.specialty or "", client.address or "", client.city or "", client.phone or "",
        territories.get(client.territory_id or "", ""),
    )  # fmt: skip


def _card(actor: Actor, client_id: str, language: str) -> Card:
    found = clients.card(actor, client_id)
    past = visits.list_visits(actor, VisitFilters(client_id=client_id), "-day", 12).rows
    c = found.client
    facts = [(name, getattr(c, name)) for name in FACTS]
    return Card(
        c.id, c.name, i18n.t(f"admin.client.{c.kind}", language), c.category or "",
        found.territory.name if found.territory else "",
        [Pair(i18n.t(f"admin.field.{n}", language), str(v)) for n, v in facts if v not in (None, "")],
        _ties(found), [_promise(p, language) for p in found.promises[:8]],
        [_past(v, language) for v in past],
    )  # fmt: skip


def _ties(found: ClientCard) -> list[TieRow]:
    every = [*found.workplaces, *found.people]
    return [
        TieRow(t.client_id, t.name, " · ".join(x for x in (t.role, t.hours) if x), t.is_main)
        for t in every
    ]


def _promise(p: Any, language: str) -> PromiseRow:
    return PromiseRow(
        p.text, i18n.day(p.due_on, language) if p.due_on else "", p.done_at is not None
    )


def _past(view: Any, language: str) -> PastVisit:
    v = view.visit
    closed = v.state == "closed"
    word = i18n.t(f"report.{v.verdict}" if closed else f"visits_page.state.{v.state}", language)
    title = " · ".join(t for t in (i18n.day(v.day, language, "EEE d MMM"), actual_text(v.checked_in_at, v.closed_at),
                                   view.rep_name) if t)  # fmt: skip
    sign = v.verdict if closed else {"missed": "v-missed", "cancelled": "v-missed", "moved": "v-moved",
                                     "under_way": "v-now"}.get(v.state, "v-planned")  # fmt: skip
    return PastVisit(v.id, sign, word, title, v.comment or word)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def clients_page() -> rx.Component:
    """The page."""
    drawer = rx.cond(Clients.opened != "", _drawer(), rx.fragment())
    return page(
        "/clients", words("clients_page.title"), behaviour.keys(["j", "k", "Escape"], Clients.press),
        rx.el.div(rx.el.div(rx.el.h2(words("clients_page.title"), class_name="vh"), _tools(), loaded(Clients, _table()), class_name="ad-b"), drawer, class_name="ad-w"),
        class_name="ad",
    )  # fmt: skip


def _tools() -> rx.Component:
    def select(name: str, value: Any, every: str, options: list[Any], label: str) -> rx.Component:
        return rx.el.select(
            rx.el.option(words(every), value=""), *options, value=value,
            on_change=lambda chosen: Clients.narrow(name, chosen), class_name="input sm pick", aria_label=words(label),
        )  # fmt: skip

    search = rx.el.input(
        type="search", class_name="input sm ad-find", placeholder=words("clients_page.find"), value=Clients.search,
        aria_label=words("clients_page.find"), on_change=lambda t: Clients.narrow("search", t).debounce(250),
    )  # fmt: skip
    kinds = [rx.el.option(words(f"admin.client.{k}"), value=k) for k in ClientKind]
    letters = [rx.el.option(letter, value=letter) for letter in "ABC"]
    places = [rx.foreach(Clients.territories, lambda t: rx.el.option(t.text, value=t.value))]
    archive = rx.el.label(
        rx.el.input(type="checkbox", checked=Clients.is_archive, on_change=lambda _: Clients.switch_archive()),
        words("clients_page.archive"), class_name="tick",
    )  # fmt: skip
    return rx.el.div(
        search, select("kind", Clients.kind, "clients_page.all_kinds", kinds, "admin.field.kind"),
        select("letter", Clients.letter, "report.all_categories", letters, "report.category"),
        select("territory", Clients.territory, "report.all_territories", places, "report.territory"),
        archive, rx.el.span(Clients.shown, class_name="muted t1 nw"), rx.el.span(class_name="sp"),
        download(words("report.export"), Clients.export_url),
        class_name="row ad-t",
    )  # fmt: skip


def _table() -> rx.Component:
    def plain(key: str) -> rx.Component:
        return rx.el.th(words(key), scope="col")

    rows = rx.el.table(
        rx.el.thead(rx.el.tr(
            sort_head(words("admin.field.name"), "name", Clients), plain("admin.field.kind"),
            sort_head(words("report.category"), "category", Clients), plain("admin.field.specialty"),
            plain("admin.field.address"), sort_head(words("admin.field.city"), "city", Clients),
            plain("admin.field.phone"), plain("report.territory"),
        )),
        rx.el.tbody(rx.foreach(Clients.rows, _line)), class_name="tbl tight", aria_label=words("clients_page.title"),
    )  # fmt: skip
    more = rx.cond(Clients.has_more, rx.el.div(button(words("report.more"), small=True, on_click=Clients.more),
                                               class_name="sec"), rx.fragment())  # fmt: skip
    none = empty("no_match", words("clients_page.none"), words("clients_page.none_why"),
                 button(words("report.clear_filters"), small=True, on_click=Clients.clear))  # fmt: skip
    return rx.el.section(
        rx.cond(Clients.rows.length() > 0,
                rx.el.div(rows, more, class_name="scr", tab_index=0, role="region",
                          aria_label=words("clients_page.list")), none),
        class_name="card ad-c",
    )  # fmt: skip


def _line(row: Any) -> rx.Component:
    name = rx.el.button(row.name, type="button", class_name="way med el cell-l", title=row.name,
                        on_click=Clients.open(row.id))  # fmt: skip
    return rx.el.tr(
        rx.el.td(name), rx.el.td(rx.el.span(glyph(row.glyph), row.kind, class_name="row nw")),
        rx.el.td(category(row.category)), rx.el.td(row.specialty),
        rx.el.td(rx.el.div(row.address, class_name="el cell-l", title=row.address), class_name="muted"),
        rx.el.td(row.city, class_name="muted"), rx.el.td(row.phone, class_name="nw"), rx.el.td(row.territory),
        aria_selected=rx.cond(Clients.opened == row.id, "true", "false"),
    )  # fmt: skip


def _drawer() -> rx.Component:
    c = Clients.card
    head = rx.el.div(
        rx.el.h2(words("clients_page.card"), class_name="el"), rx.el.span(class_name="sp"),
        icon_button("arrow-up", words("report.previous"), on_click=Clients.press("k")),
        icon_button("arrow-down", words("report.next"), on_click=Clients.press("j")),
        icon_button("x", words("desk.close"), on_click=Clients.close), class_name="sec-h",
    )  # fmt: skip
    broken = empty("broken", words("clients_page.broken"), Clients.card_problem)
    body = rx.fragment(
        rx.el.div(
            rx.el.div(category(c.category), rx.el.span(c.name, class_name="strong t3 el", title=c.name), class_name="row"),
            rx.el.div(c.kind, rx.cond(c.territory != "", f" · {c.territory}", ""), class_name="t1 muted"),
            class_name="sec dh",
        ),
        rx.el.dl(rx.foreach(c.facts, _fact), class_name="sec facts said"),
        _part(c.ties, "clients_page.ties", _tie), _part(c.promises, "clients_page.promises", _promised),
        rx.el.div(
            rx.el.h3(words("visits_page.title")),
            rx.cond(c.visits.length() > 0, rx.el.ul(rx.foreach(c.visits, _visit), class_name="evl"),
                    rx.el.p(words("clients_page.no_visits"), class_name="muted t1")),
            class_name="sec said",
        ),
    )  # fmt: skip
    return rx.el.aside(
        head,
        rx.el.div(rx.cond(Clients.card_problem != "", broken, body), class_name="dr-b", tab_index=0, role="region",
                  aria_label=c.name),
        class_name="drawer", aria_label=words("clients_page.card"),
    )  # fmt: skip


def _part(rows: Any, title: str, draw: Any) -> rx.Component:
    part = rx.el.div(
        rx.el.h3(words(title)),
        rx.el.ul(rx.foreach(rows, draw), class_name="evl"),
        class_name="sec said",
    )
    return rx.cond(rows.length() > 0, part, rx.fragment())


def _fact(pair: Any) -> rx.Component:
    return rx.el.div(rx.el.dt(pair.label), rx.el.dd(pair.value))


def _tie(tie: Any) -> rx.Component:
    main = rx.cond(tie.is_main, badge(words("clients_page.main"), tone="accent"), rx.fragment())
    return rx.el.li(
        rx.el.span(
            rx.el.button(tie.name, type="button", class_name="way med", on_click=Clients.open(tie.id)), " ", main,
            rx.cond(tie.note != "", rx.el.span(rx.el.br(), tie.note, class_name="t1 muted"), rx.fragment()),
        )
    )  # fmt: skip


def _promised(p: Any) -> rx.Component:
    sign = rx.cond(p.is_done, icon("check", "s"), icon("hand-heart", "s"))
    return rx.el.li(sign, rx.el.span(p.text, " ", rx.el.span(p.due, class_name="t1 muted")))


def _visit(v: Any) -> rx.Component:
    return rx.el.li(
        glyph(v.glyph, label=v.word),
        rx.el.span(
            rx.el.span(v.title, class_name="med"),
            rx.el.br(),
            rx.el.span(v.text, class_name="t1 muted"),
        ),
    )
