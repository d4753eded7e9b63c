"""What `/healthz` answers: each part and its state."""

from __future__ import annotations

from typing import Any

from redis.exceptions import RedisError
from sqlalchemy import text

from fieldcrm.kit import database, pulse
from fieldcrm.tracking import unreadable

PARTS = ("gateway", "recorder", "optimiser")


def report() -> dict[str, Any]:
    """{"status": "ok" | "degraded", "parts": {part: "ok" | "down"}, "unreadable": pieces that the
    recorder put aside, or None}; asks, never guesses. Pieces aside hold nothing up: the status stays.
    """
    parts = {"web": "ok", **_working_parts(), "database": _database()}
    status = "ok" if all(state == "ok" for state in parts.values()) else "degraded"
    return {"status": status, "parts": parts, "unreadable": _aside()}


def _aside() -> int | None:
    try:
        return unreadable.count()
    except RedisError:
        return None


def _working_parts() -> dict[str, str]:
    try:
        living = pulse.living()
    except Exception:
        return dict.fromkeys(PARTS, "unknown") | {"redis": "down"}
    return {part: "ok" if part in living else "down" for part in PARTS} | {"redis": "ok"}


def _database() -> str:
    try:
        with database.reading() as session:
            session.execute(text("SELECT 1"))
    except Exception:
        return "down"
    return "ok"
