"""A small company and real processes around it, for tests of gateway and recorder."""

from __future__ import annotations

import os
import signal
import ssl
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import httpx
from websockets.sync.client import ClientConnection, connect

from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.people import registry, signing
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, Actor, Role
from fieldcrm.people.tables import Team, User, UserTeam
from fieldcrm.tracking import shifts
from tests.ports import free_ports
from tests.seedbed import seedbed

LAT, LNG = 60.1699, 24.9384


@dataclass
class Town:
    """Two teams with a rep each, a dispatcher of the first, and an administrator."""

    teams: list[str] = field(default_factory=list)
    reps: list[str] = field(default_factory=list)
    dispatcher: str = ""
    admin: str = ""

    def actor(self, rep: int = 0) -> Actor:
        """A rep who acts with his phone."""
        return Actor(self.reps[rep], Role.rep, frozenset({self.teams[rep]}), source="phone")

    def shift(self, rep: int = 0, hours_ago: float = 2, length_h: float | None = None) -> str:
        """Start a rep's shift some hours ago; end it again where a length is given."""
        began, shift_id = clock.now() - timedelta(hours=hours_ago), ids.new_id()
        with transaction() as session:
            shifts.start_shift_in(session, self.actor(rep), shift_id, began)
            if length_h is not None:
                ended = began + timedelta(hours=length_h)
                shifts.end_shift_in(session, self.actor(rep), shift_id, ended)
        return shift_id

    def token(self, kind: str, rep: int = 0) -> str:
        """A freshly paired tracker's token."""
        return registry.pair_device(SYSTEM, self.reps[rep], kind)[1]

    def cookie(self, user_id: str) -> str:
        """A session of a user."""
        with transaction() as session:
            user = session.get(User, user_id)
            assert user is not None
            login = user.login
        return signing.sign_in(login, PASSWORD, "127.0.0.1", "test")[0]


PASSWORD = "a long password of tests"


def build_town() -> Town:
    """Write the company into the database that the settings point at."""
    town, now = Town(), clock.now()
    hashed = people.hash_password(PASSWORD)

    def user(session: Any, login: str, role: str, team_id: str | None) -> str:
        row = User(id=ids.new_id(), login=login, name=login.title(), role=role, team_id=team_id,
                   password_hash=hashed, created_at=now)  # fmt: skip
        session.add(row)
        session.flush()
        return row.id

    with transaction() as session:
        for name in ("north", "south"):
            team = Team(id=ids.new_id(), name=name, created_at=now)
            session.add(team)
            session.flush()
            town.teams.append(team.id)
            town.reps.append(user(session, f"rep-{name}", "rep", team.id))
        town.dispatcher = user(session, "dispatcher", "dispatcher", None)
        town.admin = user(session, "admin", "admin", None)
        session.add(UserTeam(user_id=town.dispatcher, team_id=town.teams[0]))
    return town


class Process:
    """One of our processes, started as its command starts it."""

    def __init__(self, module: str, **variables: str) -> None:
        self.log = Path(os.environ["FIELDCRM_HOME"]) / f"{module}.log"
        self.process = seedbed().start(
            f"{module}:main", log=self.log, env={**os.environ, **variables}
        )

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self.process.kill()
        self.process.wait(60)

    def stop(self) -> int:
        """SIGTERM and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class GatewayProcess(Process):
    """A gateway on a port of its own, or on the one it had before it died."""

    def __init__(self, port: int | None = None, verify: ssl.SSLContext | None = None) -> None:
        self.port, self._verify = port or free_ports(), verify
        super().__init__("workers.gateway.server", FIELDCRM_GATEWAY_PORT_OVERRIDE=str(self.port))
        self.url = f"{'https' if verify else 'http'}://127.0.0.1:{self.port}"
        try:
            wait_for(self.is_up, 40, "a gateway")
        except AssertionError:
            self.kill()
            raise AssertionError(self.log.read_text()[-3000:]) from None

    def is_up(self) -> bool:
        """Whether it listens and answers that it stores."""
        asked = f"{self.url}/healthz"
        try:
            with urlopen(asked, timeout=2, context=self._verify) as answer:
                return answer.status == 200
        except OSError:
            return False

    def socket(self, path: str, cookie: str | None = None, **options: Any) -> ClientConnection:
        """A WebSocket, with a session's cookie."""
        headers = {"Cookie": f"fieldcrm_session={cookie}"} if cookie else {}
        return connect(f"ws://127.0.0.1:{self.port}{path}", additional_headers=headers, **options)

    def counts(self) -> dict[str, int]:
        """The counters of /metrics."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        named = [line.split('"') for line in lines if line.startswith("fieldcrm_fixes_total{")]
        return {reason: int(rest.split()[1]) for _, reason, rest in named}


def wait_for(condition: Any, seconds: float = 60, what: str = "it") -> Any:
    """Poll until a condition holds; its value."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")
