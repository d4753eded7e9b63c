"""Every SQL statement about people."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, String, bindparam, delete, func, update
from sqlmodel import Session, col, select

from fieldcrm.kit.database import UtcDateTime
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Role
from fieldcrm.people.tables import Device, SignIn, Team, User, UserTeam


class SignedIn(NamedTuple):
    """What of a user makes him an actor."""

    id: str
    role: str
    team_id: str | None
    name: str
    language: str


# Put together once, and executed beside the ORM: every request waits for them.
_SIGNED_IN = (
    select(User.id, User.role, User.team_id, User.name)
    .add_columns(col(User.language))
    .join(SignIn, col(SignIn.user_id) == User.id)
    .where(
        col(SignIn.token_hash) == bindparam("hash", type_=String),
        col(SignIn.expires_at) > bindparam("now", type_=UtcDateTime),
        col(User.is_active),
    )
)
_ROLE_AND_TEAM = select(User.role, User.team_id).where(User.id == bindparam("user", type_=String))
_TEAM_IDS = select(UserTeam.team_id).where(UserTeam.user_id == bindparam("user", type_=String))

IDS_AT_ONCE = 500


def user(session: Session, user_id: str) -> User | None:
    return session.get(User, user_id)


def user_by_login(session: Session, login: str) -> User | None:
    return session.exec(select(User).where(User.login == login)).first()


def users(session: Session, role: str | None = None) -> list[User]:
    """Users by name."""
    wanted = select(User).where(User.role == role) if role else select(User)
    return list(session.exec(wanted.order_by(col(User.name), col(User.id))))


def reps(session: Session, team_ids: Collection[str] | None, inactive: bool) -> list[User]:
    """Reps of teams (None: of all), by name."""
    wanted = select(User).where(User.role == Role.rep.value)
    if team_ids is not None:
        wanted = wanted.where(col(User.team_id).in_(team_ids))
    if not inactive:
        wanted = wanted.where(col(User.is_active))
    return list(session.exec(wanted.order_by(col(User.name), col(User.id))))


def reps_by_ids(session: Session, ids: Collection[str]) -> list[User]:
    """Those of these users who are active reps."""
    found: list[User] = []
    wanted = sorted(ids)
    for start in range(0, len(wanted), IDS_AT_ONCE):
        some = col(User.id).in_(wanted[start : start + IDS_AT_ONCE])
        found += session.exec(
            select(User).where(some, User.role == Role.rep.value, col(User.is_active))
        )
    return found


def other_administrators(session: Session, user_id: str) -> int:
    """How many active administrators there are besides this user."""
    wanted = select(func.count()).where(
        User.role == Role.admin.value, col(User.is_active), User.id != user_id
    )
    return session.exec(wanted).one()


def team_ids_of(session: Session, user_id: str) -> frozenset[str]:
    """Teams a dispatcher or manager is responsible for."""
    return frozenset(session.connection().execute(_TEAM_IDS, {"user": user_id}).scalars())


def team_ids_by_user(session: Session) -> dict[str, frozenset[str]]:
    """The same for everybody at once."""
    found: dict[str, set[str]] = {}
    for row in session.exec(select(UserTeam)):
        found.setdefault(row.user_id, set()).add(row.team_id)
    return {user_id: frozenset(ids) for user_id, ids in found.items()}


def set_teams(session: Session, user_id: str, team_ids: Collection[str]) -> None:
    session.execute(delete(UserTeam).where(col(UserTeam.user_id) == user_id))
    session.add_all(UserTeam(user_id=user_id, team_id=t) for t in sorted(team_ids))


def team(session: Session, team_id: str) -> Team | None:
    return session.get(Team, team_id)


def teams(session: Session, team_ids: Collection[str] | None) -> list[Team]:
    """Teams by name (None: all)."""
    wanted = select(Team)
    if team_ids is not None:
        wanted = wanted.where(col(Team.id).in_(team_ids))
    return list(session.exec(wanted.order_by(col(Team.name), col(Team.id))))


def signed_in(session: Session, token_hash: str, now: datetime) -> SignedIn | None:
    """The active user of the session with this token, while it lasts."""
    found = session.connection().execute(_SIGNED_IN, {"hash": token_hash, "now": now}).first()
    return SignedIn(*found) if found else None


def role_and_team(session: Session, user_id: str) -> tuple[str, str | None] | None:
    """What decides whose a user's rows are to see."""
    found = session.connection().execute(_ROLE_AND_TEAM, {"user": user_id}).first()
    return (found[0], found[1]) if found else None


def sign_in_row(session: Session, token_hash: str) -> SignIn | None:
    return session.get(SignIn, token_hash)


def end_sign_ins(session: Session, user_id: str, keep: str | None = None) -> None:
    """End a user's sessions, but for the one with the hash `keep`."""
    session.execute(
        delete(SignIn).where(col(SignIn.user_id) == user_id, col(SignIn.token_hash) != (keep or ""))
    )


def drop_expired(session: Session, now: datetime) -> None:
    session.execute(delete(SignIn).where(col(SignIn.expires_at) <= now))


def device(session: Session, device_id: str) -> Device | None:
    return session.get(Device, device_id)


def devices_by_hashes(
    session: Session, token_hashes: Collection[str]
) -> Sequence[tuple[str, str, str, str, str | None]]:
    """(hash, device, kind, rep, team) of living devices with these tokens and active reps."""
    wanted = (
        select(Device.token_hash, Device.id, Device.kind, User.id, User.team_id)  # type: ignore[call-overload]
        .join(User, col(User.id) == Device.user_id)
        .where(
            col(Device.token_hash).in_(token_hashes), col(Device.revoked_at).is_(None),
            col(User.is_active), User.role == Role.rep,
        )
    )  # fmt: skip
    return session.exec(wanted).all()  # type: ignore[return-value]


def devices(session: Session, rep_ids: Collection[str]) -> list[Device]:
    """Devices of these reps, the newest first."""
    wanted = select(Device).where(col(Device.user_id).in_(rep_ids))
    return list(session.exec(wanted.order_by(col(Device.paired_at).desc(), col(Device.id))))


def revoke_devices(session: Session, user_id: str, now: datetime) -> list[str]:
    """Revoke all of a user's devices; returns their ids."""
    living = select(Device.id).where(Device.user_id == user_id, col(Device.revoked_at).is_(None))
    ids = list(session.exec(living))
    session.execute(update(Device).where(col(Device.id).in_(ids)).values(revoked_at=now))
    return ids


def event_log(
    session: Session, kind: str, subject_id: str | None, actor_id: str | None, before: str | None,
    limit: int,
) -> list[Event]:  # fmt: skip
    """Events by id (which rises with time), the newest first."""
    wanted = select(Event).where(*_events(kind, subject_id, actor_id, before))
    return list(session.exec(wanted.order_by(col(Event.id).desc()).limit(limit)))


def count_events(
    session: Session, kind: str, subject_id: str | None, actor_id: str | None, before: str | None
) -> int:
    """How many there are."""
    wanted = select(func.count(col(Event.id))).where(*_events(kind, subject_id, actor_id, before))
    return session.exec(wanted).one()


def _events(
    kind: str, subject_id: str | None, actor_id: str | None, before: str | None
) -> list[ColumnElement[bool]]:
    asked = [
        (kind, col(Event.kind).startswith(kind, autoescape=True)),
        (subject_id, col(Event.subject_id) == subject_id),
        (actor_id, col(Event.actor_id) == actor_id),
        (before, col(Event.id) < (before or "")),
    ]
    return [condition for value, condition in asked if value]
