"""What the office tells a rep between plans: tasks, reminders, and that his plan has changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from fieldcrm.kit.errors import Conflict, Invalid, NotFound

TEXT_MOST = 1000
REPS_MOST = 500
RADIUS_LEAST_M, RADIUS_MOST_M, RADIUS_M = 50, 5000, 200


class Kind(StrEnum):
    """What a message wants of its reader."""

    task = "task"
    """Something to do; the rep accepts or declines it, and says when it is done."""
    reminder = "reminder"
    """Something to think of at a time or at a place."""
    plan = "plan"
    """His plan of a day was changed by somebody else; made by the product itself."""


class Answer(StrEnum):
    """What a rep says of a message, in the order in which it goes on."""

    seen = "seen"
    accepted = "accepted"
    declined = "declined"
    done = "done"


class State(StrEnum):
    """How far a message is, as the office sees it."""

    waiting = "waiting"
    """On the server; no phone has told that it came."""
    arrived = "arrived"
    seen = "seen"
    accepted = "accepted"
    declined = "declined"
    done = "done"
    withdrawn = "withdrawn"


class Why(StrEnum):
    """Why a phone is woken."""

    new = "new"
    due = "due"
    near = "near"


class Outcome(StrEnum):
    """What a push service's answer means for a delivery."""

    sent = "sent"
    gone = "gone"
    """The subscription has ended: it is removed."""
    again = "again"
    failed = "failed"
    """This message will never go this way."""


@dataclass(frozen=True)
class Draft:
    """A message as its writer wants it. A place is a client's or a point of its own."""

    kind: Kind
    text: str
    rep_ids: frozenset[str] = frozenset()
    team_id: str | None = None
    """All active reps of a team, beside `rep_ids`."""
    due_at: datetime | None = None
    client_id: str | None = None
    lat: float | None = None
    lng: float | None = None
    radius_m: int = RADIUS_M


@dataclass(frozen=True)
class Standing:
    """When each answer to a message came; None where it did not."""

    seen_at: datetime | None = None
    accepted_at: datetime | None = None
    declined_at: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True)
class MessageView:
    """A message as the office sees it."""

    id: str
    kind: Kind
    text: str
    rep_id: str
    rep_name: str
    team_id: str
    by: str | None
    """Who wrote it."""
    created_at: datetime
    day: date | None
    """Whose plan changed, for kind plan."""
    due_at: datetime | None
    place: str | None
    lat: float | None
    lng: float | None
    radius_m: int | None
    state: State
    arrived_at: datetime | None
    seen_at: datetime | None
    accepted_at: datetime | None
    declined_at: datetime | None
    done_at: datetime | None
    withdrawn_at: datetime | None
    comment: str | None
    """What the rep said when he declined it or had done it."""
    phones: int
    """Living phones of the rep that can be woken."""


@dataclass(frozen=True)
class Filters:
    """What narrows the list of messages; empty is no limit."""

    search: str = ""
    """Words of the text, the comment, the rep's name, the place's."""
    rep_id: str = ""
    kind: Kind | None = None
    state: State | None = None
    is_open: bool = False
    """Neither done nor declined nor withdrawn."""


@dataclass(frozen=True)
class Page:
    """One page of the list; `cursor` asks for the next, None when this is the last."""

    rows: list[MessageView]
    cursor: str | None


@dataclass(frozen=True)
class Wake:
    """What a notification shows, told to the phone it wakes; never sent through a push service."""

    id: str
    kind: Kind
    text: str
    place: str | None
    day: date | None


class BadMessage(Invalid):
    """A field of the draft can't be; `params['field']` names it."""

    code = "message_bad"


class NobodyToTell(Invalid):
    """No active rep among those it is for."""

    code = "message_nobody"


class UnknownMessage(NotFound):
    """No such message, or it is somebody else's."""

    code = "message_unknown"


class MessageOver(Conflict):
    """Done, declined or withdrawn already."""

    code = "message_over"


class BadEndpoint(Invalid):
    """Not an address of a push service that this install sends to."""

    code = "push_endpoint"


class BadKeys(Invalid):
    """A subscription's keys are not a P-256 point and 16 bytes."""

    code = "push_keys"
