"""Times and distances between points asked before; for new points the table grows by rows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fieldcrm.regions.model import LatLng, Matrix

if TYPE_CHECKING:
    from fieldcrm.regions.model import Mode
    from fieldcrm.regions.roads import Roads

MOST_POINTS = 2_500
"""Points remembered for each mode: 50 MB of times and distances."""


@dataclass
class _Known:
    """One mode's points and the square tables between them."""

    index: dict[LatLng, int] = field(default_factory=dict)
    matrix: Matrix = field(
        default_factory=lambda: Matrix(np.zeros((0, 0), np.int32), np.zeros((0, 0), np.int32))
    )


class RememberedRoads:
    """A region's tables for somebody who asks again and again about much the same points.

    Safe to share between threads. Which bit of road a point lies on may depend on the company it
    was first asked in (see `Roads`).
    """

    def __init__(self, roads: Roads, most: int = MOST_POINTS) -> None:
        self._roads, self._most = roads, most
        self._known: dict[Mode, _Known] = {}
        self._asking = threading.Lock()

    def table(self, mode: Mode, points: Sequence[LatLng]) -> Matrix:
        """Times and distances between all of these points."""
        if len(points) > self._most:
            return self._roads.table(mode, points)
        with self._asking:
            known = self._known.setdefault(mode, _Known())
            new = [p for p in dict.fromkeys(points) if p not in known.index]
            if len(known.index) + len(new) > self._most:
                known = self._known[mode] = _Known()
                new = list(dict.fromkeys(points))
            if new:
                self._grow(mode, known, new)
            chosen = np.ix_(*[[known.index[p] for p in points]] * 2)
            return Matrix(known.matrix.duration_s[chosen], known.matrix.distance_m[chosen])

    def _grow(self, mode: Mode, known: _Known, new: list[LatLng]) -> None:
        """Ask for the ways to, from and among new points only."""
        old = list(known.index)
        among = self._roads.table(mode, new)
        there = self._roads.table(mode, old, new) if old else None
        back = self._roads.table(mode, new, old) if old else None
        known.matrix = Matrix(
            _joined(known.matrix.duration_s, there and there.duration_s,
                    back and back.duration_s, among.duration_s),
            _joined(known.matrix.distance_m, there and there.distance_m,
                    back and back.distance_m, among.distance_m),
        )  # fmt: skip
        for point in new:
            known.index[point] = len(known.index)


def _joined(
    old: np.ndarray, there: np.ndarray | None, back: np.ndarray | None, among: np.ndarray
) -> np.ndarray:
    """The square of four tables; the old one may be empty."""
    if there is None or back is None:
        return among
    return np.block([[old, there], [back, among]])
