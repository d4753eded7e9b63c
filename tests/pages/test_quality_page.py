"""The page of quality: what its handlers do for whom, and the same over HTTP."""

from __future__ import annotations

import io
import zipfile

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.components.navigation import pages_for
from fieldcrm.kit.database import transaction
from fieldcrm.pages.quality_pins import QualityPins, QualityPlace
from fieldcrm.pages.quality_rules import QualityRules
from fieldcrm.pages.quality_state import Quality
from fieldcrm.people.model import Role
from fieldcrm.quality import checking, pinning
from fieldcrm.quality.model import Located, Precision
from tests.pages.conftest import Open, call
from tests.pages.test_duplicates_page import signed_in
from tests.reports.conftest import Field


@pytest.fixture
def base(team: Field) -> Field:
    """Three pharmacies of the north (whole, poor, without a place) and one of the south."""
    north, south = (team.add_territory(t, f"rep_{t}", t.title()) for t in ("north", "south"))
    boss = team.company.actor("admin")
    for name, told in {
        "Whole": {"phone": "+358 9 31045588", "address": "Katu 1", "city": "Espoo", "lat": 60.2,
                  "lng": 24.8, "opening_hours": "Mo-Fr 09:00-17:00", "category": "A"},
        "Poor": {"phone": "12", "address": "Raitti", "city": "Vantaa", "lat": 60.29, "lng": 25.04,
                 "category": "A", "opening_hours": "Mo-Su off"},
        "=Lost": {"address": "Mannerheimintie 5", "city": "Espoo", "category": "B", "phone": "+358 40 5551234"},
        "Southern": {"address": "Kuja", "lat": 60.4, "lng": 22.3},
    }.items():  # fmt: skip
        home = south if name == "Southern" else north
        saved = clients.save(boss, {"kind": "pharmacy", "name": name, "territory_id": home} | told)
        team.clients.append(saved.id)
    checking.run_now(boss)
    return team


def test_the_list_leads_with_what_is_most_worth_and_opens_a_card(
    base: Field, open_page: Open
) -> None:
    page = open_page(Quality, "dispatcher_north")
    assert [r.name for r in page.rows] == ["Poor", "=Lost", "Whole"]
    assert (page.rows[0].tone, page.rows[2].score) == ("warn", "100")
    assert "Phone can't be right" in page.rows[0].why
    call(page, "open", page.rows[0].id)
    assert [line.text for line in page.card.lines] == [
        "Phone can't be right", "Never open by its hours", "Address without house number",
    ]  # fmt: skip
    call(page, "narrow", "code", "no_place")
    assert [r.name for r in page.rows] == ["=Lost"]
    assert page._asked() == ("quality", {"code": "no_place", "sort": "-value"})
    call(page, "clear")
    call(page, "narrow", "search", "whole")
    assert [r.name for r in page.rows] == ["Whole"]
    call(page, "clear")
    call(page, "within", "territory", base.clients[3])
    assert page.rows == []
    assert open_page(Quality, "dispatcher_south").rows[0].name == "Southern"
    for role in Role:
        assert ("/quality" in {p.path for p in pages_for(role)}) == (role is not Role.rep)


def test_a_confirmed_card_says_so_and_somebody_elses_is_none(base: Field, open_page: Open) -> None:
    page = open_page(Quality, "manager_north")
    call(page, "open", base.clients[0])
    call(page, "confirm")
    assert (page.refused, page.card.score) == ("", "100")
    call(page, "open", base.clients[3])
    assert page.card_problem != ""
    call(page, "choose", "whole")
    assert [p.name for p in page.places] == ["North"]
    assert page.counts


def test_before_the_first_check_everybody_reads_who_can_start_it(
    team: Field, open_page: Open
) -> None:
    team.add_territory("north", "rep_north", "North")
    for login, may in (("manager_north", False), ("admin", True)):
        page = open_page(Quality, login)
        assert (page.rows, page.is_unchecked, page.may_run) == ([], True, may)
    checking.run_now(team.company.actor("admin"))
    assert not open_page(Quality, "manager_north").is_unchecked


def test_the_list_is_made_into_a_file_beside_the_page(base: Field, open_page: Open) -> None:
    page = open_page(Quality, "manager_north")
    call(page, "ask_file", "csv")
    assert (page.file_problem, len(page.files), page.is_making) == ("", 1, True)
    call(page, "cancel_file", page.files[0].id)
    assert not page.is_making


def test_the_administrator_runs_and_stops_a_check(base: Field, open_page: Open) -> None:
    page = open_page(Quality, "admin")
    call(page, "choose", "runs")
    assert (len(page.runs), page.is_running) == (1, False)
    call(page, "run")
    assert page.is_running
    call(page, "run")
    assert "under way" in page.refused
    call(page, "stop")
    assert not page.is_running
    assert {r.status for r in page.runs} == {"done", "cancelled"}
    assert not open_page(Quality, "manager_north").may_run


def test_clients_get_their_pins_one_after_another(base: Field, open_page: Open) -> None:
    desk = open_page(Quality, "dispatcher_north")
    assert desk.waiting_pins == "0"
    page = open_place(open_page, "dispatcher_north")
    assert (page.name, page.address) == ("=Lost", "Mannerheimintie 5, Espoo")
    call(page, "save")
    assert page.has_client, "nothing was pointed at"
    for wrong in ((float("nan"), 1.0), ("60", "24"), (91.0, 1.0)):
        call(page, "point", *wrong)
        assert not page.is_pointed
    call(page, "point", 10.0, 10.0)
    assert page.is_far
    call(page, "point", 60.21, 24.81)
    assert not page.is_far
    call(page, "save")
    assert (page.refused, page.has_client) == ("", False)
    found = clients.get(base.company.actor("admin"), base.clients[2])
    assert (found.lat, found.lng) == (60.21, 24.81)
    assert not open_place(open_page, "dispatcher_south").has_client


def open_place(open_page: Open, login: str) -> QualityPlace:
    page = open_page(QualityPlace, login)
    return page


def test_a_proposal_is_accepted_or_left(base: Field, open_page: Open) -> None:
    with transaction() as session:
        lost = session.get_one(clients.Client, base.clients[2])
        pinning.propose_located(session, lost, Located(60.21, 24.81, Precision.street, "There"))
    page = open_page(QualityPins, "manager_north")
    (row,) = page.rows
    assert (row.client, row.spoken) == ("=Lost", "the street")
    call(page, "open", row.id)
    assert (page.card.pins["old"], page.card.pins["wanted"]) == (None, [60.21, 24.81])
    other = open_page(QualityPins, "manager_south")
    assert other.rows == []
    call(other, "open", row.id)
    assert other.card_problem != ""
    call(other, "accept")
    assert clients.get(base.company.actor("admin"), base.clients[2]).lat is None
    call(page, "accept")
    assert (page.refused, page.rows) == ("", [])
    assert clients.get(base.company.actor("admin"), base.clients[2]).lat == 60.21


def test_the_administrator_sets_the_rules_and_the_geocoder(base: Field, open_page: Open) -> None:
    page = open_page(QualityRules, "admin")
    assert next(a for a in page.asked if a.name == "phone").a
    call(
        page,
        "save",
        {"stale_days": "90", "every_days": "1", "countries": "fi, ee", "A:email": "on"},
    )
    assert page.refused == ""
    assert (page.form.stale_days, page.form.countries) == ("90", "FI, EE")
    assert [a.name for a in page.asked if a.a] == ["email"]
    call(page, "save", {"stale_days": "soon", "every_days": "1"})
    assert page.refused != ""
    call(page, "run")
    assert page.geocoder_refused != ""
    told = {"provider": "photon", "url": "https://geo.example.org", "contact": "crm@example.org"}
    call(page, "save_geocoder", told | {"contact": ""})
    assert (page.is_on, page.geocoder_refused != "") == (False, True)
    call(page, "save_geocoder", told)
    assert (page.is_on, page.form.provider) == (True, "photon")


def test_the_same_over_http(base: Field) -> None:
    client = signed_in("manager_north")
    rows = client.get("/api/v1/quality/clients").json()["rows"]
    assert [r["name"] for r in rows] == ["Poor", "=Lost", "Whole"]
    text = client.get("/api/v1/quality/clients/export.csv").text
    assert "'=Lost" in text
    assert len(text.splitlines()) == 4
    sheet = client.get("/api/v1/quality/clients/export.xlsx", params={"language": "ru"}).content
    book = zipfile.ZipFile(io.BytesIO(sheet))
    said = "".join(book.read(n).decode() for n in book.namelist() if n.endswith(".xml"))
    assert "Телефон не может быть верен" in said
    assert client.get("/api/v1/quality/summary").json()["clients"] == 3
    (run,) = client.get("/api/v1/quality/runs").json()
    assert (run["status"], run["clients"]) == ("done", 3)
    assert client.post("/api/v1/quality/runs").status_code == 403
    confirmed = client.post(f"/api/v1/quality/clients/{base.clients[0]}/confirm")
    assert confirmed.json()["score"] == 100
    boss = signed_in("admin")
    assert boss.put("/api/v1/quality/norms", json={"stale_days": 1}).status_code == 422
    assert boss.put("/api/v1/quality/norms", json={"stale_days": 30}).json()["stale_days"] == 30
    assert boss.put("/api/v1/quality/geocoder", json={"url": "ftp://x", "contact": "a@b.c"}).status_code == 422  # fmt: skip
    assert boss.post("/api/v1/quality/geocoding").status_code == 409
    assert boss.get("/api/v1/quality/geocoder").json()["url"] == ""
    assert boss.post("/api/v1/quality/runs").status_code == 202
