"""What a client may see of a rep who comes to him, and what can be wrong with a link."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fieldcrm.kit.errors import Conflict, Gone, NotFound, TooMany


class Stage(StrEnum):
    """How far a rep is, in the client's eyes."""

    later = "later"
    """He is still elsewhere: where is nobody's business."""
    on_way = "on_way"
    arrived = "arrived"


@dataclass(frozen=True)
class Coming:
    """All that a link shows, and no more."""

    stage: Stage
    rep_name: str
    """First name and initial."""
    place: str
    address: str
    place_lat: float | None
    place_lng: float | None
    expected_at: datetime | None
    lat: float | None
    """The rep's place, only while he is on the way to this visit and was heard of lately."""
    lng: float | None
    fix_at: datetime | None
    ends_at: datetime


@dataclass(frozen=True)
class LinkView:
    """A link as the desk that made it sees it; its address is told once, when it is made."""

    id: str
    visit_id: str
    created_at: datetime
    expires_at: datetime
    opened_at: datetime | None
    """When the client looked first."""


@dataclass(frozen=True)
class NewLink:
    """A link just made."""

    link: LinkView
    token: str
    url: str


@dataclass(frozen=True)
class Facts:
    """What decides whether a link lives and what it may show."""

    state: str
    """The visit's."""
    is_today: bool
    is_same_rep: bool
    is_next: bool
    """No other visit of the rep's day comes before it or is under way."""
    is_at_work: bool
    """On shift and not in a pause."""
    fix_age_s: float | None


class LinkOver(Gone):
    """The link was never there, has run out, was taken back, or its visit is over."""

    code = "arrival_over"


class NothingToShow(Conflict):
    """Only a visit of today that is still to come can be shown."""

    code = "arrival_nothing"


class TooManyLinks(Conflict):
    """The visit has as many living links as it may."""

    code = "arrival_many"


class UnknownLink(NotFound):
    """No such link, or another team's."""

    code = "arrival_unknown"


class LookedTooOften(TooMany):
    """More looks than a page needs."""

    code = "too_many"
