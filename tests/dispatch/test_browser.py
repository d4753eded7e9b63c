"""The live desk in a real browser against a whole install: sign in, see a rep move, re-plan by hand."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser import chromium, violations, violations_in_both
from tests.install import PASSWORD, Install, settle

pytestmark = [pytest.mark.browser, pytest.mark.flow]


@pytest.fixture
def page(install: Install) -> Iterator[Page]:
    """A browser page of 1440 x 900 that fails the test on an error nobody handled."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
        found = context.new_page()
        errors: list[str] = []
        found.on("pageerror", lambda error: errors.append(str(error)))
        yield found
        assert errors == []


def sign_in(page: Page, install: Install, login: str = "dispatcher") -> None:
    page.goto(f"{install.base}/sign-in")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")


def open_desk(page: Page, install: Install) -> None:
    sign_in(page, install)
    page.wait_for_url("**/dispatch")
    page.wait_for_selector("[data-rep-row]", state="attached")


def call(
    install: Install, method: str, path: str, body: Any = None, cookie: str = "", **more: str
) -> Any:
    """One call to the API; returns the answer and its cookie. `more` are headers."""
    headers = {"Content-Type": "application/json", "Origin": install.base}
    headers |= {name.replace("_", "-"): value for name, value in more.items()}
    if cookie:
        headers["Cookie"] = cookie
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(install.base + path, data, headers, method=method)
    with urllib.request.urlopen(asked, timeout=60) as answer:
        text = answer.read()
        return (json.loads(text) if text else None), answer.headers.get("Set-Cookie", "").split(
            ";"
        )[0]


def test_wrong_password_says_so_and_a_stranger_is_sent_to_sign_in(
    page: Page, install: Install
) -> None:
    page.goto(f"{install.base}/dispatch")
    page.wait_for_url("**/sign-in?next=/dispatch*")
    page.fill("#login", "dispatcher")
    page.fill("#password", "not this one")
    page.click("button[type=submit]")
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    assert violations(page) == []
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url("**/dispatch")


def test_a_rep_has_no_desk(page: Page, install: Install) -> None:
    sign_in(page, install, "sanna")
    page.wait_for_url("**/rep/*")
    page.goto(f"{install.base}/dispatch")
    page.wait_for_url("**/rep/*")


def open_off_shift(page: Page) -> None:
    fold = page.locator(".offline-row")
    if fold.count() and fold.get_attribute("aria-expanded") == "false":
        fold.click()


def choose(page: Page, number: int) -> str:
    """Click a rep's row; his id."""
    open_off_shift(page)
    row = page.locator("[data-rep-row]").nth(number)
    rep_id = row.get_attribute("data-rep-row")
    row.click()
    page.wait_for_selector(".tv [data-handle]")
    assert rep_id
    return rep_id


def lift(page: Page, handle: Any) -> None:
    """Press on a visit's handle and begin to drag it: from now on the lists stand still."""
    handle.hover()
    box = handle.bounding_box()
    page.mouse.down()
    page.mouse.move(box["x"] - 60, box["y"] + 30, steps=4)
    expect(page.locator("body")).to_have_class(re.compile("dragging"))


def drag(page: Page, source: Any, target: Any) -> None:
    lift(page, source)
    box = target.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=8)
    expect(target).to_have_attribute("data-over", "on")
    page.mouse.up()


def test_a_visit_dragged_onto_a_rep_is_proposed_applied_and_undone(
    page: Page, install: Install
) -> None:
    open_desk(page, install)
    chosen = choose(page, 0)
    before = page.locator(".tv").count()
    visit = page.locator(".tv:has([data-handle])").nth(3)
    visit_id = visit.get_attribute("data-drag-visit")
    other = page.locator(f"[data-rep-row]:not([data-rep-row='{chosen}'])").first
    drag(page, visit.locator("[data-handle]"), other)
    page.locator(".replan .btn.primary").wait_for(timeout=120_000)
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.locator(".toast", has_text="Plan applied")).to_be_visible()
    expect(page.locator(f"[data-drag-visit='{visit_id}']")).to_have_count(0)
    assert page.locator(".tv").count() == before - 1
    page.keyboard.press("z")
    expect(page.locator(f"[data-drag-visit='{visit_id}']")).to_have_count(1)


def rows(page: Page) -> list[str]:
    return page.locator(".tv").evaluate_all("rows => rows.map((r) => r.dataset.dragVisit)")


def office_moves(install: Install, visit_id: str, move: str) -> None:
    """Somebody else at a desk cancels a visit, or plans it again."""
    told = {"login": "dispatcher", "password": PASSWORD}
    _, cookie = call(install, "POST", "/api/v1/session", told)
    seen, _ = call(install, "GET", f"/api/v1/visits/{visit_id}", cookie=cookie)
    body = {"move": move, "reason": "client asked"}
    path = f"/api/v1/visits/{visit_id}/moves"
    call(install, "POST", path, body, cookie, If_Match=f'"{seen["version"]}"')


def test_nothing_moves_under_a_dragged_visit(page: Page, install: Install) -> None:
    """The map shows at once what another desk did; the lists take it in when the drag has ended."""
    open_desk(page, install)
    choose(page, 0)
    seen, bars = rows(page), page.locator(".ribbon .rt > i")
    expect(bars).to_have_count(len(seen))
    handle = page.locator(".tv [data-handle]").first
    lift(page, handle)
    office_moves(install, seen[-1], "cancel")
    expect(bars).to_have_count(len(seen) - 1, timeout=60_000)
    page.keyboard.press("j")  # waits too: it would choose another rep
    assert rows(page) == seen
    page.keyboard.press("Escape")
    expect(page.locator(".tv")).to_have_count(len(seen) - 1)
    expect(page.locator("body")).not_to_have_class(re.compile("dragging"))

    lift(page, handle)
    office_moves(install, seen[-1], "reopen")
    expect(bars).to_have_count(len(seen), timeout=60_000)
    assert rows(page) == seen[:-1]
    page.mouse.move(720, 20)  # the bar takes no visit
    page.mouse.up()
    expect(page.locator(".tv")).to_have_count(len(seen))
    assert page.locator(".replan").count() == 0


def test_the_keyboard_does_what_a_drag_does(page: Page, install: Install) -> None:
    open_desk(page, install)
    choose(page, 2)
    page.locator(".tv:has([data-handle])").nth(2).focus()
    page.keyboard.press("Alt+ArrowDown")
    page.locator(".replan .btn.primary").wait_for(timeout=120_000)
    page.keyboard.press("Escape")
    expect(page.locator(".replan")).to_have_count(0)


def test_a_fix_moves_its_rep_on_the_map(page: Page, install: Install) -> None:
    _, cookie = call(
        install, "POST", "/api/v1/session", {"login": "dispatcher", "password": PASSWORD}
    )
    rep_id, token = rep_on_shift(install, cookie)
    open_desk(page, install)
    page.locator(".gl[data-link=live]").wait_for(timeout=60_000)
    for lat in (60.1705, 60.1711):
        url = f"{install.gateway}/ingest/osmand?id={token}&lat={lat}&lon=24.9425&speed=3&accuracy=5"
        urllib.request.urlopen(url, timeout=60).read()
        marker = page.locator(f".mk[data-rep='{rep_id}'][data-lat='{lat:.6f}']")
        marker.wait_for(state="attached", timeout=60_000)


def rep_on_shift(install: Install, cookie: str) -> tuple[str, str]:
    """Start Sanna's shift as her phone would, and pair a tracker for her: her id and its token."""
    from fieldcrm.kit import ids

    told, hers = call(install, "POST", "/api/v1/session", {"login": "sanna", "password": PASSWORD})
    me, _ = call(install, "GET", "/api/v1/me", cookie=hers)
    device = ids.new_id()
    call(install, "POST", "/api/v1/sync/device",
         {"device_id": device, "name": "test", "app_version": "1"}, hers)  # fmt: skip
    start = {"id": ids.new_id(), "seq": 1, "kind": "shift.start", "subject_id": ids.new_id(),
             "base_version": None, "device_at_ms": me["server_time_ms"], "offset_ms": 0, "payload": {}}  # fmt: skip
    answer, _ = call(install, "POST", "/api/v1/sync/push",
                     {"device_id": device, "schema": me["schema"], "mutations": [start]}, hers)  # fmt: skip
    assert answer["results"][0]["status"] == "applied", answer
    rep_id = told["user"]["id"]
    paired, _ = call(install, "POST", "/api/v1/devices",
                     {"rep_id": rep_id, "kind": "osmand", "name": "tracker"}, cookie)  # fmt: skip
    return rep_id, paired["token"]


def test_axe_finds_nothing_on_the_desk(page: Page, install: Install) -> None:
    open_desk(page, install)
    assert violations_in_both(page) == []
    choose(page, 0)
    assert violations_in_both(page) == []
    page.keyboard.press("Control+k")
    page.wait_for_selector("dialog.pal [role=option]")
    assert violations_in_both(page) == []


def test_a_language_is_kept(page: Page, install: Install) -> None:
    open_desk(page, install)
    page.click("[popovertarget=languages]")
    page.click("#languages [lang=ru]")
    expect(page.locator("h1")).to_have_text("Карта")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.reload()
    expect(page.locator("h1")).to_have_text("Карта")
    page.click("[popovertarget=languages]")
    page.click("#languages [lang=en]")
    expect(page.locator("h1")).to_have_text("Live")


def test_a_lost_gateway_is_said_and_found_again(
    page: Page, install: Install, tmp_path: Path
) -> None:
    open_desk(page, install)
    choose(page, 0)
    expect(page.locator(".ribbon .badge")).to_have_text("Live")
    install.part("gateway").kill()
    expect(page.locator(".map-n")).to_contain_text("Live link lost")
    settle(lambda: (install.health() or {}).get("status") == "ok", 30)
    expect(page.locator(".map-n")).to_have_count(0, timeout=60_000)


def test_a_signed_out_desk_shows_nothing_more(page: Page, install: Install) -> None:
    open_desk(page, install)
    page.click("[popovertarget=user]")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in*")
    page.goto(f"{install.base}/dispatch")
    page.wait_for_url("**/sign-in?next=/dispatch*")
    assert page.locator("[data-rep-row]").count() == 0
