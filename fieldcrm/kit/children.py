"""Child processes that never outlive who started them."""

from __future__ import annotations

import ctypes
import signal
import sys

__all__ = ["die_with_parent", "fall_with_parent"]

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """In a fresh child: ask the kernel to end it when its parent dies, however that dies."""
    _on_death_of_parent(signal.SIGTERM)


def fall_with_parent() -> None:
    """As `die_with_parent`, at once: for a program whose half-made work is thrown away."""
    _on_death_of_parent(signal.SIGKILL)


def _on_death_of_parent(number: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
