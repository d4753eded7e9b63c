"""The committer's own connection to Valkey: bytes out, lines of replies counted, errors noticed.

A commit is one write and one read of replies that nobody needs but for their being there. A client
library would spend on each word and each reply what the whole way of a fix may cost here.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import redis.connection

from fieldcrm.kit.resp import Commands
from fieldcrm.kit.settings import settings

CONNECT_WITHIN_S = 2.0
ANSWER_WITHIN_S = 10.0


class StoreError(Exception):
    """Valkey refused a command, or its connection broke: nothing of it counts as stored."""


Heard = Callable[[StoreError | None], None]
"""Hears that commands were all answered well, or what went wrong."""


class StoreLink(asyncio.Protocol):
    """One connection; commands are answered in their order, and after one failure nothing is."""

    def __init__(self, answer_within_s: float = ANSWER_WITHIN_S) -> None:
        self._answer_within_s = answer_within_s
        self._transport: Any = None
        self._waiting: deque[tuple[int, float, Heard]] = deque()
        """Of all commands under way: lines of their answer, when they were sent, who wants to hear."""
        self._lines = 0
        """Of the oldest one's answer that have come."""
        self._last = b"\n"
        self._now = asyncio.get_running_loop().time
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._watch is not None:
            self._watch.cancel()
        self._fail(StoreError(f"connection lost: {exc}"))

    def data_received(self, data: bytes) -> None:
        if b"\n-" in self._last + data:
            self._fail(StoreError(data[:300].decode(errors="replace")))
        self._last = data[-1:]
        self._lines += data.count(b"\n")
        while self._waiting and self._lines >= self._waiting[0][0]:
            lines, _, heard = self._waiting.popleft()
            self._lines -= lines
            heard(None)

    def _fail(self, error: StoreError) -> None:
        """Nothing under way counts as stored; the connection can't be used any more."""
        waiting, self._waiting = self._waiting, deque()
        for _, _, heard in waiting:
            heard(error)
        self.close()

    def send(self, commands: Commands, heard: Heard) -> None:
        """Send commands; `heard` hears of their answers. Raises StoreError where that is in vain."""
        if self._transport is None or self._transport.is_closing():
            raise StoreError("not connected")
        self._waiting.append((commands.lines, self._now(), heard))
        if self._watch is None:
            self._look_again(self._answer_within_s)
        self._transport.write(bytes(commands))

    async def run(self, commands: Commands) -> None:
        """Send commands and wait until all have been answered well; raises StoreError."""
        answered = asyncio.get_running_loop().create_future()

        def heard(error: StoreError | None) -> None:
            if not answered.done():
                answered.set_result(None) if error is None else answered.set_exception(error)

        self.send(commands, heard)
        await answered

    def _look_again(self, after_s: float) -> None:
        self._watch = asyncio.get_running_loop().call_later(after_s, self._look)

    def _look(self) -> None:
        """Give up on an answer that is overdue: one timer for all of them, not one for each."""
        self._watch = None
        if not self._waiting:
            return
        left_s = self._waiting[0][1] + self._answer_within_s - self._now()
        if left_s > 0:
            self._look_again(left_s)
        else:
            self._fail(StoreError(f"no answer within {self._answer_within_s:.1f} s"))

    @property
    def socket(self) -> Any:
        """The socket under it; None without one."""
        return None if self._transport is None else self._transport.get_extra_info("socket")

    def close(self) -> None:
        """Hang up; who still waits hears nothing more."""
        self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()


async def connect(answer_within_s: float = ANSWER_WITHIN_S) -> StoreLink:
    """A connection to the Valkey of the settings; raises StoreError or OSError."""
    where = redis.connection.parse_url(settings().redis)
    async with asyncio.timeout(CONNECT_WITHIN_S):
        link = await _open(where, partial(StoreLink, answer_within_s))
        greeting = Commands()
        if password := where.get("password"):
            user = where.get("username") or "default"
            greeting.add(b"AUTH", user.encode(), password.encode())
        if number := where.get("db"):
            greeting.add(b"SELECT", str(number).encode())
        if greeting.lines:
            await link.run(greeting)
    return link


async def _open(where: Any, make: Callable[[], StoreLink]) -> StoreLink:
    loop = asyncio.get_running_loop()
    if "path" in where:
        return (await loop.create_unix_connection(make, where["path"]))[1]
    is_tls = where.get("connection_class") is redis.connection.SSLConnection
    context = ssl.create_default_context(cafile=where.get("ssl_ca_certs")) if is_tls else None
    host, port = where.get("host", "localhost"), where.get("port", 6379)
    return (await loop.create_connection(make, host, port, ssl=context))[1]
