"""The documentation in a real browser, in both looks: its policy holds and axe finds nothing."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from fastapi.testclient import TestClient
from playwright.sync_api import Page, Route

from fieldcrm.api.app import make_api
from tests.browser import chromium

pytestmark = pytest.mark.browser


def test_the_page_is_readable_and_sound_in_both_looks_and_widths(home):
    answer = TestClient(make_api(), base_url="http://localhost").get("/api/docs")

    def serve(route: Route) -> None:
        route.fulfill(status=200, headers=dict(answer.headers), body=answer.text)

    with chromium() as browser:
        page = browser.new_page()
        told: list[str] = []
        page.on("console", lambda message: told.append(message.text))
        page.route("**/*", serve)
        page.goto("http://localhost/api/docs")
        page.locator("summary").first.press("Enter")
        assert page.locator("details[open]").count() == 1
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        for theme, ground in (("light", "rgb(251, 252, 253)"), ("dark", "rgb(16, 19, 20)")):
            page.emulate_media(color_scheme=theme)
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
            assert _violations(page) == []
        page.set_viewport_size({"width": 390, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert told == []


def _violations(page: Page) -> list[tuple[str, str]]:
    found = Axe().run(page).response["violations"]
    return [(v["id"], v["nodes"][0]["html"][:200]) for v in found]
