"""What a message may be, how it goes on, what a push service's answer means."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.messages import rules
from fieldcrm.messages.model import Answer, BadMessage, Draft, Kind, Outcome, Standing, State, Why

NOW = datetime(2026, 3, 4, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("draft", "field"),
    [
        (Draft(Kind.task, "  "), "text"),
        (Draft(Kind.task, "x" * 1001), "text"),
        (Draft(Kind.plan, "x"), "kind"),
        (Draft(Kind.reminder, "x"), "due_at"),
        (Draft(Kind.task, "x", due_at=NOW - timedelta(days=2)), "due_at"),
        (Draft(Kind.task, "x", lat=60.0), "place"),
        (Draft(Kind.task, "x", lat=60.0, lng=190.0), "place"),
        (Draft(Kind.reminder, "x", lat=60.0, lng=24.0, radius_m=10), "radius_m"),
    ],
)
def test_a_draft_that_cannot_be(draft: Draft, field: str) -> None:
    with pytest.raises(BadMessage) as refused:
        rules.check_draft(draft, NOW)
    assert refused.value.params["field"] == field


def test_a_reminder_needs_a_time_or_a_place() -> None:
    by_time = Draft(Kind.reminder, " Call ", due_at=NOW + timedelta(hours=1))
    assert rules.check_draft(by_time, NOW).text == "Call"
    by_place = Draft(Kind.reminder, "Leaflets", client_id="c")
    assert rules.check_draft(by_place, NOW) == by_place


@given(st.lists(st.sampled_from(Answer), max_size=8))
def test_answers_in_any_order_and_again(answers: list[Answer]) -> None:
    standing = Standing()
    for number, answer in enumerate(answers):
        at = NOW + timedelta(minutes=number)
        standing = rules.answered(standing, answer, at)
        assert rules.answered(standing, answer, at + timedelta(days=1)) == standing
    assert bool(standing.seen_at) == bool(answers)
    assert bool(standing.done_at) == (Answer.done in answers)
    assert not (standing.done_at and standing.declined_at)
    if answers:
        assert standing.seen_at == NOW


def test_the_strongest_word_is_shown() -> None:
    seen = Standing(seen_at=NOW)
    assert rules.state(Standing(), False, False) is State.waiting
    assert rules.state(Standing(), True, False) is State.arrived
    assert rules.state(seen, True, False) is State.seen
    assert rules.state(rules.answered(seen, Answer.accepted, NOW), True, False) is State.accepted
    assert rules.state(rules.answered(seen, Answer.done, NOW), True, True) is State.done


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(201, Outcome.sent), (200, Outcome.sent), (404, Outcome.gone), (410, Outcome.gone),
     (429, Outcome.again), (500, Outcome.again), (503, Outcome.again), (None, Outcome.again),
     (400, Outcome.failed), (401, Outcome.failed), (403, Outcome.failed), (413, Outcome.failed),
     (301, Outcome.failed)],
)  # fmt: skip
def test_what_an_answer_means(status: int | None, outcome: Outcome) -> None:
    assert rules.outcome(status) is outcome


def test_waits_grow_and_obey_the_service() -> None:
    longest = [max(rules.wait_s(n, None) for _ in range(50)) for n in range(1, 8)]
    least = [min(rules.wait_s(n, None) for _ in range(50)) for n in range(1, 8)]
    assert all(a < b for a, b in zip(longest[:5], least[1:6], strict=True))
    assert rules.wait_s(1, 120) == 120


def test_today_is_urgent_and_ends_with_the_day() -> None:
    today = date(2026, 3, 4)
    assert rules.urgency(Kind.plan, Why.new, today, today) == "high"
    assert rules.urgency(Kind.plan, Why.new, today + timedelta(days=3), today) == "low"
    assert rules.urgency(Kind.reminder, Why.due, None, today) == "high"
    assert rules.urgency(Kind.task, Why.new, None, today) == "normal"
    end = NOW + timedelta(hours=9)
    assert rules.lives_until(Kind.plan, end, None, NOW) == end


def test_near_by_what_the_fix_can_tell() -> None:
    assert rules.is_near(150, 10, 200)
    assert rules.is_near(230, 40, 200)
    assert not rules.is_near(400, 3000, 200)
    assert rules.metres(60.17, 24.94, 60.17, 24.95) == pytest.approx(553, abs=2)
