"""What a gateway knows of the reps: read once, then by change; nobody is read again for nothing."""

from __future__ import annotations

import asyncio

from sqlalchemy import event

from fieldcrm.kit import clock, feed, ids
from fieldcrm.kit.database import engine, reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM
from fieldcrm.people.tables import User
from fieldcrm.tracking import shifts
from tests.gateway.town import Town
from workers.gateway.crew import Crew, read_crew


class Told:
    """A crew, and of whom it said that they changed."""

    def __init__(self) -> None:
        self.changes: list[set[str]] = []
        self.crew = Crew(self.changes.append)
        asyncio.run(self.crew.load())
        self.changes.clear()

    def look(self, *asked: str) -> None:
        asyncio.run(self.crew._look(frozenset(asked)))


def test_everybody_is_read_once_and_nobody_again_for_nothing(town: Town) -> None:
    told = Told()
    assert set(told.crew.members) == set(town.reps)
    before = told.crew.members
    tables: list[str] = []

    def note(_1: object, _2: object, statement: str, *_: object) -> None:
        tables.append(statement)

    event.listen(engine(), "before_cursor_execute", note)
    told.look()
    event.remove(engine(), "before_cursor_execute", note)
    assert told.crew.members is before
    assert told.changes == []
    assert not [s for s in tables if "user" in s or "shift" in s or "visit" in s]


def test_a_change_is_seen_without_a_notice(town: Town) -> None:
    told = Told()
    town.shift(rep=1, hours_ago=1)
    told.look()
    assert told.changes == [{town.reps[1]}]
    assert len(told.crew.member(town.reps[1]).spans) == 1
    with reading() as session:
        assert told.crew._seq == feed.newest(session)
    told.look()
    assert len(told.changes) == 1


def test_what_a_notice_names_is_read_at_once(town: Town) -> None:
    told = Told()
    with transaction() as session:  # as a restored row, of which the feed says nothing
        rep = session.get(User, town.reps[0])
        assert rep is not None
        rep.name = "Renamed"
    told.look()
    assert told.changes == []
    told.look(town.reps[0])
    assert told.changes == [{town.reps[0]}]
    assert told.crew.member(town.reps[0]).name == "Renamed"


def test_who_left_is_gone_at_the_next_look_and_comes_back_under_his_number(town: Town) -> None:
    told = Told()
    number = told.crew.index_of[town.reps[0]]
    people.deactivate_user(SYSTEM, town.reps[0])
    told.look()
    assert town.reps[0] not in told.crew.members
    assert told.changes == [{town.reps[0]}]
    people.activate_user(SYSTEM, town.reps[0])
    told.look()
    assert told.crew.index_of[town.reps[0]] == number
    assert told.crew.member(town.reps[0]).team_id == town.teams[0]


def test_after_a_restore_everybody_is_read(town: Town) -> None:
    town.shift()
    with reading() as session:
        ahead = feed.newest(session) + 1000
    assert read_crew(frozenset(), ahead).asked is None
    assert set(read_crew(frozenset(), ahead).found) == set(town.reps)


def test_the_rare_whole_look_finds_what_nothing_told(town: Town) -> None:
    told = Told()
    with transaction() as session:
        session.add(User(id=ids.new_id(), login="new", name="New", role="rep", created_at=clock.now(),
                         team_id=town.teams[0], password_hash=""))  # fmt: skip
    told.look()
    assert len(told.crew.members) == 2
    told.crew._whole_at = -10_000.0
    told.crew._forget_what_is_old()
    told.look()
    assert len(told.crew.members) == 3


def test_a_shift_that_ends_is_a_change(town: Town) -> None:
    shift_id = town.shift()
    told = Told()
    assert told.crew.member(town.reps[0]).spans[0].end_ms is None
    with transaction() as session:
        shifts.end_shift_in(session, town.actor(), shift_id, clock.now())
    told.look()
    assert told.crew.member(town.reps[0]).spans[0].end_ms is not None
