"""The chance that the compiled searches draw on: the same numbers for the same seed, everywhere."""

from __future__ import annotations

import numpy as np

from workers.optimiser.compiled import compiled

_WARM_UP = 8


def seeded(seed: int) -> np.ndarray:
    """The generator's state (uint64, shape (1,)) for a seed, past its first lean numbers."""
    state = np.array([seed * 2 + 0x9E3779B97F4A7C15], np.uint64)
    for _ in range(_WARM_UP):
        draw(state)
    return state


@compiled
def draw(random):  # type: ignore[no-untyped-def]
    """A uniform number in [0, 1): xorshift64*."""
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    x = x * np.uint64(2685821657736338717)
    return np.float64(x >> np.uint64(11)) * (1.0 / 9007199254740992.0)
