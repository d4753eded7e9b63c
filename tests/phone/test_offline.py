"""No server, no network: the app opens from cold, work is done, and arrives once. Lost answers too."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.kit import files
from fieldcrm.kit.database import reading
from fieldcrm.people.tables import Device
from fieldcrm.sync.tables import Mutation
from fieldcrm.tracking.tables import Shift
from fieldcrm.visits import service as visits
from fieldcrm.visits.tables import Attachment, Visit
from tests.browser import lasting_chromium
from tests.phone.conftest import PHONE
from tests.phone.field import Day, Server
from tests.phone.screens import all_safe, check_in, check_in_here, close_with_photo, sign_in

pytestmark = pytest.mark.browser


def expect_one_visit_with_photo(day: Day) -> None:
    """Exactly one closed visit with its one photo stored, seen by dispatcher and manager."""
    with reading() as s:
        closed = s.exec(select(Visit).where(Visit.state == "closed")).all()
        photos = s.exec(select(Attachment)).all()
        kinds = Counter(m.kind for m in s.exec(select(Mutation)).all())
    assert [v.id for v in closed] == [day.visits[0]]
    assert closed[0].comment == "Asked for the price list"
    assert len(photos) == 1
    assert photos[0].stored_at is not None
    assert files.path_of(photos[0].sha256).stat().st_size == photos[0].size
    assert (kinds["visit.check_in"], kinds["visit.close"]) == (1, 1)
    for login in ("dispatcher_north", "manager_north"):
        seen = visits.get(day.company.actor(login), day.visits[0])
        assert [a.sha256 for a in seen.attachments] == [photos[0].sha256]


def test_a_day_without_server_and_network(server: Server, day: Day, phone: Any) -> None:
    with phone() as context:
        sign_in(context.new_page(), server.base)
    server.stop()
    with phone() as context:
        context.set_offline(True)
        page = context.new_page()
        page.goto(f"{server.base}/rep/")
        page.wait_for_selector("section.next")
        check_in(page)
        close_with_photo(page)
        assert page.inner_text(".truth .warn").startswith("2 waiting")
        assert page.is_visible("text=Safe on this phone")
    with phone() as context:  # closed and opened once more, still without a network
        context.set_offline(True)
        page = context.new_page()
        page.goto(f"{server.base}/rep/#/outbox")
        page.wait_for_selector(".ob")
        assert page.locator(".ob").count() >= 2
        server.start()
        context.set_offline(False)
        all_safe(page)
        page.goto(f"{server.base}/rep/#/visit/{day.visits[0]}")
        page.wait_for_selector("td .c-acc")
    expect_one_visit_with_photo(day)


def test_lesson_13_every_answer_lost_once(server: Server, day: Day, phone: Any) -> None:
    lost: set[str] = set()

    def lose_first(route: Any) -> None:
        request = route.request
        name = f"{request.method} {request.url.split('?')[0]}"
        answer = route.fetch()
        if name not in lost:
            lost.add(name)
            route.abort("connectionreset")
        else:
            route.fulfill(response=answer)

    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.wait_for_selector("section.next")
        context.route("**/api/v1/sync/**", lose_first)
        context.route("**/api/v1/attachments/**", lose_first)
        check_in(page)
        close_with_photo(page)
        for _ in range(8):  # each lost answer stops a sync; the next reason begins another
            page.wait_for_timeout(700)
            page.evaluate("dispatchEvent(new Event('online'))")
        all_safe(page)
    assert {n.split(" ")[0] for n in lost} >= {"POST", "GET", "PUT", "HEAD"}
    expect_one_visit_with_photo(day)


def test_what_was_typed_survives_the_phone_dying(server: Server, day: Day, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        check_in(page)
        page.click("#result .ch >> nth=0")
        page.fill("#comment textarea", "half a sent")
        page.wait_for_timeout(200)
    with phone() as context:
        context.set_offline(True)
        page = context.new_page()
        page.goto(f"{server.base}/rep/")
        page.click("section.next .btn.p")
        page.wait_for_selector("#comment textarea")
        assert page.input_value("#comment textarea") == "half a sent"
        assert page.get_attribute("#result .ch >> nth=0", "aria-pressed") == "true"


def test_one_tap_starts_the_shift_with_the_visit(server: Server, day: Day, phone: Any) -> None:
    """Off shift the check-in says what it costs; the shift then begins before the visit does."""
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.click("section.next a.btn.p")
        page.wait_for_selector("section.sheet .note.warn >> text=You are off shift")
        check_in_here(page)
        assert page.is_visible(".truth >> text=In visit")
        context.set_offline(False)
        page.evaluate("dispatchEvent(new Event('online'))")
        all_safe(page)
    with reading() as s:
        shift = s.exec(select(Shift)).one()
        visit = s.get_one(Visit, day.visits[0])
    assert visit.checked_in_at is not None
    assert shift.started_at <= visit.checked_in_at


def test_a_session_that_exists_asks_for_no_password(
    server: Server, day: Day, phone: Any, tmp_path: Path
) -> None:
    with phone() as context:
        sign_in(context.new_page(), server.base)
        cookies = context.cookies()
    with lasting_chromium(tmp_path / "another", **PHONE) as context:
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(f"{server.base}/rep/")
        page.wait_for_selector("section.next")
        assert page.locator("input[name=password]").count() == 0
    with reading() as s:
        names = {d.name for d in s.exec(select(Device).where(Device.app_version != "")).all()}
    assert all(name.startswith("Chrome · ") for name in names)
    assert len(names) == 1


def test_lesson_15_signing_out_waits_for_unsent_work(server: Server, day: Day, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        check_in(page)
        page.goto(f"{server.base}/rep/#/settings")
        page.click("button.btn.d")
        page.wait_for_selector("[role=alert]")
        assert "only on this phone" in page.inner_text("[role=alert]")
        context.set_offline(False)
        page.evaluate("dispatchEvent(new Event('online'))")
        all_safe(page)
        page.click("button.btn.d")
        page.wait_for_selector("input[name=password]")


def test_an_ended_session_loses_nothing(server: Server, day: Day, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.clear_cookies()
        check_in(page)
        page.wait_for_selector(".truth .ok")
        close_with_photo(page)
        page.wait_for_selector("text=wait", timeout=30_000)
        page.goto(f"{server.base}/rep/#/sign-in")
        page.fill("input[name=password]", "correct horse 7")
        page.click("button[type=submit]")
        all_safe(page)
    expect_one_visit_with_photo(day)


def test_a_refusal_says_why_and_lets_the_next_through(server: Server, day: Day, phone: Any) -> None:
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import transaction
    from fieldcrm.visits.model import MoveRequest

    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        check_in(page)
        with transaction() as s:  # meanwhile the office cancels it
            visits.apply_move(
                s, day.company.actor("dispatcher_north"),
                MoveRequest(day.visits[0], "cancel", clock.now(), reason="client asked"),
            )  # fmt: skip
        page.goto(f"{server.base}/rep/#/client/{day.clients[1]}")
        page.click(".note-row")
        page.fill("textarea", "after the refusal")
        page.click(".card .btn.p")
        context.set_offline(False)
        page.goto(f"{server.base}/rep/#/outbox")
        page.evaluate("dispatchEvent(new Event('online'))")
        page.wait_for_selector(".ob .s.c-contra")
        assert "does not allow" in page.inner_text(".card .x")
        page.wait_for_selector("text=Note · Ирина Соколова")
    with reading() as s:
        statuses = {m.kind: m.status for m in s.exec(select(Mutation)).all()}
    assert statuses == {"visit.check_in": "refused", "client.note": "applied"}
