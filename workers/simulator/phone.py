"""A simulated phone: the rep's app with its outbox and copy of the day, and a tracker app beside.

It knows nothing of the product but its public interfaces, and behaves as a phone must: what is not
acknowledged stays and is sent again, first at once, then ever more rarely; order is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from fieldcrm.kit import clock, ids
from workers.simulator.gps import Reading
from workers.simulator.keep import Keep, Memory
from workers.simulator.log import TruthLog
from workers.simulator.scenario import RepTraits
from workers.simulator.trackers import PROTOCOLS, Fix

PUSH_AT_ONCE = 100
SOCKET_FIXES_AT_ONCE = 200
PULL_EVERY_S = 60.0
"""Product seconds; a nudge on the socket comes sooner."""
RETRY_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Real seconds between tries."""
PIECE = 256 * 1024

_log = logging.getLogger(__name__)


class SignInRefused(Exception):
    """The server doesn't know this login or password."""


class Unreachable(Exception):
    """No answer, or one that says 'later'."""


@dataclass(frozen=True)
class Address:
    """Where the phone finds the product; `gateway` empty is what the server tells."""

    server: str
    gateway: str = ""
    ca: str | None = None

    @property
    def trust(self) -> ssl.SSLContext | bool:
        return ssl.create_default_context(cafile=self.ca) if self.ca else True


class Phone:
    """One rep's phone."""

    def __init__(
        self, login: str, password: str, address: Address, traits: RepTraits, keep: Keep,
        log: TruthLog,
    ) -> None:  # fmt: skip
        self.login, self.traits, self.log = login, traits, log
        self._password, self._address, self._keep = password, address, keep
        self.memory = Memory()
        self.docs: dict[str, dict[str, dict[str, Any]]] = {}
        self.photos: dict[str, bytes] = {}
        self.me: dict[str, Any] = {}
        self._cursor = "0"
        self._offset_ms = 0
        self._http = httpx.AsyncClient(
            base_url=address.server, timeout=10, verify=address.trust,
            headers={"User-Agent": "fieldcrm-simulator"},
        )  # fmt: skip
        self._wake_sync, self._wake_fixes = asyncio.Event(), asyncio.Event()
        self._socket: ClientConnection | None = None
        self._acks: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._batch = 0

    # The phone's own clock and network

    def own_ms(self, at: float) -> int:
        """A true moment (epoch seconds) as this phone's clock tells it, in ms."""
        return round((at + self.traits.clock_error_s) * 1000)

    @property
    def is_offline(self) -> bool:
        """Whether the phone is out of reach of any network now."""
        start, end = self.traits.offline_from_min, self.traits.offline_to_min
        if start is None or end is None:
            return False
        now = clock.local(clock.now())
        return start <= now.hour * 60 + now.minute < end

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits to be sent."""
        return not (self.memory.outbox or self.memory.fixes or self.photos)

    # What the rep does with it

    def take_reading(self, reading: Reading) -> None:
        """The tracker notes a position, to be sent."""
        self.memory.fix_seq += 1
        self.memory.fixes.append({
            "s": self.memory.fix_seq, "at": self.own_ms(reading.at), "lat": reading.lat,
            "lng": reading.lng, "acc": reading.accuracy_m, "spd": round(reading.speed_mps, 2),
            "crs": reading.course_deg, "bat": reading.battery_pct, "chg": reading.is_charging,
            "mock": reading.is_mock,
        })  # fmt: skip
        self._wake_fixes.set()

    def do(self, kind: str, subject_id: str, at: float, payload: dict[str, Any]) -> None:
        """The rep presses something: a mutation joins the outbox and shows at once."""
        self.memory.seq += 1
        mutation = {
            "id": ids.new_id(), "seq": self.memory.seq, "kind": kind, "subject_id": subject_id,
            "device_at_ms": self.own_ms(at), "offset_ms": self._offset_ms, "payload": payload,
        }  # fmt: skip
        self.memory.outbox.append(mutation)
        self._show(mutation)
        self.save()
        self._wake_sync.set()

    def position(self, reading: Reading | None) -> dict[str, Any] | None:
        """A reading as a mutation carries it."""
        if reading is None:
            return None
        return {
            "lat": reading.lat, "lng": reading.lng, "accuracy_m": reading.accuracy_m,
            "fix_at_ms": self.own_ms(reading.at), "is_mock": reading.is_mock or None,
            "source": "gps",
        }  # fmt: skip

    def of(self, entity: str) -> dict[str, dict[str, Any]]:
        """The phone's copy of an entity, by id."""
        return self.docs.setdefault(entity, {})

    def visits_of(self, day: date) -> list[dict[str, Any]]:
        """The visits of a day as this phone shows them."""
        return [v for v in self.of("visit").values() if v["day"] == day.isoformat()]

    def shift_of(self, day: date) -> dict[str, Any] | None:
        """The day's latest shift, open or ended."""
        start, end = (m.timestamp() * 1000 for m in clock.day_bounds(day))
        found = [s for s in self.of("shift").values() if start <= s["started_at_ms"] < end]
        return max(found, key=lambda s: s["started_at_ms"], default=None)

    def save(self) -> None:
        """Keep what is not sent."""
        self._keep.save(self.memory)

    # Its life

    async def set_up(self, pair: Callable[[str, str, str], Awaitable[dict[str, Any]]]) -> None:
        """Sign in, take the first copy, pair the tracker; tries until the server answers."""
        await self._insist(self._sign_in)
        self.memory = self._keep.load(self.me["user"]["id"])
        await self._insist(self._register)
        await self._insist(self._pull)
        for mutation in self.memory.outbox:
            self._show(mutation)
        if self.traits.tracker in PROTOCOLS and not self.memory.tracker_token:
            kind = PROTOCOLS[self.traits.tracker].kind
            paired = await self._insist(lambda: pair(self.me["user"]["id"], kind, self.login))
            self.memory.tracker_id = paired["device"]["id"]
            self.memory.tracker_token = paired["token"]
        self.save()

    async def run(self) -> None:
        """Sync, listen and send positions until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._sync_forever())
            tasks.create_task(self._listen_forever())
            tasks.create_task(self._send_fixes_forever())

    async def close(self) -> None:
        self.save()
        await self._http.aclose()

    # Signing in, pulling, pushing

    async def _insist(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        for tried in range(10_000):
            try:
                return await ask()
            except Unreachable:
                await asyncio.sleep(_pause(tried))
        raise Unreachable

    async def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; raises Unreachable where a phone would try again later."""
        if self.is_offline:
            raise Unreachable
        try:
            answer = await self._http.request(method, path, **options)
        except httpx.TransportError as error:
            raise Unreachable(str(error)) from error
        if answer.status_code == 401 and path != "/api/v1/session":
            await self._sign_in()
            raise Unreachable("signed in again")
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Unreachable(str(answer.status_code))
        return answer

    async def _sign_in(self) -> None:
        body = {"login": self.login, "password": self._password}
        answer = await self._ask("POST", "/api/v1/session", json=body)
        if answer.status_code != 200:
            raise SignInRefused(answer.text)
        self.me = answer.json()
        self._note_time(self.me["server_time_ms"])

    async def _register(self) -> None:
        hello = {"device_id": self.memory.device_id, "name": "Simulated phone", "app_version": "1"}
        answer = (await self._ask("POST", "/api/v1/sync/device", json=hello)).json()
        self.memory.seq = max(self.memory.seq, answer["last_seq"])

    def _note_time(self, server_ms: int) -> None:
        self._offset_ms = server_ms - self.own_ms(clock.now().timestamp())

    async def _sync_forever(self) -> None:
        tried = 0
        while True:
            self._wake_sync.clear()
            try:
                await self._sync()
                tried = 0
            except Unreachable:
                tried += 1
                await asyncio.sleep(_pause(tried - 1))
                continue
            wait_s = max(1.0, clock.real_seconds(PULL_EVERY_S))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake_sync.wait(), wait_s)

    async def _sync(self) -> None:
        while self.photos:
            await self._send_photo(next(iter(self.photos)))
        while self.memory.outbox:
            await self._push(self.memory.outbox[:PUSH_AT_ONCE])
        await self._pull()

    async def _push(self, mutations: list[dict[str, Any]]) -> None:
        body = {
            "device_id": self.memory.device_id, "schema": self.me["schema"],
            "device_now_ms": self.own_ms(clock.now().timestamp()), "mutations": mutations,
        }  # fmt: skip
        response = await self._ask("POST", "/api/v1/sync/push", json=body)
        if response.status_code != 200:
            _log.warning("%s: push %s %s", self.login, response.status_code, response.text[:300])
            raise Unreachable("push")
        answer = response.json()
        self._note_time(answer["server_time_ms"])
        told = {r["id"]: r for r in answer["results"] if r["status"] != "waiting"}
        for mutation in mutations:
            if mutation["id"] in told:
                self._answered(mutation, told[mutation["id"]])
        self.memory.outbox = [m for m in self.memory.outbox if m["id"] not in told]
        self.save()
        if not told:
            raise Unreachable("all waiting")

    def _answered(self, mutation: dict[str, Any], result: dict[str, Any]) -> None:
        if result["status"] == "refused":
            _log.warning("%s: %s refused: %s %s", self.login, mutation["kind"], result["code"],
                         result["params"])  # fmt: skip
        photos = [a["sha256"] for a in mutation["payload"].get("attachments", [])]
        self.log.note(
            "answered", self.login, kind=mutation["kind"], subject=mutation["subject_id"],
            id=mutation["id"], status=result["status"], code=result["code"], photos=photos,
        )  # fmt: skip

    async def _pull(self) -> None:
        """Take every page; a first copy replaces what was there once it is whole."""
        fresh: dict[str, dict[str, dict[str, Any]]] | None = None
        while True:
            answer = await self._ask(
                "GET", "/api/v1/sync/pull", params={"cursor": self._cursor, "limit": 1000}
            )
            if answer.status_code != 200:
                raise Unreachable(f"pull {answer.status_code}")
            page = answer.json()
            if page["reset"]:
                fresh = {}
            _merge(self.docs if fresh is None else fresh, page["changes"])
            self._cursor = page["cursor"]
            if not page["more"]:
                break
        if fresh is not None:
            self.docs = fresh
        for mutation in self.memory.outbox:
            self._show(mutation)
        self._note_time(page["server_time_ms"])

    async def _send_photo(self, sha256: str) -> None:
        """By pieces from where the server stands."""
        content, path = self.photos[sha256], f"/api/v1/attachments/{sha256}"
        head = await self._ask("HEAD", path)
        at = int(head.headers.get("Upload-Offset", 0)) if head.status_code == 200 else 0
        is_whole = head.headers.get("Upload-Complete") == "?1"
        while not is_whole:
            piece = content[at : at + PIECE]
            headers = {"Upload-Offset": str(at), "Upload-Length": str(len(content)),
                       "Content-Type": "image/jpeg"}  # fmt: skip
            answer = await self._ask("PUT", path, content=piece, headers=headers)
            if answer.status_code not in (201, 204):
                _log.warning("%s: photo %s %s", self.login, answer.status_code, answer.text[:200])
                raise Unreachable("photo")
            at, is_whole = at + len(piece), answer.status_code == 201
        del self.photos[sha256]
        self.log.note("photo", self.login, sha256=sha256, size=len(content))

    def _show(self, mutation: dict[str, Any]) -> None:
        """What the phone shows before the server has answered."""
        kind, subject = mutation["kind"], mutation["subject_id"]
        at = mutation["device_at_ms"] + mutation["offset_ms"]
        if kind == "shift.start":
            self.of("shift").setdefault(
                subject, {"id": subject, "started_at_ms": at, "ended_at_ms": None, "pauses": []}
            )
        if kind == "shift.end" and subject in self.of("shift"):
            self.of("shift")[subject]["ended_at_ms"] = at
        visit = self.of("visit").get(subject)
        if visit is not None and kind in _SHOWN:
            state, field = _SHOWN[kind]
            visit["state"] = state
            if field:
                visit[field] = at

    # The socket: nudges to pull, and this phone's fixes where no tracker app sends them

    async def _listen_forever(self) -> None:
        tried = 0
        while True:
            try:
                await self._listen()
                tried = 0
            except (OSError, WebSocketException, Unreachable, TimeoutError):
                tried += 1
            self._socket = None
            self._drop_acks()
            await asyncio.sleep(_pause(tried))

    async def _listen(self) -> None:
        if self.is_offline:
            raise Unreachable
        gateway = self._gateway.replace("http", "ws", 1)
        trust = self._address.trust if gateway.startswith("wss") else None
        cookies = "; ".join(f"{c.name}={c.value}" for c in self._http.cookies.jar)
        async with connect(
            f"{gateway}/ws/phone", additional_headers={"Cookie": cookies}, ssl=trust,
            max_queue=64,
        ) as socket:  # fmt: skip
            await socket.send(json.dumps({
                "t": "hello", "device_id": self.memory.device_id, "app": "simulator",
                "now_ms": self.own_ms(clock.now().timestamp()), "mode": "web",
            }))  # fmt: skip
            self._socket = socket
            self._wake_sync.set()
            self._wake_fixes.set()
            watch = asyncio.create_task(self._hang_up_offline(socket))
            try:
                async for text in socket:
                    self._heard(json.loads(text))
            finally:
                watch.cancel()

    @property
    def _gateway(self) -> str:
        return self._address.gateway or self.me["gateway"]

    async def _hang_up_offline(self, socket: ClientConnection) -> None:
        while not self.is_offline:
            await clock.sleep(20)
        await socket.close()

    def _heard(self, message: dict[str, Any]) -> None:
        if message["t"] == "pull":
            self._wake_sync.set()
        elif message["t"] == "ack" and message["n"] in self._acks:
            waiting = self._acks.pop(message["n"])
            if not waiting.done():
                waiting.set_result(message)

    def _drop_acks(self) -> None:
        for waiting in self._acks.values():
            if not waiting.done():
                waiting.set_exception(Unreachable("socket lost"))
        self._acks.clear()

    # Positions

    async def _send_fixes_forever(self) -> None:
        tried = 0
        async with httpx.AsyncClient(timeout=10, verify=self._address.trust) as http:
            while True:
                while not self.memory.fixes:
                    self._wake_fixes.clear()
                    await self._wake_fixes.wait()
                try:
                    await self._send_some(http)
                    tried = 0
                except (Unreachable, httpx.TransportError, WebSocketException, TimeoutError):
                    tried += 1
                    await asyncio.sleep(_pause(tried - 1))

    async def _send_some(self, http: httpx.AsyncClient) -> None:
        """Send the oldest fixes and forget them once the gateway has acknowledged them."""
        if self.is_offline:
            raise Unreachable
        if self.traits.tracker in PROTOCOLS:
            sent, rejected = await self._send_by_http(http), {}
        else:
            sent, rejected = await self._send_by_socket()
        del self.memory.fixes[: len(sent)]
        self.log.note("fixes", self.login, rep_id=self.me["user"]["id"],
                      at=[f["at"] for f in sent], rejected=rejected)  # fmt: skip

    async def _send_by_http(self, http: httpx.AsyncClient) -> list[Fix]:
        spoken = PROTOCOLS[self.traits.tracker]
        fixes = self.memory.fixes[: spoken.at_once]
        wire = spoken.request(fixes, self.memory.tracker_id, self.memory.tracker_token)
        answer = await http.post(
            self._gateway + wire.path, content=wire.body, headers=dict(wire.headers)
        )
        if not answer.is_success or (wire.wanted is not None and answer.content != wire.wanted):
            raise Unreachable(f"{answer.status_code}")
        return fixes

    async def _send_by_socket(self) -> tuple[list[Fix], dict[str, int]]:
        if self._socket is None:
            raise Unreachable
        self._batch += 1
        fixes = self.memory.fixes[:SOCKET_FIXES_AT_ONCE]
        waiting = self._acks[self._batch] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({
            "t": "fixes", "n": self._batch, "fixes": fixes,
            "now_ms": self.own_ms(clock.now().timestamp()),
        }))  # fmt: skip
        ack = await asyncio.wait_for(waiting, 15)
        return fixes, ack["rejected"]


_SHOWN: dict[str, tuple[str, str | None]] = {
    "visit.check_in": ("under_way", "checked_in_at_ms"),
    "visit.close": ("closed", "closed_at_ms"),
    "visit.move": ("moved", None),
    "visit.cancel": ("cancelled", None),
}


def _merge(docs: dict[str, dict[str, dict[str, Any]]], changes: list[dict[str, Any]]) -> None:
    for change in changes:
        rows = docs.setdefault(change["entity"], {})
        if change["op"] == "del":
            rows.pop(change["id"], None)
        else:
            rows[change["id"]] = change["doc"]


def _pause(tried: int) -> float:
    return RETRY_S[min(max(tried, 0), len(RETRY_S) - 1)]


def moment(at_ms: int | None) -> float | None:
    """Epoch seconds of a document's time."""
    return None if at_ms is None else at_ms / 1000


def local_day(at: datetime) -> date:
    """The company's local date of a moment."""
    return clock.local(at).date()
