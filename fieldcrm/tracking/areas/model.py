"""Areas of the map that somebody watches, how a rep stands to them, and what can be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from fieldcrm.kit.errors import Conflict, Invalid, NotFound

LatLng = tuple[float, float]
POINTS_MOST = 200
RADIUS_LEAST_M, RADIUS_MOST_M = 30.0, 100_000.0
SIZE_LEAST_M2 = 1_000.0
ACROSS_MOST_M = 300_000.0
"""A polygon's bounding box may not be wider or higher."""
NAME_MOST = 80
REPS_MOST = 200
AREAS_MOST = 500
"""So many areas a company may have: each fix is held against those of its rep."""


class ShapeKind(StrEnum):
    polygon = "polygon"
    circle = "circle"


class Shape(msgspec.Struct, frozen=True):
    """A polygon by its corners (not closed), or a circle; degrees WGS84."""

    kind: ShapeKind
    ring: tuple[LatLng, ...] = ()
    centre: LatLng | None = None
    radius_m: float = 0.0


@dataclass(frozen=True)
class Draft:
    """An area as somebody wants it; minutes of the local day, which may span midnight."""

    name: str
    shape: Shape
    on_enter: bool = True
    on_leave: bool = True
    team_ids: frozenset[str] | None = None
    """Whose reps it watches; None: all teams of who makes it."""
    rep_ids: frozenset[str] = frozenset()
    """Only these of them; empty: all."""
    active_from_min: int | None = None
    active_to_min: int | None = None
    """Both None: at any time."""
    days: str = "1234567"
    """ISO weekdays on which it watches."""


@dataclass(frozen=True)
class AreaView:
    """An area as a desk or the API shows it."""

    id: str
    name: str
    shape: Shape
    on_enter: bool
    on_leave: bool
    is_for_all: bool
    """Watches every team of the company; an administrator's."""
    team_ids: tuple[str, ...]
    rep_ids: tuple[str, ...]
    active_from_min: int | None
    active_to_min: int | None
    days: str
    may_change: bool
    """Whether the reader is responsible for all of its teams."""
    inside: tuple[str, ...]
    """Those of the reader's reps who stand in it by their last fixes."""
    updated_at: datetime
    version: int


class Standing(msgspec.Struct, array_like=True, frozen=True):
    """How a rep stands to one area; times are fixes' own, epoch ms."""

    side: int = 0
    """1 inside, -1 outside, 0 not known."""
    sure_ms: int = 0
    """The last fix that was surely on that side."""
    leaning_ms: int = 0
    """The first of the fixes in a row that speak for the other side; 0: none does."""


class Seen(msgspec.Struct, array_like=True):
    """How a rep stands to every area, as of his newest judged fix."""

    at_ms: int = 0
    by_area: dict[str, Standing] = {}


@dataclass(frozen=True)
class Crossing:
    """A rep went over an area's border."""

    rep_id: str
    area_id: str
    is_in: bool
    at_ms: int
    """The first fix that was surely on the new side."""
    unseen_from_ms: int
    """The last one that was surely on the other."""
    lat: float
    lng: float


class VisitStay(msgspec.Struct, array_like=True, frozen=True):
    """A rep is, or was, at a planned visit's place; times are fixes' own, epoch ms."""

    from_ms: int
    last_ms: int
    """The last fix that was surely there, some seconds coarse."""
    left_ms: int = 0
    """When he was there last before he was elsewhere; 0: he is still there."""


Stays = dict[str, VisitStay]
"""A rep's stays of a day by visit."""


class UnknownArea(NotFound):
    """No such area, or another team's."""

    code = "unknown_area"


class BadArea(Invalid):
    """A shape or a choice that can't be: `field` says which, `reason` why (area.bad.<reason>)."""

    code = "bad_area"


class StaleArea(Conflict):
    """Somebody else changed the area meanwhile."""

    code = "stale"


class TooManyAreas(Conflict):
    """The company has as many areas as it may."""

    code = "too_many_areas"


class BadAreaFile(Invalid):
    """A file of areas that can't be read: `n` which feature (0: the file), `reason` why."""

    code = "bad_area_file"


Json = dict[str, Any]
