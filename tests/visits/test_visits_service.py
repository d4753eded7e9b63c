"""Moves through the service, on real databases: rows, changes, events, feed, scope, lists."""

from __future__ import annotations

import base64
import threading
from contextvars import copy_context
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients.tables import Client, Promise
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import NotFound
from fieldcrm.kit.tables import Event, FeedEntry
from fieldcrm.people.model import Actor, OutOfScope
from fieldcrm.visits import category_order, running, service
from fieldcrm.visits.model import (
    BadCursor,
    BadSort,
    ClientUnknown,
    IllegalMove,
    MissingNeed,
    MoveForbidden,
    MoveRequest,
    NewAttachment,
    NextStep,
    Position,
    UnknownResult,
    VisitExists,
    VisitFilters,
    VisitNotFound,
    WrongDay,
)
from fieldcrm.visits.tables import Visit, VisitChange
from tests.field import LAT, LNG, NOW, TODAY, Field


def here(**more: Any) -> Position:
    return Position(LAT, LNG, 8.0, NOW - timedelta(seconds=4), **more)


def move(actor: Actor, visit_id: str, name: str, **fields: Any) -> Visit:
    return service.move(actor, MoveRequest(visit_id, name, fields.pop("at", NOW), **fields))


def held(rep: Actor, visit_id: str, **fields: Any) -> Visit:
    """Check in and close."""
    move(rep, visit_id, "check_in", position=here())
    return move(rep, visit_id, "close", result="met", at=NOW + timedelta(minutes=15), **fields)


def test_a_visit_from_check_in_to_promise(company: Field) -> None:
    rep, visit_id = company.reps[0], company.visits[0]
    device_at = NOW - timedelta(minutes=40)
    begun = move(
        rep, visit_id, "check_in", device_at=device_at, offset_ms=2_400_000,
        position=Position(LAT, LNG, 8.0, device_at - timedelta(seconds=3)),
    )  # fmt: skip
    assert begun.state == "under_way"
    assert begun.check_in is not None
    assert begun.check_in["position_state"] == "fresh"
    assert begun.check_in["device_at_ms"] + 2_400_000 == begun.check_in["at_ms"]
    assert begun.check_in["fix_at_ms"] == begun.check_in["at_ms"] - 3000
    done = move(
        rep, visit_id, "close", result="met", comment="fine", at=NOW + timedelta(minutes=12),
        details={"samples": {"x": 2}}, next_step=NextStep("bring samples", TODAY),
        attachments=(NewAttachment(ids.new_id(), "a" * 64),),
    )  # fmt: skip
    assert (done.state, done.version, done.verdict) == ("closed", 3, "unjudged")
    detail = service.get(company.manager, visit_id)
    assert [c.move for c in detail.changes] == ["check_in", "close"]
    assert detail.changes[0].device_at == device_at
    assert detail.changes[0].at == NOW
    assert detail.changes[1].data["after"]["result"] == "met"
    assert [a.sha256 for a in detail.attachments] == ["a" * 64]
    with reading() as s:
        promise = s.exec(select(Promise)).one()
        kinds = [e.kind for e in s.exec(select(Event).where(Event.subject_id == visit_id))]
    assert (promise.text, promise.visit_id, done.promise_id) == (
        "bring samples",
        visit_id,
        promise.id,
    )
    assert sorted(kinds) == ["visit.check_in", "visit.close"]


def test_every_move_tells_the_phone(company: Field) -> None:
    held(company.reps[0], company.visits[0])
    with reading() as s:
        told = {(e.rep_id, e.entity) for e in s.exec(select(FeedEntry))}
    rep = company.reps[0].user_id
    assert {(rep, "visit"), (rep, "client"), (rep, "profile")} <= told


def test_stale_or_missing_position_is_refused(company: Field) -> None:
    rep, visit_id = company.reps[0], company.visits[0]
    old = Position(LAT, LNG, 8.0, NOW - timedelta(seconds=61))
    for fields in ({}, {"position": old}, {"no_gps_reason": "indoors"}):
        with pytest.raises(MissingNeed) as refused:
            move(rep, visit_id, "check_in", **fields)
        assert refused.value.code == "position_needed"
    explained = move(rep, visit_id, "check_in", position=old, no_gps_reason="cellar", comment="B1")
    assert explained.check_in is not None
    assert explained.check_in["position_state"] == "stale"
    assert explained.comment == "B1"


def test_a_replay_changes_nothing(company: Field) -> None:
    rep, visit_id, change_id = company.reps[0], company.visits[0], ids.new_id()
    for _ in range(20):
        visit = move(rep, visit_id, "check_in", position=here(), change_id=change_id)
    assert visit.version == 2
    with reading() as s:
        assert len(s.exec(select(VisitChange)).all()) == 1


def test_a_closed_visit_is_only_revised(company: Field) -> None:
    rep, visit_id = company.reps[0], company.visits[0]
    closed = held(rep, visit_id, comment="first")
    with pytest.raises(IllegalMove):
        move(rep, visit_id, "close", result="met")
    with pytest.raises(IllegalMove):
        move(company.manager, visit_id, "cancel", reason="no")
    with pytest.raises(MissingNeed):
        move(rep, visit_id, "revise")
    revised = move(rep, visit_id, "revise", changes={"comment": None})
    assert revised.comment is None
    assert revised.closed_at == closed.closed_at
    change = service.get(rep, visit_id).changes[-1]
    assert change.data["before"]["comment"] == "first"
    assert change.data["after"]["comment"] is None
    with pytest.raises(MissingNeed) as late:
        move(rep, visit_id, "revise", changes={"comment": "x"}, at=NOW + timedelta(days=1))
    assert late.value.code == "revise_too_late"
    assert move(company.manager, visit_id, "revise", changes={"comment": "seen"},
                at=NOW + timedelta(days=1)).comment == "seen"  # fmt: skip


def test_overlapping_revisions_keep_both(company: Field) -> None:
    rep, visit_id = company.reps[0], company.visits[0]
    seen = held(rep, visit_id, comment="first").version
    move(company.manager, visit_id, "revise", changes={"comment": "boss"}, base_version=seen)
    both = move(
        rep, visit_id, "revise", base_version=seen,
        changes={"comment": "rep", "details": {"products": ["p"]}},
    )  # fmt: skip
    assert both.comment == "boss"
    assert both.details == {"products": ["p"]}
    assert [(c["field"], c["value"], c["actor_id"]) for c in both.conflicts] == [
        ("comment", "rep", rep.user_id)
    ]
    found = service.list_visits(company.manager, VisitFilters(has_conflict=True)).rows
    assert [v.visit.id for v in found] == [visit_id]
    settled = move(company.manager, visit_id, "revise", changes={"comment": "both: boss, rep"},
                   base_version=both.version)  # fmt: skip
    assert settled.conflicts == []
    assert service.list_visits(company.manager, VisitFilters(has_conflict=True)).rows == []


def test_other_people_and_roles_are_refused(company: Field) -> None:
    visit_id = company.visits[0]
    for stranger in (company.reps[1], company.reps[2], company.other_manager):
        with pytest.raises(VisitNotFound):
            move(stranger, visit_id, "cancel", reason="mine")
        with pytest.raises(VisitNotFound):
            service.get(stranger, visit_id)
        assert service.list_visits(stranger).rows == []
    for office in (company.dispatcher, company.manager, company.admin):
        with pytest.raises(MoveForbidden):
            move(office, visit_id, "check_in", position=here())
    with pytest.raises(OutOfScope):
        service.day(company.reps[1], company.reps[0].user_id, TODAY)
    with pytest.raises(OutOfScope):
        service.day(company.other_manager, company.reps[0].user_id, TODAY)
    assert len(service.day(company.dispatcher, company.reps[0].user_id, TODAY)) == 4


def test_a_rep_replaying_anothers_change_id_sees_nothing(company: Field) -> None:
    change_id = ids.new_id()
    move(company.reps[0], company.visits[0], "check_in", position=here(), change_id=change_id)
    with pytest.raises(VisitNotFound):
        move(company.reps[1], company.visits[0], "check_in", position=here(), change_id=change_id)


def test_an_unplanned_visit(company: Field) -> None:
    rep, new = company.reps[0], ids.new_id()
    visit = move(rep, new, "create", client_id=company.clients[0], day=TODAY, objective="asked")
    assert (visit.state, visit.is_unplanned, visit.position) == ("planned", True, 5)
    assert visit.place_id == company.hospital
    assert visit.lat == pytest.approx(LAT)
    for wrong, refusal in (
        ({"client_id": company.foreign_client, "day": TODAY}, ClientUnknown),
        ({"client_id": "nobody", "day": TODAY}, ClientUnknown),
        (
            {"client_id": company.clients[1], "day": TODAY, "place_id": company.hospital},
            ClientUnknown,
        ),
        ({"client_id": company.clients[1], "day": TODAY - timedelta(days=1)}, WrongDay),
    ):
        with pytest.raises(refusal):
            move(rep, ids.new_id(), "create", **wrong)
    with pytest.raises(VisitExists):
        move(rep, new, "create", client_id=company.clients[1], day=TODAY)


def test_an_unplanned_visit_made_about_midnight_by_a_clock_that_was_set(company: Field) -> None:
    rep, yesterday = company.reps[0], TODAY - timedelta(days=1)
    midnight = clock.day_bounds(TODAY)[0]
    wanted = {"client_id": company.clients[0], "day": yesterday}
    made = move(rep, ids.new_id(), "create", at=midnight + timedelta(minutes=50), **wanted)
    assert made.day == yesterday
    with pytest.raises(WrongDay):
        move(rep, ids.new_id(), "create", at=midnight + timedelta(minutes=70), **wanted)
    with pytest.raises(WrongDay):  # the office plans no visit for a day that is over
        move(company.dispatcher, ids.new_id(), "plan", at=midnight + timedelta(minutes=50),
             rep_id=rep.user_id, **wanted)  # fmt: skip


def test_moving_to_another_day_makes_its_successor(company: Field) -> None:
    rep, visit_id, new = company.reps[0], company.visits[1], ids.new_id()
    later = TODAY + timedelta(days=2)
    moved = move(rep, visit_id, "move", day=later, reason="ill", new_visit_id=new)
    assert (moved.state, moved.moved_to_id, moved.reason) == ("moved", new, "ill")
    successor = service.get(rep, new).view.visit
    assert (successor.state, successor.day, successor.client_id) == (
        "planned",
        later,
        moved.client_id,
    )
    with pytest.raises(IllegalMove):
        move(rep, visit_id, "move", day=later, reason="again")


def test_assigning_stays_within_the_teams(company: Field) -> None:
    visit_id = company.visits[0]
    moved = move(company.dispatcher, visit_id, "assign", rep_id=company.reps[1].user_id, order=2)
    assert (moved.rep_id, moved.position) == (company.reps[1].user_id, 2)
    with reading() as s:
        told = {e.rep_id for e in s.exec(select(FeedEntry).where(FeedEntry.entity_id == visit_id))}
    assert told == {company.reps[0].user_id, company.reps[1].user_id}
    with pytest.raises(OutOfScope):
        move(company.dispatcher, visit_id, "assign", rep_id=company.reps[2].user_id)
    with pytest.raises(MoveForbidden):
        move(company.reps[1], visit_id, "assign", rep_id=company.reps[1].user_id)


def test_missed_at_the_end_of_the_day_and_late_facts(company: Field) -> None:
    rep = company.reps[0]
    held(rep, company.visits[0])
    move(rep, company.visits[1], "check_in", position=here())
    assert service.mark_missed(NOW) == 0
    tomorrow = NOW + timedelta(hours=20)
    with clock.held(tomorrow):
        assert service.mark_missed(tomorrow) == 2
        assert service.mark_missed(tomorrow) == 0
        states = [v.visit.state for v in service.day(rep, rep.user_id, TODAY)]
        assert states == ["closed", "under_way", "missed", "missed"]
        late = move(rep, company.visits[2], "check_in", position=here())
        assert late.state == "under_way"
        assert late.checked_in_at == NOW


def test_a_turned_clock_never_closes_before_the_check_in(company: Field) -> None:
    rep, visit_id = company.reps[0], company.visits[0]
    move(rep, visit_id, "check_in", position=here())
    closed = move(rep, visit_id, "close", result="met", at=NOW - timedelta(hours=1))
    assert closed.closed_at == closed.checked_in_at == NOW


def test_running_late_moves_expected_times(company: Field) -> None:
    late = NOW + timedelta(minutes=60)
    with clock.held(late):
        held(company.reps[0], company.visits[0])
        move(company.reps[0], company.visits[0], "revise", changes={"comment": "x"}, at=late)
        day = service.day(company.dispatcher, company.reps[0].user_id, TODAY)
    assert day[1].visit.expected_at == late
    assert day[1].visit.planned_at == NOW + timedelta(minutes=30)


def test_time_alone_moves_expected_times(company: Field) -> None:
    """Nobody presses anything: what should have begun moves on, and the phone hears of it."""
    rep = company.reps[0]
    with transaction() as session:
        running.refresh_expected_in(session, rep.user_id, TODAY)
    late = NOW + timedelta(minutes=45)
    with clock.held(late):
        assert running.refresh_running_days(late) == 1
        day = service.day(company.dispatcher, rep.user_id, TODAY)
        assert day[0].visit.expected_at == late
        assert day[0].visit.planned_at == NOW
        with reading() as session:
            last = session.exec(select(FeedEntry).where(FeedEntry.rep_id == rep.user_id)).all()
        assert company.visits[0] in {entry.entity_id for entry in last}


def test_a_break_falls_where_it_is_taken_and_then_is_over(company: Field) -> None:
    rep = company.reps[0]
    with transaction() as session:
        planned = service.store.day_of(session, rep.user_id, TODAY)[3]
        planned.pause_min = 30
        session.add(planned)
        running.begin_pause_in(session, rep.user_id, TODAY)
    pauses = [v.visit.pause_min for v in service.day(rep, rep.user_id, TODAY)]
    assert pauses == [30, 0, 0, 0]
    with transaction() as session:
        running.end_pause_in(session, rep.user_id, TODAY)
    assert not any(v.visit.pause_min for v in service.day(rep, rep.user_id, TODAY))


def test_unknown_result_is_refused(company: Field) -> None:
    move(company.reps[0], company.visits[0], "check_in", position=here())
    with pytest.raises(UnknownResult):
        move(company.reps[0], company.visits[0], "close", result="won")


def test_two_at_once_leave_one_check_in(company: Field) -> None:
    """Both phones of a rep press at the same moment: one wins, the other is told."""
    outcomes: list[str] = []

    def press() -> None:
        try:
            move(company.reps[0], company.visits[0], "check_in", position=here())
            outcomes.append("done")
        except IllegalMove:
            outcomes.append("refused")

    threads = [threading.Thread(target=copy_context().run, args=(press,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes) == ["done", "refused", "refused", "refused"]


def by_hours(company: Field) -> list[str]:
    """Ids of the visits as their days and hours come, whoever makes them."""
    with reading() as session:
        rows = [session.get_one(Visit, visit_id) for visit_id in company.visits]
    begun = {v.id: v.checked_in_at or v.planned_at or v.created_at for v in rows}
    return sorted(begun, key=lambda visit_id: (begun[visit_id], visit_id))


def test_lists_page_sort_search_and_filter(company: Field) -> None:
    held(company.reps[0], company.visits[2])
    for sort in ("day", "-day", "client", "-client", "rep", "state", "verdict", "category"):
        seen: list[str] = []
        cursor = None
        while True:
            page = service.list_visits(company.manager, None, sort, 3, cursor)
            seen += [v.visit.id for v in page.rows]
            cursor = page.cursor
            if cursor is None:
                break
        assert sorted(seen) == sorted(company.visits), sort
        if sort == "day":
            assert seen == by_hours(company)
    found = service.list_visits(company.manager, VisitFilters(search="DOCTOR 3")).rows
    assert [v.visit.id for v in found] == [company.visits[2]]
    closed = service.list_visits(company.manager, VisitFilters(states=("closed",))).rows
    assert [(v.visit.id, v.client_name, v.rep_name) for v in closed] == [
        (company.visits[2], "Doctor 3", "Anna")
    ]
    assert (
        service.list_visits(company.manager, VisitFilters(day_from=TODAY + timedelta(days=1))).rows
        == []
    )
    assert len(list(service.export_rows(company.admin))) == 4
    unzoned = base64.urlsafe_b64encode(b'["2026-03-02","2026-03-02T10:00:00","x"]').decode()
    for cursor in ("x", "bm90IGpzb24=", "WzEsMiwzXQ==", unzoned):
        with pytest.raises(BadCursor):
            service.list_visits(company.manager, None, "day", 3, cursor)
    with pytest.raises(BadSort):
        service.list_visits(company.manager, None, "password")


def in_pages(company: Field, sort: str, **wanted: Any) -> list[str]:
    """Ids of a list read in pages of one, so that every cursor is read again."""
    seen, cursor = list[str](), None
    while True:
        page = service.list_visits(company.manager, VisitFilters(**wanted), sort, 1, cursor)
        seen += [v.visit.id for v in page.rows]
        if (cursor := page.cursor) is None:
            return seen


@pytest.mark.parametrize("sort", ["client", "rep", "state", "verdict", "category"])
def test_all_visits_and_some_of_them_stand_in_the_same_order(company: Field, sort: str) -> None:
    held(company.reps[0], company.visits[2])
    last = TODAY + timedelta(days=1)
    some = {"day_from": TODAY - timedelta(days=400), "day_to": last}  # read by another way
    for by in (sort, f"-{sort}"):
        narrow = in_pages(company, by, **some)
        assert len(narrow) == len(company.visits)
        assert in_pages(company, by) == in_pages(company, by, day_to=last) == narrow


@pytest.mark.parametrize("few", [0, category_order.FEW])
def test_by_category_all_visits_come_in_order_however_many_have_it(
    company: Field, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(category_order, "FEW", few)
    with transaction() as session:
        theirs = [session.get_one(Visit, v).client_id for v in company.visits]
        for client_id, category in zip(theirs, ("C", "A", None, "B"), strict=True):
            session.get_one(Client, client_id).category = category
    in_order = [company.visits[n] for n in (1, 3, 0, 2)]
    assert in_pages(company, "category") == in_order
    assert in_pages(company, "-category") == in_order[::-1]


def test_a_refused_move_leaves_nothing_behind(company: Field) -> None:
    visit_id = company.visits[0]

    def two_moves() -> None:
        pressed = MoveRequest(visit_id, "check_in", NOW, position=here())
        with transaction() as s:
            service.apply_move(s, company.reps[0], pressed)
            service.apply_move(s, company.reps[0], MoveRequest("none", "cancel", NOW, reason="x"))

    with pytest.raises(NotFound):
        two_moves()
    assert service.get(company.reps[0], visit_id).view.visit.state == "planned"
    with reading() as s:
        assert s.exec(select(VisitChange)).all() == []
        assert s.exec(select(FeedEntry)).all() == []
