"""A card's own fields from the phone: each for itself, judged as on the phone, nothing lost."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import OwnField
from fieldcrm.people.model import SYSTEM
from tests.field import Field
from tests.sync.phone import Phone
from tests.sync.test_push import phone_of

KINDS = ["doctor", "pharmacist", "buyer", "organisation", "pharmacy"]


def made(name: str, editors: list[str], **more: Any) -> OwnField:
    definition = {"name": name, "type": "number", "label": name.title(), "min": 1, **more}
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
