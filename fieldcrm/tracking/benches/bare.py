"""What answers in a replay's bench: the API, and the least that an HTTP answer can be, a bare ASGI app
whose path says how many bytes it gives."""

from __future__ import annotations

import gc
from functools import cache
from importlib import import_module
from typing import Any


def api() -> Any:
    """The API alone, kept from the garbage collector's looks as a web process keeps it."""
    made = import_module("fieldcrm.api.app").make_api()
    gc.collect()
    gc.freeze()
    return made


@cache
def _body(size: int) -> bytes:
    return bytes(size)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """`GET /24000` answers 24,000 bytes."""
    if scope["type"] != "http":
        return
    body = _body(int(scope["path"][1:]))
    headers = [(b"content-type", b"application/octet-stream")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
