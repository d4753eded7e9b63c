"""A phone's side of /ws/phone: its fixes go to disk, then it hears so; nudges to pull reach it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from fieldcrm.kit import clock
from fieldcrm.people.model import Actor
from fieldcrm.tracking import session
from fieldcrm.tracking.live_index import PhoneStatus
from fieldcrm.tracking.model import Decoded, Outcome
from workers.gateway.websocket import WebSocket

if TYPE_CHECKING:
    from workers.gateway.server import Gateway

UNDER_WAY_MOST = 8
"""Messages of one phone that may wait for the disk; then it isn't read until some are through."""
_numbers = count()


class Phone:
    """One phone that is connected."""

    __slots__ = (
        "_is_slowed", "_key", "_mode", "_rate", "_session", "_take", "_under_way", "actor", "gateway",
        "number", "rep_id", "socket", "source", "token",
    )  # fmt: skip

    def __init__(
        self, gateway: Gateway, socket: WebSocket, *, rep_id: str, token: str,
        device_id: str | None, source: str, actor: Actor | None,
    ) -> None:  # fmt: skip
        self.gateway, self.socket = gateway, socket
        self.rep_id, self.token, self.source = rep_id, token, source
        self.actor = actor
        """Who came by a session; None where a device's token opened the socket."""
        self.number = next(_numbers)
        """Rises from socket to socket."""
        self._session = session.PhoneSession(device_id)
        self._take = gateway.committer.submit
        self._under_way = 0
        self._is_slowed = False
        """Whether it isn't read because it floods: nothing that gets through changes that."""
        self._known_as(device_id or "")
        self._mode = "web" if source == "web" else source

    @property
    def device_id(self) -> str | None:
        return self._session.device_id

    def _known_as(self, device_id: str) -> None:
        self._key = self.rep_id, device_id
        self._rate = self.gateway.fix_rate.of("|".join(self._key), time.monotonic())

    def opened(self) -> None:
        self.gateway.phones.setdefault(self.rep_id, set()).add(self)
        self.gateway.make_room(self)
        self.socket.send_text(session.hello(clock.now_ms()))

    def message(self, data: bytes) -> None:
        if (usual := self._session.usual(data)) is not None:
            self._batch(usual)
            return
        for event in self._session.receive(data):
            if isinstance(event, session.Batch):
                self._batch(event)
            elif isinstance(event, session.Status):
                self._status(event)
            elif isinstance(event, session.Hello):
                self._mode = event.mode
                self._known_as(event.device_id)
                self.gateway.make_room(self)
                if self.actor is not None:  # a token was asked for this very device already
                    self.gateway.recheck_soon(self)
                self._spend(1)
            else:
                self.gateway.count("phone_refused")
                self.socket.close(event.code, event.reason)
                return

    def _batch(self, batch: session.Batch) -> None:
        self._spend(1 + len(batch.fixes))
        self._submit(batch, batch.phone_now_ms, partial(self._stored, batch.number))

    def _stored(self, batch_number: int, outcome: Outcome | None) -> None:
        self._one_through()
        if outcome is not None:
            self.socket.send_text(session.ack(batch_number, outcome))
        else:  # not on disk: it comes again, sooner than by waiting for an answer in vain
            self.socket.close(session.TRY_LATER, "not stored")

    def _submit(
        self, decoded: Decoded, phone_now_ms: int | None, done: Callable[[Outcome | None], None],
        status: PhoneStatus | None = None,
    ) -> None:  # fmt: skip
        if not self._take(self._key, self.source, decoded, phone_now_ms, done, status):
            self.socket.close(session.TRY_LATER, "busy")
            return
        self._under_way += 1
        if self._under_way >= UNDER_WAY_MOST:
            self.socket.connection.transport.pause_reading()

    def _one_through(self) -> None:
        self._under_way -= 1
        if self._under_way == UNDER_WAY_MOST // 2 and not self._is_slowed:
            self.socket.connection.transport.resume_reading()

    def _spend(self, amount: int) -> None:
        wait_s = self._rate.take(amount, self.socket.heard_at)
        if wait_s > 0:
            self._slow_down(wait_s)

    def _slow_down(self, wait_s: float) -> None:
        """Read nothing more from a phone that floods until its rate is right again."""
        self.gateway.count("slowed")
        if not self._is_slowed:
            self._is_slowed = True
            self.socket.connection.transport.pause_reading()
            asyncio.get_running_loop().call_later(min(wait_s, 30), self._read_on)

    def _read_on(self) -> None:
        self._is_slowed = False
        if self._under_way < UNDER_WAY_MOST:
            self.socket.connection.transport.resume_reading()

    def _status(self, status: session.Status) -> None:
        now_ms = clock.now_ms()
        before = self.gateway.hub.statuses.get(self.rep_id)
        same = before is not None and before.tracking == status.tracking
        told = PhoneStatus(
            self.rep_id, now_ms, status.tracking, status.permission, status.battery_pct,
            self._mode, before.since_ms if same and before else now_ms,
        )  # fmt: skip
        self._submit(Decoded([]), None, lambda outcome: self._one_through(), told)

    def lost(self) -> None:
        there = self.gateway.phones.get(self.rep_id)
        if there is not None:
            there.discard(self)
            if not there:
                del self.gateway.phones[self.rep_id]
