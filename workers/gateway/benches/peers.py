"""What the gateway is measured against: a bare echo over WebSockets, and GEOADD in a pipeline."""

from __future__ import annotations

import socket
import time
from pathlib import Path

ECHO = """
import asyncio, uvloop
from workers.gateway import turns
turns.go_first(turns.GATEWAY_RANK)
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.server import ServerProtocol

class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.protocol = transport, ServerProtocol()

    def data_received(self, data):
        protocol = self.protocol
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Request):
                protocol.send_response(protocol.accept(event))
            elif isinstance(event, Frame):
                protocol.send_text(event.data)
        self.transport.write(b"".join(protocol.data_to_send()))

async def main():
    server = await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", {port}, backlog=4096)
    await server.serve_forever()

uvloop.run(main())
"""
"""An echo as lean as `websockets` allows: its Sans-I/O protocol on uvloop, the gateway's priority, and nothing else."""


def geoadd_per_s(valkey: Path, seconds: float, at_once: int = 500) -> int:
    """How many positions a second plain GEOADD takes, pipelined; durable as the server is."""
    pieces = [
        b"*5\r\n$6\r\nGEOADD\r\n$5\r\nbench\r\n$9\r\n24.%06d\r\n$9\r\n60.%06d\r\n$7\r\nm%06d\r\n"
        % (940_000 + i, 170_000 + i, i)
        for i in range(at_once)
    ]
    batch, reply_most, done = b"".join(pieces), 1 << 16, 0
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(str(valkey))
        began = time.perf_counter()
        while (took := time.perf_counter() - began) < seconds:
            link.sendall(batch)
            left = at_once
            while left > 0:
                left -= link.recv(reply_most).count(b"\n")
            done += at_once
        link.sendall(b"*2\r\n$3\r\nDEL\r\n$5\r\nbench\r\n")
        link.recv(reply_most)
    return round(done / took)
