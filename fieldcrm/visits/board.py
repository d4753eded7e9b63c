"""The visits of a day as desks list them, kept in memory and read again by change.

A desk asks every few seconds for all its teams' visits. What changed since the last look is told by
the feed, in which every change is numbered: only those reps' visits are read again, by whichever
desk of this process looks first, and all of them every ten minutes, for what no change tells.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import select
from sqlmodel import Session, col

from fieldcrm.clients.tables import Client
from fieldcrm.kit import feed
from fieldcrm.kit.database import engine, reading
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.visits.tables import Visit

WHOLE_EVERY_S = 600.0
REPS_AT_ONCE = 500


class DayVisit(msgspec.Struct, frozen=True, gc=False):
    """What a list of a day needs of a visit; reads like a `VisitView`."""

    id: str
    rep_id: str
    team_id: str
    client_id: str
    state: str
    position: int
    planned_at: datetime | None
    expected_at: datetime | None
    checked_in_at: datetime | None
    client_name: str
    category: str | None
    rep_name: str
    lat: float | None
    lng: float | None

    @property
    def visit(self) -> DayVisit:
        """The visit's own fields."""
        return self


_COLUMNS: tuple[Any, ...] = (
    Visit.id, Visit.rep_id, Visit.team_id, Visit.client_id, Visit.state, Visit.position,
    Visit.planned_at, Visit.expected_at, Visit.checked_in_at, Client.name, Client.category,
    User.name, Visit.lat, Visit.lng,
)  # fmt: skip


class Board:
    """One day's visits by rep, as of a number of the feed."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._of: tuple[Any, date] | None = None
        """The database and the day that are known."""
        self._seq = 0
        self._whole_at = 0.0
        self._by_rep: dict[str, list[DayVisit]] = {}

    def by_rep(self, day: date) -> dict[str, list[DayVisit]]:
        """Everybody's visits of a day as they are now."""
        with self._turn, reading() as session:
            seq, here = feed.newest(session), (engine(), day)
            is_old = time.monotonic() - self._whole_at > WHOLE_EVERY_S
            if self._of != here or seq < self._seq or is_old:
                self._by_rep = _read(session, day, None)
                self._of, self._whole_at = here, time.monotonic()
            elif seq > self._seq:
                changed = feed.reps_since(session, self._seq) - {feed.EVERYBODY}
                known = {r: v for r, v in self._by_rep.items() if r not in changed}
                self._by_rep = known | _read(session, day, changed)
            self._seq = seq
            return self._by_rep


def _read(
    session: Session, day: date, rep_ids: Collection[str] | None
) -> dict[str, list[DayVisit]]:
    """Visits by rep; None reads everybody's."""
    found: dict[str, list[DayVisit]] = defaultdict(list)
    for some in _pieces(rep_ids):
        wanted = (
            select(*_COLUMNS)
            .join(Client, col(Client.id) == Visit.client_id)
            .join(User, col(User.id) == Visit.rep_id)
            .where(col(Visit.day) == day, *some)
        )
        for row in session.execute(wanted):
            visit = DayVisit(*row)
            found[visit.rep_id].append(visit)
    return dict(found)


def _pieces(rep_ids: Collection[str] | None) -> Iterable[list[Any]]:
    if rep_ids is None:
        return [[]]
    wanted = sorted(rep_ids)
    starts = range(0, len(wanted), REPS_AT_ONCE)
    return [[col(Visit.rep_id).in_(wanted[start : start + REPS_AT_ONCE])] for start in starts]


_board = Board()


def by_rep(day: date) -> dict[str, list[DayVisit]]:
    """Everybody's visits of a day by rep; asks nobody's leave. A list is new once its rep's day is."""
    return _board.by_rep(day)


def visits_of_day(actor: Actor, day: date) -> list[DayVisit]:
    """All visits of the actor's teams on a day, in no order."""
    people.require(actor, Role.dispatcher, Role.manager, Role.admin)
    teams, every = people.visible_team_ids(actor), _board.by_rep(day)
    return [v for visits in every.values() for v in visits if teams is None or v.team_id in teams]
