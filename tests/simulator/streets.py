"""Streets that need no map: straight, everywhere, each mode at its own speed."""

from __future__ import annotations

from fieldcrm.kit.units import distance_m
from workers.simulator.movement import Line, Point

MPS = {"foot": 1.33, "bicycle": 4.2, "car": 7.0}


class StraightStreets:
    def line(self, mode: str, a: Point, b: Point) -> Line:
        return Line(mode, [a, b], distance_m(*a, *b) / MPS[mode])

    def snap(self, point: Point) -> Point:
        return point
