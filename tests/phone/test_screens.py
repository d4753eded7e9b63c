"""The app as browsers judge it: installable, quick without a network, accessible, safe to update."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fieldcrm.phone import build
from fieldcrm.phone.build import BuildReport
from tests.browser import in_both_themes
from tests.phone.field import Day, Server
from tests.phone.screens import all_safe, check_in, close_with_photo, sign_in, violations

pytestmark = pytest.mark.browser
FILES_TO_OPEN = 5


def test_chromium_finds_it_installable(server: Server, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        session = context.new_cdp_session(page)
        errors = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
        manifest = session.send("Page.getAppManifest")
    assert errors == []
    assert manifest["errors"] == []


LOADED_FIRST = """() => {
  const [opened] = performance.getEntriesByName("opened");
  const before = performance.getEntriesByType("resource").filter((r) => r.startTime < opened.startTime);
  return before.map((r) => new URL(r.name).pathname);
}"""


def test_it_opens_without_a_network_from_a_few_kept_files(server: Server, phone: Any) -> None:
    with phone() as context:
        sign_in(context.new_page(), server.base)
    server.stop()
    with phone() as context:
        context.set_offline(True)
        page = context.new_page()
        page.goto(f"{server.base}/rep/")
        page.wait_for_selector("section.next")
        loaded = page.evaluate(LOADED_FIRST)
    assert 0 < len(loaded) <= FILES_TO_OPEN, loaded


def test_a_page_opened_past_the_worker_is_taken_over_by_it(server: Server, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.new_cdp_session(page).send("Page.reload", {"ignoreCache": True})
        page.wait_for_selector(".day")
        page.wait_for_function("navigator.serviceWorker.controller !== null")


def test_axe_finds_nothing(server: Server, day: Day, phone: Any) -> None:
    found: dict[str, list[str]] = {}
    with phone() as context:
        page = context.new_page()

        def judge(name: str) -> None:
            page.wait_for_timeout(300)
            for theme in in_both_themes(page):
                if wrong := violations(page):
                    found[f"{name}, {theme}"] = wrong

        def visit(*parts: str) -> None:
            page.goto(f"{server.base}/rep/#/{'/'.join(parts)}")
            judge(parts[0])

        page.goto(f"{server.base}/rep/")
        page.wait_for_selector("input[name=login]")
        judge("welcome")
        sign_in(page, server.base)
        for name in ("today", "map", "clients", "outbox", "shift", "settings", "pair", "receipt",
                     "install", "update", "storage", "sign-in", "new-visit", "plan-changed", "calendar",
                     "new-client"):  # fmt: skip
            visit(name)
        for name in ("visit", "move", "skip", "check-in"):
            visit(name, day.visits[1])
        visit("client", day.clients[0])
        visit("correct", day.clients[0])
        visit("new-visit", day.clients[1])
        visit("visit", "nothing-here")
        page.goto(f"{server.base}/rep/#/shift")
        page.click(".btn.huge.p")
        judge("on shift")
        page.goto(f"{server.base}/rep/#/today")
        check_in(page, "Start the visit")
        judge("form")
        page.click("#result .ch >> nth=0")
        page.click(".pick-product >> nth=0")
        page.fill("input.inp", "Send the price list")
        judge("form filled")
        context.set_offline(True)
        close_with_photo(page)
        judge("closed offline")
        visit("outbox")
        visit("revise", day.visits[0])
        context.set_geolocation({"latitude": 60.3, "longitude": 24.9, "accuracy": 30})
        visit("check-in", day.visits[1])
        page.goto(f"{server.base}/rep/#/today")
        page.click("button.btn.c1")
        judge("navigator choice")
    assert found == {}


def test_a_new_version_waits_and_loses_nothing(
    server: Server, day: Day, phone: Any, built: BuildReport, tmp_path: Path
) -> None:
    from tests.phone.field import copy_app

    server.stop()
    server.folder = copy_app(built.folder.parent, tmp_path / "app")
    server.start()
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        check_in(page)
        context.route("**/api/**", lambda route: route.abort())
        context.set_offline(False)
        folder = server.folder / "rep"
        texts = folder / "locales" / "en.json"
        texts.write_text(texts.read_text().replace("Check in", "Arrive"), encoding="utf-8")
        (folder / "sw.js").unlink()
        build._write_worker(folder, {"lazy": [p.name for p in folder.glob("map-*")]})
        page.evaluate("navigator.serviceWorker.getRegistration().then((r) => r.update())")
        page.goto(f"{server.base}/rep/#/today")
        page.wait_for_selector("a[href='#/update']")
        page.click("a[href='#/update']")
        page.wait_for_selector("text=1 unsent item")
        page.click("button.btn.huge.p")
        page.wait_for_selector(".timer, section.next")
        page.wait_for_function("document.documentElement.dataset.opened === '1'")
        page.goto(f"{server.base}/rep/#/visit/{day.visits[2]}")
        page.wait_for_selector("text=Arrive")
        context.unroute("**/api/**")
        page.evaluate("dispatchEvent(new Event('online'))")
        all_safe(page)
