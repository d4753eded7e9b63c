"""Rows that belong to no domain: the event log, the feed phones pull from, facts of the install."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer
from sqlmodel import Field, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime

BigKey = BigInteger().with_variant(Integer, "sqlite")


class Event(SQLModel, table=True):
    """One write, for ever: who did what to which row, when, from where."""

    __tablename__ = "event"
    id: str = Field(primary_key=True)
    at: datetime = Field(sa_type=UtcDateTime, index=True)
    actor_id: str | None = Field(default=None, index=True)
    """The user; None for the product itself."""
    kind: str = Field(index=True)
    """`<subject>.<verb>`, as `visit.closed` or `user.signed_in`."""
    subject_id: str | None = Field(default=None, index=True)
    team_id: str | None = Field(default=None, index=True)
    source: str = "web"
    """web, phone, api, cli, worker, sample."""
    data: dict[str, Any] = Field(default_factory=dict, sa_type=Json)


class FeedEntry(SQLModel, table=True):
    """A change some phone must hear of: phones pull by `seq` as their cursor."""

    __tablename__ = "feed"
    __table_args__ = (Index("feed_rep_seq", "rep_id", "seq"),)
    seq: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    rep_id: str
    """Whose phone; '*' is everybody's."""
    entity: str
    """visit, client, product, shift, profile."""
    entity_id: str
    at: datetime = Field(sa_type=UtcDateTime)


class Fact(SQLModel, table=True):
    """A fact of this install, such as `sample` = the sample company's label."""

    __tablename__ = "fact"
    key: str = Field(primary_key=True)
    value: Any = Field(default=None, sa_type=Json)
