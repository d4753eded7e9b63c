"""Plans of a cycle from request to phone and back: real databases, a real Valkey, real roads."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.exc import DatabaseError
from sqlmodel import col, select, text

from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import engine, reading, transaction
from fieldcrm.kit.tables import FeedEntry
from fieldcrm.migrations import schema
from fieldcrm.people.model import OutOfScope, RoleForbids
from fieldcrm.people.tables import Team
from fieldcrm.planning import service
from fieldcrm.planning.model import BadCycle, CannotUndo, CycleWishes, ProposalStale
from fieldcrm.planning.tables import CycleBaseline, Proposal
from fieldcrm.visits.tables import Visit
from tests.planning.company import FIRST, LAST, Company, Staff, span
from workers.optimiser.jobs import run_proposal


def planned(staff: Staff, wishes: CycleWishes | None = None) -> str:
    """A plan that is ready."""
    company = staff.company
    proposal = service.request_cycle(company.dispatcher, company.reps, FIRST, 4, wishes)
    run_proposal(proposal)
    view = service.proposal(company.dispatcher, proposal)
    assert view.status == "ready", view.summary
    return proposal


def put(staff: Staff, day: date, n: int = 0, **more) -> str:
    """A visit that stands in the span."""
    rep = staff.company.reps[0]
    with transaction() as session:
        there = staff.company.visits(0)[n]
        made = Visit(
            id=ids.new_id(), rep_id=rep, team_id=there.team_id, client_id=there.client_id,
            lat=there.lat, lng=there.lng, day=day, position=1, created_at=clock.now(),
            updated_at=clock.now(), **more,
        )  # fmt: skip
        session.add(made)
        return made.id


def test_it_is_ready_before_it_moves_anything_and_applies_as_it_was_shown(staff: Staff) -> None:
    company = staff.company
    proposal = planned(staff)
    assert span(company.reps) == {}, "nothing moves before somebody approves"
    view = service.proposal(company.dispatcher, proposal)
    shown = {
        (rep, day, stop["client_id"])
        for rep, plan in view.after.items() for day, told in plan["days"].items()
        for stop in told["stops"]
    }  # fmt: skip
    assert view.summary["new"] == len(shown) > 10
    with reading() as session:
        seq = max([s or 0 for s in session.exec(select(FeedEntry.seq))], default=0)
    service.apply(staff.manager, proposal)
    now = span(company.reps)
    assert {(v.rep_id, v.day.isoformat(), v.client_id) for v in now.values()} == shown
    with reading() as session:
        told = session.exec(select(FeedEntry).where(col(FeedEntry.seq) > seq)).all()
    heard = {(e.rep_id, e.entity_id) for e in told if e.entity == "visit"}
    assert heard >= {(v.rep_id, v.id) for v in now.values()}
    for rep in company.reps:
        for day in {v.day for v in now.values() if v.rep_id == rep}:
            places = sorted(v.position for v in now.values() if (v.rep_id, v.day) == (rep, day))
            assert places == list(range(1, len(places) + 1))


def test_a_dispatcher_proposes_and_a_manager_approves(staff: Staff) -> None:
    proposal = planned(staff)
    with pytest.raises(RoleForbids):
        service.apply(staff.company.dispatcher, proposal)
    with pytest.raises(OutOfScope):
        service.proposal(staff.company.stranger, proposal)
    service.apply(staff.manager, proposal)
    with pytest.raises(RoleForbids):
        service.undo(staff.company.dispatcher, proposal)


def test_what_was_approved_can_t_be_rewritten(staff: Staff) -> None:
    service.apply(staff.manager, planned(staff))
    with reading() as session:
        [kept] = session.exec(select(CycleBaseline)).all()
    assert (kept.version, kept.approved_by) == (1, staff.manager.user_id)
    assert sum(len(c) for days in kept.days.values() for c in days.values()) > 10
    with pytest.raises(ValueError, match="can't be rewritten"), transaction() as session:
        session.get_one(CycleBaseline, kept.id).version = 7
    again = planned(staff, CycleWishes(keeps=True))
    service.apply(staff.manager, again)
    with reading() as session:
        assert sorted(b.version for b in session.exec(select(CycleBaseline))) == [1, 2]


def test_locked_visits_keep_day_and_time_and_what_is_moved_keeps_its_row(staff: Staff) -> None:
    at = clock.now().replace(day=25, hour=9, minute=0, second=0, microsecond=0)
    locked = put(staff, date(2026, 11, 25), is_locked=True, planned_at=at)
    crowd = [put(staff, date(2026, 12, 2), n) for n in (1, 2)]
    proposal = planned(staff)
    service.apply(staff.manager, proposal)
    row = staff.company.visit(locked)
    assert (row.day, row.planned_at, row.is_locked) == (date(2026, 11, 25), at, True)
    now = span(staff.company.reps)
    days = [v.day for v in now.values() if v.client_id == row.client_id]
    assert len(days) == len(set(days)), "no client twice a day"
    assert {staff.company.visit(i).state for i in crowd} <= {"planned", "cancelled"}


def test_it_is_taken_back_and_only_as_long_as_nothing_moved_on(staff: Staff) -> None:
    moved = [put(staff, date(2026, 12, 2), n) for n in range(4)]
    was = {i: (v.day, v.position, v.planned_at) for i, v in span(staff.company.reps).items()}
    proposal = planned(staff)
    service.apply(staff.manager, proposal)
    assert len(span(staff.company.reps)) > len(moved)
    service.undo(staff.manager, proposal)
    assert {
        i: (v.day, v.position, v.planned_at) for i, v in span(staff.company.reps).items()
    } == was
    second = planned(staff)
    service.apply(staff.manager, second)
    one = next(iter(span(staff.company.reps)))
    service.set_lock(staff.manager, one, True)
    with transaction() as session:
        session.get_one(Visit, one).version += 1
    with pytest.raises(CannotUndo):
        service.undo(staff.manager, second)


def test_it_is_out_of_date_once_somebody_plans_beside_it(staff: Staff) -> None:
    proposal = planned(staff)
    put(staff, date(2026, 11, 26))
    with pytest.raises(ProposalStale):
        service.apply(staff.manager, proposal)
    assert service.proposal(staff.manager, proposal).status == "stale"
    assert len(span(staff.company.reps)) == 1


def test_days_off_the_year_s_limit_and_a_full_day_are_kept_to(staff: Staff) -> None:
    off = (date(2026, 11, 24), date(2026, 11, 25))
    wishes = CycleWishes(most_a_day=1, days_off=off, most_per_year=2)
    view = service.proposal(staff.manager, planned(staff, wishes))
    for plan in view.after.values():
        assert not {d.isoformat() for d in off} & plan["days"].keys()
        assert all(len(d["stops"]) <= 1 for d in plan["days"].values())
        visits = [s["client_id"] for d in plan["days"].values() for s in d["stops"]]
        assert max(map(visits.count, visits)) <= 1, "one is planned today, two a year"
        assert {e["reason"] for e in plan["left_out"]} >= {"capped"}


@pytest.mark.parametrize(
    ("first", "weeks", "wishes"),
    [
        (FIRST, 3, CycleWishes()), (FIRST, 13, CycleWishes()),
        (date(2026, 11, 19), 4, CycleWishes()), (date(2027, 1, 4), 12, CycleWishes()),
        (FIRST, 4, CycleWishes(most_a_day=0)), (FIRST, 4, CycleWishes(most_per_year=0)),
    ],
)  # fmt: skip
def test_what_can_t_be_planned_is_refused(
    company: Company, first: date, weeks: int, wishes: CycleWishes
) -> None:
    with pytest.raises(BadCycle):
        service.request_cycle(company.dispatcher, company.reps, first, weeks, wishes)


def test_another_team_s_reps_are_nobody_s_to_plan(company: Company) -> None:
    with pytest.raises(OutOfScope):
        service.request_cycle(company.stranger, company.reps, FIRST, 4)


def test_the_database_itself_keeps_what_was_approved(any_db: str) -> None:
    with engine().begin() as connection:
        if any_db == "postgresql":
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        else:
            schema.metadata.drop_all(connection)
    schema.upgrade()
    now, team, proposal = clock.now(), ids.new_id(), ids.new_id()
    with transaction() as session:
        session.add(Team(id=team, name="Centre", created_at=now))
        session.flush()
        session.add(Proposal(id=proposal, kind="cycle", team_id=team, day=FIRST, created_at=now))
        session.flush()
        session.add(CycleBaseline(id=ids.new_id(), team_id=team, version=1, proposal_id=proposal,
                                  first_day=FIRST, last_day=LAST, approved_at=now))  # fmt: skip
    for statement in ("UPDATE cycle_baseline SET version = 7", "DELETE FROM cycle_baseline"):
        with pytest.raises(DatabaseError, match="never rewritten"), engine().begin() as connection:
            connection.execute(text(statement))
