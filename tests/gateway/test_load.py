"""Big backlogs, TLS, and a desk that doesn't read: nothing is lost and nobody else waits."""

from __future__ import annotations

import base64
import json
import ssl
import time
from datetime import timedelta

import httpx
import pytest
from websockets.sync.client import connect

from fieldcrm.kit import bus, clock
from fieldcrm.kit.database import reading
from fieldcrm.tracking import live_index, store
from tests.gateway.test_sockets import WORLD, fixes, frame, phone, told
from tests.gateway.town import LAT, LNG, GatewayProcess, Process, Town, wait_for


def test_a_hundred_thousand_points_of_backlog_in_reverse(
    gateway: GatewayProcess, recorder: Process, town: Town
) -> None:
    town.shift(hours_ago=15)
    cookie, now = town.cookie(town.reps[0]), clock.now_ms()
    with phone(gateway, cookie) as socket:
        for n in range(200):
            first = (200 - n) * 500
            told_now = [
                {"s": first - i, "at": now - (100_000 - first + i) * 500, "lat": LAT, "lng": LNG}
                for i in range(500)
            ]
            socket.send(json.dumps({"t": "fixes", "n": n, "fixes": told_now, "now_ms": now}))
        acks = [told(socket, "ack", 60) for _ in range(200)]
        assert sum(a["accepted"] for a in acks) == 100_000
        assert [a["n"] for a in acks] == list(range(200))
    point = live_index.points_of(bus.connection(), town.reps)[town.reps[0]]
    assert point.fix.fix_at_ms == now
    wait_for(lambda: _stored() == 100_000, 90)


def _stored() -> int:
    with reading() as session:
        return store.fixes_stored(session)


def test_a_desk_that_does_not_read_gets_the_newest_and_harms_nobody(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift()
    cookie = town.cookie(town.dispatcher)
    with (
        gateway.socket("/ws/desk", cookie) as lazy,
        gateway.socket("/ws/desk", cookie) as eager,
        phone(gateway, town.cookie(town.reps[0])) as socket,
    ):
        lazy.send(json.dumps(WORLD))
        eager.send(json.dumps(WORLD))
        for n in range(200):
            socket.send(fixes(n, 1, first_seq=n))
            assert told(socket, "ack")["accepted"] == 1
        last = live_index.points_of(bus.connection(), town.reps)[town.reps[0]].fix.fix_at_ms
        for desk in (eager, lazy):
            times = [0]
            while times[-1] != last // 1000:
                times.append(frame(desk)[2][0][5])
            assert times == sorted(times)


@pytest.fixture
def certificate(home) -> str:
    """A certificate for 127.0.0.1 where the settings look for it; its path."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(clock.real_now() - timedelta(days=1))
        .not_valid_after(clock.real_now() + timedelta(days=1)).add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    folder = home / "tls"
    folder.mkdir()
    pem = serialization.Encoding.PEM
    (folder / "server.pem").write_bytes(made.public_bytes(pem))
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "server.key").write_bytes(secret)
    return str(folder / "server.pem")


def test_sockets_and_ingest_over_tls(
    town: Town, certificate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIELDCRM_TLS", "1")
    trust = ssl.create_default_context(cafile=certificate)
    town.shift()  # before the gateway reads the crew: else the first fix may have to wait for news of it
    token = town.token("owntracks")
    process = GatewayProcess(verify=trust)
    try:
        basic = base64.b64encode(f"x:{token}".encode()).decode()
        told_now = {"_type": "location", "lat": LAT, "lon": LNG, "tst": int(time.time())}
        reply = httpx.post(f"{process.url}/ingest/owntracks", json=told_now, verify=trust,
                           headers={"Authorization": f"Basic {basic}"})  # fmt: skip
        assert reply.content == b"[]"
        assert bus.connection().xlen(bus.FIX_STREAM) == 1
        url = f"wss://127.0.0.1:{process.port}/ws/phone?token={token}"
        with connect(url, ssl=trust) as socket:
            assert told(socket, "hello")["now_ms"] > 0
    finally:
        process.kill()
