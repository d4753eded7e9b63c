"""Pull on real databases: a first copy in pages, deltas, what leaves, new days, scope."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock, feed, ids
from fieldcrm.kit.database import transaction
from fieldcrm.kit.tables import FeedEntry
from fieldcrm.sync import service
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Product, Visit
from fieldcrm.wire import sync as wire
from tests.field import NOW, TODAY, Field
from tests.sync.phone import Phone


def phone_of(company: Field, n: int = 0) -> Phone:
    return Phone(company.reps[n], company.devices[n])


@pytest.mark.parametrize("limit", [1, 2, 3, 500])
def test_a_first_copy_in_pages_is_whole(company: Field, limit: int) -> None:
    phone = phone_of(company)
    phone.pull(limit)
    assert set(phone.holds("visit")) == set(company.visits)
    assert set(phone.holds("client")) == {*company.clients, company.hospital}
    assert list(phone.holds("profile")) == [company.reps[0].user_id]
    assert len(phone.holds("product")) == 1
    for (entity, _), doc in phone.rows.items():
        msgspec.convert(doc, wire.DOCS[entity], strict=True)


def test_nothing_of_others_comes(company: Field) -> None:
    phone = phone_of(company, 1)
    phone.pull()
    assert phone.holds("visit") == {}
    assert phone.holds("client") == {}
    with transaction() as s:  # even when the feed names it by mistake
        feed.touch(s, "visit", company.visits[0], rep_ids=[company.reps[1].user_id])
    phone.pull()
    assert phone.holds("visit") == {}


def test_cards_tell_of_people_history_promises_and_cycle(company: Field) -> None:
    phone = phone_of(company)
    visit_id, doctor = company.visits[0], company.clients[0]
    phone.push(
        phone.checks_in(visit_id),
        phone.closes(visit_id, comment="fine", next_step={"text": "call", "due_on": "2026-03-10"}),
    )
    phone.pull()
    card = phone.holds("client")[doctor]
    assert [(h["id"], h["comment"], h["rep_name"]) for h in card["history"]] == [
        (visit_id, "fine", "Anna")
    ]
    assert [(p["text"], p["due_on"]) for p in card["promises"]] == [("call", "2026-03-10")]
    assert [w["name"] for w in card["workplaces"]] == ["Hospital"]
    assert card["cycle"] == {"planned": 3, "actual": 1, "scheduled": 0, "remaining": 2}
    people = phone.holds("client")[company.hospital]["people"]
    assert [(p["id"], p["role"]) for p in people] == [(doctor, "surgeon")]
    progress = phone.holds("profile")[company.reps[0].user_id]["cycle"]
    assert (progress["done"], progress["planned"]) == (1, 15)
    told = phone.holds("visit")[visit_id]
    assert (told["state"], told["check_in"]["position_state"]) == ("closed", "fresh")


def test_cards_that_name_a_client_hear_of_its_new_name(company: Field) -> None:
    """A doctor stands on the hospital's card, the hospital on his: either may be renamed or put away."""
    phone, doctor = phone_of(company), company.clients[0]
    phone.pull()

    def agrees() -> bool:
        anew = phone_of(company)
        anew.pull()
        phone.pull()
        return phone.holds("client") == anew.holds("client")

    clients.save(company.admin, {"name": "Doctor Anew"}, doctor)
    assert agrees()
    assert phone.holds("client")[company.hospital]["people"][0]["name"] == "Doctor Anew"
    clients.save(company.admin, {"name": "Clinic"}, company.hospital)
    assert agrees()
    assert phone.holds("client")[doctor]["workplaces"][0]["name"] == "Clinic"
    clients.archive(company.admin, doctor)
    assert agrees()
    assert all(p["id"] != doctor for p in phone.holds("client")[company.hospital]["people"])


def test_deltas_bring_what_changed_and_only_that(company: Field) -> None:
    phone = phone_of(company)
    phone.pull()
    before = phone.cursor
    assert service.pull(phone.actor, before).changes == []
    visits.move(company.dispatcher, MoveRequest(company.visits[0], "cancel", NOW, reason="strike"))
    changed = service.pull(phone.actor, before)
    assert {(c.entity, c.id) for c in changed.changes} >= {("visit", company.visits[0])}
    assert not changed.reset
    again = service.pull(phone.actor, before)  # the first answer was lost on its way
    assert again.changes == changed.changes
    phone.pull()
    assert phone.holds("visit")[company.visits[0]]["reason"] == "strike"


def test_a_visit_given_away_leaves_one_phone_and_reaches_the_other(company: Field) -> None:
    anna, boris = phone_of(company, 0), phone_of(company, 1)
    anna.pull()
    boris.pull()
    given = MoveRequest(company.visits[0], "assign", NOW, rep_id=company.reps[1].user_id)
    visits.move(company.dispatcher, given)
    anna.pull()
    boris.pull()
    assert company.visits[0] not in anna.holds("visit")
    assert company.visits[0] in boris.holds("visit")
    with transaction() as s:
        feed.touch(s, "client", company.clients[0], rep_ids=[company.reps[1].user_id])
    boris.pull()
    assert company.clients[0] in boris.holds("client")


def test_what_changes_during_a_first_copy_comes_after_it(company: Field) -> None:
    phone = phone_of(company)
    first = service.pull(phone.actor, "0", 4)
    assert first.more
    visits.move(company.dispatcher, MoveRequest(company.visits[0], "cancel", NOW, reason="strike"))
    phone.pull(4)
    phone.pull(4)
    assert phone.holds("visit")[company.visits[0]]["state"] == "cancelled"


def test_changes_to_everybody(company: Field) -> None:
    phone = phone_of(company)
    phone.pull()
    with transaction() as s:
        s.add(Product(id="new", name="Zinc"))
        feed.touch(s, "product", "new", rep_ids=[feed.EVERYBODY])
    phone.pull()
    assert "new" in phone.holds("product")


def test_days_come_within_reach_as_the_calendar_goes_on(company: Field) -> None:
    phone, later = phone_of(company), ids.new_id()
    with transaction() as s:
        s.add(Visit(
            id=later, rep_id=phone.actor.user_id, team_id=company.teams[0],
            client_id=company.clients[0], day=TODAY + timedelta(days=16), created_at=NOW,
            updated_at=NOW,
        ))  # fmt: skip
    phone.pull()
    assert later not in phone.holds("visit")
    with clock.held(NOW + timedelta(days=1)):
        phone.pull()
        assert later not in phone.holds("visit")
    with clock.held(NOW + timedelta(days=3)):
        phone.pull()
        assert later in phone.holds("visit")


@pytest.mark.parametrize(
    "cursor", ["0", "", "x", "1.2", "9999999.2026-03-04", "s.1.2026-03-04.password.x", "-1.x"]
)
def test_a_cursor_from_elsewhere_begins_anew(company: Field, cursor: str) -> None:
    answer = service.pull(company.reps[0], cursor)
    assert answer.reset
    assert {c.entity for c in answer.changes} >= {"visit", "client", "product", "profile"}


def test_more_changes_than_a_page(company: Field) -> None:
    phone = phone_of(company)
    phone.pull()
    with transaction() as s:
        s.add_all(
            FeedEntry(rep_id=phone.actor.user_id, entity="visit", entity_id=v, at=NOW)
            for v in company.visits * 5
        )
    phone.rows.clear()
    assert phone.pull(7) == 3
    assert set(phone.holds("visit")) == set(company.visits)


def _shelf(phone: Phone, client_id: str) -> list[tuple[str, bool, str, str]]:
    """(product, whether it is there, day, who) of a card, after a pull."""
    phone.pull()
    figures = phone.holds("client")[client_id]["shelf"]
    return [(f["product_id"], f["is_there"], f["day"], f["rep_name"]) for f in figures]


def test_a_card_tells_what_its_shelf_last_held(company: Field) -> None:
    """The last look counts by product; one that is corrected, or taken back, leaves no trace of it."""
    phone, (first, second, *_) = phone_of(company), company.visits
    aspirin, balm, today = *_two_products(company), TODAY.isoformat()
    with transaction() as s:  # both visits stand before the same shelf
        s.get_one(Visit, second).client_id = s.get_one(Visit, first).client_id
    pharmacy = company.clients[0]
    assert _shelf(phone, pharmacy) == []
    phone.push(
        phone.checks_in(first), phone.closes(first, details={"stock": {aspirin: True, balm: False}})
    )
    assert sorted(_shelf(phone, pharmacy)) == sorted(
        [(aspirin, True, today, "Anna"), (balm, False, today, "Anna")]
    )
    later = NOW + timedelta(minutes=20)
    with clock.held(later):
        phone.push(phone.checks_in(second, later))
        phone.push(phone.closes(second, later, details={"stock": {balm: True}}))
        assert dict(f[:2] for f in _shelf(phone, pharmacy)) == {aspirin: True, balm: True}
        changed = {"details": {"stock": {aspirin: False}}}
        phone.push(phone.does("visit.revise", first, changed, later))
        assert dict(f[:2] for f in _shelf(phone, pharmacy)) == {aspirin: False, balm: True}
        phone.push(phone.does("visit.revise", second, {"details": {}}, later))
        assert dict(f[:2] for f in _shelf(phone, pharmacy)) == {aspirin: False}


def test_a_place_hears_of_its_shelf_from_a_visit_to_a_person_there(company: Field) -> None:
    phone, visit_id = phone_of(company), company.visits[0]
    aspirin, _ = _two_products(company)
    with transaction() as s:
        s.get_one(Visit, visit_id).place_id = company.hospital
    phone.pull()
    phone.push(
        phone.checks_in(visit_id), phone.closes(visit_id, details={"stock": {aspirin: False}})
    )
    told = [(aspirin, False, TODAY.isoformat(), "Anna")]
    assert _shelf(phone, company.hospital) == told
    assert _shelf(phone, company.clients[0]) == []
    fresh = phone_of(company)
    assert _shelf(fresh, company.hospital) == told
    with clock.held(NOW + timedelta(days=184)):  # half a year on it tells nothing any more
        assert _shelf(phone_of(company), company.hospital) == []


def _two_products(company: Field) -> tuple[str, str]:
    with transaction() as s:
        s.add(Product(id=ids.new_id(), name="Balm"))
    phone = phone_of(company)
    phone.pull()
    by_name = {p["name"]: key for key, p in phone.holds("product").items()}
    return by_name["Aspirin"], by_name["Balm"]
