"""Strangers who mean harm: the gateway lives, its memory stays bounded, everybody else is served."""

from __future__ import annotations

import json
import os
import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fieldcrm.tracking.protocols import PROTOCOLS
from tests.gateway.test_sockets import fixes, phone, told
from tests.gateway.town import GatewayProcess, Town, wait_for
from workers.gateway import limits

MB = 1 << 20


@contextmanager
def knock(gateway: GatewayProcess, *parts: bytes) -> Iterator[socket.socket]:
    """A bare connection over which some bytes went."""
    with closing(socket.create_connection(("127.0.0.1", gateway.port), 5)) as line:
        with suppress(BrokenPipeError, ConnectionResetError):
            for part in parts:
                line.sendall(part)
        yield line


def heard(line: socket.socket, seconds: float = 5) -> bytes:
    """All that comes until the other side hangs up or is silent."""
    line.settimeout(seconds)
    came = b""
    with suppress(ConnectionResetError, TimeoutError):
        while part := line.recv(65536):
            came += part
    return came


def is_hung_up(line: socket.socket, seconds: float) -> bool:
    line.settimeout(seconds)
    try:
        while line.recv(65536):
            pass
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False
    return True


def memory_mb(gateway: GatewayProcess) -> float:
    pages = int(Path(f"/proc/{gateway.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MB


@pytest.fixture
def witness(gateway: GatewayProcess, town: Town) -> Iterator[None]:
    """An honest phone that is served before and after whatever a test does."""
    town.shift()
    with phone(gateway, town.cookie(town.reps[0])) as line:
        line.send(fixes(1, 3, first_seq=1))
        assert told(line, "ack")["accepted"] == 3
        yield
        line.send(fixes(2, 3, first_seq=4))
        assert told(line, "ack")["accepted"] == 3
    assert gateway.process.poll() is None
    assert gateway.is_up()


def test_rubbish_heads_bodies_and_half_requests(gateway: GatewayProcess, witness: None) -> None:
    chance = random.Random(7)
    ingest = b"POST /ingest/owntracks HTTP/1.1\r\nHost: x\r\n"
    openings = [
        b"", b"\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00", b"GET", b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /%zz%00?a=%ff HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /metrics HTTP/1.1\r\nHost\r\n\r\n",
        ingest + b"Content-Length: -5\r\n\r\n", ingest + b"Content-Length: 99999999999999999999\r\n\r\n",
        ingest + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ingest + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n",
        ingest + b"Content-Length: 100\r\n\r\nhalf", ingest + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"GET /ws/phone HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n",
        b"GET /ws/phone HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nSec-WebSocket-Key: \xff\r\n\r\n",
        b"POST /ws/phone HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
    ]  # fmt: skip
    for opening in openings:
        with knock(gateway, opening, chance.randbytes(chance.randint(0, 200))):
            pass
    for _ in range(150):
        with knock(gateway, chance.randbytes(chance.randint(1, 2000)), b"\r\n\r\n"):
            pass
    wait_for(lambda: gateway.counts().get("http_unreadable", 0) > 100)


def test_every_protocols_nonsense_is_answered(
    gateway: GatewayProcess, town: Town, witness: None
) -> None:
    bodies = [b"\xff\xfe", b"[" * 50_000, b"{}", b"null", b"0", b'"' + b"x" * 10_000, b'[{"a":[{}]}]',
              b'{"locations":[1,[],{},null,"x"]}', b'{"_type":"location","lat":1e999}',
              b"lat=%ff&lon=x&" + b"a=b&" * 500]  # fmt: skip
    with httpx.Client(base_url=gateway.url) as client:
        for name in PROTOCOLS:
            key = town.token(name)
            for body in bodies:
                for kind in ("application/json", "application/x-www-form-urlencoded", "\x01"):
                    answer = client.post(
                        f"/ingest/{name}", params={"token": key, "id": key}, content=body,
                        headers={"Content-Type": kind} if kind != "\x01" else {},
                    )  # fmt: skip
                    assert 200 <= answer.status_code < 500
    assert gateway.counts()["malformed"] > 30


def handshake(gateway: GatewayProcess, token: str) -> bytes:
    return (
        f"GET /ws/phone?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def masked(opcode: int, payload: bytes, is_last: bool = True) -> bytes:
    head = bytes([(0x80 if is_last else 0) | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    else:
        head += b"\xfe" + struct.pack(">H", len(payload))
    return head + b"\0\0\0\0" + payload


def test_frames_against_the_protocol_end_only_their_own_socket(
    gateway: GatewayProcess, town: Town, witness: None
) -> None:
    chance, opening = random.Random(11), handshake(gateway, town.token("osmand"))
    wrong = [
        b"\x81\x05hello",  # not masked
        b"\xf1\x80\0\0\0\0",  # reserved bits
        b"\x83\x80\0\0\0\0",  # reserved opcode
        masked(0, b"a continuation of nothing"),
        masked(9, b"x" * 200),  # a ping that is too long
        masked(9, b"x", is_last=False),  # half a ping
        b"\x81\xff" + struct.pack(">Q", 1 << 62) + b"\0\0\0\0",
        b"\x81\xff" + struct.pack(">Q", (1 << 63) + 5) + b"\0\0\0\0",
        masked(1, b"\xff\xfe\xfd"),
        masked(1, b"half", is_last=False) + masked(1, b"another"),
        masked(8, b"\x00"),
        masked(8, struct.pack(">H", 999)),
        masked(2, chance.randbytes(5000)),
    ]
    for _ in range(3):
        another = handshake(gateway, town.token("osmand"))
        for _ in range(20):
            with knock(gateway, another, chance.randbytes(chance.randint(2, 300))):
                pass
    for frames in wrong:
        with knock(gateway, opening) as line:
            assert b" 101 " in line.recv(4096)
            line.sendall(frames)
            line.sendall(masked(1, b"nor this"))
            assert is_hung_up(line, 8), frames[:20]


def test_sockets_opened_one_upon_the_other_are_refused(
    gateway: GatewayProcess, town: Town, witness: None
) -> None:
    opening = handshake(gateway, town.token("osmand"))

    def status() -> bytes:
        with knock(gateway, opening) as line:
            return line.recv(4096).split(b" ")[1]

    welcome = int(limits.OPENINGS_AT_ONCE)
    answers = [status() for _ in range(welcome + 1)]
    assert answers[:welcome] == [b"101"] * welcome
    until = time.monotonic() + 60
    while b"429" not in answers and time.monotonic() < until:
        answers.append(status())
    assert b"429" in answers
    with knock(gateway, handshake(gateway, town.token("osmand"))) as line:
        assert b" 101 " in line.recv(4096)
    wait_for(lambda: gateway.counts().get("opened_too_often", 0) > 0)


def test_giant_and_endless_messages_do_not_fill_the_memory(
    gateway: GatewayProcess, town: Town, witness: None
) -> None:
    before, opening = memory_mb(gateway), handshake(gateway, town.token("osmand"))
    piece = masked(1, b"x" * 60_000, is_last=False)
    more = masked(0, b"x" * 60_000, is_last=False)
    ingest = b"POST /ingest/overland HTTP/1.1\r\nHost: x\r\n"
    endless = [
        [opening, piece, *[more] * 300],
        [
            ingest + b"Transfer-Encoding: chunked\r\n\r\n",
            *[b"ffff\r\n" + b"x" * 65535 + b"\r\n"] * 300,
        ],
        [ingest + b"Content-Length: 50000000\r\n\r\n", *[b"x" * 65536] * 300],
        [b"GET /healthz HTTP/1.1\r\n\r\nGET /metrics HTTP/1.1\r\nX: ", *[b"x" * 65536] * 300],
        [b"GET /" + b"x" * 20_000, *[b"x" * 65536] * 300],
        [ingest + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", *[b"x" * 65536] * 300],
        [ingest, *[b"X-%d: y\r\n" % n for n in range(20_000)]],
    ]
    for _ in range(4):
        for parts in endless:
            with knock(gateway, *parts) as line:
                assert is_hung_up(line, 8), parts[0][:60]
                print(parts[0][:50], memory_mb(gateway))
    assert memory_mb(gateway) < before + 40


def test_half_bodies_from_many_share_one_limit(gateway: GatewayProcess, witness: None) -> None:
    before = memory_mb(gateway)
    half = b"POST /ingest/overland HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n"
    lines = [socket.create_connection(("127.0.0.1", gateway.port), 5) for _ in range(80)]
    try:
        for line in lines:
            with suppress(OSError):
                line.sendall(half + b"x" * 3_900_000)
        assert memory_mb(gateway) < before + 220
        wait_for(lambda: gateway.counts().get("http_busy", 0) > 20)
    finally:
        for line in lines:
            line.close()
    wait_for(lambda: httpx.post(f"{gateway.url}/ingest/overland", content=b"x" * 10_000).status_code
             == 404)  # fmt: skip


def test_who_sends_no_head_is_dropped(gateway: GatewayProcess, witness: None) -> None:
    with knock(gateway, b"GET /healthz HT") as slow, knock(gateway) as silent:
        for _ in range(20):
            time.sleep(0.4)
            with suppress(OSError):
                slow.sendall(b"T")
        assert is_hung_up(slow, 6)
        assert is_hung_up(silent, 6)


def test_who_never_reads_is_dropped(gateway: GatewayProcess, witness: None) -> None:
    before = memory_mb(gateway)
    ask = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 500
    with knock(gateway) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(0.5)
        with suppress(OSError):
            for _ in range(200):
                line.sendall(ask)
        assert memory_mb(gateway) < before + 40


def test_guessed_tokens_are_refused_and_counted(gateway: GatewayProcess, witness: None) -> None:
    answers = []
    for n in range(40):
        try:
            gateway.socket(f"/ws/phone?token=guess{n}")
        except InvalidStatus as refused:
            answers.append(refused.response.status_code)
    assert answers[0] == 401
    assert answers[-1] == 429
    assert gateway.counts()["unknown_device"] >= 30


def test_a_known_device_pays_for_nonsense(
    gateway: GatewayProcess, town: Town, witness: None
) -> None:
    body = b'{"locations":[' + b"[]," * 1_300_000 + b"1]}"
    address, token, answered = f"{gateway.url}/ingest/overland", town.token("overland"), []
    with suppress(httpx.ReadTimeout), httpx.Client(timeout=5) as client:
        for _ in range(20):
            found = client.post(address, params={"token": token}, content=body)
            answered.append(found.status_code)
    assert set(answered) == {400}
    assert len(answered) < 7
    assert gateway.counts()["slowed"] == 1
    assert gateway.counts()["malformed"] <= 7


def test_a_long_body_of_a_stranger_is_not_read(gateway: GatewayProcess, witness: None) -> None:
    for body in (b'{"device_id":"x","y":"' + b"y" * 300_000 + b'"}', b"id=" + b"%41" * 50_000):
        answer = httpx.post(f"{gateway.url}/ingest/osmand", content=body)
        assert answer.status_code == 400
    assert gateway.counts()["malformed"] == 2


def test_requests_without_end_in_one_go_end_the_connection_or_are_answered(
    gateway: GatewayProcess, witness: None
) -> None:
    """Which it is depends on whether the answers keep up; others are served in any case."""
    with knock(gateway, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 5000) as line:
        line.settimeout(20)
        answers, part = 0, b"-"
        with suppress(ConnectionResetError):
            while answers < 5000 and (part := part[-8:] + line.recv(65536)) and len(part) > 8:
                answers += part.count(b"HTTP/1.1 ")
    assert gateway.is_up()
    counts = gateway.counts()
    refused = counts.get("http_unreadable", 0) + counts.get("http_unread", 0)
    assert answers >= 5000 or refused >= 1


def test_a_flood_of_one_device_is_slowed_and_counted(
    gateway: GatewayProcess, town: Town, witness: None
) -> None:
    flood = json.dumps({"t": "fixes", "n": 1, "fixes": [{"at": 1, "lat": 1, "lng": 1}] * 2000})
    with phone(gateway, town.cookie(town.reps[1]), "flood") as line:
        with suppress(ConnectionClosed, TimeoutError):
            for _ in range(130):
                line.send(flood)
                told(line, "ack", 2)
        assert gateway.counts()["slowed"] > 0
        assert gateway.counts()["ancient"] > 100_000
