"""A scenario's borders taken over on the what-if page: who would change owner, done, given back."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components.icons import icon
from fieldcrm.components.parts import LEAVES, button
from fieldcrm.components.session import MANAGING, Desk, allows
from fieldcrm.components.shell import manages
from fieldcrm.components.words import words
from fieldcrm.handover import borders
from fieldcrm.handover.model import BordersPreview, BordersTaken
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.people.model import Actor


@dataclass
class MovingRow:
    """A client that would change hands."""

    name: str
    category: str
    home: str
    into: str


class Borders(Desk, mixin=True):
    """Part of the page's state; the page says which scenario is picked and whether it has borders."""

    picked: str = ""
    has_borders: bool = False
    is_looking: bool = False
    border_day: str = ""
    border_sum: str = ""
    border_pairs: list[str] = []
    border_rows: list[MovingRow] = []
    border_more: str = ""
    border_note: str = ""
    """What came of taking over or giving back."""
    stands: str = ""
    """That and when these borders were taken over; empty where they may be."""
    _seal: str = ""

    async def _read_borders(self, actor: Actor, has_borders: bool) -> None:
        """How the picked scenario's borders stand; for those who may have them."""
        self.has_borders, self.stands = has_borders and actor.role in MANAGING, ""
        if self.has_borders:
            found = await asyncio.to_thread(borders.taken, actor, self.picked)
            self.stands = self._stands(found)

    def _stands(self, found: BordersTaken | None) -> str:
        if found is None or found.is_undone:
            return ""
        at, n = i18n.moment(found.at, self.language), i18n.number(found.clients, self.language)
        return self._t("whatif.borders.stands", at=at, n=n)

    def _leave_borders(self) -> None:
        self.is_looking, self._seal, self.border_note = False, "", ""
        self.border_rows, self.border_pairs, self.border_sum, self.border_more = [], [], "", ""

    @rx.event
    @allows(MANAGING)
    async def look_at_borders(self):
        """Who would change territory and owner."""
        self._leave_borders()
        self.border_day = (clock.day_of(self.border_day) or clock.today()).isoformat()
        await self._look_again()

    @rx.event
    @allows(MANAGING)
    async def choose_border_day(self, day: str):
        """Planned visits go along from this day on."""
        if clock.day_of(str(day)[:10]):
            self.border_day = str(day)[:10]
            await self._look_again()

    async def _look_again(self) -> None:
        day = clock.day_of(self.border_day) or clock.today()
        seen = await self._try_borders(borders.preview, self.picked, day)
        if seen is not None:
            self._tell_borders(seen)

    def _tell_borders(self, seen: BordersPreview) -> None:
        def number(n: int) -> str:
            return i18n.number(n, self.language)

        self.is_looking, self._seal = True, seen.seal
        self.border_sum = self._t(
            "whatif.borders.sum", clients=number(seen.clients), visits=number(seen.visits),
            promises=number(seen.promises),
        ) if seen.clients else ""  # fmt: skip
        self.border_pairs = [
            self._t("whatif.borders.pair", a=a, b=b, n=number(n))
            for (a, b), n in seen.pairs.items()
        ]
        self.border_rows = [
            MovingRow(
                m.name, m.category or "", f"{m.home} · {m.from_rep}", f"{m.into} · {m.to_rep}"
            )
            for m in seen.lines
        ]
        rest = seen.clients - len(seen.lines)
        self.border_more = self._t("whatif.borders.more", n=number(rest)) if rest else ""

    @rx.event
    @allows(MANAGING)
    async def take_borders(self):
        """Do what was looked at."""
        day = clock.day_of(self.border_day) or clock.today()
        done = await self._try_borders(borders.take_over, self.picked, day, self._seal)
        if done is not None:
            self._leave_borders()
            n = i18n.number(done.clients, self.language)
            self.border_note, self.stands = self._t("whatif.borders.done", n=n), self._stands(done)

    @rx.event
    @allows(MANAGING)
    async def give_borders_back(self):
        """Undo it."""
        stayed = await self._try_borders(borders.undo, self.picked)
        if stayed is not None:
            key = "whatif.borders.stayed" if stayed else "whatif.borders.undone"
            self.border_note = self._t(key, n=i18n.number(stayed, self.language))
            self.stands = ""

    @rx.event
    @allows(MANAGING)
    def leave_borders(self):
        """Nothing is taken over."""
        self._leave_borders()

    async def _try_borders(self, act: Any, *args: Any) -> Any:
        """What came of it; a refusal is told and None returned."""
        self.refused = ""
        try:
            return await asyncio.to_thread(act, self._actor(), *args)
        except Refusal as error:
            self.refused = self._refusal(error)
            return None


# ── part of the page ─────────────────────────────────────────────────────────────────────────────


def borders_pane(state: Any) -> rx.Component:
    """What can be done with the picked scenario's borders."""
    look = button(icon("map-pin", "s"), words("whatif.borders.look"), small=True,
                  on_click=state.look_at_borders,
                  custom_attrs={"aria-expanded": rx.cond(state.is_looking, "true", "false")})  # fmt: skip
    undo = rx.el.div(
        rx.el.span(state.stands, class_name="t1"),
        button(icon("undo-2", "s"), words("whatif.borders.undo"), small=True, on_click=state.give_borders_back),
        class_name="row wrap",
    )  # fmt: skip
    note = rx.el.p(state.border_note, class_name="t1 muted", role="status")
    pane = rx.el.div(
        rx.cond(state.stands != "", undo,
                rx.fragment(look, rx.cond(state.is_looking, _preview(state), rx.fragment()))),
        note, class_name="wi-bo",
    )  # fmt: skip
    return rx.cond(manages() & state.has_borders, pane, rx.fragment())


def _preview(state: Any) -> rx.Component:
    day = rx.el.label(
        rx.el.span(words("whatif.borders.first")),
        rx.el.input(type="date", class_name="input sm day", value=state.border_day,
                    on_change=state.choose_border_day), class_name="row",
    )  # fmt: skip
    changes = state.border_sum != ""
    take = button(icon("check", "s"), words("whatif.borders.do"), kind="primary", small=True,
                  on_click=state.take_borders)  # fmt: skip
    told = rx.fragment(
        rx.el.p(state.border_sum, class_name="t1"),
        rx.el.ul(rx.foreach(state.border_pairs, lambda t: rx.el.li(t)), class_name="t1"), day,
        _clients(state),
    )  # fmt: skip
    none = rx.el.p(words("whatif.borders.none"), class_name="t1 muted")
    leave = button(words("desk.close"), kind="ghost", small=True, on_click=state.leave_borders,
                   custom_attrs=LEAVES)  # fmt: skip
    return rx.el.section(
        rx.el.h3(words("whatif.borders.title")), rx.cond(changes, told, none),
        rx.el.div(rx.cond(changes, take, rx.fragment()), leave, class_name="row"),
        aria_label=words("whatif.borders.title"),
    )  # fmt: skip


def _clients(state: Any) -> rx.Component:
    heads = ("client", "from", "to")
    rows = rx.foreach(
        state.border_rows,
        lambda r: rx.el.tr(rx.el.td(r.name), rx.el.td(r.home), rx.el.td(r.into)),
    )
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(f"whatif.borders.{k}"), scope="col") for k in heads])),
        rx.el.tbody(rows), class_name="tbl tight", aria_label=words("whatif.borders.client"),
    )  # fmt: skip
    return rx.fragment(
        rx.el.div(table, class_name="scr", tab_index=0, role="region",
                  aria_label=words("whatif.borders.client")),
        rx.cond(state.border_more != "", rx.el.p(state.border_more, class_name="t1 muted"), rx.fragment()),
    )  # fmt: skip
