"""Ways along real streets: where somebody is at each second between two places."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from fieldcrm.kit.units import distance_m
from workers.simulator.scenario import Scenario

Point = tuple[float, float]
"""lat, lng"""
PIECE_M = 25.0


@dataclass(frozen=True)
class Spot:
    """Where somebody is, how fast, and whither (degrees from north; None when standing)."""

    lat: float
    lng: float
    speed_mps: float = 0.0
    course_deg: float | None = None


@dataclass(frozen=True)
class Line:
    """A way as the roads give it: the mode it is really for, its points, its seconds."""

    mode: str
    points: list[Point]
    seconds: float


class Streets(Protocol):
    """What movement needs of a road network."""

    def line(self, mode: str, a: Point, b: Point) -> Line:
        """The way between two doors; on foot where the mode has none."""
        ...

    def snap(self, point: Point) -> Point:
        """The closest place where one can stand on a street."""
        ...


@dataclass(frozen=True)
class Way:
    """A timed path: at `seconds[i]` after its start somebody has gone `metres[i]`."""

    points: list[Point]
    upto_m: list[float]
    seconds: list[float]
    metres: list[float]

    @property
    def duration_s(self) -> float:
        return self.seconds[-1]

    @property
    def length_m(self) -> float:
        return self.upto_m[-1]

    def at(self, passed_s: float) -> Spot:
        """The spot after a number of seconds; the ends hold outside."""
        if passed_s <= 0 or passed_s >= self.duration_s:
            return Spot(*(self.points[0] if passed_s <= 0 else self.points[-1]))
        i = bisect_right(self.seconds, passed_s) - 1
        t0, t1, m0, m1 = *self.seconds[i : i + 2], *self.metres[i : i + 2]
        gone = m0 + (m1 - m0) * (passed_s - t0) / (t1 - t0) if t1 > t0 else m0
        lat, lng, course = self._on_line(gone)
        speed = (m1 - m0) / (t1 - t0) if t1 > t0 else 0.0
        return Spot(lat, lng, speed, course if speed else None)

    def _on_line(self, gone_m: float) -> tuple[float, float, float]:
        i = min(max(bisect_right(self.upto_m, gone_m) - 1, 0), len(self.points) - 2)
        (lat0, lng0), (lat1, lng1) = self.points[i], self.points[i + 1]
        span = self.upto_m[i + 1] - self.upto_m[i]
        share = (gone_m - self.upto_m[i]) / span if span else 0.0
        return lat0 + (lat1 - lat0) * share, lng0 + (lng1 - lng0) * share, course(
            self.points[i], self.points[i + 1])  # fmt: skip


def course(a: Point, b: Point) -> float:
    """Degrees from north from one point to a near one."""
    east = (b[1] - a[1]) * math.cos(math.radians(a[0]))
    return round(math.degrees(math.atan2(east, b[0] - a[0])) % 360, 1)


def along(points: list[Point], mps: float, s: Scenario, rng: random.Random) -> Way:
    """A walk or drive along points at about a speed, with slow-downs and red lights."""
    upto = _upto(points)
    seconds, metres = [0.0], [0.0]
    while metres[-1] < upto[-1]:
        step = min(PIECE_M, upto[-1] - metres[-1])
        seconds.append(seconds[-1] + step / (mps * _pace(s, rng)))
        metres.append(metres[-1] + step)
        if rng.random() < s.light_stop_share * step / s.light_every_m:
            seconds.append(seconds[-1] + rng.uniform(3, s.light_stop_max_s))
            metres.append(metres[-1])
    return Way(points, upto, seconds, metres)


def perfect(points: list[Point], mps: float) -> Way:
    """What a fake-GPS app drives: one constant speed, no error."""
    upto = _upto(points)
    return Way(points, upto, [0.0, upto[-1] / mps], [0.0, upto[-1]])


def speed_of(mode: str, length_m: float, road_s: float, s: Scenario) -> float:
    """Real speed of a mode (m/s); a car's is what the roads allow, lights taken apart."""
    if mode == "foot":
        return s.foot_mps
    if mode == "bicycle":
        return s.bicycle_mps
    return min(s.car_max_mps, max(3.0, length_m / max(road_s, 1.0)))


def _pace(s: Scenario, rng: random.Random) -> float:
    return min(1.25, max(0.5, rng.gauss(1.0, s.speed_spread)))


def _upto(points: list[Point]) -> list[float]:
    upto = [0.0]
    for a, b in pairwise(points):
        upto.append(upto[-1] + distance_m(*a, *b))
    return upto
