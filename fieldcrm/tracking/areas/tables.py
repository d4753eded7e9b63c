"""Rows of areas."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class Area(SQLModel, table=True):
    """A named part of the map that is watched."""

    __tablename__ = "area"
    id: str = Field(primary_key=True)
    name: str
    shape: dict[str, Any] = Field(sa_type=Json)
    """areas.model.Shape: {kind: polygon, ring: [[lat, lng], ...]} or {kind: circle, centre, radius_m}."""
    on_enter: bool = True
    on_leave: bool = True
    is_for_all: bool = False
    """Every team of the company; then it has no `area_team` rows."""
    rep_ids: list[str] = Field(default_factory=list, sa_type=Json)
    """Only these reps of its teams; empty: all."""
    active_from_min: int | None = None
    active_to_min: int | None = None
    """Minutes of the local day; both None: at any time."""
    days: str = "1234567"
    """ISO weekdays."""
    created_by: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class AreaTeam(SQLModel, table=True):
    """A team whose reps an area watches."""

    __tablename__ = "area_team"
    area_id: str = Field(primary_key=True, foreign_key="area.id")
    team_id: str = Field(primary_key=True, foreign_key="team.id", index=True)
