"""The office's pages as the server keeps them: a State of a signed-in person, its handlers callable."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from datetime import timedelta
from types import MethodType
from typing import Any

import pytest

from fieldcrm.kit import clock, secrets
from fieldcrm.kit.database import transaction
from fieldcrm.people.tables import SignIn
from tests.dispatch.conftest import tree_with
from tests.people.company import found
from tests.reports.conftest import Field

Open = Callable[[type[Any], str], Any]


@pytest.fixture
def team(valkey: Any, app_db: None) -> Field:
    """A company without visits yet, on SQLite."""
    return Field(found())


@pytest.fixture
def open_page(team: Field) -> Open:
    """A page's State for a login, loaded."""

    def open_(state: type[Any], login: str) -> Any:
        from fieldcrm.components.session import COOKIE

        token, now = secrets.new_token(), clock.real_now()
        with transaction() as session:
            session.add(
                SignIn(token_hash=secrets.token_hash(token), user_id=team.company.users[login],
                       created_at=now, expires_at=now + timedelta(hours=8))
            )  # fmt: skip
        made = asyncio.run(tree_with(f"{COOKIE}={token}", "/").get_state(state))
        call(made, "load")
        return made

    return open_


def call(state: Any, name: str, *args: Any) -> list[Any]:
    """Run a handler to its end as the server would; what it yielded or returned."""
    owner = next(c for c in type(state).mro() if name in getattr(c, "event_handlers", {}))
    result = owner.event_handlers[name].fn(state, *args)
    if inspect.isasyncgen(result):
        return asyncio.run(_all(result))
    return [asyncio.run(result) if inspect.iscoroutine(result) else result]


async def _all(generator: Any) -> list[Any]:
    return [item async for item in generator]


class Unlocked:
    """A State whose background lock is taken at once, as it is when nobody else works on it."""

    def __init__(self, state: Any) -> None:
        object.__setattr__(self, "state", state)

    async def __aenter__(self) -> Any:
        return self

    async def __aexit__(self, *_: Any) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.state, name)
        is_own = isinstance(found, MethodType) and found.__self__ is self.state
        return MethodType(found.__func__, self) if is_own else found

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.state, name, value)


def call_behind(page: Any, name: str, *args: Any) -> None:
    """Run a handler that works beside the page to its end."""
    unlocked = page if isinstance(page, Unlocked) else Unlocked(page)
    owner = next(c for c in type(unlocked.state).mro() if name in getattr(c, "event_handlers", {}))
    asyncio.run(owner.event_handlers[name].fn(unlocked, *args))
