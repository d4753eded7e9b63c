"""Where somebody stayed: jitter while parked is one stop, a red light is none. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fieldcrm.tracking import parameters as p
from fieldcrm.tracking.cleaning import Way
from fieldcrm.tracking.windows import Array, Indices, Mask, Run, covered, highest, runs


def stays(way: Way, accuracy_m: Array | None = None) -> list[Run]:
    """The stretches of a way spent at one place, in order.

    Somebody who is after a minute still within a circle that a stroll would have left stays, and
    so does who walks about for longer without getting anywhere; stays near each other in time and
    place are one, and what remains too short is no stay. `accuracy_m` is what the phone said of
    each place (NaN: nothing).
    """
    if len(way) < 2:
        return []
    calm = _medians(way)
    radius = _radii(len(way), accuracy_m)
    told = _lingering(calm, radius) | _going_round(way) | _grown(way, _silent(way), radius)
    found = _joined(calm, [part for run in runs(told) for part in _single_places(calm, run)])
    return [stay for stay in (_trimmed(way, run) for run in found) if _lasts(way, stay)]


def _lasts(way: Way, stay: Run) -> bool:
    return bool(way.t[stay[1]] - way.t[stay[0]] >= p.STOP_S)


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
    first, last = _lasting(way, p.STAY_S)
    is_within = _extent(way, first, last) <= radius[first]
    return covered(len(way), first[is_within], last[is_within])


def _going_round(way: Way) -> Mask:
    """Which places belong to some minutes on one's feet that led nowhere."""
    first, last = _lasting(way, p.ROUND_S)
    told = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(way.x), np.diff(way.y)))])
    gained = np.hypot(way.x[last] - way.x[first], way.y[last] - way.y[first])
    is_round = gained <= p.ROUND_SHARE * (told[last] - told[first])
    is_round &= _extent(way, first, last) <= p.ROUND_M
    return covered(len(way), first[is_round], last[is_round])


def _silent(way: Way) -> Mask:
    """Which places stand at either end of a silence that was mostly spent standing.

    A phone tells little while nothing moves. What a slow walk from one place to the other leaves
    of the silence was spent at one of them or in between; that near, they are one place.
    """
    step = np.hypot(np.diff(way.x), np.diff(way.y))
    stood_s = np.diff(way.t) - step / p.PACE_MPS
    first = np.flatnonzero((stood_s >= p.STAY_S) & (step <= p.SAME_PLACE_M))
    return covered(len(way), first, first + 1)


def _grown(way: Way, found: Mask, radius: Array) -> Mask:
    """With the places before and after each run from which one had not yet gone anywhere."""
    grown = found.copy()
    for a, b in runs(found):
        for at, on in ((a, -1), (b, 1)):
            i = at + on
            while 0 <= i < len(way) and not grown[i] and _apart_m(way, i, at) <= radius[at]:
                grown[i] = True
                i += on
    return grown


def _apart_m(way: Way, one: int, other: int) -> float:
    return float(np.hypot(way.x[one] - way.x[other], way.y[one] - way.y[other]))


def _lasting(way: Way, seconds: float) -> tuple[Indices, Indices]:
    """From each place to the first that is so much later, where there is one."""
    last = np.searchsorted(way.t, way.t + seconds)
    first = np.flatnonzero(last < len(way))
    return first, last[first]


def _extent(way: Way, first: Indices, last: Indices) -> Array:
    """Half the diagonal of the box around each stretch."""
    east = highest(way.x, first, last) + highest(-way.x, first, last)
    north = highest(way.y, first, last) + highest(-way.y, first, last)
    return np.hypot(east, north) / 2


def _trimmed(way: Way, stay: Run) -> Run:
    """Without the fixes at its ends that are still on the way in or already on the way out.

    Where the track itself begins or ends there is no such way.
    """
    a, b = stay
    step = np.hypot(np.diff(way.x[a : b + 1]), np.diff(way.y[a : b + 1]))
    walks = step > p.PACE_MPS * np.diff(way.t[a : b + 1])
    into = int(np.argmin(np.append(walks[: p.PACE_FIXES], False))) if a > 0 else 0
    is_last = b == len(way) - 1
    out = 0 if is_last else int(np.argmin(np.append(walks[::-1][: p.PACE_FIXES], False)))
    return (a + into, b - out) if a + into < b - out else stay


def _single_places(way: Way, run: Run) -> list[Run]:
    """A run that crept on from place to place, in pieces that stay at one each."""
    first, last = run
    x, y = centre(way, run)
    part = slice(first, last + 1)
    is_near = np.hypot(way.x[part] - x, way.y[part] - y) <= p.SAME_PLACE_M
    if last - first < 2 or is_near.mean() >= p.SAME_PLACE_SHARE:
        return [run]
    middle = (first + last) // 2
    return [*_single_places(way, (first, middle)), *_single_places(way, (middle + 1, last))]


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
