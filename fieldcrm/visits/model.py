"""A visit's life in words: results, what a move is asked with, what can be wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

from fieldcrm.kit.errors import Conflict, Forbidden, Invalid, NotFound


class State(StrEnum):
    """Where a visit stands; the moves between are in life.json."""

    planned = "planned"
    under_way = "under_way"
    closed = "closed"
    missed = "missed"
    cancelled = "cancelled"
    moved = "moved"


class Result(StrEnum):
    """What came of a visit; those that were not held need a comment."""

    met = "met"
    order = "order"
    out_of_stock = "out_of_stock"
    not_met = "not_met"
    declined = "declined"
    closed_place = "closed_place"


class PositionState(StrEnum):
    """What a check-in's position is worth as evidence."""

    fresh = "fresh"
    stale = "stale"
    inaccurate = "inaccurate"
    absent = "absent"


@dataclass(frozen=True)
class Position:
    """Where a phone said it was; `fix_at` by the phone's own clock, uncorrected."""

    lat: float
    lng: float
    accuracy_m: float | None
    fix_at: datetime
    is_mock: bool | None = None
    source: str = "gps"


@dataclass(frozen=True)
class NextStep:
    """What the rep promised the client."""

    text: str
    due_on: date | None


@dataclass(frozen=True)
class NewAttachment:
    """A photo or sound a phone names by its hash; its bytes travel on their own."""

    id: str
    sha256: str
    kind: str = "photo"
    content_type: str = "image/jpeg"
    size: int = 0
    taken_at: datetime | None = None
    lat: float | None = None
    lng: float | None = None


@dataclass(frozen=True)
class MoveRequest:
    """A wish to move a visit along its life, from a phone, a desk or the product itself.

    `changes` holds the fields a revision sets (None clears); elsewhere the named fields are used.
    """

    visit_id: str
    move: str
    at: datetime
    """When it happened: the phone's clock corrected by its measured offset; now for a desk."""
    change_id: str | None = None
    """The mutation's id where a phone asks, so that a replay finds its change."""
    device_at: datetime | None = None
    """By the phone's own clock."""
    offset_ms: int = 0
    position: Position | None = None
    no_gps_reason: str | None = None
    result: str | None = None
    comment: str | None = None
    details: dict[str, Any] | None = None
    reason: str | None = None
    next_step: NextStep | None = None
    attachments: tuple[NewAttachment, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)
    base_version: int | None = None
    """The version the phone saw when the rep pressed."""
    only_version: int | None = None
    """The version a desk saw: any other is refused, where a phone's work is merged."""
    client_id: str | None = None
    place_id: str | None = None
    objective: str | None = None
    day: date | None = None
    """Of a new visit, or the day it moves to."""
    rep_id: str | None = None
    """Whose the visit is to be (plan, assign)."""
    order: int | None = None
    """Position within the day (plan, assign)."""
    planned_at: datetime | None = None
    planned_minutes: int | None = None
    clock_facts: dict[str, Any] = field(default_factory=dict)
    """What was odd about the phone's clock: kept beside the move for the evidence."""
    new_visit_id: str | None = None
    """Id for the visit that a move to another day makes; made here when None."""


class VisitNotFound(NotFound):
    """No such visit, or it is somebody else's."""

    code = "visit_not_found"


class UnknownMove(Invalid):
    """The life table has no move of this name."""

    code = "unknown_move"


class MoveForbidden(Forbidden):
    """This role may not make this move."""

    code = "role_forbids"


class IllegalMove(Conflict):
    """The visit's state has no such move: `params` says state and move."""

    code = "illegal_move"


class MissingNeed(Invalid):
    """Something the move needs was not given; `code` names which (see life.json)."""

    TEXTS: ClassVar[tuple[str, ...]] = (
        "error.position_needed", "error.result_needed", "error.comment_needed",
        "error.reason_needed", "error.other_day_needed", "error.change_needed",
        "error.revise_too_late", "error.day_not_over",
    )  # fmt: skip

    def __init__(self, need: str, **params: Any) -> None:
        super().__init__(need, **params)
        self.__dict__["code"] = need  # which need it was is known only now


class UnknownResult(Invalid):
    """Not one of the results of life.json."""

    code = "unknown_result"


class WrongDay(Invalid):
    """A day in the past, or too far ahead to plan."""

    code = "wrong_day"


class StaleVisit(Conflict):
    """The visit moved on since the caller looked."""

    code = "stale"


class VisitExists(Conflict):
    """A visit with this id is there already."""

    code = "visit_exists"


class ClientUnknown(NotFound):
    """No such client, or not in this rep's territory."""

    code = "client_unknown"


@dataclass(frozen=True)
class VisitFilters:
    """Which visits a list shows; None or empty is no limit. Days are local, inclusive."""

    search: str = ""
    states: tuple[str, ...] = ()
    verdicts: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    rep_ids: tuple[str, ...] = ()
    team_ids: tuple[str, ...] = ()
    client_id: str | None = None
    day_from: date | None = None
    day_to: date | None = None
    is_unplanned: bool | None = None
    has_conflict: bool = False


class BadCursor(Invalid):
    """A page's cursor that this list did not make."""

    code = "bad_cursor"


class BadSort(Invalid):
    """The list can't be sorted by that."""

    code = "bad_sort"
