"""How each tracker app words a fix for the wire, as its own documentation says. Pure.

A fix is the dict that a phone queues: {"s": seq, "at": epoch ms by the phone's clock, "lat",
"lng", "acc", "spd", "crs", "bat", "chg", "mock"}.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from workers.simulator.scenario import Tracker

Fix = dict[str, Any]
KNOTS_PER_MPS = 3600 / 1852


@dataclass(frozen=True)
class Wire:
    """One HTTP request: path below the gateway, query, headers, body, and the answer that counts."""

    path: str
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    wanted: bytes | None = None
    """The exact body that acknowledges; None is any 2xx."""


@dataclass(frozen=True)
class Spoken:
    """A protocol: the kind of device it is paired as, fixes a request holds, and how it speaks."""

    kind: str
    at_once: int
    request: Callable[[Sequence[Fix], str, str], Wire]
    """(fixes, device id, token)"""


def _osmand(fixes: Sequence[Fix], _device: str, token: str) -> Wire:
    """Traccar Client up to 8: a POST with everything in the query; speed in knots."""
    (fix,) = fixes
    query = {
        "id": token, "timestamp": fix["at"] // 1000, "lat": fix["lat"], "lon": fix["lng"],
        "speed": round(fix["spd"] * KNOTS_PER_MPS, 4), "bearing": fix["crs"] or 0,
        "altitude": 0, "accuracy": fix["acc"], "batt": fix["bat"],
    }  # fmt: skip
    return Wire(f"/ingest/osmand?{urlencode(query)}")


def _osmand_json(fixes: Sequence[Fix], _device: str, token: str) -> Wire:
    """Traccar Client 9 and later; `mock` appears only when true."""
    (fix,) = fixes
    location = {
        "timestamp": _iso(fix["at"]),
        "coords": {"latitude": fix["lat"], "longitude": fix["lng"], "accuracy": fix["acc"],
                   "speed": fix["spd"], "heading": -1 if fix["crs"] is None else fix["crs"],
                   "altitude": 12.0},
        "is_moving": fix["spd"] > 0.3, "odometer": 0, "event": "motionchange",
        "battery": {"level": fix["bat"] / 100, "is_charging": bool(fix["chg"])},
        "activity": {"type": "unknown"}, "extras": {},
    }  # fmt: skip
    if fix["mock"]:
        location["mock"] = True
    return _json("/ingest/osmand", {"device_id": token, "location": location})


def _owntracks(fixes: Sequence[Fix], device: str, token: str) -> Wire:
    """HTTP mode: one location a message; speed in km/h; only whole numbers."""
    (fix,) = fixes
    message = {
        "_type": "location", "tid": device[-2:], "lat": fix["lat"], "lon": fix["lng"],
        "tst": fix["at"] // 1000, "acc": round(fix["acc"]), "vel": round(fix["spd"] * 3.6),
        "batt": fix["bat"], "bs": 2 if fix["chg"] else 1, "m": 2, "t": "u", "conn": "m",
        "topic": f"owntracks/rep/{device[:8]}",
    }  # fmt: skip
    if fix["crs"] is not None:
        message["cog"] = round(fix["crs"])
    basic = base64.b64encode(f"{device}:{token}".encode()).decode()
    return _json("/ingest/owntracks", message, ("Authorization", f"Basic {basic}"))


def _overland(fixes: Sequence[Fix], device: str, token: str) -> Wire:
    """Batches of GeoJSON; -1 is unknown; only the exact answer frees the batch."""
    body = {"locations": [_feature(fix, device) for fix in fixes]}
    wire = _json("/ingest/overland", body, ("Authorization", f"Bearer {token}"))
    return Wire(wire.path, wire.body, wire.headers, b'{"result":"ok"}')


def _feature(fix: Fix, device: str) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [fix["lng"], fix["lat"]]},
        "properties": {
            "timestamp": _iso(fix["at"]), "altitude": 12, "speed": fix["spd"],
            "course": -1 if fix["crs"] is None else fix["crs"], "horizontal_accuracy": fix["acc"],
            "vertical_accuracy": -1, "motion": ["driving"] if fix["spd"] > 2 else ["stationary"],
            "battery_state": "charging" if fix["chg"] else "unplugged",
            "battery_level": fix["bat"] / 100, "wifi": "", "device_id": device,
        },
    }  # fmt: skip


def _gpslogger(fixes: Sequence[Fix], _device: str, token: str) -> Wire:
    """The custom URL of the pairing code, as a POSTed form; speed in m/s."""
    (fix,) = fixes
    pairs = {
        "lat": fix["lat"], "lon": fix["lng"], "acc": fix["acc"], "spd": fix["spd"],
        "dir": fix["crs"] or 0.0, "alt": 12.0, "prov": "gps", "timestamp": fix["at"] // 1000,
        "time": _iso(fix["at"]), "batt": float(fix["bat"]),
        "ischarging": "true" if fix["chg"] else "false",
    }  # fmt: skip
    form = ("Content-Type", "application/x-www-form-urlencoded")
    return Wire(f"/ingest/gpslogger?id={token}", urlencode(pairs).encode(), (form,))


def _json(path: str, body: Any, *headers: tuple[str, str]) -> Wire:
    content = ("Content-Type", "application/json")
    return Wire(path, json.dumps(body, separators=(",", ":")).encode(), (content, *headers))


def _iso(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


PROTOCOLS: dict[Tracker, Spoken] = {
    "osmand": Spoken("osmand", 1, _osmand),
    "osmand_json": Spoken("osmand", 1, _osmand_json),
    "owntracks": Spoken("owntracks", 1, _owntracks),
    "overland": Spoken("overland", 200, _overland),
    "gpslogger": Spoken("gpslogger", 1, _gpslogger),
}
"""All but the WebSocket, which is the phone app's own (see phone.Socket)."""
