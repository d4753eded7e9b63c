"""Long work in short pieces: a little of it in each turn of the event loop, so that nobody waits.

Who sends one message is served when it comes. A large body, or hundreds of requests sent at once,
go on here instead, one piece of each after another, and never for longer than `TURN_S` before
everybody else has been looked after.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

TURN_S = 0.0003


class Lane:
    """Pieces of work that may wait for each other."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def add(self, piece: Callable[[], None]) -> None:
        """Have a piece done when it is its turn; it doesn't raise."""
        self._waiting.append(piece)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        until = time.perf_counter() + TURN_S
        for _ in range(len(self._waiting)):
            self._waiting[0]()
            self._waiting.popleft()
            if time.perf_counter() >= until:
                break
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._go_on)
