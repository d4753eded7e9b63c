"""The four phone protocols over raw HTTP, to a real gateway with a real Valkey and database."""

from __future__ import annotations

import base64
import json
import time

import httpx
import pytest

from fieldcrm.kit import bus, clock
from fieldcrm.people import registry
from fieldcrm.people.model import SYSTEM
from fieldcrm.tracking import live_index
from tests.gateway.town import LAT, LNG, GatewayProcess, Town, wait_for


def stored() -> list:
    entries = bus.connection().xrange(bus.FIX_STREAM)
    return [f for _, e in entries for f in live_index.decode_batch(e[live_index.BATCH_FIELD])]


def basic(token: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"x:{token}".encode()).decode()}


def send(gateway: GatewayProcess, protocol: str, token: str, at_s: float) -> httpx.Response:
    """One fix as the protocol's app sends it."""
    url, at = f"{gateway.url}/ingest/{protocol}", time.strftime("%FT%TZ", time.gmtime(at_s))
    if protocol == "osmand":
        query = {
            "id": token,
            "lat": LAT,
            "lon": LNG,
            "timestamp": int(at_s),
            "speed": 10,
            "batt": 80,
        }
        return httpx.get(url, params=query)
    if protocol == "owntracks":
        told = {
            "_type": "location",
            "lat": LAT,
            "lon": LNG,
            "tst": int(at_s),
            "vel": 36,
            "batt": 80,
        }
        return httpx.post(url, json=told, headers=basic(token))
    if protocol == "overland":
        feature = {
            "type": "Feature", "geometry": {"type": "Point", "coordinates": [LNG, LAT]},
            "properties": {"timestamp": at, "speed": 10, "battery_level": 0.8, "course": -1},
        }  # fmt: skip
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(url, json={"locations": [feature, {"broken": 1}]}, headers=headers)
    form = {"lat": LAT, "lon": LNG, "timestamp": int(at_s), "spd": 10, "batt": 80}
    return httpx.post(url, params={"id": token}, data=form)


SPEEDS = {"osmand": 5.14, "owntracks": 10, "overland": 10, "gpslogger": 10}
REPLIES = {"osmand": b"", "owntracks": b"[]", "overland": b'{"result":"ok"}', "gpslogger": b""}
STRANGERS = {"osmand": 400, "owntracks": 404, "overland": 404, "gpslogger": 400}


@pytest.mark.parametrize("protocol", SPEEDS)
def test_a_fix_of_each_protocol_is_on_disk_when_it_is_answered(
    gateway: GatewayProcess, town: Town, protocol: str
) -> None:
    town.shift()
    token, at = town.token(protocol), time.time() - 5
    wait_for(lambda: send(gateway, protocol, token, at).status_code == 200)
    at = time.time() - 2
    reply = send(gateway, protocol, token, at)
    assert (reply.status_code, reply.content) == (200, REPLIES[protocol])
    fix = stored()[-1]
    assert (fix.rep_id, fix.lat, fix.lng, fix.source) == (town.reps[0], LAT, LNG, protocol)
    assert fix.fix_at_ms == int(at) * 1000
    assert fix.speed_mps == pytest.approx(SPEEDS[protocol], abs=0.01)
    assert fix.battery_pct == pytest.approx(80)
    assert send(gateway, protocol, token, at).content == REPLIES[protocol]
    assert gateway.counts()["duplicate"] == 1
    assert send(gateway, protocol, "nobody", at).status_code == STRANGERS[protocol]


def test_osmand_in_json_and_its_heartbeat(gateway: GatewayProcess, town: Town) -> None:
    town.shift()
    url, token = f"{gateway.url}/ingest/osmand", town.token("osmand")
    place = {"latitude": LAT, "longitude": LNG, "speed": -1, "heading": None, "accuracy": 7.5}
    told = {"timestamp": clock.now().isoformat(), "coords": place, "mock": True,
            "battery": {"level": 0.5, "is_charging": False}}  # fmt: skip
    assert httpx.post(url, json={"device_id": token, "location": told}).status_code == 200
    assert httpx.post(url, json={"device_id": token, "location": {}}).status_code == 200
    assert httpx.post(url, json={"device_id": "nobody", "location": told}).status_code == 404
    (fix,) = stored()
    assert (fix.speed_mps, fix.course_deg, fix.accuracy_m) == (None, None, 7.5)
    assert (fix.battery_pct, fix.is_charging, fix.is_mock) == (50, False, True)
    counts = gateway.counts()
    assert (counts["recorded"], counts["doubt_mock"]) == (1, 1)


def test_bad_fixes_are_counted_and_harm_none_beside_them(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift()
    headers, now = basic(town.token("owntracks")), int(time.time())
    good = {"_type": "location", "lat": LAT, "lon": LNG, "tst": now}
    batch = [
        {**good, "tst": now - 40 * 86_400}, {**good, "tst": now + 3600}, {**good, "lat": 91},
        {**good, "lat": "north"}, {"_type": "lwt"}, 7, good, {**good, "lat": 0, "lon": 0},
    ]  # fmt: skip
    reply = httpx.post(f"{gateway.url}/ingest/owntracks", json=batch, headers=headers)
    assert (reply.status_code, reply.content) == (200, b"[]")
    assert [f.fix_at_ms for f in stored()] == [now * 1000]
    counts = gateway.counts()
    assert {r: counts[r] for r in ("ancient", "future", "impossible", "malformed", "recorded")} == {
        "ancient": 1, "future": 1, "impossible": 2, "malformed": 2, "recorded": 1,
    }  # fmt: skip
    url = f"{gateway.url}/ingest/owntracks"
    assert httpx.post(url, content=b"{nonsense", headers=headers).content == b"[]"
    assert httpx.post(url, content=b"", headers=headers).content == b"[]"


def test_a_revoked_device_is_cut_off_at_once(gateway: GatewayProcess, town: Town) -> None:
    town.shift()
    device, token, *_ = registry.pair_device(SYSTEM, town.reps[0], "osmand")
    assert send(gateway, "osmand", token, time.time()).status_code == 200
    registry.revoke_device(SYSTEM, device.id)
    wait_for(lambda: send(gateway, "osmand", token, time.time()).status_code == 400, 10)


def test_off_shift_and_paused_nothing_is_recorded_and_the_unsaid_waits(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift(hours_ago=8, length_h=4)
    town.shift(hours_ago=2)
    token, now = town.token("gpslogger"), time.time()
    wait_for(lambda: bus.connection().pubsub_numpat())
    time.sleep(0.3)
    for hours_ago in (9, 7, 3, 1):
        assert send(gateway, "gpslogger", token, now - hours_ago * 3600).status_code == 200
    assert [round((now * 1000 - f.fix_at_ms) / 3.6e6) for f in stored()] == [7, 1]
    assert gateway.counts()["off_shift"] == 2
    other = town.token("gpslogger", rep=1)
    assert send(gateway, "gpslogger", other, now - 60).status_code == 200
    assert gateway.counts()["held"] == 1
    assert len(stored()) == 2
    assert live_index.points_of(bus.connection(), [town.reps[1]]) == {}
    ((_, waiting),) = live_index.held_of(bus.connection(), town.reps[1])
    assert waiting.fix_at_ms == int(now - 60) * 1000


def test_a_backlog_in_any_order_leaves_the_marker_at_the_newest(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift(hours_ago=12)
    headers, now = basic(town.token("owntracks")), int(time.time())
    points = [
        {"_type": "location", "lat": LAT + i * 1e-5, "lon": LNG, "tst": now - i * 5}
        for i in range(5000)
    ]
    url = f"{gateway.url}/ingest/owntracks"
    with httpx.Client(headers=headers) as client:
        for i in range(0, 5000, 500):
            client.post(url, content=json.dumps(points[i : i + 500]))
    assert len({f.fix_at_ms for f in stored()}) == 5000
    point = live_index.points_of(bus.connection(), town.reps)[town.reps[0]]
    assert point.fix.fix_at_ms == now * 1000


def test_what_is_no_http_and_what_is_too_much_ends_alone(
    gateway: GatewayProcess, town: Town
) -> None:
    import socket

    for raw in (b"\x00\x01\x02\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST\r\n\r\n", b"A" * 20_000):
        with socket.create_connection(("127.0.0.1", gateway.port)) as s:
            s.sendall(raw)
            assert b"200 OK" not in s.recv(1000)
    big = httpx.post(f"{gateway.url}/ingest/owntracks", content=b"x" * (5 << 20))
    assert big.status_code == 413
    assert httpx.get(f"{gateway.url}/nowhere").status_code == 404
    assert httpx.delete(f"{gateway.url}/ingest/osmand").status_code == 405
    assert gateway.is_up()


def test_guessing_tokens_is_slowed(gateway: GatewayProcess, town: Town) -> None:
    with httpx.Client() as client:
        url = f"{gateway.url}/ingest/osmand"
        statuses = [client.get(url, params={"id": f"guess{i}"}).status_code for i in range(40)]
    assert statuses[0] == 400
    assert statuses[-1] == 429


def test_requests_with_the_same_head_are_told_apart_by_their_bodies(
    gateway: GatewayProcess, town: Town
) -> None:
    import socket

    town.shift()
    secret = basic(town.token("owntracks"))["Authorization"]
    now = int(time.time())

    def request(at_s: int, more: str = "") -> bytes:
        told = f'{{"_type":"location","lat":60.1,"lon":24.9,"tst":{at_s}{more}}}'
        return (
            f"POST /ingest/owntracks HTTP/1.1\r\nHost: x\r\nAuthorization: {secret}\r\n"
            f"Content-Length: {len(told)}\r\n\r\n{told}"
        ).encode()

    pieces = [
        request(now - 9), request(now - 8), request(now - 7)[:-5], request(now - 7)[-5:],
        request(now - 6) + request(now - 5), request(now - 4), request(now - 3, ',"acc":7'),
        request(now - 2, ',"acc":8'), request(now - 1),
    ]  # fmt: skip
    answered = b""
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=5) as s:
        for i, piece in enumerate(pieces):
            s.sendall(piece)
            if i != 2:
                answered += s.recv(4096)
        while answered.count(b"HTTP/1.1 200 OK") < 9:
            answered += s.recv(4096)
    assert answered.count(b"\r\n\r\n[]") == 9
    assert sorted(f.fix_at_ms // 1000 - now for f in stored()) == list(range(-9, 0))
