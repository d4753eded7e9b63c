"""A WebSocket over a gateway's connection, on `websockets`' Sans-I/O protocol.

Nearly all that comes is whole, unfragmented data frames: these are taken from the stream here.
Everything else (handshake, control frames, fragments, what breaks the protocol) is the protocol's,
and from the first frame that isn't plain or a control frame on the whole stream is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from websockets.exceptions import ProtocolError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

try:
    from websockets.speedups import apply_mask
except ImportError:  # no wheel for this machine
    from websockets.utils import apply_mask

from workers.gateway.connection import Connection

MESSAGE_MOST = 1 << 19
CLOSE_WITHIN_S = 5.0
_TEXT, _BINARY = 0x81, 0x82
"""First bytes of whole, unextended data frames."""
_PING, _PONG = 0x89, 0x8A
_PLAIN = frozenset((_TEXT, _BINARY, _PING, _PONG))
_MASKED = 0x80
_HEADS = {
    first: [bytes((first, length)) for length in range(126)]
    for first in (_TEXT, _BINARY, _PING, _PONG)
}
_TEXT_HEADS = _HEADS[_TEXT]
_USUAL = bytes((_TEXT, _MASKED | 126))
"""How a message of a fix begins."""
_STRANGE = -1, -1


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

    __slots__ = (
        "_half", "_half_ends", "_is_gone", "_is_plain", "_now", "_parts", "_protocol", "_talk", "_task",
        "_welcome", "connection", "heard_at", "is_open",
    )  # fmt: skip

    def __init__(
        self, connection: Connection, welcome: Callable[[WebSocket, Request], Awaitable[Talk]]
    ) -> None:
        self.connection = connection
        self._now = asyncio.get_running_loop().time
        self.heard_at = self._now()
        self._welcome = welcome
        self._protocol = ServerProtocol(max_size=MESSAGE_MOST)
        self._talk: Talk | None = None
        self._parts: list[bytes] = []
        self._is_plain = True
        """Whether only plain and control frames have come so far."""
        self._half = bytearray()
        self._half_ends = 0
        """A frame that has come in part, and how long it is as far as that is known."""
        self._task: asyncio.Task[None] | None = None
        self._is_gone = False
        self.is_open = False
        """Whether messages may come and go: between the handshakes of opening and closing."""

    def feed(self, data: bytes) -> None:
        """Bytes from the peer."""
        self.heard_at = self._now()
        if data.startswith(_USUAL) and self._is_alone(data):
            self._hear(apply_mask(data[8:], data[4:8]))
        elif self._talk is None:
            self._shake_hands(data)
        elif not self._is_plain:
            self._feed_protocol(data)
        elif self._half:
            self._half += data
            if len(self._half) >= self._half_ends:
                data, self._half = bytes(self._half), bytearray()
                self._take_frames(data)
        else:
            self._take_frames(data)

    def _is_alone(self, data: bytes) -> bool:
        """Whether it is one whole message of text, of 126 bytes to 64 kB, and none waits before it."""
        is_whole = len(data) > 8 and (data[2] << 8 | data[3]) == len(data) - 8
        return is_whole and self._is_plain and not self._half and self._talk is not None

    def _shake_hands(self, data: bytes) -> None:
        """The request is the protocol's; frames that come with it wait until it is answered."""
        if self._task is not None:
            self._half += data
            return
        end = data.find(b"\r\n\r\n") + 4
        self._half += data[end:]
        self._feed_protocol(data[:end])

    def _take_frames(self, data: bytes) -> None:
        """Take whole frames off the front; a half one waits, a strange one is the protocol's."""
        at, there = 0, len(data)
        while at < there and self._is_plain:
            begins, ends = frame_bounds(data, at, there)
            if begins < 0:
                self._is_plain = False
                self._feed_protocol(data[at:])
                return
            if ends > there:
                self._half, self._half_ends = bytearray(data[at:]), ends - at
                return
            if data[at] > _BINARY:
                self._feed_protocol(data[at:ends])
            elif self.is_open and self._talk is not None:
                self._talk.message(apply_mask(data[begins:ends], data[begins - 4 : begins]))
            at = ends

    def _hear(self, message: bytes) -> None:
        if self._talk is not None and self.is_open:
            self._talk.message(message)

    def _feed_protocol(self, data: bytes) -> None:
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
        early, self._half = bytes(self._half), bytearray()
        self._take_frames(early)

    def _take(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            self._parts.append(bytes(frame.data))
            if sum(map(len, self._parts)) > MESSAGE_MOST:
                self.close(1009, "too big")
            elif frame.fin:
                message, self._parts = b"".join(self._parts), []
                self._hear(message)

    def send_text(self, text: bytes) -> None:
        """Send a text message, UTF-8."""
        if self.is_open:
            length = len(text)
            head = _TEXT_HEADS[length] if length < 126 else _long_head(_TEXT, length)
            self.connection.write(head + text)

    def send_binary(self, data: bytes) -> None:
        """Send a binary message."""
        if self.is_open:
            self.connection.write(server_frame(_BINARY, data))

    def send_frame(self, frame: bytes) -> None:
        """Send a frame that `server_frame` made, as many sockets get the same."""
        if self.is_open:
            self.connection.write(frame)

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
        self.is_open = self._protocol.state is State.OPEN and not self._is_gone
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
        self._is_gone, self.is_open = True, False
        if self._task is not None and not self._task.done():
            self._task.cancel()
        if self._talk is not None:
            self._talk.lost()
            self._talk = None


def frame_bounds(data: bytes, at: int, there: int) -> tuple[int, int]:
    """Where a client's frame at `at` has its payload and its end (RFC 6455, 5.2).

    While the head itself is incomplete the end is somewhere beyond the data, which ends at `there`.
    (-1, -1) for what is not a whole, unextended, masked frame of data or of keeping alive, of a size
    we take.
    """
    first = data[at]
    if first != _TEXT and first not in _PLAIN:
        return _STRANGE
    if there < at + 2:
        return at + 6, at + 6
    length = data[at + 1] - _MASKED
    if length < 0:
        return _STRANGE
    if length < 126:
        return at + 6, at + 6 + length
    begins = at + 8 if length == 126 else at + 14
    if begins > there:
        return begins, begins
    if length == 126:
        return begins, begins + (data[at + 2] << 8) + data[at + 3]
    length = int.from_bytes(data[at + 2 : begins - 4], "big")
    return (begins, begins + length) if length <= MESSAGE_MOST else _STRANGE


def server_frame(first: int, payload: bytes) -> bytes:
    """A server's whole frame around a payload."""
    length = len(payload)
    return (_HEADS[first][length] if length < 126 else _long_head(first, length)) + payload


def _long_head(first: int, length: int) -> bytes:
    if length < 1 << 16:
        return bytes((first, 126)) + length.to_bytes(2, "big")
    return bytes((first, 127)) + length.to_bytes(8, "big")


def binary_frame(payload: bytes) -> bytes:
    """A binary message, ready for `send_frame`."""
    return server_frame(_BINARY, payload)
