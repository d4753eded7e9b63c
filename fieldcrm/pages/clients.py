"""The client base as a list: search, filters, order, pages by keyset, export; each opens its card."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import CATEGORIES, ClientKind
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.views.model import plain
from fieldcrm.components import behaviour
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import badge, button, category, icon_button, note
from fieldcrm.components.place_map import client_map
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
    opener,
    options_of,
    row_drawer,
)
from fieldcrm.components.session import DISPATCHING, MANAGING, Desk, allows
from fieldcrm.components.shell import manages, page
from fieldcrm.components.words import words
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages.client_card import Card, card_of
from fieldcrm.pages.client_columns import Cell, ListColumns, cells, column_tools, columns_of
from fieldcrm.pages.client_counts import Counting, count_tools, own_counts
from fieldcrm.pages.client_filters import Narrowing, filter_chips, filter_tools
from fieldcrm.pages.client_timeline import ClientTimeline, timeline_part
from fieldcrm.pages.client_views import Views, view_notes, view_tools
from fieldcrm.pages.handover_state import BROUGHT, Handovers
from fieldcrm.pages.list_files import ListFiles, file_tools
from fieldcrm.pages.list_totals import Totals, file_rows, shown_rows


@dataclass
class Row:
    """A client as the table shows it."""

    id: str
    name: str
    cells: list[Cell] = field(default_factory=list)


class Clients(
    ClientTimeline, Views, Narrowing, Counting, ListColumns, ListFiles, Totals, Listing, Desk
):  # fmt: skip
    """The list as the reader has asked for it, and the card that is open."""

    rows: list[Row] = []
    sort: str = "name"
    kind: str = ""
    letter: str = ""
    territory: str = ""
    is_archive: bool = False
    territories: list[Choice] = []
    card: Card = Card()
    card_problem: str = ""

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; an address may name a view, a search, a client to open."""
        actor = await self._enter()
        places = await asyncio.to_thread(clients.list_territories, actor)
        self.territories = [Choice(t.id, t.name) for t in places]
        await self._read_columns(actor)
        self._read_fields()
        address = self.router.url.query_parameters
        await self._begin(actor, str(address.get("view", "")))
        self.search = str(address.get("search") or self.search)[:200]
        await self._show()
        await self._read_files()
        asked = address.get("client", "") or self.opened
        if asked:
            self.opened = str(asked)[:64]
            await self._open(self.opened)

    @rx.event
    @allows(DISPATCHING)
    async def switch_archive(self):
        """Living clients, or archived ones."""
        self.is_archive = not self.is_archive
        await self._show()

    def _filters(self) -> tuple[str, ...]:
        return ("kind", "letter", "territory", "own")

    def _sorts(self) -> tuple[str, ...]:
        return ("name", *self._column_sorts())

    def _narrowed_by(self) -> int:
        return super()._narrowed_by() + len(self.conditions) + bool(self.near) + self.is_archive

    @rx.event
    @allows(MANAGING)
    async def hand_over_these(self):
        """What the list finds, as the page shows it, to where clients are handed over."""
        handed = await self.get_state(Handovers)
        handed._bring(self._list_state(), self._t("handover.brought", what=self._narrowed_words()))
        return rx.redirect(f"/handover?view={BROUGHT}")

    def _narrowed_words(self) -> str:
        """What narrows the list."""
        territory = next((t.text for t in self.territories if t.value == self.territory), "")
        kind = self._t(f"admin.client.{self.kind}") if self._is_known("kind", self.kind) else ""
        letter = f"{self._t('report.category')} {self.letter}" if self.letter else ""
        conditions = [c.text for c in self.conditions]
        every = (
            self.search,
            kind,
            letter,
            territory,
            self.own_word,
            *conditions,
            self.near_word,
        )
        return " · ".join(told for told in every if told)

    def _asked(self) -> tuple[str, dict[str, Any]]:
        return "clients", plain(self._list_state())

    async def _fill(self, cursor: str = "") -> None:
        actor = self._actor()
        await self._read_columns(actor)
        self._read_counting()
        self._read_fields()
        await self._read_views(actor)
        await self._say_near()
        self.conditions = [self._narrowed(c) for c in self._conditions()]
        wanted = await self._wanted()
        own = self._own_conditions()
        others = tuple(c for c in wanted.conditions if c not in own)
        await self._count(replace(wanted, conditions=others))
        found = await asyncio.to_thread(
            clients.find, actor, self.search, wanted, self.sort, PAGE, cursor or None
        )
        places = {t.value: t.text for t in self.territories}
        names = await asyncio.to_thread(
            ownfields.names_of, actor, self._own, [c.own_fields for c in found.rows]
        )
        rows = [
            Row(
                c.id,
                c.name,
                cells(self._chosen, c, self._own, places, wanted.near, self.language, names),
            )
            for c in found.rows
        ]
        self._turn(rows, found.cursor, bool(cursor))
        self._tell_shown(bool(cursor))

    def _told_as(self) -> tuple[str, str, str]:
        return "clients_page.shown", "clients_page.shown_of", "clients_page.shown_of_many"

    async def _counter(self) -> Callable[[int], int]:
        wanted = await self._wanted()
        return partial(clients.count, self._actor(), wanted, self.search)

    async def _open(self, row_id: str) -> None:
        self.card_problem = ""
        try:
            self.card = await asyncio.to_thread(card_of, self._actor(), row_id, self.language)
            await self._read_timeline(row_id)
        except Refusal as error:
            self.card, self.card_problem = Card(), self._refusal(error)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def clients_page() -> rx.Component:
    """The page."""
    table = list_table(
        Clients, COLUMNS, "clients_page.title", NONE, "clients_page.list", columns_of(Clients)
    )
    title = rx.el.h2(words("clients_page.title"), class_name="vh")
    body = rx.el.div(
        title,
        _tools(),
        filter_chips(Clients),
        view_notes(Clients),
        own_counts(Clients),
        loaded(Clients, table),
        class_name="ad-b",
    )
    drawer = row_drawer(Clients, "clients_page.card", Clients.card_problem, "clients_page.broken",
                        Clients.card.name, _card_body())  # fmt: skip
    return page(
        "/clients", words("clients_page.title"), behaviour.keys(["j", "k", "Escape"], Clients.press),
        rx.el.div(body, drawer, class_name="ad-w"), class_name="ad",
    )  # fmt: skip


NONE = ("clients_page.none", "clients_page.none_why")
COLUMNS = [Column("admin.field.name", lambda r: opener(r.name, r.id, Clients), "name")]
"""The others are each person's own choice."""


def _tools() -> rx.Component:
    kinds = [rx.el.option(words(f"admin.client.{k}"), value=k) for k in ClientKind]
    letters = [rx.el.option(letter, value=letter) for letter in CATEGORIES]
    archive = rx.el.label(
        rx.el.input(type="checkbox", checked=Clients.is_archive, on_change=lambda _: Clients.switch_archive()),
        words("clients_page.archive"), class_name="tick",
    )  # fmt: skip
    return rx.el.div(
        view_tools(Clients), find_box(Clients, "clients_page.find"),
        folded(
            Clients,
            narrowing(Clients, "kind", "clients_page.all_kinds", kinds, "admin.field.kind"),
            narrowing(Clients, "letter", "report.all_categories", letters, "report.category"),
            narrowing(Clients, "territory", "report.all_territories", options_of(Clients.territories), "report.territory"),
            filter_tools(Clients), archive, column_tools(Clients), count_tools(Clients),
        ), rx.el.div(
            shown_rows(Clients),
            rx.cond(manages(), _hand_over(), rx.fragment()),
            file_tools(Clients, "xlsx", "csv", "geojson", "vcf", told=file_rows(Clients)),
            rx.el.a(icon("plus", "s"), words("client_form.add"), href="/clients/form", class_name="btn sm primary"),
            class_name="row wrap end",
        ),
        class_name="row ad-t",
    )  # fmt: skip


def _hand_over() -> rx.Component:
    """What the list finds, where it is narrowed; else the page alone, where one chooses."""
    these = button(icon("users", "s"), words("handover.these"), small=True,
                   on_click=Clients.hand_over_these)  # fmt: skip
    chosen = rx.el.a(
        icon("users", "s"), words("handover.do"), href="/handover", class_name="btn sm"
    )
    is_narrowed = (Clients.search != "") | (Clients.filters_set > 0)
    return rx.cond(is_narrowed & ~Clients.is_archive, these, chosen)


def _card_body() -> rx.Component:
    c = Clients.card
    return rx.fragment(
        rx.el.div(
            rx.el.div(category(c.category), rx.el.span(c.name, class_name="strong t3 el", title=c.name), rx.el.span(class_name="sp"),
                      icon_button("locate-fixed", words("client_list.near_this"), small=True,
                                  on_click=Clients.near_client(c.id)),
                      rx.el.a(words("client_form.edit"), href=f"/clients/form?client={c.id}", class_name="btn sm"),
                      class_name="row"),
            rx.el.div(c.kind, rx.cond(c.territory != "", f" · {c.territory}", ""), class_name="t1 muted"),
            rx.cond(c.why != "", rx.el.div(f"{c.category}: {c.why}", class_name="t1"), rx.fragment()),
            rx.cond(c.warning != "", note("warn", icon("lock", "s"), c.warning, role="alert"), rx.fragment()),
            class_name="sec dh",
        ),
        _part(c.doubles, "duplicates.maybe", _doubled),
        rx.el.dl(rx.foreach(c.facts, _fact), class_name="sec facts said"),
        rx.cond(
            c.consents.length() > 0,
            rx.el.div(rx.el.h3(words("consent.title")),
                      rx.el.dl(rx.foreach(c.consents, _fact), class_name="facts"), class_name="sec said"),
            rx.fragment(),
        ),
        _part(c.aims, "clients_page.aims", _aimed),
        _part(c.ties, "clients_page.ties", _tie), _part(c.promises, "clients_page.promises", _promised),
        timeline_part(Clients),
        _part(c.knowers, "clients_page.knowers", _knower),
        rx.cond(c.has_map, rx.el.div(client_map(c.spot, words("clients_page.map")), class_name="map ev-map"), rx.fragment()),
        _part(c.near, "clients_page.near", _neighbour),
    )  # fmt: skip


def _part(rows: Any, title: str, draw: Any) -> rx.Component:
    part = rx.el.div(
        rx.el.h3(words(title)),
        rx.el.ul(rx.foreach(rows, draw), class_name="evl"),
        class_name="sec said",
    )
    return rx.cond(rows.length() > 0, part, rx.fragment())


def _doubled(d: Any) -> rx.Component:
    return rx.el.li(
        icon("git-merge", "s"),
        rx.el.span(
            rx.el.a(d.name, href=f"/duplicates?pair={d.pair_id}", class_name="way med"),
            rx.el.br(),
            rx.el.span(d.why, class_name="t1 muted"),
        ),
    )


def _fact(pair: Any) -> rx.Component:
    file = rx.el.a(
        icon("download", "s"), pair.value, href=pair.href, class_name="way",
        custom_attrs={"download": "", "reloadDocument": True},
    )  # fmt: skip
    return rx.el.div(rx.el.dt(pair.label), rx.el.dd(rx.cond(pair.href != "", file, pair.value)))


def _tie(tie: Any) -> rx.Component:
    main = rx.cond(tie.is_main, badge(words("clients_page.main"), tone="accent"), rx.fragment())
    return rx.el.li(
        rx.el.span(
            rx.el.button(tie.name, type="button", class_name="way med", on_click=Clients.open(tie.id)), " ", main,
            rx.cond(tie.note != "", rx.el.span(rx.el.br(), tie.note, class_name="t1 muted"), rx.fragment()),
        )
    )  # fmt: skip


def _aimed(a: Any) -> rx.Component:
    left = rx.cond(a.is_done, badge(a.left, tone="ok"), badge(a.left, tone="accent"))
    text = rx.el.span(a.text, class_name="t1 muted")
    return rx.el.li(rx.el.span(rx.el.span(a.name, class_name="med"), " ", left, rx.el.br(), text))


def _knower(k: Any) -> rx.Component:
    text = rx.el.span(k.text, class_name="t1 muted")
    return rx.el.li(rx.el.span(rx.el.span(k.name, class_name="med"), rx.el.br(), text))


def _neighbour(n: Any) -> rx.Component:
    name = rx.el.button(n.name, type="button", class_name="way med", on_click=Clients.open(n.id))
    return rx.el.li(
        category(n.letter), rx.el.span(name, " ", rx.el.span(n.way, class_name="t1 muted nw"))
    )


def _promised(p: Any) -> rx.Component:
    sign = rx.cond(p.is_done, icon("check", "s"), icon("hand-heart", "s"))
    due = rx.el.span(p.due, class_name=rx.cond(p.is_late, "t1 late", "t1 muted"))
    return rx.el.li(sign, rx.el.span(p.text, " ", due))
