"""Rows of visits: the visit as it stands, every change of it, its attachments."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Field, Index, SQLModel

from fieldcrm.forms.tables import Product
from fieldcrm.kit.database import Json, UtcDateTime

__all__ = ["Attachment", "JointVisit", "Product", "Visit", "VisitChange"]


class Visit(SQLModel, table=True):
    __tablename__ = "visit"
    __table_args__ = (
        Index("visit_rep_day", "rep_id", "day"),
        Index("visit_state_order", text("coalesce(state, state)"), "day", "id"),
        Index("visit_verdict_order", text("coalesce(verdict, verdict)"), "day", "id"),
    )
    # the last two give lists their order, and nothing else (see store.SORTS)
    id: str = Field(primary_key=True)
    rep_id: str = Field(foreign_key="user.id")
    team_id: str = Field(foreign_key="team.id", index=True)
    client_id: str = Field(foreign_key="client.id", index=True)
    """The target: a person, or a place visited as such."""
    place_id: str | None = Field(default=None, foreign_key="client.id", index=True)
    """The organisation where it takes place; None when the client is the place."""
    lat: float | None = None
    """Where it should take place (copied from the place when planned)."""
    lng: float | None = None
    state: str = Field(default="planned", index=True)
    """planned, under_way, closed, missed, cancelled, moved (see life.json)."""
    day: date = Field(index=True)
    """Local date it is planned for, or took place on when unplanned."""
    position: int = 0
    """Order within the rep's day, from 1; 0 is not ordered."""
    planned_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Planned start; a baseline that only a plan moves."""
    planned_minutes: int = 15
    expected_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """Expected start as the day goes on."""
    travel_s: int | None = None
    """Road time from the stop before (seconds); None where no road is known."""
    travel_m: int | None = None
    pause_min: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Minutes of the break that the plan puts right before this visit; 0 once it is taken."""
    travel_mode: str | None = None
    """foot, bicycle or car as driven; 'foot' where the rep's own mode has no route."""
    is_locked: bool = False
    is_unplanned: bool = False
    priority: int = 1
    """1 normal, 2 important, 3 must."""
    objective: str | None = None
    plan_reason: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Why this day and place in the order, or why it was left out."""
    checked_in_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """By the phone's corrected clock."""
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    check_in: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Place and clocks as in wire.sync.PlaceTime: at_ms, device_at_ms, server_at_ms, offset_ms, lat,
    lng, accuracy_m, fix_at_ms, is_mock, source, no_gps_reason, position_state."""
    check_out: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """The same at closing."""
    result: str | None = None
    """met, not_met, declined, closed_place, out_of_stock, order ... (see visits.model.Result)."""
    comment: str | None = None
    details: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """As in wire.sync.VisitDetails: the form's answers, products shown, samples, stock."""
    reason: str | None = None
    """Why it was cancelled, missed or moved."""
    moved_to_id: str | None = None
    """The visit that replaced this one after a move to another day."""
    promise_id: str | None = None
    verdict: str = Field(default="unjudged", index=True)
    """unjudged, confirmed, doubtful, contradicted: the latest of `verdict` rows."""
    verdict_reasons: list[str] = Field(default_factory=list, sa_type=Json)
    """Codes of the latest verdict's reasons, weightiest first."""
    judged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    conflicts: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """Values that lost to another's unseen change: [{field, value, actor_id, at, change_id}]; a
    revision of the field that has seen both clears them."""
    is_sample: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class VisitChange(SQLModel, table=True):
    """One move of a visit through its life; never changed or deleted."""

    __tablename__ = "visit_change"
    id: str = Field(primary_key=True)
    """The mutation's id where a phone made it, so that a replay finds it."""
    visit_id: str = Field(foreign_key="visit.id", index=True)
    move: str
    from_state: str | None = None
    to_state: str
    actor_id: str | None = None
    device_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """By the phone's own clock, uncorrected."""
    at: datetime = Field(sa_type=UtcDateTime)
    """When it happened: the phone's clock corrected by its measured offset."""
    server_at: datetime = Field(sa_type=UtcDateTime)
    lat: float | None = None
    lng: float | None = None
    accuracy_m: float | None = None
    source: str = "web"
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """before, after: the fields it changed; reason, clock, measured_offset_ms."""
    version: int = 1
    """The visit's version after this change."""


class JointVisit(SQLModel, table=True):
    """A colleague who was there too: asked by the rep whose visit it is, answered by himself."""

    __tablename__ = "joint_visit"
    __table_args__ = (Index("joint_visit_pair", "visit_id", "colleague_id", unique=True),)
    id: str = Field(primary_key=True)
    """Made by the phone that asked."""
    visit_id: str = Field(foreign_key="visit.id")
    rep_id: str = Field(foreign_key="user.id", index=True)
    colleague_id: str = Field(foreign_key="user.id", index=True)
    asked_at: datetime = Field(sa_type=UtcDateTime)
    status: str = "asked"
    """asked, confirmed, declined, withdrawn."""
    answered_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lat: float | None = None
    """Where the colleague was when he answered."""
    lng: float | None = None
    accuracy_m: float | None = None


class Attachment(SQLModel, table=True):
    """A photo (or sound) a visit names by hash; complete once `stored_at` is set."""

    __tablename__ = "attachment"
    id: str = Field(primary_key=True)
    visit_id: str = Field(foreign_key="visit.id", index=True)
    sha256: str = Field(index=True)
    kind: str = "photo"
    content_type: str = "image/jpeg"
    size: int = 0
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lat: float | None = None
    lng: float | None = None
    stored_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    erased_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When its bytes were erased, by policy or on a person's wish; what it was stays known."""
