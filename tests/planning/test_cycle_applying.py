"""A cycle's plan comes into force once, whole, and around what moved on meanwhile: both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlmodel import col, select

from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor
from fieldcrm.planning import service
from fieldcrm.planning.model import ProposalNotReady, ProposalStale
from fieldcrm.planning.tables import CycleBaseline, Proposal
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Visit, VisitChange
from tests.planning.company import FIRST, LAST, Company, Staff, span

NEXT = FIRST + timedelta(days=8)


def stop_of(day: date, hour: int, **more: Any) -> dict[str, Any]:
    at = datetime.combine(day, time(hour), UTC)
    return {
        "kind": "new", "visit_id": None, "client_id": "", "from": None, "minutes": 15,
        "start_at": at.isoformat(), "travel_s": 300, "travel_m": 900, "mode": "foot", **more,
    }  # fmt: skip


def standing(staff: Staff, n: int, day: date) -> Visit:
    """A visit of the first rep that stands in the span."""
    like = staff.company.visits(0)[n]
    with transaction() as session:
        made = Visit(
            id=ids.new_id(), rep_id=like.rep_id, team_id=like.team_id, client_id=like.client_id,
            lat=like.lat, lng=like.lng, day=day, position=1, created_at=clock.now(),
            updated_at=clock.now(),
        )  # fmt: skip
        session.add(made)
    return made


def proposed(company: Company, stops: dict[date, list[dict[str, Any]]], known: list[Visit]) -> str:
    """A ready plan of the first rep's span, made of visits that stand."""
    rep = company.reps[0]
    days = {
        day.isoformat(): {"stops": told, "drive_s": 0, "drive_m": 0, "work_s": 0}
        for day, told in stops.items()
    }
    with transaction() as session:
        made = Proposal(
            id=ids.new_id(), kind="cycle", team_id=company.team_id, rep_ids=[rep], day=FIRST,
            status="ready", request={"until": LAST.isoformat(), "weeks": 4},
            after={rep: {"days": days, "removed": [], "left_out": []}},
            summary={"versions": {v.id: v.version for v in known}}, created_at=clock.now(),
        )  # fmt: skip
        session.add(made)
    return made.id


def moved(visit: Visit, day: date, hour: int) -> dict[str, Any]:
    return stop_of(day, hour, kind="moved", visit_id=visit.id, client_id=visit.client_id,
                   **{"from": visit.day.isoformat()})  # fmt: skip


def test_of_two_who_approve_one_plan_exactly_one_does(staff: Staff) -> None:
    company = staff.company
    stood = standing(staff, 0, FIRST)
    proposal = proposed(company, {NEXT: [moved(stood, NEXT, 9)]}, [stood])
    gate = Barrier(2)

    def approve(actor: Actor) -> str:
        gate.wait(90)
        try:
            return service.apply(actor, proposal).status
        except ProposalNotReady as error:
            return f"too late: {error.params['status']}"

    with ThreadPoolExecutor(2) as both:
        told = sorted(both.map(approve, [staff.manager, staff.manager]))
    assert told == ["applied", "too late: applied"]
    with reading() as session:
        assert len(session.exec(select(CycleBaseline)).all()) == 1
        wanted = select(VisitChange).where(VisitChange.visit_id == stood.id)
        assert [c.move for c in session.exec(wanted)] == ["assign"]


def test_two_plans_of_the_same_visits_can_t_both_come_into_force(staff: Staff) -> None:
    company = staff.company
    new = [stop_of(NEXT, 9, client_id=staff.company.visits(0)[n].client_id) for n in range(2)]
    plans = [proposed(company, {NEXT: [stop]}, []) for stop in new]
    gate = Barrier(2)

    def approve(proposal: str) -> str:
        gate.wait(90)
        try:
            return service.apply(staff.manager, proposal).status
        except ProposalStale:
            return "stale"

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(approve, plans)) == ["applied", "stale"]
    assert len(span(company.reps)) == 1


def test_what_was_moved_called_off_locked_or_made_meanwhile_is_left_alone(staff: Staff) -> None:
    company = staff.company
    stood = [standing(staff, n, FIRST + timedelta(days=n)) for n in range(5)]
    stops = [moved(v, NEXT, 8 + n) for n, v in enumerate(stood)]
    proposal = proposed(company, {NEXT: stops}, stood)
    by_hand, off, locked, made, plain = stood
    late = FIRST + timedelta(days=15)
    for request in (
        MoveRequest(by_hand.id, "move", at=clock.now(), day=late, reason="asked"),
        MoveRequest(off.id, "cancel", at=clock.now(), reason="asked"),
    ):
        visits.move(company.dispatcher, request)
    service.set_lock(company.dispatcher, locked.id, True)
    with transaction() as session:
        row = session.get_one(Visit, made.id)
        row.state, row.version = "closed", row.version + 1
    before = {v.id: company.visit(v.id).model_dump() for v in (by_hand, off, locked, made)}
    view = service.apply(staff.manager, proposal)
    assert {i: company.visit(i).model_dump() for i in before} == before
    assert view.summary["untouched"] == sorted(before)
    assert company.visit(plain.id).day == NEXT
    [successor] = [v for v in span(company.reps).values() if v.client_id == by_hand.client_id]
    assert successor.day == late
    service.undo(staff.manager, proposal)
    assert {i: company.visit(i).model_dump() for i in before} == before
    assert company.visit(plain.id).day == plain.day


def test_a_client_is_never_seen_twice_a_day_by_that(staff: Staff) -> None:
    company = staff.company
    stood = [standing(staff, 0, FIRST), standing(staff, 0, FIRST + timedelta(days=14))]
    proposal = proposed(company, {NEXT: [moved(stood[0], NEXT, 9)]}, stood)
    visits.move(company.dispatcher, MoveRequest(stood[1].id, "assign", at=clock.now(), day=NEXT))
    with pytest.raises(ProposalStale):
        service.apply(staff.manager, proposal)


def test_every_visit_written_together_leaves_its_change_and_event(staff: Staff) -> None:
    company = staff.company
    stood = standing(staff, 0, FIRST)
    new = stop_of(NEXT, 10, client_id=company.visits(0)[1].client_id)
    heard: list[tuple[int, int]] = []
    proposal = proposed(company, {NEXT: [moved(stood, NEXT, 9), new]}, [stood])
    service.apply(staff.manager, proposal, lambda n, of: heard.append((n, of)))
    assert heard == [(2, 2)]
    rows = span(company.reps)
    assert {v.client_id for v in rows.values()} == {stood.client_id, new["client_id"]}
    with reading() as session:
        changes = session.exec(select(VisitChange).where(col(VisitChange.visit_id).in_(rows))).all()
        events = session.exec(select(Event).where(col(Event.subject_id).in_(rows))).all()
    assert {(c.visit_id, c.version) for c in changes} == {(v.id, v.version) for v in rows.values()}
    assert sorted(c.move for c in changes) == ["assign", "plan"]
    assert sorted(e.kind for e in events) == ["visit.assign", "visit.plan"]
