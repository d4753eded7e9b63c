"""The log tells what an administrator changed: old and new values, names instead of ids, no secret."""

from __future__ import annotations

import json
from typing import Any

from fieldcrm.clients import service as clients
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM
from fieldcrm.reports import event_words
from tests.reports.conftest import Field


def last(kind: str, language: str = "en") -> tuple[dict[str, Any], str]:
    """The newest event of a kind: its data and what a reader sees of it."""
    event = people.event_log(SYSTEM, kind)[0]
    return event.data, event_words.told(SYSTEM, [event], language)[0].change


def test_a_users_change_tells_old_and_new(team: Field) -> None:
    admin, users = team.company.actor("admin"), team.company.users
    people.save_user(admin, {"name": "Aino K", "mode": "foot", "shift_start_min": 510},
                     users["rep_north"])  # fmt: skip
    data, told = last("user.changed")
    assert data["after"] == {"name": "Aino K", "mode": "foot", "shift_start_min": 510}
    assert "Name: Rep North → Aino K" in told
    assert "Shift from: 09:00 → 08:30" in told
    assert "название: Rep North → Aino K" in last("user.changed", "ru")[1]


def test_a_change_of_teams_names_them(team: Field) -> None:
    admin, company = team.company.actor("admin"), team.company
    people.save_user(
        admin, {"team_ids": list(company.teams.values())}, company.users["manager_north"]
    )
    _, told = last("user.changed")
    assert told.startswith("Teams: north → ")
    assert set(told.rpartition("→ ")[2].split(", ")) == {"north", "south"}
    people.save_user(admin, {"team_id": company.teams["south"]}, company.users["rep_north"])
    assert last("user.changed")[1] == "Team: north → south"


def test_ones_own_language_and_a_teams_name(team: Field) -> None:
    people.set_language(team.company.actor("rep_north"), "ro")
    assert last("user.changed")[1] == "Language: en → ro"
    people.save_team(team.company.actor("admin"), "Nord", team.company.teams["north"])
    assert last("team.changed")[1] == "Name: north → Nord"


def test_a_territorys_change_names_the_reps_and_the_size_of_its_area(team: Field) -> None:
    admin, users = team.company.actor("admin"), team.company.users
    place = team.add_territory("north", "rep_north", name="Kallio")
    changes = {"rep_id": users["second_north"], "cells": ["8a1126d36a6ffff", "8a1126d36a67fff"]}
    clients.save_territory(admin, changes, place)
    _, told = last("territory.changed")
    assert "Representative: Rep North → Second North" in told
    assert "Cells of the area: 0 → 2" in told
    made = clients.save_territory(
        admin, {"name": "Sörnäinen", "team_id": team.company.teams["north"]}
    )
    assert last("territory.added")[1].startswith("Name: — → Sörnäinen")
    assert made.rep_id is None


def test_no_secret_ever_stands_in_the_log(team: Field) -> None:
    admin, secret = team.company.actor("admin"), "a very secret password"
    user = people.save_user(admin, {"login": "new", "name": "New", "role": "manager",
                                    "password": secret})  # fmt: skip
    people.save_user(admin, {"name": "Newer", "password": secret + "2"}, user.id)
    people.set_password(admin, user.id, secret + "3")
    log = json.dumps([e.data for e in people.event_log(SYSTEM, limit=500)])
    assert secret not in log
    assert "argon2" not in log
