"""Times and distances between points asked before; for new points the table grows by rows."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from fieldcrm.kit.units import distance_m
from fieldcrm.regions.model import LatLng, Matrix

if TYPE_CHECKING:
    from fieldcrm.regions.model import Mode
    from fieldcrm.regions.roads import Roads

MOST_POINTS = 2_500
"""Points remembered for each mode: 50 MB of times and distances."""
FEW_SHARE = 8
"""Where fewer than one in so many points are new, they are asked about and not remembered."""

GUESSED_M_S = 5


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

    def remember(self, mode: Mode, points: Sequence[LatLng]) -> None:
        """Know all ways between these points from now on; more than there is room for is left."""
        wanted = list(dict.fromkeys(points))
        with self._asking:
            if len(wanted) <= self._most:
                self._grown(mode, wanted)

    def table(self, mode: Mode, points: Sequence[LatLng]) -> Matrix:
        """Times and distances between all of these points."""
        wanted = list(dict.fromkeys(points))
        if len(wanted) > self._most:
            return self._roads.table(mode, points)
        with self._asking:
            known = self._known.setdefault(mode, _Known())
            new = [p for p in wanted if p not in known.index]
            if new and len(new) * FEW_SHARE < len(wanted):
                return self._with(mode, known, new, points)
            known = self._grown(mode, wanted)
            return _chosen(known, points)

    def guess(self, mode: Mode, points: Sequence[LatLng]) -> Matrix:
        """The same without asking: a new point is told to lie beside the nearest known one.

        Its ways are that one's and the way between them, as the crow flies at `GUESSED_M_S`.
        """
        with self._asking:
            known = self._known.get(mode)
            if known is None or not known.index:
                return self._roads.table(mode, points)
            beside = {p: _nearest(known, p) for p in dict.fromkeys(points) if p not in known.index}
            found = _chosen(known, [beside[p][0] if p in beside else p for p in points])
        off = np.array([beside[p][1] if p in beside else 0.0 for p in points])
        metres = (off[:, None] + off[None, :]).astype(np.int32)
        far = metres * ~np.eye(len(points), dtype=bool) * found.is_reachable
        return Matrix(found.duration_s + far // GUESSED_M_S, found.distance_m + far)

    def _grown(self, mode: Mode, wanted: list[LatLng]) -> _Known:
        """What is known of a mode once all these points are; begun anew where they are too many."""
        known = self._known.setdefault(mode, _Known())
        new = [p for p in wanted if p not in known.index]
        if len(known.index) + len(new) > self._most:
            known, new = _Known(), wanted
            self._known[mode] = known
        if new:
            self._grow(mode, known, new)
        return known

    def _with(
        self, mode: Mode, known: _Known, new: list[LatLng], points: Sequence[LatLng]
    ) -> Matrix:
        """The table of known points and a few new ones, which are asked about for this once."""
        old = [p for p in dict.fromkeys(points) if p in known.index]
        once = _Known({p: n for n, p in enumerate(old)}, _chosen(known, old))
        self._grow(mode, once, new)
        return _chosen(once, points)

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


def _chosen(known: _Known, points: Sequence[LatLng]) -> Matrix:
    at = np.ix_(*[[known.index[p] for p in points]] * 2)
    return Matrix(known.matrix.duration_s[at], known.matrix.distance_m[at])


def _nearest(known: _Known, point: LatLng) -> tuple[LatLng, float]:
    """(the known point nearest to one, metres between them)."""
    found = min(known.index, key=lambda p: abs(p.lat - point.lat) + abs(p.lng - point.lng))
    return found, distance_m(*found, *point)


def _joined(
    old: np.ndarray, there: np.ndarray | None, back: np.ndarray | None, among: np.ndarray
) -> np.ndarray:
    """The square of four tables; the old one may be empty."""
    if there is None or back is None:
        return among
    return np.block([[old, there], [back, among]])
