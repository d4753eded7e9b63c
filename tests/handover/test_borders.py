"""Borders of a what-if taken over: looked at, done as one, undone whole; by those alone who may."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest
from sqlmodel import select

from fieldcrm.clients.tables import Client, Territory
from fieldcrm.handover import borders
from fieldcrm.handover import service as handovers
from fieldcrm.handover.model import BordersNotTaken, BordersUnfit, HandoverMoved
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor, RoleForbids
from fieldcrm.planning import whatif
from fieldcrm.planning.whatif_model import Change, NoScenario, ScenarioNotReady
from tests.planning.test_whatif import asked, done
from tests.planning.test_whatif import boss as boss
from tests.planning.test_whatif import field as field
from tests.reports.conftest import Field

NORTH, SECOND = "rep_north", "second_north"


def worked_out(field: Field, boss: Actor, change: Change) -> str:
    """The id of a scenario with one change."""
    question = asked(field, boss)
    whatif.add(boss, question, [change])
    return done(boss, question).scenarios[1].id


@pytest.fixture
def without_north(field: Field, boss: Actor) -> str:
    """A scenario in which the other rep has all of the team's cells."""
    return worked_out(field, boss, Change("lose_rep", rep_id=field.company.users[NORTH]))


def today() -> date:
    return clock.local(clock.now()).date()


def homes() -> Mapping[str, str | None]:
    """Client -> territory."""
    with reading() as session:
        return {c.id: c.territory_id for c in session.exec(select(Client))}


def of(field: Field, login: str) -> str:
    """The territory of a rep."""
    with reading() as session:
        wanted = select(Territory).where(Territory.rep_id == field.company.users[login])
        return session.exec(wanted).one().id


def owners() -> set[str | None]:
    with reading() as session:
        reps = {t.id: t.rep_id for t in session.exec(select(Territory))}
        return {reps[c.territory_id or ""] for c in session.exec(select(Client))}


def logged(kind: str) -> list[Event]:
    with reading() as session:
        return list(session.exec(select(Event).where(Event.kind == kind)))


def test_who_lies_in_anothers_cell_goes_over_and_comes_back(
    field: Field, boss: Actor, without_north: str
) -> None:
    before, users = homes(), field.company.users
    seen = borders.preview(boss, without_north, today())
    assert seen.clients == 6
    assert sum(seen.pairs.values()) == 6
    assert {(m.from_rep_id, m.to_rep_id) for m in seen.lines} == {(users[NORTH], users[SECOND])}
    assert {m.client_id for m in seen.lines} == {
        c for c, home in before.items() if home == of(field, NORTH)
    }
    assert {m.into_id for m in seen.lines} == {of(field, SECOND)}
    assert homes() == before, "looking moves nothing"
    taken = borders.take_over(boss, without_north, today(), seen.seal)
    assert taken.clients == 6
    assert owners() == {users[SECOND]}
    assert [e.data["clients"] for e in logged("territory.redrawn")] == [6]
    assert borders.taken(boss, without_north) == taken
    with pytest.raises(BordersUnfit):
        borders.preview(boss, without_north, today())
    assert borders.undo(boss, without_north) == 0
    assert homes() == before
    assert len(logged("territory.redrawing_undone")) == 1
    with pytest.raises(BordersNotTaken):
        borders.undo(boss, without_north)
    assert borders.preview(boss, without_north, today()).clients == 6, "it can be had again"


def test_what_was_given_back_by_itself_is_not_given_back_twice(
    boss: Actor, without_north: str
) -> None:
    before = homes()
    seen = borders.preview(boss, without_north, today())
    (one,) = borders.take_over(boss, without_north, today(), seen.seal).handovers
    handovers.undo(boss, one)
    assert borders.undo(boss, without_north) == 0
    assert homes() == before


def test_what_changed_since_it_was_looked_at_is_not_done(
    field: Field, boss: Actor, without_north: str
) -> None:
    seen = borders.preview(boss, without_north, today())
    with transaction() as session:
        home = of(field, NORTH)
        session.exec(
            select(Client).where(Client.territory_id == home)
        ).first().archived_at = clock.now()  # type: ignore[union-attr]
    before = homes()
    with pytest.raises(HandoverMoved):
        borders.take_over(boss, without_north, today(), seen.seal)
    with pytest.raises(HandoverMoved):
        borders.take_over(boss, without_north, today(), "")
    assert homes() == before


def test_a_client_without_a_position_stays(field: Field, boss: Actor, without_north: str) -> None:
    with transaction() as session:
        for client in session.exec(select(Client).where(Client.territory_id == of(field, NORTH))):
            client.lat = client.lng = None
    seen = borders.preview(boss, without_north, today())
    assert (seen.clients, seen.seal) == (0, "")
    with pytest.raises(HandoverMoved):
        borders.take_over(boss, without_north, today(), "")


def test_borders_of_somebody_who_isn_t_there_can_t_be_had(field: Field, boss: Actor) -> None:
    more = worked_out(field, boss, Change("add_rep", mode="car"))
    with pytest.raises(BordersUnfit):
        borders.preview(boss, more, today())


def test_only_a_manager_of_the_team_takes_borders_over(
    field: Field, boss: Actor, without_north: str
) -> None:
    seen = borders.preview(boss, without_north, today())
    for login, why in (
        ("dispatcher_north", RoleForbids), ("rep_north", RoleForbids), ("manager_south", NoScenario),
    ):  # fmt: skip
        actor = field.company.actor(login)
        for act in (
            lambda a=actor: borders.preview(a, without_north, today()),
            lambda a=actor: borders.take_over(a, without_north, today(), seen.seal),
            lambda a=actor: borders.undo(a, without_north),
            lambda a=actor: borders.taken(a, without_north),
        ):
            with pytest.raises(why):
                act()
    question = asked(field, boss)
    base = whatif.question(boss, question).scenarios[0].id
    with pytest.raises(ScenarioNotReady):
        borders.preview(boss, base, today())
    assert owners() == {field.company.users[NORTH], field.company.users[SECOND]}
