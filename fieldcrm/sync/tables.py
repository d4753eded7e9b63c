"""Rows of offline sync: every mutation a phone sent, with the first answer it got."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, Index, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class Mutation(SQLModel, table=True):
    """A phone's action and its answer; a repeat gets the same answer."""

    __tablename__ = "mutation"
    __table_args__ = (Index("mutation_device_seq", "device_id", "seq", unique=True),)
    id: str = Field(primary_key=True)
    """UUIDv7 made by the phone."""
    device_id: str = Field(foreign_key="device.id")
    rep_id: str = Field(foreign_key="user.id", index=True)
    seq: int
    kind: str
    subject_id: str
    payload: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    digest: str = ""
    """Of kind, subject, seq and payload: the same id with other content is refused."""
    device_at: datetime = Field(sa_type=UtcDateTime)
    offset_ms: int = 0
    """Server clock minus phone clock as the phone measured it."""
    received_at: datetime = Field(sa_type=UtcDateTime)
    status: str
    """applied or refused."""
    result: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """code and params of a refusal; version of what was changed."""
