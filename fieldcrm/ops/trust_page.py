"""A small plain-HTTP page by which a phone fetches the certificate authority and then the app."""

from __future__ import annotations

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from fieldcrm.kit import i18n

_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;margin:24px;max-width:34em;color:#11181c}"
    "a{display:block;padding:16px;margin:12px 0;border-radius:14px;background:#0a645b;color:#fff;"
    "text-align:center;text-decoration:none;font-weight:600}"
)


def serve(port: int, authority: Path, app_address: str) -> ThreadingHTTPServer:
    """Serve the page and `/ca.crt` from a thread until `shutdown()`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/ca.crt":
                return self._send("application/x-x509-ca-cert", authority.read_bytes())
            language = (self.headers.get("Accept-Language") or "en")[:2]
            self._send("text/html; charset=utf-8", _page(language, app_address).encode())

        def _send(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("0.0.0.0", port), Handler)
    threading.Thread(target=server.serve_forever, name="trust-page", daemon=True).start()
    return server


def _page(language: str, app_address: str) -> str:
    language = language if language in i18n.LANGUAGES else i18n.DEFAULT
    texts = {k: html.escape(i18n.t(f"trust.{k}", language)) for k in
             ("title", "first", "fetch", "iphone", "android", "then", "open")}  # fmt: skip
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{texts['title']}</title><style>{_STYLE}</style><h1>{texts['title']}</h1>"
        f'<p>{texts["first"]}</p><a href="/ca.crt">{texts["fetch"]}</a>'
        f"<p>{texts['iphone']}</p><p>{texts['android']}</p><p>{texts['then']}</p>"
        f'<a href="{html.escape(app_address)}">{texts["open"]}</a></html>'
    )
