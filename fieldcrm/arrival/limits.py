"""How often links may be looked at: counted in Valkey, so that it holds over all web processes.

A living link is limited by itself alone: whoever shares the client's address, or stands behind the
same proxy, can't shut him out. Looks that find nothing are limited by address.
"""

from __future__ import annotations

import hashlib

from redis.exceptions import RedisError

from fieldcrm.arrival.model import LookedTooOften
from fieldcrm.kit import bus
from fieldcrm.kit.errors import Unavailable

WINDOW_S = 60
LOOKS_OF_A_LINK = 90
"""A page asks every four seconds; a family may look at one link."""
MISSES_FROM_AN_ADDRESS = 60


def count_look(link_id: str) -> None:
    """Count a look at a living link; raises LookedTooOften, or Unavailable without Valkey."""
    try:
        looks = _counted(f"arrival:link:{link_id}")
    except RedisError as error:
        raise Unavailable("live") from error
    if looks > LOOKS_OF_A_LINK:
        raise LookedTooOften(retry_after_s=WINDOW_S)


def count_miss(address: str) -> None:
    """Count a look at what is over or never was; raises LookedTooOften."""
    where = hashlib.sha256(address.encode()).hexdigest()[:32]
    try:
        misses = _counted(f"arrival:missed:{where}")
    except RedisError:
        return  # the answer is no anyway
    if misses > MISSES_FROM_AN_ADDRESS:
        raise LookedTooOften(retry_after_s=WINDOW_S)


def _counted(key: str) -> int:
    pipe = bus.connection().pipeline(transaction=True)
    pipe.incr(key)
    pipe.expire(key, WINDOW_S, nx=True)
    return int(pipe.execute()[0])
