"""Visits of a cycle moved by hand, and a rep's own proposal, on both databases with real roads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import Actor, OutOfScope, Role, RoleForbids
from fieldcrm.planning import cycle_board, cycle_cost, cycle_hand, service
from fieldcrm.planning.cycle_drafts import Move
from fieldcrm.planning.cycle_hand import Picked
from fieldcrm.planning.model import (
    CannotUndo,
    MissingWord,
    NoProposal,
    NotMovable,
    ProposalNotReady,
)
from fieldcrm.planning.tables import CycleBaseline
from fieldcrm.visits.tables import Visit
from tests.planning.company import DAY, FIRST, LAST, Company, Staff, span
from tests.planning.test_cycle_applying import standing

NEXT = FIRST + timedelta(days=1)


def rep_of(company: Company, n: int = 0) -> Actor:
    return Actor(company.reps[n], Role.rep, frozenset([company.team_id]), f"Rep {n}")


def places(company: Company) -> dict[str, tuple[str, object, int]]:
    return {i: (v.rep_id, v.day, v.position) for i, v in span(company.reps).items()}


def test_every_day_has_its_price_before_anything_moves(staff: Staff) -> None:
    company = staff.company
    held, there = standing(staff, 0, FIRST), standing(staff, 1, NEXT)
    told = cycle_hand.offers(company.dispatcher, Picked(held.id), company.reps[0], FIRST, LAST)
    assert (told.day, told.rep_id, told.is_estimate) == (FIRST, company.reps[0], False)
    by_day = {o.price.day: o for o in told.offers}
    assert len(by_day) == 27, "every day but its own"
    saturday = by_day[FIRST + timedelta(days=5)]
    assert cycle_cost.ABSENCE in {b.code for b in saturday.price.breaks}
    alone, beside = by_day[FIRST + timedelta(days=2)], by_day[NEXT]
    assert alone.drive_s == 0, "alone on another day it costs what it saves"
    assert beside.price.drive_s < alone.price.drive_s
    assert {o.rep_id for o in told.others} == {company.reps[1]}
    assert places(company) == {
        held.id: (company.reps[0], FIRST, 1), there.id: (company.reps[0], NEXT, 1)
    }  # fmt: skip


def test_a_visit_is_moved_as_it_was_priced_and_taken_back(staff: Staff) -> None:
    company = staff.company
    held, *others = [standing(staff, n, day) for n, day in enumerate((FIRST, NEXT, NEXT, NEXT))]
    told = cycle_hand.offers(company.dispatcher, Picked(held.id), company.reps[0], FIRST, LAST)
    price = next(o.price for o in told.offers if o.price.day == NEXT)
    was = places(company)
    view = cycle_hand.move(company.dispatcher, Move(company.reps[0], NEXT, held.id))
    row = company.visit(held.id)
    assert (row.day, row.position) == (NEXT, price.position)
    assert row.planned_at == cycle_hand.hand.moment(NEXT, price.start_s)
    mine = sorted(company.visit(v.id).position for v in (held, *others))
    assert mine == [1, 2, 3, 4]
    service.undo(company.dispatcher, view.id)
    assert places(company) == was
    again = cycle_hand.move(company.dispatcher, Move(company.reps[0], NEXT, held.id))
    with transaction() as session:
        session.get_one(Visit, held.id).version += 1
    with pytest.raises(CannotUndo):
        service.undo(company.dispatcher, again.id)


def test_a_visit_goes_to_a_colleague_and_a_client_gets_its_first(staff: Staff) -> None:
    company = staff.company
    held = standing(staff, 0, FIRST)
    cycle_hand.move(company.dispatcher, Move(company.reps[1], NEXT, held.id))
    assert places(company)[held.id] == (company.reps[1], NEXT, 1)
    client = company.visits(0)[3].client_id
    view = cycle_hand.move(company.dispatcher, Move(company.reps[0], NEXT, client_id=client))
    [new] = [v for v in span(company.reps).values() if v.client_id == client]
    assert (new.rep_id, new.day, new.position) == (company.reps[0], NEXT, 1)
    with pytest.raises(NotMovable):
        cycle_hand.move(company.dispatcher, Move(company.reps[0], NEXT, client_id=client))
    service.undo(company.dispatcher, view.id)
    assert new.id not in span(company.reps)


def test_what_is_locked_done_past_or_another_team_s_stays(staff: Staff) -> None:
    company = staff.company
    held = standing(staff, 0, FIRST)
    assert cycle_hand.lock_day(company.dispatcher, company.reps[0], FIRST, True) == 1
    with pytest.raises(NotMovable):
        cycle_hand.move(company.dispatcher, Move(company.reps[0], NEXT, held.id))
    assert cycle_hand.lock_day(company.dispatcher, company.reps[0], FIRST, False) == 1
    with pytest.raises(NotMovable):
        cycle_hand.move(company.dispatcher, Move(company.reps[0], DAY, held.id))
    with pytest.raises(OutOfScope):
        cycle_hand.move(company.stranger, Move(company.reps[0], NEXT, held.id))
    with pytest.raises(OutOfScope):
        cycle_hand.offers(company.stranger, Picked(held.id), company.reps[0], FIRST, LAST)
    with pytest.raises(OutOfScope):
        cycle_hand.lock_day(company.stranger, company.reps[0], FIRST, True)
    with pytest.raises(RoleForbids):
        cycle_hand.move(rep_of(company), Move(company.reps[0], NEXT, held.id))
    with pytest.raises(NoProposal):
        cycle_hand.offers(company.dispatcher, Picked("nobody"), company.reps[0], FIRST, LAST)
    assert places(company) == {held.id: (company.reps[0], FIRST, 1)}


def test_a_rep_proposes_and_his_manager_approves(staff: Staff) -> None:
    company, rep = staff.company, rep_of(staff.company)
    held, kept = standing(staff, 0, FIRST), standing(staff, 1, NEXT)
    view = cycle_hand.propose(rep, [Move(rep.user_id, NEXT, held.id)], FIRST, LAST, "By train")
    assert (view.status, view.summary["moved"], view.request["word"]) == ("ready", 1, "By train")
    assert places(company)[held.id] == (rep.user_id, FIRST, 1), "nothing moves before"
    assert [v.id for v in cycle_board.waiting(staff.manager)] == [view.id]
    with pytest.raises(RoleForbids):
        service.apply(rep, view.id)
    with pytest.raises(RoleForbids):
        service.apply(company.dispatcher, view.id)
    service.apply(staff.manager, view.id)
    assert company.visit(held.id).day == NEXT
    with reading() as session:
        [baseline] = session.exec(select(CycleBaseline)).all()
    assert (baseline.proposed_by, baseline.approved_by) == (rep.user_id, staff.manager.user_id)
    assert set(baseline.days[rep.user_id][NEXT.isoformat()]) == {held.client_id, kept.client_id}
    assert [v.status for v in cycle_hand.own(rep)] == ["applied"]


def test_a_manager_sends_it_back_with_a_word(staff: Staff) -> None:
    company, rep = staff.company, rep_of(staff.company)
    held = standing(staff, 0, FIRST)
    moves = [Move(rep.user_id, NEXT, held.id)]
    view = cycle_hand.propose(rep, moves, FIRST, LAST)
    with pytest.raises(MissingWord):
        cycle_hand.send_back(staff.manager, view.id, "  ")
    with pytest.raises(RoleForbids):
        cycle_hand.send_back(company.dispatcher, view.id, "No")
    cycle_hand.send_back(staff.manager, view.id, "Not on a Tuesday")
    [told] = cycle_hand.own(rep)
    assert (told.status, told.summary["word"]) == ("returned", "Not on a Tuesday")
    with pytest.raises(ProposalNotReady):
        service.apply(staff.manager, view.id)
    second, third = (cycle_hand.propose(rep, moves, FIRST, LAST) for _ in range(2))
    assert {v.id: v.status for v in cycle_hand.own(rep)} == {
        third.id: "ready", second.id: "discarded", view.id: "returned"
    }  # fmt: skip


def test_a_rep_asks_and_proposes_for_nobody_else(staff: Staff) -> None:
    company = staff.company
    held = standing(staff, 0, FIRST)
    mine, colleague = rep_of(company), rep_of(company, 1)
    assert cycle_hand.offers(mine, Picked(held.id), mine.user_id, FIRST, LAST).others == []
    with pytest.raises(OutOfScope):
        cycle_hand.offers(colleague, Picked(held.id), colleague.user_id, FIRST, LAST)
    with pytest.raises(OutOfScope):
        cycle_hand.propose(colleague, [Move(colleague.user_id, NEXT, held.id)], FIRST, LAST)
    with pytest.raises(OutOfScope):
        cycle_hand.propose(mine, [Move(company.reps[1], NEXT, held.id)], FIRST, LAST)
    with pytest.raises(OutOfScope):
        cycle_hand.preview(colleague, [Move(colleague.user_id, NEXT, held.id)], FIRST, LAST)
    with pytest.raises(RoleForbids):
        cycle_hand.propose(company.dispatcher, [Move(mine.user_id, NEXT, held.id)], FIRST, LAST)
    theirs = company.visits(1)[0].client_id
    with pytest.raises(NoProposal):
        cycle_hand.offers(mine, Picked(client_id=theirs), mine.user_id, FIRST, LAST)
