"""The search box finds reps, clients and visits of the reader's teams, and leads to the whole lists."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fieldcrm.components import search
from fieldcrm.components.search import Search
from fieldcrm.pages.clients import Clients
from fieldcrm.pages.visits import Visits
from tests.dispatch.conftest import tree_with
from tests.dispatch.test_dispatch_state import call, cookie_for
from tests.field import Field


def kinds(found: list[search.Found]) -> set[str]:
    return {line.kind for line in found}


def test_visits_are_found_by_their_client(field: Field) -> None:
    found = search.find(field.dispatcher, "Doctor 2", "en")
    ids = [line.id for line in found if line.kind == "visit"]
    assert ids == [field.visits[1]]
    assert {"client", "visit"} <= kinds(found)


def test_a_cut_group_leads_to_the_whole_list(field: Field) -> None:
    found = search.find(field.dispatcher, "Doctor", "en")
    assert [line.id for line in found if line.kind == "visits"] == ["Doctor"]
    assert len([line for line in found if line.kind == "visit"]) == 3


def test_another_team_finds_none_of_it(field: Field) -> None:
    found = search.find(field.other_manager, "Doctor 2", "en")
    assert not kinds(found) & {"client", "visit", "rep"}


@pytest.mark.parametrize(
    ("kind", "leads"),
    [("rep", "/dispatch?rep="), ("client", "/clients?client="), ("visit", "/visits?visit=")],
)
def test_a_line_leads_to_its_own_page(field: Field, kind: str, leads: str) -> None:
    assert f"{leads}{field.clients[0]}" in str(go(field, kind, field.clients[0]))


def test_more_leads_to_the_list_and_nonsense_nowhere(field: Field) -> None:
    assert "/clients?search=a%26b" in str(go(field, "clients", "a&b"))
    assert go(field, "client", "https://elsewhere.example") is None
    assert go(field, "page", "/nowhere") is None


@pytest.mark.parametrize("page", [Clients, Visits])
def test_the_whole_list_is_narrowed_by_what_was_searched_for(field: Field, page: Any) -> None:
    path = f"/{page.__name__.lower()}"
    tree = tree_with(cookie_for(field.dispatcher.user_id), path, "?search=Doctor%202")
    found = asyncio.run(tree.get_state(page))
    call(found, "load")
    assert found.search == "Doctor 2"
    assert len(found.rows) == 1


def go(field: Field, kind: str, subject: str) -> Any:
    state = asyncio.run(tree_with(cookie_for(field.dispatcher.user_id)).get_state(Search))
    return call(state, "go", kind, subject)
