"""Areas and the arrival page in a real browser: drawn, changed, deleted; a link opened, ended."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser import chromium, violations
from tests.dispatch.test_browser import call, open_desk, rep_on_shift
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]
CORNERS = ((-160, -120), (120, -150), (190, 40), (-120, 90))
STANDS = (60.1705, 24.9425)
SLOW_MS = 60_000  # what a loaded machine may need for what is at once elsewhere


@pytest.fixture
def page() -> Iterator[Page]:
    """A browser page that fails the test on an error nobody handled."""
    with chromium() as browser:
        found = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        errors: list[str] = []
        found.on("pageerror", lambda error: errors.append(str(error)))
        expect.set_options(timeout=SLOW_MS)
        yield found
        expect.set_options(timeout=30_000)
        assert errors == []


def signed_in(install: Install) -> str:
    body = {"login": "dispatcher", "password": PASSWORD}
    return call(install, "POST", "/api/v1/session", body)[1]


def areas(install: Install, cookie: str) -> list[dict[str, Any]]:
    return call(install, "GET", "/api/v1/areas", cookie=cookie)[0]


def test_an_area_is_drawn_changed_and_deleted(page: Page, install: Install) -> None:
    cookie = signed_in(install)
    open_desk(page, install)
    page.locator(".gl[data-link=live]").wait_for()  # a press before the map is there draws nothing
    page.get_by_role("button", name="Areas").click()
    page.get_by_role("button", name="Polygon").click()
    box = page.locator(".map .gl").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] * 0.62, box["y"] + box["height"] * 0.5
    for drawn, (east, south) in enumerate(CORNERS, 1):
        page.mouse.click(x + east, y + south)
        expect(page.locator(".ad-over .corner")).to_have_count(drawn)
    page.keyboard.press("Enter")
    name = page.get_by_role("textbox", name="Name")
    expect(name).to_be_focused()
    name.fill("Old town")
    page.get_by_label("leaves").uncheck()
    assert violations(page) == []
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".ad-list")).to_contain_text("Old town")
    (made,) = areas(install, cookie)
    assert len(made["geometry"]["coordinates"][0]) == len(CORNERS) + 1
    assert (made["on_enter"], made["on_leave"]) == (True, False)

    page.get_by_role("button", name="Old town").click()
    corner = page.locator("[data-handle-kind=corner]").first
    corner.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.locator("[data-handle-kind=middle]").first.focus()
    page.keyboard.press("ArrowUp")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".ad-list")).to_contain_text("Old town")
    (changed,) = areas(install, cookie)
    assert changed["version"] == 2
    assert len(changed["geometry"]["coordinates"][0]) == len(CORNERS) + 2
    assert changed["geometry"]["coordinates"][0][0][0] < made["geometry"]["coordinates"][0][0][0]

    page.get_by_role("button", name="Old town").click()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete for good?").click()
    expect(page.get_by_role("button", name="Polygon")).to_be_visible()  # back from the form
    expect(page.locator(".ad-list")).to_have_count(0)
    assert areas(install, cookie) == []


def test_while_an_area_is_drawn_nobody_is_chosen_and_escape_stops(
    page: Page, install: Install
) -> None:
    rep_id = somebody_placed(install, signed_in(install))
    open_desk(page, install)
    page.locator(".gl[data-link=live]").wait_for()
    mark = page.locator(f".mk-all .mk[data-rep='{rep_id}'][data-lat='{STANDS[0]:.6f}']")
    mark.wait_for()
    page.get_by_role("button", name="Areas").click()
    page.get_by_role("button", name="Circle").click()
    x, y = middle_of(page, mark)
    assert page.evaluate("([x, y]) => fieldcrmRepAt(x, y)", [x, y]) == rep_id
    page.mouse.click(x, y)
    expect(page.locator(".ad-over .corner")).to_have_count(1)
    expect(page.locator(".side.right")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.locator(".ad-over .corner")).to_have_count(0)
    expect(page.get_by_role("button", name="Polygon")).to_be_visible()
    page.mouse.click(x, y)  # the same click chooses again
    expect(page.locator(".side.right")).to_be_visible()


def somebody_placed(install: Install, cookie: str) -> str:
    """The id of a rep on shift whose tracker has told where he stands; nobody moves him."""
    rep_id, token = rep_on_shift(install, cookie)
    lat, lng = STANDS
    told = f"id={token}&lat={lat}&lon={lng}&speed=0&accuracy=5"
    urllib.request.urlopen(f"{install.gateway}/ingest/osmand?{told}", timeout=60).read()
    return rep_id


def middle_of(page: Page, mark: Locator) -> tuple[float, float]:
    """Where a mark's middle is, once the map stands still."""
    page.wait_for_function("!window.fieldcrmMap.isMoving()")
    box = mark.locator("circle").first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_client_opens_a_link_and_sees_it_end(page: Page, install: Install) -> None:
    cookie = signed_in(install)
    visit = planned_visit(install, cookie)
    made = call(install, "POST", f"/api/v1/visits/{visit}/arrival-links", cookie=cookie)[0]
    path = "/arrival/" + made["url"].rsplit("/", 1)[1]
    page.set_viewport_size({"width": 390, "height": 780})
    answer = page.goto(install.base + path)
    assert answer is not None
    assert answer.status == 200
    expect(page.locator("#stage")).to_contain_text("to you")
    expect(page.locator("#time")).to_contain_text(":")
    assert violations(page) == []
    call(install, "DELETE", f"/api/v1/arrival-links/{made['id']}", cookie=cookie)
    expect(page.get_by_role("heading", name="This link is over")).to_be_visible(timeout=60_000)
    answer = page.goto(install.base + path)
    assert answer is not None
    assert answer.status == 410
    assert violations(page) == []


def planned_visit(install: Install, cookie: str) -> str:
    """A visit of today that is still to come."""
    me = call(install, "GET", "/api/v1/me", cookie=cookie)[0]
    today = datetime.fromtimestamp(me["server_time_ms"] / 1000, ZoneInfo(me["timezone"])).date()
    asked = f"/api/v1/visits?state=planned&day_from={today}&day_to={today}"
    return call(install, "GET", asked, cookie=cookie)[0]["rows"][0]["id"]
