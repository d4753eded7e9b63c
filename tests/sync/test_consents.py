"""What a client allowed or forbade, noted by the rep offline; and what phones are told of standing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import merging
from fieldcrm.kit import clock, ids
from tests.field import Field
from tests.sync.phone import Phone

SAID = {"channel": "email", "state": "withdrawn", "on": "2026-03-03", "text": "no more letters"}
KEPT = {"state": "withdrawn", "on": "2026-03-03", "source": "visit", "text": "no more letters"}
SIGNED = {"state": "given", "on": "2026-03-04", "source": "form", "text": "signed"}


@pytest.fixture
def phone(company: Field) -> Phone:
    return Phone(company.reps[0], company.devices[0])


def says(phone: Phone, client_id: str, **more: str) -> tuple[str, str | None]:
    (answer,) = phone.push(phone.does("client.consent", client_id, SAID | more))
    return answer.status, answer.code


def consents(company: Field, client_id: str) -> dict[str, Any]:
    return clients.get(company.admin, client_id).consents


def test_a_word_of_the_client_is_on_the_card_in_history_and_on_phones(
    company: Field, phone: Phone
) -> None:
    client = company.clients[0]
    proof = {"source": "sales", "on": "2026-02-01", "text": "120 packs"}
    clients.save(company.admin, {"category": "A", "evidence": {"category": proof}}, client)
    assert says(phone, client) == ("applied", None)
    assert consents(company, client) == {"email": KEPT}
    (own,) = [e for e in clients.history(company.admin, client) if e.source == "phone"]
    assert own.actor_id == phone.actor.user_id
    assert own.data == {
        "before": {"consents": {"email": None}},
        "after": {"consents": {"email": KEPT}},
    }
    phone.pull()
    doc = phone.holds("client")[client]
    assert (doc["consents"], doc["evidence"]) == ({"email": KEPT}, {"category": proof})


def test_a_later_word_at_the_office_stays(company: Field, phone: Phone) -> None:
    client = company.clients[0]
    clients.save(company.admin, {"consents": {"email": SIGNED}}, client)
    assert says(phone, client) == ("applied", None)
    assert consents(company, client) == {"email": SIGNED}
    assert says(phone, client, on="2026-03-04") == ("applied", None)
    assert consents(company, client)["email"]["state"] == "withdrawn", "of one day the last word"


def test_a_word_from_before_the_offices_loosens_nothing(company: Field, phone: Phone) -> None:
    client = company.clients[0]
    made = phone.does("client.consent", client, SAID | {"state": "given", "on": "2026-03-04"})
    later = clock.now() + timedelta(hours=5)
    with clock.held(later):
        gone = KEPT | {"on": "2026-03-04"}
        clients.save(company.admin, {"consents": {"email": gone}}, client)
        (answer,) = phone.push(made)
        assert answer.status == "applied"
        assert consents(company, client) == {"email": gone}


def test_no_word_is_of_a_day_to_come(company: Field, phone: Phone) -> None:
    assert says(phone, company.clients[0], on="2062-03-04") == ("applied", None)
    assert consents(company, company.clients[0])["email"]["on"] == "2026-03-04"


def test_what_cannot_be_and_whose_it_is_not(company: Field, phone: Phone) -> None:
    client = company.clients[0]
    assert says(phone, client, on="2026-13-45")[0] == "refused"
    assert says(phone, client, channel="fax")[0] == "refused"
    assert says(phone, company.foreign_client) == ("refused", "client_unknown")
    assert says(phone, ids.new_id()) == ("refused", "client_unknown")
    assert consents(company, client) == {}


def test_a_late_word_for_a_merged_client_is_on_both_cards(company: Field, phone: Phone) -> None:
    winner, loser = company.clients[:2]
    made = merging.merge(company.admin, winner, loser)
    assert says(phone, loser) == ("applied", None)
    assert consents(company, winner) == {"email": KEPT}
    merging.undo(company.admin, made.id)
    assert consents(company, loser) == {"email": KEPT}
