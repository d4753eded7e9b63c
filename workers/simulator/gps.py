"""A phone's receiver: where it believes to be, correlated errors, outliers, gaps, battery."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from workers.simulator.scenario import Scenario

M_PER_DEG_LAT = 111_195.0  # mean sphere


@dataclass(frozen=True)
class Reading:
    """One position as the phone's system gives it; `at` is true time in epoch seconds."""

    at: float
    lat: float
    lng: float
    accuracy_m: float
    speed_mps: float
    course_deg: float | None
    battery_pct: int
    is_charging: bool = False
    is_mock: bool = False


@dataclass(frozen=True)
class RadialLaw:
    """A Weibull law of the distance between the reported and the true place.

    Weibull because both quantiles asked for can be met exactly: the two-dimensional Gaussian's p95
    is only 2.1 times its median. Outliers lie beyond the p95 and count in both quantiles.
    """

    shape: float
    scale_m: float

    @classmethod
    def of(cls, s: Scenario) -> RadialLaw:
        core = 1 - s.outlier_share
        tail95 = (0.05 - s.outlier_share) / core
        tail50 = (0.5 - s.outlier_share) / core
        ratio = math.log(1 / tail95) / math.log(1 / tail50)
        shape = math.log(ratio) / math.log(s.error_p95_m / s.error_median_m)
        return cls(shape, s.error_median_m / math.log(1 / tail50) ** (1 / shape))

    def radius_m(self, gaussian_radius: float) -> float:
        """Map a radius of the unit Gaussian plane (r^2/2 is exponential) to metres."""
        return self.scale_m * (gaussian_radius * gaussian_radius / 2) ** (1 / self.shape)


class Receiver:
    """Gives readings along a true path; seeded, so that a day repeats."""

    def __init__(self, s: Scenario, rng: random.Random) -> None:
        self._s, self._rng, self._law = s, rng, RadialLaw.of(s)
        self._x, self._y = rng.gauss(0, 1), rng.gauss(0, 1)
        self._at: float | None = None

    def error(self, at: float) -> tuple[float, float, bool]:
        """Metres east and north at a moment (moments never go back), and whether an outlier."""
        self._advance(at)
        if self._rng.random() < self._s.outlier_share:
            return *self._outlier(), True
        r = math.hypot(self._x, self._y) or 1e-9
        metres = min(self._law.radius_m(r), self._s.outlier_max_m)
        return self._x / r * metres, self._y / r * metres, False

    def read(
        self, at: float, lat: float, lng: float, speed_mps: float, course_deg: float | None,
        battery_pct: int,
    ) -> Reading:  # fmt: skip
        """A reading at a true place."""
        east, north, is_outlier = self.error(at)
        return Reading(
            at, *shifted(lat, lng, east, north), self._accuracy(math.hypot(east, north), is_outlier),
            max(0.0, self._rng.gauss(speed_mps, 0.15)), course_deg, battery_pct,
        )  # fmt: skip

    def _advance(self, at: float) -> None:
        passed = 1e9 if self._at is None else max(0.0, at - self._at)
        keep = math.exp(-passed / self._s.error_memory_s)
        push = math.sqrt(1 - keep * keep)
        self._x = keep * self._x + push * self._rng.gauss(0, 1)
        self._y = keep * self._y + push * self._rng.gauss(0, 1)
        self._at = at

    def _outlier(self) -> tuple[float, float]:
        metres = self._rng.uniform(self._s.error_p95_m, self._s.outlier_max_m)
        angle = self._rng.uniform(0, math.tau)
        return metres * math.cos(angle), metres * math.sin(angle)

    def _accuracy(self, error_m: float, is_outlier: bool) -> float:
        if is_outlier and self._rng.random() < self._s.lying_accuracy_share:
            return round(self._rng.uniform(8, 20), 1)
        return round(min(200.0, (4 + 0.9 * error_m) * self._rng.lognormvariate(0, 0.25)), 1)


def shifted(lat: float, lng: float, east_m: float, north_m: float) -> tuple[float, float]:
    """A point moved by metres on the local plane."""
    scale = M_PER_DEG_LAT * math.cos(math.radians(lat))
    return round(lat + north_m / M_PER_DEG_LAT, 7), round(lng + east_m / scale, 7)


def gaps(s: Scenario, start: float, end: float, rng: random.Random) -> list[tuple[float, float]]:
    """Stretches of a day without fixes, in order, that make up the scenario's share of it."""
    left = (end - start) * s.gap_share
    lengths = list[float]()
    while left > 0:
        lengths.append(min(left, rng.uniform(s.gap_min_s, s.gap_max_s)))
        left -= lengths[-1]
    slot = (end - start) / max(1, len(lengths))
    starts = [start + i * slot + rng.uniform(0, slot - length) for i, length in enumerate(lengths)]
    return list(zip(starts, (a + b for a, b in zip(starts, lengths, strict=True)), strict=True))
