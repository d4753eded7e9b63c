"""The event log as a list: filters by kind, person, row and local days, pages by keyset, a CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fieldcrm.clients.export_forms import Sheet, sheet_at_once
from fieldcrm.kit import clock
from fieldcrm.kit.tables import Event
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

KINDS = ("visit", "client", "clients", "promise", "user", "team", "device", "territory", "plan",
         "shift", "alert", "area", "arrival", "mutation", "track", "person", "sync", "export")  # fmt: skip
"""What events are about: their kinds begin so."""
COLUMNS = ("at", "actor_id", "actor", "kind", "subject_id", "team_id", "source", "data")
WIDTHS = (26, 38, 24, 24, 38, 38, 12, 100)
PIECE = 1000


@dataclass(frozen=True)
class Asked:
    """Filters of the log; empty is no limit, days are local and inclusive."""

    kind: str = ""
    actor_id: str = ""
    subject_id: str = ""
    first: str = ""
    last: str = ""


def page_of(actor: Actor, asked: Asked, cursor: str, limit: int) -> tuple[list[Event], bool]:
    """A page of events, and whether older ones follow."""
    before = cursor or id_after(asked.last)
    found = people.event_log(
        actor, f"{asked.kind}." if asked.kind else "", asked.subject_id or None,
        asked.actor_id or None, before or None, limit + 1,
    )  # fmt: skip
    kept = _not_before(found, asked.first)
    return kept[:limit], len(kept) > limit


def count(actor: Actor, asked: Asked) -> int:
    """How many events there are up to the last day, those before the first too: for progress."""
    kind = f"{asked.kind}." if asked.kind else ""
    before = id_after(asked.last)
    return people.count_events(
        actor, kind, asked.subject_id or None, asked.actor_id or None, before or None
    )


def _not_before(found: Sequence[Event], first: str) -> list[Event]:
    day = _day(first)
    start = clock.day_bounds(day)[0] if day else None
    return [e for e in found if start is None or e.at >= start]


def id_after(last: str) -> str:
    """An id above all of a local day's events: ids rise with time."""
    day = _day(last)
    if day is None:
        return ""
    ms = round(clock.day_bounds(day + timedelta(days=1))[0].timestamp() * 1000)
    text = f"{ms:012x}"
    return f"{text[:8]}-{text[8:]}-7000-8000-000000000000"


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if 2000 <= day.year < 2100 else None


def sheet(actor: Actor, asked: Asked) -> Sheet:
    """The filtered log, the newest first."""
    return Sheet("events", COLUMNS, WIDTHS, _lines(actor, asked))


def export_csv(actor: Actor, asked: Asked) -> bytes:
    """The same as CSV, while somebody waits; raises TooManyRows."""
    return sheet_at_once("csv", sheet(actor, asked))


def _lines(actor: Actor, asked: Asked) -> Iterator[tuple[str, ...]]:
    names = {u.id: u.name for u in people.list_users(actor)}
    for event in _every(actor, asked):
        yield (
            event.at.isoformat(), event.actor_id or "", names.get(event.actor_id or "", ""),
            event.kind, event.subject_id or "", event.team_id or "", event.source,
            json.dumps(event.data, ensure_ascii=False),
        )  # fmt: skip


def _every(actor: Actor, asked: Asked) -> Iterator[Event]:
    cursor, more = "", True
    while more:
        found, more = page_of(actor, asked, cursor, PIECE)
        yield from found
        cursor = found[-1].id if found else ""
