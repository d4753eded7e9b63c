"""Proposals from request to phone: real databases, a real Valkey, real roads."""

from __future__ import annotations

import pytest
from sqlmodel import col, select

from fieldcrm.kit import clock, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import FeedEntry
from fieldcrm.people.model import OutOfScope
from fieldcrm.planning import cycle_progress, service
from fieldcrm.planning.model import (
    CannotUndo,
    NothingToPlan,
    NotMovable,
    ProposalNotReady,
    ProposalStale,
)
from fieldcrm.planning.tables import DayPlan
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest, Position
from tests.planning.company import DAY, Company
from workers.optimiser.jobs import run_proposal

pytestmark = pytest.mark.filterwarnings("ignore")


def order(company: Company, rep: int) -> list[str]:
    return [v.id for v in company.visits(rep) if v.position]


def feed_seq() -> int:
    with reading() as session:
        return max([s or 0 for s in session.exec(select(FeedEntry.seq))], default=0)


def check_in(company: Company, rep: int, visit_id: str) -> None:
    from fieldcrm.people.service import actor_of

    row = company.visit(visit_id)
    at = clock.now()
    where = Position(row.lat or 0, row.lng or 0, 8.0, at)
    with transaction() as session:
        actor = actor_of(company.reps[rep], "phone")
        visits.apply_move(session, actor, MoveRequest(
            visit_id, "check_in", at=at, device_at=at, position=where))  # fmt: skip


def test_a_dragged_visit_comes_to_the_other_rep_in_order_with_new_times(company: Company) -> None:
    moved = company.visits(0)[3].id
    before, other = order(company, 0), order(company, 1)
    proposal = service.request_move(company.dispatcher, moved, company.reps[1])
    assert service.proposal(company.dispatcher, proposal).status == "queued"
    run_proposal(proposal)
    view = service.proposal(company.dispatcher, proposal)
    assert view.status == "ready", view.summary
    assert order(company, 0) == before, "nothing moves before it is confirmed"
    seq = feed_seq()
    service.apply(company.dispatcher, proposal)
    after = order(company, 1)
    assert moved in after
    assert [i for i in after if i != moved] == other
    assert order(company, 0) == [i for i in before if i != moved]
    row = company.visit(moved)
    assert row.rep_id == company.reps[1]
    assert row.planned_at == row.expected_at
    assert row.travel_mode == "bicycle"
    assert row.travel_s is not None
    with reading() as session:
        told = session.exec(select(FeedEntry).where(col(FeedEntry.seq) > seq)).all()
    heard = {(e.rep_id, e.entity_id) for e in told if e.entity == "visit"}
    assert {(company.reps[0], moved), (company.reps[1], moved)} <= heard
    assert {e.rep_id for e in told if e.entity == "plan"} == set(company.reps)


def test_a_dragged_visit_goes_where_it_was_dropped(company: Company) -> None:
    moved = company.visits(0)[5].id
    proposal = service.request_move(company.dispatcher, moved, company.reps[1], position=3)
    run_proposal(proposal)
    service.apply(company.dispatcher, proposal)
    assert order(company, 1).index(moved) == 2


def test_what_a_move_delays_is_planned_later_and_the_rest_keeps_its_time(
    company: Company,
) -> None:
    planned = {v.id: v.planned_at for v in company.visits(1)}
    moved = company.visits(0)[3].id
    proposal = service.request_move(company.dispatcher, moved, company.reps[1], position=4)
    run_proposal(proposal)
    view = service.proposal(company.dispatcher, proposal)
    service.apply(company.dispatcher, proposal)
    was = {s["visit_id"]: s["start_at"] for s in view.before[company.reps[1]]["stops"]}
    for stop in view.after[company.reps[1]]["stops"]:
        row = company.visit(stop["visit_id"])
        assert row.planned_at is not None
        assert stop["baseline_at"] == row.planned_at.isoformat().replace("+00:00", "Z")
        if row.id in planned and stop["start_at"] == was[row.id]:
            early = row.planned_at < planned[row.id]
            assert row.planned_at == planned[row.id] or early
    assert company.visits(1)[3].id == moved
    assert view.after[company.reps[1]]["late"] <= view.before[company.reps[1]]["late"]


@pytest.mark.parametrize(("own", "to"), [(2, 5), (5, 2), (3, 4)])
def test_a_visit_dragged_within_a_day_ends_where_it_was_dropped(
    company: Company, own: int, to: int
) -> None:
    moved = company.visits(0)[own - 1].id
    proposal = service.request_move(company.dispatcher, moved, company.reps[0], position=to)
    run_proposal(proposal)
    service.apply(company.dispatcher, proposal)
    assert company.visit(moved).position == to


def test_a_replan_keeps_done_and_locked_and_stays_within_its_budget(company: Company) -> None:
    rows = company.visits(0)
    check_in(company, 0, rows[0].id)
    service.set_lock(company.dispatcher, rows[4].id, True)
    done, locked = company.visit(rows[0].id), company.visit(rows[4].id)
    proposal = service.request_replan(company.dispatcher, company.reps[0], DAY, budget=2)
    run_proposal(proposal)
    view = service.proposal(company.dispatcher, proposal)
    assert view.status == "ready", view.summary
    assert view.summary["stops_moved"] <= 2
    service.apply(company.dispatcher, proposal)
    now = company.visit(rows[0].id)
    assert (now.state, now.position, now.version) == ("under_way", done.position, done.version)
    kept = company.visit(rows[4].id)
    assert kept.planned_at == locked.planned_at
    assert kept.expected_at is not None
    assert locked.planned_at is not None
    assert kept.expected_at >= locked.planned_at
    with reading() as session:
        plan = session.exec(select(DayPlan).where(DayPlan.rep_id == company.reps[0])).one()
    assert plan.stops[0]["visit_id"] == rows[0].id
    assert len(plan.stops) == 8
    assert len(plan.line) > 10


def test_a_whole_team_is_planned_and_undone(company: Company) -> None:
    before = [order(company, 0), order(company, 1)]
    proposal = service.request_plan(company.dispatcher, company.reps, DAY)
    run_proposal(proposal)
    view = service.apply(company.dispatcher, proposal)
    assert view.status == "applied"
    assert set(view.after) == set(company.reps)
    service.undo(company.dispatcher, proposal)
    assert [order(company, 0), order(company, 1)] == before
    assert service.proposal(company.dispatcher, proposal).status == "undone"


def test_an_applied_plan_cannot_be_undone_once_the_day_went_on(company: Company) -> None:
    proposal = service.request_plan(company.dispatcher, company.reps, DAY)
    run_proposal(proposal)
    service.apply(company.dispatcher, proposal)
    check_in(company, 0, order(company, 0)[0])
    with pytest.raises(CannotUndo):
        service.undo(company.dispatcher, proposal)


def test_a_proposal_is_stale_when_a_visit_changed(company: Company) -> None:
    proposal = service.request_move(company.dispatcher, company.visits(0)[3].id, company.reps[1])
    run_proposal(proposal)
    with transaction() as session:
        visits.apply_move(session, company.dispatcher, MoveRequest(
            company.visits(1)[2].id, "cancel", at=clock.now(), reason="closed"))  # fmt: skip
    before = order(company, 1)
    with pytest.raises(ProposalStale):
        service.apply(company.dispatcher, proposal)
    assert service.proposal(company.dispatcher, proposal).status == "stale"
    assert order(company, 1) == before


def test_a_visit_begun_meanwhile_stays_as_it_is_and_the_rest_is_applied(company: Company) -> None:
    moved = company.visits(0)[5].id
    proposal = service.request_move(company.dispatcher, moved, company.reps[1])
    run_proposal(proposal)
    first = service.proposal(company.dispatcher, proposal).after[company.reps[0]]["stops"][0]
    check_in(company, 0, first["visit_id"])
    service.apply(company.dispatcher, proposal)
    assert company.visit(first["visit_id"]).state == "under_way"
    assert company.visit(moved).rep_id == company.reps[1]


def test_another_teams_dispatcher_sees_and_does_nothing(company: Company) -> None:
    proposal = service.request_replan(company.dispatcher, company.reps[0], DAY)
    run_proposal(proposal)
    moved = company.visits(0)[3].id
    for refused in (
        lambda: service.request_replan(company.stranger, company.reps[0], DAY),
        lambda: service.request_move(company.stranger, moved, company.reps[1]),
        lambda: service.proposal(company.stranger, proposal),
        lambda: service.apply(company.stranger, proposal),
        lambda: service.discard(company.stranger, proposal),
        lambda: service.set_lock(company.stranger, moved, True),
    ):
        with pytest.raises(OutOfScope):
            refused()
    assert service.open_proposals(company.stranger, DAY) == []
    assert company.visit(moved).is_locked is False


def test_what_cannot_be_planned_is_refused(company: Company) -> None:
    with pytest.raises(NothingToPlan):
        service.request_replan(company.dispatcher, company.reps[0], DAY.replace(day=18))
    locked = company.visits(0)[2].id
    service.set_lock(company.dispatcher, locked, True)
    with pytest.raises(NotMovable):
        service.request_move(company.dispatcher, locked, company.reps[1])


def test_a_discarded_or_cancelled_proposal_is_never_applied(company: Company) -> None:
    proposal = service.request_replan(company.dispatcher, company.reps[0], DAY)
    service.cancel(company.dispatcher, proposal)
    run_proposal(proposal)
    assert service.proposal(company.dispatcher, proposal).status == "cancelled"
    with pytest.raises(ProposalNotReady):
        service.apply(company.dispatcher, proposal)
    other = service.request_replan(company.dispatcher, company.reps[0], DAY)
    run_proposal(other)
    service.discard(company.dispatcher, other)
    with pytest.raises(ProposalNotReady):
        service.apply(company.dispatcher, other)


def test_a_job_cancelled_while_it_runs_says_so(company: Company) -> None:
    proposal = service.request_replan(company.dispatcher, company.reps[0], DAY)
    jobs.cancel(proposal)
    run_proposal(proposal)
    view = service.proposal(company.dispatcher, proposal)
    assert (view.status, view.summary["error"]) == ("cancelled", "planning.error.cancelled")


def test_a_dragged_visit_that_fits_nowhere_fails_with_its_reason(company: Company) -> None:
    from fieldcrm.clients.tables import Client

    moved = company.visits(0)[3]
    with transaction() as session:
        session.get_one(Client, moved.client_id).opening_hours = "Sa-Su 10:00-12:00"
    proposal = service.request_move(company.dispatcher, moved.id, company.reps[1])
    run_proposal(proposal)
    view = service.proposal(company.dispatcher, proposal)
    assert (view.status, view.summary["error"]) == ("failed", "planning.dropped.closed")


def test_the_cycle_s_progress_by_the_field_s_arithmetic(company: Company) -> None:
    from datetime import date

    from fieldcrm.kit import ids
    from fieldcrm.planning.tables import Cycle, CycleTarget
    from fieldcrm.visits.tables import Visit

    rows = company.visits(0)
    cycle = ids.new_id()
    with transaction() as session:
        session.add(Cycle(id=cycle, name="Q4", team_id=company.team_id,
                          starts_on=date(2026, 10, 1), ends_on=date(2026, 12, 31)))  # fmt: skip
        session.flush()
        session.add_all([
            CycleTarget(id=ids.new_id(), cycle_id=cycle, rep_id=company.reps[0],
                        client_id=row.client_id, category="B", planned=2) for row in rows[:4]
        ])  # fmt: skip
        for row in rows[:3]:
            session.get_one(Visit, row.id).state = "closed"
        twice = session.get_one(Visit, rows[4].id)
        twice.client_id, twice.state = rows[0].client_id, "closed"
        third = session.get_one(Visit, rows[5].id)
        third.client_id, third.state = rows[0].client_id, "closed"
    with reading() as session:
        found = cycle_progress.cycle_progress_in(session, company.reps[0], DAY)
        assert cycle_progress.cycle_progress_in(session, company.reps[1], DAY) is None
    assert found is not None
    first, last = found.clients[rows[0].client_id], found.clients[rows[3].client_id]
    assert (first.actual, first.remaining, first.to_schedule) == (3, 0, 0)
    assert (last.actual, last.scheduled, last.remaining, last.to_schedule) == (0, 1, 2, 1)
    assert (found.planned, found.done, found.remaining) == (8, 4, 4)
    assert found.pace is not None
