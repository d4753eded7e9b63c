"""A rep leaves: his clients, visits, promises and wanted frequency go to a colleague, and back."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import select

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Client, Promise, Territory
from fieldcrm.clients.views.model import ListState
from fieldcrm.handover import found, service, workbook
from fieldcrm.handover.found import by_rep, clients_of
from fieldcrm.handover.model import (
    BadHandover,
    HandoverMoved,
    HandoverUndone,
    HandoverUnknown,
    NothingToHandOver,
    Order,
    OtherTeam,
    TooManyClients,
)
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event, FeedEntry
from fieldcrm.messages.tables import Message
from fieldcrm.people.model import OutOfScope, RoleForbids
from fieldcrm.people.tables import User
from fieldcrm.planning.tables import CycleTarget
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit
from tests import field
from tests.field import NOW, TODAY, Field

TABLES = (Territory, Client, Visit, Promise, CycleTarget)
RESTLESS = {"version", "updated_at", "expected_at"}
"""What a row tells of having been touched, not of what it says."""


@pytest.fixture
def company(any_db: str, valkey: object) -> Iterator[Field]:
    """The company on each database, with a promise to the first rep's second doctor."""
    made = field.lay_out()
    with clock.held(NOW):
        _promise(made, 1, "Bring samples", TODAY - timedelta(days=1))
        yield made


def _promise(company: Field, client: int, text: str, due: date | None = None) -> str:
    with transaction() as session:
        rep = company.reps[0]
        made = clients.add_promise_in(
            session, rep, company.clients[client], rep.user_id, text, due
        )  # fmt: skip
        return made.id


def _order(company: Field, **more: Any) -> Order:
    return Order(company.reps[0].user_id, company.reps[1].user_id, TODAY, **more)


def _home(company: Field, rep: int) -> str:
    with reading() as session:
        wanted = select(Territory.id).where(Territory.rep_id == company.reps[rep].user_id)
        return session.exec(wanted).one()


def _dump() -> dict[str, list[dict[str, Any]]]:
    """Every row that a handover touches, but for what tells of the touching."""
    with reading() as session:
        return {
            str(table.__tablename__): sorted(
                ({k: v for k, v in row.model_dump().items() if k not in RESTLESS}
                 for row in session.exec(select(table))),
                key=lambda row: row["id"],
            )
            for table in TABLES
        }  # fmt: skip


def _do(company: Field, order: Order) -> str:
    seal = service.preview(company.manager, order).seal
    return service.hand_over(company.manager, order, seal).id


def _check_in(company: Field, visit: int, rep: int = 0) -> None:
    request = MoveRequest(
        company.visits[visit], "check_in", NOW, no_gps_reason="indoors", comment="in the basement"
    )
    visits.move(company.reps[rep], request)


def _close(company: Field, visit: int, rep: int = 0) -> None:
    visits.move(company.reps[rep], MoveRequest(company.visits[visit], "close", NOW, result="met"))


def test_a_look_changes_nothing_and_tells_what_would_go(company: Field) -> None:
    before = _dump()
    told = service.preview(company.manager, _order(company))
    assert (told.clients, told.visits, told.days, told.promises) == (6, 4, 1, 1)
    assert told.territories == ("Home of Anna",)
    first = told.brief[0]
    assert (first.name, [p.text for p in first.promises]) == ("Doctor 2", ["Bring samples"])
    assert first.next_visit == TODAY
    assert first.remaining > 0
    assert _dump() == before


def test_all_goes_and_the_colleague_is_told(company: Field) -> None:
    handover_id = _do(company, _order(company))
    new, old = company.reps[1].user_id, company.reps[0].user_id
    with reading() as session:
        assert {v.rep_id for v in session.exec(select(Visit))} == {new}
        assert {p.rep_id for p in session.exec(select(Promise))} == {new}
        kept = session.exec(select(CycleTarget).where(CycleTarget.rep_id == old)).all()
        assert sum(t.planned for t in kept) == 0, "he has reached nothing yet"
        assert set(company.clients) <= clients.clients_for_rep_in(session, new)
        woken = session.exec(select(FeedEntry).where(FeedEntry.entity == "client")).all()
        assert {e.entity_id for e in woken} >= set(company.clients)
        kinds = [e.kind for e in session.exec(select(Event).where(Event.subject_id == handover_id))]
    assert kinds == ["clients.handed_over"]
    with reading() as session:
        [task] = session.exec(select(Message).where(Message.rep_id == new)).all()
    assert "Anna" in task.text
    assert task.text.count("6") == 1
    [listed] = service.list_handovers(company.manager)
    assert (listed.from_name, listed.to_name, listed.clients, listed.visits) == (
        "Anna",
        "Boris",
        6,
        4,
    )


def test_undone_whole(company: Field) -> None:
    before = _dump()
    handover_id = _do(company, _order(company))
    assert _dump() != before
    done = service.undo(company.manager, handover_id)
    assert done.stayed == 0
    assert _dump() == before
    with pytest.raises(HandoverUndone):
        service.undo(company.manager, handover_id)


def test_what_was_reached_stays_with_who_reached_it(company: Field) -> None:
    wanted = next(
        t["planned"] for t in _dump()["cycle_target"] if t["client_id"] == company.clients[0]
    )
    _check_in(company, 0)
    _close(company, 0)
    _do(company, _order(company))
    with reading() as session:
        rows = session.exec(
            select(CycleTarget).where(CycleTarget.client_id == company.clients[0])
        ).all()
        closed = session.get_one(Visit, company.visits[0])
    parts = {row.rep_id: row.planned for row in rows}
    assert parts[company.reps[0].user_id] == 1
    assert sum(parts.values()) == wanted, "nothing is wanted more or less than before"
    assert closed.rep_id == company.reps[0].user_id


def test_a_visit_under_way_is_finished_by_its_rep(company: Field) -> None:
    _check_in(company, 0)
    assert service.preview(company.manager, _order(company)).staying == 1
    _do(company, _order(company))
    _close(company, 0)
    with reading() as session:
        assert session.get_one(Visit, company.visits[0]).rep_id == company.reps[0].user_id


def test_undoing_leaves_what_somebody_built_on(company: Field) -> None:
    handover_id = _do(company, _order(company))
    _check_in(company, 1, rep=1)
    with transaction() as session:
        promise = session.exec(select(Promise)).one()
        clients.keep_promise_in(session, company.reps[1], promise.id, NOW)
    done = service.undo(company.manager, handover_id)
    assert done.stayed == 2
    with reading() as session:
        reps = {v.id: v.rep_id for v in session.exec(select(Visit))}
    assert reps[company.visits[1]] == company.reps[1].user_id
    assert reps[company.visits[2]] == company.reps[0].user_id


def test_named_clients_go_into_a_territory_and_home_again(company: Field) -> None:
    before = _dump()
    into = _home(company, 1)
    some = frozenset(company.clients[:2])
    order = _order(company, client_ids=some, into_id=into)
    handover_id = _do(company, order)
    with reading() as session:
        homes = {c.id: c.territory_id for c in session.exec(select(Client))}
        moved = {
            v.client_id for v in session.exec(select(Visit)) if v.rep_id != company.reps[0].user_id
        }
    assert {c for c in homes if homes[c] == into} == some
    assert moved == some
    view, lines = service.brief_of(company.reps[1], handover_id)
    assert view.clients == len(lines) == 2
    service.undo(company.manager, handover_id)
    assert _dump() == before


@pytest.mark.parametrize("language", ["en", "ru", "ro"])
def test_the_brief_is_a_workbook_of_texts(company: Field, language: str) -> None:
    _promise(company, 2, "=HYPERLINK(1)")
    handover_id = _do(company, _order(company))
    content = workbook.export_xlsx(company.reps[1], handover_id, language)
    rows = CalamineWorkbook.from_filelike(BytesIO(content)).get_sheet_by_index(0).to_python()
    assert len(rows) == 7
    assert [str(row[3]).split(",")[0] for row in rows[1:3]] == ["Bring samples", "=HYPERLINK(1)"]
    sheet = zipfile.ZipFile(BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet, "a formula is only words"
    assert "3" in str(rows[1][3]), "by the third of March"


def test_by_territory(company: Field) -> None:
    with transaction() as session:
        second = Territory(id=ids.new_id(), name="Second", team_id=company.teams[0],
                           rep_id=company.reps[0].user_id)  # fmt: skip
        session.add(second)
    order = _order(company, territory_ids=frozenset({second.id}))
    told = service.preview(company.manager, order)
    assert (told.clients, told.visits, told.promises) == (0, 0, 0)
    _do(company, order)
    with reading() as session:
        assert session.get_one(Territory, second.id).rep_id == company.reps[1].user_id
    assert _home(company, 0)


def test_a_stale_look_moves_nothing(company: Field) -> None:
    order = _order(company)
    seal = service.preview(company.manager, order).seal
    _check_in(company, 3)
    before = _dump()
    with pytest.raises(HandoverMoved):
        service.hand_over(company.manager, order, seal)
    assert _dump() == before


def test_the_second_of_two_at_once_is_refused(company: Field) -> None:
    order = _order(company)
    seal = service.preview(company.manager, order).seal
    service.hand_over(company.manager, order, seal)
    with pytest.raises(NothingToHandOver):
        service.hand_over(company.manager, order, seal)
    assert len(service.list_handovers(company.manager)) == 1


def test_who_has_left_can_still_be_followed(company: Field) -> None:
    with transaction() as session:
        session.get_one(User, company.reps[0].user_id).is_active = False
    _do(company, _order(company))
    with transaction() as session:
        session.get_one(User, company.reps[1].user_id).is_active = False
    back = Order(company.reps[1].user_id, company.reps[0].user_id, TODAY)
    with pytest.raises(BadHandover):
        service.preview(company.manager, back)


def test_what_cannot_be_asked_for(company: Field) -> None:
    anna, boris, carla = (r.user_id for r in company.reps)
    home = _home(company, 1)
    own = company.clients[0]
    wrong = [
        Order(anna, anna, TODAY),
        Order(anna, boris, TODAY - timedelta(days=1)),
        Order(anna, boris, TODAY + timedelta(days=200)),
        Order(anna, boris, TODAY, territory_ids=frozenset({home})),
        Order(anna, boris, TODAY, client_ids=frozenset({own})),
        Order(anna, boris, TODAY, client_ids=frozenset({own}), into_id=_home(company, 0)),
        Order(anna, boris, TODAY, client_ids=frozenset({company.foreign_client}), into_id=home),
        Order(anna, boris, TODAY, frozenset({home}), frozenset({own}), home),
    ]
    for order in wrong:
        with pytest.raises(BadHandover):
            service.preview(company.manager, order)
    with pytest.raises(OtherTeam):
        service.preview(company.admin, Order(anna, carla, TODAY))


def test_only_a_manager_of_the_team_may(company: Field) -> None:
    order = _order(company)
    for actor in (company.reps[0], company.dispatcher):
        with pytest.raises(RoleForbids):
            service.preview(actor, order)
    with pytest.raises(OutOfScope):
        service.preview(company.other_manager, order)
    handover_id = _do(company, order)
    assert service.list_handovers(company.other_manager) == []
    for stranger in (company.other_manager, company.reps[2], company.reps[0]):
        with pytest.raises(HandoverUnknown):
            service.brief_of(stranger, handover_id)
    with pytest.raises(HandoverUnknown):
        service.undo(company.other_manager, handover_id)
    with pytest.raises(RoleForbids):
        service.undo(company.reps[1], handover_id)


def test_a_list_finds_the_clients_of_who_hands_over_alone(
    company: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, boris = company.reps[0].user_id, company.reps[1].user_id
    every, doctors = ListState(), ListState(search="Doctor 2")
    assert by_rep(company.manager, every) == {anna: 6}
    his = clients_of(company.manager, anna, every)
    assert (len(his), his >= set(company.clients)) == (6, True)
    assert clients_of(company.manager, anna, doctors) == {company.clients[1]}
    with pytest.raises(NothingToHandOver):
        clients_of(company.manager, boris, every)
    with pytest.raises(NothingToHandOver):
        clients_of(company.manager, anna, ListState(is_archive=True))
    monkeypatch.setattr(found, "CLIENTS_MOST", 5)
    with pytest.raises(TooManyClients):
        clients_of(company.manager, anna, every)


def test_only_a_manager_of_the_team_is_told_what_a_list_finds(company: Field) -> None:
    anna, carla = company.reps[0].user_id, company.reps[2].user_id
    for actor in (company.reps[0], company.dispatcher):
        with pytest.raises(RoleForbids):
            by_rep(actor, ListState())
        with pytest.raises(RoleForbids):
            clients_of(actor, anna, ListState())
    with pytest.raises(OutOfScope):
        clients_of(company.manager, carla, ListState())
    assert anna not in by_rep(company.other_manager, ListState())
    assert by_rep(company.admin, ListState())[anna] == 6


def test_clients_of_a_list_are_handed_over_as_named_ones(company: Field) -> None:
    before = _dump()
    some = clients_of(company.manager, company.reps[0].user_id, ListState(search="Doctor 2"))
    heard: list[float] = []
    order = _order(company, client_ids=some, into_id=_home(company, 1))
    seal = service.preview(company.manager, order).seal
    done = service.hand_over(company.manager, order, seal, heard.append)
    assert (done.clients, done.promises) == (1, 1)
    assert heard == sorted(heard)
    assert (len(heard), heard[-1]) == (1 + done.promises + done.visits + 1, 1.0)
    service.undo(company.manager, done.id)
    assert _dump() == before
