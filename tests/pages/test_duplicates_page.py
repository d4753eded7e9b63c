"""The queue of duplicates: what the page's handlers do for whom, and the same over HTTP."""

from __future__ import annotations

import asyncio
import io
import zipfile
from typing import Any

import pytest
from fastapi.testclient import TestClient

from fieldcrm.api.app import make_api
from fieldcrm.clients import service as clients
from fieldcrm.clients.duplicates import queue, sweeping, words
from fieldcrm.clients.duplicates.model import Reason, Status
from fieldcrm.components.messages import Messages
from fieldcrm.components.navigation import pages_for
from fieldcrm.pages.clients import Clients
from fieldcrm.pages.duplicates_state import Duplicates
from fieldcrm.people.model import Role
from tests.pages.conftest import Open, call
from tests.people.company import PASSWORD
from tests.reports.conftest import Field

TWINS = (("Kulman apteekki", "+358 50 1234567"), ("Harjun apteekki", "+358 50 7654321"),
         ("Saaren apteekki", "+358 50 5551234"))  # fmt: skip


@pytest.fixture
def doubled(team: Field) -> Field:
    """Three pharmacies of the north, each entered twice."""
    place, boss = team.add_territory("north", "rep_north"), team.company.actor("admin")
    for n, (name, phone) in enumerate(TWINS):
        for suffix in ("", " Oy"):
            fields = {"kind": "pharmacy", "name": name + suffix, "phone": phone, "city": "Espoo",
                      "address": f"{name[:5]}katu {n + 3}", "territory_id": place}  # fmt: skip
            if suffix:
                fields |= {"email": f"info{n}@example.org", "address": f"{name[:5]}katu {n + 3} B"}
            clients.save(boss, fields)
    asked = sweeping.ask(boss).sweep
    sweeping.run(asked.id)
    return team


def test_pairs_are_decided_one_after_another(doubled: Field, open_page: Open) -> None:
    page = open_page(Duplicates, "manager_north")
    first, second, third = (r.id for r in page.rows)
    call(page, "open", first)
    assert page.keep == "right", "the card that says more stays"
    lines = {line.name: line for line in page.card.lines}
    assert lines["phone"].kept == "both"
    assert (lines["name"].kept, lines["name"].is_different) == ("right", True)
    call(page, "strike", "1")
    lines = {line.name: line for line in page.card.lines}
    assert (lines["name"].kept, lines["email"].kept) == ("left", "right")
    call(page, "take", "address")
    assert {line.name: line.kept for line in page.card.lines}["address"] == "right"
    wanted, left_id = lines["address"].right, page.card.left_id
    call(page, "strike", "s")
    assert page.opened == second, "the next one stands ready"
    assert clients.get(doubled.company.actor("admin"), left_id).address == wanted
    call(page, "strike", "n")
    assert page.opened == third
    call(page, "strike", "l")
    assert (page.rows, page.opened) == ([], "")
    call(page, "narrow", "status", "merged")
    assert [r.id for r in page.rows] == [first]
    call(page, "open", first)
    call(page, "undo")
    assert page.rows == []
    call(page, "narrow", "status", "different")
    call(page, "open", second)
    call(page, "decide", "open")
    call(page, "narrow", "status", "")
    assert {r.status for r in page.rows} == {"open", "later"}


def test_each_field_says_how_much_it_speaks_for_one_client(doubled: Field, open_page: Open) -> None:
    page = open_page(Duplicates, "manager_north")
    call(page, "open", page.rows[0].id)
    said = {line.name: line.why for line in page.card.lines if line.why}
    assert said["phone"].startswith("the same: speaks ")
    assert said["phone"].endswith("strongly for one client")
    told = [reason.partition(":")[0] for reason in (*page.card.good, *page.card.bad)]
    named = {line.label for line in page.card.lines if line.why}
    assert set(told) == named, "every reason stands beside its field"
    assert "email" not in said, "only one of them has one"


@pytest.mark.parametrize(
    ("bits", "told"),
    [
        (9.0, "the same: speaks very strongly for one client"),
        (8.9, "the same: speaks strongly for one client"),
        (2.0, "the same: speaks for one client"),
        (0.5, "the same: speaks a little for one client"),
        (-1.9, "the same: speaks a little against it"),
        (-14.0, "the same: speaks very strongly against it"),
    ],
)
def test_bits_in_words(bits: float, told: str) -> None:
    assert words.weight(Reason("phone", "same", bits), "en") == told


def test_a_merge_is_taken_back_where_it_was_told(doubled: Field, open_page: Open) -> None:
    page = open_page(Duplicates, "manager_north")
    first = page.rows[0].id
    call(page, "open", first)
    gone, stays = page.card.left_id, page.card.right_id
    call(page, "merge")
    (said,) = asyncio.run(page.get_state(Messages)).toasts
    assert [a.label for a in said.actions] == ["Make two again"]
    call(page, "answer_toast", said.id, "undo")
    boss = doubled.company.actor("admin")
    assert all(clients.get(boss, one).archived_at is None for one in (gone, stays))
    assert first in [r.id for r in page.rows]
    call(page, "answer_toast", said.id, "undo")
    (told,) = asyncio.run(page.get_state(Messages)).toasts
    assert (told.tone, told.actions) == ("err", []), "what is undone is not undone again"
    call(page, "answer_toast", "alert:1", "undo")


GIVEN = {"state": "given", "on": "2024-02-04", "source": "form", "text": "signed"}
GONE = {"state": "withdrawn", "on": "2024-03-01", "source": "message", "text": ""}
SALES = {"source": "sales", "on": "2024-01-04", "text": "120 packs"}


def test_who_decides_sees_the_evidence_and_consents_that_a_merge_joins(
    doubled: Field, open_page: Open
) -> None:
    boss = doubled.company.actor("admin")
    page = open_page(Duplicates, "manager_north")
    call(page, "open", page.rows[0].id)
    call(page, "strike", "1")
    assert not any("consent" in line.name or "evidence" in line.name for line in page.card.lines)
    left, right = page.card.left_id, page.card.right_id
    clients.save(boss, {"category": "B", "consents": {"email": GIVEN, "call": GIVEN}}, left)
    told = {"category": "A", "loyalty": "high", "evidence": {"category": SALES, "loyalty": SALES},
            "consents": {"email": GONE, "call": GIVEN}}  # fmt: skip
    clients.save(boss, told, right)
    call(page, "strike", "1")
    lines = {line.name: line for line in page.card.lines}
    email = lines["consent_email"]
    assert (email.left, email.kept) == ("given · 4 Feb 2024 · in writing · signed", "right")
    assert email.right == "withdrawn · 1 Mar 2024 · by message", "the later word stands"
    assert (lines["consent_call"].is_different, lines["consent_call"].kept) == (False, "both")
    why = lines["category_evidence"]
    assert (why.left, why.right, why.kept) == ("—", "4 Jan 2024 · sales · 120 packs", "left")
    assert lines["loyalty_evidence"].kept == "right", "evidence goes with the value it speaks for"
    assert not any(lines[name].can_take for name in ("consent_email", "category_evidence"))
    call(page, "take", "category")
    assert {line.name: line.kept for line in page.card.lines}["category_evidence"] == "right"
    names = [line.name for line in page.card.lines]
    assert names.index("category_evidence") == names.index("category") + 1
    call(page, "strike", "s")
    kept = clients.get(boss, left)
    assert kept.evidence == {"category": SALES, "loyalty": SALES}
    assert kept.consents == {"call": GIVEN, "email": GONE}


def test_a_card_names_whom_its_client_may_be(doubled: Field, open_page: Open) -> None:
    boss = doubled.company.actor("admin")
    first, second = clients.find(boss, "kulman").rows
    page = open_page(Clients, "manager_north")
    call(page, "open", first.id)
    assert [d.name for d in page.card.doubles] == [second.name]
    assert page.card.doubles[0].why != ""
    office = open_page(Clients, "dispatcher_north")
    call(office, "open", first.id)
    assert (office.card.name, office.card.doubles) == (first.name, [])
    queue.set_apart(boss, page.card.doubles[0].pair_id, Status.different)
    call(page, "open", second.id)
    assert page.card.doubles == []


def test_somebody_was_faster(doubled: Field, open_page: Open) -> None:
    mine, other = (open_page(Duplicates, login) for login in ("manager_north", "admin"))
    pair = mine.rows[0].id
    call(mine, "open", pair)
    call(other, "open", pair)
    call(other, "decide", "different")
    call(mine, "merge")
    assert mine.refused != ""
    assert mine.card.status == "different"


def test_it_is_searched_sorted_and_shown_only_to_whom_it_concerns(
    doubled: Field, open_page: Open
) -> None:
    page = open_page(Duplicates, "manager_north")
    call(page, "narrow", "search", "harjun")
    assert [r.left for r in page.rows] == ["Harjun apteekki"]
    call(page, "clear")
    call(page, "sort_by", "name")
    assert [r.left for r in page.rows] == sorted(name for name, _ in TWINS)
    assert page._asked() == ("duplicates", {"sort": "name"})
    assert open_page(Duplicates, "manager_south").rows == []
    assert open_page(Duplicates, "dispatcher_north").rows == []
    for role in Role:
        has = "/duplicates" in {p.path for p in pages_for(role)}
        assert has == (role in (Role.manager, Role.admin))


def test_the_administrator_has_the_base_looked_through(team: Field, open_page: Open) -> None:
    page = open_page(Duplicates, "admin")
    never = page.sweep_said
    assert page.is_unswept
    call(page, "sweep")
    assert page.is_sweeping
    sweeping.run(page.sweep_id)
    call(page, "watch")
    assert not page.is_sweeping
    assert page.sweep_said not in ("", never)
    call(page, "sweep")
    call(page, "stop")
    assert not page.is_sweeping
    assert not open_page(Duplicates, "manager_north").may_sweep


def signed_in(login: str) -> TestClient:
    client = TestClient(make_api(), base_url="https://testserver")
    client.headers["Origin"] = "https://testserver"
    answer = client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 200
    return client


def test_the_same_over_http(doubled: Field) -> None:
    client = signed_in("manager_north")
    pairs: list[dict[str, Any]] = client.get("/api/v1/duplicates").json()["rows"]
    assert len(pairs) == 3
    assert pairs[0]["reasons"][0]["bits"] > 0
    sheet = client.get("/api/v1/duplicates/export.xlsx", params={"language": "ru"}).content
    book = zipfile.ZipFile(io.BytesIO(sheet))
    strings = "".join(book.read(n).decode() for n in book.namelist() if n.endswith(".xml"))
    assert "Kulman apteekki Oy" in strings
    assert "Телефон: совпадает" in strings
    assert len(client.get("/api/v1/duplicates/export.csv").text.splitlines()) == 4
    path = f"/api/v1/duplicates/{pairs[0]['id']}"
    boss = doubled.company.actor("admin")
    clients.save(boss, {"consents": {"email": GONE}}, pairs[0]["right"]["id"])
    seen = client.get(path)
    fields = {f["field"]: (f["left"], f["right"]) for f in seen.json()["fields"]}
    assert fields["consent_email"] == (None, GONE)
    body = {"winner_id": pairs[0]["right"]["id"], "take": ["name"]}
    assert client.post(f"{path}/merge", json=body).status_code == 428
    match = {"If-Match": seen.headers["ETag"]}
    merged = client.post(f"{path}/merge", json=body, headers=match).json()
    assert (merged["status"], merged["right"]["name"]) == ("merged", pairs[0]["left"]["name"])
    assert client.post(f"{path}/decision", json={"status": "later"}, headers=match).status_code == 409  # fmt: skip
    undone = client.post(f"/api/v1/merges/{merged['merge_id']}/undo").json()
    assert undone["undone_at"] is not None
    listed = client.get(f"/api/v1/clients/{body['winner_id']}/merges").json()
    assert [m["id"] for m in listed] == [merged["merge_id"]]
    told = {"kind": "pharmacy", "name": "Saaren apteekki", "phone": "050 555 1234"}
    hints = client.post("/api/v1/clients/alike", json=told).json()
    assert {h["client"]["name"] for h in hints} == {"Saaren apteekki", "Saaren apteekki Oy"}
    assert client.get("/api/v1/duplicates/sweeps/latest").json()["status"] == "done"
    assert client.post("/api/v1/duplicates/sweeps").status_code == 403
