"""Rows of handovers."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Field, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class Handover(SQLModel, table=True):
    """One handover: who, to whom, how much, and what it moved, so that it can be undone."""

    __tablename__ = "handover"
    id: str = Field(primary_key=True)
    from_rep_id: str = Field(foreign_key="user.id", index=True)
    to_rep_id: str = Field(foreign_key="user.id", index=True)
    team_id: str = Field(foreign_key="team.id", index=True)
    first_day: date
    clients: int = 0
    visits: int = 0
    promises: int = 0
    moved: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """As it was: {territories: [id], clients: {id: territory}, visits: {id: position}, promises: [id],
    targets: [[id, planned, id of the new owner's, passed on]]}."""
    brief: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """The lines the new owner got, as they stood then."""
    stayed: int = 0
    done_by: str | None = Field(default=None, foreign_key="user.id")
    done_at: datetime = Field(sa_type=UtcDateTime)
    undone_by: str | None = Field(default=None, foreign_key="user.id")
    undone_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
