"""A WebSocket over a gateway's connection, on `websockets`' Sans-I/O protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from workers.gateway.connection import Connection

MESSAGE_MOST = 1 << 19
CLOSE_WITHIN_S = 5.0


class Talk(Protocol):
    """What a socket is for: a phone's or a desk's side of it."""

    def opened(self) -> None: ...

    def message(self, data: bytes) -> None: ...

    def lost(self) -> None: ...


class Refused(Exception):
    """This socket is not opened: an HTTP status and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


class WebSocket:
    """Opens after `welcome` has let it in, then feeds whole messages to the talk it returned."""

    def __init__(
        self, connection: Connection, welcome: Callable[[WebSocket, Request], Awaitable[Talk]]
    ) -> None:
        self.connection = connection
        self.heard_at = asyncio.get_running_loop().time()
        self._welcome = welcome
        self._protocol = ServerProtocol(max_size=MESSAGE_MOST)
        self._talk: Talk | None = None
        self._parts: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._is_gone = False

    @property
    def is_open(self) -> bool:
        return self._protocol.state is State.OPEN and not self._is_gone

    def feed(self, data: bytes) -> None:
        """Bytes from the peer."""
        self.heard_at = asyncio.get_running_loop().time()
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self.connection.transport.pause_reading()
                self._task = asyncio.create_task(self._open(event))
            elif isinstance(event, Frame):
                self._take(event)
        self._flush()

    async def _open(self, request: Request) -> None:
        """Let the peer in or answer with the HTTP status that says why not."""
        try:
            talk = await self._welcome(self, request)
            response = self._protocol.accept(request)
        except Refused as refused:
            response = self._protocol.reject(refused.status, refused.why + "\n")  # type: ignore[arg-type]
            talk = None
        except Exception:
            response = self._protocol.reject(503, "try again\n")  # type: ignore[arg-type]
            talk = None
        if self._is_gone:
            return
        self._protocol.send_response(response)
        self._flush()
        if talk is None or self._protocol.state is not State.OPEN:
            self.connection.transport.close()
            return
        self._talk = talk
        talk.opened()
        self.connection.transport.resume_reading()
        self.feed(b"")

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._parts.append(bytes(frame.data))
            if sum(map(len, self._parts)) > MESSAGE_MOST:
                self.close(1009, "too big")
            elif frame.fin and self._talk is not None:
                message, self._parts = b"".join(self._parts), []
                self._talk.message(message)

    def send_text(self, text: bytes) -> None:
        """Send a text message, UTF-8."""
        if self.is_open:
            self._protocol.send_text(text)
            self._flush()

    def send_binary(self, data: bytes) -> None:
        """Send a binary message."""
        if self.is_open:
            self._protocol.send_binary(data)
            self._flush()

    def ping(self) -> None:
        """Ask whether the peer lives."""
        if self.is_open:
            self._protocol.send_ping(b"")
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Begin to close; the connection ends within five seconds whatever the peer does."""
        if self.is_open:
            self._protocol.send_close(code, reason[:120])
            self._flush()
        loop = asyncio.get_running_loop()
        loop.call_later(CLOSE_WITHIN_S, self.connection.transport.abort)

    def _flush(self) -> None:
        try:
            outgoing = self._protocol.data_to_send()
        except ProtocolError:
            self.connection.transport.abort()
            return
        data = b"".join(outgoing)
        if data:
            self.connection.write(data)
        if outgoing and outgoing[-1] == b"":  # the protocol is over
            self.connection.transport.close()

    def lost(self) -> None:
        """The connection is gone."""
        self._is_gone = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
        if self._talk is not None:
            self._talk.lost()
            self._talk = None
