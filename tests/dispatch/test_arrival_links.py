"""Arrival links on the live desk: shown, made, taken back, and refused in words."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fieldcrm.arrival import service as arrival
from fieldcrm.arrival.model import LinkOver
from fieldcrm.pages.dispatch_state import Dispatch
from tests.dispatch.conftest import tree_with
from tests.dispatch.test_dispatch_state import call, cookie_for, foreign_visit
from tests.field import Field


def desk_of(user_id: str) -> Dispatch:
    return asyncio.run(tree_with(cookie_for(user_id)).get_state(Dispatch))


@pytest.fixture
def desk(field: Field) -> Dispatch:
    found: Any = desk_of(field.dispatcher.user_id)
    call(found, "load")
    call(found, "select_rep", field.reps[0].user_id)
    return found


def test_a_link_is_made_shown_once_and_taken_back(field: Field, desk: Dispatch) -> None:
    call(desk, "show_arrivals", field.visits[0])
    assert (desk.arrivals, desk.arrival_url) == ([], "")
    call(desk, "make_arrival")
    (row,) = desk.arrivals
    token = desk.arrival_url.rsplit("/", 1)[1]
    assert arrival.is_alive(token)
    assert row.text == "until 11:00, not opened yet"
    call(desk, "show_arrivals", field.visits[0])
    assert (desk.arrival_of, desk.arrival_url) == ("", "")
    call(desk, "show_arrivals", field.visits[0])
    assert (len(desk.arrivals), desk.arrival_url) == (1, "")
    call(desk, "revoke_arrival", row.id)
    assert desk.arrivals == []
    with pytest.raises(LinkOver):
        arrival.look(token, "192.0.2.1")


def test_another_teams_visit_and_link_are_refused_in_words(field: Field, desk: Dispatch) -> None:
    foreign = foreign_visit(field)
    call(desk, "show_arrivals", foreign)
    assert desk.arrival_trouble
    call(desk, "make_arrival")
    assert desk.arrival_url == ""
    theirs = arrival.make(field.admin, field.visits[0])
    other: Any = desk_of(field.other_manager.user_id)
    call(other, "load")
    call(other, "revoke_arrival", theirs.link.id)
    assert other.arrival_trouble
    assert arrival.is_alive(theirs.token)
