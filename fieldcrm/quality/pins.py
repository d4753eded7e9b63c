"""Where confirmed visits say that a pin should stand. Pure.

A place is the geometric median of where its visits took place, one point a visit, so that a visit
somewhere else, or a receiver's slip, moves it little. A pin is wrong when it lies farther from
there than a building's size and the error of that median explain, and hardly any visit took place
at the pin itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import cos, radians, sqrt

import numpy as np
from numpy.typing import NDArray

from fieldcrm.kit.units import EARTH_RADIUS_M, distance_m

VISITS_LEAST, DAYS_LEAST = 3, 3
"""Fewer could be one parking place, one detour."""
AGREE_LEAST = 0.7
"""Share of the visits that have to lie about their median."""
AT_PIN_MOST = 0.2
"""Share of the visits that may have taken place at the pin."""
RADIUS_M = 75.0
"""A pin is often its building's middle, a phone by its door: so far apart is the same place."""
SPREAD_M = 50.0
"""Visits of one place lie so near to its median, their accuracy beside it."""
ACCURACY_M, ACCURACY_MOST_M = 25.0, 100.0
"""Of a position that tells none; worse ones say nothing."""
FARTHEST_M = 50_000.0
"""A pin that is farther off is no slip of the hand: another client was meant."""
_STEPS = 60
_ENOUGH_M = 0.05


@dataclass(frozen=True)
class Sighting:
    """Where one visit took place."""

    visit_id: str
    rep_id: str
    day: date
    lat: float
    lng: float
    accuracy_m: float | None = None
    is_mock: bool = False

    @property
    def error_m(self) -> float:
        return ACCURACY_M if self.accuracy_m is None else self.accuracy_m


@dataclass(frozen=True)
class Spot:
    """Where visits agree to be: how far it may be off (95 %), and which of them lie there."""

    lat: float
    lng: float
    error_m: float
    sightings: tuple[Sighting, ...]


@dataclass(frozen=True)
class WrongPin:
    """A spot, and how far from it the pin stands."""

    spot: Spot
    distance_m: float


def wrong_pin(seen: Sequence[Sighting], lat: float, lng: float) -> WrongPin | None:
    """Where the pin at lat, lng should stand instead; None where it may stay."""
    told = [s for s in seen if not s.is_mock and s.error_m <= ACCURACY_MOST_M]
    spot = spot_of(told)
    if spot is None:
        return None
    away = distance_m(spot.lat, spot.lng, lat, lng)
    at_pin = sum(distance_m(s.lat, s.lng, lat, lng) <= RADIUS_M for s in told)
    if not RADIUS_M + spot.error_m < away <= FARTHEST_M or at_pin > AT_PIN_MOST * len(told):
        return None
    return WrongPin(spot, away)


def spot_of(told: Sequence[Sighting]) -> Spot | None:
    """The place that enough visits of enough days agree on; None where they don't."""
    if len(told) < VISITS_LEAST:
        return None
    lat, lng = median([(s.lat, s.lng) for s in told])
    near = tuple(
        s for s in told if distance_m(s.lat, s.lng, lat, lng) <= SPREAD_M + s.error_m
    )  # fmt: skip
    days = {s.day for s in near}
    if len(near) < max(VISITS_LEAST, AGREE_LEAST * len(told)) or len(days) < DAYS_LEAST:
        return None
    lat, lng = median([(s.lat, s.lng) for s in near])
    return Spot(lat, lng, _error(near, lat, lng), near)


def _error(near: Sequence[Sighting], lat: float, lng: float) -> float:
    """How far the median may be off: twice its standard error, by spread or accuracy, the larger."""
    spread = float(np.median([distance_m(s.lat, s.lng, lat, lng) for s in near]))
    accuracy = float(np.median([s.error_m for s in near]))
    return 2 * max(spread, accuracy) / sqrt(len(near))


def median(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The point with the least sum of distances to all (Weiszfeld 1937), degrees."""
    lat0, lng0 = (float(np.median([p[i] for p in points])) for i in (0, 1))
    per_deg, wide = radians(1) * EARTH_RADIUS_M, max(cos(radians(lat0)), 0.01)
    plane = np.array([((b - lng0) * per_deg * wide, (a - lat0) * per_deg) for a, b in points])
    x, y = _weiszfeld(plane)
    return lat0 + y / per_deg, lng0 + x / (per_deg * wide)


def _weiszfeld(plane: NDArray[np.float64]) -> tuple[float, float]:
    at = np.zeros(2)
    for _ in range(_STEPS):
        away = np.maximum(np.hypot(*(plane - at).T), 0.1)  # a step never lands on a point for good
        after = (plane / away[:, None]).sum(axis=0) / (1 / away).sum()
        moved = float(np.hypot(*(after - at)))
        at = after
        if moved < _ENOUGH_M:
            break
    return float(at[0]), float(at[1])
