"""What every API request passes first: whose page sent it, how much it carries, headers of answers."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fieldcrm.api.problems import ForeignOrigin, problem, refused
from fieldcrm.kit.settings import settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
BODY_LIMIT = 1 << 20
EXPORT_LIMIT = 200 << 20
"""A phone's exported work with its photos."""
_FILE_PATHS = ("/api/v1/attachments/", "/api/v1/clients/imports")
_OWN_FILE = re.compile(r"/api/v1/client-fields/[a-z0-9_]+/files")
TRACK_LIMIT = 16 << 20
"""A GPX file."""
_SYNC_LIMIT = 8 << 20
"""200 mutations of the longest texts."""


class Gate:
    """ASGI: judges requests below /api, lets everything else through untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api"):
            return await self.app(scope, receive, send)
        request, answer = Request(scope), _with_headers(send)
        if not is_own_page(scope["method"], request.headers):
            return await refused(request, ForeignOrigin())(scope, receive, answer)
        limit = body_limit(scope["path"])
        if _promised_bytes(request.headers) > limit:
            return await problem(request, 413, "too_large")(scope, receive, answer)
        await self.app(scope, _counted(receive, limit), answer)


def is_own_page(method: str, headers: Headers) -> bool:
    """Whether a state-changing request comes from our own pages or from no browser at all.

    Browsers name the page's origin on every such request and say how it relates to this one; a
    program sends neither, and holds no cookie but its own.
    """
    if method in SAFE_METHODS:
        return True
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or _is_own_origin(origin, headers.get("host", ""))


def _is_own_origin(origin: str, host: str) -> bool:
    """The origin is the public address, or the very host the request was sent to."""
    if origin == settings().web_address:
        return True
    parts = urlsplit(origin)
    return parts.scheme in ("http", "https") and bool(host) and parts.netloc == host


def body_limit(path: str) -> int:
    """How many bytes a request to this path may carry."""
    if path == "/api/v1/sync/export":
        return EXPORT_LIMIT
    if path.startswith(_FILE_PATHS) or _OWN_FILE.fullmatch(path):
        return settings().upload_limit_mb << 20
    if path.startswith("/api/v1/tracks/"):
        return TRACK_LIMIT
    return _SYNC_LIMIT if path.startswith("/api/v1/sync/") else BODY_LIMIT


def _promised_bytes(headers: Headers) -> int:
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _counted(receive: Receive, limit: int) -> Receive:
    """Stop a body that is longer than it promised."""
    seen = 0

    async def wrapped() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413)
        return message

    return wrapped


def _with_headers(send: Send) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.setdefault("Cache-Control", "no-store")
            headers.setdefault("X-Content-Type-Options", "nosniff")
            headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
            headers.setdefault(
                "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"
            )
        await send(message)

    return wrapped
