"""Several past days in a row as the player takes them: each with its own track, nights left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from fieldcrm.kit import i18n
from fieldcrm.pages import replay_day
from fieldcrm.pages.replay_day import PlayedDay
from fieldcrm.people.model import Actor

LONGEST = 7
"""Days that are played in a row."""


@dataclass
class PlayedSpan:
    """Days in order; `start_ms` is where to begin playing."""

    key: str
    start_ms: int
    days: list[PlayedDay]
    figures: str


def load(
    actor: Actor, rep_id: str, first: date, last: date, language: str, start_ms: int = 0
) -> PlayedSpan:
    """Read the days from first to last, at most LONGEST; raises OutOfScope.

    A day off among others is left out; a span of nothing but such days keeps its first, which says why.
    """
    days = [
        replay_day.load(actor, rep_id, first + timedelta(days=n), language, start_ms)
        for n in range(min(LONGEST, (last - first).days + 1))
    ]
    kept = [day for day in days if not replay_day.is_empty(day)] or days[:1]
    return PlayedSpan(
        "|".join(day.key for day in kept), _start(kept, start_ms), kept,
        replay_day.figures_of(kept, language),
    )  # fmt: skip


def _start(days: Sequence[PlayedDay], start_ms: int) -> int:
    asked = (d for d in days if start_ms and d.from_ms <= start_ms <= d.to_ms)
    return next(asked, days[0]).start_ms


def plain(span: PlayedSpan) -> dict[str, Any]:
    """The span as a browser gets it."""
    return asdict(span)


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of a day's week."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=LONGEST - 1)


def told(first: date, last: date, language: str) -> str:
    """A day's weekday, or how many days there are."""
    if first == last:
        return i18n.day(first, language, "EEEE")
    return i18n.t("replay.days", language, n=(last - first).days + 1)
