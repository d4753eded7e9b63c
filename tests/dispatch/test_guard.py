"""Every event handler says who may call it, and the guard keeps to it for each role and for nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from reflex.state import State
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext

import fieldcrm.fieldcrm
from fieldcrm.components import session
from fieldcrm.components.session import ANYBODY, Desk, Guard, rule_of
from fieldcrm.people import signing
from fieldcrm.people.model import Role
from tests.dispatch.conftest import cookie_of, tree_with
from tests.people.company import PASSWORD, found

LOGINS = {Role.rep: "rep_north", Role.dispatcher: "dispatcher_north", Role.manager: "manager_north",
          Role.admin: "admin"}  # fmt: skip
FOR_ANYBODY = {"load"}
"""Handlers of the sign-in page: the only own ones that serve strangers."""


def own_handlers() -> dict[str, Any]:
    """Every registered handler that fieldcrm's code defines, by event name."""
    registered = RegistrationContext.get().event_handlers
    return {
        name: entry.handler.fn
        for name, entry in registered.items()
        if getattr(entry.handler.fn, "__module__", "").startswith("fieldcrm.")
    }


def test_every_handler_has_a_rule() -> None:
    handlers = own_handlers()
    assert len(handlers) > 30
    without = [name for name, fn in handlers.items() if not hasattr(fn, "allowed_roles")]
    assert without == []


def test_only_the_sign_in_page_serves_strangers() -> None:
    open_to_all = {
        (fn.__module__, fn.__name__)
        for fn in own_handlers().values()
        if fn.allowed_roles == ANYBODY
    }
    assert open_to_all == {("fieldcrm.pages.sign_in", "load")}


def test_state_has_no_setters_that_clients_could_call() -> None:
    setters = [
        n
        for n, fn in own_handlers().items()
        if fn.__name__.startswith("set_") and "setter" in str(fn)
    ]
    assert setters == []


def send(root: State, name: str) -> Any:
    return asyncio.run(Guard().preprocess(fieldcrm.fieldcrm.app, root, Event(name=name)))  # type: ignore[arg-type]


@pytest.mark.parametrize("role", [*Role, None])
def test_each_handler_refuses_those_its_rule_leaves_out(app_db: None, role: Role | None) -> None:
    found()
    root = tree_with(cookie_of(LOGINS[role], PASSWORD) if role else None)
    wrong = []
    for name, fn in own_handlers().items():
        may = fn.allowed_roles == ANYBODY or role in fn.allowed_roles
        answer = send(root, name)
        if (answer is None) != may:
            wrong.append((name, role))
    assert wrong == []


def test_a_stranger_is_sent_to_sign_in_and_back(app_db: None) -> None:
    answer = send(tree_with(None), name_of("dispatch_state", "load"))
    (event,) = answer.events
    assert "/sign-in?next=/dispatch" in str(event.payload)


def name_of(module: str, handler: str) -> str:
    return next(
        n
        for n, fn in own_handlers().items()
        if fn.__module__.endswith(module) and fn.__name__ == handler
    )


def test_an_ended_session_counts_no_longer(app_db: None) -> None:
    found()
    cookie = cookie_of("dispatcher_north", PASSWORD)
    root = tree_with(cookie)
    load = name_of("dispatch_state", "load")
    assert send(root, load) is None
    signing.sign_out(cookie.split("=", 1)[1])
    assert send(root, load) is not None


def test_unknown_and_made_up_events_are_refused(app_db: None) -> None:
    found()
    root = tree_with(cookie_of("admin", PASSWORD))
    assert rule_of("reflex___state____state.nothing") is None
    assert send(root, "fieldcrm___pages____dispatch_state____dispatch._read_team") is not None


def test_another_person_never_sees_what_was_left_in_a_state(app_db: None) -> None:
    found()
    first = tree_with(cookie_of("admin", PASSWORD))
    desk = asyncio.run(first.get_state(Desk))
    send(first, name_of("dispatch_state", "load"))
    desk.user_name = "Admin's own"
    second = {**first.router_data["headers"], "cookie": cookie_of("dispatcher_south", PASSWORD)}
    first.router_data = first._update_router_vars({"headers": second}, first.router_data)
    send(first, "reflex___state____state.hydrate_and_load")
    assert desk.user_name == ""


@pytest.mark.parametrize(
    ("target", "kept"),
    [("/dispatch?rep=1", "/dispatch?rep=1"), ("//evil.example", None), ("https://evil.example/", None),
     ("/\\evil.example", None), ("javascript:alert(1)", None), ("", None)],
)  # fmt: skip
def test_next_never_leads_elsewhere(target: str, kept: str | None) -> None:
    assert session.safe_next(target) == kept


def test_a_broken_cookie_is_nobody(app_db: None) -> None:
    assert session.actor_in("fieldcrm_session=nonsense; other=\x00") is None
    assert session.actor_in("") is None
