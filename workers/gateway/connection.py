"""One TCP connection: reads the request's head, then speaks HTTP or becomes a WebSocket.

One listening socket serves both. `websockets`' own server can't take request bodies, so the head is
read here and an Upgrade is handed to its Sans-I/O protocol (docs/decisions/0005-one-gateway-socket.md).
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from workers.gateway.server import Gateway

HEAD_MOST = 16_384
HEAD_WITHIN_S = 10.0
WRITE_MOST = 1 << 20
"""Bytes a peer may leave unread before it is dropped."""
_UPGRADE = re.compile(rb"\r\nupgrade:[ \t]*websocket", re.IGNORECASE)


class Speaker(Protocol):
    """What takes over a connection after its first head."""

    def feed(self, data: bytes) -> None: ...

    def lost(self) -> None: ...


class Connection(asyncio.Protocol):
    """A socket of a phone, a desk or an HTTP client."""

    __slots__ = ("_deadline", "address", "gateway", "head", "speaker", "transport")

    transport: asyncio.Transport

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.address = "?"
        self.head = b""
        self.speaker: Speaker | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's has another ancestor
        peer = self.transport.get_extra_info("peername")
        self.address = peer[0] if isinstance(peer, tuple) else "local"
        if not self.gateway.admit(self):
            self.transport.abort()
            return
        self.transport.set_write_buffer_limits(high=WRITE_MOST)
        self._deadline = asyncio.get_running_loop().call_later(HEAD_WITHIN_S, self.transport.abort)

    def data_received(self, data: bytes) -> None:
        if self.speaker is not None:
            self.speaker.feed(data)
            return
        self.head += data
        end = self.head.find(b"\r\n\r\n")
        if end < 0 and len(self.head) > HEAD_MOST:
            self.transport.abort()
        elif end >= 0:
            self._choose(end)

    def _choose(self, end: int) -> None:
        self.settle()
        is_socket = _UPGRADE.search(self.head, 0, end + 2) is not None
        self.speaker = self.gateway.socket(self) if is_socket else self.gateway.http(self)
        data, self.head = self.head, b""
        self.speaker.feed(data)

    def settle(self) -> None:
        """The head has come: the deadline for it is off."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.settle()
        self.gateway.dismiss(self)
        speaker, self.speaker = self.speaker, None  # each holds the other: let both go at once
        if speaker is not None:
            speaker.lost()

    def write(self, data: bytes) -> None:
        """Send bytes; a peer that reads too slowly is dropped."""
        transport = self.transport
        if not transport.is_closing():
            transport.write(data)

    def pause_writing(self) -> None:
        """More than WRITE_MOST is unsent."""
        self.transport.abort()

    def resume_writing(self) -> None:
        """Never after the abort."""

    @property
    def unsent(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self.transport.get_write_buffer_size()
