"""A rep learns that his own phone has fallen silent, once, and no longer than it lasts."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from fieldcrm.kit import clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.messages import listing, sending, service, store
from fieldcrm.messages.model import Draft, Kind, MessageView, State
from fieldcrm.people.tables import User
from fieldcrm.tracking.tables import Alert
from tests.field import NOW, Field
from tests.messages.push_service import Browser, PushService, b64


def _work(now: datetime = NOW) -> None:
    with clock.held(now):
        sending.work(now)


def _falls_silent(company: Field, alert_id: str = "a1", cause: str = "battery") -> None:
    """As `tracking.raise_alerts` notes it (tests/tracking/test_tracking_service.py)."""
    with transaction() as s:
        s.get_one(User, company.reps[0].user_id).language = "ru"
        s.add(Alert(id=alert_id, rep_id=company.reps[0].user_id, team_id=company.teams[0],
                    kind="silent", at=NOW, data={"minutes": 14, "cause": f"tracking.cause.{cause}"}))  # fmt: skip


def _is_heard(alert_id: str = "a1") -> None:
    with transaction() as s:
        s.get_one(Alert, alert_id).resolved_at = NOW


def _sent(company: Field) -> list[MessageView]:
    return list(listing.sent(company.dispatcher))


def _on_phone(company: Field) -> list[str]:
    with reading() as s:
        since = NOW - timedelta(days=7)
        return store.on_phone_ids(s, company.reps[0].user_id, since, "", 10)


def test_lesson_2_the_rep_himself_is_told_of_silence_with_its_likely_cause(
    company: Field, pushes: PushService
) -> None:
    browser = Browser()
    service.subscribe(
        company.reps[0], company.devices[0], pushes.endpoint("anna"), browser.p256dh,
        b64(browser.auth), "ru",
    )  # fmt: skip
    _falls_silent(company)
    _work()
    [told] = _sent(company)
    since = f"{clock.local(NOW - timedelta(minutes=14)):%H:%M}"
    assert told.rep_id == company.reps[0].user_id
    assert f"С {since} от вашего телефона" in told.text
    assert "батарея почти разряжена" in told.text
    [pushed] = pushes.taken
    assert json.loads(browser.read(pushed.body))["id"] == told.id
    assert pushed.headers["urgency"] == "high", "a phone that saves its battery is the usual reason"
    assert _on_phone(company) == [told.id]
    _work(NOW + timedelta(minutes=1))
    assert len(_sent(company)) == len(pushes.taken) == 1, "once"


def test_it_is_taken_back_when_the_phone_is_heard_again(company: Field) -> None:
    _falls_silent(company)
    _work()
    _is_heard()
    _work(NOW + timedelta(minutes=1))
    [told] = _sent(company)
    assert told.state is State.withdrawn
    assert _on_phone(company) == []
    with transaction() as s:  # silent again within a quarter of an hour: the same alert
        s.get_one(Alert, "a1").resolved_at = None
    _work(NOW + timedelta(minutes=2))
    assert len(_sent(company)) == 1
    _falls_silent(company, "a2", "network")
    _work(NOW + timedelta(minutes=30))
    assert [m.state for m in _sent(company)].count(State.waiting) == 1


def test_what_was_written_by_others_stays(company: Field) -> None:
    draft = Draft(
        Kind.reminder, "Price list", frozenset({company.reps[0].user_id}),
        due_at=NOW + timedelta(hours=1),
    )  # fmt: skip
    [written] = service.write(company.dispatcher, draft)
    _falls_silent(company)
    _is_heard()
    _work()
    assert _on_phone(company) == [written], "and nobody is told of a silence that is over"
