"""Columns of the list of clients: each person's own choice and order, own fields among them."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.clients import conditions, standing, standing_words
from fieldcrm.clients.model import DISTANCE, SORTS, Near
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import PREFIX, UNSORTED, OwnField
from fieldcrm.clients.views import service as views
from fieldcrm.clients.views.model import COLUMNS, COLUMNS_MAX, USUAL
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.parts import category, icon_button
from fieldcrm.components.section import Extra, Listing, clipped, sort_head
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor

GLYPHS = {"pharmacy": "pharmacy", "organisation": "org"}
LONG = ("address", "note", "opening_hours", "website")
_OURS = ("source", "created_at", "updated_at", DISTANCE)
"""Columns that no form of a client has."""


@dataclass
class Head:
    """A column that the person may have."""

    name: str
    label: str
    sort: str
    """What orders by it; empty where nothing does."""
    is_shown: bool
    is_first: bool = False
    is_last: bool = False


@dataclass
class Cell:
    """What a row has under a heading, and how it looks."""

    text: str
    look: str = ""
    """kind, category, long, warned or plain."""
    glyph: str = ""


class ListColumns(Listing, Desk, mixin=True):
    """Part of the list's state; the page asks `_read_columns` first, and `_cells` for each row."""

    columns: list[Head] = []
    _chosen: list[str] = list(USUAL)
    _own: list[Any] = []
    """Own fields in use."""

    async def _read_columns(self, actor: Actor) -> None:
        self._own = await asyncio.to_thread(ownfields.list_fields, actor)
        labels = {name: label(name, self.language) for name in COLUMNS}
        labels |= {PREFIX + f.name: ownfields.label_of(f, self.language) for f in self._own}
        self._chosen = [name for name in self._chosen if name in labels]
        first, last = (self._chosen[:1] or [""])[0], (self._chosen[-1:] or [""])[0]
        self.columns = [
            Head(
                name, labels[name], self._sort_of(name), name in self._chosen, name == first,
                name == last,
            )
            for name in listed([head.name for head in self.columns], self._chosen, list(labels))
        ]  # fmt: skip

    def _sort_of(self, name: str) -> str:
        own = next((f for f in self._own if PREFIX + f.name == name), None)
        if own is not None:
            return "" if own.sense in UNSORTED else name
        return name if name in SORTS or name == DISTANCE else ""

    def _column_sorts(self) -> tuple[str, ...]:
        return tuple(head.sort for head in self.columns if head.sort)

    async def _keep_columns(self) -> None:
        """Remember them for the person, where no view is open that has its own."""
        if not self.view_id:
            await asyncio.to_thread(views.keep_columns, self._actor(), tuple(self._chosen))

    @rx.event
    @allows(DISPATCHING)
    async def switch_column(self, name: str):
        """A column, or not."""
        known = [head.name for head in self.columns]
        if name in self._chosen:
            self._chosen = [n for n in self._chosen if n != name]
        elif name in known and len(self._chosen) < COLUMNS_MAX:
            self._chosen = [n for n in known if n in self._chosen or n == name]
        if self.sort.removeprefix("-") == name not in self._chosen:
            self.sort = "name"
        await self._keep_columns()
        await self._show()

    @rx.event
    @allows(DISPATCHING)
    async def move_column(self, name: str, by: int):
        """A shown column one place to the left (-1) or right (1)."""
        if name not in self._chosen or by not in (-1, 1):
            return
        place = self._chosen.index(name)
        if 0 <= place + by < len(self._chosen):
            chosen = [n for n in self._chosen if n != name]
            chosen.insert(place + by, name)
            self._chosen = chosen
            await self._keep_columns()
            await self._show()


def listed(before: Sequence[str], chosen: Sequence[str], known: Sequence[str]) -> list[str]:
    """Columns as their menu lists them: one that was just switched off or on stays at its place."""
    if set(before) != set(known):
        return [*chosen, *(name for name in known if name not in chosen)]
    shown = iter(chosen)
    return [next(shown) if name in chosen else name for name in before]


def label(name: str, language: str) -> str:
    """What a column of clients is called."""
    if name in _OURS:
        return i18n.t(f"client_list.field.{name}", language)
    return i18n.t(
        f"admin.field.{name.removesuffix('_id') if name == 'territory_id' else name}", language
    )


def cells(
    chosen: Sequence[str], client: Any, own: Sequence[OwnField], territories: Mapping[str, str],
    near: Near | None, language: str, names: Mapping[str, str],
) -> list[Cell]:  # fmt: skip
    """A client's cells under the chosen columns; `names` of whom own fields refer to."""
    of_own = {PREFIX + f.name: f for f in own}
    return [
        Cell(ownfields.text_of(of_own[n], client.own_fields.get(of_own[n].name), language, names))
        if n in of_own else _cell(n, client, territories, near, language)
        for n in chosen
    ]  # fmt: skip


def _cell(
    name: str, client: Any, territories: Mapping[str, str], near: Near | None, language: str
) -> Cell:
    match name:
        case "kind":
            text = i18n.t(f"admin.client.{client.kind}", language)
            return Cell(text, "kind", GLYPHS.get(client.kind, "doctor"))
        case "category":
            return Cell(client.category or "", "category")
        case "loyalty":
            return Cell(standing_words.loyalty_word(client.loyalty, language))
        case "territory":
            return Cell(territories.get(client.territory_id or "", ""))
        case "tags":
            return Cell(", ".join(client.tags), "long")
        case "consents":
            look = "warned" if standing.withdrawn(client.consents) else "long"
            return Cell(standing_words.short(client, language), look)
        case "source":
            return Cell(i18n.t(f"client_list.source.{client.source}", language))
        case "created_at" | "updated_at":
            return Cell(i18n.moment(getattr(client, name), language, "d MMM y"))
        case "distance":
            return Cell(_distance(client, near, language))
    value = getattr(client, name)
    return Cell("" if value is None else str(value), "long" if name in LONG else "")


def _distance(client: Any, near: Near | None, language: str) -> str:
    if near is None or client.lat is None:
        return ""
    km = math.sqrt(conditions.squared_km(client.lat, client.lng, near))
    return i18n.t("client_list.km", language, n=i18n.number(km, language, 1))


# ── parts of the page ────────────────────────────────────────────────────────────────────────────


def columns_of(state: Any) -> Extra:
    """Headings and cells of the columns that the person has chosen."""

    def head(column: Any) -> rx.Component:
        plain = rx.el.th(column.label, scope="col")
        sorts = rx.cond(column.sort != "", sort_head(column.label, column.sort, state), plain)
        return rx.cond(column.is_shown, sorts, rx.fragment())

    return Extra(rx.foreach(state.columns, head), lambda row: rx.foreach(row.cells, _drawn))


def _drawn(cell: Any) -> rx.Component:
    shown = rx.match(
        cell.look,
        ("kind", rx.el.span(glyph(cell.glyph), cell.text, class_name="row nw")),
        ("category", category(cell.text)),
        ("long", clipped(cell.text)),
        ("warned", rx.el.div(clipped(cell.text), class_name="late")),
        rx.fragment(cell.text),
    )
    return rx.el.td(shown, class_name=rx.cond(cell.look == "long", "muted", "nw"))


def column_tools(state: Any) -> rx.Component:
    """Which columns, and in which order."""
    return rx.el.details(
        rx.el.summary(icon("layers", "s"), words("own_fields.columns"), class_name="btn sm"),
        rx.el.div(
            rx.foreach(state.columns, lambda c: _choice(c, state)), class_name="of-m card",
            role="group", aria_label=words("own_fields.columns"),
        ),
        class_name="of-d",
    )  # fmt: skip


def _choice(c: Any, state: Any) -> rx.Component:
    box = rx.el.input(
        type="checkbox", checked=c.is_shown, on_change=lambda _: state.switch_column(c.name)
    )
    left = icon_button("arrow-up", f"{words('client_list.earlier')}: {c.label}", aria_disabled=_said(c.is_first),
                       on_click=state.move_column(c.name, -1))  # fmt: skip
    right = icon_button("arrow-down", f"{words('client_list.later')}: {c.label}", aria_disabled=_said(c.is_last),
                        on_click=state.move_column(c.name, 1))  # fmt: skip
    return rx.el.div(
        rx.el.label(box, c.label, class_name="tick"),
        rx.cond(c.is_shown, rx.el.span(left, right, class_name="row"), rx.fragment()),
        class_name="row li-c", key=c.name,  # the focus goes along with a column that moves
    )  # fmt: skip


def _said(is_it: Any) -> Any:
    """Of a button that keeps the focus while nothing is left for it to do."""
    return rx.cond(is_it, "true", "false")
