"""The client base: who is visited, where, and what can be wrong with what somebody enters."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fieldcrm.kit.errors import Conflict, Invalid, NotFound


class ClientKind(StrEnum):
    """People (doctor, pharmacist, buyer) and places (organisation, pharmacy)."""

    doctor = "doctor"
    pharmacist = "pharmacist"
    buyer = "buyer"
    organisation = "organisation"
    pharmacy = "pharmacy"


PERSON_KINDS = frozenset({ClientKind.doctor, ClientKind.pharmacist, ClientKind.buyer})
PLACE_KINDS = frozenset({ClientKind.organisation, ClientKind.pharmacy})
CATEGORIES = ("A", "B", "C")
SORTS = ("name", "category", "city", "updated_at")
"""By what lists are ordered; `-` in front turns one round."""


@dataclass(frozen=True)
class ClientFilters:
    """What narrows a list; None or empty is no narrowing."""

    kinds: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    territory_id: str | None = None
    team_id: str | None = None
    rep_id: str | None = None
    """Clients of the territories this rep holds."""
    tag: str | None = None
    archived: bool = False
    without_place: bool = False
    """Only those nobody can drive to: no coordinates."""


@dataclass(frozen=True)
class Page:
    """Some rows, and the cursor of the next ones (None at the end)."""

    rows: list[Any]
    next: str | None = None


@dataclass(frozen=True)
class Tie:
    """A person at a workplace, seen from either side."""

    id: str
    """Of the affiliation."""
    client_id: str
    name: str
    kind: str
    role: str | None
    hours: str | None
    is_main: bool


@dataclass(frozen=True)
class ClientCard:
    """A client with what belongs to it."""

    client: Any
    """The `Client` row."""
    territory: Any
    """The `Territory` row, or None."""
    people: list[Tie] = field(default_factory=list)
    workplaces: list[Tie] = field(default_factory=list)
    promises: list[Any] = field(default_factory=list)
    """Open `Promise` rows, the most urgent first, then those kept."""


class ClientNotFound(NotFound):
    """No such client, or it is out of this person's scope."""

    code = "client_not_found"


class TerritoryNotFound(NotFound):
    """No such territory, or it is out of this person's scope."""

    code = "territory_not_found"


class PromiseNotFound(NotFound):
    """No such promise, or it is out of this person's scope."""

    code = "promise_not_found"


class StaleClient(Conflict):
    """Somebody else changed this client or territory meanwhile."""

    code = "stale"


class BadClientField(Invalid):
    """A field's value can't be; `params['field']` names it."""

    code = "bad_field"


class WrongTie(Invalid):
    """A person works at a place, not the other way round and not at himself."""

    code = "wrong_tie"


class BadCursor(Invalid):
    """The cursor isn't one of ours, or belongs to another order."""

    code = "bad_cursor"
