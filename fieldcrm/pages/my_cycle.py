"""A rep's own cycle: his calendar, moves that he proposes, and what his manager said of them."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import reflex as rx

from fieldcrm.components.cycle_drag import cycle_drag
from fieldcrm.components.icons import icon
from fieldcrm.components.parts import button, note
from fieldcrm.components.section import loaded
from fieldcrm.components.session import Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.typed import typed
from fieldcrm.components.words import words
from fieldcrm.kit import clock
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import planning_rows as shown
from fieldcrm.pages.planning_calendar import beside, calendar, held_panel
from fieldcrm.pages.planning_held import Held
from fieldcrm.pages.planning_rows import Paper, Week
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.planning import cycle_board, cycle_hand
from fieldcrm.planning.cycle_drafts import Move
from fieldcrm.planning.service import ProposalView

REP = frozenset({Role.rep})
WEEKS = 4
MOVES_MOST = 60


class MyCycle(Held, Desk):
    """What the page shows: four weeks from this one on."""

    rep_name: str = ""
    calendar: list[Week] = []
    status: str = ""
    changes: list[str] = []
    pending: str = ""
    word: str = ""
    told: str = ""
    refused: str = ""
    papers: list[Paper] = []
    _moves: list[dict[str, str]] = []

    @rx.event
    @allows(REP)
    async def load(self):
        """Fill the page."""
        await self._enter()
        await self._show()

    @rx.event
    @allows(REP)
    async def reload(self):
        """Try again."""
        await self._show()

    def _span(self) -> tuple[str, date, date]:
        first, last = cycle_board.span_of(clock.today(), WEEKS)
        return self._actor().user_id, max(first, clock.today()), last

    async def _fill(self, cursor: str = "") -> None:
        del cursor
        actor = self._actor()
        rep_id, first, last = self._span()
        [rep] = await asyncio.to_thread(people.visible_reps, actor)
        self.rep_name = rep.name
        view = await self._preview(actor, first, last)
        days = await asyncio.to_thread(cycle_board.calendar, actor, rep_id, first, WEEKS, view)
        minutes = max(1, rep.shift_end_min - rep.shift_start_min)
        self.calendar = shown.weeks(days, clock.today(), minutes, self.language)
        self.pins = shown.pins(days)
        self.changes = shown.difference(view, self.language) if view else []
        self.pending = self._t("mine.pending", n=len(self._moves)) if self._moves else ""
        own = await asyncio.to_thread(cycle_hand.own, actor)
        self.papers = [shown.own_paper(v, self.language) for v in own]

    async def _preview(self, actor: Actor, first: date, last: date) -> ProposalView | None:
        """The span with the moves so far; the last one is dropped where it can't be any more."""
        while self._moves:
            try:
                return await asyncio.to_thread(
                    cycle_hand.preview, actor, self._wanted(), first, last
                )
            except Refusal as error:
                self.refused, self._moves = self._refusal(error), self._moves[:-1]
        return None

    def _wanted(self) -> list[Move]:
        rep = self._actor().user_id
        return [
            Move(rep, date.fromisoformat(m["day"]), m["visit"], m["client"]) for m in self._moves
        ]

    @rx.event
    @allows(REP)
    async def drop(self, visit_id: str, client_id: str, day: str, rep_id: str):
        """Propose what is held for a day; a rep moves nothing to anybody else."""
        del rep_id
        self.told = self.refused = ""
        wanted = shown.day_named(day)
        if wanted is None or wanted <= clock.today() or len(self._moves) >= MOVES_MOST:
            return
        visit = str(visit_id)[:64]
        rest = [m for m in self._moves if not visit or m["visit"] != visit]
        made = {"visit": visit, "client": str(client_id)[:64], "day": wanted.isoformat()}
        self._moves = [*rest, made]
        self._let_go()
        await self._show()

    @rx.event
    @allows(REP)
    async def take_back(self):
        """Without the last move."""
        self._moves = self._moves[:-1]
        await self._show()

    @rx.event
    @allows(REP)
    async def drop_all(self):
        """The calendar as it stands."""
        self._moves = []
        await self._show()

    @rx.event
    @allows(REP)
    def write_word(self, value: str):
        """What the manager is to hear."""
        self.word = str(value)[:500]

    @rx.event
    @allows(REP)
    async def propose(self):
        """Send the moves to the manager; nothing moves before he approves."""
        _, first, last = self._span()
        self.told = self.refused = ""
        try:
            await asyncio.to_thread(
                cycle_hand.propose, self._actor(), self._wanted(),
                max(first, clock.today() + timedelta(days=1)), last, self.word,
            )  # fmt: skip
        except Refusal as error:
            self.refused = self._refusal(error)
        else:
            self.told, self._moves, self.word = self._t("mine.proposed"), [], ""
        await self._show()


def my_cycle_page() -> rx.Component:
    """The page."""
    side = beside(MyCycle, rx.cond(MyCycle.held_name != "", held_panel(MyCycle), _history()))
    body = rx.el.div(
        calendar(MyCycle, MyCycle.rep_name, rx.fragment()), side, class_name="cy-b cy-mine"
    )
    return page(
        "/my-cycle", words("mine.title"),
        cycle_drag(MyCycle, False, words("hand.working")), _answer(), _pending(),
        loaded(MyCycle, body), class_name="cyc",
    )  # fmt: skip


def _answer() -> rx.Component:
    told = note("ok", icon("check", "s"), rx.el.span(MyCycle.told), role="status")
    refused = note("err", icon("info", "s"), rx.el.span(MyCycle.refused), role="alert")
    return rx.fragment(
        rx.cond(MyCycle.told != "", told, rx.fragment()),
        rx.cond(MyCycle.refused != "", refused, rx.fragment()),
    )


def _pending() -> rx.Component:
    hint = rx.el.p(words("mine.hint"), class_name="muted t1 cy-hint")
    moves = rx.el.div(
        rx.el.span(MyCycle.pending, class_name="strong"),
        rx.el.ul(rx.foreach(MyCycle.changes, lambda text: rx.el.li(text)), class_name="cy-d"),
        rx.el.span(class_name="sp"),
        typed(MyCycle.word, MyCycle.write_word, class_name="input sm",
              aria_label=words("mine.word"), placeholder=words("mine.word")),
        button(icon("check", "s"), words("mine.propose"), kind="primary", small=True,
               on_click=MyCycle.propose),
        button(icon("undo-2", "s"), words("mine.take_back"), small=True, on_click=MyCycle.take_back),
        button(words("mine.drop_all"), small=True, on_click=MyCycle.drop_all),
        class_name="row cy-p", role="status",
    )  # fmt: skip
    return rx.cond(MyCycle.pending != "", moves, hint)


def _history() -> rx.Component:
    def row(paper: Any) -> rx.Component:
        told = rx.el.div(rx.el.b(paper.title), rx.el.span(paper.about, class_name="muted t1"),
                         class_name="cy-pp")  # fmt: skip
        return rx.el.li(told, class_name="row cy-pl")

    nothing = rx.el.p(words("mine.no_history"), class_name="muted cy-why")
    return rx.el.section(
        rx.el.h2(words("mine.history"), class_name="cy-h"),
        rx.cond(
            MyCycle.papers.length() > 0,
            rx.el.ul(rx.foreach(MyCycle.papers, row), class_name="cy-ps"), nothing,
        ),
        class_name="cy-s", aria_label=words("mine.history"),
    )  # fmt: skip
