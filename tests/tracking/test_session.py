"""The conversation with phones and desks, without any socket."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.tracking import session
from fieldcrm.tracking.model import Outcome, RawFix, Reason
from fieldcrm.tracking.session import (
    Batch,
    Bye,
    DeskSession,
    Hello,
    PhoneSession,
    Resync,
    Status,
    View,
)

HELLO = '{"t":"hello","device_id":"d1","app":"1.0","now_ms":5,"mode":"web","more":1}'


def greeted() -> PhoneSession:
    phone = PhoneSession()
    phone.receive(HELLO)
    return phone


def test_a_phone_says_who_it_is_first() -> None:
    phone = PhoneSession()
    assert phone.receive('{"t":"fixes","n":1,"fixes":[]}') == [Bye(1008, "hello first")]
    assert phone.receive(HELLO) == [Hello("d1", "1.0", "web", 5)]
    assert phone.receive('{"t":"fixes","n":1,"fixes":[]}')[0].number == 1
    assert PhoneSession("token's").receive(HELLO)[0].device_id == "token's"
    assert PhoneSession().receive('{"t":"hello","device_id":""}') == [Bye(1008, "device_id")]


def test_a_batch_holds_what_is_good_and_counts_what_is_not() -> None:
    good = {"s": 4, "at": 1000.5, "lat": 60, "lng": 24.5, "acc": 8, "spd": -1, "crs": None,
            "bat": 50, "chg": True, "mock": False, "unheard": []}  # fmt: skip
    odd = {"at": 1, "lat": 1, "lng": 2, "acc": "8", "bat": 101, "chg": "true", "mock": 0}
    bad = [{}, None, [], 5, "x", {**good, "at": -1}, {**good, "lat": "60"}, {**good, "s": -1},
           {**good, "s": 1.5}, {**good, "at": 1e300}, {**good, "lng": None}]  # fmt: skip
    message = json.dumps({"t": "fixes", "n": 7, "now_ms": 2000, "fixes": [good, *bad, odd]})
    (batch,) = greeted().receive(message)
    assert isinstance(batch, Batch)
    assert batch.fixes == [
        RawFix(1000, 60, 24.5, 4, 8, None, None, 50, True, False),
        RawFix(1, 1, 2, None, 8, None, None, None, True, False),
    ]
    assert (batch.malformed, batch.phone_now_ms) == (len(bad), 2000)


@pytest.mark.parametrize("now", ["null", "0", "-5", "1e300"])
def test_a_nonsense_clock_is_no_clock(now: str) -> None:
    (batch,) = greeted().receive('{"t":"fixes","n":1,"fixes":[],"now_ms":' + now + "}")
    assert batch.phone_now_ms is None


def test_too_many_fixes_in_one_message() -> None:
    fix = {"at": 1, "lat": 1, "lng": 2}
    message = json.dumps({"t": "fixes", "n": 1, "fixes": [fix] * (session.MOST_FIXES + 1)})
    assert greeted().receive(message)[0].code == 1009


def test_a_phones_status() -> None:
    told = '{"t":"status","tracking":"paused","permission":"denied","battery":7}'
    assert greeted().receive(told) == [Status("paused", "denied", 7)]


def test_what_a_phone_hears() -> None:
    outcome = Outcome(2, {})
    assert json.loads(session.ack(3, outcome)) == {
        "t": "ack", "n": 3, "accepted": 2, "rejected": {},
    }  # fmt: skip
    outcome.reject(Reason.duplicate)
    outcome.reject(Reason.duplicate)
    assert json.loads(session.ack(3, outcome))["rejected"] == {"duplicate": 2}
    assert json.loads(session.hello(5)) == {"t": "hello", "now_ms": 5}


def test_what_a_desk_asks() -> None:
    desk = DeskSession()
    view = desk.receive('{"t":"view","bbox":[60,24,61,25],"zoom":11}')
    assert view == [View(60, 24, 61, 25, 11)]
    assert desk.receive('{"t":"resync"}') == [Resync()]
    assert desk.receive('{"t":"view","bbox":[61,24,60,25],"zoom":11}') == [Bye(1008, "bbox")]
    assert desk.receive('{"t":"view","bbox":[1,2,3]}')[0].code == 1003


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["t", "n", "fixes", "now_ms", "s", "at", "lat", "lng", "acc", "bat", "chg",
                         "device_id", "tracking", "bbox", "zoom", "battery"]),
        inner | st.sampled_from(["fixes", "hello", "status", "view", "resync"]), max_size=6,
    ),
    max_leaves=15,
)  # fmt: skip


@given(anything | st.binary(max_size=80), st.sampled_from(["fixes", "hello", "status", "view"]))
def test_whatever_comes_there_is_an_answer_and_no_error(told: object, kind: str) -> None:
    if isinstance(told, dict):
        told = {"n": 1, "fixes": [], **told, "t": kind}
    message = told if isinstance(told, bytes) else json.dumps(told)
    for heard in (greeted().receive(message), DeskSession().receive(message)):
        assert len(heard) == 1
    for event in greeted().receive(message):
        if isinstance(event, Batch):
            for fix in event.fixes:
                assert fix.at_ms is not None
                assert fix.battery_pct is None or 0 <= fix.battery_pct <= 100


def usually(written: st.SearchStrategy) -> st.SearchStrategy:
    """Mostly what a phone writes, now and then anything."""
    return st.one_of(written, written, written, st.none(), anything)


measures = st.floats(-2, 200) | st.integers(-2, 200)
told_fixes = st.fixed_dictionaries(
    {"at": usually(st.integers(0, 2**45) | st.floats(0, 2e12)), "lat": usually(st.floats(-91, 91)),
     "lng": usually(st.floats(-181, 181) | st.integers(-181, 181))},
    optional={
        "s": usually(st.integers(-1, 2**53)), "acc": usually(measures), "spd": usually(measures),
        "crs": usually(measures), "bat": usually(measures), "chg": usually(st.booleans()),
        "mock": usually(st.booleans()), "is_poor": st.booleans(), "more": anything,
    },
)  # fmt: skip


@given(st.lists(told_fixes, max_size=4), st.none() | st.floats(0, 1e15) | st.integers(0, 10**13))
def test_what_is_read_in_one_go_is_what_patience_reads(fixes: list, now_ms: float | None) -> None:
    message = json.dumps({"t": "fixes", "n": 7, "fixes": fixes, "now_ms": now_ms}).encode()
    usual = greeted().usual(message)
    if usual is None:
        return
    patient = [session.read_fix(json.dumps(fix).encode()) for fix in fixes]
    assert [msgspec.structs.astuple(fix) for fix in usual.fixes] == [
        msgspec.structs.astuple(fix) for fix in patient if fix is not None
    ]
    assert len(patient) == len(usual.fixes)
    assert usual.number == 7


def test_a_usual_message_is_read_in_one_go() -> None:
    fix = {"s": 1, "at": 5, "lat": 60.5, "lng": 24, "acc": 8, "spd": None, "bat": 50, "chg": False}
    message = json.dumps({"t": "fixes", "n": 7, "fixes": [fix], "now_ms": 4})
    usual = greeted().usual(message)
    assert usual is not None
    assert greeted().receive(message) == [usual]
    odd = message.replace('"acc": 8', '"acc": -1')
    assert greeted().usual(odd) is None
    (batch,) = greeted().receive(odd)
    assert isinstance(batch, Batch)
    assert batch.fixes[0].accuracy_m is None


def test_how_many_were_malformed_is_not_the_phones_to_say() -> None:
    message = '{"t":"fixes","n":7,"fixes":[{"at":5,"lat":1,"lng":2}]," ":4611686018427387904}'
    (batch,) = greeted().receive(message)
    assert isinstance(batch, Batch)
    assert (len(batch.fixes), batch.malformed) == (1, 0)
