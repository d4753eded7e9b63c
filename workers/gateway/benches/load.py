"""Many phones in one thread: bare sockets under epoll, so that the load costs little itself.

A phone sends one fix, waits for its acknowledgement, sends the next. At a fixed rate the phones
take turns at their moments whatever the gateway does, and the delay of the answer counts from the
moment at which a phone was to send.
"""

from __future__ import annotations

import base64
import os
import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from websockets.speedups import apply_mask

_MASK = b"\x9a\x3c\x51\xe7"
_KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
CONNECTING_MOST = 100
REST_S = 2e-5
"""Where nothing is to be sent or read: who never sleeps is put behind everybody now and then."""


class Speech(Protocol):
    """How a protocol's phone opens, sends a fix, and knows an answer."""

    def opening(self, phone: Phone) -> bytes: ...

    def fix(self, phone: Phone) -> bytes: ...

    def is_open(self, data: bytes) -> bool: ...

    def answers(self, data: bytes) -> tuple[int, int]:
        """(how many whole answers, how many bytes they take)."""
        ...

    def key(self, nth: int) -> int:
        """What tells a phone's nth fix from its others, as stored."""
        ...


@dataclass
class Phone:
    """One phone: its socket and what it has sent."""

    number: int
    token: str
    socket: socket.socket
    unread: bytes = b""
    sent: int = 0
    acked: int = 0
    sent_at: list[float] = field(default_factory=list)
    """When the fixes under way were to be sent, the oldest first."""


@dataclass
class Load:
    """What came of it."""

    seconds: float
    times: list[float]
    """From sending to the answer, of every fix, seconds."""
    acked: list[int]
    """How many fixes of each phone were acknowledged."""
    behind: list[float]
    """At a fixed rate: how late this load was itself with each fix, seconds."""

    @property
    def per_s(self) -> int:
        return round(len(self.times) / self.seconds)


class Crowd:
    """All phones of a load, connected."""

    def __init__(self, port: int, tokens: list[str], speech: Speech) -> None:
        self.speech = speech
        self._epoll = select.epoll()
        self.phones: dict[int, Phone] = {}
        for i, token in enumerate(tokens):
            link = socket.create_connection(("127.0.0.1", port))
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            phone = Phone(i, token, link)
            self.phones[link.fileno()] = phone
            link.sendall(speech.opening(phone))
            if i % CONNECTING_MOST == CONNECTING_MOST - 1:
                self._wait_until_open(i - CONNECTING_MOST + 1)
        self._wait_until_open(0)
        for phone in self.phones.values():
            phone.socket.setblocking(False)
            phone.unread = b""
        self.times: list[float] = []
        self.behind: list[float] = []
        self.on_sent: Callable[[Phone, float], None] | None = None
        """Hears of each fix before it is sent."""
        self._others: dict[int, Callable[[], None]] = {}

    def _wait_until_open(self, first: int) -> None:
        for phone in list(self.phones.values())[first:]:
            while not self.speech.is_open(phone.unread):
                piece = phone.socket.recv(4096)
                if not piece:
                    raise RuntimeError(phone.unread[:300].decode(errors="replace"))
                phone.unread += piece
            if phone.socket.fileno() in self.phones:
                with suppress(FileExistsError):
                    self._epoll.register(phone.socket.fileno(), select.EPOLLIN)

    def watch(self, link: socket.socket, on_readable: Callable[[], None]) -> None:
        """Have another socket read in the same loop."""
        self._others[link.fileno()] = on_readable
        self._epoll.register(link.fileno(), select.EPOLLIN)

    def run(self, seconds: float, rate: float = 0.0) -> Load:
        """Send for some seconds: all that goes, or `rate` fixes a second in all."""
        self.times, self.behind = [], []
        began = time.perf_counter()
        self._run_at_rate(began, seconds, rate) if rate else self._run_flat_out(began, seconds)
        took = time.perf_counter() - began
        return Load(took, self.times, [p.acked for p in self.phones.values()], self.behind)

    def _run_flat_out(self, began: float, seconds: float) -> None:
        until = began + seconds
        for phone in self.phones.values():
            self._send(phone, time.perf_counter())
        under_way = len(self.phones)
        while under_way:
            for fd, _ in self._epoll.poll(5.0) or self._stuck(under_way):
                phone = self.phones.get(fd)
                if phone is None:
                    self._others[fd]()
                    continue
                heard = self._hear(phone)
                under_way -= heard
                if heard and (now := time.perf_counter()) < until:
                    self._send(phone, now)
                    under_way += 1

    def _run_at_rate(self, began: float, seconds: float, rate: float) -> None:
        phones, total, sent, under_way = list(self.phones.values()), int(rate * seconds), 0, 0
        idle_since = began
        while sent < total or under_way:
            while sent < total and (due := began + sent / rate) <= (now := time.perf_counter()):
                self.behind.append(now - due)
                self._send(phones[sent % len(phones)], due)
                sent += 1
                under_way += 1
            found = self._epoll.poll(0)
            for fd, _ in found:
                phone = self.phones.get(fd)
                if phone is None:
                    self._others[fd]()
                else:
                    under_way -= self._hear(phone)
            if found:
                idle_since = time.perf_counter()
                continue
            time.sleep(REST_S)
            if time.perf_counter() - idle_since > 5 and under_way:
                self._stuck(under_way)
        self._listen(0.2)

    def _listen(self, seconds: float) -> None:
        """Read on what other sockets are told."""
        until = time.perf_counter() + seconds
        while self._others and time.perf_counter() < until:
            for fd, _ in self._epoll.poll(0.01):
                if fd in self._others:
                    self._others[fd]()

    def _stuck(self, under_way: int) -> list[tuple[int, int]]:
        raise RuntimeError(f"{under_way} fixes are not acknowledged after 5 s")

    def _send(self, phone: Phone, at: float) -> None:
        phone.sent_at.append(at)
        if self.on_sent is not None:
            self.on_sent(phone, at)
        data = self.speech.fix(phone)
        phone.sent += 1
        if os.write(phone.socket.fileno(), data) != len(data):
            raise RuntimeError("a phone's socket is full")

    def _hear(self, phone: Phone) -> int:
        try:
            data = phone.unread + phone.socket.recv(65_536)
        except BlockingIOError:
            return 0
        now = time.perf_counter()
        count, used = self.speech.answers(data)
        phone.unread = data[used:]
        for _ in range(count):
            self.times.append(now - phone.sent_at.pop(0))
        phone.acked += count
        return count

    def close(self) -> None:
        """Hang up."""
        for phone in self.phones.values():
            phone.socket.close()
        self._epoll.close()


def frame(payload: bytes) -> bytes:
    """A client's masked text frame."""
    length = len(payload)
    head = bytes([0x81, 0x80 | length]) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
    return head + _MASK + apply_mask(payload, _MASK)


def server_frames(data: bytes) -> tuple[int, int]:
    """(how many whole text frames a server sent, the bytes of all whole frames)."""
    at, count = 0, 0
    while len(data) - at >= 2:
        head, length = 2, data[at + 1]
        if length == 126:
            head, length = 4, int.from_bytes(data[at + 2 : at + 4], "big")
        elif length == 127:
            head, length = 10, int.from_bytes(data[at + 2 : at + 10], "big")
        if len(data) - at < head + length:
            break
        count += data[at] == 0x81
        at += head + length
    return count, at


class Echoed:
    """A WebSocket to a server that sends everything back: what a gateway can't beat."""

    path = "/"

    def __init__(self, phones: int) -> None:
        pass

    def opening(self, phone: Phone) -> bytes:
        return (
            f"GET {self.path}{phone.token} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {_KEY.decode()}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    def is_open(self, data: bytes) -> bool:
        if data and not data.startswith(b"HTTP/1.1 101 "[: len(data)]):
            raise RuntimeError(data[:300].decode(errors="replace"))
        return b"\r\n\r\n" in data

    def fix(self, phone: Phone) -> bytes:
        return frame(one_fix(phone))

    def answers(self, data: bytes) -> tuple[int, int]:
        return server_frames(data)

    def key(self, nth: int) -> int:
        return nth


class OurSocket(Echoed):
    """Our own protocol: one fix a message."""

    path = "/ws/phone?token="

    def is_open(self, data: bytes) -> bool:
        return super().is_open(data) and data.endswith(b"}")

    def answers(self, data: bytes) -> tuple[int, int]:
        count, used = server_frames(data)
        if data.count(b'"accepted":1,') != count:
            raise RuntimeError(data[:300].decode(errors="replace"))
        return count, used


def one_fix(phone: Phone) -> bytes:
    """A message with one fix, all its fields told; every phone walks its own way."""
    now_ms = time.time_ns() // 1_000_000
    return (
        b'{"t":"fixes","n":%d,"fixes":[{"s":%d,"at":%d,"lat":60.%06d,"lng":24.%06d,"acc":8,'
        b'"spd":1.5,"crs":90,"bat":77,"chg":false,"mock":null}],"now_ms":%d}'
        % (phone.sent, phone.sent, now_ms, 170_005 + phone.sent * 10 % 800_000,
           (940_000 + phone.number * 13) % 1_000_000, now_ms)
    )  # fmt: skip


def lat_e5(nth: int) -> int:
    """Where a phone's nth fix of `one_fix` lies, in whole steps of 1e-5 degrees north."""
    return 6_000_000 + (170_005 + nth * 10 % 800_000) // 10


class OverHttp:
    """A phone that keeps its connection and sends one request a fix.

    These protocols tell whole seconds, and a phone here sends faster than that: its fixes are of
    successive seconds, the first of them as old as needed.
    """

    def __init__(self, phones: int) -> None:
        self.first_at = int(time.time()) - (280 if phones >= 1000 else 40_000)

    def key(self, nth: int) -> int:
        return (self.first_at + nth) * 1000

    def opening(self, phone: Phone) -> bytes:
        return b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

    def is_open(self, data: bytes) -> bool:
        return data.endswith(b"}")

    def answers(self, data: bytes) -> tuple[int, int]:
        count = used = 0
        while (end := data.find(b"\r\n\r\n", used)) >= 0:
            head = data[used:end]
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(data[:300].decode(errors="replace"))
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            if len(data) < end + 4 + length:
                break
            count, used = count + 1, end + 4 + length
        return count, used

    def fix(self, phone: Phone) -> bytes:
        raise NotImplementedError


class OwnTracks(OverHttp):
    """As the app posts it."""

    def fix(self, phone: Phone) -> bytes:
        body = (
            b'{"_type":"location","BSSID":"","SSID":"","acc":8,"alt":17,"batt":77,"bs":1,"cog":90,'
            b'"conn":"m","lat":60.%06d,"lon":24.%06d,"t":"u","tid":"ab","tst":%d,"vac":3,"vel":5}'
            % (170_000 + phone.sent % 800_000, (940_000 + phone.number * 13) % 1_000_000,
               self.first_at + phone.sent)
        )  # fmt: skip
        secret = base64.b64encode(b"bench:" + phone.token.encode())
        return (
            b"POST /ingest/owntracks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json"
            b"\r\nAuthorization: Basic %s\r\nUser-Agent: Owntracks-Android\r\nContent-Length: %d"
            b"\r\n\r\n%s" % (secret, len(body), body)
        )


class OsmAnd(OverHttp):
    """As Traccar Client sent it before its version 9."""

    def fix(self, phone: Phone) -> bytes:
        return (
            b"POST /ingest/osmand?id=%s&timestamp=%d&lat=60.%06d&lon=24.%06d&speed=2.5&bearing=90"
            b"&altitude=17.0&accuracy=8.0&batt=77.0 HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: "
            b"Dalvik/2.1.0\r\nContent-Length: 0\r\n\r\n"
            % (phone.token.encode(), self.first_at + phone.sent,
               170_000 + phone.sent % 800_000, (940_000 + phone.number * 13) % 1_000_000)
        )  # fmt: skip


SPEECHES: dict[str, Callable[[int], Speech]] = {
    "ws": OurSocket,
    "owntracks": OwnTracks,
    "osmand": OsmAnd,
}
