"""Rows of privacy: files made of one person's data."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime

from sqlmodel import BigInteger, Field, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class PersonFile(SQLModel, table=True):
    """A zip of what is kept of a rep, for the administrator who asked for it; it dies by itself."""

    __tablename__ = "person_file"
    id: str = Field(primary_key=True)
    """Also the id of the job that makes it."""
    rep_id: str = Field(foreign_key="user.id", index=True)
    maker_id: str = Field(foreign_key="user.id", index=True)
    status: str
    """A word of FileStatus."""
    asked_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    size: int = Field(default=0, sa_type=BigInteger)
    counts: dict[str, int] = Field(default_factory=dict, sa_type=Json)
    """How many of what lie in it."""
