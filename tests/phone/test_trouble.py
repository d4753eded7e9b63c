"""No room, no network for days, a server that moved on, signing out: nothing is lost, and it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.service import hash_password
from fieldcrm.people.tables import User
from fieldcrm.visits.tables import Attachment, Visit
from tests.browser import chromium
from tests.people.company import PASSWORD
from tests.phone.field import Day, Server
from tests.phone.screens import (
    all_safe,
    check_in,
    check_in_here,
    close_with_photo,
    online,
    photo,
    press_start,
    sign_in,
)

pytestmark = pytest.mark.browser
SIGN_IN = """([login, password]) => fetch('/api/v1/session', {method: 'POST',
  headers: {'Content-Type': 'application/json'}, body: JSON.stringify({login, password})})"""


def test_lesson_15_unsent_work_leaves_as_a_file_that_the_office_brings_in(
    server: Server, day: Day, phone: Any, tmp_path: Path
) -> None:
    """Signing out is refused while work is unsent; with the file handed over it is allowed."""
    with transaction() as s:
        desk = s.get_one(User, day.company.users["dispatcher_north"])
        desk.password_hash = hash_password(PASSWORD)
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        check_in(page)
        close_with_photo(page)
        context.route("**/api/v1/sync/push", lambda route: route.abort())
        context.set_offline(False)
        page.goto(f"{server.base}/rep/#/settings")
        page.click("button.btn.d")
        page.wait_for_selector("[role=alert] >> text=3 items wait")
        assert page.locator("text=The office has the file: sign out").count() == 0
        with page.expect_download() as downloading:
            page.click("[role=alert] >> text=Export file")
        downloading.value.save_as(tmp_path / "work.fieldcrm")
        page.click("text=The office has the file: sign out")
        page.wait_for_selector("input[name=password]")
    sealed = (tmp_path / "work.fieldcrm").read_bytes()
    assert b"price list" not in sealed
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{server.base}/rep/office/")
        page.wait_for_selector("html[data-ready]")
        page.set_input_files("#file", tmp_path / "work.fieldcrm")
        page.wait_for_selector("text=Sign in as dispatcher")
        page.evaluate(SIGN_IN, ["dispatcher_north", PASSWORD])
        page.set_input_files("#file", tmp_path / "work.fieldcrm")
        page.wait_for_selector("text=2 actions taken in · 1 photo")
    with reading() as s:
        visit = s.get_one(Visit, day.visits[0])
        (picture,) = s.exec(select(Attachment)).all()
    assert (visit.state, visit.comment) == ("closed", "Asked for the price list")
    assert picture.stored_at is not None


def test_lesson_16_work_that_waits_a_day_is_warned_of(server: Server, day: Day, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        page.clock.install()
        sign_in(page, server.base)
        context.set_offline(True)
        check_in(page)
        assert page.locator("text=waits longer than a day").count() == 0
        page.clock.fast_forward("24:10:00")
        page.goto(f"{server.base}/rep/#/today")
        page.wait_for_selector("a[href='#/outbox'] >> text=waits longer than a day")


def test_a_full_phone_says_so_and_loses_nothing(server: Server, day: Day, phone: Any) -> None:
    """The photo finds no room: it is said, what was written stays, with room again the day goes on."""
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        check_in(page)
        all_safe(page)
    with phone() as context:
        context.set_offline(True)
        page = context.new_page()
        session = context.new_cdp_session(page)
        origin = {"origin": server.base}
        session.send("Storage.overrideQuotaForOrigin", {**origin, "quotaSize": 1000})
        page.goto(f"{server.base}/rep/#/visit/{day.visits[0]}")
        page.wait_for_selector("#camera", state="attached")
        page.set_input_files("#camera", photo())
        page.wait_for_selector("[role=alert] >> text=The last thing was not written")
        assert page.is_visible(".truth .bad")
    with phone() as context:  # room again
        page = context.new_page()
        page.goto(f"{server.base}/rep/#/visit/{day.visits[0]}")
        close_with_photo(page)
        all_safe(page)
    with reading() as s:
        assert s.get_one(Visit, day.visits[0]).state == "closed"


_TAKE_THE_NEXT_NUMBER = """async () => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const tx = db.transaction(['outbox', 'meta'], 'readwrite');
  const last = tx.objectStore('meta').get('last_seq');
  last.onsuccess = () => tx.objectStore('outbox').put(
    {id: 'in the way', seq: (last.result?.value ?? 0) + 1, kind: 'in the way', status: 'applied', payload: {}, settled: 1});
  await new Promise((ok) => { tx.oncomplete = ok; }); db.close();
}"""
_CLEAR_IT = """async () => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const tx = db.transaction('outbox', 'readwrite');
  tx.objectStore('outbox').delete('in the way');
  await new Promise((ok) => { tx.oncomplete = ok; }); db.close();
}"""


def test_a_check_in_that_the_phones_database_refuses_is_taken_back_and_said(
    server: Server, day: Day, phone: Any
) -> None:
    """The next number is taken already: the browser's own database aborts the write."""
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.evaluate(_TAKE_THE_NEXT_NUMBER)
        page.click("section.next a.btn.p")
        press_start(page, "Visit without a track")
        page.wait_for_selector("[role=alert] >> text=This phone did not write the start down")
        assert page.locator(".timer").count() == 0
        assert page.url.endswith(f"#/check-in/{day.visits[0]}")
        page.evaluate(_CLEAR_IT)
        check_in_here(page, "Visit without a track")
        page.wait_for_selector(".truth .ok >> text=Written down")
    with phone() as context:  # the app died and comes again
        page = context.new_page()
        page.goto(f"{server.base}/rep/#/visit/{day.visits[0]}")
        page.wait_for_selector(".timer")
        close_with_photo(page)
        all_safe(page)
    with reading() as s:
        assert s.get_one(Visit, day.visits[0]).state == "closed"


def test_an_app_too_old_keeps_its_work_until_it_is_updated(
    server: Server, day: Day, phone: Any
) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        check_in(page)
        server.stop()
        server.start(oldest_protocol=99)
        page.goto(f"{server.base}/rep/#/today")
        online(page)  # shows itself at once
        page.wait_for_selector("text=The server has moved on")
        page.wait_for_selector("text=1 unsent item")
        page.goto(f"{server.base}/rep/#/visit/{day.visits[0]}")
        close_with_photo(page)  # the day goes on
        server.stop()
        server.start()
        page.evaluate("dispatchEvent(new Event('online'))")
        all_safe(page)
    with reading() as s:
        assert s.get_one(Visit, day.visits[0]).state == "closed"
