"""What reps suffered from with such apps, one test for each lesson that only a browser can show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fieldcrm.kit.database import reading
from fieldcrm.visits.tables import Visit
from tests.phone.field import Day, Server
from tests.phone.screens import all_safe, check_in, check_in_here, sign_in

pytestmark = pytest.mark.browser

_COUNT = """async (name) => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const count = db.transaction(name).objectStore(name).count();
  const n = await new Promise((ok) => { count.onsuccess = () => ok(count.result); });
  db.close();
  return n;
}"""
_HIDE = """(hidden) => {
  Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
_BY_ITS_CLOCK = """() => {
  const watch = navigator.geolocation.watchPosition.bind(navigator.geolocation);
  navigator.geolocation.watchPosition = (found, ...more) =>
    watch((fix) => found({coords: fix.coords, timestamp: Date.now()}), ...more);
}"""
"""The receiver dates its fixes by the clock that the test turns."""
_NO_TIMER = """() => {
  const every = window.setInterval;
  window.setInterval = (work, ms, ...more) => (ms >= 10000 ? 0 : every(work, ms, ...more));
}"""
"""What the app does now and then by itself must not help."""
_PERSIST = """() => {
  navigator.storage.persisted = async () => window.askedToKeep === true;
  navigator.storage.persist = async () => { window.askedToKeep = true; return true; };
}"""


def test_lesson_1_the_app_says_which_mode_tracks_and_that_it_has_paused(
    server: Server, day: Day, phone: Any
) -> None:
    """Behind another app a page can't track: the hole is said, and the way to a tracker app is there."""
    with phone() as browser:
        page = browser.new_page()
        page.clock.install()
        page.add_init_script(f"({_BY_ITS_CLOCK})()")
        sign_in(page, server.base)
        page.goto(f"{server.base}/rep/#/shift")
        page.wait_for_selector("text=keeps the track while the screen is off")
        page.click(".btn.huge.p")
        page.wait_for_selector(".clock")
        page.wait_for_selector(".truth >> text=Tracking")
        page.evaluate(_HIDE, True)
        page.clock.fast_forward("06:00")
        page.evaluate(_HIDE, False)
        browser.set_geolocation({"latitude": 60.1712, "longitude": 24.9384, "accuracy": 9})
        page.wait_for_selector(".truth >> text=/Paused \\d+ min/")
        page.wait_for_selector(".truth >> text=screen was off")


def test_lesson_16_storage_is_asked_to_be_kept_and_installing_is_offered(
    server: Server, day: Day, phone: Any
) -> None:
    with phone() as browser:
        page = browser.new_page()
        page.add_init_script(f"({_PERSIST})()")
        sign_in(page, server.base)
        page.wait_for_function("window.askedToKeep === true")
        page.evaluate(
            "dispatchEvent(Object.assign(new Event('beforeinstallprompt', {cancelable: true}),"
            " {prompt: async () => {}, userChoice: Promise.resolve({outcome: 'accepted'})}))"
        )
        page.goto(f"{server.base}/rep/#/settings")
        page.wait_for_selector("a[href='#/install']")


@pytest.mark.parametrize("reason", ["opened", "looked at", "network"])
def test_lesson_17_it_syncs_when_opened_when_looked_at_and_with_the_network(
    server: Server, day: Day, phone: Any, reason: str
) -> None:
    """Nothing runs behind a closed app on every phone, so each of these must be enough."""
    with phone() as browser:
        browser.add_init_script(f"({_NO_TIMER})()")
        page = browser.new_page()
        sign_in(page, server.base)
        browser.set_offline(True)
        check_in(page)
        with reading() as session:
            assert session.get_one(Visit, day.visits[0]).state == "planned"
        if reason == "opened":
            page.close()
            page = browser.new_page()
            browser.set_offline(False)
            page.goto(f"{server.base}/rep/")
        elif reason == "looked at":
            page.evaluate("Object.defineProperty(navigator, 'onLine', {get: () => true})")
            page.evaluate("addEventListener('online', (e) => e.stopImmediatePropagation(), true)")
            page.evaluate(_HIDE, True)
            browser.set_offline(False)
            page.evaluate(_HIDE, False)
        else:
            browser.set_offline(False)
        all_safe(page)
        with reading() as session:
            assert session.get_one(Visit, day.visits[0]).state == "under_way"


def test_lesson_27_off_shift_and_on_a_break_the_phone_keeps_no_position(
    server: Server, day: Day, phone: Any
) -> None:
    """And the rep reads on his own screen what the dispatcher sees of him."""
    with phone() as browser:
        page = browser.new_page()
        sign_in(page, server.base)
        page.goto(f"{server.base}/rep/#/check-in/{day.visits[0]}")
        _walk(page, 0)
        page.wait_for_selector("section.sheet .dist")
        assert page.evaluate(_COUNT, "fixes") == 0
        check_in_here(page)
        page.wait_for_function(f"({_COUNT})('fixes').then((n) => n > 0)")
        page.goto(f"{server.base}/rep/#/shift")
        page.wait_for_selector("text=What the dispatcher sees")
        page.click("footer.dock .btn >> nth=0")
        page.wait_for_selector(".truth >> text=On a break")
        before = page.evaluate(_COUNT, "fixes")
        for step in range(1, 4):
            _walk(page, step * 40)
        page.wait_for_function("new Promise((ok) => setTimeout(() => ok(true), 1500))")
        assert page.evaluate(_COUNT, "fixes") == before


def _walk(page: Any, metres: float) -> None:
    page.context.set_geolocation(
        {"latitude": 60.1699 + metres / 111_195, "longitude": 24.9384, "accuracy": 9}
    )


def test_a_newer_server_is_served_by_an_app_that_knows_less(
    server: Server, day: Day, phone: Any
) -> None:
    """Unknown kinds of rows and unknown fields pass by; what the app knows arrives and is sent."""

    def newer(route: Any) -> None:
        told = route.fetch()
        body = told.json()
        body["changes"] = [
            {"entity": "hologram", "id": "h1", "op": "put", "doc": {"id": "h1", "light": 7}},
            *({**c, "doc": {**c["doc"], "aura": {"tone": 3}}} if c.get("doc") else c for c in body["changes"]),
        ]  # fmt: skip
        route.fulfill(response=told, body=json.dumps({**body, "mood": "new"}))

    with phone() as browser:
        browser.route("**/api/v1/sync/pull**", newer)
        page = browser.new_page()
        sign_in(page, server.base)
        assert page.evaluate(_COUNT, "visits") == len(day.visits)
        check_in(page)
        all_safe(page)
    with reading() as session:
        assert session.get_one(Visit, day.visits[0]).state == "under_way"
