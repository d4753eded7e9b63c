"""Own fields in the list of clients: columns that each person chooses, counts, one value alone."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import ClientFilters
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import COUNTED, PREFIX, UNSORTED, OwnField
from fieldcrm.components.counted import Bar, bars, counted_panel
from fieldcrm.components.icons import icon
from fieldcrm.components.section import Choice, Extra, Listing, sort_head
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.forms.words import said
from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor
from fieldcrm.reports import answers

COLUMNS_MOST = 12


@dataclass
class Head:
    """A column that the person may have."""

    name: str
    label: str
    sort: str
    """What orders by it; empty where nothing does."""
    is_shown: bool


@dataclass
class ChangeRow:
    """A change of an own field on the card."""

    text: str
    by: str


class OwnColumns(Listing, Desk, mixin=True):
    """Part of the list's state; the page asks `_read_own` first, and `_own_texts` for each row."""

    chosen: str = rx.LocalStorage("", name="fieldcrm-client-columns")
    """Names with commas between, as this person last chose on this computer."""
    columns: list[Head] = []
    counting: list[Choice] = []
    """Fields whose values can be counted."""
    count_by: str = ""
    counts: list[Bar] = []
    own: str = ""
    """`name=value` that the list is narrowed to."""
    own_word: str = ""

    async def _read_own(self, actor: Actor) -> list[OwnField]:
        every = await asyncio.to_thread(ownfields.list_fields, actor)
        shown = self.chosen.split(",")
        self.columns = [
            Head(f.name, said(f.field.label, self.language),
                 "" if f.field.type in UNSORTED else PREFIX + f.name, f.name in shown)
            for f in every
        ]  # fmt: skip
        countable = [f for f in every if f.field.type in COUNTED]
        self.counting = [Choice(f.name, said(f.field.label, self.language)) for f in countable]
        return [f for f in every if f.name in shown]

    def _own_sorts(self) -> tuple[str, ...]:
        return tuple(head.sort for head in self.columns if head.sort)

    def _own_filter(self) -> tuple[tuple[str, str], ...]:
        name, sign, value = self.own.partition("=")
        return ((name, value),) if sign else ()

    def _own_texts(self, shown: list[OwnField], client: Any) -> list[str]:
        values = client.own_fields
        return [ownfields.text_of(f, values.get(f.name), self.language) for f in shown]

    async def _count(self, wanted: ClientFilters) -> None:
        """Count the list's clients by the chosen field, whichever value the list is narrowed to."""
        if not self.count_by:
            self.counts = []
            return
        none = self._t("own_fields.no_value")
        found = await asyncio.to_thread(
            clients.count_by_own, self._actor(), self.count_by, wanted, none
        )
        self.counts = bars(((c.value, c.label, c.clients) for c in found), self.language)

    @rx.event
    @allows(DISPATCHING)
    async def switch_column(self, name: str):
        """A column, or not; remembered on this computer."""
        known = [head.name for head in self.columns]
        shown = [n for n in self.chosen.split(",") if n in known and n != name]
        if name in known and name not in self.chosen.split(","):
            shown = [*shown, name][-COLUMNS_MOST:]
        self.chosen = ",".join(shown)
        if self.sort.removeprefix("-").removeprefix(PREFIX) == name:
            self.sort = "name"
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def count(self, name: str):
        """Count by a field; none closes the counts."""
        known = {choice.value for choice in self.counting}
        self.count_by = name if name in known else ""
        if not self.count_by:
            self.own, self.own_word = "", ""
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def only(self, value: str):
        """The list narrowed to one value of the counted field; again: no longer."""
        told = f"{self.count_by}={str(value)[:200]}"
        bar = next((b for b in self.counts if b.value == value), None)
        self.own = "" if self.own == told or bar is None else told
        word = bar.label if bar and self.own else ""
        self.own_word = self._t("own_fields.narrowed", value=word) if word else ""
        await self._show()


def own_facts(client: Any, actor: Actor, language: str) -> list[tuple[str, str]]:
    """(label, value) of a card's own fields."""
    fields = ownfields.list_fields(actor)
    return [(s.label, s.text) for s in ownfields.said_of(fields, client, language)]


def own_changes(client_id: str, actor: Actor, language: str) -> list[ChangeRow]:
    """The latest changes of a card's own fields, in words."""
    found = answers.own_changes(actor, client_id, language)[:12]
    return [
        ChangeRow(
            i18n.t("own_fields.change", language, field=c.label, before=c.before or "—",
                   after=c.after or "—"),
            " · ".join(x for x in (c.by, i18n.moment(c.at, language)) if x),
        )
        for c in found
    ]  # fmt: skip


# ── parts of the page ────────────────────────────────────────────────────────────────────────────


def own_columns(state: Any) -> Extra:
    """Headings and cells of the columns that the person has chosen."""

    def head(column: Any) -> rx.Component:
        plain = rx.el.th(column.label, scope="col")
        sorts = rx.cond(column.sort != "", sort_head(column.label, column.sort, state), plain)
        return rx.cond(column.is_shown, sorts, rx.fragment())

    return Extra(
        rx.foreach(state.columns, head),
        lambda row: rx.foreach(row.own, lambda text: rx.el.td(text, class_name="nw")),
    )


def own_tools(state: Any) -> rx.Component:
    """Which columns, and counts by which field; nothing where there are no own fields."""
    boxes = rx.foreach(
        state.columns,
        lambda c: rx.el.label(
            rx.el.input(type="checkbox", checked=c.is_shown, on_change=lambda _: state.switch_column(c.name)),
            c.label, class_name="tick",
        ),
    )  # fmt: skip
    columns = rx.el.details(
        rx.el.summary(icon("list-filter", "s"), words("own_fields.columns"), class_name="btn sm"),
        rx.el.div(boxes, class_name="of-m card"), class_name="of-d",
    )  # fmt: skip
    counting = rx.el.select(
        rx.el.option(words("own_fields.count_by"), value=""),
        rx.foreach(state.counting, lambda o: rx.el.option(o.text, value=o.value)),
        value=state.count_by, on_change=state.count, class_name="input sm pick",
        aria_label=words("own_fields.count_by"),
    )  # fmt: skip
    only = rx.cond(
        state.own != "",
        rx.el.button(state.own_word, icon("x", "s"), type="button", class_name="btn sm soft",
                     on_click=state.only("")),
        rx.fragment(),
    )  # fmt: skip
    return rx.cond(
        state.columns.length() > 0,
        rx.fragment(columns, rx.cond(state.counting.length() > 0, counting, rx.fragment()), only),
        rx.fragment(),
    )


def own_counts(state: Any) -> rx.Component:
    """The counts, where the person asked for them."""
    panel = counted_panel(words("own_fields.own"), state.counts, state.count(""), state.only)
    return rx.cond(state.count_by != "", panel, rx.fragment())


def own_change(row: Any) -> rx.Component:
    """A change of a field on the card."""
    return rx.el.li(
        icon("history", "s"),
        rx.el.span(row.text, rx.el.br(), rx.el.span(row.by, class_name="t1 muted")),
    )
