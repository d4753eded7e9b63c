"""The own authority signs a certificate that a strict client accepts."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from fieldcrm.ops import tls


def test_a_client_that_trusts_the_authority_connects(tmp_path: Path) -> None:
    tls.ensure(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem", tmp_path / "server.key")
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_serve_once, args=(listener, context), daemon=True).start()
    trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    with (
        socket.create_connection(listener.getsockname()) as raw,
        trusting.wrap_socket(raw, server_hostname="127.0.0.1") as secure,
    ):
        assert secure.recv(2) == b"ok"


def _serve_once(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with context.wrap_socket(connection, server_side=True) as secure:
        secure.sendall(b"ok")


def test_the_authority_stays_and_keys_are_private(tmp_path: Path) -> None:
    tls.ensure(tmp_path)
    first = (tmp_path / "ca.pem").read_bytes(), (tmp_path / "server.pem").read_bytes()
    tls.ensure(tmp_path)
    assert first == ((tmp_path / "ca.pem").read_bytes(), (tmp_path / "server.pem").read_bytes())
    assert (tmp_path / "ca.key").stat().st_mode & 0o077 == 0
    assert (tmp_path / "server.key").stat().st_mode & 0o077 == 0
