"""Synthetic days of a rep on a plane, as a receiver with correlated errors would tell of them.

Written apart from the simulator, so that the rules are not fitted to one maker of tracks: the error
is a heavy-tailed Gauss-Markov process (median 8 m, 95 % about 30 m), 3 % outliers to 150 m.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from fieldcrm.evidence.model import Claim, VisitFacts
from fieldcrm.tracking.model import Fix
from tests.field import LAT, LNG, NOW

M = 111_195.0
START = NOW.timestamp()
Point = tuple[float, float]
"""Metres east and north of the company's origin."""


def at(x: float, y: float) -> tuple[float, float]:
    """lat, lng of a point on the plane."""
    return LAT + y / M, LNG + x / (M * math.cos(math.radians(LAT)))


@dataclass
class Day:
    """Where a rep truly was: legs of (start, end, from, to) in seconds of the day."""

    here: Point = (0.0, 0.0)
    now: float = 0.0
    mps: float = 1.33
    legs: list[tuple[float, float, Point, Point]] = field(default_factory=list)

    def goes(self, to: Point) -> Day:
        """In a straight line with one corner, as streets have."""
        for point in ((to[0], self.here[1]), to):
            length = math.dist(self.here, point)
            if length > 0:
                self._leg(length / self.mps, point)
        return self

    def stays(self, seconds: float) -> Day:
        self._leg(seconds, self.here)
        return self

    def _leg(self, seconds: float, to: Point) -> None:
        self.legs.append((self.now, self.now + seconds, self.here, to))
        self.here, self.now = to, self.now + seconds

    def place(self, t: float) -> Point:
        for a, b, p, q in self.legs:
            if a <= t <= b:
                share = (t - a) / (b - a) if b > a else 1.0
                return p[0] + (q[0] - p[0]) * share, p[1] + (q[1] - p[1]) * share
        return self.here


@dataclass
class Receiver:
    """Errors as specified; `seed` repeats a day."""

    seed: int
    memory_s: float = 45.0
    outliers: float = 0.03
    every_s: float = 10.0

    def hears(self, day: Day, gaps: Iterable[tuple[float, float]] = ()) -> list[Fix]:
        dice, fixes = random.Random(self.seed), list[Fix]()
        x, y, before = dice.gauss(0, 1), dice.gauss(0, 1), 0.0
        silent, t = tuple(gaps), 0.0
        while t <= day.now:
            keep = math.exp(-(t - before) / self.memory_s)
            x = keep * x + math.sqrt(1 - keep * keep) * dice.gauss(0, 1)
            y = keep * y + math.sqrt(1 - keep * keep) * dice.gauss(0, 1)
            before = t
            r = math.hypot(x, y) or 1e-9
            metres = min(150.0, 8.0 * (r / 1.1774) ** 1.43)  # 1.1774: median of the unit Rayleigh
            east, north = x / r * metres, y / r * metres
            if dice.random() < self.outliers:
                angle, far = dice.uniform(0, math.tau), dice.uniform(30, 150)
                east, north = far * math.cos(angle), far * math.sin(angle)
            if not any(a <= t < b for a, b in silent):
                px, py = day.place(t)
                accuracy = round((4 + 0.9 * metres) * dice.lognormvariate(0, 0.3), 1)
                fixes.append(fix(t, (px + east, py + north), accuracy, len(fixes)))
            t += self.every_s
        return fixes


def fix(t: float, p: Point, accuracy: float = 8.0, seq: int = 0, mock: bool | None = None) -> Fix:
    ms = round((START + t) * 1000)
    return Fix("rep", "phone", seq, ms, ms, ms, *at(*p), accuracy, is_mock=mock)


def steady(day: Day, mps: float) -> list[Fix]:
    """A better fake: positions with errors, but one speed and one accuracy throughout."""
    fixes = Receiver(1).hears(day)
    for each in fixes:
        each.accuracy_m, each.speed_mps = 5.0, mps
    return fixes


def perfect(day: Day, hidden: Callable[[float], bool] = lambda t: True) -> list[Fix]:
    """What a fake-GPS app gives: no error, one accuracy, the flag where it isn't hidden."""
    times = [10.0 * n for n in range(int(day.now // 10) + 1)]
    return [fix(t, day.place(t), 5.0, n, not hidden(t) or None) for n, t in enumerate(times)]


def visit(place: Point, start: float, end: float, said: Point | None = None, **more) -> VisitFacts:
    """A claim of a visit at a place, reported from `said` (the place when not told)."""
    claim = Claim(*at(*(said or place)), 10.0, None, True)
    facts = VisitFacts(
        "v", *at(*place), round((START + start) * 1000), round((START + end) * 1000), claim, claim,
        mode="foot",
    )  # fmt: skip
    return replace(facts, **more)


def later(facts: VisitFacts, seconds: float) -> int:
    """Epoch ms so long after the closing."""
    return facts.closed_ms + round(seconds * 1000)


def round_of(
    places: Sequence[Point], stay_s: Sequence[float], mps: float = 1.33
) -> tuple[Day, list[tuple[float, float]]]:
    """A day of visits with a walk before, between and after; and when each was told."""
    day, told = Day(mps=mps), list[tuple[float, float]]()
    for place, stay in zip(places, stay_s, strict=True):
        day.goes(place)
        day.stays(30)
        told.append((day.now, day.now + stay))
        day.stays(stay + 60)
    day.goes((0.0, -600.0))
    return day, told
