"""The committer's own connection to Valkey: bytes out, lines of replies counted, errors noticed.

A commit is one write and one read of replies that nobody needs but for their being there. A client
library would spend on each word and each reply what the whole way of a fix may cost here.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import redis.connection

from fieldcrm.kit.resp import Commands
from fieldcrm.kit.settings import settings

CONNECT_WITHIN_S = 2.0


class StoreError(Exception):
    """Valkey refused a command, or its connection broke: nothing of it counts as stored."""


class StoreLink(asyncio.Protocol):
    """One connection; one batch of commands at a time."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._reply: asyncio.Future[None] | None = None
        self._last = b"\n"
        self._lines_left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(StoreError(f"connection lost: {exc}"))

    def data_received(self, data: bytes) -> None:
        self._lines_left -= data.count(b"\n")
        if b"\n-" in self._last + data:
            self._fail(StoreError(data[:300].decode(errors="replace")))
        elif self._lines_left == 0 and self._reply is not None and not self._reply.done():
            self._reply.set_result(None)
        self._last = data[-1:]

    def _fail(self, error: StoreError) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(error)

    def send(self, commands: Commands) -> asyncio.Future[None]:
        """Send commands; done once all have been answered well. Raises StoreError, as what it returns."""
        if self._transport is None or self._transport.is_closing():
            raise StoreError("not connected")
        self._last, self._lines_left = b"\n", commands.lines
        reply = self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(bytes(commands))
        return reply

    async def run(self, commands: Commands) -> None:
        """Send commands and wait until all have been answered well; raises StoreError."""
        await self.send(commands)

    @property
    def socket(self) -> Any:
        """The socket under it; None without one."""
        return None if self._transport is None else self._transport.get_extra_info("socket")

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()


async def connect() -> StoreLink:
    """A connection to the Valkey of the settings; raises StoreError or OSError."""
    where = redis.connection.parse_url(settings().redis)
    async with asyncio.timeout(CONNECT_WITHIN_S):
        link = await _open(where)
        greeting = Commands()
        if password := where.get("password"):
            user = where.get("username") or "default"
            greeting.add(b"AUTH", user.encode(), password.encode())
        if number := where.get("db"):
            greeting.add(b"SELECT", str(number).encode())
        if greeting.lines:
            await link.run(greeting)
    return link


async def _open(where: Any) -> StoreLink:
    loop = asyncio.get_running_loop()
    if "path" in where:
        return (await loop.create_unix_connection(StoreLink, where["path"]))[1]
    is_tls = where.get("connection_class") is redis.connection.SSLConnection
    context = ssl.create_default_context(cafile=where.get("ssl_ca_certs")) if is_tls else None
    host, port = where.get("host", "localhost"), where.get("port", 6379)
    return (await loop.create_connection(StoreLink, host, port, ssl=context))[1]
