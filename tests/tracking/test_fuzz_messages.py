"""Nonsense in every place of every message: nothing breaks, each fix is counted once, the rest lives."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldcrm.tracking.protocols import PROTOCOLS
from fieldcrm.tracking.protocols.http import Post
from tests.tracking import swallowing
from tests.tracking.swallowing import NOW

NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -1, 1, 90, 180, 180.0000001, NOW, NOW / 1000, NOW + 10**8, 2**31 - 1, 2**53,
                     2**63, 1e300, 1.7e308, -1e300, 5e-324]),
)  # fmt: skip
VALUES = st.one_of(
    NUMBERS, NUMBERS.map(str), st.none(), st.booleans(), st.text(max_size=20),
    st.sampled_from(["NaN", "inf", "-inf", "1e999", "\x00", "٣", "", " 1 ", "2026-09-21T14:13:20Z",
                     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)  # fmt: skip


def records(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects in which some of these names hold good sense or any nonsense."""
    sound = {
        "at": NOW, "lat": 60.1, "lng": 24.9, "lon": 24.9, "tst": NOW // 1000, "timestamp": NOW,
        "_type": "location",
    }  # fmt: skip
    one = {n: st.one_of(st.just(sound[n]), VALUES) if n in sound else VALUES for n in names}
    return st.fixed_dictionaries({}, optional=one)


FIXES = records("s", "at", "lat", "lng", "acc", "spd", "crs", "bat", "chg", "mock", "extra")
MESSAGES = st.one_of(
    st.fixed_dictionaries(
        {"t": st.just("fixes"), "n": st.one_of(st.integers(0, 9), VALUES),
         "fixes": st.one_of(st.lists(st.one_of(FIXES, VALUES), max_size=6), VALUES)},
        optional={"now_ms": VALUES},
    ),
    records("t", "device_id", "app", "now_ms", "mode"), records("t", "tracking", "battery"), VALUES,
)  # fmt: skip


def as_json(told: object) -> bytes:
    return json.dumps(told).encode("utf-8", "surrogatepass")


HUGE = {"s": 1, "at": NOW, "lat": 60, "lng": 24, "acc": 1e300, "spd": 1.7e308, "crs": 1e300}


@given(MESSAGES)
@example({"t": "fixes", "n": 1, "fixes": [HUGE, {**HUGE, "s": 2**53 - 1}]})
def test_what_a_phone_may_say(told: object) -> None:
    swallowing.phone_message(as_json(told))


@given(st.one_of(records("t", "bbox", "zoom"), VALUES))
def test_what_a_desk_may_say(told: object) -> None:
    swallowing.desk_message(as_json(told))


@given(st.lists(FIXES, min_size=1, max_size=5), st.integers(0, 4))
def test_a_sound_fix_among_nonsense_is_kept(nonsense: list[dict[str, Any]], place: int) -> None:
    sound = {"s": 2**40, "at": NOW - 1000, "lat": 60.5, "lng": 24.5}
    told = {"t": "fixes", "n": 1, "fixes": [*nonsense[:place], sound, *nonsense[place:]]}
    (judged,) = swallowing.phone_message(as_json(told))
    assert 2**40 in [f.seq for f in judged.recorded]


PLACES = records("_type", "tst", "lat", "lon", "acc", "vel", "cog", "batt", "bs", "mock")
FEATURES = st.fixed_dictionaries({}, optional={
    "geometry": st.one_of(VALUES, st.fixed_dictionaries(
        {"coordinates": st.one_of(VALUES, st.lists(VALUES, max_size=3))})),
    "properties": st.one_of(VALUES, records("timestamp", "horizontal_accuracy", "speed", "course",
                                            "battery_level", "battery_state")),
})  # fmt: skip
LOCATIONS = st.fixed_dictionaries({}, optional={
    "timestamp": VALUES, "mock": VALUES,
    "coords": st.one_of(VALUES, records("latitude", "longitude", "accuracy", "speed", "heading")),
    "battery": st.one_of(VALUES, records("level", "is_charging")),
})  # fmt: skip
BODIES = st.one_of(
    PLACES, st.lists(st.one_of(PLACES, VALUES), max_size=4), VALUES,
    st.fixed_dictionaries({"locations": st.one_of(VALUES, st.lists(FEATURES, max_size=4))}),
    st.fixed_dictionaries({"device_id": VALUES, "location": st.one_of(
        VALUES, LOCATIONS, st.lists(LOCATIONS, max_size=4))}),
)  # fmt: skip


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@given(told=BODIES)
def test_json_that_trackers_may_post(protocol: str, told: object) -> None:
    post = Post("POST", {}, {"content-type": "application/json"}, as_json(told))
    swallowing.request(protocol, post)


PAIRS = st.dictionaries(
    st.sampled_from(["id", "deviceid", "token", "lat", "lon", "location", "timestamp", "time", "speed",
                     "bearing", "accuracy", "batt", "charge", "valid", "acc", "spd", "spd_kph", "dir"]),
    VALUES.map(str), max_size=12,
)  # fmt: skip


@pytest.mark.parametrize("protocol", sorted(PROTOCOLS))
@given(told=PAIRS, is_form=st.booleans())
def test_pairs_that_trackers_may_send(protocol: str, told: dict[str, str], is_form: bool) -> None:
    form = urlencode(told, errors="surrogatepass").encode()
    post = Post("POST", {}, {}, form) if is_form else Post("GET", told)
    swallowing.request(protocol, post)


@given(st.binary(max_size=400))
@example(b"\x00" + b"[" * 100_000)
@example(b"\x02" + b'{"a":' * 50_000)
@example(b"\x03[" + b"1," * 100_000)
@settings(max_examples=400)
def test_any_bytes(data: bytes) -> None:
    swallowing.anything(data)
