"""Who works here: roles, the acting person, and what can be wrong about them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fieldcrm.kit.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TooMany


class Role(StrEnum):
    """What a person may do; the scope of rows follows from it."""

    rep = "rep"
    dispatcher = "dispatcher"
    manager = "manager"
    admin = "admin"


class TravelMode(StrEnum):
    """How a rep gets about; the names of the road networks."""

    foot = "foot"
    bicycle = "bicycle"
    car = "car"


class DeviceKind(StrEnum):
    """What speaks to us from a rep's pocket."""

    pwa = "pwa"
    osmand = "osmand"
    owntracks = "owntracks"
    overland = "overland"
    gpslogger = "gpslogger"


@dataclass(frozen=True)
class Actor:
    """The person on whose behalf a service works."""

    user_id: str
    role: Role
    team_ids: frozenset[str]
    """Teams whose rows a dispatcher or manager sees; the own team of a rep."""
    name: str = ""
    language: str = "en"
    source: str = "web"
    """Where the call came in: web, phone, api, cli, worker, sample."""

    @property
    def is_admin(self) -> bool:
        return self.role is Role.admin


SYSTEM = Actor(user_id="", role=Role.admin, team_ids=frozenset(), name="fieldcrm", source="worker")
"""The product itself, for workers; its events have no actor."""


class WrongLogin(NotSignedIn):
    """Unknown login or wrong password; which of the two is not told."""

    code = "wrong_login"


class SignInThrottled(TooMany):
    """Too many failures for this login or address."""

    code = "sign_in_throttled"


class SampleLoginRemote(Forbidden):
    """The sample company's logins work on this machine only unless a setting allows more."""

    code = "sample_login_remote"


class OutOfScope(NotFound):
    """Somebody else's row: answered as if it weren't there."""

    code = "not_found"


class RoleForbids(Forbidden):
    """This role may not do this."""

    code = "role_forbids"


class LoginTaken(Conflict):
    """Another user has this login."""

    code = "login_taken"


class WeakPassword(Invalid):
    """Shorter than 10 characters or one of the well-known ones."""

    code = "weak_password"


class UnknownDevice(NotFound):
    """No device has this token, or it was revoked."""

    code = "unknown_device"


class LastAdministrator(Conflict):
    """Without this person nobody could administer the install."""

    code = "last_administrator"


class DeviceTaken(Conflict):
    """This device id belongs to somebody else."""

    code = "device_taken"


class StaleUser(Conflict):
    """Somebody else changed this user or team meanwhile."""

    code = "stale"


class BadField(Invalid):
    """A field's value can't be; `params['field']` names it."""

    code = "bad_field"


@dataclass(frozen=True)
class DeviceIdentity:
    """Who a device's token speaks for."""

    device_id: str
    rep_id: str
    team_id: str | None
    kind: DeviceKind
