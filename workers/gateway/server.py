"""The gateway: phones' and desks' sockets, the phones' HTTP protocols, /healthz and /metrics."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import signal
import ssl
import sys
from collections import Counter
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import redis
from websockets.datastructures import Headers
from websockets.http11 import Request as SocketRequest

from fieldcrm.kit import bus, pulse
from fieldcrm.kit.settings import settings
from fieldcrm.people.model import NotSignedIn, Role, UnknownDevice
from fieldcrm.tracking import live_index
from fieldcrm.tracking.live_index import NotDurable
from fieldcrm.tracking.protocols import PROTOCOLS
from fieldcrm.tracking.protocols.http import Reply
from workers.gateway import identity, limits, turns
from workers.gateway.channels import Channels
from workers.gateway.committer import Committer
from workers.gateway.connection import Connection
from workers.gateway.desks import Desk
from workers.gateway.http import HttpSpeaker, Request
from workers.gateway.hub import Hub
from workers.gateway.ingest import Ingest
from workers.gateway.lane import Lane
from workers.gateway.metrics import metrics_text
from workers.gateway.phones import Phone
from workers.gateway.websocket import Refused, Talk, WebSocket

PING_EVERY_S = 20.0
DEAD_AFTER_S = 65.0
RECHECK_EVERY_S = 300.0
COUNTS_EVERY_S = 2.0
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
"""Options of glibc's mallopt(3)."""
METRICS_EVERY_S = 0.05
"""However often /metrics is asked for, the store hears of it no more often."""
SIGNED_OUT = 4401
"""Close code: this session or device is no longer welcome; coming again needs a new sign-in."""
_log = logging.getLogger("gateway")


class Gateway:
    """What all connections of this process share."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.committer = Committer(
            self.hub.crew, self.hub.take_points, self.hub.take_status,
            lambda: self.hub.gap_s if self.hub.desks else 0.0,
        )  # fmt: skip
        self.tokens = identity.Tokens()
        self.ingest = Ingest(self)
        self.lane = Lane()
        self.phones: dict[str, set[Phone]] = {}
        self.sockets: dict[Connection, WebSocket] = {}
        self.connections: set[Connection] = set()
        self.fix_rate = limits.Buckets(limits.FIXES_PER_S, limits.FIXES_AT_ONCE)
        self.openings = limits.Buckets(limits.OPENINGS_PER_S, limits.OPENINGS_AT_ONCE)
        self.failures = limits.Buckets(limits.FAILURES_PER_S, limits.FAILURES_AT_ONCE)
        self._by_address: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._counting = asyncio.Lock()
        """Held while counters are on their way to Valkey or read from there: none is in both or neither."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._told_at = -METRICS_EVERY_S
        self._told_metrics = Reply(503)
        """When /metrics was worked out last, and what it said."""

    # connections

    def admit(self, connection: Connection) -> bool:
        """Whether one more connection is welcome from there."""
        self.connections.add(connection)
        self._by_address[connection.address] += 1
        is_shared = connection.address in ("127.0.0.1", "::1", "local") or settings().trust_proxy
        too_many = self._by_address[connection.address] > limits.CONNECTIONS_PER_ADDRESS
        if len(self.connections) > limits.CONNECTIONS or (too_many and not is_shared):
            self.count("connections_refused")
            return False
        return True

    def dismiss(self, connection: Connection) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        self.sockets.pop(connection, None)
        self._by_address[connection.address] -= 1
        if self._by_address[connection.address] <= 0:
            del self._by_address[connection.address]

    def http(self, connection: Connection) -> HttpSpeaker:
        """A connection that speaks HTTP."""
        return HttpSpeaker(self, connection)

    def socket(self, connection: Connection) -> WebSocket:
        """A connection that wants to be a WebSocket."""
        socket = WebSocket(connection, self._welcome)
        self.sockets[connection] = socket
        return socket

    def count(self, reason: str) -> None:
        """Count something by its reason, for /metrics."""
        self._counts[reason] += 1

    # HTTP

    def serve(self, request: Request, speaker: HttpSpeaker) -> None:
        """Answer one request."""
        path = request.path
        if path.startswith("/ingest/") and (name := path[8:].rstrip("/")) in PROTOCOLS:
            address = self._address(speaker.connection, request.post.headers)
            request.caller = self.ingest.serve(name, request.post, address, speaker.answer)
        elif path == "/healthz":
            speaker.answer(self._health())
        elif path == "/metrics" and self._knows_metrics:
            speaker.answer(self._told_metrics)
        elif path == "/metrics":
            self._spawn(self._metrics(speaker))
        else:
            speaker.answer(Reply(404, b'{"error":"not found"}'))

    def _address(self, connection: Connection, headers: dict[str, str]) -> str:
        forwarded = headers.get("x-forwarded-for") if settings().trust_proxy else None
        return forwarded.rpartition(",")[2].strip()[:64] if forwarded else connection.address

    def _health(self) -> Reply:
        is_well = self.committer.is_storing
        state = {
            "status": "ok" if is_well else "degraded",
            "phones": sum(map(len, self.phones.values())), "desks": len(self.hub.desks),
        }  # fmt: skip
        return Reply(200 if is_well else 503, msgspec.json.encode(state))

    @property
    def _knows_metrics(self) -> bool:
        """Whether they were worked out just now: whoever asks on and on costs hardly anything."""
        return asyncio.get_running_loop().time() - self._told_at <= METRICS_EVERY_S

    async def _metrics(self, speaker: HttpSpeaker) -> None:
        if not self._knows_metrics:
            body = await self._metrics_body()
            self._told_metrics = Reply(200, body, "text/plain; version=0.0.4; charset=utf-8")
            self._told_at = asyncio.get_running_loop().time()
        speaker.answer(self._told_metrics)

    async def _metrics_body(self) -> bytes:
        async with self._counting:
            try:
                counts = await asyncio.to_thread(live_index.counts, bus.connection())
            except redis.RedisError:
                counts = {}
            for name, count in self._counts.items():
                counts[name] = counts.get(name, 0) + count
        return metrics_text(counts, self).encode()

    # sockets

    async def _welcome(self, socket: WebSocket, request: SocketRequest) -> Talk:
        """Let a phone or a desk in; raises Refused."""
        parts = urlsplit(request.path)
        self._check_origin(request.headers)
        cookie = identity.session_token(request.headers.get("Cookie"))
        if parts.path == "/ws/phone":
            token = parse_qs(parts.query).get("token", [None])[0]
            address = self._address(
                socket.connection, {"x-forwarded-for": request.headers.get("X-Forwarded-For", "")}
            )
            return await self._phone(socket, token, cookie, address)
        if parts.path == "/ws/desk":
            return await self._desk(socket, cookie)
        raise Refused(404, "not found")

    def _check_origin(self, headers: Headers) -> None:
        origins = headers.get_all("Origin")
        allowed = identity.is_allowed_origin
        if len(origins) > 1 or not allowed(
            origins[0] if origins else None, headers.get("Host"), settings()
        ):
            self.count("origin_refused")
            raise Refused(403, "origin")

    async def _phone(
        self, socket: WebSocket, token: str | None, cookie: str | None, address: str
    ) -> Talk:
        now = asyncio.get_running_loop().time()
        if self.failures.is_empty(address, now):
            raise Refused(429, "too many unknown tokens")
        self._check_openings(token or cookie or "", now)
        try:
            if token is not None:
                device = self.tokens.cached(token) or await self.tokens.look_up(token)
                self.openings.take(token, 1, now)
                return Phone(self, socket, rep_id=device.rep_id, token=token,
                             device_id=device.device_id, source=device.kind.value,
                             actor=None)  # fmt: skip
            actor = await identity.actor_of(cookie, "phone")
        except (NotSignedIn, UnknownDevice) as error:
            self.failures.take(address, 1, now)
            self.count("unknown_device")
            raise Refused(401, "not signed in") from error
        if actor.role is not Role.rep:
            raise Refused(403, "reps only")
        self.openings.take(cookie or "", 1, now)
        return Phone(self, socket, rep_id=actor.user_id, token=cookie or "", device_id=None,
                     source="web", actor=actor)  # fmt: skip

    def _check_openings(self, token: str, now: float) -> None:
        """Refuse sockets that somebody opens one upon the other; raises Refused."""
        if self.openings.is_empty(token, now):
            self.count("opened_too_often")
            raise Refused(429, "too often")

    async def _desk(self, socket: WebSocket, cookie: str | None) -> Talk:
        try:
            actor = await identity.actor_of(cookie, "web")
        except NotSignedIn as error:
            raise Refused(401, "not signed in") from error
        if actor.role is Role.rep:
            raise Refused(403, "desks only")
        return Desk(self.hub, socket, actor, cookie or "", self.count)

    # who may stay

    def make_room(self, phone: Phone) -> None:
        """Close the oldest sockets of a device, and of a rep, beyond what each may have.

        It is the oldest that go: a phone that lost its network opens a new socket long before
        anybody notices that the old one is dead.
        """
        there = sorted(self.phones.get(phone.rep_id, ()), key=lambda p: p.number)
        own = [p for p in there if p.device_id and p.device_id == phone.device_id]
        for old in {*own[: -limits.SOCKETS_PER_DEVICE], *there[: -limits.SOCKETS_PER_REP]}:
            self.count("sockets_replaced")
            old.lost()
            old.socket.close(limits.REPLACED, "replaced")

    def revoke(self, device_id: str) -> None:
        """A device is revoked: its token and its sockets end now."""
        self.tokens.revoke(device_id)
        for phone in self.all_phones():
            if phone.device_id == device_id:
                phone.socket.close(SIGNED_OUT, "revoked")

    def sign_out(self, user_id: str) -> None:
        """Sessions of a user have ended: those of his sockets that came by one end too."""
        self.tokens.forget_rep(user_id)
        talks = [p for p in self.all_phones() if p.rep_id == user_id]
        desks = [d for d in self.hub.desks if d.actor.user_id == user_id]
        for talk in [*talks, *desks]:
            self.recheck_soon(talk)

    def all_phones(self) -> list[Phone]:
        """Every connected phone."""
        return [phone for phones in self.phones.values() for phone in phones]

    async def _recheck(self, talk: Phone | Desk) -> None:
        """Close a socket whose session or device has ended; a desk sees what its user sees now."""
        try:
            if isinstance(talk, Desk):
                talk.become(await identity.actor_of(talk.token, "web"))
            elif talk.actor is None:
                await self.tokens.look_up(talk.token)
            else:
                await identity.actor_of(talk.token, "phone")
                if talk.device_id and await identity.is_revoked(talk.actor, talk.device_id):
                    raise UnknownDevice
        except (NotSignedIn, UnknownDevice):
            talk.socket.close(SIGNED_OUT, "signed out")
        except Exception as error:
            _log.warning("not rechecked: %r", error)  # the database is away: everybody stays

    def recheck_soon(self, talk: Phone | Desk) -> None:
        """Ask beside the conversation whether somebody is welcome."""
        self._spawn(self._recheck(talk))

    # housekeeping

    async def watch_sockets(self) -> None:
        """Ping all sockets, drop dead ones, and ask now and then whether they may still be here."""
        since_recheck = 0.0
        while True:
            await asyncio.sleep(PING_EVERY_S)
            now = asyncio.get_running_loop().time()
            for connection, socket in list(self.sockets.items()):
                if now - socket.heard_at > DEAD_AFTER_S:
                    connection.transport.abort()
                else:
                    socket.ping()
            for desk in list(self.hub.desks):
                await self._recheck(desk)
            since_recheck += PING_EVERY_S
            if since_recheck >= RECHECK_EVERY_S:
                since_recheck = 0.0
                for phone in self.all_phones():
                    await self._recheck(phone)

    async def keep_counts(self) -> None:
        """Put counters that no commit carries into Valkey, so that they outlive this process."""
        while True:
            await asyncio.sleep(COUNTS_EVERY_S)
            async with self._counting:
                taken, self._counts = self._counts, Counter()
                try:
                    await asyncio.to_thread(live_index.add_counts, bus.connection(), taken)
                except redis.RedisError:
                    self._counts.update(taken)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start(self) -> None:
        """Start everything that runs beside the connections."""
        for work in (
            self.committer.run(), self.hub.crew.keep_fresh(), self.hub.tick(), Channels(self).listen(),
            self.watch_sockets(), self.keep_counts(),
        ):  # fmt: skip
            self._spawn(work)

    async def stop(self) -> None:
        """Let what waits get to disk, say good-bye, end."""
        await self.committer.finish()
        for socket in list(self.sockets.values()):
            socket.close(1012, "restart")
        await asyncio.sleep(0.1)
        for connection in list(self.connections):
            connection.transport.abort()
        for task in list(self._tasks):
            task.cancel()


def tls_context() -> ssl.SSLContext | None:
    """TLS with the install's certificate, where the settings ask for it."""
    if not settings().tls:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    folder = settings().home / "tls"
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


async def wait_for_durable_store() -> None:
    """Wait until Valkey answers; raises NotDurable when a power cut could take writes back."""
    while True:
        try:
            await asyncio.to_thread(live_index.check_durable, bus.connection())
            return
        except (redis.ConnectionError, redis.TimeoutError) as error:
            _log.warning("no Valkey yet: %s", error)
            await asyncio.sleep(0.3)


async def run() -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    ready = asyncio.create_task(wait_for_durable_store())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([ready, stopping], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        ready.cancel()
        return
    ready.result()
    await _serve(stop)


async def _serve(stop: asyncio.Event) -> None:
    gateway = Gateway()
    await gateway.hub.crew.load()
    gc.freeze()
    gateway.start()
    s = settings()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(gateway), s.host, s.gateway_port, ssl=tls_context(), backlog=4096,
        reuse_address=True,
    )  # fmt: skip
    limits.read_little_at_once(server)
    beat = pulse.keep_beating("gateway")  # it lives once phones are heard, not before
    _log.info("phones send to %s/ingest/{%s}", s.gateway_address, ",".join(PROTOCOLS))
    try:
        await stop.wait()
    finally:
        beat.set()
        server.close()
        await gateway.stop()


def keep_freed_memory() -> None:
    """Have glibc keep what one batch frees for the next instead of giving it back and asking again.

    Each page asked for again is a fault; at 25,000 fixes/s they took a tenth of the core.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        option = ctypes.CDLL(None).mallopt
        for which, value in (
            (_TRIM_THRESHOLD, 256 << 20),
            (_TOP_PAD, 16 << 20),
            (_MMAP_THRESHOLD, 32 << 20),
        ):
            option(which, value)


def main() -> None:
    """The `fieldcrm gateway` process."""
    keep_freed_memory()
    limits.allow_files()
    turns.shorten(turns.GATEWAY_S)
    if settings().realtime:
        turns.go_first(turns.GATEWAY_RANK)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)  # it would log every phone
    sys.setswitchinterval(0.0005)  # a thread that asks the database must not hold up every phone
    gc.set_threshold(100_000, 50, 100)  # hardly anything here makes cycles
    try:
        import uvloop

        uvloop.run(run())
    except NotDurable as error:
        sys.exit(f"The gateway acknowledges only what a power cut can't take back: Valkey {error}")


if __name__ == "__main__":
    main()
