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

_MOST = 600.0
"""Scores beyond it are as good as certain; its exponential is still a float."""
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


def weighed(
    places: Array, driving: Array, foot: Array, to_driving: Array, to_foot: Array
) -> Chances:
    """All ways to cut series into spells, by how much each place speaks for driving (rows), by the
    scores of whole spells, and by those of the steps between them."""
    lift = np.maximum(places, 0)
    shares = _shares(places, lift, driving, foot)
    turns = np.exp(np.stack([to_driving, to_foot]))
    begun, ended = _begun(shares, turns)
    after = _after(shares, turns)
    shares *= (begun / ended[:, None])[..., None]
    shares *= after[:, :, None]
    return Chances(np.log(ended / begun[0, :, 0]) + lift.sum(axis=1), shares[0], shares[1])


def _shares(places: Array, lift: Array, driving: Array, foot: Array) -> Array:
    """Exponentials of the scores of driving spells and those on foot, [kind, series, i, j].

    Of every way to cut a series the better of both ways at each place is taken off, so that what
    these multiply to over a whole series stays within what a float holds.
    """
    scores = np.stack([driving + summed(places - lift), foot - summed(lift)])
    return np.triu(np.exp(np.minimum(scores, _MOST, out=scores), out=scores))


def _begun(shares: Array, turns: Array) -> tuple[Array, Array]:
    """What leads up to each spell's beginning, [kind, series, i], and to the end of all.

    In shares of the more likely of the two labellings without a change, for the same reason.
    """
    begun = np.zeros(shares.shape[:-1])
    begun[..., 0] = 1 / np.maximum(shares[..., 0, -1].max(axis=0), np.exp(-_MOST))
    ended, count = begun[..., 0], begun.shape[-1]
    for j in range(count):
        ended = np.einsum("kbi,kbi->kb", begun[..., : j + 1], shares[..., : j + 1, j])
        if j + 1 < count:
            begun[..., j + 1] = ended[::-1] * turns[..., j]
    return begun, ended.sum(axis=0)


def _after(shares: Array, turns: Array) -> Array:
    """What may follow each spell's end, [kind, series, j]."""
    after = np.ones(shares.shape[:-1])
    for i in range(after.shape[-1] - 1, 0, -1):
        rest = np.einsum("kbj,kbj->kb", shares[..., i, i:], after[..., i:])
        after[..., i - 1] = (rest * turns[..., i - 1])[::-1]
    return after


def at_places(chances: Array) -> Array:
    """How likely each place lies in a spell of a kind: those begun by then and not yet ended."""
    begun, ended = np.cumsum(chances.sum(axis=2), 1), np.cumsum(chances.sum(axis=1), 1)
    ended = np.concatenate([np.zeros((len(ended), 1)), ended[:, :-1]], axis=1)
    return np.clip(begun - ended, 0, 1)
