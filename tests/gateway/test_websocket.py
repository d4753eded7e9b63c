"""Frames are taken from the stream alike, however the stream is cut and whoever reads them."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from workers.gateway.connection import Connection
from workers.gateway.websocket import MESSAGE_MOST, WebSocket, frame_bounds, server_frame


class Transport(asyncio.Transport):
    """Keeps what is written, as a socket would that nobody reads."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1)})
        self.written = b""
        self.is_closed = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.is_closed

    def abort(self) -> None:
        self.is_closed = True

    close = abort

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Listener:
    """What a socket's messages were."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def opened(self) -> None: ...

    def message(self, data: bytes) -> None:
        self.heard.append(data)

    def lost(self) -> None: ...


async def talk(stream: bytes, cuts: list[int]) -> tuple[list[bytes], Transport]:
    """Open a socket, then feed it a stream in pieces; what it heard and said.

    The request comes whole, as from a Connection; what is before the first cut comes with it.
    """
    connection: Any = Connection.__new__(Connection)
    connection.transport = transport = Transport()
    listener = Listener()

    async def welcome(socket: WebSocket, request: object) -> Listener:
        return listener

    socket = WebSocket(connection, welcome)
    client = ClientProtocol(parse_uri("ws://localhost/"))
    client.send_request(client.connect())
    head = b"".join(client.data_to_send())
    data = head + stream
    ends = sorted({len(head) + c for c in cuts if c < len(stream)} | {len(data)})
    for begin, end in zip([0, *ends], ends, strict=False):
        socket.feed(data[begin:end])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return listener.heard, transport


payloads = st.binary(max_size=20) | st.integers(0, 70_000).map(lambda n: b"x" * n)
mask_bytes = st.binary(min_size=4, max_size=4)


def written(payload: bytes, opcode: Opcode = Opcode.TEXT, fin: bool = True) -> bytes:
    return Frame(opcode, payload, fin=fin).serialize(mask=True)


@given(st.lists(payloads, max_size=5), st.lists(st.integers(0, 2000), max_size=6))
def test_messages_come_whole_however_the_stream_is_cut(
    messages: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(map(written, messages))
    heard, _ = asyncio.run(talk(stream, cuts))
    assert heard == messages


def test_pings_and_fragments_and_closing_are_the_protocols() -> None:
    stream = (
        written(b"one") + written(b"?", Opcode.PING) + written(b"two") + written(b"th", fin=False)
        + written(b"ree", Opcode.CONT) + written(b"four") + written(b"\x03\xe8", Opcode.CLOSE)
        + written(b"too late")
    )  # fmt: skip
    heard, transport = asyncio.run(talk(stream, []))
    assert heard == [b"one", b"two", b"three", b"four"]
    assert server_frame(0x8A, b"?") in transport.written
    assert transport.written.endswith(b"\x88\x02\x03\xe8")


def test_what_breaks_the_protocol_ends_the_socket() -> None:
    unmasked = server_frame(0x81, b"hello")
    extended = b"\xc1" + written(b"hello")[1:]
    big = b"\x81\xff" + (MESSAGE_MOST + 1).to_bytes(8, "big") + b"mask" + b"x" * 50
    for broken, code in ((unmasked, 1002), (extended, 1002), (big, 1009)):
        heard, transport = asyncio.run(talk(written(b"one") + broken + written(b"two"), []))
        assert heard == [b"one"]
        assert code.to_bytes(2, "big") in transport.written[-130:]


@given(st.integers(0, 100_000), st.integers(0, 20))
def test_the_bounds_of_a_frame_are_known_from_its_head(length: int, lead: int) -> None:
    data = b"." * lead + written(b"x" * length)
    begins, ends = frame_bounds(data, lead, len(data))
    assert (ends, ends - begins) == (len(data), length)
    for there in range(lead + 1, begins):
        assert frame_bounds(data[:there], lead, there)[1] > there or length == 0
    client = ClientProtocol(parse_uri("ws://localhost/"), state=State.OPEN)
    client.receive_data(server_frame(0x82, b"y" * length))
    (frame,) = client.events_received()
    assert isinstance(frame, Frame)
    assert bytes(frame.data) == b"y" * length
