"""What a rep finds in the field: a new client at once, a correction for the office to decide."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.kit import ids
from fieldcrm.people.model import SYSTEM, RoleForbids
from fieldcrm.sync import correction_list, corrections
from fieldcrm.sync.model import CorrectionDecided, CorrectionOvertaken, NoSuchCorrection
from fieldcrm.visits import service as visits
from tests.field import LAT, LNG, Field
from tests.sync.phone import Phone

NEW = {
    "kind": "doctor",
    "name": "Ирина Соколова",
    "phone": "8 916 123 45 67",
    "address": "Mikonkatu 7",
}


def phone_of(company: Field, n: int = 0) -> Phone:
    return Phone(company.reps[n], company.devices[n])


def statuses(results: Any) -> list[str]:
    return [r.status if r.code is None else f"{r.status}:{r.code}" for r in results]


def test_a_new_client_is_visited_in_the_same_breath(company: Field) -> None:
    """Made offline, visited offline: one push brings card, workplace and visit, once."""
    phone, new, visit_id = phone_of(company), ids.new_id(), ids.new_id()
    sent = [
        phone.does("client.create", new, {**NEW, "place_id": company.hospital}),
        phone.does("visit.create", visit_id, {"client_id": new, "day": "2026-03-04"}),
        phone.checks_in(visit_id), phone.closes(visit_id),
    ]  # fmt: skip
    assert statuses(phone.push(*sent)) == ["applied"] * 4
    assert statuses(phone.push(*sent)) == ["applied"] * 4
    card = clients.card(company.manager, new)
    assert (card.client.name, card.client.source) == (NEW["name"], "field")
    assert [tie.client_id for tie in card.workplaces] == [company.hospital]
    hospital = clients.get(company.manager, company.hospital)
    assert (card.client.lat, card.client.lng) == (hospital.lat, hospital.lng)
    assert visits.get(company.manager, visit_id).view.visit.state == "closed"


def test_a_new_client_brings_what_the_rep_filled_in(company: Field) -> None:
    """Its own fields come behind it in the same push; a wrong one holds up neither card nor the rest."""
    for name in ("beds", "floors"):
        definition = {"name": name, "type": "number", "label": name.title(), "min": 1}
        ownfields.save_field(SYSTEM, definition, ["doctor"], ["rep"])
    phone, new = phone_of(company), ids.new_id()
    results = phone.push(
        phone.does("client.create", new, NEW),
        phone.does("client.field", new, {"name": "floors", "value": 0, "base": None}),
        phone.does("client.field", new, {"name": "beds", "value": 12, "base": None}),
    )
    assert statuses(results) == ["applied", "refused:own_field_refused", "applied"]
    assert clients.get(company.manager, new).own_fields == {"beds": 12}


def test_a_new_client_stays_within_the_reps_reach(company: Field) -> None:
    phone = phone_of(company)
    results = phone.push(
        phone.does("client.create", ids.new_id(), {**NEW, "place_id": company.foreign_client}),
        phone.does("client.create", company.clients[0], NEW),
        phone.does("client.create", ids.new_id(), {**NEW, "kind": "king"}),
        phone.does("client.create", ids.new_id(), {**NEW, "lat": LAT}),
    )  # fmt: skip
    assert statuses(results) == [
        "refused:client_unknown", "refused:bad_id", "refused:bad_payload",
        "refused:bad_field",
    ]  # fmt: skip


def asked(company: Field, **wanted: Any) -> str:
    phone = phone_of(company)
    correction = phone.does("client.correct", company.clients[0], wanted)
    assert statuses(phone.push(correction)) == ["applied"]
    return correction.id


def test_a_correction_waits_for_the_office(company: Field) -> None:
    before = clients.get(company.manager, company.clients[0])
    correction = asked(
        company, lat=LAT + 0.01, lng=LNG, address="Mikonkatu 9", comment="moved in May"
    )
    assert clients.get(company.manager, company.clients[0]).address == before.address
    (shown,) = correction_list.open_corrections(company.dispatcher)
    assert (shown.id, shown.wanted["address"], shown.comment) == (
        correction, "Mikonkatu 9", "moved in May",
    )  # fmt: skip
    assert shown.before["lat"] == before.lat
    assert correction_list.open_corrections(company.other_manager) == []
    with pytest.raises(NoSuchCorrection):
        corrections.decide(company.other_manager, correction, True)
    with pytest.raises(RoleForbids):
        correction_list.open_corrections(company.reps[0])
    with pytest.raises(RoleForbids):
        corrections.decide(company.reps[0], correction, True)
    done = corrections.decide(company.dispatcher, correction, True)
    assert (done.address, done.lat) == ("Mikonkatu 9", LAT + 0.01)
    assert correction_list.open_corrections(company.dispatcher) == []
    with pytest.raises(CorrectionDecided):
        corrections.decide(company.manager, correction, False)


def test_what_the_office_changed_meanwhile_is_not_overwritten_in_silence(company: Field) -> None:
    first = asked(company, address="Mikonkatu 9", city="Espoo")
    clients.save(company.manager, {"address": "Mikonkatu 11"}, company.clients[0])
    with pytest.raises(CorrectionOvertaken) as refused:
        corrections.decide(company.dispatcher, first, True)
    assert refused.value.params == {"fields": ["address"]}
    (shown,) = correction_list.open_corrections(company.dispatcher)
    assert (shown.before["address"], shown.now["address"]) != (shown.now["address"],) * 2
    corrections.decide(company.dispatcher, first, True, overwrite=True)
    assert clients.get(company.manager, company.clients[0]).city == "Espoo"


def test_a_declined_correction_changes_nothing(company: Field) -> None:
    correction = asked(company, name="Somebody Else")
    corrections.decide(company.manager, correction, False)
    assert clients.get(company.manager, company.clients[0]).name != "Somebody Else"
    assert correction_list.open_corrections(company.manager) == []
