"""Rows of saved views: how people look at the list of clients."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from fieldcrm.kit.database import Json, UtcDateTime


class ClientView(SQLModel, table=True):
    """Columns, order and filters of the list of clients under a name."""

    __tablename__ = "client_view"
    id: str = Field(primary_key=True)
    owner_id: str = Field(foreign_key="user.id", index=True)
    name: str
    state: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """As in clients.views.model.ListState."""
    shared: str = ""
    """team, everybody; empty: its owner's alone."""
    team_id: str | None = Field(default=None, foreign_key="team.id", index=True)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class ClientListHabit(SQLModel, table=True):
    """How a person likes the list of clients, on whichever computer."""

    __tablename__ = "client_list_habit"
    user_id: str = Field(foreign_key="user.id", primary_key=True)
    columns: list[str] = Field(default_factory=list, sa_type=Json)
    """Of the list without a view, in order; empty: the usual ones."""
    view_id: str | None = None
    """What opens by itself. No foreign key: a view that is gone is simply not opened."""
