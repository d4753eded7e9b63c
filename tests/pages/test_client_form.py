"""The desk's form of a client: added once seen who is alike, changed, kept from others' eyes, archived."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.model import ClientNotFound
from fieldcrm.pages.client_form import ClientForm, draft_of, read_form
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
