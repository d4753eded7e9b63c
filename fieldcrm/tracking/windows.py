"""Stretches of a series by time: which values lie around each moment, and their greatest. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]
Run = tuple[int, int]
"""Indices of the first and the last value, both inclusive."""


def around(t: Array, seconds: float) -> tuple[Indices, Indices]:
    """First and last moment within `seconds` of each, its neighbours at the least."""
    own = np.arange(len(t))
    first = np.minimum(np.searchsorted(t, t - seconds), np.maximum(own - 1, 0))
    last = np.searchsorted(t, t + seconds, side="right") - 1
    return first, np.maximum(last, np.minimum(own + 1, len(t) - 1))


def highest(values: Array, first: Indices, last: Indices) -> Array:
    """The greatest value of each stretch first..last, by maxima over powers of two."""
    widths = last - first + 1
    tables, width = [values], 1
    while 2 * width <= int(widths.max(initial=0)):
        before = tables[-1]
        tables.append(np.maximum(before[:-width], before[width:]))
        width *= 2
    level = np.frexp(widths)[1] - 1
    found = np.empty(len(first))
    for k in np.unique(level):
        which, table = level == k, tables[k]
        found[which] = np.maximum(table[first[which]], table[last[which] - 2**k + 1])
    return found


def covered(count: int, first: Indices, last: Indices) -> Mask:
    """Which of `count` values lie in at least one of the stretches."""
    edges = np.zeros(count + 1, int)
    np.add.at(edges, first, 1)
    np.add.at(edges, last + 1, -1)
    return np.cumsum(edges[:-1]) > 0


def runs(which: Mask) -> list[Run]:
    """The runs of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], which, [False]]).astype(int)))
    return [(int(a), int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
