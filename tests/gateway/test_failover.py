"""Several gateways side by side: one dies, and nobody loses a fix, a minute or the newest place."""

from __future__ import annotations

import asyncio
import json
import random
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from websockets.exceptions import WebSocketException

from fieldcrm.kit import bus, cells, clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import registry
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, Actor, Role
from fieldcrm.people.tables import User
from fieldcrm.tracking import live_index, person, shifts
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Fix
from tests.gateway.test_sockets import fixes, frame, told
from tests.gateway.town import GatewayProcess, Process, Town, wait_for
from workers.gateway.benches.insisting import SocketPhone

BACK_WITHIN_S = 10.0
HELSINKI = {"t": "view", "bbox": [60.0, 24.0, 60.4, 26.0], "zoom": 12}


class Pair:
    """Two gateways, either of which may die and come back on its port."""

    def __init__(self) -> None:
        self.gateways = [GatewayProcess(), GatewayProcess()]
        self.ports = [g.port for g in self.gateways]

    def kill(self, which: int) -> None:
        self.gateways[which].kill()

    def revive(self, which: int) -> None:
        self.gateways[which] = GatewayProcess(self.ports[which])


@pytest.fixture
def pair(town: Town) -> Iterator[Pair]:
    both = Pair()
    yield both
    for gateway in both.gateways:
        gateway.kill()


class Onlooker(threading.Thread):
    """A desk that takes whichever gateway answers, and notes every fix time it is shown."""

    def __init__(self, pair: Pair, cookie: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.pair, self.cookie, self.stopping = pair, cookie, stop
        self.newest: dict[str, int] = {}
        self.went_back: list[tuple[str, int, int]] = []
        self.heard_at = 0.0
        self.connections = 0

    def run(self) -> None:
        while not self.stopping.is_set():
            with suppress(OSError, WebSocketException, TimeoutError):
                self._watch(random.choice(self.pair.gateways))
            time.sleep(random.uniform(0.1, 0.5))

    def _watch(self, gateway: GatewayProcess) -> None:
        roster: dict[int, str] = {}
        with gateway.socket("/ws/desk", self.cookie, open_timeout=3) as line:
            self.connections += 1
            line.send(json.dumps(HELSINKI))
            while not self.stopping.is_set():
                heard = line.recv(3)
                if isinstance(heard, bytes):
                    self._see(heard, roster)
                elif (said := json.loads(heard))["t"] == "roster":
                    roster = {rep["i"]: rep["id"] for rep in said["reps"]}

    def _see(self, frame: bytes, roster: dict[int, str]) -> None:
        for at in range(16, len(frame), 24):
            index, fix_s = struct.unpack_from("<H10xI", frame, at)
            rep_id = roster[index]
            if fix_s < self.newest.get(rep_id, 0):
                self.went_back.append((rep_id, self.newest[rep_id], fix_s))
            self.newest[rep_id] = max(fix_s, self.newest.get(rep_id, 0))
            if fix_s:
                self.heard_at = time.monotonic()


@contextmanager
def walking(phones: list[SocketPhone]) -> Iterator[None]:
    """Phones that send in a thread of their own until the block ends and all is acknowledged."""

    async def walk() -> None:
        await asyncio.gather(*(phone.run() for phone in phones))

    thread = threading.Thread(target=asyncio.run, args=(walk(),), daemon=True)
    thread.start()
    try:
        yield
    finally:
        for phone in phones:
            phone.is_stopping = True
        thread.join(90)
        assert not thread.is_alive()


def hire(town: Town, count: int, pair: Pair) -> list[SocketPhone]:
    """Reps of the first team, on shift, each with a phone."""
    now, phones = clock.now(), []
    for n in range(count):
        rep_id = ids.new_id()
        with transaction() as session:
            session.add(User(id=rep_id, login=f"walker{n}", name=f"Walker {n}", role="rep",
                             team_id=town.teams[0], password_hash="", created_at=now))  # fmt: skip
            session.flush()
            walker = Actor(rep_id, Role.rep, frozenset({town.teams[0]}), source="phone")
            shifts.start_shift_in(session, walker, ids.new_id(), now - timedelta(hours=1))
        device, token, *_ = registry.pair_device(SYSTEM, rep_id, "osmand")
        phones.append(SocketPhone(device.id, token, pair.ports, random.Random(n)))
    return phones


def stored(device_id: str, rep_id: str) -> Counter[int | None]:
    with reading() as session:
        now = clock.now()
        found = tracking.track_in(session, rep_id, now - timedelta(hours=2), now)
    return Counter(f.seq for f in found if f.device_id == device_id)


def owner(device_id: str) -> str:
    return next(d.user_id for d in registry.list_devices(SYSTEM) if d.id == device_id)


def test_one_of_two_gateways_dies_and_everybody_is_back_soon_with_nothing_lost(
    pair: Pair, town: Town, recorder: Process
) -> None:
    phones, stop = hire(town, 8, pair), threading.Event()
    desks = [Onlooker(pair, town.cookie(town.dispatcher), stop) for _ in range(4)]
    with walking(phones):
        for desk in desks:
            desk.start()
        wait_for(lambda: all(p.acked for p in phones) and all(d.heard_at for d in desks), 20)
        for victim in (0, 1):
            time.sleep(1)
            died = time.monotonic()
            pair.kill(victim)
            wait_for(lambda t=died: all(p.acked_at > t + 0.1 for p in phones), BACK_WITHIN_S)
            wait_for(lambda t=died: all(d.heard_at > t + 0.1 for d in desks), BACK_WITHIN_S)
            if victim == 0:
                pair.revive(victim)
    stop.set()
    for desk in desks:
        desk.join(60)
    assert [d.went_back for d in desks] == [[]] * len(desks)
    assert sum(d.connections for d in desks) > len(desks)
    wait_for(lambda: bus.connection().xlen(bus.FIX_STREAM) == 0, 20)
    for phone in phones:
        found = stored(phone.device_id, owner(phone.device_id))
        assert phone.refused == {}
        assert phone.acked - found.keys() == set(), "acknowledged and lost"
        assert max(found.values()) == 1, "stored twice"


def test_the_same_fixes_through_both_gateways_are_stored_once(
    pair: Pair, town: Town, recorder: Process
) -> None:
    town.shift()
    cookie = town.cookie(town.reps[0])
    said = fixes(1, 40, first_seq=0)
    for gateway in (*pair.gateways, *pair.gateways):
        with gateway.socket("/ws/phone", cookie) as line:
            line.send(json.dumps({"t": "hello", "device_id": "wanderer", "now_ms": clock.now_ms()}))
            line.send(said)
            answer = told(line, "ack")
            assert answer["accepted"] + answer["rejected"].get("duplicate", 0) == 40
    wait_for(lambda: bus.connection().xlen(bus.FIX_STREAM) == 0)
    assert stored("wanderer", town.reps[0]) == dict.fromkeys(range(40), 1)
    counts = wait_for(lambda: _settled(pair.gateways[0]))
    assert (counts["recorded"], counts["duplicate"]) == (80, 80)
    assert (counts["stored"], counts["stored_again"]) == (40, 40)


def _subscribers() -> set[str]:
    """Connections to the store that listen to others' places."""
    found = bus.connection().client_list(_type="pubsub")
    return {c["id"] for c in found if int(c["psub"]) > 0}


@contextmanager
def _shown_at(gateway: GatewayProcess, cookie: str) -> Iterator[Callable[[], int]]:
    """A desk, and how to ask it for the newest fix time of a rep that it was shown, in seconds."""
    with gateway.socket("/ws/desk", cookie) as desk:
        desk.send(json.dumps(HELSINKI))
        shown = [0]

        def newest() -> int:
            with suppress(TimeoutError):
                while True:
                    heard = desk.recv(0.01)
                    for at in range(16, len(heard) if isinstance(heard, bytes) else 0, 24):
                        shown[0] = max(shown[0], struct.unpack_from("<12xI", heard, at)[0])
            return shown[0]

        yield newest


def _walk_until_shown(
    gateway: GatewayProcess, cookie: str, device_id: str, shown: Callable[[], int]
) -> None:
    """Send fixes to a gateway until a desk elsewhere is shown one of them."""
    first = clock.now_ms() // 1000 + 1
    with gateway.socket("/ws/phone", cookie) as line:
        line.send(json.dumps({"t": "hello", "device_id": device_id, "now_ms": clock.now_ms()}))

        def is_heard() -> bool:
            line.send(fixes(1, 1, first_seq=clock.now_ms() % 1_000_000_000))
            told(line, "ack")
            return shown() >= first

        wait_for(is_heard, 30, f"a place sent to {gateway.url} seen by a desk of the other gateway")


def test_a_gateway_whose_subscription_broke_hears_the_others_again(town: Town) -> None:
    """The others know it already, so they would not greet it of their own accord."""
    town.shift()
    rep, office = town.cookie(town.reps[0]), town.cookie(town.dispatcher)
    broken = GatewayProcess()
    lost = wait_for(_subscribers, what="a subscription")
    other = GatewayProcess()
    try:
        stays = wait_for(lambda: _subscribers() - lost, what="the other's subscription")
        with _shown_at(broken, office) as shown_here, _shown_at(other, office) as shown_there:
            _walk_until_shown(other, rep, "before", shown_here)
            for connection in lost:
                bus.connection().client_kill_filter(_id=connection)
            wait_for(lambda: _subscribers() - stays - lost, 30, "a new subscription")
            _walk_until_shown(other, rep, "after", shown_here)
            _walk_until_shown(broken, rep, "back", shown_there)
    finally:
        broken.kill()
        other.kill()


def _settled(gateway: GatewayProcess) -> dict[str, int] | None:
    """What was counted, once each part has told of all: two gateways of 160 fixes, the recorder of 80."""
    counts = gateway.counts()
    sums = [counts.get(a, 0) + counts.get(b, 0) for a, b in _PAIRS]
    return counts if sums == [160, 80] else None


_PAIRS = (("recorded", "duplicate"), ("stored", "stored_again"))


def test_every_gateway_forgets_where_an_erased_rep_was(pair: Pair, town: Town) -> None:
    town.shift()
    desk = pair.gateways[1].socket("/ws/desk", town.cookie(town.dispatcher))
    desk.send(json.dumps(HELSINKI))
    with pair.gateways[0].socket("/ws/phone", town.cookie(town.reps[0])) as line:
        line.send(json.dumps({"t": "hello", "device_id": "phone", "now_ms": clock.now_ms()}))
        line.send(fixes(1, 1))
        told(line, "ack")
    wait_for(lambda: frame(desk)[2][0][3] > 0, what="a place")
    bus.connection().delete(bus.FIX_STREAM)  # as if it had been recorded
    person.erase_track(people.actor_of(town.admin), town.reps[0])
    desk.send('{"t":"resync"}')
    wait_for(lambda: frame(desk)[2][0][3] == -(2**31), what="no place")
    desk.close()


def test_an_older_fix_through_the_other_gateway_moves_no_marker(pair: Pair, town: Town) -> None:
    town.shift()
    cookie, newest = town.cookie(town.reps[0]), 0
    for n, (gateway, skew_ms) in enumerate(
        [(pair.gateways[0], 0), (pair.gateways[1], -600_000), (pair.gateways[0], -300_000)]
    ):
        with gateway.socket("/ws/phone", cookie) as line:
            hello = {"t": "hello", "device_id": f"phone-{n}", "now_ms": clock.now_ms()}
            line.send(json.dumps(hello))
            at = clock.now_ms() + skew_ms
            fix = {"s": 1, "at": at, "lat": 60.17, "lng": 24.94}
            line.send(json.dumps({"t": "fixes", "n": 1, "now_ms": clock.now_ms(), "fixes": [fix]}))
            assert told(line, "ack")["accepted"] == 1
            newest = max(newest, at)
        # a gateway that has not heard of the shift yet holds the first one back for a moment
        shown = wait_for(lambda: live_index.points_of(bus.connection(), town.reps))
        assert shown[town.reps[0]].fix.fix_at_ms == newest


def test_places_of_a_town_are_spread_over_the_shards() -> None:
    town = {
        cells.published(cells.fine_cell(60.1 + i * 0.01, 24.6 + j * 0.02))
        for i in range(20) for j in range(20)
    }  # fmt: skip
    used = Counter(live_index.shard_of(cell) for cell in town)
    assert len(used) > 20
    assert max(used.values()) < len(town) / 5
    own = live_index.cell_channels(live_index.GATEWAY_ID.hex())
    assert len(set(own)) == live_index.SHARDS
    told = [(live_index.point_of(_fix_at(lat), None, 0), b"") for lat in (59.0, 60.0, 61.0)]
    assert set(live_index.by_channel(told)) <= set(own)


def _fix_at(lat: float) -> Fix:
    return Fix("rep", "device", 1, 1, 1, 1, lat, 25.0)
