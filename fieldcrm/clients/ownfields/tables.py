"""Rows of the fields that the administrator made, and of files for them; values are with the clients."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from fieldcrm.clients.ownfields.model import EDITORS
from fieldcrm.kit.database import Json, UtcDateTime


class ClientField(SQLModel, table=True):
    """A field of clients' cards; never deleted, so that values stay readable."""

    __tablename__ = "client_field"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    """What its values stand under in `client.own_fields`; stays as it is."""
    definition: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """As in wire.forms.FormField."""
    kinds: list[str] = Field(default_factory=list, sa_type=Json)
    editors: list[str] = Field(default_factory=list, sa_type=Json)
    viewers: list[str] = Field(
        default_factory=lambda: [*EDITORS], sa_type=Json,
        sa_column_kwargs={"server_default": json.dumps(EDITORS)},
    )  # fmt: skip
    """Roles for which there is such a field."""
    place: int = 0
    """Among the others, from above."""
    archived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    changed_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class ClientFile(SQLModel, table=True):
    """A file that somebody sent for an own field; a card's value names it by its id."""

    __tablename__ = "client_file"
    id: str = Field(primary_key=True)
    field: str
    """Name of the field that it was sent for."""
    sha256: str = Field(index=True)
    name: str
    content_type: str
    """By its bytes."""
    size: int
    """Bytes."""
    by_id: str | None = Field(default=None, foreign_key="user.id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)
    is_used: bool = False
    """Whether a card was given it."""
    erased_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
