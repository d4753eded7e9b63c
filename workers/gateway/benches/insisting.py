"""Phones that send every fix until it is acknowledged, under the same number each time."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

ANSWER_WITHIN_S = 5.0
MOST_AGAIN = 200
HANG_UP = 0.02
"""How often a phone ends its connection itself with answers still owing, a message."""
_TROUBLE = (OSError, WebSocketException, TimeoutError, asyncio.IncompleteReadError, EOFError)


class Phone:
    """One device: what it has taken, what it waits for, and what was acknowledged to it."""

    def __init__(
        self, device_id: str, token: str, ports: Sequence[int], chance: random.Random
    ) -> None:
        self.device_id, self.token, self.ports, self.chance = device_id, token, ports, chance
        self.waiting: list[tuple[int, Any]] = []
        """(key, the fix as sent), the oldest first."""
        self.acked: set[int] = set()
        self.acked_at = 0.0
        """Monotonic seconds of the last acknowledgement."""
        self.sent_again = 0
        self.refused: dict[str, int] = {}
        self.is_stopping = False
        self._next = 0

    async def run(self) -> None:
        """Send until told to stop and until nothing waits any more."""
        while not self.is_over:
            with suppress(*_TROUBLE):
                await self.talk(self.chance.choice(self.ports))
            self.sent_again += len(self.waiting)
            await asyncio.sleep(self.chance.uniform(0.05, 0.5))

    @property
    def is_over(self) -> bool:
        return self.is_stopping and not self.waiting

    async def talk(self, port: int) -> None:
        """Keep one connection to a gateway until something breaks it."""
        raise NotImplementedError

    def take_fixes(self, most: int) -> None:
        """A few new fixes, unless the phone is stopping or has plenty waiting."""
        if self.is_stopping or len(self.waiting) > 2000:
            return
        for _ in range(self.chance.randint(1, most)):
            self.waiting.append(self.fix(self._next))
            self._next += 1

    def fix(self, number: int) -> tuple[int, Any]:
        """The fix with this number: (key that names it, what is sent)."""
        raise NotImplementedError

    def through(self, fixes: Sequence[tuple[int, Any]]) -> None:
        """These are acknowledged: never sent again."""
        keys = {key for key, _ in fixes}
        self.acked |= keys
        self.waiting = [w for w in self.waiting if w[0] not in keys]
        self.acked_at = time.monotonic()


class SocketPhone(Phone):
    """Our own protocol: several messages under way, each acknowledged by its number."""

    def fix(self, number: int) -> tuple[int, Any]:
        return number, {
            "s": number, "at": time.time_ns() // 1_000_000, "lat": 60.17, "acc": 8, "spd": 1.5,
            "lng": round(24.94 + number * 1e-6, 6), "bat": 77,
        }  # fmt: skip

    async def talk(self, port: int) -> None:
        url = f"ws://127.0.0.1:{port}/ws/phone?token={self.token}"
        async with connect(url, open_timeout=ANSWER_WITHIN_S, close_timeout=0.2, proxy=None,
                           ping_interval=None, compression=None) as socket:  # fmt: skip
            await socket.send(json.dumps({"t": "hello", "device_id": self.device_id}))
            while not self.is_over:
                self.take_fixes(4)
                await self._exchange(socket)
                await asyncio.sleep(self.chance.uniform(0.005, 0.06))

    async def _exchange(self, socket: ClientConnection) -> None:
        """Send what waits as a few messages, then hear of each."""
        sent: dict[int, list[tuple[int, Any]]] = {}
        for start in range(0, min(len(self.waiting), MOST_AGAIN), 50):
            part = self.waiting[start : start + 50]
            number = self.chance.randrange(1 << 30)
            sent[number] = part
            await socket.send(json.dumps({"t": "fixes", "n": number, "fixes": [f for _, f in part],
                                          "now_ms": time.time_ns() // 1_000_000}))  # fmt: skip
        if self.chance.random() < HANG_UP:
            raise EOFError
        while sent:
            heard = json.loads(await asyncio.wait_for(socket.recv(), ANSWER_WITHIN_S))
            if heard["t"] == "ack":
                for reason, count in heard["rejected"].items():
                    if reason != "duplicate":
                        self.refused[reason] = self.refused.get(reason, 0) + count
                self.through(sent.pop(heard["n"]))


class PostPhone(Phone):
    """A tracker that posts: one request at a time over a connection that it keeps."""

    path = ""
    wanted = b""
    """The body that lets this app forget what it sent."""

    def headers(self) -> str:
        return f"Authorization: Bearer {self.token}\r\nContent-Type: application/json\r\n"

    def body(self, fixes: Sequence[Any]) -> bytes:
        raise NotImplementedError

    async def talk(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while not self.is_over:
                self.take_fixes(3)
                await self._post(reader, writer)
                await asyncio.sleep(self.chance.uniform(0.01, 0.1))
        finally:
            writer.close()

    async def _post(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        part = self.waiting[:100]
        body = self.body([fix for _, fix in part])
        writer.write(
            f"POST /ingest/{self.path} HTTP/1.1\r\nHost: localhost\r\n{self.headers()}"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        if self.chance.random() < HANG_UP:
            await writer.drain()
            raise EOFError
        async with asyncio.timeout(ANSWER_WITHIN_S):
            status, answer = await _answer(reader)
        if status == 200 and answer == self.wanted:
            self.through(part)
        elif status != 503:
            self.refused[str(status)] = self.refused.get(str(status), 0) + 1
            raise EOFError


class OwnTracksPhone(PostPhone):
    """No number and whole seconds: the fix's own time is its name."""

    path, wanted = "owntracks", b"[]"

    def __init__(self, *args: Any, began_s: int) -> None:
        super().__init__(*args)
        self._began_s = began_s

    def fix(self, number: int) -> tuple[int, Any]:
        at_s = self._began_s + number
        place = {"lat": 60.17, "lon": round(24.94 + number * 1e-6, 6)}
        return at_s * 1000, {"_type": "location", "tst": at_s, "acc": 9, **place}

    def headers(self) -> str:
        basic = base64.b64encode(f"x:{self.token}".encode()).decode()
        return f"Authorization: Basic {basic}\r\nContent-Type: application/json\r\n"

    def body(self, fixes: Sequence[Any]) -> bytes:
        return json.dumps(fixes).encode()


class OverlandPhone(PostPhone):
    """Batches with times of milliseconds."""

    path, wanted = "overland", b'{"result":"ok"}'
    _last_ms = 0

    def fix(self, number: int) -> tuple[int, Any]:
        self._last_ms = max(self._last_ms + 1, time.time_ns() // 1_000_000)
        at = datetime.fromtimestamp(self._last_ms / 1000, UTC).isoformat(timespec="milliseconds")
        place = [round(24.94 + number * 1e-6, 6), 60.17]
        return self._last_ms, {
            "type": "Feature", "geometry": {"type": "Point", "coordinates": place},
            "properties": {"timestamp": at, "horizontal_accuracy": 7},
        }  # fmt: skip

    def body(self, fixes: Sequence[Any]) -> bytes:
        return json.dumps({"locations": fixes}).encode()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    status = int(head.split(b" ", 2)[1])
    length = head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0]
    return status, await reader.readexactly(int(length))
