"""Rows of people: teams, users, what they sign in with, their devices."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from fieldcrm.kit.database import UtcDateTime


class Team(SQLModel, table=True):
    __tablename__ = "team"
    id: str = Field(primary_key=True)
    name: str
    is_sample: bool = False
    created_at: datetime = Field(sa_type=UtcDateTime)


class User(SQLModel, table=True):
    """A person who signs in. Reps also have a way of travel, a start, an end and a shift."""

    __tablename__ = "user"
    id: str = Field(primary_key=True)
    login: str = Field(unique=True, index=True)
    """Lower case."""
    name: str = Field(index=True)
    role: str = Field(index=True)
    team_id: str | None = Field(default=None, foreign_key="team.id", index=True)
    """The team a rep belongs to; dispatchers and managers have `user_team` rows."""
    password_hash: str
    language: str = "en"
    phone: str | None = None
    email: str | None = None
    is_active: bool = True
    is_sample: bool = False
    mode: str = "car"
    start_lat: float | None = None
    start_lng: float | None = None
    shift_start_min: int = 9 * 60
    """Minutes after local midnight."""
    shift_end_min: int = 17 * 60
    lunch_start_min: int = 12 * 60
    lunch_minutes: int = 30
    work_days: str = "12345"
    """ISO weekdays worked."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    version: int = 1


class UserTeam(SQLModel, table=True):
    """A team a dispatcher or manager is responsible for."""

    __tablename__ = "user_team"
    user_id: str = Field(primary_key=True, foreign_key="user.id")
    team_id: str = Field(primary_key=True, foreign_key="team.id")


class SignIn(SQLModel, table=True):
    """A session; its cookie's token is kept as a hash only."""

    __tablename__ = "sign_in"
    token_hash: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="user.id", index=True)
    created_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    address: str = ""
    user_agent: str = ""


class Device(SQLModel, table=True):
    """A phone app that may send a rep's positions; paired by a code, revocable."""

    __tablename__ = "device"
    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="user.id", index=True)
    kind: str
    name: str = ""
    token_hash: str = Field(unique=True, index=True)
    paired_at: datetime = Field(sa_type=UtcDateTime)
    revoked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    app_version: str = ""
    last_seq: int = 0
    """Highest mutation sequence of this device that has an answer."""
