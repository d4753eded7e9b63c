"""Tracks made up for tests: true ways and what a receiver tells of them. Seeded, so they repeat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fieldcrm.tracking.cleaning import Origin, Way
from fieldcrm.tracking.model import Fix

HELSINKI = Origin(60.17, 24.94)
START_S = 1_790_000_000.0
Leg = tuple[float, float, float]
"""Metres east and north, and at what speed (m/s); a pause is (0, 0, -seconds)."""


def travelled(legs: Iterable[Leg], every_s: float = 5.0) -> Way:
    """Places every few seconds along legs from the origin."""
    t, x, y = [0.0], [0.0], [0.0]
    for east, north, speed in legs:
        far = float(np.hypot(east, north))
        seconds = far / speed if far else -speed
        t.append(t[-1] + seconds)
        x.append(x[-1] + east)
        y.append(y[-1] + north)
    at = np.arange(0.0, t[-1] + every_s / 2, every_s)
    return Way(START_S + at, np.interp(at, t, x), np.interp(at, t, y))


def blurred(way: Way, error_m: float = 4.0, memory_s: float = 30.0, seed: int = 1) -> Way:
    """The way as a receiver sees it: an error of so much on each axis that wanders."""
    rng = np.random.default_rng(seed)
    error = np.zeros((2, len(way)))
    error[:, 0] = rng.normal(0, error_m, 2)
    for i in range(1, len(way)):
        keep = float(np.exp(-(way.t[i] - way.t[i - 1]) / memory_s))
        error[:, i] = keep * error[:, i - 1] + rng.normal(0, error_m * (1 - keep**2) ** 0.5, 2)
    return Way(way.t, way.x + error[0], way.y + error[1])


def fixes_of(way: Way, accuracy_m: float | None = None) -> list[Fix]:
    """The way as fixes around HELSINKI."""
    lat, lng = HELSINKI.degrees(way.x, way.y)
    at = np.rint(way.t * 1000).astype(int).tolist()
    told = zip(at, lat.tolist(), lng.tolist(), strict=True)
    return [Fix("rep", "phone", None, t, t, t, a, b, accuracy_m) for t, a, b in told]


def without(way: Way, after_s: float, until_s: float) -> Way:
    """The way with a silence."""
    since = way.t - way.t[0]
    return way.only((since <= after_s) | (since >= until_s))


def joined(ways: Sequence[Way]) -> Way:
    """Ways one after the other, each from where the last ended, five seconds later."""
    t, x, y = ways[0].t, ways[0].x, ways[0].y
    for way in ways[1:]:
        t = np.concatenate([t, way.t - way.t[0] + t[-1] + 5])
        x = np.concatenate([x, way.x - way.x[0] + x[-1]])
        y = np.concatenate([y, way.y - way.y[0] + y[-1]])
    return Way(t, x, y)
