"""Where the next page of a list of clients begins: the last row's place in the order; pure."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Any

from fieldcrm.clients.model import BadCursor

MOMENTS = ("updated_at", "created_at")


def written(sort: str, value: str, client_id: str) -> str:
    """A cursor behind a row."""
    text = json.dumps([sort, value, client_id], ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str, sort: str, *, is_number: bool = False) -> list[Any]:
    """[value, client's id] as the database compares them; raises BadCursor."""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        made_for, value, client_id = json.loads(base64.urlsafe_b64decode(padded))
        if made_for != sort or not (isinstance(value, str) and isinstance(client_id, str)):
            raise ValueError
        if "\x00" in value + client_id:
            raise ValueError
        return [_comparable(value, sort.removeprefix("-"), is_number), client_id]
    except (ValueError, TypeError) as error:
        raise BadCursor() from error


def _comparable(value: str, by: str, is_number: bool) -> Any:
    if is_number:
        return float(value)
    return datetime.fromisoformat(value) if by in MOMENTS else value
