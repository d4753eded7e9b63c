"""Who may be seen changes while a desk looks: it hears of nobody else from then on, at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from fieldcrm.people import service as people
from tests.gateway.test_sockets import WORLD, fixes, frame, phone, told
from tests.gateway.town import GatewayProcess, Town


def change(town: Town, user_id: str, **changes: Any) -> None:
    people.save_user(people.actor_of(town.admin), changes, user_id)


def look(desk: Any) -> list[int]:
    """The roster's indices of the reps that a snapshot names."""
    kind, _, records = frame(desk)
    assert kind == 1
    return [record[0] for record in records]


def test_a_rep_who_leaves_the_team_is_seen_by_its_desk_no_more(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift()
    with (
        gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk,
        phone(gateway, town.cookie(town.reps[0])) as mine,
    ):
        (row,) = told(desk, "roster")["reps"]
        desk.send(json.dumps(WORLD))
        assert look(desk) == [row["i"]]
        mine.send(fixes(1))
        told(mine, "ack")
        assert frame(desk)[0] == 2
        change(town, town.reps[0], team_id=town.teams[1])
        assert told(desk, "roster")["reps"] == []
        assert look(desk) == []
        mine.send(fixes(2, first_seq=10))
        told(mine, "ack")
        desk.send('{"t":"resync"}')
        assert look(desk) == []
        change(town, town.reps[0], team_id=town.teams[0])
        assert told(desk, "roster")["reps"] == [row]
        assert look(desk) == [row["i"]]


def test_a_dispatcher_who_loses_a_team_loses_its_reps_at_once(
    gateway: GatewayProcess, town: Town
) -> None:
    town.shift()
    with gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk:
        (row,) = told(desk, "roster")["reps"]
        desk.send(json.dumps(WORLD))
        assert look(desk) == [row["i"]]
        change(town, town.dispatcher, team_ids=[town.teams[1]])
        (other,) = told(desk, "roster")["reps"]
        assert other["id"] == town.reps[1]
        assert look(desk) == [other["i"]]


def test_a_dispatcher_who_becomes_a_rep_has_no_desk(gateway: GatewayProcess, town: Town) -> None:
    with gateway.socket("/ws/desk", town.cookie(town.dispatcher)) as desk:
        told(desk, "roster")
        change(town, town.dispatcher, role="rep", team_id=town.teams[0])
        with pytest.raises(ConnectionClosed) as closed:
            told(desk, "nothing")
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401
