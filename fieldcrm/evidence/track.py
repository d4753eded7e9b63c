"""What a track says around a place and a time, in spite of GPS error. Pure; metres and seconds.

A receiver's error is correlated (it wanders within a minute) and has outliers of 150 m that its
own accuracy may not admit, so nothing here trusts one fix: places are medians, stays are smoothed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians

import numpy as np
from numpy.typing import NDArray

from fieldcrm.kit.units import EARTH_RADIUS_M
from fieldcrm.tracking.model import Fix

Array = NDArray[np.float64]

SMOOTH_FIXES = 5
SMOOTH_S = 75.0
"""A running median over so many fixes, none farther in time than this."""
STAY_M = 45.0
"""Within this of a stay's centre counts as still there: the error's 95 % of 30 m and a room."""
EXCURSION_S, EXCURSION_M = 120.0, 150.0
"""The receiver wanders off and comes back: not a departure."""
BRIDGE_S = 1800.0
"""A gap of the track is bridged when the rep is there before and after."""


@dataclass(frozen=True)
class Track:
    """A track on a plane around a place: `x` east, `y` north, `t` seconds since an epoch."""

    t: Array
    x: Array
    y: Array
    accuracy: Array
    is_mock: NDArray[np.bool_]
    speed: Array
    """As the phone reported it (m/s), NaN where it didn't."""

    def between(self, start: float, end: float) -> Track:
        """The part from start to end, both inclusive."""
        a, b = np.searchsorted(self.t, [start, end + 1e-6])
        return Track(
            self.t[a:b], self.x[a:b], self.y[a:b], self.accuracy[a:b], self.is_mock[a:b],
            self.speed[a:b],
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.t)


def plane(fixes: Sequence[Fix], lat: float, lng: float) -> Track:
    """Fixes in order of time on the plane around a point; unknown accuracies are NaN."""
    per_deg = radians(1) * EARTH_RADIUS_M
    ordered = sorted(fixes, key=lambda f: f.fix_at_ms)
    return Track(
        t=np.array([f.fix_at_ms / 1000 for f in ordered], float),
        x=np.array([(f.lng - lng) * per_deg * cos(radians(lat)) for f in ordered], float),
        y=np.array([(f.lat - lat) * per_deg for f in ordered], float),
        accuracy=np.array([np.nan if f.accuracy_m is None else f.accuracy_m for f in ordered], float),
        is_mock=np.array([bool(f.is_mock) for f in ordered], bool),
        speed=np.array([np.nan if f.speed_mps is None else f.speed_mps for f in ordered], float),
    )  # fmt: skip


def smoothed(track: Track) -> Track:
    """The track with outliers taken out: a running median over neighbours near in time."""
    if len(track) == 0:
        return track
    half = SMOOTH_FIXES // 2
    index = np.arange(len(track))[:, None] + np.arange(-half, half + 1)[None, :]
    inside = (index >= 0) & (index < len(track))
    index = np.clip(index, 0, len(track) - 1)
    near = inside & (np.abs(track.t[index] - track.t[:, None]) <= SMOOTH_S)
    x = np.nanmedian(np.where(near, track.x[index], np.nan), axis=1)
    y = np.nanmedian(np.where(near, track.y[index], np.nan), axis=1)
    return Track(track.t, x, y, track.accuracy, track.is_mock, track.speed)


@dataclass(frozen=True)
class Centre:
    """Where somebody was over a while: the median, and how far it may be off (95 %)."""

    x: float
    y: float
    error_m: float
    fixes: int

    @property
    def distance_m(self) -> float:
        """From the place."""
        return float(np.hypot(self.x, self.y))


ERROR_MEMORY_S = 45.0


def centre(part: Track) -> Centre | None:
    """The robust place of a part of a track; None without fixes.

    Its error falls with the number of independent fixes only, and those come a memory apart.
    """
    if len(part) == 0:
        return None
    x, y = float(np.median(part.x)), float(np.median(part.y))
    spread = float(np.median(np.hypot(part.x - x, part.y - y)))
    independent = 1 + (part.t[-1] - part.t[0]) / ERROR_MEMORY_S
    independent = min(float(len(part)), independent)
    base = 30.0 if len(part) < 3 else max(spread, 8.0)
    return Centre(x, y, 2 * base / float(np.sqrt(independent)), len(part))


@dataclass(frozen=True)
class Stay:
    """A stretch of time at one spot; `gap_s` of it the track is silent."""

    start: float
    end: float
    gap_s: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


def stay_around(smooth: Track, at: Centre, start: float, end: float) -> Stay | None:
    """The stay at a spot that covers most of the time from start to end; None when never there."""
    away = np.hypot(smooth.x - at.x, smooth.y - at.y)
    there = away <= STAY_M
    stays = _merged(smooth.t, away, _runs(there))
    overlapping = [s for s in stays if s.end >= start and s.start <= end]
    return max(overlapping, key=lambda s: min(s.end, end) - max(s.start, start), default=None)


def _runs(there: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last index of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _merged(t: Array, away: Array, runs: list[tuple[int, int]]) -> list[Stay]:
    """Runs joined over short excursions and over gaps with the rep there on both sides."""
    stays: list[tuple[int, int]] = []
    for first, last in runs:
        if stays and _is_same_stay(t, away, stays[-1][1], first):
            stays[-1] = (stays[-1][0], last)
        else:
            stays.append((first, last))
    return [Stay(float(t[a]), float(t[b]), _silence(t[a : b + 1])) for a, b in stays]


def _is_same_stay(t: Array, away: Array, left: int, back: int) -> bool:
    passed = t[back] - t[left]
    if back == left + 1:
        return bool(passed <= BRIDGE_S)
    farthest = float(away[left + 1 : back].max())
    return bool(passed <= EXCURSION_S and farthest <= EXCURSION_M)


SILENT_S = 90.0


def _silence(t: Array) -> float:
    """Seconds within that no fix tells of."""
    steps = np.diff(t)
    return float(steps[steps > SILENT_S].sum())


@dataclass(frozen=True)
class Flanks:
    """The last fix before a silence and the first after it, by their distance from the place."""

    before_m: float
    after_m: float
    seconds: float


def flanks(smooth: Track, start: float, end: float) -> Flanks | None:
    """The silence that covers the middle of the time from start to end."""
    middle = (start + end) / 2
    after = int(np.searchsorted(smooth.t, middle))
    if after == 0 or after == len(smooth):
        return None
    d = np.hypot(smooth.x[after - 1 : after + 1], smooth.y[after - 1 : after + 1])
    return Flanks(float(d[0]), float(d[1]), float(smooth.t[after] - smooth.t[after - 1]))


def longest_silence(track: Track, start: float, end: float) -> float:
    """The longest time without a fix from start to end."""
    inside = track.between(start, end).t
    return float(np.diff(np.concatenate([[start], inside, [end]])).max())


# ---- does it look like a real receiver? ----

MOVED_M = 5.0
EXACT_M = 0.6
"""Off a straight line at constant speed by less: no receiver is that good twice."""


@dataclass(frozen=True)
class Texture:
    """How natural a track looks."""

    moving: int
    """Triples of moving fixes at even steps."""
    exact_share: float
    """Of these, on a straight line at constant speed to half a metre."""
    standing: int
    """Steps shorter than MOVED_M."""
    frozen_share: float
    """Of these, to the very same coordinates."""
    one_accuracy_share: float
    """Of the fixes, with the commonest accuracy."""
    speeds: int
    """Pairs of moving fixes with reported speeds."""
    steady_share: float
    """Of these, with the very same speed."""


def texture(part: Track) -> Texture:
    """The small errors of a track: real ones always have them."""
    dt, step = np.diff(part.t), np.hypot(np.diff(part.x), np.diff(part.y))
    residual = _residuals(part, dt, step)
    standing = step[(step < MOVED_M) & (dt <= 120)]
    steady = _steady(part.speed)
    return Texture(
        moving=len(residual), exact_share=_share(residual < EXACT_M), standing=len(standing),
        frozen_share=_share(standing < 0.05), one_accuracy_share=_commonest(part.accuracy),
        speeds=len(steady), steady_share=_share(steady),
    )  # fmt: skip


def _residuals(part: Track, dt: Array, step: Array) -> Array:
    if len(part) < 3:
        return np.zeros(0)
    even = (np.abs(dt[1:] - dt[:-1]) <= 0.2 * dt[:-1]) & (dt[:-1] > 0) & (dt[:-1] <= 60)
    moves = (step[1:] > MOVED_M) & (step[:-1] > MOVED_M)
    share = dt[:-1] / np.maximum(dt[:-1] + dt[1:], 1e-9)
    x = part.x[:-2] + (part.x[2:] - part.x[:-2]) * share
    y = part.y[:-2] + (part.y[2:] - part.y[:-2]) * share
    return np.hypot(part.x[1:-1] - x, part.y[1:-1] - y)[even & moves]


def _steady(speed: Array) -> NDArray[np.bool_]:
    """For each pair of fixes on the move whether both reported one speed."""
    moves = (speed[1:] > 0.5) & (speed[:-1] > 0.5)
    return np.abs(speed[1:] - speed[:-1])[moves] < 0.005


def _share(mask: NDArray[np.bool_]) -> float:
    return float(mask.mean()) if len(mask) else 0.0


def _commonest(values: Array) -> float:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return 0.0
    return float(np.unique(known, return_counts=True)[1].max() / len(known))


def has_teleport(smooth: Track, fastest_mps: float) -> bool:
    """Whether the smoothed track jumps farther than anybody travels."""
    dt, step = np.diff(smooth.t), np.hypot(np.diff(smooth.x), np.diff(smooth.y))
    return bool(np.any((step > 400) & (step > fastest_mps * np.maximum(dt, 1.0))))
