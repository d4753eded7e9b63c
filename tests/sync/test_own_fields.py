"""A card's own fields from the phone: each for itself, judged as on the phone, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.ownfields import files
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import OwnField
from fieldcrm.people.model import SYSTEM
from tests.field import Field
from tests.sync.phone import Phone
from tests.sync.test_push import phone_of

KINDS = ["doctor", "pharmacist", "buyer", "organisation", "pharmacy"]


def made(name: str, editors: list[str], **more: Any) -> OwnField:
    told = {"name": name, "type": "number", "label": name.title(), "min": 1, **more}
    definition = {key: value for key, value in told.items() if value is not None}
    return ownfields.save_field(SYSTEM, definition, KINDS, editors)


@pytest.fixture
def phone(company: Field) -> Phone:
    made("beds", ["rep"])
    made("floors", ["manager"])
    found = phone_of(company)
    found.pull()
    return found


def asked(phone: Phone) -> list[tuple[str, bool]]:
    (profile,) = phone.holds("profile").values()
    return [(f["field"]["name"], f["is_editable"]) for f in profile["client_fields"]]


def sets(phone: Phone, client_id: str, name: str, value: Any, base: Any = None) -> Any:
    told = {"name": name, "value": value, "base": base}
    (result,) = phone.push(phone.does("client.field", client_id, told))
    return result


def values(company: Field) -> dict[str, Any]:
    return clients.get(SYSTEM, company.clients[0]).own_fields


def test_a_phone_hears_of_fields_and_values_without_a_first_copy(
    company: Field, phone: Phone
) -> None:
    assert asked(phone) == [("beds", True), ("floors", False)]
    assert sets(phone, company.clients[0], "beds", 12).status == "applied"
    wards = made("wards", ["rep"])
    phone.pull()
    assert asked(phone)[-1] == ("wards", True)
    assert phone.holds("client")[company.clients[0]]["own_fields"] == {"beds": 12}
    ownfields.set_archived(SYSTEM, wards.id, True)
    phone.pull()
    assert asked(phone) == [("beds", True), ("floors", False)]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [("beds", 0, "own_field_refused"), ("floors", 3, "own_field_forbidden"),
     ("colour", "red", "own_field_unknown")],
)  # fmt: skip
def test_what_the_phone_may_not_set_is_refused_with_a_reason_and_holds_up_nothing(
    company: Field, phone: Phone, name: str, value: Any, code: str
) -> None:
    client_id = company.clients[0]
    results = phone.push(
        phone.does("client.field", client_id, {"name": name, "value": value, "base": None}),
        phone.does("client.field", client_id, {"name": "beds", "value": 7, "base": None}),
    )
    assert [(r.status, r.code) for r in results] == [("refused", code), ("applied", None)]
    assert values(company) == {"beds": 7}


def test_a_file_is_told_by_name_and_size_and_filled_at_the_desk(
    company: Field, phone: Phone
) -> None:
    made("contract", ["rep"], type="file", min=None)
    sent = files.keep(SYSTEM, "contract", "Договор.pdf", b"%PDF-1.7" + bytes(2_000_000))
    clients.save(SYSTEM, {"own_fields": {"contract": sent["id"]}}, company.clients[0])
    phone.pull()
    (profile,) = phone.holds("profile").values()
    told = profile["client_fields"][-1]
    assert (told["field"]["type"], told["is_editable"]) == ("text", False)
    assert (told["is_file"], told["is_of_desk"]) == (True, True)
    card = phone.holds("client")[company.clients[0]]
    assert card["own_fields"] == {"contract": "Договор.pdf · 2.0 MB"}


def test_a_field_archived_meanwhile_is_refused_by_its_label(company: Field, phone: Phone) -> None:
    beds = next(f for f in ownfields.list_fields(SYSTEM) if f.name == "beds")
    ownfields.set_archived(SYSTEM, beds.id, True)
    result = sets(phone, company.clients[0], "beds", 7)
    assert (result.code, result.params) == ("own_field_archived", {"field": "Beds"})
    assert values(company) == {}


def test_fields_merge_one_by_one_and_what_both_set_waits_for_a_choice(
    company: Field, phone: Phone
) -> None:
    client_id = company.clients[0]
    clients.save(company.manager, {"own_fields": {"floors": 4}}, client_id)
    assert sets(phone, client_id, "beds", 7).conflicts == []
    clients.save(SYSTEM, {"own_fields": {"beds": 8}}, client_id)
    both = sets(phone, client_id, "beds", 9, base=7)
    assert [(c.field, c.mine, c.theirs) for c in both.conflicts] == [("own.beds", 9, 8)]
    assert values(company) == {"beds": 8, "floors": 4}
    assert sets(phone, client_id, "beds", 8, base=7).conflicts == []
    assert sets(phone, client_id, "beds", 9, base=8).conflicts == []
    assert values(company) == {"beds": 9, "floors": 4}


def test_a_field_that_reps_may_not_see_is_not_on_their_phones(company: Field, phone: Phone) -> None:
    client_id = company.clients[0]
    floors = next(f for f in ownfields.list_fields(SYSTEM) if f.name == "floors")
    clients.save(SYSTEM, {"own_fields": {"floors": 4, "beds": 2}}, client_id)
    phone.pull()
    assert phone.holds("client")[client_id]["own_fields"] == {"floors": 4, "beds": 2}
    definition = {"name": "floors", "type": "number", "label": "Floors", "min": 1}
    ownfields.save_field(SYSTEM, definition, KINDS, ["rep"], floors.id, viewers=["manager"])
    phone.pull()
    assert asked(phone) == [("beds", True)]
    assert phone.holds("client")[client_id]["own_fields"] == {"beds": 2}, "taken off again"
    for value, base in ((4, 4), (5, None), (None, 3)):
        result = sets(phone, client_id, "floors", value, base)
        assert (result.status, result.code) == ("refused", "own_field_unknown")
        assert result.params == {"field": "floors"}
        assert result.conflicts == []
    assert values(company) == {"floors": 4, "beds": 2}
    ownfields.save_field(SYSTEM, definition, KINDS, ["rep"], floors.id, viewers=["rep"])
    phone.pull()
    assert phone.holds("client")[client_id]["own_fields"] == {"floors": 4, "beds": 2}


def test_cards_own_types_are_words_on_a_phone_and_filled_at_the_desk(
    company: Field, phone: Phone
) -> None:
    client_id, other = company.clients[:2]
    for definition in (
        {"name": "door", "type": "position", "label": "Back door"},
        {"name": "head", "type": "reference", "label": "Head office"},
        {"name": "half", "type": "formula", "label": "Half", "formula": "beds / 2", "unit": "beds"},
    ):
        ownfields.save_field(SYSTEM, definition, KINDS, ["rep"])
    phone.pull()
    place = {"lat": 60.17, "lng": 24.94}
    clients.save(SYSTEM, {"own_fields": {"beds": 5, "door": place, "head": other}}, client_id)
    phone.pull()
    name = clients.get(SYSTEM, other).name
    assert phone.holds("client")[client_id]["own_fields"] == {
        "beds": 5, "door": "60.17, 24.94", "head": name, "half": "2.5 beds",
    }  # fmt: skip
    (profile,) = phone.holds("profile").values()
    told = {f["field"]["name"]: f for f in profile["client_fields"]}
    for field in ("door", "head", "half"):
        assert (told[field]["field"]["type"], told[field]["is_editable"]) == ("text", False)
    half = next(f for f in ownfields.list_fields(SYSTEM) if f.name == "half")
    thirds = {"name": "half", "type": "formula", "label": "Third", "formula": "beds / 4"}
    ownfields.save_field(SYSTEM, thirds, KINDS, ["rep"], half.id)
    phone.pull()
    assert phone.holds("client")[client_id]["own_fields"]["half"] == "1.25"
    assert sets(phone, client_id, "half", 3).code == "own_field_reckoned"


def test_a_phones_values_answer_each_for_itself_where_a_stage_needs_them(
    company: Field, phone: Phone
) -> None:
    client_id = company.clients[0]
    made("stage", ["rep"])
    made("rooms", ["rep"], required_when="stage > 1")
    phone.pull()
    (profile,) = phone.holds("profile").values()
    rooms = next(f for f in profile["client_fields"] if f["field"]["name"] == "rooms")
    assert rooms["field"]["required_when"] == "stage > 1"
    assert sets(phone, client_id, "stage", 2).status == "applied", "the rooms are on their way"
    assert sets(phone, client_id, "rooms", 4).status == "applied"
    emptied = sets(phone, client_id, "rooms", None, base=4)
    assert (emptied.status, emptied.code) == ("refused", "own_field_refused")
    assert values(company) == {"stage": 2, "rooms": 4}
