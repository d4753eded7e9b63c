"""The phones' own protocols over HTTP: token -> fixes -> disk -> the answer that protocol wants."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from fieldcrm.people.model import DeviceIdentity, UnknownDevice
from fieldcrm.tracking.model import Decoded, Outcome, Reason, Unreadable
from fieldcrm.tracking.protocols import PROTOCOLS, PhoneProtocol
from fieldcrm.tracking.protocols.http import Post, Reply

if TYPE_CHECKING:
    from workers.gateway.server import Gateway

Answer = Callable[[Reply, bytes], None]
_BUSY = Reply(503, b'{"error":"try again"}')
_FLOOD = Reply(429, b'{"error":"too many unknown tokens"}')
_AGAIN = b"Retry-After: 2\r\n"
_DELAY_MOST_S = 30.0
_NONSENSE_BYTES = 100
"""So much of an unreadable body costs its device as much as a fix: to read it took as long."""


class Caller:
    """Who is behind a request's head, so that the same head again need not be asked again."""

    __slots__ = ("_forgotten", "_until", "decode", "key", "name", "protocol", "rate")

    def __init__(self, gateway: Gateway, name: str, token: str, identity: DeviceIdentity) -> None:
        self.name, self.protocol = name, PROTOCOLS[name]
        self.decode = self.protocol.decode
        self.key = identity.rep_id, identity.device_id
        self.rate = gateway.fix_rate.of("|".join(self.key), time.monotonic())
        self._until = gateway.tokens.known_until(token)
        self._forgotten = gateway.tokens.forgotten

    def is_known(self, gateway: Gateway, now_s: float) -> bool:
        """Whether its token still speaks for it; else it is to be looked up."""
        return now_s < self._until and self._forgotten == gateway.tokens.forgotten


class Ingest:
    """Serves /ingest/<protocol>."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, name: str, post: Post, address: str, answer: Answer) -> Caller | None:
        """Answer once what came is on disk, in the words of the protocol `name`.

        Returns who it was, where that is known at once.
        """
        protocol = PROTOCOLS[name]
        if post.method not in ("GET", "POST"):
            answer(Reply(405), b"Allow: GET, POST\r\n")
            return None
        try:
            token = protocol.token(post)
        except Unreadable:
            self.gateway.count("malformed")
            answer(Reply(400), b"")
            return None
        known = self.gateway.tokens.cached(token) if token else None
        if known is not None and token:
            caller = Caller(self.gateway, name, token, known)
            self.take(caller, post, time.monotonic(), answer)
            return caller
        if token:
            self._spawn(self._identify(name, protocol, post, token, address, answer))
        else:
            self._stranger(protocol, post, address, answer)
        return None

    def _spawn(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _identify(
        self, name: str, protocol: PhoneProtocol, post: Post, token: str, address: str,
        answer: Answer,
    ) -> None:  # fmt: skip
        if self.gateway.failures.is_empty(address, time.monotonic()):
            answer(_FLOOD, b"Retry-After: 60\r\n")
            return
        try:
            identity = await self.gateway.tokens.look_up(token)
        except UnknownDevice:
            self._stranger(protocol, post, address, answer)
        except Exception:
            answer(_BUSY, _AGAIN)  # the database is away: nothing is known of this phone
        else:
            caller = Caller(self.gateway, name, token, identity)
            self.take(caller, post, time.monotonic(), answer)

    def _stranger(self, protocol: PhoneProtocol, post: Post, address: str, answer: Answer) -> None:
        self.gateway.failures.take(address, 1, time.monotonic())
        self.gateway.count("unknown_device")
        answer(protocol.unknown(post), b"")

    def take(self, caller: Caller, post: Post, now_s: float, answer: Answer) -> None:
        """Take a known phone's request; a flood waits."""
        try:
            decoded = caller.decode(post)
        except Unreadable:
            self._take_nonsense(caller, post, now_s, answer)
            return
        wait_s = caller.rate.take(1 + len(decoded.fixes) + decoded.malformed, now_s)
        if wait_s > 0:
            self._later(wait_s, partial(self._submit, caller, post, decoded, answer))
        else:
            self._submit(caller, post, decoded, answer)

    def _take_nonsense(self, caller: Caller, post: Post, now_s: float, answer: Answer) -> None:
        self.gateway.count(Reason.malformed.value)
        wait_s = caller.rate.take(1 + len(post.body) // _NONSENSE_BYTES, now_s)
        refuse = partial(answer, caller.protocol.unreadable(post), b"")
        if wait_s > 0:
            self._later(wait_s, refuse)
        else:
            refuse()

    def _later(self, wait_s: float, work: Callable[[], None]) -> None:
        self.gateway.count("slowed")
        asyncio.get_running_loop().call_later(min(wait_s, _DELAY_MOST_S), work)

    def _submit(self, caller: Caller, post: Post, decoded: Decoded, answer: Answer) -> None:
        done = partial(_stored, caller.protocol, post, answer)
        if not self.gateway.committer.submit(caller.key, caller.name, decoded, None, done):
            answer(_BUSY, _AGAIN)


def _stored(
    protocol: PhoneProtocol, post: Post, answer: Answer, outcome: Outcome | None
) -> None:  # fmt: skip
    if outcome is None:
        answer(_BUSY, _AGAIN)
    else:
        answer(protocol.accepted(post, outcome), b"")
