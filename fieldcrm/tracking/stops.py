"""Where somebody stayed: jitter while parked is one stop, a red light is none. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldcrm.tracking import parameters as p
from fieldcrm.tracking.cleaning import Way
from fieldcrm.tracking.windows import Array, Mask, Run, covered, highest, runs


def stays(way: Way, accuracy_m: Array | None = None) -> list[Run]:
    """The stretches of a way spent at one place, in order.

    Somebody who is after a minute still within a circle that a stroll would have left stays;
    stays near each other in time and place are one, and what remains too short is no stay.
    `accuracy_m` is what the phone said of each place (NaN: nothing).
    """
    if len(way) < 2:
        return []
    calm = _medians(way)
    found = runs(_lingering(calm, _radii(len(way), accuracy_m)))
    found = _joined(calm, found)
    return [(a, b) for a, b in found if way.t[b] - way.t[a] >= p.STOP_S]


def _radii(count: int, accuracy_m: Array | None) -> Array:
    """The circle at each place: wider where the phone itself is less sure."""
    if accuracy_m is None:
        return np.full(count, p.STAY_M)
    return np.clip(np.nan_to_num(accuracy_m, nan=p.STAY_M), p.STAY_M, p.STAY_MOST_M)


def _medians(way: Way) -> Way:
    """Each place as the median of three in a row, so that a single outlier leaves no stay."""
    if len(way) < 3:
        return way
    return Way(way.t, _median_of_three(way.x), _median_of_three(way.y))


def _median_of_three(values: Array) -> Array:
    inner = np.median(np.stack([values[:-2], values[1:-1], values[2:]]), axis=0)
    ends = (values[0] + values[1]) / 2, (values[-2] + values[-1]) / 2
    return np.concatenate([[ends[0]], inner, [ends[1]]])


def _lingering(way: Way, radius: Array) -> Mask:
    """Which places belong to some minute that was spent within the circle."""
    first = np.arange(len(way))
    last = np.searchsorted(way.t, way.t + p.STAY_S)
    is_whole = last < len(way)
    first, last = first[is_whole], last[is_whole]
    east = highest(way.x, first, last) + highest(-way.x, first, last)
    north = highest(way.y, first, last) + highest(-way.y, first, last)
    stays_here = np.hypot(east, north) / 2 <= radius[first]
    return covered(len(way), first[stays_here], last[stays_here])


def _joined(way: Way, parts: Sequence[Run]) -> list[Run]:
    """Runs that follow each other soon and near are one."""
    found: list[Run] = []
    for a, b in parts:
        if found and _is_one_place(way, found[-1], (a, b)):
            found[-1] = (found[-1][0], b)
        else:
            found.append((a, b))
    return found


def _is_one_place(way: Way, one: Run, other: Run) -> bool:
    """Soon and near, and without having gone anywhere else in between."""
    if way.t[other[0]] - way.t[one[1]] > p.SAME_PLACE_S:
        return False
    (x, y), (u, v) = centre(way, one), centre(way, other)
    between = slice(one[1], other[0] + 1)
    away = np.minimum(
        np.hypot(way.x[between] - x, way.y[between] - y),
        np.hypot(way.x[between] - u, way.y[between] - v),
    )
    return bool(max(np.hypot(x - u, y - v), away.max()) <= p.SAME_PLACE_M)


def centre(way: Way, run: Run) -> tuple[float, float]:
    """The median place of a run."""
    part = slice(run[0], run[1] + 1)
    return float(np.median(way.x[part])), float(np.median(way.y[part]))
