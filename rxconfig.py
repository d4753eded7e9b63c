"""Reflex's settings: own origin only, no telemetry, no badge, plain elements without Radix Themes."""

import os

import reflex as rx
from reflex.plugins import SitemapPlugin

from fieldcrm.kit.settings import settings
from fieldcrm.ops import tls
from fieldcrm.phone.plugin import PhonePlugin


def own_origins() -> list[str]:
    """The addresses pages may come from: the public one, and this machine's names of the port."""
    s = settings()
    names = ["localhost", "127.0.0.1", "[::1]", s.host]
    if s.host in ("0.0.0.0", "::") and not s.public_url:  # every name this machine has
        names += [n for n in tls.addresses() if ":" not in n]
    return sorted({s.web_address, *(f"{s.scheme}://{name}:{s.port}" for name in names)})


redis_url = os.environ.get("REFLEX_REDIS_URL")  # several web processes share their state there
StateManagerMode = rx.constants.StateManagerMode

config = rx.Config(
    app_name="fieldcrm",
    api_url=os.environ.get("REFLEX_API_URL", settings().web_address),
    deploy_url=settings().web_address,
    backend_host=settings().host,
    backend_port=settings().port,
    cors_allowed_origins=own_origins(),
    frontend_compression_formats=[],  # ops.build compresses, after it has replaced the address
    telemetry_enabled=False,
    show_built_with_reflex=False,
    react_strict_mode=False,
    state_manager_mode=StateManagerMode.REDIS if redis_url else StateManagerMode.MEMORY,
    redis_url=redis_url,
    plugins=[PhonePlugin()],
    disable_plugins=[SitemapPlugin],
)
