"""The card of a client in the list's drawer: what is known of him, by whom, since when."""

from __future__ import annotations

from datetime import timedelta

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.pages.clients import Clients
from fieldcrm.people.model import SYSTEM
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field


def test_a_card_tells_who_looks_after_the_client_and_where_it_comes_from(
    team: Field, open_page: Open
) -> None:
    north = team.add_territory("north", "rep_north")
    told = {"name": "Aava", "kind": "pharmacy", "territory_id": north, "tags": ["chain", "new"]}
    added = clients.save(SYSTEM, told)
    page = open_page(Clients, "manager_north")
    call(page, "open", added.id)
    said = {f.label: f.value for f in page.card.facts}
    assert (said["Rep"], said["Tags"], said["Comes from"]) == ("Rep North", "chain, new", "office")
    assert said["Added"] == said["Changed"] != ""
    call(page, "open", clients.save(SYSTEM, {"name": "Nobody's", "kind": "pharmacy"}).id)
    assert page.card_problem != "", "it is out of the manager's sight"


def test_a_card_tells_who_knows_the_client_what_is_left_and_who_is_near(
    team: Field, open_page: Open
) -> None:
    north = team.add_territory("north", "rep_north")
    one, near, tied = (team.add_client(letter, north) for letter in "ABC")
    with transaction() as session:
        session.get_one(Client, tied).kind = "pharmacy"
        session.add(Affiliation(id=ids.new_id(), person_id=one, organisation_id=tied))
    today = clock.local(clock.now()).date()
    soon = today + timedelta(days=9)
    team.add_cycle("north", today - timedelta(days=9), soon, [("rep_north", one, 3)])
    team.add_visit("rep_north", one, today)
    page = open_page(Clients, "manager_north")
    call(page, "open", one)
    (aim,) = page.card.aims
    assert (aim.name, aim.left, aim.is_done) == ("Rep North", "2 left", False)
    assert aim.text.startswith("Seen 1 of 3 · 0 in the plan · until ")
    assert [(k.name, k.text.split(",")[0]) for k in page.card.knowers] == [("Rep North", "1 visit")]
    assert [(n.id, n.letter, n.way) for n in page.card.near] == [(near, "B", "111\u00a0m")]
    assert page.card.has_map
    assert [n["id"] for n in page.card.spot["near"]] == [near]


def test_a_client_without_a_pin_has_no_map(team: Field, open_page: Open) -> None:
    north = team.add_territory("north", "rep_north")
    added = clients.save(SYSTEM, {"name": "Aava", "kind": "pharmacy", "territory_id": north})
    page = open_page(Clients, "manager_north")
    call(page, "open", added.id)
    assert not page.card.has_map
    assert page.card.near == page.card.aims == page.card.knowers == []


def test_a_card_says_why_the_category_and_warns_of_consent_withdrawn(
    team: Field, open_page: Open
) -> None:
    north = team.add_territory("north", "rep_north")
    proof = {"source": "sales", "on": "2026-05-04", "text": "120 packs"}
    gone = {"state": "withdrawn", "on": "2024-06-01", "source": "message", "text": ""}
    told = {"name": "Aava", "kind": "pharmacy", "territory_id": north, "category": "A", "loyalty": "friend",
            "evidence": {"category": proof, "loyalty": proof | {"text": ""}}, "consents": {"email": gone}}  # fmt: skip
    page = open_page(Clients, "manager_north")
    call(page, "open", clients.save(SYSTEM, told).id)
    assert page.card.why == "4 May 2026 · sales · 120 packs"
    assert "friend · 4 May 2026 · sales" in [f.value for f in page.card.facts]
    assert page.card.warning == "Consent withdrawn: e-mail"
    assert [(c.label, c.value) for c in page.card.consents] == [
        ("E-mail", "withdrawn · 1 Jun 2024 · by message")
    ]
    clients.save(SYSTEM, {"consents": {"email": None}}, page.card.id)
    call(page, "open", page.card.id)
    assert (page.card.warning, page.card.consents) == ("", [])
    assert page.moments[0].text == "Consent: e-mail: withdrawn · 1 Jun 2024 · by message → —"


def test_the_timeline_is_asked_by_kind_and_a_call_is_noted(team: Field, open_page: Open) -> None:
    north = team.add_territory("north", "rep_north")
    client = team.add_client("A", north)
    team.add_visit("rep_north", client, clock.local(clock.now()).date() - timedelta(days=1))
    page = open_page(Clients, "manager_north")
    call(page, "open", client)
    call(page, "note_call", {"outcome": "reached", "text": ""})
    assert page.call_problem != ""
    call(page, "note_call", {"outcome": "reached", "text": "comes back"})
    assert (page.call_problem, page.call_round) == ("", 1)
    assert (page.moments[0].kind, page.moments[0].text) == ("call", "comes back")
    call(page, "show_moments", "visit")
    assert [m.kind for m in page.moments] == ["visit"]
    call(page, "show_moments", "spaceship")
    assert page.moment_kind == "visit"
    call(page, "open", team.add_client("B", north))
    assert (page.moment_kind, page.moments) == ("", [])
