"""What users of such systems suffered from between phone and office, one test for each lesson."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.kit import files, ids
from fieldcrm.sync import service
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import VisitFilters
from tests.field import LAT, LNG, NOW, TODAY, Field
from tests.sync.phone import Phone, ms

JPEG = b"\xff\xd8\xff\xe0" + b"a shelf" * 300
SHA = hashlib.sha256(JPEG).hexdigest()


@pytest.fixture
def phone(company: Field) -> Phone:
    return Phone(company.reps[0], company.devices[0])


def answers(results: Any) -> list[str]:
    return [r.code or r.status for r in results]


def named() -> dict[str, Any]:
    return {"id": ids.new_id(), "sha256": SHA, "size": len(JPEG)}


def test_lesson_5_old_coordinates_are_no_evidence_and_no_position_needs_a_word_or_a_photo(
    company: Field, phone: Phone
) -> None:
    """Judged by the phone's own clock, right or wrong."""
    phone.error = timedelta(hours=2)
    old = {"lat": LAT, "lng": LNG, "accuracy_m": 8, "fix_at_ms": ms(NOW + phone.error) - 61_000}
    fresh = {**old, "fix_at_ms": ms(NOW + phone.error) - 59_000}
    tried = [
        {"position": old}, {"no_gps_reason": "permission_denied"},
        {"no_gps_reason": "permission_denied", "comment": "  "},
    ]  # fmt: skip
    for payload in tried:
        sent = phone.does("visit.check_in", company.visits[0], payload)
        assert answers(phone.push(sent)) == ["position_needed"]
    good = [
        {"position": fresh}, {"no_gps_reason": "permission_denied", "comment": "In the basement"},
        {"no_gps_reason": "no_fix", "attachments": [named()]},
    ]  # fmt: skip
    for visit, payload in zip(company.visits, good, strict=False):
        assert answers(phone.push(phone.does("visit.check_in", visit, payload))) == ["applied"]
    said = visits.get(company.manager, company.visits[1]).view.visit.check_in
    assert said is not None
    assert (said["position_state"], said["no_gps_reason"]) == ("absent", "permission_denied")


def test_lesson_9_what_was_answered_is_there_when_somebody_else_looks(
    company: Field, phone: Phone
) -> None:
    """Accepted and refused are told one by one; the file counts once it lies under its name."""
    results = phone.push(
        phone.checks_in(company.visits[0]), phone.closes(company.visits[3]),
        phone.closes(company.visits[0], attachments=[named()]),
    )  # fmt: skip
    assert answers(results) == ["applied", "illegal_move", "applied"]
    assert service.take_piece(phone.actor, SHA, 0, len(JPEG), JPEG[:100]) == (100, False)
    assert service.receipt(phone.actor, TODAY).photos == []
    whole = service.take_piece(phone.actor, SHA, 100, len(JPEG), JPEG[100:])
    assert whole == (len(JPEG), True)
    assert files.path_of(SHA).read_bytes() == JPEG
    receipt = service.receipt(phone.actor, TODAY)
    assert receipt.photos == [SHA]
    assert {v.id: v.state for v in receipt.visits}[company.visits[0]] == "closed"


def test_lesson_12_a_visit_is_complete_only_with_every_photo_stored(
    company: Field, phone: Phone
) -> None:
    both = [named(), {"id": ids.new_id(), "sha256": "ab" * 32, "size": 9}]
    phone.push(
        phone.checks_in(company.visits[0]), phone.closes(company.visits[0], attachments=both)
    )
    service.take_piece(phone.actor, SHA, 0, len(JPEG), JPEG)
    phone.pull()
    held = phone.holds("visit")[company.visits[0]]["attachments"]
    assert {a["sha256"]: a["is_stored"] for a in held} == {SHA: True, "ab" * 32: False}
    (told,) = [v for v in service.receipt(phone.actor, TODAY).visits if v.id == company.visits[0]]
    assert (told.photos, told.photos_stored) == (2, 1)


def test_lesson_13_twenty_replays_leave_one_of_everything(company: Field, phone: Phone) -> None:
    new_client, new_visit, visit = ids.new_id(), ids.new_id(), company.visits[0]
    sent = [
        phone.does("shift.start", ids.new_id()), phone.checks_in(visit),
        phone.closes(visit, attachments=[named()], next_step={"text": "Call back"}),
        phone.does("client.create", new_client, {"kind": "doctor", "name": "Nina Found"}),
        phone.does("visit.create", new_visit, {"client_id": new_client, "day": TODAY.isoformat()}),
        phone.does("client.correct", company.clients[1], {"city": "Espoo"}),
    ]  # fmt: skip
    first = phone.push(*sent)
    for turn in range(20):
        again = phone.push(*sent[turn % 3 :])
        assert [(r.id, r.status, r.version) for r in again] == [
            (r.id, r.status, r.version) for r in first[turn % 3 :]
        ]
        assert service.take_piece(phone.actor, SHA, 0, len(JPEG), JPEG)[1]
    assert len(visits.list_visits(company.manager, VisitFilters(states=("closed",))).rows) == 1
    detail = visits.get(company.manager, visit)
    assert (len(detail.attachments), [c.move for c in detail.changes]) == (1, ["check_in", "close"])
    assert len(clients.card(company.manager, company.clients[0]).promises) == 1
    phone.pull()
    assert [c["name"] for c in phone.holds("client").values()].count("Nina Found") == 1
    assert len(phone.holds("correction")) == 1


def test_lesson_14_an_edit_after_an_interrupted_sending_is_a_revision(
    company: Field, phone: Phone
) -> None:
    """The first sending came through unheard; the same bytes come again, then what was edited."""
    visit = company.visits[0]
    begun = [phone.checks_in(visit), phone.closes(visit, comment="First words")]
    phone.push(*begun)
    edit = phone.does("visit.revise", visit, {"comment": "Better words"})
    assert answers(phone.push(*begun, edit)) == ["applied"] * 3
    detail = visits.get(company.manager, visit)
    assert detail.view.visit.comment == "Better words"
    assert [c.move for c in detail.changes] == ["check_in", "close", "revise"]
    assert detail.changes[-1].data["before"]["comment"] == "First words"


def test_lesson_18_a_cleared_field_stays_cleared(company: Field, phone: Phone) -> None:
    visit, client = company.visits[0], company.clients[0]
    phone.push(
        phone.checks_in(visit), phone.closes(visit, comment="To be cleared"),
        phone.does("client.note", client, {"note": "Old note", "base_note": None}),
    )  # fmt: skip
    phone.pull()
    phone.push(
        phone.does("visit.revise", visit, {"comment": None}),
        phone.does("client.note", client, {"note": None, "base_note": "Old note"}),
    )
    for _ in range(2):
        phone.pull()
        assert phone.holds("visit")[visit]["comment"] is None
        assert phone.holds("client")[client]["note"] is None
    fresh = Phone(phone.actor, phone.device_id)
    fresh.pull()
    assert fresh.holds("visit")[visit]["comment"] is None
    assert fresh.holds("client")[client]["note"] is None


def test_lesson_21_a_first_copy_comes_in_pages_and_then_only_what_changed(
    company: Field, phone: Phone
) -> None:
    assert phone.pull(limit=3) > 3
    whole = dict(phone.rows)
    assert phone.pull(limit=3) == 1
    assert phone.rows == whole
    phone.push(phone.does("client.note", company.clients[0], {"note": "x"}))
    answer = service.pull(phone.actor, phone.cursor, 500)
    assert [(c.entity, c.id) for c in answer.changes] == [("client", company.clients[0])]
