"""What-if questions from asking to looking again: real databases, a real Valkey, the real search."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from fieldcrm.kit import clock, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import Actor, OutOfScope, Role, RoleForbids
from fieldcrm.people.tables import User
from fieldcrm.planning import whatif, whatif_working
from fieldcrm.planning.model import Violation
from fieldcrm.planning.tables import Proposal, WhatIf, WhatIfScenario
from fieldcrm.planning.whatif_model import (
    Assumptions,
    BadScenario,
    Change,
    NoScenario,
    ScenarioNotReady,
)
from fieldcrm.visits.tables import Visit
from tests.people.company import found
from tests.reports.conftest import Field
from workers.optimiser import main, whatif_jobs
from workers.optimiser.whatif_jobs import run_scenario


@pytest.fixture
def field(valkey: object, any_db: str) -> Field:
    """Two reps of the north with six clients each, some kilometres apart, and no roads."""
    made = Field(found())
    for name in ("rep_north", "second_north"):
        home = made.add_territory("north", name)
        for n in range(6):
            made.add_client("ABC"[n % 3], home)
    with transaction() as session:
        for n, name in enumerate(("rep_north", "second_north")):
            row = session.get_one(User, made.company.users[name])
            row.start_lat, row.start_lng = 60.17 + 0.006 * n, 24.94
    return made


@pytest.fixture
def boss(field: Field) -> Actor:
    return field.company.actor("manager_north")


def asked(field: Field, boss: Actor, **more: float) -> str:
    first = clock.local(clock.now()).date() + timedelta(days=1)
    return whatif.ask(boss, field.company.teams["north"], first, 4, Assumptions(**more))  # type: ignore[arg-type]


def done(boss: Actor, question_id: str) -> whatif.QuestionView:
    """The question once every scenario of it is worked out."""
    for each in whatif.question(boss, question_id).scenarios:
        run_scenario(each.id)
    return whatif.question(boss, question_id)


def test_the_team_as_it_is_and_without_somebody_stand_side_by_side(
    field: Field, boss: Actor
) -> None:
    question = asked(field, boss, rep_month=2000, per_km=0)
    lost = Change("lose_rep", rep_id=field.company.users["rep_north"])
    whatif.add(boss, question, [lost])
    view = done(boss, question)
    base, without = view.scenarios
    assert [s.status for s in view.scenarios] == ["ready", "ready"]
    assert base.figures
    assert without.figures
    assert (base.figures.reps, without.figures.reps) == (2, 1)
    assert base.figures.wanted == without.figures.wanted > 0
    assert without.figures.handed == 6
    assert without.figures.cost < base.figures.cost
    assert set(without.cells.values()) == {field.company.users["second_north"]}
    assert base.cells.keys() == without.cells.keys()
    assert base.is_estimate
    assert not base.is_rough
    assert view.calendar
    assert view.calendar.visits == 0
    with reading() as session:
        assert session.exec(select(Visit)).all() == [], "nothing real moves"
        assert session.exec(select(Proposal)).all() == []


def test_what_a_scenario_doesn_t_touch_is_not_searched_again(
    field: Field, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = asked(field, boss)
    done(boss, question)
    searched: list[int] = []
    real = whatif_jobs._search

    def counting(problem, steps):
        searched.append(steps)
        return real(problem, steps)

    monkeypatch.setattr(whatif_jobs, "_search", counting)
    run_scenario(whatif.add(boss, question, [Change("frequency", category="A", rate="8")]))
    assert len(searched) == 4, "both reps, quickly and then well; the team as it is is known"
    searched.clear()
    whatif.add(boss, question, [Change("frequency", category="A", rate="8")])
    view = done(boss, question)
    assert searched == []
    assert view.scenarios[1].figures == view.scenarios[2].figures


def test_it_can_be_opened_again_by_those_of_the_team_and_nobody_else(
    field: Field, boss: Actor
) -> None:
    question = asked(field, boss)
    scenario = whatif.question(boss, question).scenarios[0].id
    actor = field.company.actor
    assert [q.id for q in whatif.questions(actor("dispatcher_north"))] == [question]
    assert whatif.question(actor("dispatcher_north"), question).id == question
    assert [q.id for q in whatif.questions(actor("admin"))] == [question]
    other = actor("manager_south")
    assert whatif.questions(other) == []
    first = clock.local(clock.now()).date() + timedelta(days=1)
    with pytest.raises(OutOfScope):
        whatif.ask(other, field.company.teams["north"], first, 4)
    for act in (whatif.question, whatif.forget):
        with pytest.raises(NoScenario):
            act(other, question)
    for act in (whatif.cancel, whatif.drop, whatif.again):
        with pytest.raises(NoScenario):
            act(other, scenario)
    with pytest.raises(NoScenario):
        whatif.add(other, question, [Change("balance")])
    rep = actor("rep_north")
    assert rep.role is Role.rep
    for call in (
        lambda: whatif.questions(rep), lambda: whatif.question(rep, question),
        lambda: whatif.cancel(rep, scenario), lambda: whatif.add(rep, question, []),
        lambda: whatif.ask(rep, field.company.teams["north"], first, 4),
    ):  # fmt: skip
        with pytest.raises(RoleForbids):
            call()


def test_a_cancelled_one_keeps_the_best_it_had(
    field: Field, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = asked(field, boss)
    done(boss, question)
    scenario = whatif.add(
        boss, question, [Change("balance"), Change("frequency", category="B", rate="6")]
    )
    real, rounds = whatif_jobs._search, 0

    def cancelled_amid(problem, steps):
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            whatif.cancel(boss, scenario)
            raise jobs.Cancelled(scenario)
        return real(problem, steps)

    monkeypatch.setattr(whatif_jobs, "_search", cancelled_amid)
    run_scenario(scenario)
    view = whatif.question(boss, question).scenarios[1]
    assert (view.status, view.is_rough) == ("cancelled", True)
    assert view.figures
    with pytest.raises(ScenarioNotReady):
        whatif.cancel(boss, scenario)
    monkeypatch.setattr(whatif_jobs, "_search", real)
    again = whatif.again(boss, scenario)
    run_scenario(again)
    view = whatif.question(boss, question).scenarios[1]
    assert (view.id, view.status, view.is_rough) == (again, "ready", False)


def test_data_that_changed_since_are_told(field: Field, boss: Actor) -> None:
    question = asked(field, boss)
    whatif.add(boss, question, [Change("add_rep", mode="car")])
    assert [s.is_dated for s in done(boss, question).scenarios] == [False, False]
    field.add_client("A", field.add_territory("north", "rep_north", "more"))
    run_scenario(whatif.again(boss, whatif.question(boss, question).scenarios[0].id))
    view = whatif.question(boss, question)
    assert [s.is_dated for s in view.scenarios] == [False, True]
    run_scenario(whatif.again(boss, view.scenarios[1].id))
    assert [s.is_dated for s in whatif.question(boss, question).scenarios] == [False, False]


def test_who_went_to_another_team_is_not_looked_at_any_more(field: Field, boss: Actor) -> None:
    question = asked(field, boss)
    gone = field.company.users["rep_north"]
    whatif.add(boss, question, [Change("lose_rep", rep_id=gone)])
    with transaction() as session:
        session.get_one(User, gone).team_id = field.company.teams["south"]
    base, without = done(boss, question).scenarios
    assert [r.rep_id for r in base.reps] == [field.company.users["second_north"]]
    assert (without.status, without.error) == ("failed", "planning.error.bad_scenario")


def test_a_plan_that_breaks_a_rule_is_not_kept(
    field: Field, boss: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = asked(field, boss)
    broken = Violation("client_lost", "somebody")
    monkeypatch.setattr(whatif_working, "check_outcome", lambda *_: [broken])
    view = done(boss, question)
    assert (view.scenarios[0].status, view.scenarios[0].figures) == ("failed", None)
    assert view.scenarios[0].error == "planning.error.plan_broken"


def test_what_nobody_works_on_is_queued_again(field: Field, boss: Actor) -> None:
    question = asked(field, boss)
    scenario = whatif.question(boss, question).scenarios[0].id
    with transaction() as session:
        row = session.get_one(WhatIfScenario, scenario)
        row.status, row.asked_at = "running", clock.now() - timedelta(minutes=1)
    jobs.cancel(scenario)
    assert main.requeue_lost_scenarios() == [scenario]
    assert main.SERVED[jobs.LONG][0] == jobs.WHAT_IF
    assert jobs.WHAT_IF not in main.SERVED[jobs.URGENT], "a re-plan never waits behind it"


def test_scenarios_and_questions_are_put_away(field: Field, boss: Actor) -> None:
    question = asked(field, boss)
    scenario = whatif.add(boss, question, [Change("balance")])
    with pytest.raises(ScenarioNotReady):
        whatif.drop(boss, whatif.question(boss, question).scenarios[0].id)
    whatif.drop(boss, scenario)
    assert len(whatif.question(boss, question).scenarios) == 1
    whatif.forget(boss, question)
    with reading() as session:
        assert session.exec(select(WhatIf)).all() == []
        assert session.exec(select(WhatIfScenario)).all() == []


@pytest.mark.parametrize(
    ("days", "weeks", "assumed", "field_name"),
    [
        (0, 4, Assumptions(), "first"), (1, 3, Assumptions(), "weeks"),
        (1, 13, Assumptions(), "weeks"), (1, 4, Assumptions(most_a_day=0), "most_a_day"),
        (1, 4, Assumptions(rep_month=-1), "cost"), (400, 4, Assumptions(), "first"),
        (1, 4, Assumptions(per_km=float("nan")), "cost"),
    ],
)  # fmt: skip
def test_what_can_t_be_asked_is_refused(
    field: Field, boss: Actor, days: int, weeks: int, assumed: Assumptions, field_name: str
) -> None:
    first = clock.local(clock.now()).date() + timedelta(days=days)
    with pytest.raises(BadScenario) as refused:
        whatif.ask(boss, field.company.teams["north"], first, weeks, assumed)
    assert refused.value.params["field"] == field_name
