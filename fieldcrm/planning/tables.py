"""Rows of planning: the cycle and its targets, day plans as saved, proposals, what-ifs."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import event
from sqlmodel import Field, Index, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class Cycle(SQLModel, table=True):
    __tablename__ = "cycle"
    id: str = Field(primary_key=True)
    name: str
    team_id: str = Field(foreign_key="team.id", index=True)
    starts_on: date
    ends_on: date
    """Last day, inclusive."""
    is_sample: bool = False


class CycleTarget(SQLModel, table=True):
    """How often a rep is to see a client within a cycle."""

    __tablename__ = "cycle_target"
    __table_args__ = (Index("cycle_target_rep", "cycle_id", "rep_id"),)
    id: str = Field(primary_key=True)
    cycle_id: str = Field(foreign_key="cycle.id")
    rep_id: str = Field(foreign_key="user.id")
    client_id: str = Field(foreign_key="client.id", index=True)
    category: str
    planned: int
    """Visits wanted over the whole cycle."""


class DayPlan(SQLModel, table=True):
    """A checked plan of one rep's day; a new version never rewrites an earlier one."""

    __tablename__ = "day_plan"
    __table_args__ = (Index("day_plan_rep_day", "rep_id", "day"),)
    id: str = Field(primary_key=True)
    rep_id: str = Field(foreign_key="user.id")
    day: date
    version: int = 1
    stops: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """[{visit_id, position, arrive_at, start_at, leave_at, travel_s, travel_m, mode, reason}]"""
    dropped: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """[{visit_id, client_id, reason (catalogue key), params}]"""
    line: list[list[float]] = Field(default_factory=list, sa_type=Json)
    """[[lat, lng], ...] along the roads."""
    drive_s: int = 0
    distance_m: int = 0
    solver: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """engine, seed, seconds, checked: [] violations."""
    created_by: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class Proposal(SQLModel, table=True):
    """A change of the plan that somebody must confirm; nothing moves before."""

    __tablename__ = "proposal"
    id: str = Field(primary_key=True)
    """Also the job's id."""
    kind: str
    """replan, move, plan_days, cycle."""
    team_id: str = Field(foreign_key="team.id", index=True)
    rep_ids: list[str] = Field(default_factory=list, sa_type=Json)
    day: date
    status: str = "queued"
    """queued, running, ready, applied, undone, discarded, cancelled, failed, stale."""
    request: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    before: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """{rep_id: {stops: [...], drive_s, distance_m, late, ends_at}} (see planning.outcome)"""
    after: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    summary: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """stops_moved, minutes_saved, dropped, late_before, late_after, changes, versions, solver, undo;
    error (catalogue key) where it failed."""
    requested_by: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    applied_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CycleBaseline(SQLModel, table=True):
    """An approved plan of a cycle as it was put into force; written once, changed never."""

    __tablename__ = "cycle_baseline"
    __table_args__ = (Index("cycle_baseline_version", "team_id", "version", unique=True),)
    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="team.id")
    version: int
    """Counts up within the team."""
    proposal_id: str = Field(foreign_key="proposal.id", index=True)
    first_day: date
    last_day: date
    rep_ids: list[str] = Field(default_factory=list, sa_type=Json)
    days: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """{rep_id: {day: [client_id, ...]}} in the order of the day."""
    summary: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """visits, clients left out, driving."""
    proposed_by: str | None = None
    approved_by: str | None = None
    approved_at: datetime = Field(sa_type=UtcDateTime)


@event.listens_for(CycleBaseline, "before_update")
@event.listens_for(CycleBaseline, "before_delete")
def _keep_as_approved(_mapper: Any, _connection: Any, baseline: CycleBaseline) -> None:
    """The database refuses it too; this says which row was meant."""
    raise ValueError(f"the approved plan {baseline.id} can't be rewritten")


class WhatIf(SQLModel, table=True):
    """A question about a team's span: what its scenarios have in common."""

    __tablename__ = "what_if"
    id: str = Field(primary_key=True)
    team_id: str = Field(foreign_key="team.id", index=True)
    first_day: date
    last_day: date
    rep_ids: list[str] = Field(default_factory=list, sa_type=Json)
    resolution: int
    """Of the H3 cells that territories are made of."""
    assumptions: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """most_a_day, rep_month, per_km."""
    asked_by: str | None = None
    asked_at: datetime = Field(sa_type=UtcDateTime)


class WhatIfScenario(SQLModel, table=True):
    """A list of changes and what would come of them; number 0 is the team as it is."""

    __tablename__ = "what_if_scenario"
    id: str = Field(primary_key=True)
    """Also the job's id."""
    what_if_id: str = Field(foreign_key="what_if.id", index=True)
    number: int
    changes: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    status: str = "queued"
    """queued, running, ready, failed, cancelled; a cancelled one keeps the best it had."""
    facts: str = ""
    """What the data were when it was worked out: scenarios of the same compare."""
    outcome: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """{reps: [...], cells: {cell: rep_id}, load: {cell: minutes}, handed, now, is_rough, is_estimate,
    seconds, steps}; see planning.whatif_working."""
    error: str | None = None
    """A catalogue key."""
    asked_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(
        default=None, sa_type=UtcDateTime, sa_column_kwargs={"name": "done_at"}
    )
