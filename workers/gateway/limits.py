"""How much a device or an address may ask for: token buckets, bounded in number."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections import OrderedDict
from contextlib import suppress

CONNECTIONS = 20_000
FILES_BESIDE = 200
"""What a process has open beside its connections."""
CONNECTIONS_PER_ADDRESS = 2_000
UNREAD_BY_US = 32_768
"""Bytes of a connection in the kernel."""
SOCKETS_PER_DEVICE, SOCKETS_PER_REP = 2, 8
"""Of one gateway: one socket and its successor while the old one is still dying; several phones."""
REPLACED = 4409
"""Close code: newer sockets of this device or rep took the place; coming again only pushes out
another, so a phone comes again when a person looks at it."""
FIXES_PER_S, FIXES_AT_ONCE = 200.0, 200_000.0
"""Per device; a backlog of 100,000 fixes passes at once, a flood is slowed to the rate."""
FAILURES_PER_S, FAILURES_AT_ONCE = 0.5, 30.0
"""Unknown tokens per address."""
OPENINGS_PER_S, OPENINGS_AT_ONCE = 2.0, 60.0
"""Sockets that one device's token or one session opens: no phone comes back so often for long."""


def allow_files(wanted: int = CONNECTIONS + FILES_BESIDE) -> int:
    """Ask for as many open files as this process may have, up to `wanted`; returns the limit now.

    A login shell usually starts programs with 1,024, which a thousand phones use up.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    now = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if now == resource.RLIM_INFINITY else now


def read_little_at_once(server: asyncio.Server) -> None:
    """Have the kernel hold little of what a connection sends and nobody has read yet.

    As much comes with one reading: hundreds of large bodies at once must not keep a phone waiting
    that sends one fix.
    """
    for listener in server.sockets:
        with socket.socket(fileno=os.dup(listener.fileno())) as ours:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UNREAD_BY_US)


class Bucket:
    """One token bucket: `take` says how long to wait, in seconds, before more is welcome."""

    __slots__ = ("_at_once", "_per_s", "at_s", "left")

    def __init__(self, per_s: float, at_once: float, now_s: float) -> None:
        self._per_s, self._at_once = per_s, at_once
        self.left, self.at_s = at_once, now_s

    def take(self, amount: float, now_s: float) -> float:
        """Take an amount, even into debt; the wait that pays the debt off, or 0."""
        left = self.left + (now_s - self.at_s) * self._per_s
        self.left = left = (left if left < self._at_once else self._at_once) - amount
        self.at_s = now_s
        return 0.0 if left >= 0 else -left / self._per_s

    def level(self, now_s: float) -> float:
        """What is in it now."""
        return min(self._at_once, self.left + (now_s - self.at_s) * self._per_s)


class Buckets:
    """Token buckets by key, the longest unused forgotten."""

    def __init__(self, per_s: float, at_once: float, most_keys: int = 50_000) -> None:
        self._per_s, self._at_once, self._most = per_s, at_once, most_keys
        self._by_key: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, key: str, now_s: float) -> Bucket:
        """A key's bucket, to be kept by whom asks often."""
        bucket = self._by_key.get(key)
        if bucket is None:
            bucket = self._by_key[key] = Bucket(self._per_s, self._at_once, now_s)
            if len(self._by_key) > self._most:
                self._by_key.popitem(last=False)
        else:
            self._by_key.move_to_end(key)
        return bucket

    def take(self, key: str, amount: float, now_s: float) -> float:
        """Take an amount from a key's bucket; how long to wait, in seconds."""
        return self.of(key, now_s).take(amount, now_s)

    def is_empty(self, key: str, now_s: float) -> bool:
        """Whether nothing is left for a key, without taking."""
        bucket = self._by_key.get(key)
        return bucket is not None and bucket.level(now_s) < 1
