"""The web process: built files, the region's map, health, and everything else to Reflex and the API."""

from __future__ import annotations

import asyncio
import base64
import gc
import hashlib
import mimetypes
import os
import re
import sys
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fieldcrm.kit import i18n, pulse
from fieldcrm.kit.settings import settings
from fieldcrm.ops import arrival_page, build
from fieldcrm.reports import health
from fieldcrm.sync import copying

_HASHED = re.compile(r"[-.][A-Za-z0-9_-]{8,}\.(js|css|mjs|woff2|png|svg)$")
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
CROWD: dict[str, Any] = {"backlog": 2048, "backpressure": 2048}
"""Connections waiting and served at once. By default 128 of each: the 257th phone's first word would be
dropped, and it would try again after 1, 3, 7, 15, 31 and 63 s."""
_PASSED_ON = ("/api", "/_event", "/_upload", "/ping", "/_health", "/auth-codespace")

mimetypes.add_type("application/manifest+json", ".webmanifest")
mimetypes.add_type("text/javascript", ".mjs")


class Web:
    """ASGI: looks a path up among the built files, else passes the request on to the app."""

    def __init__(self, app: ASGIApp, folder: Path) -> None:
        self.app = app
        self.folder = folder
        self.files = _list_files(folder)
        self.page_policy = _content_security_policy(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(_PASSED_ON):
            return await self.app(scope, receive, _with_headers(send, _BASIC))
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, _with_headers(send, _BASIC))

    async def _answer(self, request: Request) -> Response:
        path = request.url.path
        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("method not allowed", 405, {"Allow": "GET, HEAD"})
        if path == "/healthz":
            return _health_response(await asyncio.to_thread(health.report))
        if path.startswith("/region/style-"):
            asked = request.query_params
            language = asked.get("lang") or asked.get("language") or i18n.DEFAULT
            return await asyncio.to_thread(_region_style, path.removeprefix("/region/"), language)
        if path.startswith("/region/"):
            return _region_file(path.removeprefix("/region/"))
        if path.startswith(arrival_page.PREFIX) and not path.endswith((".js", ".css")):
            return await asyncio.to_thread(arrival_page.answer, request, self.folder)
        return self._built_file(request, path)

    def _built_file(self, request: Request, path: str) -> Response:
        found = self._lookup(path)
        if isinstance(found, str):
            return Response(status_code=308, headers={"Location": found})
        status = 200 if found else 404
        file = found or self.files.get("404.html")
        if file is None:
            return PlainTextResponse("not found", 404)
        return self._send_file(request, file, path if found else "/404.html", status)

    def _lookup(self, path: str) -> Path | str | None:
        """The file for a path, or where to go instead, or None."""
        name = path.strip("/")
        if name in ("rep",) and not path.endswith("/"):
            return "/rep/"
        for candidate in (name, f"{name}/index.html".lstrip("/"), f"{name}.html"):
            if candidate in self.files:
                return self.files[candidate]
        return self.files.get("rep/index.html") if name.startswith("rep/") else None

    def _send_file(self, request: Request, file: Path, path: str, status: int) -> Response:
        headers = {"Cache-Control": _cache_rule(file.name), "Vary": "Accept-Encoding"}
        if file.suffix == ".html":
            headers["Content-Security-Policy"] = self.page_policy
        if path.startswith("/rep/sw.js"):
            headers["Service-Worker-Allowed"] = "/rep/"
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        packed = self.files.get(str(file.relative_to(self.folder)) + ".gz")
        if packed and "gzip" in request.headers.get("accept-encoding", ""):
            return FileResponse(packed, status, headers | {"Content-Encoding": "gzip"}, kind)
        return FileResponse(file, status, headers, kind)


_BASIC = {
    b"x-content-type-options": b"nosniff",
    b"referrer-policy": b"same-origin",
    b"x-frame-options": b"DENY",
    b"permissions-policy": b"geolocation=(self), camera=(self), microphone=(self)",
}  # fmt: skip


def _with_headers(send: Send, extra: dict[bytes, bytes]) -> Send:
    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", [])}
            added = [(k, v) for k, v in extra.items() if k not in present]
            message = {**message, "headers": [*message.get("headers", []), *added]}
        await send(message)

    return wrapped


def _list_files(folder: Path) -> dict[str, Path]:
    """Every built file by its path; nothing outside this list is ever served."""
    return {str(p.relative_to(folder)): p for p in folder.rglob("*") if p.is_file()}


def _cache_rule(name: str) -> str:
    return "public, max-age=31536000, immutable" if _HASHED.search(name) else "no-cache"


def _content_security_policy(folder: Path) -> str:
    """Scripts only from here: inline ones by their hash. Reflex evaluates scripts its events send,
    so `unsafe-eval` stays."""
    hashes = sorted({h for page in folder.rglob("*.html") for h in _inline_hashes(page)})
    gateway = settings().gateway_address
    sockets = f"{gateway} {gateway.replace('http', 'ws', 1)}"
    return "; ".join((
        "default-src 'self'",
        f"script-src 'self' 'unsafe-eval' {' '.join(hashes)}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "worker-src 'self' blob:",
        f"connect-src 'self' {_own_sockets()} {sockets}",
        "object-src 'none'", "base-uri 'self'", "frame-ancestors 'none'", "form-action 'self'",
    ))  # fmt: skip


def _own_sockets() -> str:
    """Sockets of this host whatever name the browser uses for it."""
    s = settings()
    ports = {s.port, s.gateway_port}
    kind = ("https", "wss") if s.tls else ("http", "ws")
    return " ".join(f"{k}://*:{port}" for port in sorted(ports) for k in kind)


def _inline_hashes(page: Path) -> list[str]:
    scripts = _INLINE_SCRIPT.findall(page.read_bytes())
    digests = (base64.b64encode(hashlib.sha256(s).digest()).decode() for s in scripts if s.strip())
    return [f"'sha256-{d}'" for d in digests]


def _health_response(found: dict[str, Any]) -> Response:
    status = 200 if found["status"] == "ok" else 503
    return JSONResponse(found, status, {"Cache-Control": "no-store"})


def _region_style(name: str, language: str) -> Response:
    """A style of the region's basemap, with names in the reader's language."""
    from fieldcrm.regions.style import basemap_style

    if name not in ("style-light.json", "style-dark.json"):
        return PlainTextResponse("not found", 404)
    theme = "dark" if "dark" in name else "light"
    known = language if language in i18n.LANGUAGES else i18n.DEFAULT
    style = basemap_style(theme, "pmtiles:///region/basemap.pmtiles", known)
    return JSONResponse(style, headers={"Cache-Control": "no-cache"})


def _region_file(name: str) -> Response:
    """The region's basemap, with byte ranges, and what it shows.

    Looked at here and not in a thread: a crowd that fetches its map would change threads twice for it.
    """
    file = settings().region_dir / name
    if name not in ("basemap.pmtiles", "region.json") or not file.is_file():
        return PlainTextResponse("not found", 404)
    kind = "application/vnd.pmtiles" if name.endswith(".pmtiles") else "application/json"
    headers = {"Cache-Control": "no-cache"}
    return FileResponse(file, media_type=kind, headers=headers, stat_result=file.stat())


def make() -> Web:
    """The ASGI app of a web process; the pages must have been built."""
    os.environ.setdefault("REFLEX_ENV_MODE", "prod")
    os.environ.setdefault("REFLEX_TELEMETRY_ENABLED", "false")
    os.environ["__REFLEX_SKIP_COMPILE"] = "true"
    os.environ.setdefault("REFLEX_API_URL", settings().web_address)
    os.chdir(build.PROJECT)
    gc.freeze()  # what is loaded so far stays one memory
    copying.crowd.gather()
    from fieldcrm.fieldcrm import app

    pulse.keep_beating("web")
    made = Web(app(), build.CLIENT)
    keep_what_is_loaded()
    return made


def keep_what_is_loaded() -> None:
    """Look no more for garbage among what a web process keeps anyway, and seldom among the rest:
    an answer is some thousand small objects that live as long as it does, and each would pay for it
    (a twelfth of the processor when 300 phones sync for the first time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(0.0005)  # who writes must not wait long for threads that only compute


def main() -> None:
    """Serve until told to stop; one process, so that killing it frees the port at once."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    s = settings()
    tls = s.home.resolve() / "tls"
    secure: dict[str, Any] = (
        {"ssl_cert": tls / "server.pem", "ssl_key": tls / "server.key"} if s.tls else {}
    )
    server = Server(make(), address=s.host, port=s.port, interface=Interfaces.ASGI,
                    log_access=False, **CROWD, **secure)  # fmt: skip
    asyncio.run(_serve(server))


async def _serve(server: Any) -> None:
    import signal

    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    await server.serve()
