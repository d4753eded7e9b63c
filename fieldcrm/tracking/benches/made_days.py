"""Days made up by rules, with every stay known: what the rules of stops are worth unfitted.

Walks and drives between visits, crossings and lights on the way, small steps within a visit, an
error that wanders, and a phone that tells less while nothing moves. Seeded, so that it repeats.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import cos, exp, pi, sin, sqrt

import numpy as np

from fieldcrm.tracking.benches.recordings import Diary, fix
from fieldcrm.tracking.cleaning import Origin
from fieldcrm.tracking.windows import Array, Mask

OUTDOORS_M, INDOORS_M, WANDERS_S = 3.5, 6.0, 45.0
"""A phone's error on each axis, and for how long it remembers itself."""
TOLD_M, TOLD_SHARE, HEARTBEAT_S = 5.0, 0.25, 300.0
"""A sparing phone tells what is so far from the last told, a share of the rest, and its pulse."""
VISITS_S = ((75.0, 240.0), (240.0, 900.0), (900.0, 3600.0))
DRIVES = 0.3
START_S, HOME = 1_790_000_000.0, Origin(60.17, 24.94)


@dataclass
class _Path:
    """Where somebody truly was: corners with their times, and which legs were within a visit."""

    t: list[float] = field(default_factory=lambda: [0.0])
    x: list[float] = field(default_factory=lambda: [0.0])
    y: list[float] = field(default_factory=lambda: [0.0])
    is_visit: list[bool] = field(default_factory=list)

    def leg(self, way_m: float, heading: float, seconds: float, is_visit: bool) -> None:
        self.t.append(self.t[-1] + seconds)
        self.x.append(self.x[-1] + way_m * cos(heading))
        self.y.append(self.y[-1] + way_m * sin(heading))
        self.is_visit.append(is_visit)


def made_day(seed: int, every_s: float, is_sparing: bool) -> Diary:
    """A day of visits as a phone tells it."""
    rng = np.random.default_rng(seed)
    path = _Path()
    for _ in range(rng.integers(8, 16)):
        _travel(path, rng)
        _visit(path, rng)
    at = np.arange(0, path.t[-1], every_s)
    legs = np.clip(np.searchsorted(path.t[1:], at), 0, len(path.is_visit) - 1)
    is_visit = np.array(path.is_visit)[legs]
    error = _errors(is_visit, every_s, rng)
    x, y = np.interp(at, path.t, path.x) + error[0], np.interp(at, path.t, path.y) + error[1]
    told = _told(at, x, y, rng) if is_sparing else np.arange(len(at))
    lat, lng = HOME.degrees(x[told], y[told])
    places = zip((START_S + at[told]).tolist(), lat.tolist(), lng.tolist(), strict=True)
    return Diary([fix(*place) for place in places], is_visit[told])


def _travel(path: _Path, rng: np.random.Generator) -> None:
    """A few legs about along the axes of a town, at times with a wait at a crossing."""
    drives = rng.random() < DRIVES
    mps = rng.uniform(7, 13) if drives else rng.uniform(1.1, 1.6)
    for _ in range(rng.integers(2, 6)):
        way_m = rng.uniform(200, 1200) if drives else rng.uniform(60, 300)
        path.leg(way_m, rng.integers(4) * pi / 2 + rng.normal(0, 0.1), way_m / mps, False)
        if rng.random() < 0.3:
            path.leg(0, 0, rng.uniform(5, 60), False)


def _visit(path: _Path, rng: np.random.Generator) -> None:
    """Standing, and steps about a building."""
    end = path.t[-1] + rng.uniform(*VISITS_S[rng.integers(len(VISITS_S))])
    while path.t[-1] < end:
        path.leg(0, 0, min(end - path.t[-1] + 0.1, rng.exponential(90)), True)
        if path.t[-1] < end:
            way_m = rng.uniform(2, 18)
            path.leg(way_m, rng.uniform(0, 2 * pi), way_m / rng.uniform(0.5, 1.1), True)


def _errors(is_visit: Mask, every_s: float, rng: np.random.Generator) -> Array:
    """East and north, wandering; greater indoors."""
    keep = exp(-every_s / WANDERS_S)
    jolt = rng.normal(0, sqrt(1 - keep**2), (2, len(is_visit)))
    jolt *= np.where(is_visit, INDOORS_M, OUTDOORS_M)
    for i in range(1, len(is_visit)):
        jolt[:, i] += keep * jolt[:, i - 1]
    return jolt


def _told(at: Array, x: Array, y: Array, rng: np.random.Generator) -> list[int]:
    told = [0]
    for i in range(1, len(at)):
        apart_m = float(np.hypot(x[i] - x[told[-1]], y[i] - y[told[-1]]))
        is_pulse = at[i] - at[told[-1]] >= HEARTBEAT_S
        if apart_m > TOLD_M or is_pulse or rng.random() < TOLD_SHARE:
            told.append(i)
    return told
