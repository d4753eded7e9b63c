"""Signing in and out, and whom a session's token speaks for."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import Session

from fieldcrm.kit import clock, events, facts, secrets
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.settings import settings
from fieldcrm.people import passwords, rules, service, store, throttle
from fieldcrm.people.model import Actor, NotSignedIn, SampleLoginRemote, WrongLogin
from fieldcrm.people.tables import SignIn, User

SESSION_COOKIE = "fieldcrm_session"


def sign_in(
    login: str, password: str, address: str, user_agent: str, source: str = "web"
) -> tuple[str, Actor]:
    """A new session's token and the person; raises WrongLogin, SignInThrottled, SampleLoginRemote.

    `address` is the caller's own, or any text that isn't loopback where that can't be known.
    """
    attempt = throttle.take(rules.folded_login(login)[:200], address)
    user = _right_user(login, password)
    if user is None:
        _note_failure(login, address, source)
        raise WrongLogin()
    if user.is_sample and not _sample_may_enter(address):
        raise SampleLoginRemote()
    throttle.forget(attempt)
    return _open_session(user, password, address, user_agent, source)


def _right_user(login: str, password: str) -> User | None:
    """The active user with this login and password; takes as long when there is none."""
    if len(login) > 200 or len(password) > rules.PASSWORD_MAX or "\x00" in login:
        return None
    with reading() as session:
        user = store.user_by_login(session, rules.folded_login(login))
    known = user if user and user.is_active else None
    right = passwords.is_right(known.password_hash if known else None, password)
    return known if right else None


def _note_failure(login: str, address: str, source: str) -> None:
    with transaction() as session:
        user = store.user_by_login(session, rules.folded_login(login)[:200].replace("\x00", ""))
        if user is not None:  # an unknown login may be a password typed in the wrong field
            events.record(
                session, "user.sign_in_failed", user.id, source=source, data={"address": address}
            )


def _sample_may_enter(address: str) -> bool:
    if rules.is_loopback(address):
        return True
    with reading() as session:
        return settings().allow_sample_logins and bool(facts.get(session, facts.SAMPLE))


def _open_session(
    user: User, password: str, address: str, user_agent: str, source: str
) -> tuple[str, Actor]:
    token, now = secrets.new_token(), clock.real_now()
    with transaction() as session:
        store.drop_expired(session, now)
        session.add(
            SignIn(
                token_hash=secrets.token_hash(token), user_id=user.id, created_at=now,
                expires_at=now + timedelta(days=settings().session_days),
                address=address[:64], user_agent=user_agent[:200],
            )
        )  # fmt: skip
        _rehash(session, user, password)
        events.record(
            session, "user.signed_in", user.id, actor_id=user.id, team_id=user.team_id,
            source=source, data={"address": address[:64]},
        )  # fmt: skip
        return token, service.actor_in(session, user, source)


def _rehash(session: Session, user: User, password: str) -> None:
    if passwords.wants_rehash(user.password_hash):
        stored = store.user(session, user.id)
        if stored is not None:
            stored.password_hash = passwords.hash_password(password)


def sign_out(token: str, source: str = "web") -> None:
    """End a session; an unknown token is no error."""
    with transaction() as session:
        row = store.sign_in_row(session, secrets.token_hash(token[: secrets.TOKEN_MAX]))
        if row is not None:
            session.delete(row)
            events.record(
                session, "user.signed_out", row.user_id, actor_id=row.user_id, source=source
            )


def authenticate(token: str | None, source: str = "web") -> Actor:
    """The person behind a session's token; raises NotSignedIn."""
    with reading() as session:
        return authenticate_in(session, token, source)


def authenticate_in(session: Session, token: str | None, source: str = "web") -> Actor:
    """The same inside another transaction."""
    if not token or len(token) > secrets.TOKEN_MAX:
        raise NotSignedIn()
    found = store.signed_in(session, secrets.token_hash(token), clock.real_now())
    if found is None:
        raise NotSignedIn()
    return service.actor_in(session, found, source)
