"""Counts of the list of clients by an own field, one value alone, and own fields on the card."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from typing import Any

import reflex as rx

from fieldcrm.clients.model import ClientFilters, Condition
from fieldcrm.clients.ownfields import files, rules
from fieldcrm.clients.ownfields import listing as own_listing
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import COUNTED, PREFIX
from fieldcrm.components.counted import Bar, bars, counted_panel
from fieldcrm.components.icons import icon
from fieldcrm.components.section import Choice, Listing
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor


class Counting(Listing, Desk, mixin=True):
    """Part of the list's state: counts by an own field."""

    counting: list[Choice] = []
    """Fields whose values can be counted."""
    count_by: str = ""
    counts: list[Bar] = []
    own: str = ""
    """`name=value` that the list is narrowed to."""
    own_word: str = ""

    def _read_counting(self) -> None:
        countable = [f for f in self._own if f.field.type in COUNTED]
        self.counting = [
            Choice(f.name, ownfields.label_of(f, self.language)) for f in countable
        ]  # fmt: skip

    def _own_conditions(self) -> tuple[Condition, ...]:
        """The one value that the list is narrowed to."""
        name, sign, value = self.own.partition("=")
        field = next((f.field for f in self._own if f.name == name), None)
        if not sign or field is None:
            return ()
        op = "empty" if not value else "has" if field.type == "choices" else "is"
        return (Condition(PREFIX + name, op, value),)

    async def _count(self, wanted: ClientFilters) -> None:
        """Count the list's clients by the chosen field, whichever value the list is narrowed to."""
        if not self.count_by:
            self.counts = []
            return
        none = self._t("own_fields.no_value")
        found = await asyncio.to_thread(
            own_listing.count_by, self._actor(), self.count_by, wanted, none
        )
        self.counts = bars(((c.value, c.label, c.clients) for c in found), self.language)

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


def own_facts(client: Any, actor: Actor, language: str) -> list[tuple[str, str, str]]:
    """(label, value, address of a file) of a card's own fields."""
    fields = ownfields.list_fields(actor)
    names = ownfields.names_of(actor, fields, [client.own_fields])
    gone = files.erased_among(filter(rules.is_file, client.own_fields.values()))
    return [
        _fact(said, client.own_fields.get(said.name), gone, language)
        for said in ownfields.said_of(fields, client, language, names)
    ]


def _fact(
    said: ownfields.Said, value: Any, gone: frozenset[str], language: str
) -> tuple[str, str, str]:
    if rules.is_file(value) and value["id"] in gone:
        return said.label, i18n.t("own_fields.file.erased", language, name=value["name"]), ""
    return said.label, said.text, said.href


# ── parts of the page ────────────────────────────────────────────────────────────────────────────


def count_tools(state: Any) -> rx.Component:
    """Counts by which field; nothing where there is no field to count by."""
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
    return rx.cond(state.counting.length() > 0, rx.fragment(counting, only), rx.fragment())


def own_counts(state: Any) -> rx.Component:
    """The counts, where the person asked for them."""
    panel = counted_panel(words("own_fields.own"), state.counts, state.count(""), state.only)
    return rx.cond(state.count_by != "", panel, rx.fragment())
