"""Rows of tracking: shifts, compressed track chunks, alerts."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class Shift(SQLModel, table=True):
    """A rep's working time; nothing is recorded outside."""

    __tablename__ = "shift"
    __table_args__ = (Index("ix_shift_rep_span", "rep_id", "started_at", "ended_at"),)
    id: str = Field(primary_key=True)
    rep_id: str = Field(foreign_key="user.id", index=True)
    started_at: datetime = Field(sa_type=UtcDateTime, index=True)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    pauses: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """[{from, to | null, kind: lunch | time_off}] as ISO 8601."""
    source: str = "phone"


class TrackChunk(SQLModel, table=True):
    """One hour of one rep's fixes, delta-coded and compressed (see tracking.chunks)."""

    __tablename__ = "track_chunk"
    rep_id: str = Field(primary_key=True)
    hour: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    """Start of the UTC hour of the fixes' own (corrected) time."""
    count: int
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    data: bytes
    updated_at: datetime = Field(sa_type=UtcDateTime, index=True)


class Alert(SQLModel, table=True):
    """Something a dispatcher should know: open until resolved, quiet once acknowledged."""

    __tablename__ = "alert"
    id: str = Field(primary_key=True)
    rep_id: str = Field(foreign_key="user.id", index=True)
    team_id: str = Field(foreign_key="team.id", index=True)
    kind: str
    """A word of AlertKind."""
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """Cause and figures: visit_id, minutes, battery_pct, lat, lng, cause (catalogue key)."""
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    snoozed_until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    resolved_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class CoverageDay(SQLModel, table=True):
    """Where a rep was, fell silent and made visits on a local day, by H3 cell (reports.coverage)."""

    __tablename__ = "coverage_day"
    day: date = Field(primary_key=True)
    rep_id: str = Field(primary_key=True, foreign_key="user.id")
    month: int
    """The day's month as year * 100 + month: a whole month may be read from its own row."""
    track: bytes = b""
    """Seconds of presence and of silence by cell, packed; erased with the track it came from."""
    track_tag: str = Field(default="", index=True)
    """What `track` was counted from; empty: to be counted again."""
    visits: bytes = b""
    """Visits, confirmed ones and shelf checks by cell and category, packed."""
    visits_tag: str = ""
    counted_at: datetime = Field(sa_type=UtcDateTime)


class CoverageMonth(SQLModel, table=True):
    """The sum of a rep's days of a past month; there only while it is true of each of them."""

    __tablename__ = "coverage_month"
    month: int = Field(primary_key=True)
    rep_id: str = Field(primary_key=True, foreign_key="user.id")
    track: bytes
    visits: bytes
