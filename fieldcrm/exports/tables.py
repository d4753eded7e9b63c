"""Rows of lists that are made into files."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import BigInteger, Field, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class ListExport(SQLModel, table=True):
    """A list as a file, for who asked for it; it dies by itself."""

    __tablename__ = "list_export"
    id: str = Field(primary_key=True)
    """Also the id of the job that makes it."""
    maker_id: str = Field(foreign_key="user.id", index=True)
    list_name: str
    """A key of exports.sources.LISTS."""
    form: str
    """csv, xlsx, geojson, vcf."""
    asked: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """What narrows and orders the list, as its source understands it; `scope` is what its
    maker could see then (`exports.rules.scope_of`)."""
    status: str
    """A word of FileStatus."""
    asked_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    expires_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    rows: int = 0
    size: int = Field(default=0, sa_type=BigInteger)
