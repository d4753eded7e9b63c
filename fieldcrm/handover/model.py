"""What one rep hands over to another, what is looked at first, and what can be wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from fieldcrm.kit.errors import Conflict, Invalid, NotFound

CLIENTS_MOST = 2_000
"""Clients of a list; more are handed over by territory."""
BRIEF_MOST = 200
"""Clients that a preview names; all of them stand in the brief's file."""


Tell = Callable[[float], None]
"""Hears how far a handover is, 0 to 1; may raise `jobs.Cancelled`, and nothing has happened."""


def quiet(_share: float) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Order:
    """Who hands over to whom, and what: named clients, named territories, or all he has."""

    from_rep_id: str
    to_rep_id: str
    first_day: date
    """Planned visits from this day on go along."""
    territory_ids: frozenset[str] = frozenset()
    client_ids: frozenset[str] = frozenset()
    into_id: str | None = None
    """The new owner's territory that named clients come into."""

    @property
    def is_whole(self) -> bool:
        return not self.territory_ids and not self.client_ids


@dataclass(frozen=True)
class PromiseLine:
    """A promise still open."""

    text: str
    due_on: date | None


@dataclass(frozen=True)
class BriefLine:
    """What the new owner has to know of a client."""

    client_id: str
    name: str
    category: str | None
    place: str
    """Address, or where the client works."""
    promises: tuple[PromiseLine, ...]
    last_visit: date | None
    last_result: str | None
    last_comment: str | None
    next_visit: date | None
    """The first of the visits that go along."""
    remaining: int
    """Visits still wanted in the running cycle."""


@dataclass(frozen=True)
class Preview:
    """What would happen, before anything does."""

    order: Order
    from_name: str
    to_name: str
    territories: tuple[str, ...]
    clients: int
    visits: int
    days: int
    """Days of the new owner that get visits and want planning anew."""
    promises: int
    staying: int
    """Visits under way, which their rep finishes himself."""
    brief: tuple[BriefLine, ...]
    """Clients with promises first; at most BRIEF_MOST."""
    seal: str
    """Names exactly what was looked at; `hand_over` asks it back."""


@dataclass(frozen=True)
class HandoverView:
    """A handover that was done."""

    id: str
    from_rep_id: str
    from_name: str
    to_rep_id: str
    to_name: str
    by: str | None
    done_at: datetime
    first_day: date
    clients: int
    visits: int
    promises: int
    undone_at: datetime | None
    stayed: int
    """What an undoing left where it was, since somebody had built on it."""


class BadHandover(Invalid):
    """`field` can't be so."""

    code = "handover_field"


class OtherTeam(Invalid):
    """Both reps have to be of one team: its territories, cycle and desks stay the same."""

    code = "handover_other_team"


class NothingToHandOver(Invalid):
    """The rep has none of it."""

    code = "handover_nothing"


class TooManyClients(Invalid):
    """A list finds more of the rep's clients than go at once: `most`."""

    code = "handover_too_many"


class HandoverMoved(Conflict):
    """Something changed since it was looked at: look again."""

    code = "handover_moved"


class HandoverUnknown(NotFound):
    """No such handover, or not the actor's to see."""

    code = "handover_unknown"


class HandoverUndone(Conflict):
    """It was undone before."""

    code = "handover_undone"


@dataclass(frozen=True)
class Moving:
    """A client that new borders would give to another rep."""

    client_id: str
    name: str
    category: str | None
    home: str
    """His territory now."""
    into_id: str
    into: str
    from_rep_id: str
    to_rep_id: str
    from_rep: str
    to_rep: str


@dataclass(frozen=True)
class BordersPreview:
    """What taking borders over would do."""

    clients: int
    visits: int
    promises: int
    pairs: Mapping[tuple[str, str], int]
    """(from whom, to whom) -> clients."""
    lines: tuple[Moving, ...]
    """Clients by owner and name, as many as a preview names."""
    seal: str
    """Names exactly what was looked at; empty where nothing would change."""


@dataclass(frozen=True)
class BordersTaken:
    """Borders that were taken over."""

    clients: int
    handovers: tuple[str, ...]
    at: datetime
    is_undone: bool


class BordersUnfit(Conflict):
    """They can't be had with the team as it is: `why` is reps (one more or one fewer), no_territory, taken."""

    code = "borders_unfit"


class BordersNotTaken(Conflict):
    """Nothing of them is to be given back."""

    code = "borders_not_taken"
