"""Decisions of offline sync: which moment a wrong clock means. Pure."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from fieldcrm.sync.model import When

AHEAD = timedelta(minutes=2)
"""How far ahead of the server a corrected moment may be."""
OLDEST = timedelta(days=60)
"""A phone that was offline for longer has a broken clock rather than such patience."""
DOUBT_MS = 90_000
"""Offsets that differ by more mean that the phone's clock was turned in between."""


def moment(device_at: datetime, offset_ms: int, device_now: datetime | None, now: datetime) -> When:
    """When a mutation happened: its phone's clock corrected by the offset the phone measured.

    The server measures the offset again at each push, which shows a clock that was turned since,
    or an offset never measured; the difference is kept as doubt. The moment is never in the
    future; order comes from the sequence, so a wrong moment never reorders anything.
    """
    facts: dict[str, Any] = {}
    if device_now is not None:
        measured = round((now - device_now).total_seconds() * 1000)
        facts["measured_offset_ms"] = measured
        if abs(measured - offset_ms) > DOUBT_MS:
            facts["clock_doubt_ms"] = abs(measured - offset_ms)
    at = device_at + timedelta(milliseconds=offset_ms)
    if at > now + AHEAD or at < now - OLDEST:
        facts["clamped_from_ms"] = round(at.timestamp() * 1000)
        at = now
    return When(min(at, now), device_at, offset_ms, facts)


def digest(kind: str, subject_id: str, seq: int, payload: dict[str, Any]) -> str:
    """What makes two sendings of a mutation the same (SHA-256 hex); times may be told anew."""
    said = json.dumps([kind, subject_id, seq, payload], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(said.encode()).hexdigest()
