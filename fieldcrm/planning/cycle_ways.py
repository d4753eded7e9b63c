"""Ways between the places of a cycle: along the roads, or an honest estimate where there are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from fieldcrm.kit.units import distance_m
from fieldcrm.planning.cycle_model import Ints
from fieldcrm.planning.cycle_problem import NO_WAY, Point

if TYPE_CHECKING:
    from fieldcrm.planning.remembered import RememberedRoads
    from fieldcrm.regions.model import Mode
    from fieldcrm.regions.roads import Roads

DETOUR = 1.35
"""Streets are so much longer than the straight line."""
SPEED_MPS = {"foot": 1.25, "bicycle": 4.0, "car": 8.0}
FALLBACK = "foot"


class RoadWays:
    """Times and distances by a region's roads; on foot where a mode has no way."""

    is_estimate = False

    def __init__(self, roads: Roads | RememberedRoads) -> None:
        self.roads = roads

    def __call__(self, mode: str, points: Sequence[Point]) -> tuple[Ints, Ints]:
        from fieldcrm.regions.model import LatLng

        named = [LatLng(*p) for p in points]
        found = self.roads.table(cast("Mode", mode), named)
        seconds, metres = found.duration_s.astype(np.int64), found.distance_m.astype(np.int64)
        if mode != FALLBACK and not found.is_reachable.all():
            afoot = self.roads.table(cast("Mode", FALLBACK), named)
            lost = ~found.is_reachable
            seconds[lost], metres[lost] = afoot.duration_s[lost], afoot.distance_m[lost]
        return seconds, metres


class Estimate:
    """Great circles with a factor, where no region's roads are installed."""

    is_estimate = True

    def __call__(self, mode: str, points: Sequence[Point]) -> tuple[Ints, Ints]:
        metres = np.array(
            [[round(DETOUR * distance_m(*a, *b)) for b in points] for a in points], np.int64
        )
        seconds = (metres / SPEED_MPS.get(mode, SPEED_MPS[FALLBACK])).round().astype(np.int64)
        assert (seconds != NO_WAY).all()
        return seconds, metres


def ways_here() -> RoadWays | Estimate:
    """The installed region's roads, or the estimate."""
    from fieldcrm.kit.settings import settings
    from fieldcrm.regions.model import RegionMissing
    from fieldcrm.regions.roads import Roads

    try:
        return RoadWays(Roads(settings().region_dir))
    except RegionMissing:
        return Estimate()


def ways_remembered() -> RoadWays | Estimate:
    """The same for a page that asks about much the same places again and again."""
    from fieldcrm.kit.settings import settings
    from fieldcrm.planning import slots
    from fieldcrm.planning.model import NoRoads

    try:
        return RoadWays(slots.remembered(settings().region_dir))
    except NoRoads:
        return Estimate()
