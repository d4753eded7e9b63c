"""A network that fails: an HTTP proxy that loses, repeats, delays and cuts what phones send.

A phone's address ends in its number (`/p17`). What befalls a phone is drawn from its own seed: a list
of faults, each struck at the next request it can strike.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

LOST_BEFORE, LOST_AFTER, REPEATED, DELAYED = "lost_before", "lost_after", "repeated", "delayed"
LATE, CUT_UPLOAD, CUT_ANSWER = "late", "cut_upload", "cut_answer"
REFUSED, STRANGER = "refused_on_the_way", "stranger_answers"
KINDS = (
    LOST_BEFORE,
    LOST_AFTER,
    REPEATED,
    DELAYED,
    LATE,
    CUT_UPLOAD,
    CUT_ANSWER,
    REFUSED,
    STRANGER,
)
_PATH = re.compile(rb"^([A-Z]+) /p(\d+)(/\S*) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 41\r\nConnection: close\r\n\r\n"
    b"<html><body>Welcome to our WiFi</body></html>"[:41]
)
_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass
class Line:
    """One phone's line: what is still to befall it, what did, and what it sent."""

    chance: random.Random
    ahead: list[str]
    group: int = 0
    share: float = 0.0
    """Of the requests that something befalls, while anything is ahead."""
    struck: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)

    def next_fault(self, method: str, path: str) -> str | None:
        """The next fault that can strike this request, now and then."""
        if not self.ahead or self.chance.random() > self.share:
            return None
        for i, kind in enumerate(self.ahead):
            if kind == CUT_UPLOAD and method not in ("PUT", "POST"):
                continue
            if kind == CUT_ANSWER and (
                method in ("PUT", "HEAD") or not path.startswith("/api/v1/sync")
            ):
                continue
            self.struck[kind] += 1
            return self.ahead.pop(i)
        return None


class Network:
    """The proxy before one web process; `requests` counts what it passed on."""

    def __init__(self, upstream_port: int, faults_each: int, share: float) -> None:
        self.upstream_port, self.faults_each, self.share = upstream_port, faults_each, share
        self.lines: dict[int, Line] = {}
        self.requests = 0
        self.port = 0
        self.watch: Callable[[int], None] = lambda group: None
        """Hears whose group each request is of."""
        self._late: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.Task[None]] = set()

    def connect(self, number: int, seed: int, group: int) -> None:
        """A line for a phone, with each kind of fault as often as the others."""
        chance = random.Random(seed)
        ahead = [KINDS[(number + i) % len(KINDS)] for i in range(self.faults_each)]
        chance.shuffle(ahead)
        self.lines[number] = Line(chance, ahead, group, self.share)

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 20)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mine = asyncio.current_task()
        assert mine
        self._open.add(mine)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._one(reader, writer)
        finally:
            self._open.discard(mine)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        found = _PATH.match(head)
        if found is None:
            return
        method, number, path = found[1].decode(), int(found[2]), found[3].decode()
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1])) if length else b""
        line = self.lines[number]
        self.watch(line.group)
        fault = line.next_fault(method, path)
        began = time.time()
        answer = await self._carry(line, fault, _passed_on(head, found), body)
        status = answer[9:12].decode() if answer else "---"
        line.trace.append(
            f"{began * 1000:.0f} {method} {path[:90]} {len(body)} B -> {status}"
            f"{f' [{fault}]' if fault else ''}"
        )
        if answer:
            writer.write(answer)
            await writer.drain()

    async def _carry(self, line: Line, fault: str | None, head: bytes, body: bytes) -> bytes:
        """What the phone gets for a request, b"" for a line that breaks."""
        if fault == LOST_BEFORE:
            return b""
        if fault == REFUSED:
            return _BAD_GATEWAY
        if fault == STRANGER:
            return _PORTAL
        if fault == LATE:
            task = asyncio.create_task(self._later(line.chance.uniform(0.05, 1.5), head, body))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return b""
        if fault == CUT_UPLOAD:
            await self._ask(head, body[: int(len(body) * line.chance.random())], is_cut=True)
            return b""
        if fault == DELAYED:
            await asyncio.sleep(line.chance.uniform(0.05, 0.4))
        if fault == REPEATED:
            first, second = await asyncio.gather(self._ask(head, body), self._ask(head, body))
            return second if line.chance.random() < 0.5 else first
        answer = await self._ask(head, body)
        if fault == LOST_AFTER:
            return b""
        return (
            answer[: max(1, int(len(answer) * line.chance.random()))]
            if fault == CUT_ANSWER
            else answer
        )

    async def _later(self, wait_s: float, head: bytes, body: bytes) -> None:
        await asyncio.sleep(wait_s)
        await self._ask(head, body)

    async def _ask(self, head: bytes, body: bytes, *, is_cut: bool = False) -> bytes:
        """Ask the server over a connection of its own; b"" where it doesn't answer whole."""
        self.requests += 1
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        except OSError:
            return b""
        try:
            writer.write(head + body)
            await writer.drain()
            if is_cut:
                await asyncio.sleep(0.002)
                return b""
            return _whole(await reader.read(-1), head)
        except OSError:
            return b""
        finally:
            with suppress(OSError):
                writer.close()

    async def quiet(self) -> None:
        """Wait until nothing is on its way any more."""
        while self._late:
            await asyncio.gather(*self._late, return_exceptions=True)
        for each in self._open:
            each.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


def _passed_on(head: bytes, found: re.Match[bytes]) -> bytes:
    """The request's head as the server gets it: without the phone's number, one request a connection."""
    rest = head[found.end() :]
    kept = [r for r in rest.split(b"\r\n") if not r.lower().startswith(b"connection:")]
    return b"%s %s HTTP/1.1\r\nConnection: close\r\n%s" % (found[1], found[3], b"\r\n".join(kept))


def _whole(answer: bytes, head: bytes) -> bytes:
    """The answer, unless the server died in the middle of it."""
    length = _LENGTH.search(answer)
    if head.startswith(b"HEAD") or length is None:
        return answer
    begin = answer.find(b"\r\n\r\n") + 4
    return answer if len(answer) - begin >= int(length[1]) else b""
