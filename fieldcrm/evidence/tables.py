"""Rows of evidence: every verdict ever given, the latest last."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class Verdict(SQLModel, table=True):
    """One judgement of a closed visit; a later one supersedes, none is deleted."""

    __tablename__ = "verdict"
    id: str = Field(primary_key=True)
    visit_id: str = Field(foreign_key="visit.id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    verdict: str
    """confirmed, doubtful, contradicted."""
    score: float = 0.0
    """Probability-like weight for 'it took place as told', 0 to 1."""
    reasons: list[dict[str, Any]] = Field(default_factory=list, sa_type=Json)
    """[{code (catalogue key evidence.<code>), for: bool, weight, params}]"""
    figures: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """distance_m, dwell_s, fixes, gap_s, nearest_m, mock_share, clock_offset_s, ..."""
    rules_version: int = 1
