"""A day opened cold stands before the app is here, as it was left, and only while that is still true."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.phone.field import Day, Server
from tests.phone.screens import check_in, sign_in

pytestmark = pytest.mark.browser

LOOK = "fieldcrm.look"
KEPT = f"localStorage.getItem('{LOOK}') !== null"
WITHOUT_APP = """{
  const append = HTMLHeadElement.prototype.append;
  HTMLHeadElement.prototype.append = function (e) { if (e.type !== "module") append.call(this, e); else globalThis.isDecided = true; };
}"""
"""The page stays as it is before the app comes; says once that is decided."""


def _leave(phone: Any, server: Server) -> str:
    """A rep signs in, sees his day and closes the app; the look that it keeps."""
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.wait_for_function(KEPT, timeout=60_000)
        return page.evaluate(f"localStorage.getItem('{LOOK}')")


def _first_look(phone: Any, server: Server, before: str = "") -> str:
    """What the page shows before the app is here, without a network."""
    with phone() as context:
        context.set_offline(True)
        page = context.new_page()
        page.add_init_script(before + WITHOUT_APP)
        page.goto(f"{server.base}/rep/")
        page.wait_for_function("globalThis.isDecided")
        return page.inner_text("#app")


def _put(look: str) -> str:
    """As a disk that lost its last write would have it."""
    return f"localStorage.setItem('{LOOK}', {json.dumps(look)});"


def test_the_day_stands_before_the_app_and_the_app_takes_over(
    server: Server, day: Day, phone: Any
) -> None:
    _leave(phone, server)
    shown = _first_look(phone, server)
    assert "Elina Korhonen" in shown
    assert "0/5" in shown.replace("\n", "")
    assert "All on the server" not in shown  # nobody has looked yet
    with phone() as context:
        context.set_offline(True)
        page = context.new_page()
        page.goto(f"{server.base}/rep/")
        page.wait_for_selector("html[data-opened]:not([data-look])")
        check_in(page)


def test_what_was_pressed_before_the_app_is_not_lost(server: Server, day: Day, phone: Any) -> None:
    _leave(phone, server)
    with phone() as context:
        context.set_offline(True)
        page = context.new_page()
        page.add_init_script("""
            new MutationObserver((_, watch) => {
              const link = document.querySelector('[data-look=shown] section.next a.btn.p');
              if (link) { watch.disconnect(); link.click(); }
            }).observe(document, { subtree: true, attributes: true, childList: true });
        """)
        page.goto(f"{server.base}/rep/")
        page.wait_for_selector("html[data-opened] main.mapbox")


def test_a_day_that_changed_is_not_shown_as_it_was(server: Server, day: Day, phone: Any) -> None:
    look = _leave(phone, server)
    with phone() as context:
        context.set_offline(True)
        page = context.new_page()
        page.goto(f"{server.base}/rep/")
        page.wait_for_selector("html[data-opened]")
        check_in(page)
    assert "Elina Korhonen" not in _first_look(phone, server, _put(look))


def test_another_day_or_another_language_is_not_shown(server: Server, day: Day, phone: Any) -> None:
    look = json.loads(_leave(phone, server))
    over = json.dumps(look | {"to_ms": look["from_ms"]})
    assert "Elina Korhonen" not in _first_look(phone, server, _put(over))
    other = _put(json.dumps(look)) + "localStorage.setItem('fieldcrm.language', 'ru');"
    assert "Elina Korhonen" not in _first_look(phone, server, other)


def test_nobody_sees_the_day_of_one_who_signed_out(server: Server, day: Day, phone: Any) -> None:
    """Not even where the phone's disk took back that the look was thrown away."""
    look = _leave(phone, server)
    with phone() as context:
        page = context.new_page()
        page.goto(f"{server.base}/rep/#/settings")
        page.wait_for_selector("html[data-opened]")
        page.click("button:has-text('Sign out')")
        page.wait_for_selector("input[name=login]", timeout=60_000)
        assert not page.evaluate(KEPT)
    back = _put(look) + "localStorage.setItem('fieldcrm.known', '1');"
    assert "Elina Korhonen" not in _first_look(phone, server, back)
