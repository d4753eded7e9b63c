"""The day's board: read once, then only those reps of whom something changed, within one's teams."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event

from fieldcrm.clients import service as clients
from fieldcrm.kit import ids
from fieldcrm.kit.database import engine, transaction
from fieldcrm.people.model import RoleForbids
from fieldcrm.visits import board
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit
from tests.field import NOW, TODAY, Field


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """What reads visits from the database meanwhile."""
    seen: list[str] = []

    def note(_1: object, _2: object, statement: str, parameters: object, *_: object) -> None:
        if "FROM visit" in statement:
            seen.append(f"{statement} {parameters}")

    target = engine()
    event.listen(target, "before_cursor_execute", note)
    yield seen
    event.remove(target, "before_cursor_execute", note)


def states(company: Field) -> dict[str, str]:
    return {v.id: v.state for v in board.visits_of_day(company.manager, TODAY)}


def cancel(company: Field, visit_id: str) -> None:
    with transaction() as session:
        visits.apply_move(
            session, company.manager, MoveRequest(visit_id, "cancel", NOW, reason="x")
        )


def test_it_holds_what_the_list_holds_for_each_reader(company: Field) -> None:
    assert set(states(company)) == set(company.visits)
    assert len(board.visits_of_day(company.admin, TODAY)) == 4
    assert board.visits_of_day(company.other_manager, TODAY) == []
    assert board.visits_of_day(company.manager, TODAY + timedelta(days=1)) == []
    assert board.visits_of_day(company.manager, TODAY)[0].client_name.startswith("Doctor")
    with pytest.raises(RoleForbids):
        board.visits_of_day(company.reps[0], TODAY)


def test_nothing_is_read_again_while_nothing_changes(company: Field, statements: list[str]) -> None:
    first = states(company)
    statements.clear()
    assert states(company) == first
    assert statements == []


def test_a_change_reads_its_reps_visits_and_no_others(
    company: Field, statements: list[str]
) -> None:
    states(company)
    cancel(company, company.visits[0])
    statements.clear()
    assert states(company)[company.visits[0]] == "cancelled"
    (read,) = statements
    assert company.reps[0].user_id in read
    assert company.reps[2].user_id not in read


def test_a_visit_given_to_another_leaves_the_first_and_a_renamed_client_is_renamed(
    company: Field,
) -> None:
    states(company)
    given, other = company.visits[1], company.reps[1].user_id
    with transaction() as session:
        visits.apply_move(session, company.manager, MoveRequest(given, "assign", NOW, rep_id=other))
    clients.save(company.manager, {"name": "Doctor Renamed"}, company.clients[0])
    found = {v.id: v for v in board.visits_of_day(company.manager, TODAY)}
    assert len(found) == 4
    assert found[given].rep_id == other
    assert "Doctor Renamed" in {v.client_name for v in found.values()}


def test_now_and_then_everything_is_read(company: Field, monkeypatch: pytest.MonkeyPatch) -> None:
    states(company)
    with transaction() as session:  # as a restored row, of which the feed says nothing
        visit = session.get(Visit, company.visits[0])
        assert visit is not None
        visit.state = "missed"
    assert states(company)[company.visits[0]] == "planned"
    monkeypatch.setattr(board, "WHOLE_EVERY_S", -1.0)
    assert states(company)[company.visits[0]] == "missed"


def test_many_changed_reps_are_read_in_pieces() -> None:
    assert len(list(board._pieces([ids.new_id() for _ in range(1201)]))) == 3
    assert list(board._pieces([])) == []
