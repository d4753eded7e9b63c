"""Who is at the other end: device tokens, session cookies, and from which pages sockets may come."""

from __future__ import annotations

import asyncio
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from fieldcrm.kit.settings import Settings
from fieldcrm.people import registry, signing
from fieldcrm.people.model import Actor, DeviceIdentity, UnknownDevice

CACHE_S = 30.0
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Tokens:
    """Device tokens already looked up; a revoked device is forgotten at once."""

    MOST = 50_000
    AT_ONCE = 500

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, DeviceIdentity]] = {}
        self._asked: dict[str, asyncio.Future[DeviceIdentity | None]] = {}
        self._asking: asyncio.Task[None] | None = None
        self.forgotten = 0
        """Rises whenever somebody is forgotten: what was concluded from a token before is void."""

    def cached(self, token: str) -> DeviceIdentity | None:
        """Whom a token speaks for, as looked up within the last 30 s."""
        found = self._known.get(token)
        return found[1] if found and time.monotonic() - found[0] < CACHE_S else None

    def known_until(self, token: str) -> float:
        """Until when a cached token need not be looked up again (monotonic seconds)."""
        return self._known[token][0] + CACHE_S

    async def look_up(self, token: str) -> DeviceIdentity:
        """Ask the database, for all who wait together; raises UnknownDevice."""
        answer = self._asked.get(token)
        if answer is None:
            answer = self._asked[token] = asyncio.get_running_loop().create_future()
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
        identity = await asyncio.shield(answer)
        if identity is None:
            raise UnknownDevice
        return identity

    async def _ask(self) -> None:
        """Look up what is asked until nothing is: all phones come at once after a break."""
        while self._asked:
            asked = {t: self._asked.pop(t) for t in list(self._asked)[: self.AT_ONCE]}
            try:
                found = await asyncio.to_thread(registry.devices_by_tokens, list(asked))
            except Exception as error:
                for answer in asked.values():
                    answer.set_exception(error)
                continue
            now = time.monotonic()
            if len(self._known) + len(found) > self.MOST:
                self._known.clear()
            for token, answer in asked.items():
                identity = found.get(token)
                if identity is not None:
                    self._known[token] = (now, identity)
                answer.set_result(identity)

    def revoke(self, device_id: str) -> None:
        """Forget a device's token."""
        self._known = {t: k for t, k in self._known.items() if k[1].device_id != device_id}
        self.forgotten += 1

    def forget_rep(self, rep_id: str) -> None:
        """Forget all tokens of a rep, who may be gone."""
        self._known = {t: k for t, k in self._known.items() if k[1].rep_id != rep_id}
        self.forgotten += 1


async def actor_of(token: str | None, source: str) -> Actor:
    """The person behind a session cookie; raises NotSignedIn."""
    return await asyncio.to_thread(signing.authenticate, token, source)


async def is_revoked(actor: Actor, device_id: str) -> bool:
    """Whether this very device of the person was revoked; one never registered was not."""
    devices = await asyncio.to_thread(registry.list_devices, actor)
    return any(d.id == device_id and d.revoked_at is not None for d in devices)


def session_token(cookie_header: str | None) -> str | None:
    """The session cookie's value."""
    try:
        jar = SimpleCookie(cookie_header or "")
    except CookieError:
        return None
    found = jar.get(signing.SESSION_COOKIE)
    return found.value if found else None


def is_allowed_origin(origin: str | None, host: str | None, s: Settings) -> bool:
    """Whether a page of this origin may open a socket that a cookie authenticates.

    Ours are the pages' own address, the gateway's own, this machine by any of its names, and the
    host name under which the browser reached us; ports must be one of ours. No browser leaves
    Origin out, and a program that does may as well lie.
    """
    if origin is None:
        return True
    asked = _host_and_port(origin)
    ours = [_host_and_port(s.web_address), _host_and_port(s.gateway_address)]
    if asked is None:
        return False
    if asked in ours:
        return True
    ports = {s.port, s.gateway_port, *(o[2] for o in ours if o)}
    if asked[2] not in ports:
        return False
    is_local = asked[1] in _LOCAL and any(o and o[1] in _LOCAL for o in ours)
    return is_local or _is_same_host(asked[1], host)


def _is_same_host(name: str, host_header: str | None) -> bool:
    return bool(host_header) and urlsplit(f"//{host_header}").hostname == name


def _host_and_port(origin: str) -> tuple[str, str, int] | None:
    try:
        parts = urlsplit(origin)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or port is None:
        return None
    return parts.scheme, parts.hostname, port
