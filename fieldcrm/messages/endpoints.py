"""Sends to push services, and to nothing else: a phone names the address, so it is not trusted.

Only https, only hosts that the settings allow, only addresses of the public internet; the address
that was judged is the one that is connected to, and nobody is followed elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httpx

from fieldcrm.kit.settings import settings
from fieldcrm.messages.model import BadEndpoint

ENDPOINT_MOST = 1000
TIMEOUT_S = 10.0
ANY = "*"


@dataclass(frozen=True)
class Answered:
    """A push service's answer; `status` None when there was none."""

    status: int | None
    retry_after_s: float | None = None
    note: str = ""


def check(endpoint: str) -> str:
    """The endpoint if we may send to it; raises BadEndpoint. Looks nothing up."""
    parts = _split(endpoint)
    if settings().push_loopback and _is_loopback_name(parts.hostname or ""):
        return endpoint
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise BadEndpoint()
    if not is_allowed(parts.hostname, settings().push_hosts):
        raise BadEndpoint(host=parts.hostname[:200])
    return endpoint


def _split(endpoint: str) -> SplitResult:
    if len(endpoint) > ENDPOINT_MOST or not endpoint.isascii() or not endpoint.isprintable():
        raise BadEndpoint()
    try:
        parts = urlsplit(endpoint)
        _ = parts.port
    except ValueError as error:
        raise BadEndpoint() from error
    return parts


def is_allowed(host: str, allowed: str) -> bool:
    """Whether a host is in a comma-separated list; `.name` stands for every host below it, `*` for all."""
    names = [name.strip().lower() for name in allowed.split(",") if name.strip()]
    host = host.lower().rstrip(".")
    return any(
        name == ANY or host == name or (name.startswith(".") and host.endswith(name))
        for name in names
    )


def _is_loopback_name(host: str) -> bool:
    return host in ("127.0.0.1", "localhost", "::1")


def address_of(host: str, port: int) -> str:
    """A public address of a host; raises BadEndpoint when any of its addresses is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ConnectionError(f"no address of {host}") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not (settings().push_loopback and _is_loopback_name(host)):
        for each in addresses:
            if not is_public(each):
                raise BadEndpoint(host=host)
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet, also where one is written inside another."""
    parsed = ipaddress.ip_address(address.split("%")[0])
    inner = getattr(parsed, "ipv4_mapped", None) or getattr(parsed, "sixtofour", None)
    return parsed.is_global and not parsed.is_multicast and (inner is None or inner.is_global)


def post(endpoint: str, headers: dict[str, str], body: bytes) -> Answered:
    """Hand a message to a push service; raises BadEndpoint. A network that fails is no answer."""
    parts = urlsplit(check(endpoint))
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        address = address_of(host, port)
        shown = f"[{address}]" if ":" in address else address
        url = parts._replace(netloc=f"{shown}:{port}", fragment="").geturl()
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
            answer = client.post(
                url, content=body, headers={**headers, "Host": parts.netloc},
                extensions={"sni_hostname": host},
            )  # fmt: skip
    except (httpx.HTTPError, OSError) as error:
        return Answered(None, note=type(error).__name__)
    return Answered(answer.status_code, _seconds(answer.headers.get("Retry-After")))


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; its other form, a date, is rare here and the back-off does."""
    return float(text) if text and text.isascii() and text.isdigit() else None
