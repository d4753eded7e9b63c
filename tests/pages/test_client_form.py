"""The desk's form of a client: added once seen who is alike, changed, kept from others' eyes, archived."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import ClientNotFound
from fieldcrm.kit import clock
from fieldcrm.pages.client_draft import draft_of, read_form
from fieldcrm.pages.client_form import ClientForm
from fieldcrm.quality import settings
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field


@pytest.fixture
def north(team: Field) -> str:
    """A territory of the north."""
    return team.add_territory("north", "rep_north")


def _found(team: Field, text: str, login: str = "admin") -> list[Any]:
    return list(clients.find(team.company.actor(login), text).rows)


def test_a_client_is_added_with_a_workplace(team: Field, north: str, open_page: Open) -> None:
    boss = team.company.actor("manager_north")
    place = clients.save(boss, {"name": "Klinik Aava", "kind": "organisation", "territory_id": north,
                                "lat": 60.17, "lng": 24.94})  # fmt: skip
    page = open_page(ClientForm, "manager_north")
    call(page, "find_place", "aava")
    assert [p.value for p in page.places] == [place.id]
    call(page, "choose_place", place.id)
    [went] = call(page, "save", {"name": " Vasile Țurcanu ", "territory_id": north, "phone": "+373 69 123 456",
                                 "visit_minutes": "15"})  # fmt: skip
    [added] = _found(team, "Turcanu")
    assert (added.name, added.kind, added.visit_minutes, added.territory_id) == (
        "Vasile Țurcanu",
        "doctor",
        15,
        north,
    )
    assert (added.lat, added.lng) == (60.17, 24.94), "it is found where he works"
    assert page.refused == ""
    assert added.id in str(went)


def test_somebody_alike_is_shown_first(team: Field, north: str, open_page: Open) -> None:
    boss = team.company.actor("manager_north")
    known = clients.save(boss, {"name": "Aino Virtanen", "kind": "doctor", "territory_id": north,
                                "phone": "+358 40 765 4321", "address": "Annankatu 3"})  # fmt: skip
    page = open_page(ClientForm, "manager_north")
    call(page, "compare", "name", "Virtanen Aino")
    call(page, "compare", "phone", "040 7654321")
    assert [a.id for a in page.alike] == [known.id]
    same = {"name": "Virtanen Aino", "phone": "040 7654321", "territory_id": north}
    call(page, "save", same)
    assert (page.is_sure, len(_found(team, "Virtanen"))) == (True, 1), "asked first"
    call(page, "save", same)
    assert len(_found(team, "Virtanen")) == 2, "and added when it is meant"


def test_one_typed_in_as_another_kind_is_shown_with_its_kind(
    team: Field, north: str, open_page: Open
) -> None:
    boss = team.company.actor("manager_north")
    known = clients.save(boss, {"name": "Аптека Ромашка", "kind": "pharmacy", "territory_id": north,
                                "address": "ул. Ленина, 5"})  # fmt: skip
    page = open_page(ClientForm, "manager_north")
    call(page, "compare", "kind", "organisation")
    call(page, "compare", "name", "Аптека Ромашка")
    assert page.alike == [], "a name alone says nothing"
    call(page, "compare", "address", "Ленина 5")
    [row] = page.alike
    assert (row.id, row.name) == (known.id, "Аптека Ромашка · pharmacy")
    assert "Kind: different" in row.why
    call(page, "compare", "kind", "pharmacy")
    assert [(a.id, a.name) for a in page.alike] == [(known.id, "Аптека Ромашка")]


@pytest.mark.parametrize(
    ("sent", "bad"),
    [
        ({"name": ""}, "name"),
        ({"name": "X", "lat": "north"}, "lat"),
        ({"name": "X", "lat": "60,1"}, "lng"),
        ({"name": "X", "visit_minutes": "1.5"}, "visit_minutes"),
        ({"name": "X", "email": "nobody"}, "email"),
        ({"name": "X", "category": "Z"}, "category"),
        ({"name": "X", "territory_id": ""}, "territory_id"),
    ],
)
def test_what_cannot_be_is_named(
    team: Field, north: str, open_page: Open, sent: dict[str, str], bad: str
) -> None:
    page = open_page(ClientForm, "dispatcher_north")
    call(page, "save", {"territory_id": north} | sent)
    assert page.bad_field == bad
    assert page.refused != ""
    assert _found(team, "") == []


def test_what_looks_wrong_is_asked_once_and_then_believed(
    team: Field, north: str, open_page: Open
) -> None:
    page = open_page(ClientForm, "manager_north")
    boss = team.company.actor("admin")
    odd = {"territory_id": north, "name": "Odd One", "phone": "12", "lat": "24.93", "lng": "60.17",
                    "opening_hours": "25:99 blah"}  # fmt: skip
    call(page, "save", odd)
    assert page.doubted == ["phone", "lat", "opening_hours"]
    assert page.doubts == [
        "Phone can't be right", "latitude and longitude look exchanged", "Opening hours not understood",
    ]  # fmt: skip
    assert not clients.find(boss, "Odd One").rows, "nothing is saved, everything typed stays"
    better = odd | {"lat": "60.17", "lng": "24.93", "opening_hours": "Mo-Fr 09:00-17:00"}
    call(page, "save", better | {"phone": "13"})
    assert page.doubted == ["phone"], "another value is asked of anew"
    call(page, "save", better | {"phone": "13"})
    (saved,) = clients.find(boss, "Odd One").rows
    assert (saved.phone, saved.lat) == ("13", 60.17)
    page = open_page(ClientForm, "manager_north")
    page.draft, page.kind = draft_of(saved), saved.kind
    call(page, "save", better | {"phone": "13", "note": "rings twice"})
    assert clients.get(boss, saved.id).note == "rings twice", (
        "what stood there is not doubted again"
    )


def test_a_client_is_changed_and_a_stale_form_overwrites_nothing(
    team: Field, north: str, open_page: Open
) -> None:
    boss = team.company.actor("manager_north")
    client = clients.save(boss, {"name": "Apteka 1", "kind": "pharmacy", "territory_id": north,
                                 "phone": "+7 916 123-45-67", "lat": 60.1712345678, "lng": 24.9})  # fmt: skip
    page = open_page(ClientForm, "manager_north")
    page.draft, page.kind = draft_of(client), client.kind
    kept = {n: getattr(page.draft, n) for n in ("name", "lat", "lng", "territory_id", "phone")}
    call(page, "save", kept)
    assert clients.get(boss, client.id).version == client.version, "nothing new changes nothing"
    call(page, "save", kept | {"city": "Bălți"})
    assert clients.get(boss, client.id).city == "Bălți"
    call(page, "save", kept | {"city": "Orhei"})
    assert page.refused != ""
    assert clients.get(boss, client.id).city == "Bălți", "somebody else's change stays"


def test_another_team_s_client_is_neither_shown_nor_changed(
    team: Field, north: str, open_page: Open
) -> None:
    client = clients.save(team.company.actor("manager_north"), {
        "name": "Aino Virtanen", "kind": "doctor", "territory_id": north, "phone": "+358 40 765 4321"})  # fmt: skip
    page = open_page(ClientForm, "manager_south")
    call(page, "compare", "name", "Aino Virtanen")
    call(page, "compare", "phone", "+358 40 765 4321")
    assert page.alike == []
    call(page, "find_place", "Aino")
    assert page.places == []
    page.draft = draft_of(client)
    call(page, "save", {"name": "Mine now", "territory_id": north})
    assert page.refused != ""
    call(page, "archive")
    call(page, "archive")
    assert clients.get(team.company.actor("admin"), client.id).name == "Aino Virtanen"
    assert clients.get(team.company.actor("admin"), client.id).archived_at is None
    with pytest.raises(ClientNotFound):
        clients.get(team.company.actor("manager_south"), client.id)


def test_loyalty_and_tags_are_set_seen_and_cleared(
    team: Field, north: str, open_page: Open
) -> None:
    boss = team.company.actor("manager_north")
    page = open_page(ClientForm, "manager_north")
    told = {"name": "Aino Virtanen", "territory_id": north, "loyalty": "friend"}
    call(page, "save", told | {"tags": " chain,VIP , ,chain"})
    [added] = _found(team, "Virtanen")
    assert (added.loyalty, added.tags) == ("friend", ["chain", "VIP"])
    page.draft = draft_of(added)
    assert (page.draft.loyalty, page.draft.tags) == ("friend", "chain, VIP")
    call(page, "save", {"name": added.name, "territory_id": north})
    changed = clients.get(boss, added.id)
    assert (changed.loyalty, changed.tags) == (None, [])
    call(page, "save", told | {"tags": ",".join(f"tag {n}" for n in range(31))})
    assert page.bad_field == "tags"


def test_another_category_asks_for_evidence_of_its_own(
    team: Field, north: str, open_page: Open
) -> None:
    boss = team.company.actor("manager_north")
    proof = {"source": "sales", "on": "2026-05-04", "text": "120 packs"}
    told = {"name": "Apteka 1", "kind": "pharmacy", "territory_id": north, "category": "A"}
    client = clients.save(boss, told | {"evidence": {"category": proof}})
    page = open_page(ClientForm, "manager_north")
    page.draft, page.kind = draft_of(client), client.kind
    page._read_standing(client)
    assert (page.letter, page.letter_proof.text, page.letter_proof.is_asked) == ("A", "120 packs", False)  # fmt: skip
    call(page, "weigh", "category", "B")
    assert (page.letter_proof.text, page.letter_proof.is_asked) == ("", True)
    call(page, "weigh", "category", "A")
    assert page.letter_proof.text == "120 packs"
    sent = {"name": "Apteka 1", "territory_id": north, "category": "B"}
    call(page, "save", sent | {"category_source": "visit", "category_text": "sees few", "category_on": "2026-06-01"})  # fmt: skip
    saved = clients.get(boss, client.id)
    assert (saved.category, saved.evidence) == (
        "B", {"category": {"source": "visit", "on": "2026-06-01", "text": "sees few"}},
    )  # fmt: skip
    page.draft = draft_of(saved)
    page._read_standing(saved)
    call(page, "save", sent | {"category_text": "x", "category_on": "tomorrow"})
    assert page.bad_field == "evidence"
    assert "Evidence" in page.refused


def test_another_word_of_consent_is_of_today(team: Field, north: str, open_page: Open) -> None:
    boss = team.company.actor("manager_north")
    given = {"state": "given", "on": "2024-05-04", "source": "form", "text": "signed"}
    client = clients.save(boss, {"name": "Apteka 1", "kind": "pharmacy", "territory_id": north,
                                 "consents": {"email": given, "call": given}})  # fmt: skip
    page = open_page(ClientForm, "manager_north")
    page.draft, page.kind = draft_of(client), client.kind
    page._read_standing(client)
    assert (page.by_email.state, page.by_email.text, page.by_visit.state) == ("given", "signed", "none")  # fmt: skip
    sent: dict[str, str] = {"name": "Apteka 1", "territory_id": north}
    for channel in ("email", "call"):
        sent |= {f"consent_{channel}_{part}": value for part, value in given.items()}
    call(page, "save", sent | {"consent_email_state": "withdrawn", "consent_visit_state": "none"})
    today = clock.local(clock.now()).date().isoformat()
    assert clients.get(boss, client.id).consents == {
        "email": given | {"state": "withdrawn", "on": today}, "call": given,
    }  # fmt: skip
    again = clients.get(boss, client.id)
    page.draft = draft_of(again)
    page._read_standing(again)
    call(page, "save", sent | {"consent_visit_state": "given", "consent_visit_on": "2099-01-01"})
    assert page.refused == "A consent can't be of a day to come: check its date."
    assert "visit" not in clients.get(boss, client.id).consents


def test_the_form_shows_nothing_of_the_client_before_while_it_loads(
    team: Field, north: str, open_page: Open
) -> None:
    page = open_page(ClientForm, "manager_north")
    assert page.is_ready
    loading = type(page).event_handlers["load"].fn(page)
    asyncio.run(anext(loading))
    assert not page.is_ready


def test_a_client_goes_to_the_archive_after_a_second_press(
    team: Field, north: str, open_page: Open
) -> None:
    boss = team.company.actor("manager_north")
    client = clients.save(boss, {"name": "Apteka 1", "kind": "pharmacy", "territory_id": north})
    page = open_page(ClientForm, "manager_north")
    page.draft = draft_of(client)
    call(page, "archive")
    assert (page.must_confirm, len(_found(team, ""))) == (True, 1)
    call(page, "archive")
    assert _found(team, "") == []


def test_a_form_s_texts_are_fields() -> None:
    told = read_form({"name": " A ", "lat": "60,5", "lng": "24.5", "city": " "}, "doctor")
    assert (told["name"], told["lat"], told["lng"], told["city"]) == ("A", 60.5, 24.5, None)


def test_the_map_begins_at_what_is_typed_else_in_the_town_of_ones_own_clients(
    team: Field, north: str, open_page: Open
) -> None:
    boss = team.company.actor("admin")
    at = {"kind": "pharmacy", "city": "Lahti", "territory_id": north}
    for lat in (60.98, 61.00):
        clients.save(boss, at | {"name": f"Apteekki {lat}", "lat": lat, "lng": 25.66})
    clients.save(boss, {"name": "Muu", "kind": "pharmacy", "city": "Lahti", "lat": 60.0, "lng": 20.0,
                        "territory_id": team.add_territory("south", "rep_south")})  # fmt: skip
    page = open_page(ClientForm, "manager_north")
    call(page, "open_map", {"lat": "60,5", "lng": "25.1"})
    assert (page.is_mapped, page.is_pinned) == (True, True)
    assert (page.start["lat"], page.start["lng"], page.pin_lat) == (60.5, 25.1, 60.5)
    call(page, "ask_map")
    assert not page.is_mapped
    call(page, "open_map", {"lat": "", "lng": "25.1", "city": "Lahti"})
    assert not page.is_pinned
    assert (page.start["lat"], page.start["lng"]) == pytest.approx((60.99, 25.66)), (
        "others' stay theirs"
    )
    call(page, "open_map", {"lat": "120", "lng": "25.1", "city": "Nowhere"})
    assert page.start["lat"] == pytest.approx(60.99), "else where one's clients are"


def test_a_point_on_the_map_is_written_into_the_form(team: Field, open_page: Open) -> None:
    page = open_page(ClientForm, "manager_north")
    [script] = call(page, "point", 60.1234567, 24.9)
    assert '"60.123457"' in str(script).replace("\\", "")
    assert '"24.9"' in str(script).replace("\\", "")
    assert page.is_pinned
    for wrong in (float("nan"), "60", None, float("inf")):
        assert call(page, "point", wrong, 24.9) == [None]
    assert page.pin_lat == 60.123457


def test_two_numbers_the_wrong_way_round_are_exchanged_by_one_press(
    team: Field, north: str, open_page: Open
) -> None:
    settings.set_norms(team.company.actor("admin"), {"countries": ["FI"]})
    page = open_page(ClientForm, "manager_north")
    told = {
        "kind": "pharmacy",
        "name": "Apteekki",
        "territory_id": north,
        "lat": "24.94",
        "lng": "60.17",
    }
    page.kind = "pharmacy"
    call(page, "save", told)
    assert page.is_swapped
    assert not _found(team, "Apteekki")
    [script] = call(page, "exchange", told)
    assert '"lat": "60.17", "lng": "24.94"' in str(script).replace("\\", "")
    call(page, "save", told | {"lat": "60.17", "lng": "24.94"})
    assert [c.lat for c in _found(team, "Apteekki")] == [60.17]


def test_what_was_believed_is_not_asked_again_as_something_else_changes(
    team: Field, north: str, open_page: Open
) -> None:
    page = open_page(ClientForm, "manager_north")
    page.kind = "pharmacy"
    told = {"kind": "pharmacy", "name": "Apteekki", "territory_id": north, "phone": "12"}
    call(page, "save", told)
    assert page.doubted == ["phone"]
    call(page, "save", told | {"lng": "24.94", "lat": "60.17"})
    assert [c.phone for c in _found(team, "Apteekki")] == ["12"]
