"""A push service and a browser behind it: speaks RFC 8030 over real HTTP, checks RFC 8292, reads RFC 8291.

Written from the standards alone, so that it shares nothing with the sender it judges.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Browser:
    """The receiving end of one subscription: its keys never leave it."""

    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = field(default_factory=lambda: os.urandom(16))

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def p256dh(self) -> str:
        return b64(self.point)

    def read(self, body: bytes) -> bytes:
        """RFC 8291 §3.4 and RFC 8188 §2, with HMAC written out."""
        salt, size, id_length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender, record = body[21 : 21 + id_length], body[21 + id_length :]
        assert len(record) <= size
        assert id_length == 65
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.key.exchange(ec.ECDH(), theirs)
        prk = _mac(self.auth, shared)
        ikm = _mac(prk, b"WebPush: info\x00" + self.point + sender + b"\x01")
        prk = _mac(salt, ikm)
        key = _mac(prk, b"Content-Encoding: aes128gcm\x00\x01")[:16]
        nonce = _mac(prk, b"Content-Encoding: nonce\x00\x01")[:12]
        plain = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\x00")
        assert plain[-1] == 2, "the last record ends with 2"
        return plain[:-1]


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


@dataclass
class Pushed:
    """One request as the service took it."""

    path: str
    headers: dict[str, str]
    body: bytes
    claims: dict[str, Any]
    key: str
    """Whose signature it bears."""


class PushService:
    """Answers 201 and keeps what came; a path may be told to answer otherwise, for ever or in turn."""

    def __init__(self) -> None:
        self.taken: list[Pushed] = []
        self.answers: dict[str, list[tuple[int, dict[str, str]]]] = {}
        self.asked: list[str] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                service._take(self)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def endpoint(self, name: str) -> str:
        return f"{self.origin}/wpush/{name}"

    def will_answer(self, name: str, status: int, **headers: str) -> None:
        """The next request to this path gets this; the last one told stays."""
        told = {k.replace("_", "-"): v for k, v in headers.items()}
        self.answers.setdefault(f"/wpush/{name}", []).append((status, told))

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        self.asked.append(request.path)
        queue = self.answers.get(request.path, [])
        status, told = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else (201, {})
        if status == 201:
            headers = {k.lower(): v for k, v in request.headers.items()}
            claims, key = _signed(headers["authorization"], self.origin)
            assert headers["content-encoding"] == "aes128gcm"
            assert int(headers["ttl"]) >= 0
            self.taken.append(Pushed(request.path, headers, body, claims, key))
            told = {"Location": f"{self.origin}/message/{len(self.taken)}", **told}
        request.send_response(status)
        for name, value in {**told, "Content-Length": "0"}.items():
            request.send_header(name, value)
        request.end_headers()


def _signed(header: str, origin: str) -> tuple[dict[str, Any], str]:
    """The claims of a VAPID header, its signature checked with the key that it names."""
    scheme, _, rest = header.partition(" ")
    assert scheme == "vapid"
    parts = dict(part.strip().split("=", 1) for part in rest.split(","))
    said, _, signature = parts["t"].rpartition(".")
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(parts["k"]))
    raw = unb64(signature)
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key.verify(der, said.encode(), ec.ECDSA(hashes.SHA256()))
    head, claims = (json.loads(unb64(part)) for part in said.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    assert claims["aud"] == origin
    return claims, parts["k"]
