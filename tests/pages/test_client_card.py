"""The card of a client in the list's drawer: what is known of him, by whom, since when."""

from __future__ import annotations

from fieldcrm.clients import service as clients
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
