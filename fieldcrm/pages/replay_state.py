"""State of the replay: whose day, which day, and what the player gets of it."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportCallIssue=false, reportArgumentType=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import reflex as rx

from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import clock, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.pages import replay_day
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

OLDEST = date(2000, 1, 1)
AHEAD = timedelta(days=31)


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
    """ISO date."""
    day_word: str = ""
    played: dict[str, Any] = {}
    """The day as `replay_day.PlayedDay`; empty until a rep is chosen."""
    figures: str = ""
    problem: str = ""
    has_loaded: bool = False

    @rx.var
    def is_today(self) -> bool:
        """Whether the day is still going on."""
        return self.on_day == _today().isoformat()

    @rx.var
    def download(self) -> str:
        """Where the shown day's files are, without their ending."""
        return f"/api/v1/tracks/{self.rep_id}/{self.on_day}/track."

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; the address may name the rep, the day and the moment (`at`, epoch ms)."""
        actor = await self._enter()
        reps = await asyncio.to_thread(people.visible_reps, actor, True)
        self.reps = [Choice(rep.id, rep.name) for rep in reps]
        asked = self.router.url.query_parameters
        wanted = asked.get("rep") or self.rep_id
        known = {rep.id for rep in reps}
        self.rep_id = wanted if wanted in known else (reps[0].id if len(reps) == 1 else "")
        self._set_day(_date(asked.get("day", "")) or _date(self.on_day) or _today())
        await self._read(actor, _number(asked.get("at", "")))
        self.has_loaded = True

    @rx.event
    @allows(DISPATCHING)
    async def choose_rep(self, rep_id: str):
        """Another rep's same day."""
        self.rep_id = rep_id[:64]
        await self._read(self._actor())
        return self._address()

    @rx.event
    @allows(DISPATCHING)
    async def choose_day(self, day: str):
        """Another day of the same rep; nonsense leaves it."""
        self._set_day(_date(day) or _date(self.on_day) or _today())
        await self._read(self._actor())
        return self._address()

    @rx.event
    @allows(DISPATCHING)
    async def step(self, by: int):
        """The day before, or the one after."""
        self._set_day(replay_day.day_beside(_date(self.on_day) or _today(), by))
        await self._read(self._actor())
        return self._address()

    @rx.event
    @allows(DISPATCHING)
    async def again(self):
        """Read the day once more: after a failure, or when there is more of it."""
        await self._read(self._actor())

    def _set_day(self, day: date) -> None:
        day = min(max(day, OLDEST), _today() + AHEAD)
        self.on_day = day.isoformat()
        self.day_word = i18n.day(day, self.language, "EEEE")

    async def _read(self, actor: Actor, start_ms: int = 0) -> None:
        self.problem, self.played, self.figures = "", {}, ""
        if not self.rep_id:
            return
        day = date.fromisoformat(self.on_day)
        try:
            played = await asyncio.to_thread(
                replay_day.load, actor, self.rep_id, day, self.language, start_ms
            )
        except Refusal as error:
            self.problem = self._refusal(error)
            return
        self.played, self.figures = replay_day.plain(played), played.figures

    def _address(self) -> Any:
        """Keep the address in step, so that it can be sent to somebody."""
        path = f"/replay?rep={self.rep_id}&day={self.on_day}"
        return rx.call_script(f"history.replaceState(history.state, '', {path!r})")


def _today() -> date:
    return clock.local(clock.now()).date()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 15 else 0
