"""What a rep does to his own day: another order by hand, and asking the office for a better one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fieldcrm.kit import ids
from fieldcrm.kit.database import transaction
from fieldcrm.planning import service as planning
from fieldcrm.planning import store as plans
from fieldcrm.planning.tables import DayPlan
from fieldcrm.tracking import service as tracking
from fieldcrm.visits import service as visits
from fieldcrm.visits.tables import Visit
from tests.field import NOW, TODAY, Field
from tests.sync.phone import Phone, ms

DAY = TODAY.isoformat()


def phone_of(company: Field, n: int = 0) -> Phone:
    return Phone(company.reps[n], company.devices[n])


def orders(phone: Phone, *visit_ids: str, day: str = DAY) -> Any:
    asked = {"day": day, "visit_ids": list(visit_ids)}
    return phone.push(phone.does("day.order", phone.actor.user_id, asked))[0]


def day_of(company: Field) -> list[Visit]:
    rows = [v.visit for v in visits.day(company.dispatcher, company.reps[0].user_id, TODAY)]
    return sorted(rows, key=lambda v: v.position)


def test_the_dispatcher_sees_the_reps_order(company: Field) -> None:
    """Places, times and travel follow; another order shows on the phone and in the log."""
    phone, (a, b, c, d) = phone_of(company), company.visits
    phone.pull()
    assert orders(phone, c, a, b, d).status == "applied"
    rows = day_of(company)
    assert [v.id for v in rows] == [c, a, b, d]
    assert [v.position for v in rows] == [1, 2, 3, 4]
    starts = [v.planned_at for v in rows if v.planned_at]
    assert starts == sorted(starts)
    assert starts[0] == NOW
    assert rows[2].travel_s == 600  # a to b is a leg of the plan, its road time stays
    assert rows[0].travel_s is None  # nobody knows where the day begins
    assert 100 <= (rows[1].travel_s or 0) <= 250  # 200 m on foot
    phone.pull()
    held = sorted(phone.holds("visit").values(), key=lambda v: v["position"])
    assert [v["id"] for v in held if v["day"] == DAY] == [c, a, b, d]
    told = visits.get(company.dispatcher, c).changes[-1]
    assert (told.move, told.actor_id) == ("reorder", company.reps[0].user_id)
    assert told.data["before"]["position"] == 3


def test_an_order_is_taken_once(company: Field) -> None:
    phone, (a, b, c, d) = phone_of(company), company.visits
    order = phone.does("day.order", phone.actor.user_id, {"day": DAY, "visit_ids": [d, c, b, a]})
    assert [r.status for r in phone.push(order)] == ["applied"]
    before = [v.version for v in day_of(company)]
    assert [r.status for r in phone.push(order)] == ["applied"]
    assert [v.version for v in day_of(company)] == before


def test_what_changed_meanwhile_is_kept(company: Field) -> None:
    """A visit done, one taken away and one that came while the phone was offline."""
    phone, other, (a, b, c, d) = phone_of(company), phone_of(company, 1), company.visits
    phone.push(phone.checks_in(a), phone.closes(a, NOW + timedelta(minutes=10)))
    with transaction() as session:
        session.get_one(Visit, b).rep_id = other.actor.user_id
    new = ids.new_id()
    phone.push(phone.does("visit.create", new, {"client_id": company.clients[4], "day": DAY}))
    assert orders(phone, d, c, b, a, ids.new_id()).status == "applied"
    assert [v.id for v in day_of(company)] == [a, d, c, new]
    assert visits.get(company.manager, b).view.visit.position == 2


def test_a_visit_with_a_fixed_time_keeps_it(company: Field) -> None:
    phone, (a, b, c, d) = phone_of(company), company.visits
    planning.set_lock(company.dispatcher, a, True)
    was = visits.get(company.dispatcher, a).view.visit.planned_at
    assert orders(phone, b, c, a, d).status == "applied"
    fixed = visits.get(company.dispatcher, a).view.visit
    assert (fixed.planned_at, fixed.position, fixed.is_locked) == (was, 3, True)
    assert fixed.expected_at > was


def test_only_his_own_day_and_none_that_is_over(company: Field) -> None:
    phone, other, before = phone_of(company), phone_of(company, 1), day_of(company)
    foreign = other.does(
        "day.order", phone.actor.user_id, {"day": DAY, "visit_ids": company.visits[::-1]}
    )
    assert other.push(foreign)[0].code == "not_found"
    assert orders(other, *company.visits[::-1]).code == "nothing_to_plan"
    assert orders(phone, *company.visits[::-1], day="2026-03-03").code == "nothing_to_plan"
    assert orders(phone, *company.visits[::-1], day="no day").code == "bad_payload"
    assert [(v.id, v.version) for v in day_of(company)] == [(v.id, v.version) for v in before]


def test_the_days_way_follows_the_new_order(company: Field) -> None:
    phone, rep, (a, b, c, d) = phone_of(company), company.reps[0].user_id, company.visits
    with transaction() as session:
        stops = [{"visit_id": v, "position": n} for n, v in enumerate((a, b, c, d), 1)]
        plans.save_day_plan(session, DayPlan(
            id=ids.new_id(), rep_id=rep, day=TODAY, stops=stops, dropped=[], line=[[1.0, 2.0]],
            drive_s=1, distance_m=1, solver={}, created_at=NOW,
        ))  # fmt: skip
    assert orders(phone, d, a, b, c).status == "applied"
    plan = planning.day_plan(company.dispatcher, rep, TODAY)
    assert plan is not None
    assert (plan.version, [s["visit_id"] for s in plan.stops]) == (2, [d, a, b, c])
    assert len(plan.line) == 4
    phone.pull()
    assert [s["visit_id"] for s in phone.holds("plan")[DAY]["stops"]] == [d, a, b, c]


def asks(phone: Phone, comment: str | None = None, day: str = DAY) -> Any:
    return phone.push(
        phone.does("day.replan", phone.actor.user_id, {"day": day, "comment": comment})
    )[0]


def test_the_office_hears_that_a_rep_asks_for_a_replan(company: Field) -> None:
    phone = phone_of(company)
    assert asks(phone).status == "applied"
    assert asks(phone, "Stuck in traffic").status == "applied"
    (alert,) = tracking.alerts(company.dispatcher)
    assert (alert.kind, alert.rep_id) == ("replan_asked", phone.actor.user_id)
    assert alert.data == {
        "day": DAY, "comment": "Stuck in traffic", "cause": "alert.cause.replan_asked"
    }  # fmt: skip
    assert alert.at.timestamp() * 1000 == ms(NOW)
    assert tracking.alerts(company.other_manager) == []


def test_a_day_without_planned_visits_is_not_replanned(company: Field) -> None:
    assert asks(phone_of(company, 1)).code == "nothing_to_plan"
    assert asks(phone_of(company), day="2026-03-03").code == "nothing_to_plan"
    assert tracking.alerts(company.dispatcher) == []
