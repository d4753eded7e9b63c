"""What the simulated tracker apps send is read back whole by the product's own decoders."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from fieldcrm.tracking.protocols import gpslogger, osmand, overland, owntracks
from fieldcrm.tracking.protocols.http import Post
from workers.simulator.trackers import PROTOCOLS

FIX = {"s": 3, "at": 1_795_421_567_000, "lat": 60.1712345, "lng": 24.9412345, "acc": 12.5,
       "spd": 1.39, "crs": 271.5, "bat": 77, "chg": False, "mock": False}  # fmt: skip
DECODERS = {"osmand": osmand, "osmand_json": osmand, "owntracks": owntracks,
            "overland": overland, "gpslogger": gpslogger}  # fmt: skip


def _sent(tracker: str, fix: dict) -> tuple[Post, str]:
    wire = PROTOCOLS[tracker].request([fix], "device-1", "secret-token")
    parts = urlsplit(wire.path)
    headers = {k.lower(): v for k, v in wire.headers}
    return Post("POST", dict(parse_qsl(parts.query)), headers, wire.body), parts.path


@pytest.mark.parametrize("tracker", sorted(DECODERS))
def test_a_fix_arrives_whole(tracker: str):
    post, path = _sent(tracker, FIX)
    decoder = DECODERS[tracker]
    assert path == f"/ingest/{PROTOCOLS[tracker].kind}"
    assert decoder.token(post) == "secret-token"
    (fix,) = decoder.decode(post).fixes
    assert (fix.at_ms, fix.lat, fix.lng) == (FIX["at"], FIX["lat"], FIX["lng"])
    assert fix.accuracy_m == pytest.approx(FIX["acc"], abs=0.6)
    assert fix.speed_mps == pytest.approx(FIX["spd"], abs=0.15)
    assert fix.course_deg == pytest.approx(FIX["crs"], abs=0.6)
    assert fix.battery_pct == pytest.approx(77)
    assert not fix.is_mock


def test_the_fake_app_says_mock_only_when_it_does_not_hide():
    post, _ = _sent("osmand_json", {**FIX, "mock": True})
    (fix,) = osmand.decode(post).fixes
    assert fix.is_mock
    assert b"mock" not in _sent("osmand_json", FIX)[0].body


def test_standing_still_has_no_course():
    for tracker in ("osmand_json", "overland", "owntracks"):
        post, _ = _sent(tracker, {**FIX, "crs": None, "spd": 0.0})
        (fix,) = DECODERS[tracker].decode(post).fixes
        assert fix.course_deg is None
