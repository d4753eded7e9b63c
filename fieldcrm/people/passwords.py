"""Argon2id: hashing and checking, a bounded number at a time."""

from __future__ import annotations

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)  # OWASP's minimum
_turn = threading.BoundedSemaphore(4)
"""Each hash takes 19 MiB: a burst of sign-ins queues instead of eating the machine."""


def hash_password(password: str) -> str:
    """The Argon2id hash of a password, with its salt and parameters."""
    with _turn:
        return _hasher.hash(password)


def is_right(stored: str | None, password: str) -> bool:
    """Whether a password fits a stored hash; with None it takes as long and says no."""
    with _turn:
        try:
            return _hasher.verify(stored or _nobodys_hash(), password) and stored is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _nobodys_hash() -> str:
    return _hasher.hash("nobody has this password")


def wants_rehash(stored: str) -> bool:
    """Whether a hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)
