"""State of the replay: whose days, which ones, and what the player gets of them."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import reflex as rx

from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import clock
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import replay_span
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

OLDEST = date(2000, 1, 1)
AHEAD = timedelta(days=31)
LONGEST = timedelta(days=replay_span.LONGEST - 1)


@dataclass
class Choice:
    """A rep to choose."""

    value: str
    text: str


class Replay(Desk):
    """What the replay shows."""

    reps: list[Choice] = []
    rep_id: str = ""
    on_day: str = ""
    """ISO date of the first day that is played."""
    to_day: str = ""
    """ISO date of the last."""
    day_word: str = ""
    played: dict[str, Any] = {}
    """The days as `replay_span.PlayedSpan`; empty until a rep is chosen."""
    figures: str = ""
    problem: str = ""
    has_loaded: bool = False

    @rx.var
    def is_day(self) -> bool:
        """Whether it is one day only."""
        return self.on_day == self.to_day

    @rx.var
    def download(self) -> str:
        """Where the shown day's files are, without their ending."""
        return f"/api/v1/tracks/{self.rep_id}/{self.on_day}/track."

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name the rep, the day, the last of several (`to`), and the
        moment (`at`, epoch ms)."""
        actor = await self._enter()
        reps = await asyncio.to_thread(people.visible_reps, actor, True)
        self.reps = [Choice(rep.id, rep.name) for rep in reps]
        asked = self.router.url.query_parameters
        wanted = asked.get("rep") or self.rep_id
        known = {rep.id for rep in reps}
        self.rep_id = wanted if wanted in known else (reps[0].id if len(reps) == 1 else "")
        first, last = clock.day_of(asked.get("day", "")), clock.day_of(asked.get("to", ""))
        if first is None:
            first, last = self._days()
        self._set_days(first, last or first)
        await self._read(actor, _number(asked.get("at", "")))
        self.has_loaded = True

    @rx.event
    @allows(DISPATCHING)
    async def choose_rep(self, rep_id: str):
        """Another rep's same days."""
        self.rep_id = rep_id[:64]
        await self._read(self._actor())
        return self._address()

    @rx.event
    @allows(DISPATCHING)
    async def choose_day(self, day: str):
        """Another first day, as many days on; nonsense leaves it."""
        first, last = self._days()
        chosen = clock.day_of(day) or first
        return await self._turn_to(chosen, chosen + (last - first))

    @rx.event
    @allows(DISPATCHING)
    async def choose_last(self, day: str):
        """Another last day; the first follows where it would be too far away."""
        first, last = self._days()
        last = clock.day_of(day) or last
        return await self._turn_to(max(min(first, last), last - LONGEST), last)

    @rx.event
    @allows(DISPATCHING)
    async def choose_length(self, is_week: bool):
        """The first day alone, or its whole week."""
        first, _ = self._days()
        return await self._turn_to(*(replay_span.week_of(first) if is_week else (first, first)))

    @rx.event
    @allows(DISPATCHING)
    async def step(self, by: int):
        """As many days before, or after."""
        first, last = self._days()
        further = (last - first + timedelta(days=1)) * (1 if by > 0 else -1)
        return await self._turn_to(first + further, last + further)

    @rx.event
    @allows(DISPATCHING)
    async def again(self):
        """Read the days once more: after a failure, or when there is more of it."""
        await self._read(self._actor())

    def _days(self) -> tuple[date, date]:
        first = clock.day_of(self.on_day) or clock.today()
        return first, clock.day_of(self.to_day) or first

    async def _turn_to(self, first: date, last: date) -> Any:
        self._set_days(first, last)
        await self._read(self._actor())
        return self._address()

    def _set_days(self, first: date, last: date) -> None:
        first = min(max(first, OLDEST), clock.today() + AHEAD)
        last = min(max(last, first), first + LONGEST)
        self.on_day, self.to_day = first.isoformat(), last.isoformat()
        self.day_word = replay_span.told(first, last, self.language)

    async def _read(self, actor: Actor, start_ms: int = 0) -> None:
        self.problem, self.played, self.figures = "", {}, ""
        if not self.rep_id:
            return
        try:
            played = await asyncio.to_thread(
                replay_span.load, actor, self.rep_id, *self._days(), self.language, start_ms
            )
        except Refusal as error:
            self.problem = self._refusal(error)
            return
        self.played, self.figures = replay_span.plain(played), played.figures

    def _address(self) -> Any:
        """Keep the address in step, so that it can be sent to somebody."""
        last = "" if self.is_day else f"&to={self.to_day}"
        path = f"/replay?rep={self.rep_id}&day={self.on_day}{last}"
        return rx.call_script(f"history.replaceState(history.state, '', {path!r})")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 15 else 0
