"""UUIDv7 ids (RFC 9562): sortable by time, made by phones and server alike."""

from __future__ import annotations

import os
import re
from datetime import datetime

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def new_id(at: datetime | None = None) -> str:
    """A UUIDv7 as canonical text; `at` (aware) sets its time part, for tests and history."""
    from fieldcrm.kit import clock

    ms = round((at or clock.now()).timestamp() * 1000) & ((1 << 48) - 1)
    random = int.from_bytes(os.urandom(10), "big")
    value = ms << 80 | 7 << 76 | (random >> 68 & 0xFFF) << 64 | 2 << 62 | random & ((1 << 62) - 1)
    digits = f"{value:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def is_id(text: object) -> bool:
    """Whether a text is a canonical lower-case UUID."""
    return isinstance(text, str) and _CANONICAL.fullmatch(text) is not None
