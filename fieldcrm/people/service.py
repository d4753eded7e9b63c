"""Who acts, who sees whom, users and teams."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from fieldcrm.kit import clock, events, facts, feed, ids, secrets
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event
from fieldcrm.people import notices, passwords, rules, store, throttle
from fieldcrm.people.model import (
    Actor,
    BadField,
    LastAdministrator,
    LoginTaken,
    NotSignedIn,
    OutOfScope,
    Role,
    StaleUser,
    WrongLogin,
)
from fieldcrm.people.tables import Team, User

# ---- who acts ----


def actor_of(user_id: str, source: str = "web") -> Actor:
    """An active user as the acting person, for workers and the CLI; raises NotSignedIn."""
    with reading() as session:
        user = store.user(session, user_id)
        if user is None or not user.is_active:
            raise NotSignedIn()
        return actor_in(session, user, source)


def actor_in(session: Session, user: User | store.SignedIn, source: str) -> Actor:
    """A user as the acting person, with the teams he is in or leads."""
    role = Role(user.role)
    team_ids = frozenset({user.team_id} if user.team_id else ())
    if role in (Role.dispatcher, Role.manager):
        team_ids = store.team_ids_of(session, user.id)
    return Actor(
        user_id=user.id, role=role, team_ids=team_ids, name=user.name, language=user.language,
        source=source,
    )  # fmt: skip


# ---- who sees whom ----


def require(actor: Actor, *roles: Role) -> None:
    """Raise RoleForbids unless the actor has one of these roles."""
    rules.check_role(actor, roles)


def visible_team_ids(actor: Actor) -> frozenset[str] | None:
    """Teams whose rows the actor sees, None for all. A rep's is his own: narrow it to his rows."""
    return None if actor.is_admin else actor.team_ids


def scope_rep(actor: Actor, rep_id: str) -> User:
    """The rep, when his rows are the actor's to see; raises OutOfScope."""
    with reading() as session:
        return scope_rep_in(session, actor, rep_id)


def scope_rep_in(session: Session, actor: Actor, rep_id: str) -> User:
    """The same inside another transaction."""
    user = store.user(session, rep_id)
    if user is None or user.role != Role.rep or not rules.sees_rep(actor, user.id, user.team_id):
        raise OutOfScope()
    return user


def check_rep_in(session: Session, actor: Actor, rep_id: str) -> None:
    """The same for who needs no more of him than leave to see his rows; quicker."""
    found = store.role_and_team(session, rep_id)
    if found is None or found[0] != Role.rep or not rules.sees_rep(actor, rep_id, found[1]):
        raise OutOfScope()


def visible_reps(actor: Actor, inactive: bool = False) -> list[User]:
    """Reps whose rows the actor sees, by name; `inactive` adds those who left, for history."""
    with reading() as session:
        if actor.role is Role.rep:
            user = store.user(session, actor.user_id)
            return [user] if user else []
        return store.reps(session, visible_team_ids(actor), inactive)


def reps_in(session: Session, rep_ids: Collection[str] | None = None) -> list[User]:
    """Active reps for a worker, which sees all: everybody by name, or those with these ids."""
    if rep_ids is None:
        return store.reps(session, None, inactive=False)
    return store.reps_by_ids(session, rep_ids)


# ---- users and teams ----


def own_user(actor: Actor) -> User:
    """The actor's own row."""
    with reading() as session:
        return user_in(session, actor.user_id)


def list_users(actor: Actor, search: str = "", role: str | None = None) -> list[User]:
    """Users by name: an administrator sees all, a dispatcher or manager their teams' reps."""
    require(actor, Role.admin, Role.manager, Role.dispatcher)
    with reading() as session:
        found = [u for u in store.users(session, role) if rules.is_named(u, search)]
    if actor.is_admin:
        return found
    return [u for u in found if u.role == Role.rep and rules.sees_team(actor, u.team_id)]


def names_of(actor: Actor, user_ids: Iterable[str]) -> dict[str, str]:
    """The names of colleagues who did something that a desk shows, by id."""
    require(actor, Role.admin, Role.manager, Role.dispatcher)
    with reading() as session:
        found = (store.user(session, user_id) for user_id in set(user_ids))
        return {user.id: user.name for user in found if user is not None}


def get_user(actor: Actor, user_id: str) -> User:
    """One user, whom the actor may see; raises OutOfScope."""
    if not actor.is_admin and actor.user_id != user_id:
        return scope_rep(actor, user_id)
    with reading() as session:
        return user_in(session, user_id)


def teams_of_users(actor: Actor) -> dict[str, frozenset[str]]:
    """Teams that each dispatcher and manager is responsible for, by user id."""
    require(actor, Role.admin)
    with reading() as session:
        return store.team_ids_by_user(session)


def user_in(session: Session, user_id: str) -> User:
    """A user inside a transaction; raises OutOfScope when there is none."""
    user = store.user(session, user_id)
    if user is None:
        raise OutOfScope()
    return user


def save_user(
    actor: Actor, changes: Mapping[str, Any], user_id: str | None = None,
    version: int | None = None,
) -> User:  # fmt: skip
    """Add a user (no `user_id`; `password` is needed) or change the given fields of one.

    Fields are those of the `User` row, `team_ids` for a dispatcher or manager, `password` when new.
    Raises BadField, WeakPassword, LoginTaken, StaleUser, LastAdministrator.
    """
    require(actor, Role.admin)
    cleaned = rules.clean_user(changes)
    try:
        with feed.writing() as session:
            if user_id is None:
                return _add_user(session, actor, cleaned, changes)
            changed = _change_user(session, actor, user_id, cleaned, changes, version)
    except IntegrityError as error:
        raise LoginTaken(field="login") from error
    notices.tell_gateways([{"t": "changed", "user_id": user_id}])
    return changed


def _add_user(
    session: Session, actor: Actor, cleaned: dict[str, Any], changes: Mapping[str, Any]
) -> User:
    for field in ("login", "name", "role"):
        if field not in cleaned:
            raise BadField(field=field)
    password = changes.get("password")
    if not isinstance(password, str):
        raise BadField(field="password")
    rules.check_password(password, cleaned["login"])
    user = User(
        id=ids.new_id(), password_hash=passwords.hash_password(password), created_at=clock.now(),
        **cleaned,
    )  # fmt: skip
    _check_fits(session, user)
    user.is_sample = facts.note_own_data(session)
    session.add(user)
    session.flush()
    _set_teams(session, user, changes)
    _record(session, actor, "user.added", user, {"login": user.login, "role": user.role})
    return user


def _change_user(
    session: Session, actor: Actor, user_id: str, cleaned: dict[str, Any],
    changes: Mapping[str, Any], version: int | None,
) -> User:  # fmt: skip
    user = user_in(session, user_id)
    if version is not None and user.version != version:
        raise StaleUser()
    if cleaned.get("role", Role.admin) != Role.admin:
        _keep_an_administrator(session, user)
    before = {k: getattr(user, k) for k in cleaned} | _led_teams(session, user)
    user.sqlmodel_update(cleaned)
    user.version += 1
    _check_fits(session, user)
    session.flush()
    _set_teams(session, user, changes)
    session.flush()
    _record(session, actor, "user.changed", user,
            difference(before, cleaned | _led_teams(session, user)))  # fmt: skip
    return user


def _led_teams(session: Session, user: User) -> dict[str, Any]:
    return {"team_ids": sorted(store.team_ids_of(session, user.id))}


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What an event tells of a change: old and new values of the fields that differ."""
    changed = [name for name in after if before.get(name) != after[name]]
    return {
        "before": {name: before.get(name) for name in changed},
        "after": {name: after[name] for name in changed},
    }


def _check_fits(session: Session, user: User) -> None:
    rules.check_user(user)
    with session.no_autoflush:
        if user.team_id and store.team(session, user.team_id) is None:
            raise BadField(field="team_id")


def _set_teams(session: Session, user: User, changes: Mapping[str, Any]) -> None:
    if user.role not in (Role.dispatcher, Role.manager):
        store.set_teams(session, user.id, ())
    elif "team_ids" in changes:
        wanted = set(changes["team_ids"] or ())
        if {t.id for t in store.teams(session, wanted)} != wanted:
            raise BadField(field="team_ids")
        store.set_teams(session, user.id, wanted)


def _keep_an_administrator(session: Session, user: User) -> None:
    counts = user.role == Role.admin and user.is_active
    if counts and not store.other_administrators(session, user.id):
        raise LastAdministrator()


def _record(session: Session, actor: Actor, kind: str, user: User, data: dict[str, Any]) -> None:
    events.record(
        session, kind, user.id, actor_id=actor.user_id or None, team_id=user.team_id,
        source=actor.source, data=data,
    )  # fmt: skip
    if user.role == Role.rep:
        feed.touch(session, "profile", user.id, rep_ids=[user.id], team_id=user.team_id)


def set_password(actor: Actor, user_id: str, password: str) -> None:
    """Give a user a new password (administrator); the user's sessions end. Raises WeakPassword."""
    require(actor, Role.admin)
    with reading() as session:
        user = user_in(session, user_id)
    _store_password(actor, user, password, keep_token=None)


def set_own_password(
    actor: Actor, current: str, password: str, keep_token: str | None = None
) -> None:
    """Change one's own password; other sessions than that of `keep_token` end.

    Raises WrongLogin for a wrong `current`, WeakPassword, SignInThrottled.
    """
    user = own_user(actor)
    _confirm_password(user, current)
    _store_password(actor, user, password, keep_token)


def _store_password(actor: Actor, user: User, password: str, keep_token: str | None) -> None:
    rules.check_password(password, user.login)
    hashed = passwords.hash_password(password)
    with transaction() as session:
        user_in(session, user.id).password_hash = hashed
        store.end_sign_ins(session, user.id, secrets.token_hash(keep_token) if keep_token else None)
        events.record(
            session, "user.password_set", user.id, actor_id=actor.user_id or None,
            team_id=user.team_id, source=actor.source,
        )  # fmt: skip
    notices.tell_gateways([{"t": "signed_out", "user_id": user.id}])


def _confirm_password(user: User, current: str) -> None:
    """Guessing the present password of an open session is limited as signing in is."""
    attempt = throttle.take(user.login, f"session:{user.id}")
    if not passwords.is_right(user.password_hash, current[: rules.PASSWORD_MAX + 1]):
        raise WrongLogin()
    throttle.forget(attempt)


def deactivate_user(actor: Actor, user_id: str) -> User:
    """Let somebody go: sessions end, devices are revoked, history stays."""
    require(actor, Role.admin)
    with transaction() as session:
        revoked = store.revoke_devices(
            session, user_id, clock.now()
        )  # as a phone: it, then the turn
        feed.take_turn(session)
        user = user_in(session, user_id)
        _keep_an_administrator(session, user)
        user.is_active = False
        user.version += 1
        store.end_sign_ins(session, user_id)
        _record(session, actor, "user.deactivated", user, {"devices": len(revoked)})
    cut = [{"t": "revoked", "device_id": d} for d in revoked]
    notices.tell_gateways([*cut, {"t": "signed_out", "user_id": user_id}])
    return user


def activate_user(actor: Actor, user_id: str) -> User:
    """Take somebody back; devices must be paired again."""
    require(actor, Role.admin)
    with feed.writing() as session:
        user = user_in(session, user_id)
        user.is_active = True
        user.version += 1
        _record(session, actor, "user.activated", user, {})
    return user


def set_language(actor: Actor, language: str) -> None:
    """The actor's own language for every screen."""
    with transaction() as session:
        user = user_in(session, actor.user_id)
        wanted = rules.clean_user({"language": language})
        told = difference({"language": user.language}, wanted)
        user.sqlmodel_update(wanted)
        _record(session, actor, "user.changed", user, told)


def add_first(login: str, name: str, role: str, password: str) -> User:
    """A real user by the command line, such as a company's first administrator."""
    changes = {"login": login, "name": name, "role": role, "password": password}
    return save_user(_CLI, changes)


_CLI = Actor(user_id="", role=Role.admin, team_ids=frozenset(), source="cli")


def hash_password(password: str) -> str:
    """The Argon2id hash to store for a password, for who loads users in bulk."""
    return passwords.hash_password(password)


def list_teams(actor: Actor) -> list[Team]:
    """Teams the actor sees, by name."""
    with reading() as session:
        return store.teams(session, visible_team_ids(actor))


def save_team(actor: Actor, name: str, team_id: str | None = None) -> Team:
    """Add a team or rename one."""
    require(actor, Role.admin)
    cleaned = rules.clean_user({"name": name})["name"]
    with feed.writing() as session:
        team = store.team(session, team_id) if team_id else None
        if team_id and team is None:
            raise OutOfScope()
        kind = "team.changed" if team else "team.added"
        told = difference({"name": team.name}, {"name": cleaned}) if team else {"name": cleaned}
        team = team or Team(id=ids.new_id(), name=cleaned, created_at=clock.now())
        team.name = cleaned
        session.add(team)
        events.record(
            session, kind, team.id, actor_id=actor.user_id or None, team_id=team.id,
            source=actor.source, data=told,
        )  # fmt: skip
        return team


# ---- event log ----


def event_log(
    actor: Actor, kind: str = "", subject_id: str | None = None, actor_id: str | None = None,
    before: str | None = None, limit: int = 100,
) -> list[Event]:  # fmt: skip
    """Events, the newest first; `kind` is a beginning such as `visit.`, `before` the last id seen."""
    require(actor, Role.admin)
    with reading() as session:
        return store.event_log(session, kind, subject_id, actor_id, before, limit)


def count_events(
    actor: Actor, kind: str = "", subject_id: str | None = None, actor_id: str | None = None,
    before: str | None = None,
) -> int:  # fmt: skip
    """How many events the log has of these."""
    require(actor, Role.admin)
    with reading() as session:
        return store.count_events(session, kind, subject_id, actor_id, before)
