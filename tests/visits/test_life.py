"""The life table: every case of the file the phone's suite runs too, and laws that must hold."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.kit.clock import from_ms
from fieldcrm.kit.errors import Refusal
from fieldcrm.visits import rules
from fieldcrm.visits.life import TABLE, life
from fieldcrm.visits.model import MissingNeed, MoveRequest, NewAttachment, Position, Result, State

CASES = json.loads((Path(__file__).parent / "life_cases.json").read_text(encoding="utf-8"))
NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
NEEDS = sorted({name for m in life().moves.values() for n in m.needs for name in n.any_of})
ROLES = json.loads(TABLE.read_text(encoding="utf-8"))["roles"]


def outcome(case: dict[str, Any]) -> str:
    try:
        return rules.decide(
            life(), case["move"], case["state"], case["role"], frozenset(case["given"])
        )
    except Refusal as refusal:
        return refusal.code


@pytest.mark.parametrize(
    "case", CASES["moves"], ids=lambda c: f"{c['state']}-{c['move']}-{c['role']}"
)
def test_case(case: dict[str, Any]) -> None:
    assert outcome(case) == case["expect"]


@pytest.mark.parametrize("case", CASES["fixes"])
def test_fix_counts_by_the_phones_own_clock(case: dict[str, Any]) -> None:
    p = case["position"]
    position = p and Position(p["lat"], p["lng"], p["accuracy_m"], from_ms(p["fix_at_ms"]))
    found = rules.position_state(position, from_ms(case["device_at_ms"]), life().limits)
    assert found == case["expect"]


def test_cases_try_every_move_and_every_refusal() -> None:
    assert {c["move"] for c in CASES["moves"]} >= set(life().moves)
    assert {c["expect"] for c in CASES["moves"]} >= {
        need.error for move in life().moves.values() for need in move.needs
    }


def test_table_and_code_name_the_same_things() -> None:
    assert set(life().states) == {s.value for s in State}
    assert set(life().results) == {r.value for r in Result}
    errors = {need.error for move in life().moves.values() for need in move.needs}
    assert {f"error.{code}" for code in errors} == set(MissingNeed.TEXTS)


moves = st.sampled_from(sorted(life().moves))
states = st.sampled_from([None, *life().states])
roles = st.sampled_from(ROLES)
givens = st.frozensets(st.sampled_from(NEEDS))


@given(moves, states, roles, givens)
def test_a_closed_visit_only_ever_stays_closed(move, state, role, facts) -> None:
    result = outcome({"move": move, "state": "closed", "role": role, "given": facts})
    assert result == "closed" or result not in life().states


@given(moves, states, roles, givens, givens)
def test_giving_more_never_forbids(move, state, role, facts, more) -> None:
    first = outcome({"move": move, "state": state, "role": role, "given": facts})
    second = outcome({"move": move, "state": state, "role": role, "given": facts | more})
    if first in life().states:
        assert second == first


@given(st.lists(st.tuples(moves, roles, givens), max_size=12))
def test_a_visit_is_closed_only_after_a_check_in(steps) -> None:
    state, checked_in = None, False
    for move, role, facts in steps:
        result = outcome({"move": move, "state": state, "role": role, "given": facts})
        if result in life().states:
            checked_in = checked_in or move == "check_in"
            state = result
        assert state != "closed" or checked_in


def request(**fields: Any) -> MoveRequest:
    return MoveRequest("v", fields.pop("move", "check_in"), at=NOW, **fields)


def needs(r: MoveRequest, standing: rules.Standing | None = None) -> frozenset[str]:
    return rules.given(life(), r, standing or rules.Standing("planned", NOW.date()), NOW.date())


PHOTO = NewAttachment("a", "0" * 64)


def test_no_gps_needs_a_reason_and_a_comment_or_photo() -> None:
    assert "no_gps_explained" not in needs(request(no_gps_reason="indoors"))
    assert "no_gps_explained" not in needs(request(no_gps_reason=" ", comment="cellar"))
    assert "no_gps_explained" in needs(request(no_gps_reason="indoors", comment="cellar"))
    assert "no_gps_explained" in needs(request(no_gps_reason="indoors", attachments=(PHOTO,)))


def test_a_wrong_clock_does_not_make_a_fresh_fix_stale() -> None:
    wrong = NOW - timedelta(minutes=40)
    here = Position(60.17, 24.94, 8, fix_at=wrong - timedelta(seconds=3))
    assert "fresh_position" in needs(request(position=here, device_at=wrong))


def test_revision_by_day_and_result() -> None:
    closed = rules.Standing("closed", NOW.date(), NOW.date(), "met")
    assert {"same_day", "held", "change"} <= needs(
        request(move="revise", changes={"comment": None}), closed
    )
    told = needs(request(move="revise", changes={"result": "not_met"}), closed)
    assert "result_kept" not in told
    assert "held" not in told
    yesterday = rules.Standing("closed", NOW.date(), NOW.date() - timedelta(days=1), "met")
    assert "same_day" not in needs(request(move="revise", changes={"comment": "x"}), yesterday)


# ---- expected times ----


def stop(n: int, state: str = "planned", **fields: Any) -> rules.Stop:
    """Stop n of a day of visits of 15 minutes with 10 minutes of road, from 10:00."""
    plain = {
        "visit_id": str(n), "state": state, "position": n,
        "planned_at": NOW + timedelta(minutes=25 * (n - 1)), "planned_minutes": 15, "travel_s": 600,
    }  # fmt: skip
    return rules.Stop(**{**plain, **fields})


def minutes(expected: dict[str, datetime]) -> dict[str, float]:
    return {k: (v - NOW).total_seconds() / 60 for k, v in expected.items()}


def test_before_the_first_visit_the_plan_stands() -> None:
    early = NOW - timedelta(hours=1)
    assert minutes(rules.expected_times([stop(1), stop(2)], early)) == {"1": 0, "2": 25}


def test_running_late_moves_what_follows() -> None:
    done = stop(1, "closed", checked_in_at=NOW, closed_at=NOW + timedelta(minutes=40))
    later = rules.expected_times([done, stop(2), stop(3)], NOW + timedelta(minutes=41))
    assert minutes(later) == {"2": 50, "3": 75}


def test_a_wait_of_the_plan_is_kept() -> None:
    done = stop(1, "closed", checked_in_at=NOW, closed_at=NOW + timedelta(minutes=5))
    after_lunch = stop(2, planned_at=NOW + timedelta(minutes=90))
    assert minutes(rules.expected_times([done, after_lunch], NOW)) == {"2": 90}


def test_being_late_does_not_eat_the_break() -> None:
    done = stop(1, "closed", checked_in_at=NOW, closed_at=NOW + timedelta(minutes=60))
    after_lunch = stop(2, planned_at=NOW + timedelta(minutes=60), pause_min=30)
    late = NOW + timedelta(minutes=60)
    assert minutes(rules.expected_times([done, after_lunch, stop(3)], late)) == {"2": 100, "3": 125}


def test_the_break_of_a_cancelled_visit_falls_before_the_next() -> None:
    done = stop(1, "closed", checked_in_at=NOW, closed_at=NOW + timedelta(minutes=60))
    gone = stop(2, "cancelled", pause_min=30)
    late = NOW + timedelta(minutes=60)
    assert minutes(rules.expected_times([done, gone, stop(3)], late)) == {"3": 100}


def test_a_break_before_a_visit_already_begun_is_over() -> None:
    begun = stop(1, "under_way", checked_in_at=NOW, pause_min=30)
    assert minutes(rules.expected_times([begun, stop(2)], NOW)) == {"2": 25}


def test_a_break_begun_early_falls_before_the_next_visit() -> None:
    stops = [stop(1, "closed", checked_in_at=NOW), stop(2), stop(3), stop(4, pause_min=30)]
    assert rules.pause_moves_to(stops) == ("2", 30)
    assert rules.pause_moves_to(stops[:1]) == (None, 0)


def test_a_visit_under_way_too_long_is_over_now_at_the_earliest() -> None:
    now = NOW + timedelta(minutes=60)
    expected = rules.expected_times([stop(1, "under_way", checked_in_at=NOW), stop(2)], now)
    assert minutes(expected) == {"2": 70}


@given(
    st.lists(st.sampled_from(["planned", "closed", "under_way", "missed"]), max_size=8),
    st.integers(-300, 900),
)
def test_nobody_is_expected_in_the_past_or_out_of_order(day_states, minute) -> None:
    now = NOW + timedelta(minutes=minute)
    stops = [
        stop(n, s, checked_in_at=NOW if s in ("closed", "under_way") else None)
        for n, s in enumerate(day_states, 1)
    ]
    times = rules.expected_times(stops, now)
    assert set(times) == {s.visit_id for s in stops if s.state == "planned"}
    assert all(t >= now for t in times.values())
    in_order = [times[s.visit_id] for s in stops if s.visit_id in times]
    assert in_order == sorted(in_order)


def test_new_days_are_today_or_soon() -> None:
    today = date(2026, 3, 4)
    assert rules.check_new_day(today, today, life().limits) == today
    for wrong in (None, today - timedelta(days=1), today + timedelta(days=93)):
        with pytest.raises(Refusal):
            rules.check_new_day(wrong, today, life().limits)
