"""Redis/Valkey connections and the names of what is kept and published there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import redis
import redis.asyncio

from fieldcrm.kit.settings import settings

FIX_STREAM = "fixes"
"""Stream of fix batches from gateway to recorder."""


@cache
def connection() -> redis.Redis:
    """The process's blocking client, answers as bytes."""
    return redis.Redis.from_url(settings().redis, socket_timeout=10, socket_connect_timeout=2)


def async_connection() -> redis.asyncio.Redis:
    """A new asyncio client; the caller closes it."""
    return redis.asyncio.Redis.from_url(settings().redis, socket_connect_timeout=2)


def phone_channel(rep_id: str) -> str:
    """Where a rep's phones listen: {"t": "pull"}."""
    return f"phone:{rep_id}"


def desk_channel(team_id: str) -> str:
    """Where desks of a team listen: {"t": "changed" | "alert" | "job" | "verdict", ...}."""
    return f"desk:{team_id}"


def publish(channel: str, notice: dict[str, Any]) -> None:
    """Publish one JSON notice."""
    publish_all([(channel, notice)])


def publish_all(notices: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Publish JSON notices in one round trip."""
    pipe = connection().pipeline(transaction=False)
    for channel, notice in notices:
        pipe.publish(channel, json.dumps(notice, separators=(",", ":")))
    pipe.execute()
