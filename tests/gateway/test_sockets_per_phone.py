"""A device and a rep have so many sockets at a gateway: one more closes the oldest, by its code."""

from __future__ import annotations

import time
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed

from tests.gateway.test_sockets import fixes, phone, told
from tests.gateway.town import GatewayProcess, Town, wait_for
from workers.gateway.limits import REPLACED, SOCKETS_PER_DEVICE, SOCKETS_PER_REP


def closed_as(socket: Any) -> int | None:
    """The code by which the gateway closed a socket."""
    try:
        while socket.recv(3):
            pass
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
    return None


def is_served(socket: Any) -> bool:
    socket.send(fixes(9, count=1, first_seq=time.monotonic_ns()))
    return told(socket, "ack")["accepted"] == 1


def sockets_of(gateway: GatewayProcess) -> int:
    return httpx.get(f"{gateway.url}/healthz").json()["phones"]


def test_a_devices_oldest_socket_makes_room(town: Town, gateway: GatewayProcess) -> None:
    town.shift()
    cookie = town.cookie(town.reps[0])
    sockets = [phone(gateway, cookie) for _ in range(SOCKETS_PER_DEVICE)]
    assert all(is_served(s) for s in sockets)
    sockets.append(phone(gateway, cookie))
    assert closed_as(sockets[0]) == REPLACED
    assert all(is_served(s) for s in sockets[1:])
    wait_for(lambda: sockets_of(gateway) == SOCKETS_PER_DEVICE)
    wait_for(lambda: gateway.counts().get("sockets_replaced") == 1)


def test_another_device_or_another_rep_pushes_nobody_out(
    town: Town, gateway: GatewayProcess
) -> None:
    town.shift()
    town.shift(rep=1)
    first, second = (town.cookie(rep_id) for rep_id in town.reps)
    sockets = [phone(gateway, first, f"phone-{n}") for n in range(3)]
    sockets += [phone(gateway, second, "phone-0") for _ in range(SOCKETS_PER_DEVICE)]
    assert all(is_served(s) for s in sockets)
    assert "sockets_replaced" not in gateway.counts()


def test_a_reps_oldest_socket_makes_room_whatever_devices_it_names(
    town: Town, gateway: GatewayProcess
) -> None:
    cookie = town.cookie(town.reps[0])
    sockets = [phone(gateway, cookie, f"phone-{n}") for n in range(SOCKETS_PER_REP + 3)]
    assert [closed_as(s) for s in sockets[:3]] == [REPLACED] * 3
    wait_for(lambda: sockets_of(gateway) == SOCKETS_PER_REP)


def test_sockets_that_name_no_device_count_too(town: Town, gateway: GatewayProcess) -> None:
    cookie = town.cookie(town.reps[0])
    sockets = [gateway.socket("/ws/phone", cookie) for _ in range(SOCKETS_PER_REP + 1)]
    assert closed_as(sockets[0]) == REPLACED


def test_a_trackers_token_counts_before_it_says_hello(town: Town, gateway: GatewayProcess) -> None:
    path = f"/ws/phone?token={town.token('osmand')}"
    sockets = [gateway.socket(path) for _ in range(SOCKETS_PER_DEVICE + 1)]
    assert closed_as(sockets[0]) == REPLACED
    assert told(sockets[-1], "hello")["now_ms"] > 0
