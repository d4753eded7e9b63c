"""How many rows a list has in all: counted behind its first page, told when it is known."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import reflex as rx

from fieldcrm.components import behaviour
from fieldcrm.components.section import Listing
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit.errors import Refusal

COUNTED_MOST = 10_000
"""Rows that are counted; of more it is said that they are more."""
SETTLE_S = 0.4
"""A list has to stand so long before it is counted: who types asks for a new one with each letter."""
AGAIN_MS = 1500
"""A count that was asked for and not begun is asked for again."""


class Totals(Listing, Desk, mixin=True):
    """Part of a list's state; the page says in `_counter` what counts its rows."""

    is_uncounted: bool = False
    """Whether there are more rows than are shown, and nobody counts them yet."""
    all_rows: str = ""
    """What a file of the list would hold; empty until it is known."""
    _total: int = -1
    """Rows in all, COUNTED_MOST + 1 for more than that; -1 until they are counted."""
    _listing: int = 0
    """Which list is shown: what is counted of an earlier one is no longer of use."""

    def _told_as(self) -> tuple[str, str, str]:
        """The catalogue's keys for so many rows, for some of so many, for some of more than so many."""
        raise NotImplementedError

    async def _counter(self) -> Callable[[int], int]:
        """What counts the rows of the list as it stands, so many and one more at most."""
        raise NotImplementedError

    def _tell_shown(self, is_next: bool) -> None:
        """Say how many are shown; a list that goes on is counted when its rows are there."""
        if not is_next:
            self._listing += 1
            self._total, self.is_uncounted = -1, self.has_more
        if not self.has_more:
            self._total = len(self.rows)
        self._tell_total()

    def _tell_total(self) -> None:
        every, some, some_of_many = self._told_as()
        here, whole = len(self.rows), max(self._total, len(self.rows))
        is_many = self._total > COUNTED_MOST and self.has_more
        if is_many:
            self.shown = self._t(some_of_many, here=here, n=COUNTED_MOST)
        elif self._total >= 0 and self.has_more:
            self.shown = self._t(some, here=here, n=whole)
        else:
            self.shown = self._t(every, n=here, more="+" if self.has_more else "")
        is_known = self._total >= 0 and not is_many
        self.all_rows = self._t(every, n=whole, more="") if is_known else ""

    @rx.event(background=True)
    @allows(DISPATCHING)
    async def count_rows(self):
        """Count the list that is shown; the page stays free meanwhile."""
        try:
            async with self:
                if not self.is_uncounted:
                    return
                self.is_uncounted, mine = False, self._listing
            await asyncio.sleep(SETTLE_S)
            async with self:
                if self._listing != mine:
                    return
                counter = await self._counter()
            found = await asyncio.to_thread(counter, COUNTED_MOST)
        except Refusal:  # the list itself says what is wrong with it
            return
        async with self:
            if self._listing == mine:
                self._total = found
                self._tell_total()


def shown_rows(state: Any, class_name: str = "muted t1 nw") -> rx.Component:
    """How many rows are shown, and of how many."""
    counting = behaviour.ticker(AGAIN_MS, state.count_rows)
    return rx.el.span(
        rx.cond(state.is_uncounted, counting, rx.fragment()),
        state.shown, class_name=class_name, role="status",
    )  # fmt: skip


def file_rows(state: Any) -> rx.Component:
    """How many rows a file of the list will hold, where that is known."""
    told = rx.el.p(words("client_list.all_rows"), " ", state.all_rows, class_name="t1")
    return rx.cond(state.all_rows != "", told, rx.fragment())
