"""Spells, stretches of one way of moving, each weighed as a whole (semi-Markov). Pure; numpy alone.

A chain that goes from place to place can't know how long a walk has lasted, how far it led, or
that it came back to where the car was left. So each stretch that a spell may be, of driving or on
foot, has a score of its own; all ways to cut a series into spells are then weighed against each
other. Arrays have a row for each of several series of equally many places; a spell from place i to
place j (both inclusive) is at [i, j].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fieldcrm.tracking.windows import Array

_NEAR_M = 3.0
"""Two places nearer than the error are one."""
_METRES = (0.0, 4.0, 8.0, 15.0, 25.0, 40.0, 70.0, 150.0, 400.0, 1500.0)
KNOTS = (
    (0.0, 0.15, 0.4, 0.8, 1.3, 1.9, 2.7, 4.0, 6.0, 10.0),
    tuple(np.log([5.0, 10, 15, 20, 30, 45, 70, 110, 200, 300]).tolist()),
    tuple(np.log(np.array(_METRES) + _NEAR_M).tolist()),
    tuple(np.log(np.array(_METRES) + _NEAR_M).tolist()),
    tuple(np.linspace(0, 1, 10).tolist()),
)
"""Of each measure's curve: its fastest step (m/s); logarithms of how long it lasted (s), how far
apart the places before and after it lie (m) and how far it led from the one before (m); and the
share of that way that was not gone back: a walk's end is where the car was left."""
WHOLE = (False, True, True, True, True)
"""Whether a measure says something only of a spell whose beginning and end were both seen."""


class Chances(NamedTuple):
    """Of all ways to cut each series into spells."""

    total: Array
    """Logarithm of the sum over all of them, one for each series."""
    driving: Array
    """How likely each spell of driving is, [series, i, j]."""
    foot: Array


def stretches(count: int) -> tuple[np.ndarray, np.ndarray]:
    """First and last places of all the spells that so many places can hold."""
    return np.triu_indices(count)


def is_whole(count: int) -> np.ndarray:
    """Which of `stretches` neither begin nor end where the series does."""
    first, last = stretches(count)
    return (first > 0) & (last < count - 1)


def measures(t: Array, x: Array, y: Array, shortest_s: float) -> list[Array]:
    """Of all `stretches` of series (rows), in the order and units of KNOTS."""
    count = t.shape[1]
    first, last = stretches(count)
    before, after = np.maximum(first - 1, 0), np.minimum(last + 1, count - 1)
    apart = np.hypot(x[:, :, None] - x[:, None], y[:, :, None] - y[:, None])
    led = np.maximum.accumulate(np.triu(apart), 2)[:, before, after] + _NEAR_M
    net = apart[:, before, after] + _NEAR_M
    lasted = np.maximum(t[:, last] - t[:, first], shortest_s)
    return [_fastest(t, apart, shortest_s)[:, first, last], np.log(lasted), np.log(net),
            np.log(led), net / led]  # fmt: skip


def _fastest(t: Array, apart: Array, shortest_s: float) -> Array:
    """The fastest step between any two places."""
    count = t.shape[1]
    own = np.arange(count - 1)
    steps = apart[:, own, own + 1] / np.maximum(np.diff(t, axis=1), shortest_s)
    into = np.concatenate([np.zeros((len(t), 1)), steps], axis=1)
    later = np.triu(np.ones((count, count), bool), 1)
    return np.maximum.accumulate(np.where(later, into[:, None, :], 0), 2)


def summed(scores: Array) -> Array:
    """What the scores of single places (rows) come to over each stretch, [series, i, j]."""
    told = np.cumsum(scores, axis=1)
    return told[:, None, :] - (told - scores)[:, :, None]


def weighed(driving: Array, foot: Array, to_driving: Array, to_foot: Array) -> Chances:
    """All ways to cut series into spells, by the scores of spells and of the steps between them."""
    count = driving.shape[1]
    shape = driving.shape[:2]
    begun, ended = np.full((2, *shape), -np.inf), np.empty((2, *shape))
    begun[:, :, 0] = 0
    after, rest = np.zeros((2, *shape)), np.empty((2, *shape))
    spells, turns = np.stack([driving, foot]), np.stack([to_driving, to_foot])
    by_end = np.ascontiguousarray(spells.swapaxes(2, 3))
    for j in range(count):
        ended[:, :, j] = _sum(begun[:, :, : j + 1] + by_end[:, :, j, : j + 1])
        if j + 1 < count:
            begun[:, :, j + 1] = ended[::-1, :, j] + turns[:, :, j]
    for i in range(count - 1, -1, -1):
        if i + 1 < count:
            after[:, :, i] = (turns[:, :, i] + rest[:, :, i + 1])[::-1]
        rest[:, :, i] = _sum(spells[:, :, i, i:] + after[:, :, i:])
    total = np.logaddexp(*ended[:, :, -1])
    logs = begun[..., None] + spells + after[:, :, None, :] - total[:, None, None]
    chances = np.triu(np.exp(np.minimum(logs, 0)))
    return Chances(total, chances[0], chances[1])


def _sum(logs: Array) -> Array:
    """log of the sum of exponentials over the last axis."""
    top = logs.max(axis=-1)
    return top + np.log(np.exp(logs - top[..., None]).sum(axis=-1))


def at_places(chances: Array) -> Array:
    """How likely each place lies in a spell of a kind: those begun by then and not yet ended."""
    begun, ended = np.cumsum(chances.sum(axis=2), 1), np.cumsum(chances.sum(axis=1), 1)
    ended = np.concatenate([np.zeros((len(ended), 1)), ended[:, :-1]], axis=1)
    return np.clip(begun - ended, 0, 1)
