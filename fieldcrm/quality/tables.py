"""Rows of quality: how each card stands, what was confirmed, proposed pins, answers of a geocoder, runs.

No row has a foreign key to its client: a finding is nothing that somebody built on a client, so it
never keeps an import from being undone.
"""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlmodel import Field, Index, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class ClientQuality(SQLModel, table=True):
    """A card as it was last judged."""

    __tablename__ = "client_quality"
    __table_args__ = (Index("client_quality_sums", "client_id", "mask", "score"),)
    client_id: str = Field(primary_key=True)
    score: int = Field(index=True)
    """0 to 100."""
    value: int = Field(index=True)
    """How much it is worth putting right (see rules.value)."""
    mask: int = 0
    """The kinds of findings as bits (model.BIT)."""
    findings: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """[{code, field}]"""
    next_visit_on: date | None = None
    version: int = 1
    """The client's, when it was judged."""
    checked_at: datetime = Field(sa_type=UtcDateTime)


class ClientConfirmed(SQLModel, table=True):
    """Somebody looked at a card and said that it is right."""

    __tablename__ = "client_confirmed"
    client_id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime)
    by: str | None = Field(default=None, foreign_key="user.id")


class PinProposal(SQLModel, table=True):
    """Where a client's pin should stand, and why; moved by a person's word alone."""

    __tablename__ = "pin_proposal"
    id: str = Field(primary_key=True)
    """Also the correction's by which it is carried out."""
    client_id: str = Field(index=True)
    source: str
    """visits, geocoder."""
    lat: float
    lng: float
    from_lat: float | None = None
    """Where the pin stood when it was proposed."""
    from_lng: float | None = None
    precision: str = ""
    """Of a geocoder: house, street, town."""
    distance_m: float | None = None
    """From the old pin."""
    error_m: float | None = None
    """How far the proposed place may be off (95 %)."""
    evidence: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """visits: [{id, day, rep_id, lat, lng, old_m, new_m}]; label of a geocoder's answer."""
    status: str = Field(default="open", index=True)
    """open, accepted, declined, withdrawn."""
    found_at: datetime = Field(sa_type=UtcDateTime)
    decided_by: str | None = Field(default=None, foreign_key="user.id")
    decided_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    is_asked: bool = False
    """Whether it stands among the corrections."""


class GeocodeAnswer(SQLModel, table=True):
    """What a geocoder said to a question, so that it is asked once."""

    __tablename__ = "geocode_answer"
    question: str = Field(primary_key=True)
    """SHA-256 (hex) of provider, address of the service and question."""
    answer: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """lat, lng, precision, label; None: it knows nothing."""
    at: datetime = Field(sa_type=UtcDateTime)


class QualityRun(SQLModel, table=True):
    """One look through the whole base, or one round of questions to a geocoder."""

    __tablename__ = "quality_run"
    id: str = Field(primary_key=True)
    kind: str = Field(default="check", index=True)
    """check, geocode."""
    asked_by: str | None = Field(default=None, foreign_key="user.id")
    """None: by itself."""
    asked_at: datetime = Field(sa_type=UtcDateTime)
    beat_at: datetime = Field(sa_type=UtcDateTime)
    """When it last gave a sign of life."""
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status: str = "queued"
    """queued, running, done, failed, cancelled, stopped."""
    progress: float = 0.0
    """0 to 1."""
    report: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """check: by territory what was found before and after; geocode: how many of which answer."""
