"""The page behind an arrival link: built beside the others, answered 410 once its link is over."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from fieldcrm.api.problems import language_of
from fieldcrm.arrival import service as arrival

PREFIX = "/arrival/"
_TOKEN = re.compile(r"/arrival/([0-9A-Za-z_-]{16,64})/?")
_ALIVE, _OVER = 'data-state="live"', 'data-state="over"'
_HEADERS = {
    "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "Vary": "Accept-Language",
    "X-Robots-Tag": "noindex, nofollow",
    "Permissions-Policy": "geolocation=(), camera=(), microphone=()",
    "Content-Security-Policy": "; ".join((
        "default-src 'none'", "script-src 'self'", "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:", "connect-src 'self'", "worker-src 'self' blob:",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    )),
}  # fmt: skip


def answer(request: Request, folder: Path) -> Response:
    """The page in the reader's language; `folder` holds what was built."""
    language = language_of(request.headers.get("accept-language", ""))
    file = folder / "arrival" / f"page-{language}.html"
    if not file.is_file():
        return PlainTextResponse("not found", 404)
    page, named = file.read_text(encoding="utf-8"), _TOKEN.fullmatch(request.url.path)
    if named and arrival.is_alive(named[1]):
        return HTMLResponse(page, 200, _HEADERS)
    return HTMLResponse(page.replace(_ALIVE, _OVER, 1), 410, _HEADERS)
