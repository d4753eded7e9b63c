"""On foot or driving: a conditional chain of spells over the places of a way. Pure; numpy alone.

Each place has a score for driving, each step two for changing over, each spell one for being one
(`tracking.spells`). A score is a sum of curves, one for each signal (speeds over several times, by
length and by net distance, straight between KNOTS_MPS; of a spell what `spells.KNOTS` says). The weights of the curves are learnt (`benches.fit_modes`, decision 0013), as all else
is not: nobody can say by reasoning how sure 1.9 m/s over 45 s makes of a car.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec
import numpy as np

from fieldcrm.tracking import parameters as p
from fieldcrm.tracking import spells
from fieldcrm.tracking.cleaning import Way
from fieldcrm.tracking.windows import Array, Indices, Mask, around, highest, runs

KNOTS_MPS = (0.0, 0.15, 0.4, 0.8, 1.3, 1.9, 2.7, 4.0, 6.0, 10.0)
"""Close where standing, strolling, walking and rolling part; a tenth is the error of a minute."""
AROUND_S = (7.5, 12.5, 22.5, 42.5, 90.0)
"""Half widths of the windows: from one step of 5 s on each side to a walk to a door and back."""
BESIDE_S = (12.5, 27.5, 60.0)
"""Before a step and after it: two steps of 5 s and five, with half a step's doubt, and a minute."""
SHORTEST_S = 1.0
"""Two fixes closer in time count as this far apart."""
SPAN = 72
"""Places looked at together: six minutes of a fix each 5 s, as in the traces learnt from."""
_AT_ONCE = 64
"""So many spans are weighed side by side: some 30 MB."""
_LEAST = 1e-300


class Mode(StrEnum):
    """How somebody moves."""

    foot = "foot"
    driving = "driving"


class Weights(msgspec.Struct, frozen=True):
    """What the chain has learnt; each curve has a value at each of KNOTS_MPS."""

    places: list[list[float]]
    """A curve for each of `place_signals`: how much it speaks for driving."""
    places_bias: float
    to_driving: list[list[float]]
    """A curve for each of `step_signals`: how much it speaks for getting in on this step."""
    to_driving_bias: float
    to_foot: list[list[float]]
    to_foot_bias: float
    driving_spells: list[list[float]]
    """A curve for each of `spells.measures`: how much it speaks for one spell of driving."""
    foot_spells: list[list[float]]


@cache
def learnt() -> Weights:
    """The weights that the product uses."""
    return msgspec.json.decode(Path(__file__).with_name("modes.json").read_bytes(), type=Weights)


@dataclass(frozen=True)
class Speeds:
    """Speeds over each step, and over the step before and after each place."""

    step: Array
    into: Array
    out: Array


def speeds(way: Way) -> Speeds:
    """Of a way of two places or more."""
    step = np.hypot(np.diff(way.x), np.diff(way.y)) / _at_least(np.diff(way.t))
    return Speeds(step, np.append(step[:1], step), np.append(step, step[-1:]))


def _at_least(seconds: Array) -> Array:
    return np.maximum(seconds, SHORTEST_S)


def place_signals(way: Way) -> list[Array]:
    """Speeds (m/s) around each place: of the steps beside it, then for each window six."""
    v = speeds(way)
    return [v.into, v.out, *(s for k in AROUND_S for s in _window(way, v.step, k))]


def _window(way: Way, step: Array, seconds: float) -> list[Array]:
    """Net and along the way; the fastest step before, after, of both, and of the slower side."""
    first, last = around(way.t, seconds)
    own, top = np.arange(len(way)), len(step) - 1
    before = highest(step, np.minimum(first, top), np.maximum(own - 1, np.minimum(first, top)))
    after = highest(step, np.minimum(own, top), np.maximum(last - 1, np.minimum(own, top)))
    return [
        *_net_and_told(way, first, last), before, after, np.maximum(before, after),
        np.minimum(before, after),
    ]  # fmt: skip


def step_signals(way: Way) -> list[Array]:
    """Speeds (m/s) of each step, of the one before and the one after: cars stop to be left.

    Then for each of BESIDE_S, net and along the way, what led to the step and what came of it.
    """
    v = speeds(way)
    own = np.arange(len(way))
    beside = []
    for first, last in (around(way.t, seconds) for seconds in BESIDE_S):
        beside += [s[:-1] for s in _net_and_told(way, first, own)]
        beside += [s[1:] for s in _net_and_told(way, own, last)]
    return [v.step, v.into[:-1], v.out[1:], *beside]


def _net_and_told(way: Way, first: Indices, last: Indices) -> tuple[Array, Array]:
    """Speeds from one place to another, straight and along the way."""
    told = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(way.x), np.diff(way.y)))])
    lasted = _at_least(way.t[last] - way.t[first])
    net = np.hypot(way.x[last] - way.x[first], way.y[last] - way.y[first]) / lasted
    return net, (told[last] - told[first]) / lasted


def driving_odds(way: Way, weights: Weights | None = None) -> Array:
    """Log odds of driving at each place, all the others considered: to decide by, too sure to quote."""
    if len(way) < 2:
        return np.full(len(way), -np.inf)
    w = weights or learnt()
    steps = step_signals(way)
    scores = w.places_bias + _curves(place_signals(way), w.places)
    to_driving = w.to_driving_bias + _curves(steps, w.to_driving)
    to_foot = w.to_foot_bias + _curves(steps, w.to_foot)
    odds, spans = np.empty(len(way)), _spans(len(way))
    for some in np.array_split(spans, -(-len(spans) // _AT_ONCE)):
        told = _spell_odds(
            way, some, scores[some], to_driving[some[:, :-1]], to_foot[some[:, :-1]], w
        )
        for places, each in zip(some, told, strict=True):
            inner = len(each) // 4 if places[0] else 0  # a span knows most of its middle
            odds[places[inner:]] = each[inner:]
    return odds


def _spans(count: int) -> Indices:
    """Rows of SPAN places on end, overlapping by half; one of all where there are fewer."""
    span = min(SPAN, count)
    starts = np.append(np.arange(0, count - span, max(1, span // 2)), count - span)
    return starts[:, None] + np.arange(span)


def _spell_odds(
    way: Way, places: Indices, scores: Array, to_driving: Array, to_foot: Array, w: Weights
) -> Array:
    """Log odds of driving at each place of several spans (rows), all cuts into spells weighed."""
    seen = spells.measures(way.t[places], way.x[places], way.y[places], SHORTEST_S)
    chances = spells.weighed(
        scores, _spell_scores(seen, places.shape[1], w.driving_spells),
        _spell_scores(seen, places.shape[1], w.foot_spells), to_driving, to_foot,
    )  # fmt: skip
    driving, foot = (
        np.maximum(spells.at_places(c), _LEAST) for c in (chances.driving, chances.foot)
    )
    return np.log(driving) - np.log(foot)


def _spell_scores(seen: Sequence[Array], count: int, curves: Sequence[Sequence[float]]) -> Array:
    """A score for each spell, [span, first, last]."""
    found = np.zeros((len(seen[0]), count, count))
    first, last = spells.stretches(count)
    whole = spells.is_whole(count)
    for values, knots, curve, is_of_whole in zip(
        seen, spells.KNOTS, curves, spells.WHOLE, strict=True
    ):
        found[:, first, last] += np.interp(values, knots, curve) * (whole if is_of_whole else 1)
    return found


def _curves(signals: Sequence[Array], curves: Sequence[Sequence[float]]) -> Array:
    return np.sum(
        [np.interp(s, KNOTS_MPS, c) for s, c in zip(signals, curves, strict=True)], axis=0
    )


def is_driving(way: Way, weights: Weights | None = None) -> Mask:
    """Whether somebody drives at each place; a change shorter than LEAST_MODE_S is none."""
    driving = driving_odds(way, weights) > 0
    for value in (True, False):
        for a, b in runs(driving == value):
            is_inner = a > 0 and b < len(way) - 1
            if is_inner and way.t[b + 1] - way.t[a - 1] < p.LEAST_MODE_S:
                driving[a : b + 1] = not value
    return driving
