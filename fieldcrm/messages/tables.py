"""Rows of messages, of the phones that can be woken, and of what is on its way to them."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import event
from sqlmodel import Field, SQLModel

from fieldcrm.clients.folding import search_text
from fieldcrm.kit.database import UtcDateTime


class Message(SQLModel, table=True):
    """One message to one rep; what was written to many at once has one `batch_id`."""

    __tablename__ = "message"
    id: str = Field(primary_key=True)
    batch_id: str = Field(index=True)
    rep_id: str = Field(foreign_key="user.id", index=True)
    team_id: str = Field(foreign_key="team.id", index=True)
    kind: str
    text: str = ""
    day: date | None = None
    """Whose plan changed, for kind plan."""
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    client_id: str | None = Field(default=None, foreign_key="client.id")
    lat: float | None = None
    lng: float | None = None
    radius_m: int | None = None
    created_by: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)
    push_at: datetime | None = Field(default=None, sa_type=UtcDateTime, index=True)
    """When phones are to be woken next, by the product's clock."""
    near_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When the rep was found at its place."""
    arrived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    seen_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    accepted_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    declined_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    withdrawn_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    comment: str | None = None
    search_text: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Text and comment, folded: what it is found by (see clients.folding)."""
    version: int = 1


@event.listens_for(Message, "before_insert")
@event.listens_for(Message, "before_update")
def _fold(_mapper: Any, _connection: Any, message: Message) -> None:
    """Whoever writes a message, it can be found."""
    message.search_text = search_text(message.text, message.comment)


class PushSubscription(SQLModel, table=True):
    """Where a phone app can be woken through its browser's push service (RFC 8030)."""

    __tablename__ = "push_subscription"
    id: str = Field(primary_key=True)
    device_id: str = Field(foreign_key="device.id", unique=True)
    rep_id: str = Field(foreign_key="user.id", index=True)
    endpoint: str = Field(unique=True)
    """A capability: who knows it can send, so it is told to nobody."""
    p256dh: str
    """The phone's public key (P-256 point, base64url)."""
    auth: str
    """The secret it shares with us (16 bytes, base64url)."""
    language: str = "en"
    created_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When its push service last took a message."""


class PushDelivery(SQLModel, table=True):
    """A message on its way to one phone; kept until it went or is no longer worth sending."""

    __tablename__ = "push_delivery"
    id: str = Field(primary_key=True)
    message_id: str = Field(foreign_key="message.id", index=True)
    subscription_id: str = Field(foreign_key="push_subscription.id", index=True)
    why: str
    due_at: datetime = Field(sa_type=UtcDateTime, index=True)
    """When it is tried next, by the wall's clock."""
    expires_at: datetime = Field(sa_type=UtcDateTime)
    tries: int = 0
