"""How much a device or an address may ask for: token buckets, bounded in number."""

from __future__ import annotations

from collections import OrderedDict

CONNECTIONS = 20_000
CONNECTIONS_PER_ADDRESS = 2_000
FIXES_PER_S, FIXES_AT_ONCE = 200.0, 200_000.0
"""Per device; a backlog of 100,000 fixes passes at once, a flood is slowed to the rate."""
FAILURES_PER_S, FAILURES_AT_ONCE = 0.5, 30.0
"""Unknown tokens per address."""


class Buckets:
    """Token buckets by key: `take` says how long to wait, in seconds, before more is welcome."""

    def __init__(self, per_s: float, at_once: float, most_keys: int = 50_000) -> None:
        self._per_s, self._at_once, self._most = per_s, at_once, most_keys
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, amount: float, now_s: float) -> float:
        """Take an amount, even into debt; the wait that pays the debt off, or 0."""
        left, at = self._left.pop(key, (self._at_once, now_s))
        left = min(self._at_once, left + (now_s - at) * self._per_s) - amount
        self._left[key] = (left, now_s)
        if len(self._left) > self._most:
            self._left.popitem(last=False)
        return max(0.0, -left / self._per_s)

    def is_empty(self, key: str, now_s: float) -> bool:
        """Whether nothing is left for a key, without taking."""
        left, at = self._left.get(key, (self._at_once, now_s))
        return left + (now_s - at) * self._per_s < 1
