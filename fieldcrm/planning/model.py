"""The problem of a working day and its answer: values only, integer seconds and metres.

All times are elapsed seconds since `Problem.origin`, the UTC moment at which the local day starts,
so that a day with a clock change is as long as it really is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from fieldcrm.kit.errors import Conflict, Invalid, NotFound

Rows = Sequence[Sequence[int]]
NO_WAY = -1
"""A pair that the roads of a mode do not join."""

CLOSED = "closed"
NO_POSITION = "no_position"
NO_ROUTE = "no_route"
NO_SHIFT = "no_shift"
NO_TIME = "no_time"
OUTSIDE_SHIFT = "outside_shift"
SHIFT_OVER = "shift_over"
WINDOW_TOO_SHORT = "window_too_short"
DROP_REASONS = (
    CLOSED, NO_POSITION, NO_ROUTE, NO_SHIFT, NO_TIME, OUTSIDE_SHIFT, SHIFT_OVER, WINDOW_TOO_SHORT,
)  # fmt: skip
"""Why a visit is left out of a day; the catalogue has `planning.dropped.<reason>`."""


@dataclass(frozen=True, slots=True)
class Window:
    """A visit must start at or after `start_s` and be over by `end_s`."""

    start_s: int
    end_s: int


@dataclass(frozen=True, slots=True)
class Break:
    """A pause that starts within [earliest_s, latest_s]; nobody travels or visits meanwhile.

    It is not due when the day's work starts after `latest_s` or ends before it.
    """

    earliest_s: int
    latest_s: int
    duration_s: int


@dataclass(frozen=True, slots=True)
class Shift:
    """One rep's working day, or what is left of it."""

    id: str
    """The rep's id."""
    start_place: int
    end_place: int
    start_s: int
    end_s: int
    mode: str
    lunch: Break | None = None
    skills: frozenset[str] = frozenset()
    done: tuple[str, ...] = ()
    """Visits done or under way, in order; no plan may name them."""


@dataclass(frozen=True, slots=True)
class Job:
    """One visit to be placed."""

    id: str
    """The visit's id."""
    place: int | None
    """Index into the problem's places; None where no position is known."""
    service_s: int
    windows: tuple[Window, ...]
    """Ascending, apart from each other; empty where the client is closed that day."""
    hours: str = "unknown"
    """How the windows are known: open (stated hours), unknown (none stated or not understood)."""
    priority: int = 1
    penalty_s: int = 36_000
    """What leaving it out costs, in seconds of travel."""
    shifts: frozenset[str] | None = None
    """Who may do it; None is anybody."""
    skills: frozenset[str] = frozenset()
    fixed_s: int | None = None
    """An appointment: starts then, or as soon after as can be (that lateness is shown)."""
    is_locked: bool = False
    """Stays with its rep and in the plan."""


@dataclass(frozen=True)
class Travel:
    """Times and distances between all places by one mode; NO_WAY where the roads offer none."""

    duration_s: Rows
    distance_m: Rows


@dataclass(frozen=True)
class Problem:
    """Everything a plan depends on."""

    origin: datetime
    places: tuple[tuple[float, float], ...]
    """(lat, lng) of each place; several clients of one address share a place."""
    travel: dict[str, Travel]
    """By mode; `foot` is the fallback of the other modes, where one of them lacks a way."""
    shifts: tuple[Shift, ...]
    jobs: tuple[Job, ...]
    before: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The order each rep has now, for the budget of change and the difference."""
    budget: int | None = None
    """At most so many stops may be moved or swapped; None is no limit."""


@dataclass(frozen=True, slots=True)
class Stop:
    """A placed visit."""

    job_id: str
    arrive_s: int
    start_s: int
    leave_s: int
    travel_s: int
    """From the stop (or start) before."""
    travel_m: int
    mode: str
    """How that way is made: the rep's mode, or foot where that mode has no route."""
    late_s: int = 0
    """How long after its appointment it starts."""
    reason: dict[str, Any] = field(default_factory=dict)
    """Why here: window, detour_s (what it adds to the day), alternatives."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A visit left out, and why."""

    job_id: str
    reason: str
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tour:
    """One rep's stops in order, the pause, and the way home."""

    shift_id: str
    start_s: int
    stops: tuple[Stop, ...]
    end_s: int
    home_travel_s: int
    home_travel_m: int
    home_mode: str
    break_start_s: int | None = None

    @property
    def travel_s(self) -> int:
        return sum(s.travel_s for s in self.stops) + self.home_travel_s

    @property
    def travel_m(self) -> int:
        return sum(s.travel_m for s in self.stops) + self.home_travel_m

    @property
    def job_ids(self) -> tuple[str, ...]:
        return tuple(s.job_id for s in self.stops)


@dataclass(frozen=True)
class Plan:
    """An answer: a tour per shift, and what is left out."""

    tours: tuple[Tour, ...]
    dropped: tuple[Dropped, ...]
    cost: int
    """Seconds of travel, a tenth of the working time, penalties and lateness (`search.cost`)."""
    engine: str = ""
    is_optimal_search_done: bool = True
    """False when the search was stopped before its own end; the plan is the best so far."""

    def tour(self, shift_id: str) -> Tour:
        return next(t for t in self.tours if t.shift_id == shift_id)


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule that `check_plan` found."""

    kind: str
    subject: str
    """The job or shift concerned."""
    detail: str = ""


@dataclass(frozen=True)
class CycleWishes:
    """How a cycle is to be planned."""

    most_a_day: int = 12
    """Visits a day."""
    keeps: bool = False
    """Visits planned already stay on their days; only what is missing is added."""
    days_off: tuple[date, ...] = ()
    """Nobody works on these: holidays, a meeting."""
    most_per_year: int | None = None
    """Visits a client may get in a year, where the law says so."""

    def as_json(self) -> dict[str, Any]:
        return {
            "most_a_day": self.most_a_day, "keeps": self.keeps,
            "days_off": [d.isoformat() for d in self.days_off],
            "most_per_year": self.most_per_year,
        }  # fmt: skip


class BadCycle(Invalid):
    """A cycle can't be planned so; params: field."""

    code = "bad_cycle"


class NoProposal(NotFound):
    """No such proposal, or one of another team."""

    code = "not_found"


class ProposalNotReady(Conflict):
    """Only a ready proposal can be applied; params: status."""

    code = "proposal_not_ready"


class ProposalStale(Conflict):
    """The day moved on since the proposal was made: ask again."""

    code = "proposal_stale"


class MissingWord(Invalid):
    """Who gives a proposal back says why."""

    code = "word_needed"


class NothingToPlan(Invalid):
    """No planned visit is left to place that day."""

    code = "nothing_to_plan"


class NotMovable(Conflict):
    """Only a planned visit that is not locked can be given to another rep."""

    code = "visit_not_movable"


class NoRoads(Conflict):
    """No region's roads are installed, so no way can be measured."""

    code = "no_roads"


class CannotUndo(Conflict):
    """The plan was changed again after this proposal was applied."""

    code = "proposal_cannot_undo"


class UnreadablePlan(Invalid):
    """A file holds no problem or plan as documented; the detail says where it goes wrong."""

    code = "unreadable_plan"
