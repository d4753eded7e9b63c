"""A phone that was never here: the sign-in stands before the app does, and nothing typed is lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.people.company import PASSWORD
from tests.phone.field import LOGIN, Day, Server

pytestmark = pytest.mark.browser
APP = "**/rep/main-*.js"


def _type(page: Any) -> None:
    page.fill("input[name=login]", LOGIN)
    page.fill("input[name=password]", PASSWORD)


def test_the_sign_in_takes_what_is_typed_before_the_app_is_there(
    server: Server, day: Day, phone: Any
) -> None:
    held: list[Any] = []
    with phone() as context:
        page = context.new_page()
        page.route(APP, lambda route: held.append(route))
        page.goto(f"{server.base}/rep/")
        _type(page)
        page.click("button[type=submit]")
        page.wait_for_selector("button[type=submit]:disabled")
        assert page.locator(".day").count() == 0
        assert len(held) == 1
        held[0].continue_()
        page.wait_for_selector(".day")


def test_an_app_that_did_not_come_is_fetched_anew(server: Server, day: Day, phone: Any) -> None:
    """The network broke between the sign-in and the rest: it says so, and the next press goes on."""
    with phone() as context:
        page = context.new_page()
        page.route(APP, lambda route: route.abort())
        page.goto(f"{server.base}/rep/")
        _type(page)
        page.click("button[type=submit]")
        page.wait_for_selector("[role=alert]")
        page.unroute(APP)
        page.click("button[type=submit]")
        page.wait_for_selector(".day")
