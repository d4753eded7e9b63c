"""How a padder chooses the visits he only reports: most from one spot, the rest in passing."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from fieldcrm.kit.units import distance_m
from workers.simulator.gps import shifted
from workers.simulator.movement import Point, Streets
from workers.simulator.scenario import Scenario

RING_M = (320.0, 420.0, 550.0, 700.0)


@dataclass(frozen=True)
class Padding:
    """Which of the day's visits are false, by key, and the spot they are reported from."""

    spot: Point
    from_spot: frozenset[str] = field(default_factory=frozenset)
    in_passing: frozenset[str] = field(default_factory=frozenset)

    def kind_of(self, key: str) -> str:
        """honest, spot or passing."""
        if key in self.from_spot:
            return "spot"
        return "passing" if key in self.in_passing else "honest"


def choose(
    stops: Sequence[tuple[str, Point]], s: Scenario, streets: Streets, dice: random.Random
) -> Padding:
    """Choose among a day's (key, point) in their order; five of each dozen in all."""
    wanted = round(len(stops) * s.padded_of_dozen / 12)
    passing = _alone(stops, min(s.padded_in_passing, wanted))
    rest = [stop for stop in stops if stop[0] not in passing]
    count = wanted - len(passing)
    spot = _spot([p for _, p in rest], count, s, streets)
    far = [key for key, p in rest if distance_m(*p, *spot) >= s.padding_spot_min_m]
    first = dice.randint(0, max(0, len(far) - count))
    return Padding(spot, frozenset(far[first : first + count]), passing)


def _alone(stops: Sequence[tuple[str, Point]], count: int) -> frozenset[str]:
    """The stops farthest from any other of the day: there nothing else explains a stay."""

    def apart(stop: tuple[str, Point]) -> float:
        others = [distance_m(*stop[1], *p) for key, p in stops if key != stop[0]]
        return min(others, default=0.0)

    best = sorted(stops, key=apart, reverse=True)[:count]
    return frozenset(key for key, _ in best)


def _spot(points: Sequence[Point], count: int, s: Scenario, streets: Streets) -> Point:
    """The nearest place to all from which enough of them are far: an own stop, or a cafe outside."""
    centre = (sum(p[0] for p in points) / len(points), sum(p[1] for p in points) / len(points))
    ring = [
        streets.snap(shifted(*centre, r * math.cos(a * math.tau / 12), r * math.sin(a * math.tau / 12)))
        for r in RING_M for a in range(12)
    ]  # fmt: skip
    candidates = sorted([*points, *ring], key=lambda p: distance_m(*p, *centre))
    fitting = [
        c for c in candidates
        if sum(distance_m(*p, *c) >= s.padding_spot_min_m for p in points) >= count
    ]  # fmt: skip
    return fitting[0] if fitting else candidates[-1]
