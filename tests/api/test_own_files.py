"""Files of own fields by HTTP: sent, put on a card, fetched as a download that no browser runs."""

from __future__ import annotations

from typing import Any

from fieldcrm.clients import service as clients
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.people.model import SYSTEM
from tests.api.test_matrix import V
from tests.people.company import Company

PDF = b"%PDF-1.7\n" + bytes(2 << 20)
PAPER = {"name": "contract", "type": "file", "label": "Contract"}
SEND = f"{V}/client-fields/contract/files"


def placed(company: Company) -> str:
    """A client of the north."""
    told = {
        "name": "North",
        "team_id": company.teams["north"],
        "rep_id": company.users["rep_north"],
    }
    north = clients.save_territory(SYSTEM, told).id
    told = {"name": "Station", "kind": "organisation", "territory_id": north}
    return clients.save(SYSTEM, told).id


def test_a_file_is_sent_put_on_a_card_and_fetched(company: Company, browser: Any) -> None:
    ownfields.save_field(SYSTEM, PAPER, ["organisation"], ["manager"])
    client = placed(company)
    boss = browser("manager_north")
    refused = boss.post(SEND, params={"file_name": "a.pdf"}, content=b"<html>")
    assert (refused.status_code, refused.json()["code"]) == (422, "own_file_unfit")
    sent = boss.post(SEND, params={"file_name": "Договор.pdf"}, content=PDF)
    assert sent.status_code == 201
    told = sent.json()
    assert told == {"id": told["id"], "name": "Договор.pdf", "size": len(PDF),
                    "type": "application/pdf"}  # fmt: skip
    url = f"{V}/clients/{client}"
    tag = boss.get(url).headers["etag"]
    changed = boss.patch(
        url, json={"own_fields": {"contract": told["id"]}}, headers={"If-Match": tag}
    )
    href = f"{V}/clients/{client}/files/contract"
    assert changed.json()["own_fields"] == {"contract": {**told, "href": href}}
    again = boss.patch(url, json={"own_fields": changed.json()["own_fields"]},
                       headers={"If-Match": changed.headers["etag"]})  # fmt: skip
    assert again.headers["etag"] == changed.headers["etag"]
    got = boss.get(href)
    assert got.content == PDF
    assert got.headers["content-type"] == "application/pdf"
    assert got.headers["content-disposition"].startswith("attachment")
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    assert browser("manager_south").get(href).status_code == 404
    assert browser().get(href).status_code == 401
    assert (
        browser("rep_north").post(SEND, params={"file_name": "a"}, content=PDF).status_code == 403
    )


def test_more_than_the_limit_is_refused_before_it_is_read(company: Company, browser: Any) -> None:
    ownfields.save_field(SYSTEM, PAPER, ["organisation"], ["manager"])
    answer = browser("admin").post(
        SEND, params={"file_name": "a.pdf"}, content=bytes((25 << 20) + 1)
    )
    assert answer.status_code == 413
