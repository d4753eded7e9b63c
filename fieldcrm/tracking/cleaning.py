"""From fixes to the way that was taken: outliers out, corners back in. Pure; metres and seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians

import numpy as np
from numpy.typing import NDArray

from fieldcrm.kit.units import EARTH_RADIUS_M
from fieldcrm.tracking import parameters as p
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.windows import Array, Mask

_PER_DEG = radians(1) * EARTH_RADIUS_M


@dataclass(frozen=True)
class Way:
    """Places in order of time on a plane: `t` seconds, `x` east and `y` north in metres."""

    t: Array
    x: Array
    y: Array

    def __len__(self) -> int:
        return len(self.t)

    def only(self, which: Mask | NDArray[np.intp] | slice) -> Way:
        """The chosen places."""
        return Way(self.t[which], self.x[which], self.y[which])


@dataclass(frozen=True)
class Origin:
    """Where a plane touches the Earth; within a rep's day the flat Earth errs below 0.1 %."""

    lat: float
    lng: float

    def way(self, fixes: Sequence[Fix]) -> Way:
        """Fixes in order of time on the plane."""
        squeeze = _PER_DEG * cos(radians(self.lat))
        return Way(
            np.array([f.fix_at_ms / 1000 for f in fixes], float),
            (np.array([f.lng for f in fixes], float) - self.lng) * squeeze,
            (np.array([f.lat for f in fixes], float) - self.lat) * _PER_DEG,
        )

    def degrees(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Latitudes and longitudes of places on the plane."""
        squeeze = _PER_DEG * cos(radians(self.lat))
        return self.lat + y / _PER_DEG, self.lng + x / squeeze


def kept(way: Way, is_driving: Mask) -> Mask:
    """Which places belong to the way: none told twice, no jumps that nobody makes."""
    found = _moved(way)
    for _ in range(p.PASSES):
        which = np.flatnonzero(found)
        jumps = _reversals(way.only(which), is_driving[which])
        if not jumps.any():
            break
        found[which[jumps]] = False
    return found


def _moved(way: Way) -> Mask:
    """All but repeats of the very place before: a phone's last known position, told again."""
    if len(way) == 0:
        return np.zeros(0, bool)
    return np.concatenate([[True], (np.diff(way.x) != 0) | (np.diff(way.y) != 0)])


def _reversals(way: Way, is_driving: Mask) -> Mask:
    """The worst of each run of places to which one would have to jump back or aside.

    A fix that comes late lies behind the car, an outlier beside it; both make the way turn back
    and forth. Real turns take time: the change of velocity over the time for it, the stamps'
    doubt added, tells them apart; and nobody on foot runs somewhere and straight back. The one
    that adds most to the length goes first.
    """
    found = np.zeros(len(way), bool)
    if len(way) < 3:
        return found
    x, y, step, pace = _steps(way)
    turn = x[:-1] * x[1:] + y[:-1] * y[1:]
    is_back = turn < np.cos(np.radians(p.REVERSAL_DEG)) * step[:-1] * step[1:]
    braking = np.hypot(np.diff(x / pace), np.diff(y / pace)) / ((pace[1:] + pace[:-1]) / 2)
    runs = np.minimum(step[:-1] / pace[:-1], step[1:] / pace[1:]) > p.DASH_MPS
    is_jump = is_back & ((braking > p.REVERSAL_MPS2) | (runs & ~is_driving[1:-1]))
    skipped = np.hypot(way.x[2:] - way.x[:-2], way.y[2:] - way.y[:-2])
    detour = np.where(is_jump, step[:-1] + step[1:] - skipped, 0.0)
    beside = np.concatenate([[0.0], detour, [0.0]])
    found[1:-1] = (detour > 0) & (detour >= beside[:-2]) & (detour > beside[2:])
    return found


def _steps(way: Way) -> tuple[Array, Array, Array, Array]:
    """Each step's east, north and length, and the longest time it may have taken."""
    x, y = np.diff(way.x), np.diff(way.y)
    return x, y, np.hypot(x, y), np.maximum(np.diff(way.t), 0) + p.STAMP_S


def steadied(way: Way, is_driving: Mask) -> Way:
    """Each place of a walker as the mean of its neighbours near in time and place.

    A walker's fixes lie closer together than their error, and its zigzag would be length; a car's
    lie further apart, and stay as they are. So do the two ends: their neighbours all lie on one
    side, and their mean would shorten the way by half a window each.
    """
    x, y, weight = way.x.copy(), way.y.copy(), np.ones(len(way))
    for shift in range(1, len(way)):
        later, earlier = slice(shift, None), slice(None, -shift)
        is_soon = way.t[later] - way.t[earlier] <= p.SLOW_S
        if not is_soon.any():
            break
        is_near = is_soon & (
            np.hypot(way.x[later] - way.x[earlier], way.y[later] - way.y[earlier]) <= p.SLOW_M
        )
        for here, there in ((later, earlier), (earlier, later)):
            x[here] += np.where(is_near, way.x[there], 0)
            y[here] += np.where(is_near, way.y[there], 0)
            weight[here] += is_near
    stays = is_driving.copy()
    stays[:1] = stays[-1:] = True
    return Way(way.t, np.where(stays, way.x, x / weight), np.where(stays, way.y, y / weight))


def thinned(way: Way) -> Way:
    """The way without steps shorter than the error; its first and last places stay."""
    if len(way) < 3:
        return way
    x, y = way.x.tolist(), way.y.tolist()
    chosen = [0]
    for i in range(1, len(way)):
        if hypot(x[i] - x[chosen[-1]], y[i] - y[chosen[-1]]) >= p.STEP_M:
            chosen.append(i)
    last = len(way) - 1
    if chosen[-1] != last:
        chosen = [*(chosen[:-1] if len(chosen) > 1 else chosen), last]
    return way.only(np.array(chosen))


def curved(way: Way) -> Way:
    """The way with its bends drawn between the fixes: a chord is shorter than the road.

    A cubic through each two fixes, leaving and arriving in the directions that the neighbouring
    steps give (each weighs as the other is long), in pieces that bend little.
    """
    if len(way) < 3:
        return way
    step_x, step_y, step, _ = _steps(way)
    step = np.maximum(step, 1e-6)
    head_x, head_y = _headings(step_x / step, step), _headings(step_y / step, step)
    bend = np.arccos(np.clip(head_x[:-1] * head_x[1:] + head_y[:-1] * head_y[1:], -1, 1))
    pieces = np.clip(np.ceil(np.degrees(bend) / p.BEND_DEG), 1, p.CURVE_PIECES).astype(int)
    index = np.repeat(np.arange(len(step)), pieces)
    share = (np.arange(len(index)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[index]
    return Way(
        np.append(way.t[index] + share * np.diff(way.t)[index], way.t[-1]),
        np.append(_cubic(way.x, head_x, step, index, share), way.x[-1]),
        np.append(_cubic(way.y, head_y, step, index, share), way.y[-1]),
    )


def _headings(along: Array, step: Array) -> Array:
    """One component of the direction at each place, from the steps before and after it."""
    inner = (along[:-1] * step[1:] + along[1:] * step[:-1]) / (step[:-1] + step[1:])
    return np.concatenate([along[:1], inner, along[-1:]])


def _cubic(at: Array, head: Array, step: Array, index: NDArray[np.intp], s: Array) -> Array:
    """One component of the Hermite cubics between places, at share `s` of each."""
    start, end = at[index], at[index + 1]
    leave, arrive = head[index] * step[index], head[index + 1] * step[index]
    return (
        start * (2 * s**3 - 3 * s**2 + 1) + leave * (s**3 - 2 * s**2 + s)
        + end * (3 * s**2 - 2 * s**3) + arrive * (s**3 - s**2)
    )  # fmt: skip


def way_taken(way: Way, is_driving: Mask) -> Way:
    """The way somebody most likely took through these places."""
    which = kept(way, is_driving)
    return curved(thinned(steadied(way.only(which), is_driving[which])))


def length_m(way: Way) -> float:
    """How long a way is."""
    return float(np.hypot(np.diff(way.x), np.diff(way.y)).sum())
