"""Phones and desks over real WebSockets: acknowledgement, scope, frames, origins, sign-out."""

from __future__ import annotations

import json
import struct
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from fieldcrm.kit import bus, clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.people import registry, signing
from fieldcrm.people.model import SYSTEM
from fieldcrm.tracking import live_index, shifts
from fieldcrm.tracking import service as tracking
from tests.gateway.town import LAT, LNG, GatewayProcess, Town, wait_for

WORLD = {"t": "view", "bbox": [-90, -180, 90, 180], "zoom": 3}


def fixes(n: int, count: int = 3, first_seq: int = 1, skew_ms: int = 0, step_ms: int = 1000) -> str:
    now = clock.now_ms() + skew_ms
    told = [
        {"s": first_seq + i, "at": now - (count - 1 - i) * step_ms, "lat": LAT, "lng": LNG,
         "acc": 8, "spd": 1.5, "crs": 90, "bat": 77, "chg": False, "mock": None}
        for i in range(count)
    ]  # fmt: skip
    return json.dumps({"t": "fixes", "n": n, "fixes": told, "now_ms": now})


def phone(gateway: GatewayProcess, cookie: str, device_id: str = "phone-1"):
    socket = gateway.socket("/ws/phone", cookie)
    assert json.loads(socket.recv(5))["t"] == "hello"
    socket.send(json.dumps({"t": "hello", "device_id": device_id, "app": "1", "mode": "web",
                            "now_ms": clock.now_ms()}))  # fmt: skip
    return socket


def told(socket, kind: str, seconds: float = 30):
    """The next JSON message of a kind, frames and others passed over."""
    until = time.monotonic() + seconds
    while True:
        message = socket.recv(max(0.01, until - time.monotonic()))
        if isinstance(message, str) and (said := json.loads(message))["t"] == kind:
            return said


def frame(socket, seconds: float = 30):
    """The next binary frame as (kind, number, records)."""
    message = binary(socket, seconds)
    version, kind, count, number, _ = struct.unpack_from("<BBHIQ", message)
    assert version == 1
    assert len(message) == 16 + 24 * count
    records = [struct.unpack_from("<HBBiiIHHHH", message, 16 + 24 * i) for i in range(count)]
    return kind, number, records


def binary(socket, seconds: float = 30) -> bytes:
    """The next binary frame's bytes."""
    until = time.monotonic() + seconds
    while True:
        message = socket.recv(max(0.01, until - time.monotonic()))
        if isinstance(message, bytes):
            return message


def test_a_phones_fixes_are_acknowledged_once_stored(gateway: GatewayProcess, town: Town) -> None:
    town.shift()
    with phone(gateway, town.cookie(town.reps[0])) as socket:
        socket.send(fixes(7))
        assert told(socket, "ack") == {"t": "ack", "n": 7, "accepted": 3, "rejected": {}}
        assert bus.connection().xlen(bus.FIX_STREAM) == 1
        socket.send(fixes(8))
        assert told(socket, "ack")["rejected"] == {"duplicate": 3}
        bad = {"t": "fixes", "n": 9, "fixes": [{"lat": 1}, None, {"at": 1, "lat": 5, "lng": 5}]}
        socket.send(json.dumps(bad))
        assert told(socket, "ack")["rejected"] == {"malformed": 2, "ancient": 1}
        bus.publish(bus.phone_channel(town.reps[0]), {"t": "pull"})
        assert told(socket, "pull") == {"t": "pull"}


@pytest.mark.parametrize("minutes", [4, 40, -4, -40])
def test_a_wrong_clock_is_corrected_and_marked(
    gateway: GatewayProcess, town: Town, minutes: int
) -> None:
    town.shift()
    with phone(gateway, town.cookie(town.reps[0])) as socket:
        socket.send(fixes(1, skew_ms=minutes * 60_000))
        assert told(socket, "ack")["accepted"] == 3
    point = live_index.points_of(bus.connection(), town.reps)[town.reps[0]]
    assert abs(point.fix.fix_at_ms - clock.now_ms()) < 5000
    assert point.fix.doubts & 32
    assert abs(point.offset_ms + minutes * 60_000) < 3000


def test_a_desk_sees_its_own_reps_move_and_no_others(gateway: GatewayProcess, town: Town) -> None:
    town.shift(0)
    town.shift(1)
    with gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk:
        assert told(desk, "hello")["clock_speed"] == 1
        roster = told(desk, "roster")["reps"]
        assert [r["id"] for r in roster] == [town.reps[0]]
        desk.send(json.dumps(WORLD))
        kind, number, records = frame(desk)
        assert (kind, number, len(records)) == (1, 0, 1)
        with (
            phone(gateway, town.cookie(town.reps[0])) as mine,
            phone(gateway, town.cookie(town.reps[1]), "phone-2") as others,
        ):
            others.send(fixes(1, 1))
            told(others, "ack")
            mine.send(fixes(1, 1))
            told(mine, "ack")
            kind, number, records = frame(desk)
        assert (kind, number) == (2, 1)
        ((index, state, battery, lat, lng, at, course, speed, accuracy, flags),) = records
        assert (index, state, battery) == (roster[0]["i"], 1, 77)
        assert (lat, lng) == (round(LAT * 1e6), round(LNG * 1e6))
        assert (course, speed, accuracy, flags) == (90, 150, 80, 0)
        assert abs(at - time.time()) < 5
    with gateway.socket("/ws/desk", town.cookie(town.admin)) as desk:
        assert len(told(desk, "roster")["reps"]) == 2


def test_an_older_fix_is_stored_and_leaves_the_marker_where_it_is(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift()
    with phone(gateway, town.cookie(town.reps[0])) as socket:
        socket.send(fixes(1, 1, first_seq=10))
        told(socket, "ack")
        newest = live_index.points_of(bus.connection(), town.reps)[town.reps[0]]
        late = json.loads(fixes(2, 2, first_seq=1))
        for one in late["fixes"]:
            one["at"] -= 600_000
        socket.send(json.dumps(late))
        assert told(socket, "ack")["accepted"] == 2
    assert live_index.points_of(bus.connection(), town.reps)[town.reps[0]] == newest


def test_a_shift_that_ends_shows_at_the_desk_and_notices_are_forwarded(
    gateway: GatewayProcess, town: Town
) -> None:
    shift_id = town.shift()
    with gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk:
        desk.send(json.dumps(WORLD))
        (rep,) = frame(desk)[2]
        assert rep[1] in (3, 4)
        with transaction() as session:
            shifts.end_shift_in(session, town.actor(), shift_id, clock.now())
        assert told(desk, "changed")["entity"] == "shift"
        assert wait_for(lambda: [r for r in frame(desk)[2] if r[1] == 6])
        bus.publish(bus.desk_channel(town.teams[1]), {"t": "alert", "id": "theirs"})
        bus.publish(bus.desk_channel(town.teams[0]), {"t": "alert", "id": "ours"})
        assert told(desk, "alert")["id"] == "ours"


def test_who_may_open_which_socket(gateway: GatewayProcess, town: Town) -> None:
    rep, dispatcher = town.cookie(town.reps[0]), town.cookie(town.dispatcher)
    cases = [
        ("/ws/phone", None, 401), ("/ws/desk", None, 401), ("/ws/phone", "nonsense", 401),
        ("/ws/phone", dispatcher, 403), ("/ws/desk", rep, 403), ("/ws/other", rep, 404),
        ("/ws/phone?token=nonsense", rep, 401),
    ]  # fmt: skip
    for path, cookie, status in cases:
        with pytest.raises(InvalidStatus) as refusal:
            gateway.socket(path, cookie)
        assert (path, refusal.value.response.status_code) == (path, status)


def test_sockets_come_from_our_own_pages_only(gateway: GatewayProcess, town: Town) -> None:
    cookie = town.cookie(town.dispatcher)
    foreign = ["http://evil.example", "http://localhost:1", "http://evil.example:8000", "null",
               "https://127.0.0.1.evil.example:8000"]  # fmt: skip
    for origin in foreign:
        with pytest.raises(InvalidStatus) as refusal:
            gateway.socket("/ws/desk", cookie, origin=origin)
        assert refusal.value.response.status_code == 403
    for origin in ("http://localhost:8000", "http://127.0.0.1:8000", gateway.url):
        gateway.socket("/ws/desk", cookie, origin=origin).close()


def test_signing_out_and_revoking_close_the_socket(gateway: GatewayProcess, town: Town) -> None:
    cookie = town.cookie(town.dispatcher)
    with gateway.socket("/ws/desk", cookie) as desk:
        told(desk, "roster")
        signing.sign_out(cookie)
        bus.publish("devices", {"t": "signed_out", "user_id": town.dispatcher})
        with pytest.raises(ConnectionClosed):
            told(desk, "nothing", 3)


def test_a_device_token_opens_the_phone_socket_too(gateway: GatewayProcess, town: Town) -> None:
    town.shift()
    with gateway.socket(f"/ws/phone?token={town.token('osmand')}") as socket:
        told(socket, "hello")
        socket.send(fixes(1))
        assert told(socket, "ack")["accepted"] == 3


def test_rubbish_ends_only_its_own_connection(gateway: GatewayProcess, town: Town) -> None:
    town.shift()
    cookie = town.cookie(town.reps[0])
    with phone(gateway, cookie) as good:
        for rubbish in (
            "{",
            "[]",
            '{"t":"what"}',
            '{"t":"fixes","n":1}',
            b"\xff\x00",
            "[" * 50_000,
        ):
            with phone(gateway, cookie) as bad:
                bad.send(rubbish)
                with pytest.raises(ConnectionClosed):
                    told(bad, "nothing", 3)
        good.send(fixes(1))
        assert told(good, "ack")["accepted"] == 3


def test_what_waited_in_another_gateway_is_seen_here(gateway: GatewayProcess, town: Town) -> None:
    town.shift()
    second = GatewayProcess()
    try:
        with gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk:
            desk.send(json.dumps(WORLD))
            assert frame(desk)[2][0][3] == -(2**31)
            with phone(second, town.cookie(town.reps[0])) as socket:
                socket.send(fixes(1))
                told(socket, "ack")
            assert frame(desk)[2][0][3] == round(LAT * 1e6)
    finally:
        second.kill()


def test_a_revoked_phone_app_is_closed_however_it_signed_in(
    gateway: GatewayProcess, town: Town
) -> None:
    device_id = ids.new_id()
    registry.register_device(town.actor(), device_id, "phone", "1")
    cookie = town.cookie(town.reps[0])
    with phone(gateway, cookie, device_id) as socket:
        registry.revoke_device(SYSTEM, device_id)
        with pytest.raises(ConnectionClosed) as closed:
            told(socket, "nothing", 3)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
    with phone(gateway, cookie, device_id) as socket, pytest.raises(ConnectionClosed):
        told(socket, "nothing", 3)


def test_a_phone_that_pauses_shows_as_paused(gateway: GatewayProcess, town: Town) -> None:
    town.shift()
    with (
        gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk,
        phone(gateway, town.cookie(town.reps[0])) as socket,
    ):
        desk.send(json.dumps(WORLD))
        socket.send(fixes(1))
        told(socket, "ack")
        socket.send('{"t":"status","tracking":"paused","permission":"denied","battery":5}')
        assert wait_for(lambda: [r for r in frame(desk)[2] if r[1] == 5])
    (rep,) = tracking.live(town.actor())
    assert (rep.state, rep.cause) == ("paused", "permission")


def test_a_desk_that_asks_for_moves_gets_them_after_a_whole_record(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift()
    with (
        gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk,
        phone(gateway, town.cookie(town.reps[0])) as socket,
    ):
        desk.send(json.dumps({**WORLD, "moves": True}))
        assert frame(desk)[:2] == (1, 0)
        kinds, lats = [], []
        for n in range(4):
            later = fixes(n, 1, first_seq=n, skew_ms=n)  # two within one millisecond are no move
            socket.send(later.replace(str(LAT), str(LAT + n / 1000)))
            assert told(socket, "ack")["accepted"] == 1
            message = binary(desk)
            _, kind, count, number, at_ms = struct.unpack_from("<BBHIQ", message)
            assert (count, number) == (1, n + 1)
            kinds.append(kind)
            if kind == 2:
                lats.append(struct.unpack_from("<i", message, 16 + 4)[0] / 1e6)
            else:
                row, _, in_section, _, y, _, more = struct.unpack("<HHHHHHH", message[16:])
                assert in_section == 1
                assert abs(at_ms // 1000 - (more >> 12) - time.time()) < 5
                lats.append((65_536 * row + y + 0.5) / 1e5 - 90)
        assert kinds == [2, 4, 4, 4]
        assert lats == pytest.approx([LAT + n / 1000 for n in range(4)], abs=1e-5)


def test_a_desk_hears_of_what_it_does_not_look_at_later(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift()
    with (
        gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk,
        phone(gateway, town.cookie(town.reps[0])) as socket,
    ):
        elsewhere = {"t": "view", "bbox": [10, 10, 11, 11], "zoom": 9}
        desk.send(json.dumps(elsewhere))
        assert frame(desk)[0] == 1
        socket.send(fixes(1, 1))
        told(socket, "ack")
        kind, _, ((_, state, *_, at, _, _, _, _),) = frame(desk)
        assert (kind, state) == (2, 1)
        assert abs(at - time.time()) < 5
