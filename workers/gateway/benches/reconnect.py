"""All phones of a gateway come back after it has died: `fieldcrm bench live --reconnect N`.

N phones are connected and send fixes, a tenth of them each second. The gateway is killed and started
anew on its port, as its supervisor does. Each phone comes back as the app does (`RETRY_S`, jittered)
and sends what was not acknowledged again. How long that takes counts from the kill, with the start
of the new gateway, until a phone's socket is open and owes it no answer.
"""

from __future__ import annotations

import argparse
import heapq
import random
import select
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from workers.gateway import limits
from workers.gateway.benches import lab
from workers.gateway.benches.lab import BusyTime, Lab, share
from workers.gateway.benches.load import OurSocket, Phone, server_frames

RETRY_S = 1.0, 2.0, 5.0
"""What the phone app waits before it tries again, times 0.5 to 1.5; the last one from then on."""
FIX_EVERY_S = 10.0
CONNECTING_PER_S = 2000
GIVE_UP_S = 60.0
FILES_BESIDE = 200


def measure(here: Lab, chosen: argparse.Namespace) -> dict[str, Any]:
    """All figures of one run."""
    if limits.allow_files() < chosen.reconnect + FILES_BESIDE:
        raise SystemExit(f"{chosen.reconnect} sockets are more files than may be open here")
    valkey = here.start_valkey()
    lab.wait_for_file(here.home / "valkey.sock")
    company = lab.build_company(chosen.reconnect)
    lab.pin(lab.LOAD_CORE)
    gateway = here.start_gateway()
    herd = Herd(here.port, company.tokens)
    herd.run_until_calm(GIVE_UP_S)
    herd.run(chosen.seconds)
    gateway.kill()
    herd.begin()
    gateway.wait()
    gateway = here.start_python(lab.GATEWAY)
    busy = BusyTime(gateway, valkey)
    herd.run_until_calm(GIVE_UP_S)
    in_gateway, in_valkey = busy.seconds()
    herd.is_sending = False
    herd.run_until_calm(GIVE_UP_S)
    herd.close()
    lost, twice = lab.missing(herd.acked())
    return {
        "sockets": chosen.reconnect, "back": len(herd.back), "back_p50_s": seconds(herd.back, 0.5),
        "back_p99_s": seconds(herd.back, 0.99), "back_all_s": seconds(herd.back, 1.0),
        "attempts": herd.attempts, "listening_after_s": round(herd.listening_after, 3),
        "acked": sum(p.phone.acked for p in herd.all), "lost": lost, "stored_twice": twice,
        "gateway_s": round(in_gateway, 2), "valkey_s": round(in_valkey, 2),
    }  # fmt: skip


def seconds(times: Sequence[float], part: float) -> float:
    """A percentile, seconds."""
    return round(share(times, part) / 1000, 2)


class Insisting(OurSocket):
    """Our own protocol; a fix sent again may turn out to be stored already."""

    def answers(self, data: bytes) -> tuple[int, int]:
        count, used = server_frames(data)
        if data.count(b'"accepted":1,') + data.count(b'"duplicate":1') != count:
            raise RuntimeError(data[:300].decode(errors="replace"))
        return count, used


@dataclass
class Returner:
    """A phone that comes back."""

    phone: Phone
    state: str = "away"
    """away, connecting, opening, open."""
    tries: int = 0
    owed: bytes = b""
    """Its last fix as it was sent, until it is acknowledged."""
    is_back: bool = False
    """Whether it has had a socket and owed it no answer since counting began."""


class Herd:
    """All phones, in one thread: each keeps its socket, sends now and then, comes back when it breaks."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        self._port, self._speech, self._dice = port, Insisting(len(tokens)), random.Random(7)
        self._epoll = select.epoll()
        self._by_fd: dict[int, Returner] = {}
        self._due: list[tuple[float, int, bool]] = []
        """(when, whose, whether it connects then; else it sends a fix)."""
        self.all = [Returner(Phone(i, t, socket.socket())) for i, t in enumerate(tokens)]
        self.is_sending = True
        self.back: list[float] = []
        self.attempts = 0
        self.listening_after = 0.0
        self._began = time.perf_counter()
        for i in range(len(tokens)):
            self._later(i / CONNECTING_PER_S, i, connects=True)
            self._later(self._dice.uniform(0, FIX_EVERY_S), i, connects=False)

    def begin(self) -> None:
        """From now on count who is back, and after how long."""
        self._began, self.attempts, self.listening_after = time.perf_counter(), 0, 0.0
        self.back.clear()
        for one in self.all:
            one.is_back = False

    def run_until_calm(self, seconds: float) -> None:
        """Go on until everybody has been back, and owed nothing if no more is sent; RuntimeError."""
        until = time.perf_counter() + seconds
        while missing := sum(not self._is_calm(one) for one in self.all):
            self.run(0.25)
            if time.perf_counter() > until:
                raise RuntimeError(f"{missing} phones are not back after {seconds} s")

    def _is_calm(self, one: Returner) -> bool:
        return one.is_back and (self.is_sending or not one.owed)

    def run(self, seconds: float) -> None:
        """Serve all sockets for some time."""
        until = time.perf_counter() + seconds
        while (now := time.perf_counter()) < until:
            while self._due and self._due[0][0] <= now:
                _, number, connects = heapq.heappop(self._due)
                self._connect(self.all[number]) if connects else self._send_in_turn(number)
            for fd, events in self._epoll.poll(0.002):
                if (one := self._by_fd.get(fd)) is not None:
                    self._serve(one, events)

    def _later(self, seconds: float, number: int, *, connects: bool) -> None:
        heapq.heappush(self._due, (time.perf_counter() + seconds, number, connects))

    def _connect(self, one: Returner) -> None:
        self.attempts += 1
        link = one.phone.socket = socket.socket()
        link.setblocking(False)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.state, one.phone.unread = "connecting", b""
        with suppress(BlockingIOError, ConnectionError):
            link.connect(("127.0.0.1", self._port))
        self._by_fd[link.fileno()] = one
        self._epoll.register(link.fileno(), select.EPOLLOUT)

    def _serve(self, one: Returner, events: int) -> None:
        try:
            if one.state == "connecting":
                self._opened(one)
            else:
                self._read(one)
        except OSError:
            self._away(one)

    def _opened(self, one: Returner) -> None:
        link = one.phone.socket
        if error := link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, "not connected")
        self.listening_after = self.listening_after or time.perf_counter() - self._began
        link.send(self._speech.opening(one.phone))
        self._epoll.modify(link.fileno(), select.EPOLLIN)
        one.state = "opening"

    def _read(self, one: Returner) -> None:
        phone = one.phone
        data = phone.socket.recv(65_536)
        if not data:
            raise ConnectionResetError
        phone.unread += data
        if one.state == "open":
            answers, used = self._speech.answers(phone.unread)
            phone.unread = phone.unread[used:]
            if answers:
                phone.acked, one.owed = phone.acked + answers, b""
        elif self._speech.is_open(phone.unread):
            one.state, one.tries, phone.unread = "open", 0, b""
            if one.owed:
                phone.socket.send(one.owed)
        if one.state == "open" and not one.owed and not one.is_back:
            one.is_back = True
            self.back.append(time.perf_counter() - self._began)

    def _send_in_turn(self, number: int) -> None:
        self._later(FIX_EVERY_S, number, connects=False)
        one = self.all[number]
        if one.owed or not self.is_sending:
            return
        one.owed = self._speech.fix(one.phone)
        one.phone.sent += 1
        if one.state == "open":
            try:
                one.phone.socket.send(one.owed)
            except OSError:
                self._away(one)

    def _away(self, one: Returner) -> None:
        fd = one.phone.socket.fileno()
        self._by_fd.pop(fd, None)
        one.phone.socket.close()
        one.state = "away"
        wait_s = RETRY_S[min(one.tries, len(RETRY_S) - 1)] * self._dice.uniform(0.5, 1.5)
        one.tries += 1
        self._later(wait_s, one.phone.number, connects=True)

    def acked(self) -> dict[str, list[int]]:
        """By device: the numbers of all fixes that were acknowledged."""
        return {f"d{p.phone.number}": list(range(p.phone.acked)) for p in self.all}

    def close(self) -> None:
        """Hang up."""
        for one in self.all:
            one.phone.socket.close()
        self._epoll.close()
