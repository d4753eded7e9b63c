"""Who has seen a client, and how often this cycle still wants him seen."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fieldcrm.clients.model import ClientNotFound
from fieldcrm.kit import clock
from fieldcrm.people.model import SYSTEM
from fieldcrm.reports.of_client import Aim, Knower, of_client
from tests.reports.conftest import Field

pytestmark = pytest.mark.usefixtures("any_db")


def today() -> date:
    return clock.local(clock.now()).date()


@pytest.fixture
def seen(team: Field) -> str:
    """A client of the north, wanted four times, seen thrice by its rep and once by one of the south."""
    client = team.add_client("A", team.add_territory("north", "rep_north"))
    first, last = today() - timedelta(days=20), today() + timedelta(days=20)
    team.add_cycle("north", first, last, [("rep_north", client, 4)])
    for days in (18, 9, 2):
        team.add_visit("rep_north", client, today() - timedelta(days=days))
    team.add_visit("rep_north", client, today() - timedelta(days=40))  # before the cycle
    team.add_visit("rep_north", client, today() - timedelta(days=1), verdict="contradicted")
    team.add_visit("rep_north", client, today() + timedelta(days=3), state="planned")
    team.add_visit("rep_south", client, today() - timedelta(days=5))
    return client


def test_who_knows_him_and_what_is_left(team: Field, seen: str) -> None:
    users = team.company.users
    knowers, aims = of_client(SYSTEM, seen)
    north = Knower(users["rep_north"], "Rep North", 4, today() - timedelta(days=2))
    south = Knower(users["rep_south"], "Rep South", 1, today() - timedelta(days=5))
    assert knowers == [north, south]
    assert aims == [Aim(users["rep_north"], "Rep North", 4, 3, 1, today() + timedelta(days=20))]
    assert aims[0].left == 1


def test_each_sees_his_own_teams_alone(team: Field, seen: str) -> None:
    knowers, aims = of_client(team.company.actor("manager_north"), seen)
    assert [k.name for k in knowers] == ["Rep North"]
    assert [a.name for a in aims] == ["Rep North"]
    south = team.company.actor("manager_south")  # a rep of his has been there
    knowers, aims = of_client(south, seen)
    assert ([k.name for k in knowers], aims) == (["Rep South"], [])
    with pytest.raises(ClientNotFound):
        of_client(south, team.add_client("A", team.add_territory("north", "rep_north")))


def test_a_cycle_that_is_over_wants_nothing(team: Field) -> None:
    client = team.add_client("A")
    over = today() - timedelta(days=1)
    team.add_cycle("north", over - timedelta(days=30), over, [("rep_north", client, 4)])
    assert of_client(SYSTEM, client) == ([], [])
