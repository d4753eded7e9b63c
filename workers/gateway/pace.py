"""When the next commit begins: soon, but not for every fix alone.

A commit of one fix costs as much as one of some dozens: the disk, two processes woken, their calls.
Where each fix had its own, gateway and store would be at work most of the time at 10,000 fixes/s,
and what comes in between waits for both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

LEAST_S, MOST_S = 0.001, 0.005
"""From the beginning of one commit to that of the next, unless enough waits."""
ENOUGH = 8


def gap_s(between_frames_s: float) -> float:
    """How long from commit to commit where a desk hears no more often than that.

    None of the desks sees a commit before its next frame, and many desks are much work of their own.
    In step with their frames, a fix waits but once.
    """
    return min(MOST_S, max(LEAST_S, between_frames_s))


class Pace:
    """Lets commits through: at once after a rest, else when enough waits or the time has come."""

    def __init__(self, between_frames_s: Callable[[], float] = float) -> None:
        """`between_frames_s` tells how often desks hear of something now; 0: nobody looks."""
        self._between_frames_s = between_frames_s
        self._gap_s = LEAST_S
        self._is_due = asyncio.Event()
        self._began_s = 0.0
        self._waiting = 0
        self._timer: asyncio.TimerHandle | None = None

    def more(self, messages: int = 1) -> None:
        """So many more messages want to be committed."""
        self._waiting += messages
        if self._waiting >= ENOUGH:
            self._is_due.set()
        elif self._timer is None:
            self._wind(self._left_s)

    def _wind(self, wait_s: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(max(0.0, wait_s), self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._waiting and (left_s := self._left_s) > self._gap_s / 4:
            self._wind(left_s)  # another commit began meanwhile
        elif self._waiting:
            self._is_due.set()

    @property
    def _left_s(self) -> float:
        return self._began_s + self._gap_s - time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether the next commit is to begin now."""
        return self._is_due.is_set()

    async def due(self) -> None:
        """Wait until the next commit is to begin."""
        await self._is_due.wait()

    def begin(self) -> None:
        """A commit begins, of all that waits."""
        self._is_due.clear()
        self._began_s, self._waiting = time.monotonic(), 0
        self._gap_s = gap_s(self._between_frames_s())
