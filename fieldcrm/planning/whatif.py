"""What-if questions as people ask them: kept, worked out by a job, looked at side by side. Nothing moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, events, feed, ids, job_rows, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.standing import CANCELLED
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, OutOfScope
from fieldcrm.people.tables import User
from fieldcrm.planning import (
    whatif_areas,
    whatif_facts,
    whatif_outcome,
    whatif_rules,
    whatif_store,
)
from fieldcrm.planning.cycle_facts import Span
from fieldcrm.planning.notices import notice
from fieldcrm.planning.service import PLANNERS
from fieldcrm.planning.tables import WhatIf, WhatIfScenario
from fieldcrm.planning.whatif_model import (
    CALM,
    SCENARIOS_MOST,
    Assumptions,
    BadScenario,
    Base,
    Change,
    NoScenario,
    RepOutcome,
    ScenarioNotReady,
)
from fieldcrm.planning.whatif_outcome import Figures

JOB = "workers.optimiser.whatif_jobs.run_scenario"
TIMEOUT_S = 150
"""Ends what has run away; a team takes seconds."""
LATEST = 20
TAKEN_OVER = "taken_over"


@dataclass(frozen=True)
class ScenarioView:
    """A scenario as a screen shows it."""

    id: str
    number: int
    """0 is the team as it is."""
    changes: list[Change]
    status: str
    progress: float
    error: str | None
    figures: Figures | None
    """None before anything is known."""
    reps: list[RepOutcome]
    cells: dict[str, str]
    """H3 cell -> rep."""
    load: dict[str, int]
    """H3 cell -> minutes of work."""
    is_rough: bool
    """Planned quickly so far."""
    is_estimate: bool
    """No roads: ways are great circles with a factor."""
    is_dated: bool
    """Worked out on other data than the team as it is."""


@dataclass(frozen=True)
class QuestionView:
    """A question with its scenarios."""

    id: str
    team_id: str
    first: date
    last: date
    assumptions: Assumptions
    resolution: int
    rep_names: dict[str, str]
    asked_by: str | None
    asked_at: datetime
    scenarios: list[ScenarioView]
    calendar: Figures | None
    """What stands in the calendar now, whoever planned it."""


@dataclass(frozen=True)
class Drawn:
    """The borders that a scenario proposes."""

    question_id: str
    team_id: str
    number: int
    resolution: int
    cells: dict[str, str]
    """H3 cell -> rep."""
    taken_over: dict[str, Any]
    """What `note_taken_over_in` kept, empty before."""


@dataclass(frozen=True)
class QuestionRow:
    """A question in the list of those asked before."""

    id: str
    team_id: str
    first: date
    last: date
    scenarios: int
    asked_by: str | None
    asked_at: datetime


# ---- asking ----


def ask(
    actor: Actor, team_id: str, first: date, weeks: int, assumptions: Assumptions | None = None
) -> str:
    """Begin a question about a team's span and have the team worked out as it is; returns its id.

    Raises BadScenario, OutOfScope, RoleForbids.
    """
    people.require(actor, *PLANNERS)
    assumed, today = assumptions or Assumptions(), clock.local(clock.now()).date()
    with reading() as session:
        reps = whatif_store.team_reps(session, team_id)
        _check_team(session, actor, team_id, reps)
        last = whatif_rules.check_question(len(reps), first, weeks, assumed, today)
        points = whatif_facts.points_of(session, reps, Span(first, last))
    with transaction() as session:
        made = WhatIf(
            id=ids.new_id(), team_id=team_id, first_day=first, last_day=last,
            rep_ids=[r.id for r in reps], assumptions=assumed.as_json(),
            resolution=whatif_areas.resolution_for(points), asked_by=actor.user_id or None,
            asked_at=clock.now(),
        )  # fmt: skip
        session.add(made)
        session.flush()
        row = _add(session, made, 0, [])
        _record(session, actor, "asked", made)
        question_id, scenario_id = made.id, row.id
    enqueue(scenario_id)
    return question_id


def _check_team(session: Session, actor: Actor, team_id: str, reps: Sequence[User]) -> None:
    """The team is the actor's and so is each rep in it."""
    teams = people.visible_team_ids(actor)
    if teams is not None and team_id not in teams:
        raise OutOfScope()
    for rep in reps:
        people.scope_rep_in(session, actor, rep.id)


def add(actor: Actor, question_id: str, changes: Sequence[Change]) -> str:
    """Have a scenario worked out; returns its id. Raises BadScenario, NoScenario."""
    with transaction() as session:
        asked = _scoped(session, actor, question_id, lock=True)
        whatif_rules.check_changes(changes, asked.rep_ids, asked.resolution)
        every = whatif_store.scenarios(session, asked.id)
        if len(every) > SCENARIOS_MOST:
            raise BadScenario(field="scenarios")
        number = max((s.number for s in every), default=0) + 1
        row = _add(session, asked, number, [c.as_json() for c in changes])
        _record(session, actor, "scenario", asked, number=number, kinds=[c.kind for c in changes])
        scenario_id = row.id
    enqueue(scenario_id)
    return scenario_id


def again(actor: Actor, scenario_id: str) -> str:
    """Have a scenario worked out on the data as they are now; returns the new job's id."""
    with transaction() as session:
        asked, row = _scoped_scenario(session, actor, scenario_id)
        if job_rows.is_under_way(row):
            raise ScenarioNotReady(status=row.status)
        number, changes = row.number, row.changes
        whatif_store.remove_scenario(session, row)
        session.flush()
        made = _add(session, asked, number, changes)
        new_id = made.id
    enqueue(new_id)
    return new_id


def cancel(actor: Actor, scenario_id: str) -> None:
    """Stop working a scenario out; the best plan so far stays."""
    with transaction() as session:
        asked, row = _scoped_scenario(session, actor, scenario_id)
        if job_rows.end(row, CANCELLED) is None:
            raise ScenarioNotReady(status=row.status)
        feed.notify_desk(session, asked.team_id, notice(row.id, row.status, 1.0))
    job_rows.stop(scenario_id)


def drop(actor: Actor, scenario_id: str) -> None:
    """Take a scenario out of the comparison; the team as it is stays."""
    with transaction() as session:
        _, row = _scoped_scenario(session, actor, scenario_id)
        if row.number == 0:
            raise ScenarioNotReady(status=row.status)
        whatif_store.remove_scenario(session, row)
    job_rows.stop(scenario_id)


def forget(actor: Actor, question_id: str) -> None:
    """Delete a question with its scenarios."""
    with transaction() as session:
        asked = _scoped(session, actor, question_id, lock=True)
        every = whatif_store.scenarios(session, asked.id)
        waiting = [s.id for s in every if job_rows.is_under_way(s)]
        _record(session, actor, "forgotten", asked)
        whatif_store.remove_question(session, asked)
    for scenario_id in waiting:
        job_rows.stop(scenario_id)


def _add(
    session: Session, asked: WhatIf, number: int, changes: list[dict[str, Any]]
) -> WhatIfScenario:
    row = WhatIfScenario(id=ids.new_id(), what_if_id=asked.id, number=number, changes=changes,
                         asked_at=clock.now())  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _record(session: Session, actor: Actor, verb: str, asked: WhatIf, **data: Any) -> None:
    events.record(
        session, f"what_if.{verb}", asked.id, actor_id=actor.user_id or None,
        team_id=asked.team_id, source=actor.source, data=data or None,
    )  # fmt: skip


def enqueue(scenario_id: str) -> None:
    """Queue a scenario's job; with Redis away it stays queued and a worker finds it later."""
    job_rows.offer(jobs.WHAT_IF, JOB, scenario_id, timeout_s=TIMEOUT_S)


# ---- looking ----


def questions(actor: Actor) -> list[QuestionRow]:
    """Questions about the actor's teams, the newest first."""
    people.require(actor, *PLANNERS)
    teams = people.visible_team_ids(actor)
    with reading() as session:
        found = whatif_store.questions(session, None if teams is None else sorted(teams), LATEST)
        counts = whatif_store.scenario_counts(session, [q.id for q in found])
    return [
        QuestionRow(q.id, q.team_id, q.first_day, q.last_day, counts.get(q.id, 0), q.asked_by,
                    q.asked_at)
        for q in found
    ]  # fmt: skip


def question(actor: Actor, question_id: str) -> QuestionView:
    """A question with all its scenarios; raises NoScenario for another team's."""
    with reading() as session:
        asked = _scoped(session, actor, question_id)
        rows = whatif_store.scenarios(session, asked.id)
        names = {r.id: r.name for r in people.reps_in(session, asked.rep_ids)}
    assumed = Assumptions(**asked.assumptions)
    facts = rows[0].facts if rows else ""
    calendar = _reps(rows[0].outcome.get("now", [])) if rows else []
    return QuestionView(
        asked.id, asked.team_id, asked.first_day, asked.last_day, assumed, asked.resolution, names,
        asked.asked_by, asked.asked_at, [_view(asked, assumed, row, facts) for row in rows],
        _figures(asked, assumed, calendar, 0) if calendar else None,
    )  # fmt: skip


def borders_in(session: Session, actor: Actor, scenario_id: str) -> Drawn:
    """A scenario's borders; raises NoScenario, and ScenarioNotReady before they are drawn."""
    row = whatif_store.scenario(session, scenario_id)
    if row is None:
        raise NoScenario()
    asked = _scoped(session, actor, row.what_if_id)
    cells = row.outcome.get("cells", {})
    if row.number == 0 or row.status != CALM or not cells:
        raise ScenarioNotReady(status=row.status)
    taken = row.outcome.get(TAKEN_OVER, {})
    return Drawn(asked.id, asked.team_id, row.number, asked.resolution, cells, taken)


def note_taken_over_in(session: Session, scenario_id: str, told: dict[str, Any]) -> None:
    """Keep beside a scenario what came of taking its borders over."""
    row = whatif_store.scenario(session, scenario_id, lock=True)
    if row is None:
        raise NoScenario()
    row.outcome = {**row.outcome, TAKEN_OVER: told}
    session.add(row)


def _view(
    asked: WhatIf, assumed: Assumptions, row: WhatIfScenario, facts: str
) -> ScenarioView:  # fmt: skip
    told = row.outcome
    reps = _reps(told.get("reps", []))
    return ScenarioView(
        row.id, row.number, [Change.of(c) for c in row.changes], row.status, job_rows.progress(row),
        row.error, _figures(asked, assumed, reps, told.get("handed", 0)) if reps else None, reps,
        told.get("cells", {}), told.get("load", {}), bool(told.get("is_rough")),
        bool(told.get("is_estimate")), row.status == CALM and bool(facts) and row.facts != facts,
    )  # fmt: skip


def _reps(told: list[dict[str, Any]]) -> list[RepOutcome]:
    return [whatif_outcome.of_json(r) for r in told]


def _figures(
    asked: WhatIf, assumed: Assumptions, reps: list[RepOutcome], handed: int
) -> Figures:  # fmt: skip
    span = Base(asked.first_day, asked.last_day, "", assumed.most_a_day, asked.resolution, ())
    return whatif_outcome.figures(reps, span, assumed, handed)


def _scoped(session: Session, actor: Actor, question_id: str, *, lock: bool = False) -> WhatIf:
    """The question, if its team is the actor's to plan."""
    people.require(actor, *PLANNERS)
    found = whatif_store.question(session, question_id, lock=lock)
    teams = people.visible_team_ids(actor)
    if found is None or (teams is not None and found.team_id not in teams):
        raise NoScenario()
    return found


def _scoped_scenario(
    session: Session, actor: Actor, scenario_id: str
) -> tuple[WhatIf, WhatIfScenario]:
    people.require(actor, *PLANNERS)
    row = whatif_store.scenario(session, scenario_id, lock=True)
    if row is None:
        raise NoScenario()
    return _scoped(session, actor, row.what_if_id), row
