"""Rows of duplicates: sweeps, the pairs they found, merges and what each moved."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel, UniqueConstraint

from fieldcrm.kit.database import Json, UtcDateTime


class DuplicateSweep(SQLModel, table=True):
    """One look through the whole base."""

    __tablename__ = "duplicate_sweep"
    id: str = Field(primary_key=True)
    """Also the job's."""
    asked_by: str | None = Field(default=None, foreign_key="user.id")
    asked_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status: str = "queued"
    """queued, running, done, failed, cancelled."""
    clients: int = 0
    found: int = 0
    """Pairs that nobody had decided."""
    merge_above: float | None = None
    """Probability from which groups are made one by rule; None: people decide every pair."""
    merged: int = 0
    """Clients that the rule took for another."""
    weights: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """What each kind's agreements were learned to say: hints at entry go by it."""


class Duplicate(SQLModel, table=True):
    """Two clients that may be one, and what was decided."""

    __tablename__ = "duplicate"
    __table_args__ = (UniqueConstraint("left_id", "right_id"),)
    id: str = Field(primary_key=True)
    left_id: str = Field(foreign_key="client.id")
    """The older of the two."""
    right_id: str = Field(foreign_key="client.id", index=True)
    probability: float
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """[{field, level, bits}], what says most first."""
    status: str = Field(default="open", index=True)
    """open, later, different, merged."""
    sweep_id: str | None = Field(default=None, index=True)
    """The last sweep that found it."""
    found_at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str | None = Field(default=None, foreign_key="user.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1


class ClientMerge(SQLModel, table=True):
    """One client taken for another: the loser's card is put away, its work is the winner's."""

    __tablename__ = "client_merge"
    id: str = Field(primary_key=True)
    loser_id: str = Field(foreign_key="client.id", index=True)
    winner_id: str = Field(foreign_key="client.id", index=True)
    standing_id: str = Field(foreign_key="client.id", index=True)
    """Who stands for the loser now: the winner, or whom the winner was merged into later."""
    merged_by: str | None = Field(default=None, foreign_key="user.id")
    merged_at: datetime = Field(sa_type=UtcDateTime)
    undone_by: str | None = Field(default=None, foreign_key="user.id")
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    was_archived: bool = False
    fields: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """What the merge changed on the winner's card: {field: [before, after]}."""


class MergeMove(SQLModel, table=True):
    """A row that a merge gave to the winner, or that arrived for the loser after it."""

    __tablename__ = "client_merge_move"
    __table_args__ = (UniqueConstraint("merge_id", "place", "row_id"),)
    id: str = Field(primary_key=True)
    merge_id: str = Field(foreign_key="client_merge.id", index=True)
    place: str
    """`table.column`."""
    row_id: str
    was: Any = Field(default=None, sa_type=Json, nullable=True)
    """What else of the row the merge changed, as it was."""
