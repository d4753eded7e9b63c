"""The drawer of a territory as the server keeps it: drawn, taken back, saved, refused at its field."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.clients import area_cells, landed
from fieldcrm.clients import service as clients
from fieldcrm.kit import clock
from fieldcrm.pages.admin_landing_state import AdminLanding
from fieldcrm.pages.admin_teams import AdminTeams
from fieldcrm.pages.admin_territory_state import AdminTerritory
from fieldcrm.people.model import RoleForbids
from fieldcrm.planning.dayfacts import DEFAULT_MINUTES
from fieldcrm.planning.territory_load import territory_loads
from tests.pages.conftest import Open, call
from tests.reports.conftest import Field

TOWN = [[60.10, 24.80], [60.10, 25.00], [60.25, 25.00], [60.25, 24.80]]
HERE = (60.17, 24.94)


def opened(team: Field, open_page: Open) -> tuple[Any, Any, str]:
    page = open_page(AdminTeams, "admin")
    boss = page._actor()
    made = clients.save_territory(boss, {"name": "Town", "team_id": team.company.teams["north"]})
    call(page, "reload")
    drawer = asyncio.run(page.get_state(AdminTerritory))
    call(drawer, "open", made.id)
    return page, drawer, made.id


def test_an_area_is_drawn_cut_taken_back_and_saved_with_a_rule(
    team: Field, open_page: Open
) -> None:
    page, drawer, territory_id = opened(team, open_page)
    assert drawer.own == []
    call(drawer, "draw", TOWN, False)
    whole = list(drawer._cells)
    call(drawer, "choose_cell", *HERE)
    assert area_cells.area_km2(drawer._cells) < area_cells.area_km2(whole)
    assert drawer.heard == f"Cell taken away. Area: {drawer.size}."
    call(drawer, "undo")
    assert drawer._cells == whole
    call(drawer, "choose_cell", *HERE)
    call(drawer, "save", {"kinds:pharmacy": "on", "cities": "Town, Village"})
    assert drawer.opened == ""
    call(page, "reload")
    row = next(t for t in page.territories if t.id == territory_id)
    assert row.takes == "area 184 km² · rule: pharmacies; in Town, Village"
    call(drawer, "open", territory_id)
    assert drawer.form.cities == "Town, Village"
    assert drawer.form.kinds == ["pharmacy"]
    assert drawer.own


def test_what_is_refused_is_said_at_its_field_and_nothing_is_lost(
    team: Field, open_page: Open
) -> None:
    page, drawer, territory_id = opened(team, open_page)
    call(drawer, "draw", [[60.1, 24.8], [60.1, 24.8], [60.1, 24.8]], False)
    assert drawer.bad_field == "area"
    call(drawer, "choose_cell", *HERE)
    assert drawer.bad_field == ""
    call(drawer, "choose_cell", float("nan"), 400)
    call(drawer, "save", {"tags": "x" * 100})
    assert (drawer.bad_field, drawer.opened) == ("tags", territory_id)
    clients.save_territory(page._actor(), {"name": "Elsewhere"}, territory_id)
    call(drawer, "save", {})
    assert drawer.is_stale
    assert drawer.opened == territory_id
    call(drawer, "open", territory_id)
    assert not drawer.is_stale
    assert drawer.name == "Elsewhere"


def test_one_that_is_gone_opens_nothing(team: Field, open_page: Open) -> None:
    _, drawer, _ = opened(team, open_page)
    call(drawer, "open", "0" * 32)
    assert drawer.opened == ""


def test_who_waits_is_told_by_territory(team: Field, open_page: Open) -> None:
    page, drawer, territory_id = opened(team, open_page)
    boss = page._actor()
    fields = {"kind": "pharmacy", "lat": HERE[0], "lng": HERE[1]}
    for name in ("One", "Two"):
        clients.save(boss, fields | {"name": name})
    clients.save(boss, {"name": "Away", "kind": "doctor"})
    call(drawer, "draw", TOWN, False)
    call(drawer, "save", {"kinds:pharmacy": "on"})
    strip = asyncio.run(page.get_state(AdminLanding))
    found = landed.waiting(boss)
    strip._tell(found, {territory_id: "Town"})
    assert (strip.waits, strip.will) == (2 + found.nowhere, 2)
    assert [(t.name, t.count) for t in strip.lands] == [("Town", "2")]
    assert strip._takes(territory_id) == 2


def test_the_work_of_a_territory_over_the_cycle_is_told_beside_it(
    team: Field, open_page: Open
) -> None:
    """Visits beyond what one client is wanted for, of other reps or before the cycle don't count."""
    today = clock.local(clock.now()).date()
    first, last = today - timedelta(days=10), today + timedelta(days=10)
    north, south = (team.add_territory(t, f"rep_{t}") for t in ("north", "south"))
    often, never, away = (
        team.add_client("A", north),
        team.add_client("B", north),
        team.add_client("C", south),
    )
    team.add_cycle(
        "north",
        first,
        last,
        [("rep_north", often, 2), ("rep_north", never, 3), ("rep_north", away, 4)],
    )
    team.add_cycle(
        "north", first - timedelta(days=60), first - timedelta(days=1), [("rep_north", never, 9)]
    )
    for days in (1, 2, 3):
        team.add_visit("rep_north", often, today - timedelta(days=days))
    team.add_visit("rep_north", never, first - timedelta(days=1))
    team.add_visit("rep_south", never, today - timedelta(days=1))
    team.add_visit("rep_north", never, today + timedelta(days=1), state="planned")
    page = open_page(AdminTeams, "admin")
    call(page, "reload")
    told = {t.id: (t.wanted, t.work) for t in page.territories}
    assert (told[north], told[south]) == (("2 of 5", 5), ("0 of 4", 4))
    loads = territory_loads(page._actor())
    assert loads[north].hours == round(5 * DEFAULT_MINUTES / 60, 1)
    drawer = asyncio.run(page.get_state(AdminTerritory))
    call(drawer, "open", north)
    shown = {a.label: a.value for a in drawer.loads}
    assert shown["Visits held of those wanted in the cycle"] == "2 of 5"
    assert shown["Hours with clients in the cycle"] == "1.2 h"
    with pytest.raises(RoleForbids):
        territory_loads(team.company.actor("manager_north"))
