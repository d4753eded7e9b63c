"""One frozen object that holds every setting, read from FIELDCRM_* variables."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import datetime
from functools import cache
from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

UNIX_SOCKET_LIMIT = 100  # bytes; the kernel takes 107, and Valkey adds a suffix while it starts


class Settings(BaseSettings):
    """Where the parts live and how they reach each other; defaults make a laptop install."""

    model_config = SettingsConfigDict(env_prefix="FIELDCRM_", frozen=True, extra="ignore")

    home: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    """What a browser types; taken from host and port when empty."""
    gateway_url: str | None = None
    """Address of the gateway as phones see it; the next port of the same host when empty."""
    gateway_port_override: int | None = None
    database_url: str | None = None
    redis_url: str | None = None
    tls: bool = False
    timezone: str = "Europe/Helsinki"
    region: str = "helsinki"
    allow_sample_logins: bool = False
    """Lets the sample company's logins be used from other machines than this one."""
    trust_proxy: bool = False
    """Believe X-Forwarded-For and -Proto; only behind the compose file's own proxy."""
    clock_start: datetime | None = None
    """Moment (aware) the product's clock starts at; refused unless all data is sample data."""
    clock_origin: datetime | None = None
    """Real moment (aware) at which the clock showed `clock_start`."""
    clock_speed: float = 1.0
    desk_tick_ms: float | None = None
    """Least time between frames of positions to one desk; by the number of desks when empty."""
    realtime: bool = True
    """Let the gateway and its store go before all else at the processor, where the system allows it."""
    push_hosts: str = (
        "fcm.googleapis.com,updates.push.services.mozilla.com,.push.services.mozilla.com,"
        ".notify.windows.com,.push.apple.com"
    )
    """Push services that phones may be woken through; `.name`: every host below it, `*`: any public one."""
    push_contact: str = ""
    """Whom a push service may write to (mailto: or https:); the public address when empty."""
    push_loopback: bool = False
    """Lets a push service stand on this machine without TLS: for tests alone."""
    session_days: int = 14
    upload_limit_mb: int = 25

    @property
    def gateway_port(self) -> int:
        return self.gateway_port_override or self.port + 1

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"

    @property
    def web_address(self) -> str:
        """Origin of the pages, without a trailing slash."""
        return (self.public_url or f"{self.scheme}://{self._shown_host}:{self.port}").rstrip("/")

    @property
    def gateway_address(self) -> str:
        """HTTP origin of the gateway (sockets use the same with ws/wss)."""
        own = f"{self.scheme}://{self._shown_host}:{self.gateway_port}"
        return (self.gateway_url or own).rstrip("/")

    @property
    def _shown_host(self) -> str:
        return "localhost" if self.host in ("127.0.0.1", "::1", "0.0.0.0", "::") else self.host

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home.resolve() / 'fieldcrm.db'}"

    @property
    def redis(self) -> str:
        return self.redis_url or f"unix://{self.redis_socket}"

    @property
    def redis_socket(self) -> Path:
        """Unix socket of the embedded Valkey; a deep home gets a short path of its own."""
        wanted = self.home.resolve() / "run" / "valkey.sock"
        if len(str(wanted).encode()) <= UNIX_SOCKET_LIMIT:
            return wanted
        digest = hashlib.sha256(str(wanted).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"fieldcrm-{digest}.sock"

    @property
    def files_dir(self) -> Path:
        return self.home / "files"

    @property
    def region_dir(self) -> Path:
        return self.home / "regions" / self.region


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
