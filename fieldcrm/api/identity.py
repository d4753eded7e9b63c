"""From a request to the person behind it, and which roles a route serves."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Response
from sqlmodel import Session

from fieldcrm.kit.database import reading
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people import signing
from fieldcrm.people.model import Actor, Role

FROM_PROXY = "proxy"
"""Address of a request that another machine may stand behind, unknown which."""


def token_of(request: Request) -> str | None:
    """The session's token from the cookie."""
    return request.cookies.get(signing.SESSION_COOKIE)


class Allows:
    """A route's rule: the roles it serves. Gives the acting person, else NotSignedIn, RoleForbids."""

    def __init__(self, *roles: Role, source: str = "api") -> None:
        self.roles = frozenset(roles)
        self.source = source

    def __call__(self, request: Request) -> Actor:
        actor = signing.authenticate(token_of(request), self.source)
        people.require(actor, *self.roles)
        return actor


class Caller:
    """Who asks, not looked up yet: by whom opens a session of the database anyhow."""

    def __init__(self, allows: Allows, token: str | None) -> None:
        self._allows = allows
        self._token = token

    def actor(self) -> Actor:
        """The same in a session of its own, by whom is in a thread of his own."""
        with reading() as session:
            return self.actor_in(session)

    def actor_in(self, session: Session) -> Actor:
        """The acting person, whose role the route serves; raises NotSignedIn, RoleForbids."""
        actor = signing.authenticate_in(session, self._token, self._allows.source)
        people.require(actor, *self._allows.roles)
        return actor


class AllowsLater(Allows):
    """The same rule where an answer must be quick: no thread and no session of its own."""

    async def __call__(self, request: Request) -> Caller:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Caller(self, token_of(request))


anybody = Allows(*Role)
desk = Allows(Role.dispatcher, Role.manager, Role.admin)
boss = Allows(Role.manager, Role.admin)
admin = Allows(Role.admin)
rep = Allows(Role.rep, source="phone")
anybody_on_phone = Allows(*Role, source="phone")

Person = Annotated[Actor, Depends(anybody)]
AnyCaller = Annotated[Caller, Depends(AllowsLater(*Role))]
DeskPerson = Annotated[Actor, Depends(desk)]
Boss = Annotated[Actor, Depends(boss)]
Administrator = Annotated[Actor, Depends(admin)]
PhoneRep = Annotated[Actor, Depends(rep)]
"""A signed-in rep, on the phone app."""
PhoneCaller = Annotated[Caller, Depends(AllowsLater(Role.rep, source="phone"))]
"""The same, looked up by whom answers."""
PhonePerson = Annotated[Actor, Depends(anybody_on_phone)]


def address_of(request: Request) -> str:
    """Who is calling: the peer, or what a trusted proxy says.

    With a proxy that nobody told us to trust the peer is only that proxy (and may well be this
    machine), so such a request counts as from elsewhere.
    """
    forwarded = request.headers.get("x-forwarded-for")
    if forwarded is None and "forwarded" not in request.headers:
        return request.client.host if request.client else FROM_PROXY
    if settings().trust_proxy and forwarded:
        return forwarded.split(",")[-1].strip()[:64]
    return FROM_PROXY


def is_secure(request: Request) -> bool:
    """Whether the browser came over TLS, so that the cookie must stay on it."""
    s = settings()
    if s.tls or s.web_address.startswith("https://") or request.url.scheme == "https":
        return True
    return s.trust_proxy and request.headers.get("x-forwarded-proto") == "https"


def set_session(request: Request, response: Response, token: str) -> None:
    """Give the browser its session; scripts can't read it and other sites can't send it."""
    response.set_cookie(
        signing.SESSION_COOKIE, token, max_age=settings().session_days * 86_400, path="/",
        httponly=True, secure=is_secure(request), samesite="strict",
    )  # fmt: skip


def drop_session(request: Request, response: Response) -> None:
    """Take the session from the browser."""
    response.delete_cookie(
        signing.SESSION_COOKIE,
        path="/",
        httponly=True,
        secure=is_secure(request),
        samesite="strict",
    )
