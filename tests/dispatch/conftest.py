"""State trees as the server keeps them, with a person's cookie, and a morning on the clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from reflex.state import State

from tests.conftest import forget_settings
from tests.field import NOW, Field, lay_out

Tree = Callable[[str | None], State]


def cookie_of(login: str, password: str) -> str:
    """A session's cookie for a user, as a browser would send it."""
    from fieldcrm.components.session import COOKIE
    from fieldcrm.people import signing

    token, _ = signing.sign_in(login, password, "127.0.0.1", "test")
    return f"{COOKIE}={token}"


def tree_with(cookie: str | None, path: str = "/dispatch", query: str = "") -> State:
    """A client's state tree whose socket came with this cookie, on a page."""
    import fieldcrm.fieldcrm  # noqa: F401  every page's State

    root = State(_reflex_internal_init=True)  # type: ignore[call-arg]
    headers = {"origin": "http://localhost:8000", **({"cookie": cookie} if cookie else {})}
    data = {
        "headers": headers,
        "pathname": path,
        "asPath": path + query,
        "query": {},
        "ip": "127.0.0.1",
    }
    root.router_data = root._update_router_vars(data, {})
    return root


@pytest.fixture
def morning(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's clock stands at the company's ten o'clock."""
    from fieldcrm.kit import clock

    monkeypatch.setenv("FIELDCRM_CLOCK_START", NOW.isoformat())
    monkeypatch.setenv("FIELDCRM_CLOCK_ORIGIN", clock.real_now().isoformat())
    forget_settings()


@pytest.fixture
def field(valkey: Any, app_db: Any, morning: None) -> Field:
    """Two teams, three reps, the first one's day of four visits."""
    return lay_out()
