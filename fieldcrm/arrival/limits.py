"""How often a link may be looked at: counted in Valkey, so that it holds over all web processes."""

from __future__ import annotations

import hashlib

from redis.exceptions import RedisError

from fieldcrm.arrival.model import LookedTooOften
from fieldcrm.kit import bus
from fieldcrm.kit.errors import Unavailable

WINDOW_S = 60
LOOKS_OF_A_LINK = 90
"""A page asks every four seconds; a family may look at one link."""
LOOKS_FROM_AN_ADDRESS = 240
MISSES_WINDOW_S = 15 * 60
MISSES_FROM_AN_ADDRESS = 30
"""Who asks for so many links that are none is guessing; then he sees no living one either."""


def take(token_hash: str, address: str) -> None:
    """Count a look; raises LookedTooOften, or Unavailable without Valkey: then nothing is live."""
    own, theirs, misses = _keys(token_hash, address)
    try:
        pipe = bus.connection().pipeline(transaction=True)
        for key in (own, theirs):
            pipe.incr(key)
            pipe.expire(key, WINDOW_S, nx=True)
        pipe.get(misses)
        looks, _, from_address, _, missed = pipe.execute()
    except RedisError as error:
        raise Unavailable("live") from error
    if int(missed or 0) >= MISSES_FROM_AN_ADDRESS:
        raise LookedTooOften(retry_after_s=MISSES_WINDOW_S)
    if looks > LOOKS_OF_A_LINK or from_address > LOOKS_FROM_AN_ADDRESS:
        raise LookedTooOften(retry_after_s=WINDOW_S)


def note_miss(token_hash: str, address: str) -> None:
    """Somebody asked for a link that never was."""
    key = _keys(token_hash, address)[2]
    try:
        pipe = bus.connection().pipeline(transaction=True)
        pipe.incr(key)
        pipe.expire(key, MISSES_WINDOW_S, nx=True)
        pipe.execute()
    except RedisError:
        return  # the answer is no anyway


def _keys(token_hash: str, address: str) -> tuple[str, str, str]:
    where = hashlib.sha256(address.encode()).hexdigest()[:32]
    return (
        f"arrival:link:{token_hash[:32]}",
        f"arrival:from:{where}",
        f"arrival:missed:{where}",
    )
