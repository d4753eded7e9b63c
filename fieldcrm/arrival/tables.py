"""Rows of arrival links."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from fieldcrm.kit.database import UtcDateTime


class ArrivalLink(SQLModel, table=True):
    """A link by which a client sees one rep come to one visit; its token is kept as a hash only."""

    __tablename__ = "arrival_link"
    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True, index=True)
    visit_id: str = Field(foreign_key="visit.id", index=True)
    rep_id: str = Field(foreign_key="user.id", index=True)
    """Who was to come when it was made: with another rep it shows nothing."""
    created_by: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    opened_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When it was looked at first."""
