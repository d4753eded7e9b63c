"""How fast a gateway takes in what phones have kept while they were offline.

`fieldcrm bench backlog [FILE.csv]`: columns device, time, lat, lng (time in epoch seconds or ISO
8601); without a file 100,000 fixes of 20 devices are made up. Each device sends all its fixes as JSON
in messages of 500 over its WebSocket: in the order of time, reversed, and shuffled, each into a
store of its own. Times are moved so that the newest is now. Prints one JSON object last; `seconds`
is the slowest of the orders, from the first byte sent to the last acknowledgement read.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
import selectors
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from workers.gateway.benches import lab
from workers.gateway.benches.lab import BusyTime
from workers.gateway.benches.load import OurSocket, Phone, frame

FIXES_A_MESSAGE = 500
ORDERS = ("sorted", "reversed", "shuffled")
Row = tuple[float, float, float]
"""Epoch seconds, lat, lng."""


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, measure each order, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--fsync-delay-ms", type=float, default=0.0)
    parser.add_argument("--order", choices=ORDERS, default=None, help="one of the three alone")
    chosen = parser.parse_args(argv)
    if chosen.order:
        tracks = read(chosen.file) if chosen.file else made_up()
        print(json.dumps(measure(tracks, chosen.order, chosen.fsync_delay_ms)))
        return
    print(json.dumps(summary({order: in_own_process(order, chosen) for order in ORDERS})))


def in_own_process(order: str, chosen: argparse.Namespace) -> dict[str, Any]:
    """One order by itself: a process keeps to the store that it began with."""
    command = [sys.executable, "-m", __spec__.name if __spec__ else __name__, "--order", order]
    more = [str(chosen.file)] if chosen.file else []
    done = subprocess.run(
        [*command, "--fsync-delay-ms", str(chosen.fsync_delay_ms), *more],
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return json.loads(done.stdout.splitlines()[-1])


def summary(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The worst of all orders, and each by itself."""
    return {
        "seconds": max(one["seconds"] for one in found.values()),
        **{key: sum(one[key] for one in found.values()) for key in ("lost", "duplicated", "went_back")},
        "fixes": found["sorted"]["accepted"], "orders": found,
        "machine_load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def made_up(fixes: int = 100_000, devices: int = 20) -> dict[str, list[Row]]:
    """Reps who walk about for ten hours, each fix after the one before."""
    chance, each = random.Random(7), fixes // devices
    return {
        f"device {i}": [
            (36_000 * n / each, 60.17 + 0.02 * math.sin(n / 900 + i) + chance.gauss(0, 2e-5),
             24.94 + 0.04 * math.cos(n / 700 + i) + chance.gauss(0, 4e-5))
            for n in range(each)
        ]
        for i in range(devices)
    }  # fmt: skip


def read(path: Path) -> dict[str, list[Row]]:
    """The rows of each device, by time."""
    tracks: dict[str, list[Row]] = defaultdict(list)
    with path.open(newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            tracks[row["device"]].append(
                (moment(row["time"]), float(row["lat"]), float(row["lng"]))
            )
    return {device: sorted(rows) for device, rows in tracks.items()}


def moment(told: str) -> float:
    """Epoch seconds of a number or of ISO 8601."""
    try:
        read_s = float(told)
    except ValueError:
        return datetime.fromisoformat(told).timestamp()
    return read_s / 1000 if read_s > 1e11 else read_s


def measure(tracks: dict[str, list[Row]], order: str, fsync_delay_ms: float) -> dict[str, Any]:
    """One order, in a store of its own."""
    with lab.lab(fsync_delay_ms) as here:
        valkey = here.start_valkey()
        lab.wait_for_file(here.home / "valkey.sock")
        earliest = min(rows[0][0] for rows in tracks.values())
        newest = max(rows[-1][0] for rows in tracks.values())
        company = lab.build_company(len(tracks), hours=(newest - earliest) / 3600 + 1)
        lab.pin(lab.LOAD_CORE)
        gateway = here.start_gateway()
        ahead_s = time.time() - newest
        backlogs = [
            (token, messages(rows, order, ahead_s))
            for token, rows in zip(company.tokens, tracks.values(), strict=True)
        ]
        markers = Markers()
        senders = [Sender(here.port, token, sent) for token, sent in backlogs]
        busy = BusyTime(gateway, valkey)
        took = send_all(senders)
        cores = busy.cores()
        accepted = [sender.accepted for sender in senders]
        found = lab.stored()
        return {
            "seconds": round(took, 3), "lost": max(0, sum(accepted) - len(found)),
            "duplicated": sum(n - 1 for n in found.values()), "went_back": markers.went_back(),
            "accepted": sum(accepted), "sent": sum(map(len, tracks.values())),
            "devices": len(tracks), "core_s": round(cores * took, 3),
        }  # fmt: skip


def messages(rows: list[Row], order: str, ahead_s: float) -> list[bytes]:
    """A device's frames of 500 fixes in an order; numbers follow the time."""
    told = [
        {"s": s, "at": round((at + ahead_s) * 1000), "lat": round(lat, 7), "lng": round(lng, 7),
         "acc": 8, "spd": 1.5, "crs": 90, "bat": 77, "chg": False, "mock": None}
        for s, (at, lat, lng) in enumerate(rows)
    ]  # fmt: skip
    if order == "reversed":
        told.reverse()
    elif order == "shuffled":
        random.Random(1).shuffle(told)
    now_ms = round(time.time() * 1000)
    return [
        frame(json.dumps({"t": "fixes", "n": n, "fixes": told[i : i + FIXES_A_MESSAGE],
                          "now_ms": now_ms}, separators=(",", ":")).encode())
        for n, i in enumerate(range(0, len(told), FIXES_A_MESSAGE))
    ]  # fmt: skip


class Sender:
    """One device with its backlog."""

    def __init__(self, port: int, token: str, frames: list[bytes]) -> None:
        self.link = socket.create_connection(("127.0.0.1", port))
        self._unsent = memoryview(b"".join(frames))
        self._acks_left = len(frames)
        self._unread = b""
        self.accepted = 0
        speech = OurSocket(1)
        self.link.sendall(speech.opening(Phone(0, token, self.link)))
        while not speech.is_open(self._unread):
            self._unread += self.link.recv(4096)
        self._unread = b""
        self.link.setblocking(False)

    @property
    def is_done(self) -> bool:
        return self._acks_left == 0

    def go_on(self, events: int) -> None:
        """Send what goes, read what came."""
        if events & selectors.EVENT_WRITE and self._unsent:
            self._unsent = self._unsent[self.link.send(self._unsent[: 1 << 18]) :]
        if events & selectors.EVENT_READ:
            self._unread += self.link.recv(1 << 16)
            *whole, self._unread = self._unread.split(b"}}")
            for ack in whole:
                self.accepted += int(ack.split(b'"accepted":')[1].split(b",")[0])
                self._acks_left -= 1

    @property
    def wants(self) -> int:
        """What to wait for."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)


def send_all(senders: list[Sender]) -> float:
    """Let all devices send; how long until the last acknowledgement, seconds."""
    with selectors.DefaultSelector() as selector:
        for sender in senders:
            selector.register(sender.link, sender.wants, sender)
        began = time.perf_counter()
        left = len(senders)
        while left:
            for key, events in selector.select(10) or _stuck():
                sender: Sender = key.data
                sender.go_on(events)
                if sender.is_done:
                    selector.unregister(sender.link)
                    left -= 1
                elif sender.wants != key.events:
                    selector.modify(sender.link, sender.wants, sender)
        return time.perf_counter() - began


def _stuck() -> list[Any]:
    raise RuntimeError("a backlog is not acknowledged after 10 s")


class Markers:
    """What other gateways are told of positions: each rep's must only ever become newer."""

    def __init__(self) -> None:
        from fieldcrm.kit import bus
        from fieldcrm.tracking import live_index

        self._channels = bus.connection().pubsub(ignore_subscribe_messages=True)
        self._channels.ssubscribe(*live_index.cell_channels(_gateway_name()))
        for _ in range(live_index.SHARDS):
            self._channels.get_message(timeout=1)

    def went_back(self) -> int:
        """How often a rep's marker was told to go to an older fix."""
        from fieldcrm.tracking import live_index

        known: dict[str, int] = {}
        back = 0
        while (message := self._channels.get_message(timeout=0.3)) is not None:
            for point in live_index.published_points(message["data"]):
                back += point.fix.fix_at_ms < known.get(point.fix.rep_id, 0)
                known[point.fix.rep_id] = point.fix.fix_at_ms
        if not known:
            raise RuntimeError("no marker moved at all")
        return back


def _gateway_name() -> str:
    """Under which name the gateway publishes: it answers a greeting."""
    from fieldcrm.kit import bus
    from fieldcrm.tracking import live_index

    with bus.connection().pubsub(ignore_subscribe_messages=True) as channels:
        channels.subscribe(live_index.GATEWAYS_CHANNEL)
        channels.get_message(timeout=1)
        bus.connection().publish(live_index.GATEWAYS_CHANNEL, "bench")
        for _ in range(10):
            heard = channels.get_message(timeout=1)
            if heard and (name := heard["data"].decode()).startswith("!"):
                return name[1:]
    raise RuntimeError("no gateway answered a greeting")


if __name__ == "__main__":
    main()
