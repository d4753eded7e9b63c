"""Visits made by two, and corrections with photos: asked on the phone, seen by the office, answered."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.components.evidence_drawer import evidence_view
from fieldcrm.evidence import service as evidence
from fieldcrm.kit import clock, files, ids
from fieldcrm.kit.database import transaction
from fieldcrm.sync import correction_list, corrections, service
from fieldcrm.sync.model import NoSuchFile
from fieldcrm.visits import keeping
from tests.field import LAT, LNG, NOW, TODAY, Field
from tests.sync.phone import Phone

PHOTO = b"\xff\xd8\xff\xe0 the new door"
SHA = hashlib.sha256(PHOTO).hexdigest()


def phone_of(company: Field, n: int = 0) -> Phone:
    return Phone(company.reps[n], company.devices[n])


def ask(phone: Phone, visit_id: str, colleague: Phone, joint_id: str | None = None) -> Any:
    told = {"visit_id": visit_id, "colleague_id": colleague.actor.user_id}
    return phone.push(phone.does("joint.ask", joint_id or ids.new_id(), told))[0]


def answer(phone: Phone, joint_id: str, word: str, **more: Any) -> Any:
    return phone.push(phone.does("joint.answer", joint_id, {"answer": word, **more}))[0]


def test_a_colleague_confirms_and_the_manager_sees_both(company: Field) -> None:
    mine, other, visit, joint = (
        phone_of(company),
        phone_of(company, 1),
        company.visits[0],
        ids.new_id(),
    )
    mine.push(mine.checks_in(visit))
    assert ask(mine, visit, other, joint).status == "applied"
    mine.pull()
    other.pull()
    assert [c["name"] for c in mine.holds("profile")[mine.actor.user_id]["colleagues"]] == ["Boris"]
    invitation = other.holds("joint")[joint]
    assert (invitation["other_name"], invitation["is_mine"], invitation["status"]) == (
        "Anna", False, "asked"
    )  # fmt: skip
    assert invitation["client_name"] == "Doctor 1"
    assert answer(other, joint, "confirmed", position=other.position()).status == "applied"
    mine.pull()
    assert mine.holds("joint")[joint]["status"] == "confirmed"
    mine.push(mine.closes(visit, NOW + timedelta(minutes=12)))
    (along,) = evidence.explain(company.manager, visit).companions
    assert (along.name, along.status, along.answered_at) == ("Boris", "confirmed", NOW)
    assert 95 <= (along.answer_m or 0) <= 105
    assert (along.track_m, along.was_there) == (None, None)
    (row,) = evidence_view(evidence.explain(company.manager, visit, "ru"), "ru").companions
    assert (row.glyph, row.title) == ("doubtful", "Boris")
    assert row.text.startswith("подтвердил в 10:00 · ответил в 100 м")


def test_only_colleagues_of_the_team_and_only_ones_own_visit(company: Field) -> None:
    mine, other, stranger = (phone_of(company, n) for n in range(3))
    assert ask(mine, company.visits[0], stranger).code == "not_found"
    assert ask(mine, company.visits[0], mine).code == "not_found"
    assert ask(other, company.visits[0], mine).code == "visit_not_found"
    joint = ids.new_id()
    assert ask(mine, company.visits[0], other, joint).status == "applied"
    assert answer(stranger, joint, "confirmed").code == "visit_not_found"
    assert answer(mine, joint, "confirmed").code == "visit_not_found"
    assert answer(other, joint, "withdrawn").code == "visit_not_found"
    stranger.pull()
    assert stranger.holds("joint") == {}
    (along,) = evidence.explain(company.manager, company.visits[0]).companions
    assert along.status == "asked"


def test_what_was_asked_twice_or_taken_back(company: Field) -> None:
    mine, other, visit, joint = (
        phone_of(company),
        phone_of(company, 1),
        company.visits[0],
        ids.new_id(),
    )
    assert ask(mine, visit, other, joint).status == "applied"
    assert ask(mine, visit, other).status == "applied"
    assert len(evidence.explain(company.manager, visit).companions) == 1
    assert answer(mine, joint, "withdrawn").status == "applied"
    assert answer(other, joint, "confirmed").code == "illegal_move"
    assert evidence.explain(company.manager, visit).companions == ()
    assert ask(mine, visit, other).status == "applied"
    assert answer(other, joint, "declined").status == "applied"
    assert evidence.explain(company.manager, visit).companions[0].status == "declined"


def correct(phone: Phone, client: str, **told: Any) -> str:
    sent = phone.does("client.correct", client, told)
    assert [r.status for r in phone.push(sent)] == ["applied"]
    return sent.id


def photo_ref() -> dict[str, Any]:
    return {"id": ids.new_id(), "sha256": SHA, "size": len(PHOTO), "lat": LAT, "lng": LNG}


def test_a_declined_correction_says_why_on_the_phone(company: Field) -> None:
    phone = phone_of(company)
    phone.pull()
    asked = correct(phone, company.clients[0], address="Mikonkatu 9", comment="New building")
    phone.pull()
    held = phone.holds("correction")[asked]
    assert (held["status"], held["client_name"], held["wanted"]) == (
        "open", "Doctor 1", {"address": "Mikonkatu 9"}
    )  # fmt: skip
    corrections.decide(company.dispatcher, asked, accept=False, reason="The post says otherwise")
    phone.pull()
    held = phone.holds("correction")[asked]
    assert (held["status"], held["decided_by"], held["reason"]) == (
        "declined", "Disp", "The post says otherwise"
    )  # fmt: skip
    other = phone_of(company, 1)
    other.pull()
    assert other.holds("correction") == {}
    fresh = Phone(phone.actor, phone.device_id, seq=phone.seq)
    fresh.pull()
    assert fresh.holds("correction") == phone.holds("correction")


def test_a_corrections_photos_are_seen_where_the_card_is_seen(company: Field) -> None:
    phone = phone_of(company)
    asked = correct(phone, company.clients[0], address="Mikonkatu 9", attachments=[photo_ref()])
    with pytest.raises(NoSuchFile):
        service.attachment_file(company.dispatcher, SHA)
    assert service.take_piece(phone.actor, SHA, 0, len(PHOTO), PHOTO) == (len(PHOTO), True)
    phone.pull()
    assert phone.holds("correction")[asked]["photos"] == 1
    for actor in (company.dispatcher, company.manager, company.admin, phone.actor):
        assert service.attachment_file(actor, SHA)[0].read_bytes() == PHOTO
    for actor in (company.other_manager, company.reps[1]):
        with pytest.raises(NoSuchFile):
            service.attachment_file(actor, SHA)
    (photo,) = correction_list.detail(company.dispatcher, asked).photos
    assert (photo.sha256, photo.rep_id) == (SHA, phone.actor.user_id)


def test_photos_of_corrections_go_by_the_same_policy(company: Field) -> None:
    phone = phone_of(company)
    asked = correct(phone, company.clients[0], address="X 1", attachments=[photo_ref()])
    service.take_piece(phone.actor, SHA, 0, len(PHOTO), PHOTO)
    with transaction() as session:
        assert keeping.count_in(session, before=TODAY) == (0, 0)
        assert keeping.count_in(session, rep_id=phone.actor.user_id) == (1, len(PHOTO))
    assert keeping.erase(before=TODAY) == 0
    assert files.has(SHA)
    with clock.held(NOW + timedelta(days=2)):
        assert keeping.erase(before=TODAY + timedelta(days=1)) == 1
    assert not files.path_of(SHA).exists()
    (photo,) = correction_list.detail(company.dispatcher, asked).photos
    assert photo.erased_at is not None
    assert photo.lat is None


def test_both_phones_hear_when_the_visit_is(company: Field) -> None:
    """Its time on the invitation follows the visit: it is made, or comes later in the day's order."""
    mine, other, joint = phone_of(company), phone_of(company, 1), ids.new_id()
    first, second = company.visits[:2]
    ask(mine, first, other, joint)
    for phone in (mine, other):
        phone.pull()
    planned = other.holds("joint")[joint]["at_ms"]
    order = {"day": TODAY.isoformat(), "visit_ids": [second, first]}
    assert mine.push(mine.does("day.order", mine.actor.user_id, order))[0].status == "applied"
    for phone in (mine, other):
        phone.pull()
    later = other.holds("joint")[joint]["at_ms"]
    assert later == mine.holds("joint")[joint]["at_ms"] > (planned or 0)
    mine.push(mine.checks_in(first))
    for phone in (mine, other):
        phone.pull()
        assert (
            phone.holds("joint")[joint]["at_ms"] == mine.holds("visit")[first]["checked_in_at_ms"]
        )
