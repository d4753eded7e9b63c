"""`fieldcrm bench marker`: from a phone's fix to the marker in a real browser, for each protocol.

Runs against a running sample company (`--server`), as its rep `sanna`, whom nobody plays. Beside
each figure stand the time until the phone had its answer and the browser's own frame.
Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from websockets.sync.client import connect

from fieldcrm.kit import ids
from workers.simulator.trackers import PROTOCOLS

PASSWORD = "fieldcrm-sample"
REP = "sanna"
LIMIT_MS = 1000
STEP = 0.00012
"""Degrees of latitude a step, some 13 m: a walk."""
WAIT_MS = 10_000

_MARKER_SINCE = """
([rep, fixMs, limit]) => new Promise((found, gone) => {
  const end = performance.now() + limit;
  const look = () => {
    const marker = document.querySelector(`[data-rep="${rep}"]`);
    if (marker && Number(marker.dataset.fixMs) >= fixMs) return found(Date.now());
    if (performance.now() > end) return gone(new Error("the marker did not move"));
    requestAnimationFrame(look);
  };
  look();
})
"""
_FRAME = """
() => new Promise((done) => {
  const seen = [];
  const next = (at) => { seen.push(at); seen.length > 30 ? done((at - seen[0]) / 30) : requestAnimationFrame(next); };
  requestAnimationFrame(next);
})
"""


@dataclass
class Rep:
    """The rep's side: signed in, on shift, with a device for each protocol."""

    http: httpx.Client
    me: dict[str, Any]
    devices: dict[str, tuple[str, str]]
    """Protocol -> (device id, token)."""
    offset_ms: float
    """Product clock minus this machine's."""

    def now_ms(self) -> int:
        return round(time.time() * 1000 + self.offset_ms)


def sign_in(server: str, login: str) -> httpx.Client:
    """A client that holds the session's cookie."""
    client = httpx.Client(base_url=server, timeout=20, headers={"Origin": server})
    client.post("/api/v1/session", json={"login": login, "password": PASSWORD}).raise_for_status()
    return client


def prepare(server: str) -> Rep:
    """Sign the rep in, start a shift if none is open, pair a device for each protocol."""
    http = sign_in(server, REP)
    asked = time.time()
    me = http.get("/api/v1/me").raise_for_status().json()
    offset = me["server_time_ms"] - (asked + time.time()) * 500
    rep = Rep(http, me, {}, offset)
    _start_shift(rep)
    admin = sign_in(server, "admin")
    for name, spoken in PROTOCOLS.items():
        body = {"rep_id": me["user"]["id"], "kind": spoken.kind, "name": f"bench {name}"}
        paired = admin.post("/api/v1/devices", json=body).raise_for_status().json()
        rep.devices[name] = (paired["device"]["id"], paired["token"])
    return rep


def cut_off(server: str, rep: Rep) -> None:
    """Revoke what `prepare` paired."""
    admin = sign_in(server, "admin")
    for device, _token in rep.devices.values():
        admin.delete(f"/api/v1/devices/{device}").raise_for_status()


def _start_shift(rep: Rep) -> None:
    device = ids.new_id()
    shown = {"device_id": device, "name": "bench", "app_version": "bench"}
    rep.http.post("/api/v1/sync/device", json=shown).raise_for_status()
    start = {"id": ids.new_id(), "seq": 1, "kind": "shift.start", "subject_id": ids.new_id(),
             "base_version": None, "device_at_ms": rep.now_ms() - 60_000, "offset_ms": 0,
             "payload": {}}  # fmt: skip
    pushed = {"device_id": device, "schema": rep.me["schema"], "mutations": [start]}
    rep.http.post("/api/v1/sync/push", json=pushed).raise_for_status()


def walk() -> Iterator[tuple[float, float]]:
    """A walk up and down a street."""
    lat, lng, way = 60.1690, 24.9400, 1
    for step in range(1, 100_000):
        lat += STEP * way
        way = (
            -way if step % 8 == 0 else way
        )  # stays in view: what is out of view comes with the tick
        yield lat, lng


@contextmanager
def desk(server: str) -> Iterator[Any]:
    """The dispatcher's live map in a real browser."""
    from playwright.sync_api import sync_playwright

    path = os.environ.get("FIELDCRM_CHROMIUM") or shutil.which("chromium")
    flags = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        told = json.dumps({"login": "dispatcher", "password": PASSWORD})
        page.request.post(f"{server}/api/v1/session", data=told,
                          headers={"Content-Type": "application/json", "Origin": server})  # fmt: skip
        page.goto(f"{server}/dispatch")
        page.wait_for_selector(".gl canvas", timeout=30_000)
        page.wait_for_timeout(2000)
        yield page
        browser.close()


def send_http(rep: Rep, protocol: Any, fix: dict[str, Any]) -> None:
    """One fix as the protocol's app sends it."""
    device, token = rep.devices[protocol]
    wire = PROTOCOLS[protocol].request([fix], device, token)
    address = f"{rep.me['gateway']}{wire.path}"
    httpx.post(address, content=wire.body, headers=dict(wire.headers)).raise_for_status()


def send_socket(rep: Rep, fix: dict[str, Any]) -> None:
    """One fix over the phone app's own socket, acknowledged."""
    address = rep.me["gateway"].replace("http", "ws", 1) + "/ws/phone"
    cookie = "; ".join(f"{k}={v}" for k, v in rep.http.cookies.items())
    origin = rep.http.headers["Origin"]
    with connect(address, additional_headers={"Cookie": cookie}, origin=origin) as socket:  # type: ignore[arg-type]
        hello = {
            "t": "hello",
            "device_id": ids.new_id(),
            "app": "bench",
            "now_ms": rep.now_ms(),
            "mode": "web",
        }
        socket.send(json.dumps(hello))
        socket.send(json.dumps({"t": "fixes", "n": 1, "now_ms": rep.now_ms(), "fixes": [fix]}))
        while json.loads(socket.recv(timeout=10))["t"] != "ack":
            pass


def measure(
    rep: Rep, page: Any, protocol: str, rounds: int, steps: Iterator[tuple[float, float]]
) -> dict[str, Any]:
    """Milliseconds from sending to the marker, and to the answer: {marker_ms: [...], answer_ms: [...]}"""
    found: dict[str, list[float]] = {"marker_ms": [], "answer_ms": []}
    for number in range(rounds):
        lat, lng = next(steps)
        fix = {"s": number + 1, "at": rep.now_ms() // 1000 * 1000, "lat": lat, "lng": lng, "acc": 6.0,
               "spd": 1.3, "crs": 0, "bat": 80, "chg": False, "mock": False}  # fmt: skip
        sent = time.time() * 1000
        _send(rep, protocol, fix)
        found["answer_ms"].append(time.time() * 1000 - sent)
        shown = page.evaluate(_MARKER_SINCE, [rep.me["user"]["id"], fix["at"], WAIT_MS])
        found["marker_ms"].append(shown - sent)
        time.sleep(max(0.0, 1.2 - (time.time() - sent / 1000)))
    return found


def _send(rep: Rep, protocol: str, fix: dict[str, Any]) -> None:
    if protocol == "socket":
        send_socket(rep, fix)
    else:
        send_http(rep, protocol, fix)


def summary(found: dict[str, dict[str, list[float]]], frame_ms: float) -> dict[str, Any]:
    """Medians and the worst, each beside the limit."""
    by = {
        name: {
            "median_ms": round(statistics.median(f["marker_ms"]), 1),
            "worst_ms": round(max(f["marker_ms"]), 1),
            "answer_median_ms": round(statistics.median(f["answer_ms"]), 1),
            "rounds": len(f["marker_ms"]),
        }
        for name, f in found.items()
    }
    worst = max(one["median_ms"] for one in by.values())
    return {"protocols": by, "worst_median_ms": worst, "limit_ms": LIMIT_MS,
            "share_of_limit": round(worst / LIMIT_MS, 3), "frame_ms": round(frame_ms, 1)}  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Measure every protocol on a running install."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench marker", description=__doc__)
    parser.add_argument("--server", default="http://localhost:8000")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args(argv)
    rep, steps = prepare(options.server), walk()
    with desk(options.server) as page:
        found = {
            name: measure(rep, page, name, options.rounds, steps) for name in (*PROTOCOLS, "socket")
        }
        frame = page.evaluate(_FRAME)
    cut_off(options.server, rep)
    print(json.dumps(summary(found, frame)))
