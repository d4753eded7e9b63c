"""What phones send, in their own words, and what becomes of it; nothing they send breaks a decoder."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.tracking.model import Outcome, RawFix, Unreadable
from fieldcrm.tracking.protocols import PROTOCOLS, owntracks
from fieldcrm.tracking.protocols.http import Post

AT_MS = 1_790_000_000_000
ISO = "2026-09-21T14:13:20Z"


def query(protocol: str, **values) -> list[RawFix]:
    post = Post("GET", {k: str(v) for k, v in values.items()})
    return PROTOCOLS[protocol].decode(post).fixes


def body(protocol: str, told: object) -> list[RawFix]:
    post = Post("POST", {}, {"content-type": "application/json"}, json.dumps(told).encode())
    return PROTOCOLS[protocol].decode(post).fixes


@pytest.mark.parametrize(
    "timestamp",
    ["1790000000", "1790000000000", ISO, "2026-09-21T16:13:20+02:00", "2026-09-21 14:13:20"],
)
def test_osmand_tells_time_in_five_ways(timestamp: str) -> None:
    (fix,) = query("osmand", id="x", lat=60, lon=24, timestamp=timestamp)
    assert fix.at_ms == AT_MS


def test_osmand_query_in_knots() -> None:
    values = {"lat": "60.1", "lon": "24.9", "speed": 10, "bearing": 45, "accuracy": 6, "batt": 71,
              "charge": "true", "valid": "true", "altitude": 5, "unheard_of": "x"}  # fmt: skip
    (fix,) = query("osmand", id="x", **values)
    assert fix == RawFix(None, 60.1, 24.9, None, 6, fix.speed_mps, 45, 71, True, None)
    assert fix.speed_mps == pytest.approx(5.1444, abs=1e-4)


def test_osmand_place_in_one_word_form_body_and_validity() -> None:
    form = urlencode({"deviceid": "x", "location": "60.1,24.9", "valid": "0", "heading": "-1"})
    post = Post("POST", {}, {"content-type": "application/x-www-form-urlencoded"}, form.encode())
    (fix,) = PROTOCOLS["osmand"].decode(post).fixes
    assert (fix.lat, fix.lng, fix.is_poor, fix.course_deg) == (60.1, 24.9, True, None)
    assert PROTOCOLS["osmand"].token(post) == "x"


def test_osmand_without_a_position_is_a_heartbeat_and_with_a_broken_one_malformed() -> None:
    assert query("osmand", id="x", batt=5) == [RawFix(battery_pct=5)]
    for broken in ({"lat": "north", "lon": "1"}, {"lat": "1"}, {"lat": "nan", "lon": "1"},
                   {"lat": 1, "lon": 1, "timestamp": "yesterday"}):  # fmt: skip
        decoded = PROTOCOLS["osmand"].decode(Post("GET", {k: str(v) for k, v in broken.items()}))
        assert (decoded.fixes, decoded.malformed) == ([], 1)


def test_osmand_json_with_nulls_and_unknowns() -> None:
    place = {"latitude": 60.1, "longitude": 24.9, "speed": -1, "heading": -1, "accuracy": None}
    told = {"device_id": "x", "location": {"timestamp": ISO, "coords": place, "is_moving": None,
            "battery": {"level": -1, "is_charging": None}, "activity": None}}  # fmt: skip
    assert body("osmand", told) == [RawFix(AT_MS, 60.1, 24.9)]
    told["location"] |= {"mock": True, "battery": {"level": 0.42, "is_charging": True}}
    (fix,) = body("osmand", told)
    assert (fix.is_mock, fix.battery_pct, fix.is_charging) == (True, 42, True)
    assert body("osmand", {"device_id": "x", "location": {"coords": None}}) == [RawFix()]


def test_owntracks_in_kilometres_an_hour() -> None:
    told = {"_type": "location", "lat": 60.1, "lon": 24.9, "tst": AT_MS // 1000, "vel": 36,
            "cog": 12, "acc": 9, "batt": 55, "bs": 2, "t": "p", "conn": "m"}  # fmt: skip
    assert body("owntracks", told) == [
        RawFix(AT_MS, 60.1, 24.9, None, 9, pytest.approx(10), 12, 55, True)  # type: ignore[arg-type]
    ]
    leave = {"_type": "transition", "lat": 1, "lon": 2, "tst": 5, "event": "leave", "wtst": 1}
    assert body("owntracks", leave) == [RawFix(5000, 1, 2)]


def test_owntracks_other_messages_are_signs_of_life_and_strange_ones_counted() -> None:
    kinds = ["lwt", "status", "waypoint", "waypoints", "card", "cmd", "steps", "encrypted", "?"]
    decoded = PROTOCOLS["owntracks"].decode(
        Post(body=json.dumps([{"_type": k} for k in kinds]).encode())
    )
    assert (decoded.fixes, decoded.malformed) == ([RawFix()] * 7, 2)
    assert PROTOCOLS["owntracks"].decode(Post(body=b"")).fixes == []


def test_overland_puts_longitude_first_and_minus_one_for_unknown() -> None:
    said = {"timestamp": ISO, "speed": -1, "course": -1, "horizontal_accuracy": 12,
            "battery_level": 0.8, "battery_state": "unplugged", "motion": ["walking"],
            "speed_accuracy": -1, "wifi": None}  # fmt: skip
    good = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24.9, 60.1]},
            "properties": said}  # fmt: skip
    bad = [{}, None, 3, {"geometry": None, "properties": None}, {**good, "geometry": {}}]
    decoded = PROTOCOLS["overland"].decode(
        Post(body=json.dumps({"locations": [good, *bad], "current": {}}).encode())
    )
    assert decoded.fixes == [RawFix(AT_MS, 60.1, 24.9, None, 12, None, None, 80, False)]
    assert decoded.malformed == 5


@pytest.mark.parametrize("nothing", [b"[],", b"{},", b'"",', b"1,"])
def test_a_body_of_millions_of_nothing_is_not_even_read(nothing: bytes) -> None:
    body = b'{"locations":[' + nothing * (4_000_000 // len(nothing)) + b"1]}"
    with pytest.raises(Unreadable, match="more values"):
        PROTOCOLS["overland"].decode(Post(body=body))


def test_the_longest_body_of_true_fixes_is_read() -> None:
    properties = {"timestamp": "2026-03-05T08:00:00Z", "motion": ["walking"], "pauses": False}
    feature = {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [24.94, 60.17]},
        "properties": properties,
    }  # fmt: skip
    body = json.dumps({"locations": [feature] * 19_900}).encode()
    assert 3_500_000 < len(body) < 4_194_304
    assert len(PROTOCOLS["overland"].decode(Post(body=body)).fixes) == 19_900


def test_gpslogger_prefers_metres_a_second_and_ignores_unfilled_names() -> None:
    values = {"lat": 60.1, "lon": 24.9, "timestamp": AT_MS // 1000, "spd": 2.5, "spd_kph": 99,
              "dir": 270, "acc": 4, "batt": 66, "ischarging": "false", "prov": "gps"}  # fmt: skip
    expected = RawFix(AT_MS, 60.1, 24.9, None, 4, 2.5, 270, 66, False)
    assert query("gpslogger", **values) == [expected]
    assert query("gpslogger", lat=1, lon=2, time=ISO, spd_kph=36, acc="%ACC") == [
        RawFix(AT_MS, 1, 2, None, None, pytest.approx(10))  # type: ignore[arg-type]
    ]


def test_tokens_where_each_app_puts_them() -> None:
    bearer = Post(headers={"authorization": "Bearer abc"})
    basic = Post(headers={"authorization": "Basic eDphYmM="})
    assert PROTOCOLS["overland"].token(bearer) == "abc"
    assert PROTOCOLS["owntracks"].token(basic) == "abc"
    assert PROTOCOLS["gpslogger"].token(Post(query={"id": "abc"})) == "abc"
    assert PROTOCOLS["osmand"].token(Post(query={"deviceid": "abc"})) == "abc"
    in_json = Post("POST", {}, {}, b'{"device_id":"abc"}')
    assert PROTOCOLS["osmand"].token(in_json) == "abc"
    for protocol in PROTOCOLS.values():
        assert protocol.token(Post(headers={"authorization": "Basic ***"})) is None


def test_what_each_app_must_hear() -> None:
    heard = {
        name: (p.accepted(Post(), Outcome()).body, p.unknown(Post()).status)
        for name, p in PROTOCOLS.items()
    }
    assert heard == {
        "osmand": (b"", 400), "owntracks": (b"[]", 404), "overland": (b'{"result":"ok"}', 404),
        "gpslogger": (b"", 400),
    }  # fmt: skip
    assert PROTOCOLS["osmand"].unknown(Post(body=b"{}")).status == 404


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["_type", "lat", "lon", "tst", "location", "locations", "coords", "batt",
                         "geometry", "coordinates", "properties", "timestamp", "battery", "bs",
                         "level", "latitude", "longitude", "speed", "device_id"]),
        inner | st.sampled_from(["location", ISO, "charging"]), max_size=6,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.sampled_from(sorted(PROTOCOLS)), anything | st.binary(max_size=60), st.booleans())
def test_no_message_breaks_a_decoder(protocol: str, told: object, says_json: bool) -> None:
    content = told if isinstance(told, bytes) else json.dumps(told).encode()
    headers = {"content-type": "application/json"} if says_json else {}
    post = Post("POST", {"lat": "1", "timestamp": "9" * 30}, headers, content)
    module = PROTOCOLS[protocol]
    try:
        module.token(post)
        decoded = module.decode(post)
    except Unreadable:
        return
    for fix in decoded.fixes:
        assert (fix.lat is None) == (fix.lng is None) or fix.lat is None or fix.lng is None
        assert fix.at_ms is None or 0 <= fix.at_ms < 2**53
        assert fix.battery_pct is None or 0 <= fix.battery_pct <= 100


odd = st.none() | st.booleans() | st.text(max_size=3) | st.floats(-5, 300)


def mostly(usual: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(usual, usual, usual, usual, odd)


@given(
    st.fixed_dictionaries(
        {"_type": st.just("location"), "tst": mostly(st.integers(0, 2**34)),
         "lat": mostly(st.floats(-91, 91) | st.integers(-90, 90)),
         "lon": mostly(st.floats(-181, 181))},
        optional={
            "acc": mostly(st.integers(-1, 500)), "vel": mostly(st.integers(-1, 300)),
            "cog": mostly(st.integers(-1, 360)), "batt": mostly(st.integers(-1, 101)),
            "bs": mostly(st.integers(-1, 12)), "mock": mostly(st.booleans()), "tid": odd,
        },
    )
)  # fmt: skip
def test_a_usual_location_is_read_in_one_go_as_patience_reads_it(told: dict) -> None:
    usual = owntracks.read_usual(json.dumps(told).encode())
    if usual is not None:
        assert [usual] == body("owntracks", [told])


def test_a_location_as_the_app_writes_it_is_usual() -> None:
    told = {"_type": "location", "acc": 8, "alt": 17, "batt": 77, "bs": 1, "cog": 90, "conn": "m",
            "lat": 60.17, "lon": 24.94, "t": "u", "tid": "ab", "tst": 1_790_000_000, "vel": 36}  # fmt: skip
    usual = owntracks.read_usual(json.dumps(told).encode())
    assert usual == RawFix(AT_MS, 60.17, 24.94, None, 8, 10, 90, 77, False, None)
