"""A whole company's phones stay connected at once, and each is answered."""

from __future__ import annotations

import asyncio
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.responses import PlainTextResponse

from fieldcrm.ops.web import CROWD, Web
from tests.ports import free_ports

PHONES = 300
WITHIN_S = 60.0


async def _answered(port: int) -> tuple[bytes, asyncio.StreamWriter]:
    """The first line that a phone hears; its connection stays open."""
    for _ in range(600):  # until the server listens
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.1)
    else:
        raise AssertionError("nobody listens")
    writer.write(b"GET /api/here HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return await reader.readline(), writer


async def _crowd(folder: Path) -> list[bytes]:
    port = free_ports()
    server = Server(Web(PlainTextResponse("here"), folder), address="127.0.0.1", port=port,
                    interface=Interfaces.ASGI, log_access=False, **CROWD)  # fmt: skip
    serving = asyncio.create_task(server.serve())
    try:
        heard = await asyncio.wait_for(
            asyncio.gather(*(_answered(port) for _ in range(PHONES))), WITHIN_S
        )
        for _, writer in heard:
            writer.close()
        return [line for line, _ in heard]
    finally:
        server.stop()
        await serving


def test_three_hundred_phones_are_served_while_all_stay_connected(tmp_path: Path) -> None:
    assert asyncio.run(_crowd(tmp_path)) == [b"HTTP/1.1 200 OK\r\n"] * PHONES
