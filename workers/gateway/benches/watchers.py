"""Desks that watch under load: bare sockets in the phones' own loop, frames read as documented.

How late a fix is at a desk: from the moment at which its phone was to send it to the moment at
which the frame with its position is read. Each fix has a latitude of its own step, by which it is
known again in whole records and in moves. What comes is only noted with its time while the load
runs, and understood afterwards: else one desk's frames would wait while another's are taken apart.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Sequence

from workers.gateway.benches.load import Crowd, frame

_KEY = "dGhlIHNhbXBsZSBub25jZQ=="
_HEAD = struct.Struct("<BBHIQ")
_SECTION = struct.Struct("<HHH")
READ_THROUGH = 100
_ALL = (
    '{"t":"view","bbox":[-89,-179,89,179],"zoom":9,"singly":20000,"moves":true}',
    '{"t":"view","bbox":[59.5,24.1,60.99,25.9],"zoom":10,"singly":20000,"moves":true}',
    '{"t":"view","bbox":[60.0,24.5,60.95,25.5],"zoom":11,"singly":20000,"moves":true}',
)
"""Different views that all hold the whole town."""


class Watcher:
    """One desk."""

    def __init__(self, port: int, cookie: str, nth: int, watch: Watch) -> None:
        self._watch = watch
        self._is_read_through = nth % watch.read_every == 0
        self._unread = b""
        self._came: list[tuple[float, bytes]] = []
        """When each piece was read."""
        self.index_of: dict[int, int] = {}
        self.bytes = self.updates = self.gaps = 0
        self._next_number = 0
        self.link = socket.create_connection(("127.0.0.1", port))
        self.link.sendall(
            f"GET /ws/desk HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade"
            f"\r\nSec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n"
            f"Cookie: fieldcrm_session={cookie}\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._unread:
            self._unread += self._read()
        self._unread = self._unread.partition(b"\r\n\r\n")[2]
        while not self.index_of:
            self._unread += self._read()
            self._take_all(time.perf_counter())
        self.link.setblocking(False)
        self.link.send(frame(_ALL[nth % len(_ALL)].encode()))

    def _read(self) -> bytes:
        data = self.link.recv(1 << 18)
        if not data:
            raise RuntimeError("a desk was not let in")
        return data

    def readable(self) -> None:
        """Read what has come."""
        data = self._read()
        self._came.append((time.perf_counter(), data))
        self.bytes += len(data)

    def understand(self) -> None:
        """Take apart what has been read."""
        came, self._came = self._came, []
        for at, data in came:
            self._unread += data
            self._take_all(at)

    def _take_all(self, now: float) -> None:
        data, at = self._unread, 0
        while len(data) - at >= 2:
            head, length = 2, data[at + 1]
            if length == 126:
                head, length = 4, int.from_bytes(data[at + 2 : at + 4], "big")
            elif length == 127:
                head, length = 10, int.from_bytes(data[at + 2 : at + 10], "big")
            if len(data) < at + head + length:
                break
            payload = data[at + head : at + head + length]
            if data[at] == 0x82:
                self._positions(payload, now)
            elif payload.startswith(b'{"t":"roster"'):
                reps = json.loads(payload)["reps"]
                self.index_of = {r["i"]: self._watch.phone_of[r["id"]] for r in reps}
            at += head + length
        self._unread = data[at:]

    def _positions(self, payload: bytes, now: float) -> None:
        _, kind, count, number, _ = _HEAD.unpack_from(payload)
        self.gaps += number != self._next_number
        self._next_number = number + 1
        if not self._is_read_through:
            self.updates += count if kind in (2, 4) else 0
        elif kind == 4:
            self._moves(payload, now)
        elif kind == 2:
            for at in range(16, len(payload), 24):
                index, lat = struct.unpack_from("<H2xi", payload, at)
                self._seen(self.index_of[index], lat // 10, now)

    def _moves(self, payload: bytes, now: float) -> None:
        at = 16
        while at < len(payload):
            row, _, count = _SECTION.unpack_from(payload, at)
            at += 6
            for index, north in struct.iter_unpack("<HH4x", payload[at : at + 8 * count]):
                self._seen(self.index_of[index], (row << 16) + north - 9_000_000, now)
            at += 8 * count

    def _seen(self, phone: int, lat_e5: int, now: float) -> None:
        self.updates += 1
        sent_at = self._watch.sent_at.get((phone, lat_e5))
        if sent_at is not None:
            self._watch.times.append(now - sent_at)


class Watch:
    """All desks of a load, and when each fix was sent."""

    def __init__(
        self, crowd: Crowd, port: int, cookies: Sequence[str], reps: Sequence[str]
    ) -> None:
        self.phone_of = {rep_id: i for i, rep_id in enumerate(reps)}
        self.sent_at: dict[tuple[int, int], float] = {}
        self.times: list[float] = []
        self.read_every = max(1, len(cookies) // READ_THROUGH)
        """Of very many desks only some are timed, or the load would cost more than the gateway."""
        self.desks = [Watcher(port, cookie, i, self) for i, cookie in enumerate(cookies)]
        for desk in self.desks:
            crowd.watch(desk.link, desk.readable)

    def begin(self) -> None:
        """Count from now on."""
        self.understand()
        self.times.clear()
        for desk in self.desks:
            desk.bytes = desk.updates = 0

    def understand(self) -> None:
        """Take apart what all desks have read."""
        for desk in self.desks:
            desk.understand()

    @property
    def bytes_per_update(self) -> float:
        """All that came over the sockets, with every head, by position told."""
        updates = sum(desk.updates for desk in self.desks)
        return round(sum(desk.bytes for desk in self.desks) / updates, 2) if updates else 0.0

    @property
    def gaps(self) -> int:
        """Frames whose number wasn't the next."""
        return sum(desk.gaps for desk in self.desks)

    def close(self) -> None:
        """Hang up."""
        for desk in self.desks:
            desk.link.close()
