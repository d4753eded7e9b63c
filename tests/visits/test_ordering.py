"""The order by hand: the cases that the phone's suite runs too, and laws that must hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.visits.ordering import Begin, Stop, placed, reordered

CASES = json.loads((Path(__file__).parent / "order_cases.json").read_text(encoding="utf-8"))


def stop_of(told: dict[str, Any]) -> Stop:
    point = None if told["lat"] is None else (told["lat"], told["lng"])
    return Stop(
        told["id"], told["position"], told["planned_at_ms"], told["planned_minutes"],
        told["travel_s"], told["travel_m"], told["pause_min"], told["is_locked"], point,
    )  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_case(case: dict[str, Any]) -> None:
    stops = [stop_of({**CASES[0]["stops"][0], **told}) for told in case["stops"]]
    told = case["begin"]
    point = None if told["point"] is None else (told["point"]["lat"], told["point"]["lng"])
    begin = Begin(point, told["free_ms"], told["now_ms"], told["is_today"], told["last_position"])
    order = reordered([s.visit_id for s in stops], case["wanted"])
    found = placed(stops, order, begin, case["mode"])
    assert [
        [p.visit_id, p.position, p.planned_ms, p.travel_s, p.travel_m, p.pause_min, p.late_ms]
        for p in found
    ] == case["expect"]


IDS = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(IDS, st.lists(st.sampled_from("abcdefghxyz")))
def test_nobody_is_lost_and_strangers_keep_their_place(
    standing: list[str], wanted: list[str]
) -> None:
    found = reordered(standing, wanted)
    assert sorted(found) == sorted(standing)
    assert [i for i in found if i in wanted] == [i for i in dict.fromkeys(wanted) if i in standing]
    assert all(found[n] == i for n, i in enumerate(standing) if i not in wanted)
