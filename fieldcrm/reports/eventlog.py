"""The event log as a list: filters by kind, person, row and local days, pages by keyset, a CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fieldcrm.kit import clock
from fieldcrm.kit.tables import Event
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

KINDS = ("visit", "client", "clients", "promise", "user", "team", "device", "territory", "plan",
         "shift", "alert", "area", "arrival", "mutation", "track", "person", "sync", "export")  # fmt: skip
"""What events are about: their kinds begin so."""
EXPORT_MOST = 100_000
COLUMNS = ("at", "actor_id", "actor", "kind", "subject_id", "team_id", "source", "data")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


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


def export_csv(actor: Actor, asked: Asked) -> bytes:
    """The filtered log, UTF-8 with its mark; no cell starts a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    names = {u.id: u.name for u in people.list_users(actor)}
    for event in _every(actor, asked):
        row = (event.at.isoformat(), event.actor_id or "", names.get(event.actor_id or "", ""), event.kind,
               event.subject_id or "", event.team_id or "", event.source,
               json.dumps(event.data, ensure_ascii=False))  # fmt: skip
        writer.writerow([f"'{c}" if c.startswith(_FORMULA) else c for c in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _every(actor: Actor, asked: Asked) -> Iterator[Event]:
    cursor, left, more = "", EXPORT_MOST, True
    while more and left > 0:
        found, more = page_of(actor, asked, cursor, 1000)
        yield from found
        left -= len(found)
        cursor = found[-1].id if found else ""
