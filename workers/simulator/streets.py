"""The simulator's own view of a built region's roads: ways from door to door, remembered."""

from __future__ import annotations

from fieldcrm.kit.units import distance_m
from fieldcrm.regions.model import LatLng, Mode
from fieldcrm.regions.roads import Roads
from workers.simulator.movement import Line, Point


class RoadStreets:
    """Streets from `regions.roads`; a pair without a way by the mode is walked."""

    def __init__(self, roads: Roads) -> None:
        self._roads = roads
        self._known: dict[tuple[str, Point, Point], Line] = {}

    def line(self, mode: str, a: Point, b: Point) -> Line:
        """The way between two doors, remembered; on foot where the mode has none."""
        key = (mode, a, b)
        if key not in self._known:
            self._known[key] = self._found(mode, a, b)
        return self._known[key]

    def snap(self, point: Point) -> Point:
        """The closest point of a footway, the point itself where none is near."""
        near = self._roads.nearest("foot", LatLng(*point))
        return near.point if near else point

    def _found(self, mode: str, a: Point, b: Point) -> Line:
        for way in _modes(mode):
            route = self._roads.route(way, [LatLng(*a), LatLng(*b)])
            if route is not None:
                points = [a, *(tuple(p) for p in route.line), b]
                return Line(way, points, float(route.duration_s))
        return Line("foot", [a, b], distance_m(*a, *b) * 1.3 / 1.33)


def _modes(mode: str) -> list[Mode]:
    return ["foot"] if mode == "foot" else [mode, "foot"]  # type: ignore[list-item]
