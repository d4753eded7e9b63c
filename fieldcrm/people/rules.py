"""Decisions about people: whose rows one sees, which passwords and fields are good enough."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from fieldcrm.people.model import Actor, BadField, Role, RoleForbids, TravelMode, WeakPassword

PASSWORD_MIN = 10
PASSWORD_MAX = 200
"""Hashing time must not be the caller's choice."""
DISTINCT_MIN = 5
LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{1,63}")
DAY_MINUTES = 24 * 60
WELL_KNOWN = frozenset(
    {
        "fieldcrm-sample", "password123", "password1234", "password12", "passw0rd123",
        "qwertyuiop", "qwerty12345", "qwerty1234", "1q2w3e4r5t", "1q2w3e4r5t6y", "zaq12wsxcde3",
        "1234567890", "0123456789", "0987654321", "123456789a", "iloveyou123", "welcome123",
        "administrator", "changeme123", "letmein123", "adminadmin", "йцукенгшщз", "пароль12345",
        "parola12345", "abcdefghij", "qazwsxedcrfv", "1qaz2wsx3edc",
    }
)  # fmt: skip
"""The longest-lived of every list of leaked passwords that pass the length rule."""


def sees_team(actor: Actor, team_id: str | None) -> bool:
    """Whether a row of this team is the actor's to see (a rep sees less: only his own rows)."""
    return actor.is_admin or (team_id is not None and team_id in actor.team_ids)


def sees_rep(actor: Actor, rep_id: str, team_id: str | None) -> bool:
    """Whether a rep's rows are the actor's to see."""
    if actor.role is Role.rep:
        return actor.user_id == rep_id
    return sees_team(actor, team_id)


def check_role(actor: Actor, roles: Iterable[Role]) -> None:
    """Raise RoleForbids unless the actor has one of these roles."""
    if actor.role not in set(roles):
        raise RoleForbids(role=actor.role.value)


def check_password(password: str, login: str) -> None:
    """Raise WeakPassword for one that is short, well known, monotonous or the login itself."""
    folded = password.casefold()
    weak = (
        not PASSWORD_MIN <= len(password) <= PASSWORD_MAX
        or folded in WELL_KNOWN
        or len(set(folded)) < DISTINCT_MIN
        or folded == login.casefold()
    )
    if weak:
        raise WeakPassword(field="password", minimum=PASSWORD_MIN)


def is_loopback(address: str) -> bool:
    """Whether an address text is this very machine; anything unreadable isn't."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def folded_login(login: str) -> str:
    """A login as it is kept."""
    return login.strip().casefold()


def is_named(user: Any, search: str) -> bool:
    """Whether a user's name or login holds the text, whatever its case."""
    wanted = search.strip().casefold()
    return wanted in user.name.casefold() or wanted in user.login


def clean_user(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Known fields of a user, trimmed and checked; unknown ones are dropped. Raises BadField."""
    return {k: _USER_FIELDS[k](k, v) for k, v in changes.items() if k in _USER_FIELDS}


def _text(limit: int, required: bool = False):
    def clean(field: str, value: Any) -> str | None:
        if value is not None and not isinstance(value, str):
            raise BadField(field=field)
        text = (value or "").strip()
        if len(text) > limit or (required and not text) or "\x00" in text:
            raise BadField(field=field)
        return text or None

    return clean


def _login(field: str, value: Any) -> str:
    text = folded_login(value) if isinstance(value, str) else ""
    if not LOGIN.fullmatch(text):
        raise BadField(field=field)
    return text


def _one_of(*allowed: str):
    def clean(field: str, value: Any) -> str:
        if value not in allowed:
            raise BadField(field=field)
        return str(value)

    return clean


def _number(low: float, high: float, kind: type = int, optional: bool = False):
    def clean(field: str, value: Any) -> float | int | None:
        if value is None and optional:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadField(field=field)
        if not low <= value <= high:
            raise BadField(field=field)
        return kind(value)

    return clean


def _work_days(field: str, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[1-7]{1,7}", value):
        raise BadField(field=field)
    return "".join(sorted(set(value)))


def _email(field: str, value: Any) -> str | None:
    text = _text(254)(field, value)
    if text and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text):
        raise BadField(field=field)
    return text


_USER_FIELDS = {
    "login": _login,
    "name": _text(120, required=True),
    "role": _one_of(*(r.value for r in Role)),
    "team_id": _text(36),
    "language": _one_of("en", "ru", "ro"),
    "phone": _text(40),
    "email": _email,
    "mode": _one_of(*(m.value for m in TravelMode)),
    "start_lat": _number(-90, 90, float, optional=True),
    "start_lng": _number(-180, 180, float, optional=True),
    "shift_start_min": _number(0, DAY_MINUTES),
    "shift_end_min": _number(0, DAY_MINUTES),
    "lunch_start_min": _number(0, DAY_MINUTES),
    "lunch_minutes": _number(0, 240),
    "work_days": _work_days,
}


def check_user(user: Any) -> None:
    """Raise BadField when a user's fields don't fit together (`user` has the row's fields)."""
    if user.role == Role.rep and not user.team_id:
        raise BadField(field="team_id")
    if user.shift_end_min <= user.shift_start_min:
        raise BadField(field="shift_end_min")
    if (user.start_lat is None) != (user.start_lng is None):
        raise BadField(field="start_lng" if user.start_lng is None else "start_lat")
