"""Reports over real databases: each number against an independent recount in plain Python."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import engine, reading, transaction
from fieldcrm.reports import service
from fieldcrm.reports.model import (
    Filters,
    GroupBy,
    Indicator,
    PeriodKind,
    Tally,
    UnknownGroup,
)
from fieldcrm.tracking.tables import Shift
from fieldcrm.visits.tables import Visit
from tests.reports.conftest import Field

TODAY = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
MONDAY = date(2026, 11, 16)
MONTH = (date(2026, 11, 1), date(2026, 11, 30))


@pytest.fixture(autouse=True)
def thursday_afternoon() -> Iterator[None]:
    with clock.held(TODAY):
        yield


def month_of(team: Field, who: str = "manager_north", **filters: tuple[str, ...]):
    actor = team.company.actor(who)
    period = service.period(actor, PeriodKind.month)
    return service.plan_vs_actual(actor, period, Filters(**filters))


def test_an_empty_company_has_a_report_that_says_nothing(team: Field) -> None:
    report = month_of(team)
    assert {m.value for m in report.total.measures.values()} == {None}
    assert [line.name for line in report.lines] == ["Rep North", "Second North"]
    assert report.total_before is None
    assert report.work_days == 21
    assert report.work_days_passed == 14


def test_adherence_follows_a_moved_visit_to_its_end(team: Field) -> None:
    client = team.add_client("A")
    team.add_visit("rep_north", client, MONDAY)
    team.add_visit("rep_north", client, MONDAY, done_on=MONDAY + timedelta(1))
    team.add_visit("rep_north", client, MONDAY, state="missed")
    near = team.add_visit("rep_north", client, MONDAY + timedelta(1))
    team.add_visit("rep_north", client, MONDAY, state="moved", moved_to_id=near)
    far = team.add_visit("rep_north", client, MONDAY + timedelta(3), verdict="doubtful", hour=9)
    middle = team.add_visit(
        "rep_north", client, MONDAY + timedelta(1), state="moved", moved_to_id=far
    )
    team.add_visit("rep_north", client, MONDAY, state="moved", moved_to_id=middle)
    team.add_visit("rep_north", client, MONDAY, is_unplanned=True)
    total = month_of(team).total
    assert total.planned == 5
    assert total.measures[Indicator.same_day].part == 1
    assert total.measures[Indicator.near_day].part == 3
    assert total.closed == Tally(confirmed=4, doubtful=1)


def test_todays_plan_counts_as_its_hours_come(team: Field) -> None:
    client, today = team.add_client("A"), clock.local(TODAY).date()
    team.add_visit("rep_north", client, today, state="planned", hour=10)
    team.add_visit("rep_north", client, today, state="planned", hour=17)
    team.add_visit("rep_north", client, today, hour=16, done_on=today)
    assert month_of(team).total.planned == 2


def test_a_visit_near_midnight_belongs_to_its_local_day(team: Field) -> None:
    client = team.add_client("A")
    team.add_visit("rep_north", client, MONDAY, hour=0)
    team.add_visit("rep_north", client, date(2026, 10, 24), hour=23, minutes=30)
    team.add_visit("rep_north", client, date(2026, 10, 26), hour=0, minutes=30)
    actor = team.company.actor("manager_north")
    assert month_of(team).total.measures[Indicator.same_day].part == 1
    october = service.period(actor, PeriodKind.month, date(2026, 10, 5))
    found = service.plan_vs_actual(actor, october).total.measures[Indicator.same_day]
    assert (found.part, found.whole) == (2, 2)


def test_coverage_of_the_month_with_contradicted_and_over_visited_clients(team: Field) -> None:
    a, b, c = (team.add_client("A") for _ in range(3))
    team.add_cycle("north", date(2026, 10, 1), date(2026, 12, 31),
                   [("rep_north", a, 6), ("rep_north", b, 6), ("second_north", c, 3)])  # fmt: skip
    for n in range(4):
        team.add_visit("rep_north", a, MONDAY + timedelta(n))
    team.add_visit("rep_north", b, MONDAY, verdict="contradicted")
    team.add_visit("rep_north", c, MONDAY, verdict="unjudged")
    report = month_of(team)
    coverage, frequency = (
        report.total.measures[i] for i in (Indicator.coverage, Indicator.frequency)
    )
    assert (coverage.part, coverage.whole) == (2, 3)
    assert (frequency.part, frequency.whole) == (3, 5)
    assert coverage.visits == Tally(confirmed=4, contradicted=1, unjudged=1)
    by_rep = {line.name: line.measures[Indicator.coverage].value for line in report.lines}
    assert by_rep == {"Rep North": 50.0, "Second North": 100.0}
    assert sum(g.missing for g in report.gaps) == 2


def test_a_weeks_goal_is_what_the_plan_set_for_it(team: Field) -> None:
    a, b = team.add_client("A"), team.add_client("B")
    team.add_cycle("north", date(2026, 10, 1), date(2026, 12, 31),
                   [("rep_north", a, 6), ("rep_north", b, 3)])  # fmt: skip
    team.add_visit("rep_north", a, MONDAY)
    team.add_visit("rep_north", a, MONDAY + timedelta(4), state="planned")
    team.add_visit("rep_north", b, MONDAY + timedelta(7), state="planned")
    actor = team.company.actor("manager_north")
    found = service.plan_vs_actual(actor, service.period(actor, PeriodKind.week)).total.measures
    assert (found[Indicator.coverage].part, found[Indicator.coverage].whole) == (1, 1)
    assert found[Indicator.frequency].value == 50.0


def test_time_off_territory_leaves_fewer_field_days(team: Field) -> None:
    client = team.add_client("A")
    team.add_visit("rep_north", client, MONDAY)
    begin = datetime(2026, 11, 17, 9, tzinfo=clock.zone())
    off = {
        "from": begin.isoformat(),
        "to": (begin + timedelta(hours=8)).isoformat(),
        "kind": "time_off",
    }
    lunch = {**off, "kind": "lunch"}
    with transaction() as session:
        for n, pauses in enumerate(([off], [lunch])):
            session.add(
                Shift(id=ids.new_id(), rep_id=team.company.users["rep_north"], pauses=pauses,
                      started_at=begin + timedelta(days=n), ended_at=begin + timedelta(days=n, hours=8))
            )  # fmt: skip
    found = month_of(team).total.measures[Indicator.call_rate]
    assert found.whole == pytest.approx(1 + 0 + 1 + 5 / 8)  # today, at 14:00 of 9 to 17


def test_stock_checks(team: Field) -> None:
    client = team.add_client("A")
    team.add_visit(
        "rep_north", client, MONDAY, details={"stock": {"p": True, "q": False, "r": True}}
    )
    team.add_visit(
        "rep_north", client, MONDAY, details={"stock": {"p": True}}, verdict="contradicted"
    )
    found = month_of(team).total.measures[Indicator.out_of_stock]
    assert (found.part, found.whole) == (1, 3)
    actor = team.company.actor("manager_north")
    period = service.period(actor, PeriodKind.month)
    behind = service.visits_behind(actor, "out_of_stock", period)
    assert [r.counts for r in behind.rows] == [True]


# ---- scope ----


def test_everybody_sees_his_own_scope_only(team: Field) -> None:
    client = team.add_client("A")
    for rep in ("rep_north", "second_north", "rep_south"):
        team.add_visit(rep, client, MONDAY)
    seen = {who: month_of(team, who).total.closed.closed
            for who in ("rep_north", "manager_north", "dispatcher_south", "admin")}  # fmt: skip
    assert seen == {"rep_north": 1, "manager_north": 2, "dispatcher_south": 1, "admin": 3}


def test_filters_never_widen_what_one_may_see(team: Field) -> None:
    client = team.add_client("A")
    team.add_visit("rep_south", client, MONDAY)
    south, rep = team.company.teams["south"], team.company.users["rep_south"]
    assert month_of(team, "manager_north", team_ids=(south,)).total.closed.closed == 0
    assert month_of(team, "manager_north", rep_ids=(rep,)).total.closed.closed == 0
    actor = team.company.actor("manager_north")
    period = service.period(actor, PeriodKind.month, team_id=south)
    assert service.visits_behind(actor, "closed", period, by=GroupBy.rep, key=rep).rows == []


def test_filters_by_category_and_territory(team: Field) -> None:
    place = team.add_territory("north", "rep_north")
    a, b = team.add_client("A", place), team.add_client("B")
    team.add_visit("rep_north", a, MONDAY)
    team.add_visit("rep_north", b, MONDAY)
    team.add_visit("rep_north", b, MONDAY + timedelta(1))
    assert month_of(team, categories=("B",)).total.closed.closed == 2
    assert month_of(team, territory_ids=(place,)).total.closed.closed == 1


# ---- behind the numbers ----


@pytest.fixture
def busy(team: Field) -> Field:
    """Two months of a team whose days go as days go."""
    dice = random.Random(7)
    clients = [team.add_client(dice.choice(["A", "B", "C", None])) for _ in range(30)]
    team.add_cycle("north", date(2026, 10, 1), date(2026, 12, 31),
                   [(dice.choice(["rep_north", "second_north"]), c, dice.choice([1, 3, 6]))
                    for c in clients[:24]])  # fmt: skip
    for n in range(260):
        day = date(2026, 10, 1) + timedelta(dice.randrange(50))
        state = dice.choices(["closed", "missed", "cancelled", "planned"], [80, 8, 6, 6])[0]
        team.add_visit(
            dice.choice(["rep_north", "second_north"]), dice.choice(clients), day, state,
            dice.choices(["confirmed", "doubtful", "contradicted", "unjudged"], [80, 10, 5, 5])[0],
            done_on=day + timedelta(dice.choice([0, 0, 0, 0, 1, 2, -1])), hour=dice.randrange(9, 17),
            minutes=dice.randrange(4, 40), is_unplanned=dice.random() < 0.1,
            details={"stock": {"p": dice.random() < 0.9}} if n % 4 == 0 else {},
        )  # fmt: skip
    return team


def test_every_number_equals_an_independent_count_and_the_length_of_its_list(busy: Field) -> None:
    actor = busy.company.actor("manager_north")
    period = service.period(actor, PeriodKind.month)
    with reading() as session:
        rows = [v for v in session.exec(select(Visit)) if MONTH[0] <= v.day <= period.until]
    today = clock.local(TODAY).date()
    closed = [v for v in rows if v.state == "closed"]
    valid = [v for v in closed if v.verdict != "contradicted"]
    planned = [
        v
        for v in rows
        if not v.is_unplanned
        and (v.day < today or v.state == "closed" or (v.planned_at and v.planned_at <= TODAY))
    ]
    ok = [v for v in planned if v in valid]
    late = {v.id: (clock.local(v.closed_at).date() - v.day).days for v in ok if v.closed_at}
    report = service.plan_vs_actual(actor, period)
    total = report.total
    assert (total.closed.closed, total.planned) == (len(closed), len(planned))
    found = {i: m.part for i, m in total.measures.items()}
    assert found[Indicator.call_rate] == len(valid)
    assert found[Indicator.evidence_rate] == sum(v.verdict == "confirmed" for v in closed)
    assert found[Indicator.same_day] == sum(d == 0 for d in late.values())
    assert found[Indicator.near_day] == sum(-1 <= d <= 1 for d in late.values())
    assert found[Indicator.contact_share] == sum(
        int((v.closed_at - v.checked_in_at).total_seconds())
        for v in valid
        if v.closed_at and v.checked_in_at
    )
    for name in (Indicator.evidence_rate, Indicator.same_day, Indicator.near_day, Indicator.on_target,
                 Indicator.call_rate):  # fmt: skip
        behind = service.visits_behind(actor, name.value, period, limit=500).rows
        assert sum(r.counts for r in behind) == found[name], name
        for line in report.lines:
            part = service.visits_behind(actor, name.value, period, key=line.key, limit=500).rows
            assert sum(r.counts for r in part) == line.measures[name].part, (name, line.name)


def test_coverage_equals_an_independent_count_over_targets(busy: Field) -> None:
    from fieldcrm.planning.tables import CycleTarget

    actor = busy.company.actor("manager_north")
    report = service.plan_vs_actual(actor, service.period(actor, PeriodKind.month))
    with reading() as session:
        targets = list(session.exec(select(CycleTarget)))
        rows = [
            v
            for v in session.exec(select(Visit))
            if v.state == "closed" and v.verdict != "contradicted"
        ]
    goals: dict[str, int] = {}
    for t in targets:
        before = sum(v.client_id == t.client_id and v.day < MONTH[0] for v in rows)
        due = [0, {1: 0, 3: 1, 6: 2}[t.planned], {1: 1, 3: 2, 6: 4}[t.planned]]
        goals[t.client_id] = max(due[2] - max(due[1], min(before, t.planned)), 0)
    now = {c: sum(v.client_id == c and v.day >= MONTH[0] for v in rows) for c in goals}
    wanted = [c for c in goals if goals[c]]
    measures = report.total.measures
    assert measures[Indicator.coverage].part == sum(now[c] > 0 for c in wanted)
    assert measures[Indicator.coverage].whole == len(wanted)
    assert measures[Indicator.frequency].part == sum(min(now[c], goals[c]) for c in wanted)
    assert measures[Indicator.full_frequency].part == sum(now[c] >= goals[c] for c in wanted)


@pytest.mark.parametrize("by", list(GroupBy))
def test_each_grouping_adds_up(busy: Field, by: GroupBy) -> None:
    actor = busy.company.actor("manager_north")
    period = service.period(actor, PeriodKind.cycle)
    report = service.plan_vs_actual(actor, period, by=by)
    assert sum(x.planned for x in report.lines) == report.total.planned
    assert sum(x.closed.closed for x in report.lines) == report.total.closed.closed
    assert sum(d.closed.closed for d in report.days) == report.total.closed.closed


def test_a_list_comes_in_pages_without_a_gap_or_a_repeat(busy: Field) -> None:
    actor = busy.company.actor("admin")
    period = service.period(actor, PeriodKind.cycle)
    seen, cursor = [], None
    while True:
        page = service.visits_behind(actor, "closed", period, limit=17, cursor=cursor)
        seen += [r.id for r in page.rows]
        if (cursor := page.cursor) is None:
            break
    whole = service.visits_behind(actor, "closed", period, limit=500).rows
    assert seen == [r.id for r in whole]
    assert len(set(seen)) == len(seen)


def test_an_unknown_number_or_cursor_is_refused(team: Field) -> None:
    actor = team.company.actor("admin")
    period = service.period(actor, PeriodKind.week)
    with pytest.raises(UnknownGroup):
        service.visits_behind(actor, "'; drop table visit", period)
    with pytest.raises(UnknownGroup):
        service.visits_behind(actor, "closed", period, cursor="never|x")
    with pytest.raises(UnknownGroup):
        service.visits_behind(actor, "closed", period, by=GroupBy.day, key="soon")
    assert service.visits_behind(actor, "closed", period, by=GroupBy.rep, key="nobody").rows == []


def test_trends_hold_eight_weeks_and_compare_with_the_month_before(busy: Field) -> None:
    report = month_of(busy)
    assert {len(v) for v in report.trends.values()} == {8}
    assert report.trends[Indicator.call_rate][-1] is not None
    assert report.trends[Indicator.evidence_rate][-1] is not None
    assert report.total_before is not None
    assert report.total_before.closed.closed > 0


@contextmanager
def rows_read() -> Iterator[list[int]]:
    """How many rows each statement gave; SQLite doesn't tell, PostgreSQL does."""
    rows: list[int] = []

    def note(_connection: Any, cursor: Any, *_: Any) -> None:
        rows.append(max(cursor.rowcount, 0))

    event.listen(engine(), "after_cursor_execute", note)
    yield rows
    event.remove(engine(), "after_cursor_execute", note)


def test_twenty_thousand_visits_are_counted_by_the_database(team: Field) -> None:
    dice = random.Random(3)
    clients = [team.add_client(dice.choice("ABC")) for _ in range(40)]
    users, north = team.company.users, team.company.teams["north"]
    rows = []
    for _ in range(20_000):
        day = date(2026, 8, 25) + timedelta(dice.randrange(86))
        at = datetime(day.year, day.month, day.day, dice.randrange(7, 15), tzinfo=UTC)
        rows.append({
            "id": ids.new_id(), "rep_id": users[dice.choice(["rep_north", "second_north"])],
            "team_id": north, "client_id": dice.choice(clients), "state": "closed", "day": day,
            "verdict": "confirmed", "planned_at": at, "checked_in_at": at, "position": 0,
            "closed_at": at + timedelta(minutes=9), "created_at": at, "updated_at": at,
            "planned_minutes": 15, "is_locked": False, "is_unplanned": False, "priority": 1,
            "details": {}, "verdict_reasons": [], "conflicts": [], "is_sample": True, "version": 1,
        })  # fmt: skip
    with transaction() as session:
        session.execute(Visit.__table__.insert(), rows)  # type: ignore[attr-defined]
    actor = team.company.actor("manager_north")
    period = service.period(actor, PeriodKind.cycle)
    with rows_read() as rows:
        report = service.plan_vs_actual(actor, period)
    assert report.total.closed.closed > 9_000
    assert 0 < len(rows) < 20
    assert sum(rows) < 3_000
