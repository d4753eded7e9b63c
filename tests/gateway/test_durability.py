"""Nothing acknowledged is lost and nothing is stored twice, whatever is killed when."""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from fieldcrm.kit import bus, clock, pulse
from fieldcrm.kit.database import reading
from fieldcrm.kit.valkey import server_binary
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking import shifts
from tests.conftest import forget_settings
from tests.gateway.test_sockets import fixes, phone, told
from tests.gateway.town import LAT, LNG, GatewayProcess, Process, Town, build_town, wait_for
from tests.ports import free_ports
from tests.servers import Valkey


def recorded(rep_id: str) -> list:
    with reading() as session:
        now = clock.now()
        return tracking.track_in(session, rep_id, now - timedelta(days=2), now + timedelta(hours=1))


def test_what_is_acknowledged_reaches_the_database(
    gateway: GatewayProcess, recorder: Process, town: Town
) -> None:
    town.shift()
    with phone(gateway, town.cookie(town.reps[0])) as socket:
        for n in range(5):
            socket.send(fixes(n, 10, first_seq=n * 10))
            told(socket, "ack")
    wait_for(lambda: len(recorded(town.reps[0])) == 50)
    assert sorted(f.seq for f in recorded(town.reps[0])) == list(range(50))
    wait_for(lambda: bus.connection().xlen(bus.FIX_STREAM) == 0)
    assert recorder.stop() == 0


def test_fixes_from_before_the_shift_was_known_are_kept_once_it_arrives(
    gateway: GatewayProcess, recorder: Process, town: Town
) -> None:
    with phone(gateway, town.cookie(town.reps[0])) as socket:
        socket.send(fixes(1, 20, step_ms=60_000))
        assert told(socket, "ack")["accepted"] == 20
    time.sleep(1.5)
    assert recorded(town.reps[0]) == []
    town.shift(hours_ago=10.5 / 60)
    wait_for(lambda: len(recorded(town.reps[0])) == 11)
    wait_for(lambda: bus.connection().keys("held*") == [])
    counts = gateway.counts()
    assert (counts["held"], counts["held_kept"], counts["held_erased"]) == (20, 11, 9)


def test_a_late_end_of_shift_erases_what_came_after_it(
    gateway: GatewayProcess, recorder: Process, town: Town
) -> None:
    shift_id = town.shift()
    with phone(gateway, town.cookie(town.reps[0])) as socket:
        socket.send(fixes(1, 20, step_ms=60_000))
        told(socket, "ack")
    wait_for(lambda: len(recorded(town.reps[0])) == 20)
    from fieldcrm.kit.database import transaction

    with transaction() as session:
        ended = clock.now() - timedelta(minutes=10, seconds=30)
        shifts.end_shift_in(session, town.actor(), shift_id, ended)
    assert len(recorded(town.reps[0])) == 9


class MortalValkey:
    """A Valkey that is killed and comes back on the same port and files."""

    def __init__(self, folder) -> None:
        self.folder, self.port = folder, free_ports()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [server_binary(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir",
             str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(60)


@pytest.fixture
def mortal(any_db: str, home, monkeypatch: pytest.MonkeyPatch) -> Iterator[MortalValkey]:
    folder = home / "valkey"
    folder.mkdir()
    server = MortalValkey(folder)
    monkeypatch.setenv("FIELDCRM_REDIS_URL", server.url)
    forget_settings()
    yield server
    server.kill()


class Sender(threading.Thread):
    """A phone that sends one fix after another and sends each again until it is acknowledged."""

    def __init__(self, port: list[int], cookie: str, name: str, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.port, self.cookie, self.device = port, cookie, name
        self.stop_event, self.acknowledged = stop, set()

    def run(self) -> None:
        queue, seqs = [], itertools.count()
        while not self.stop_event.is_set():
            with suppress(OSError, WebSocketException, TimeoutError):
                self._talk(queue, seqs)
            time.sleep(random.uniform(0.05, 0.2))

    def _talk(self, queue: list, seqs: Iterator[int]) -> None:
        url = f"ws://127.0.0.1:{self.port[0]}/ws/phone"
        headers = {"Cookie": f"fieldcrm_session={self.cookie}"}
        with connect(url, additional_headers=headers, open_timeout=2) as socket:
            socket.send(json.dumps({"t": "hello", "device_id": self.device}))
            socket.recv(2)
            while not self.stop_event.is_set():
                seq = next(seqs)
                queue.append({"s": seq, "at": clock.now_ms(), "lat": LAT, "lng": LNG + seq * 1e-6})
                sent = list(queue[:50])
                socket.send(json.dumps({"t": "fixes", "n": seq, "fixes": sent,
                                        "now_ms": clock.now_ms()}))  # fmt: skip
                answer = json.loads(socket.recv(2))
                if answer.get("t") == "ack" and answer["n"] == seq:
                    self.acknowledged |= {f["s"] for f in sent}
                    del queue[: len(sent)]
                time.sleep(0.002)


def test_killing_gateway_recorder_and_valkey_under_load_loses_nothing(
    mortal: MortalValkey,
) -> None:
    wait_for(lambda: _answers(mortal))
    town = build_town()
    town.shift(0)
    town.shift(1)
    gateway, recorder = GatewayProcess(), Process("workers.recorder.main")
    port, stop = [gateway.port], threading.Event()
    senders = [Sender(port, town.cookie(town.reps[i % 2]), f"phone-{i}", stop) for i in range(4)]
    for sender in senders:
        sender.start()
    try:
        for victim in ("gateway", "recorder", "valkey", "gateway", "valkey", "recorder"):
            before = [len(s.acknowledged) for s in senders]
            time.sleep(random.uniform(0.3, 0.8))
            if victim == "gateway":
                gateway.kill()
                gateway = GatewayProcess(gateway.port)
            elif victim == "recorder":
                recorder.kill()
                recorder = Process("workers.recorder.main")
            else:
                mortal.kill()
                mortal.start()
            wait_for(lambda b=before: _all_went_on(senders, b), 30, f"going on without {victim}")
        stop.set()
        for sender in senders:
            sender.join(5)
        wait_for(lambda: _is_drained(), 20, "an empty stream")
        for i, sender in enumerate(senders):
            found = [f for f in recorded(town.reps[i % 2]) if f.device_id == sender.device]
            seqs = [f.seq for f in found]
            assert len(sender.acknowledged) > 20
            assert sender.acknowledged - set(seqs) == set(), "acknowledged and lost"
            assert len(seqs) == len(set(seqs)), "stored twice"
    finally:
        stop.set()
        gateway.kill()
        recorder.kill()


def _answers(mortal: MortalValkey) -> bool:
    with suppress(Exception):
        return bool(bus.connection().ping())
    return False


def _all_went_on(senders: list[Sender], before: list[int]) -> bool:
    return all(len(s.acknowledged) > b + 5 for s, b in zip(senders, before, strict=True))


def _is_drained() -> bool:
    with suppress(Exception):
        return bus.connection().xlen(bus.FIX_STREAM) == 0
    return False


def test_a_gateway_refuses_a_store_that_a_power_cut_takes_back(
    any_db: str, home, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_ports()
    server = subprocess.Popen(
        [server_binary(), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(home),
         "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        monkeypatch.setenv("FIELDCRM_REDIS_URL", f"redis://127.0.0.1:{port}/0")
        forget_settings()
        process = Process("workers.gateway.server", FIELDCRM_PORT=str(free_ports()))
        assert process.process.wait(90) == 1
        assert b"appendfsync" in process.log.read_bytes()
    finally:
        server.kill()
        server.wait(60)
    assert os.environ["FIELDCRM_HOME"] == str(home)


def test_a_gateway_that_hears_nobody_does_not_say_it_lives(any_db: str, valkey: Valkey) -> None:
    web = free_ports(2)
    with socket.create_server(("127.0.0.1", web + 1)):
        process = Process("workers.gateway.server", FIELDCRM_PORT=str(web))
        assert process.process.wait(90) == 1
    assert b"address already in use" in process.log.read_bytes()
    assert "gateway" not in pulse.living()
