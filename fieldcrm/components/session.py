"""Who is at this desk: identity from the session's cookie, one guard for every event, preferences.

Event handlers are reachable by anybody who opens a socket, with any arguments, so each says who may
call it with `@allows(...)` below `@rx.event`; one without a rule is refused, and a test lists them.
A handler gets the person with `self._actor()`; row scope is the services' business.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar
from http.cookies import CookieError, SimpleCookie
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import reflex as rx
from reflex.middleware.middleware import Middleware
from reflex.state import BaseState, OnLoadInternalState, StateUpdate
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext

from fieldcrm.kit import clock, facts, i18n
from fieldcrm.kit.database import reading
from fieldcrm.kit.errors import NotSignedIn, Refusal
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people import signing
from fieldcrm.people.model import Actor, Role

COOKIE = "fieldcrm_session"
SIGN_IN = "/sign-in"
HOMES = {
    Role.rep: "/rep/",
    Role.dispatcher: "/dispatch",
    Role.manager: "/manager",
    Role.admin: "/admin",
}

ANYBODY: frozenset[Role] = frozenset()
"""Rule of the few handlers that also serve people who are not signed in."""
EVERYBODY = frozenset(Role)
DISPATCHING = frozenset({Role.dispatcher, Role.manager, Role.admin})
MANAGING = frozenset({Role.manager, Role.admin})
ADMINISTERING = frozenset({Role.admin})

_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)
_log = logging.getLogger(__name__)
Handler = TypeVar("Handler", bound=Callable[..., Any])


def allows(roles: frozenset[Role]) -> Callable[[Handler], Handler]:
    """State which roles may call an event handler; goes below `@rx.event`."""

    def mark(handler: Handler) -> Handler:
        handler.allowed_roles = roles  # type: ignore[attr-defined]
        return handler

    return mark


def rule_of(event_name: str) -> frozenset[Role] | None:
    """The roles that may send an event; ANYBODY for the framework's own, None where nobody may."""
    registered = RegistrationContext.get().event_handlers.get(event_name)
    if registered is None:
        return None
    handler = registered.handler.fn
    if getattr(handler, "__module__", "").startswith(("reflex.", "reflex_base.")):
        return ANYBODY
    return getattr(handler, "allowed_roles", None)


def token_in(cookie_header: str) -> str | None:
    """The session's token in a Cookie header."""
    try:
        morsel = SimpleCookie(cookie_header).get(COOKIE)
    except CookieError:
        return None
    return morsel.value if morsel else None


def actor_in(cookie_header: str) -> Actor | None:
    """The person whose cookie this is, None when there is none or the session has ended."""
    token = token_in(cookie_header)
    if not token:
        return None
    try:
        return signing.authenticate(token)
    except NotSignedIn:
        return None


def sign_in_path(page: str) -> str:
    """The sign-in page, which returns to `page` afterwards."""
    return f"{SIGN_IN}?next={quote(safe_next(page) or '/', safe='/')}"


def safe_next(target: str) -> str | None:
    """A path on this site, or None: never another site's address."""
    parts = urlsplit(target)
    is_own = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_own and not parts.scheme and not parts.netloc else None


def to_home(role: Role) -> Any:
    """Go to a role's own page; the phone app is none of Reflex's pages, so it is loaded anew."""
    home = HOMES[role]
    return rx.call_script(f"location.assign('{home}')") if role is Role.rep else rx.redirect(home)


def initials(name: str) -> str:
    """Up to two capitals of a name."""
    return "".join(part[0] for part in name.split()[:2]).upper()


class Guard(Middleware):
    """Lets an event through only when its sender's role may call that handler, now."""

    async def preprocess(self, app: rx.App, state: BaseState, event: Event) -> StateUpdate | None:
        root = state._get_root_state()
        actor = await asyncio.to_thread(actor_in, root.router.headers.cookie)
        _acting.set(actor)
        await _empty_for_another(root, actor)
        rule = rule_of(event.name)
        if rule is ANYBODY or rule == ANYBODY:
            return None
        if actor is None:
            return _send(rx.redirect(sign_in_path(root.router.url.path)))
        if rule is None or actor.role not in rule:
            _log.warning("refused %s to %s (%s)", event.name, actor.user_id, actor.role)
            return _send(rx.noop() if rule is None else to_home(actor.role))
        return None


async def _empty_for_another(root: BaseState, actor: Actor | None) -> None:
    """The client chooses its state's token: what another person left in it is dropped first."""
    desk = await root.get_state(Desk)
    owner = actor.user_id if actor else ""
    if desk._owner_id and desk._owner_id != owner:
        for substate in root.substates.values():
            if not type(substate).__module__.startswith("reflex."):
                substate.reset()
    desk._owner_id = owner


def _send(spec: Any) -> StateUpdate:
    return StateUpdate(delta={}, events=Event.from_event_type(spec))


class Desk(rx.State):
    """The signed-in person and how the desk shows things to them; every page's State derives here."""

    language: str = i18n.DEFAULT
    is_in: bool = False
    """Whether the person is known: until then pages show their skeleton."""
    user_name: str = ""
    user_initials: str = ""
    role: str = ""
    role_word: str = ""
    is_sample: bool = False
    gateway: str = ""
    """Origin of the live socket, or `:port` of the host the page came from (the cookie is its)."""
    clock_ms: float = 0
    """The product's time when the server last told it (epoch ms), and how fast it runs."""
    clock_speed: float = 1.0
    timezone: str = "UTC"
    """The company's zone, for moments that the browser writes."""
    _owner_id: str = ""

    def _actor(self) -> Actor:
        """The person whose event this is; raises NotSignedIn."""
        actor = _acting.get() or actor_in(self.router.headers.cookie)
        if actor is None:
            raise NotSignedIn
        return actor

    async def _enter(self) -> Actor:
        """Fill in who is here; the first thing a page's `on_load` handler does."""
        actor = self._actor()
        self.language = actor.language if actor.language in i18n.LANGUAGES else i18n.DEFAULT
        self.user_name, self.role = actor.name, actor.role.value
        self.user_initials = initials(actor.name)
        self.role_word = i18n.t(f"desk.role.{actor.role.value}", self.language)
        self.is_sample = await asyncio.to_thread(_is_sample)
        self.gateway = settings().gateway_url or f":{settings().gateway_port}"
        self.timezone = settings().timezone
        self._tell_time()
        self.is_in = True
        return actor

    def _tell_time(self) -> None:
        self.clock_ms, self.clock_speed = clock.now_ms(), settings().clock_speed

    def _t(self, key: str, **params: Any) -> str:
        return i18n.t(key, self.language, **params)

    def _refusal(self, error: Refusal) -> str:
        """A refusal in the reader's words."""
        key = f"error.{error.code}"
        known = key in i18n.catalogue(self.language)
        return self._t(key if known else "desk.refused", **error.params)

    @rx.event
    @allows(EVERYBODY)
    async def choose_language(self, language: str):
        """Keep a language for this user and show the page in it."""
        if language not in i18n.LANGUAGES:
            return None
        await asyncio.to_thread(people.set_language, self._actor(), language)
        self.language = language
        self.role_word = self._t(f"desk.role.{self.role}")
        return OnLoadInternalState.on_load_internal  # the page makes its texts again

    @rx.event
    @allows(EVERYBODY)
    def go_home(self):
        """Send each role to its own page."""
        return to_home(self._actor().role)


def _is_sample() -> bool:
    with reading() as session:
        return bool(facts.get(session, facts.SAMPLE, False))
