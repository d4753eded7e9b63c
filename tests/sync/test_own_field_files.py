"""Files for a card's own fields from the phone: told of first, sent in pieces, judged when they are whole."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.ownfields import files
from fieldcrm.clients.ownfields.model import OwnFileOnItsWay
from fieldcrm.people.model import SYSTEM
from fieldcrm.sync import service
from fieldcrm.sync.model import WrongType
from tests.clients.test_own_field_files import office
from tests.field import Field
from tests.sync.phone import Phone
from tests.sync.test_own_fields import made
from tests.sync.test_push import phone_of

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 1200
SAID = "Договор.pdf · 0.3 MB"
"""What a phone is told of it."""


@pytest.fixture
def phone(company: Field) -> Phone:
    made("contract", ["rep"], type="file", min=None)
    made("secret", ["manager"], type="file", min=None)
    found = phone_of(company)
    found.pull()
    return found


def gives(
    phone: Phone, client_id: str, content: bytes, base: Any = None,
    file_name: str = "Договор.pdf", field: str = "contract", size: int | None = None,
) -> Any:  # fmt: skip
    told = {"sha256": hashlib.sha256(content).hexdigest(), "name": file_name,
            "size": len(content) if size is None else size}  # fmt: skip
    payload = {"name": field, "value": "shown meanwhile", "base": base, "file": told}
    (result,) = phone.push(phone.does("client.field", client_id, payload))
    return result


def sends(phone: Phone, content: bytes, piece: int = 100_000) -> bool:
    sha256, is_whole = hashlib.sha256(content).hexdigest(), False
    for at in range(0, len(content), piece):
        part = content[at : at + piece]
        _, is_whole = service.take_piece(phone.actor, sha256, at, len(content), part)
    return is_whole


def fetched(client_id: str) -> tuple[bytes, str, str]:
    path, kind, called = files.fetch(SYSTEM, client_id, "contract")
    return path.read_bytes(), kind, called


def test_a_file_is_named_by_the_card_before_its_bytes_come(company: Field, phone: Phone) -> None:
    client_id = company.clients[0]
    (profile,) = phone.holds("profile").values()
    told = {f["field"]["name"]: f["is_sent"] for f in profile["client_fields"]}
    assert told == {"contract": True, "secret": False}
    assert gives(phone, client_id, PDF).status == "applied"
    with pytest.raises(OwnFileOnItsWay):
        fetched(client_id)
    assert sends(phone, PDF, 50_000)
    assert fetched(client_id) == (PDF, "application/pdf", "Договор.pdf")
    phone.pull()
    assert phone.holds("client")[client_id]["own_fields"] == {"contract": SAID}


def test_papers_come_only_from_who_gave_a_card_one(company: Field, phone: Phone) -> None:
    with pytest.raises(WrongType):
        sends(phone, PDF)
    assert gives(phone, company.clients[0], PDF).status == "applied"
    other = Phone(company.reps[1], "other")
    with pytest.raises(WrongType):
        sends(other, PDF)
    assert sends(phone, PDF)


@pytest.mark.parametrize(
    "content", [office(**{"word/vbaProject.bin": "x"}), b"PK\x03\x04" + bytes(90), office()[:-30]]
)
def test_a_paper_is_judged_by_its_whole_bytes(company: Field, phone: Phone, content: bytes) -> None:
    gives(phone, company.clients[0], content, file_name="offer.docx")
    with pytest.raises(WrongType):
        sends(phone, content, 60)
    with pytest.raises(OwnFileOnItsWay):
        fetched(company.clients[0])


@pytest.mark.parametrize(
    ("more", "code"),
    [({"file_name": "run.exe"}, "own_file_unfit"), ({"size": 1 << 30}, "own_file_too_large"),
     ({"field": "secret"}, "own_field_forbidden"), ({"field": "colour"}, "own_field_unknown")],
)  # fmt: skip
def test_what_no_card_takes_is_refused_with_a_reason(
    company: Field, phone: Phone, more: dict[str, Any], code: str
) -> None:
    result = gives(phone, company.clients[0], PDF, **more)
    assert (result.status, result.code) == ("refused", code)
    assert clients.get(SYSTEM, company.clients[0]).own_fields == {}


def test_the_next_file_takes_its_place_and_what_both_gave_waits_for_a_choice(
    company: Field, phone: Phone
) -> None:
    client_id, other = company.clients[0], PDF + b"second"
    gives(phone, client_id, PDF)
    assert gives(phone, client_id, other, base=SAID).conflicts == []
    theirs = files.keep(SYSTEM, "contract", "office.pdf", PDF)
    clients.save(SYSTEM, {"own_fields": {"contract": theirs["id"]}}, client_id)
    third = PDF + b"third"
    (both,) = gives(phone, client_id, third, base=SAID).conflicts
    assert (both.field, both.mine["name"], both.theirs) == ("own.contract", "Договор.pdf", theirs)
    assert clients.get(SYSTEM, client_id).own_fields == {"contract": theirs}
    phone.pull()
    told = phone.holds("client")[client_id]["own_fields"]["contract"]
    mine = {"name": "contract", "value": both.mine, "base": told}
    (chosen,) = phone.push(phone.does("client.field", client_id, mine))
    assert (chosen.status, chosen.conflicts) == ("applied", [])
    assert sends(phone, third)
    assert fetched(client_id)[0] == third


def test_a_phone_takes_away_or_replaces_what_it_sent_before_it_heard_of_it(
    company: Field, phone: Phone
) -> None:
    client_id, other = company.clients[0], PDF + b"second"
    first = {"sha256": hashlib.sha256(PDF).hexdigest(), "name": "Договор.pdf", "size": len(PDF)}
    second = first | {"sha256": hashlib.sha256(other).hexdigest(), "size": len(other)}
    results = phone.push(*(
        phone.does("client.field", client_id, {"name": "contract", **told}) for told in (
            {"value": "a", "base": None, "file": first},
            {"value": "b", "base": first, "file": second},
            {"value": None, "base": second},
        )
    ))  # fmt: skip
    assert [(r.status, r.conflicts) for r in results] == [("applied", [])] * 3
    assert clients.get(SYSTEM, client_id).own_fields == {}


def test_what_the_office_gave_meanwhile_is_not_taken_away_with_the_phones_own(
    company: Field, phone: Phone
) -> None:
    client_id = company.clients[0]
    gives(phone, client_id, PDF)
    theirs = files.keep(SYSTEM, "contract", "office.pdf", PDF + b"office")
    clients.save(SYSTEM, {"own_fields": {"contract": theirs["id"]}}, client_id)
    mine = {"sha256": hashlib.sha256(PDF).hexdigest(), "name": "Договор.pdf", "size": len(PDF)}
    away = {"name": "contract", "value": None, "base": mine}
    (result,) = phone.push(phone.does("client.field", client_id, away))
    assert [(c.mine, c.theirs) for c in result.conflicts] == [(None, theirs)]
    assert clients.get(SYSTEM, client_id).own_fields == {"contract": theirs}


def test_a_file_that_the_card_needs_is_not_taken_away(company: Field, phone: Phone) -> None:
    client_id = company.clients[0]
    made("licence", ["rep"], type="file", min=None, required_when="kind = 'doctor'")
    gives(phone, client_id, PDF, field="licence")
    away = {"name": "licence", "value": None, "base": SAID}
    (result,) = phone.push(phone.does("client.field", client_id, away))
    assert (result.status, result.code) == ("refused", "own_field_refused")
    assert clients.get(SYSTEM, client_id).own_fields["licence"]["name"] == "Договор.pdf"
