"""What field reps suffered from, as `fieldcrm bench sync` found it here: one test for each."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.kit import ids
from fieldcrm.kit.database import reading
from fieldcrm.sync import pieces, service
from fieldcrm.tracking.tables import Shift
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from tests.field import NOW, TODAY, Field
from tests.sync.phone import Phone

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4


def phones(company: Field) -> tuple[Phone, Phone]:
    return tuple(Phone(company.reps[n], company.devices[n]) for n in (0, 1))  # type: ignore[return-value]


def test_lesson_7_a_clock_turned_back_ends_a_shift_after_it_began(company: Field) -> None:
    """The numbers tell the order: nothing is refused, and no pause or end comes before its start."""
    phone, _ = phones(company)
    shift, earlier = ids.new_id(), NOW - timedelta(hours=5)
    results = phone.push(
        phone.does("shift.start", shift, at=NOW - timedelta(hours=1)),
        phone.does("shift.pause", shift, {"kind": "lunch"}, at=NOW - timedelta(minutes=30)),
        phone.does("shift.resume", shift, at=earlier),
        phone.does("shift.end", shift, at=earlier),
    )
    assert [r.status for r in results] == ["applied"] * 4
    with reading() as session:
        held = session.get(Shift, shift)
    assert held is not None
    assert held.ended_at == NOW - timedelta(minutes=30)
    assert [p["from"] for p in held.pauses] == [p["to"] for p in held.pauses]


def test_lesson_12_a_file_named_just_before_the_server_died_completes_its_visit(
    company: Field,
) -> None:
    """The phone hears that the file is whole and sends no more: the visit must be told then."""
    phone, _ = phones(company)
    sha256 = hashlib.sha256(JPEG).hexdigest()
    photo = {"id": ids.new_id(), "sha256": sha256, "size": len(JPEG)}
    phone.push(
        phone.checks_in(company.visits[0]), phone.closes(company.visits[0], attachments=[photo])
    )
    pieces.take(phone.actor.user_id, sha256, 0, len(JPEG), JPEG)  # and there the process dies
    assert stored(phone, company.visits[0]) == [False]
    assert service.attachment_offset(phone.actor, sha256) == (len(JPEG), True)
    assert stored(phone, company.visits[0]) == [True]


def stored(phone: Phone, visit_id: str) -> list[bool]:
    phone.pull()
    return [a["is_stored"] for a in phone.holds("visit")[visit_id]["attachments"]]


@pytest.fixture
def shared(company: Field) -> tuple[Phone, Phone, str]:
    """Two reps' phones, and a client of the first that the second has closed a visit to."""
    first, second = phones(company)
    client, visit = company.clients[3], company.visits[3]
    give(company, visit, second)
    second.push(second.checks_in(visit), second.closes(visit, comment="met them"))
    for phone in (first, second):
        phone.pull()
    return first, second, client


def give(company: Field, visit: str, to: Phone) -> None:
    visits.move(company.dispatcher, MoveRequest(visit, "assign", at=NOW, rep_id=to.actor.user_id))


def card(phone: Phone, client: str) -> dict[str, Any]:
    phone.pull()
    return phone.holds("client")[client]


def test_lesson_19_two_who_wrote_on_one_card_unheard_keep_both_until_a_person_chooses(
    shared: tuple[Phone, Phone, str],
) -> None:
    """In either order of arrival: the later one is told of the earlier one's words, by name."""
    first, second, client = shared
    one = first.does("client.note", client, {"note": "knock twice", "base_note": None})
    other = second.does("client.note", client, {"note": "on leave", "base_note": None})
    (alone,), (both,) = first.push(one), second.push(other)
    assert (alone.status, alone.conflicts) == ("applied", [])
    (told,) = both.conflicts
    assert (told.field, told.mine, told.theirs) == ("note", "on leave", "knock twice")
    assert told.by == first.actor.name
    for phone in (first, second):
        assert {"knock twice", "on leave"} <= set(card(phone, client)["note"].split("\n"))


def test_lesson_19_every_phone_that_holds_a_card_hears_of_its_note(
    shared: tuple[Phone, Phone, str],
) -> None:
    first, second, client = shared
    first.push(first.does("client.note", client, {"note": "knock twice", "base_note": None}))
    assert card(first, client)["note"] == card(second, client)["note"] == "knock twice"


def test_lesson_19_a_colleagues_visit_shows_in_the_history_of_every_card(
    shared: tuple[Phone, Phone, str],
) -> None:
    first, second, client = shared
    assert [h["comment"] for h in card(first, client)["history"]] == ["met them"]
    mine = ids.new_id()
    first.push(
        first.does("visit.create", mine, {"client_id": client, "day": TODAY.isoformat()}),
        first.checks_in(mine), first.closes(mine, comment="me too"),
    )  # fmt: skip
    told = [h["comment"] for h in card(second, client)["history"]]
    assert sorted(told) == ["me too", "met them"]


@pytest.mark.parametrize("kind", ["visit.cancel", "visit.move"])
def test_lesson_21_a_card_counts_what_is_still_planned(company: Field, kind: str) -> None:
    """Deltas by cursor end at what a first copy would hold."""
    phone, _ = phones(company)
    phone.pull()
    assert phone.holds("client")[company.clients[0]]["cycle"]["scheduled"] == 1
    told = {"reason": "away", "day": (TODAY + timedelta(days=90)).isoformat()}
    phone.push(phone.does(kind, company.visits[0], told))
    assert card(phone, company.clients[0])["cycle"]["scheduled"] == 0
