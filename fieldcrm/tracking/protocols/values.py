"""Reading single values as phones write them: text or number, null anywhere, negative unknown."""

from __future__ import annotations

import math
from datetime import UTC, datetime

_SECONDS_BELOW = 2**31 - 1
_LATEST_MS = 253_402_300_799_000  # the year 9999


def number(value: object) -> float | None:
    """A finite number from a number or text; None from anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def measure(value: object, factor: float = 1.0) -> float | None:
    """A number in our unit; negative means unknown."""
    read = number(value)
    return None if read is None or read < 0 else read * factor


def percent(value: object, factor: float = 1.0) -> float | None:
    """A battery level in percent; out of 0 to 100 is unknown."""
    read = measure(value, factor)
    return read if read is not None and read <= 100 else None


def flag(value: object) -> bool | None:
    """True or false from JSON or text."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower() if isinstance(value, str | int | float) else ""
    if word in ("true", "1", "1.0", "yes"):
        return True
    return False if word in ("false", "0", "0.0", "no") else None


def seconds(value: object) -> int | None:
    """Epoch ms from epoch seconds."""
    read = number(value)
    return _ms(read * 1000) if read is not None else None


def moment(value: object) -> int | None:
    """Epoch ms from epoch seconds, milliseconds (2^31 and above), ISO 8601 or `Y-m-d H:M:S` (UTC)."""
    read = number(value)
    if read is not None:
        return _ms(read * 1000 if read < _SECONDS_BELOW else read)
    return iso(value)


def iso(value: object) -> int | None:
    """Epoch ms from ISO 8601; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    aware = read if read.tzinfo else read.replace(tzinfo=UTC)
    return _ms(aware.timestamp() * 1000)


def _ms(value: float) -> int | None:
    return round(value) if 0 <= value <= _LATEST_MS else None


def mapping(value: object) -> dict[str, object]:
    """A JSON object, or an empty one where something else stands."""
    return value if isinstance(value, dict) else {}
