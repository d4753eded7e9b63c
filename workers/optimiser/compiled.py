"""How the searches' inner functions are compiled."""

from __future__ import annotations

from typing import Any

from numba import njit

_UNCOUNTED: dict[str, Any] = {"cache": True, "_nrt": False}

compiled = njit(**_UNCOUNTED)
"""For functions that make no array: without counting references.

A state is some forty arrays. Counted, each call of a small function locks and unlocks all of them,
which took two thirds of a search's time. Such a function can't allocate: no sorting, no copies of
slices (`a[:] = b` makes one; a loop doesn't).
"""
