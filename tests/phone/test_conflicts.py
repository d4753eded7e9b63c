"""The office and the phone change one thing: both versions are shown, the rep chooses, nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients import service as clients
from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from fieldcrm.visits.tables import Attachment, Visit
from tests.phone.field import Day, Server
from tests.phone.screens import all_safe, check_in, close_with_photo, online, sign_in, violations

pytestmark = pytest.mark.browser


def office_moves(day: Day, move: str, **fields: Any) -> None:
    """Somebody at the desk changes the first visit now."""
    login = "manager_north" if move == "revise" else "dispatcher_north"
    visits.move(day.company.actor(login), MoveRequest(day.visits[0], move, clock.now(), **fields))


def row(visit_id: str) -> Visit:
    with reading() as s:
        return s.get_one(Visit, visit_id)


def test_a_visit_made_while_the_office_cancelled_it_can_be_kept(
    server: Server, day: Day, phone: Any
) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        check_in(page)
        close_with_photo(page)
        office_moves(day, "cancel", reason="client asked")
        online(page)
        page.goto(f"{server.base}/rep/#/outbox")
        page.wait_for_selector("a[href^='#/conflict/']")
        page.click("a[href^='#/conflict/'] >> nth=0")
        page.wait_for_selector(".pk >> text=Not made")
        assert page.locator("[role=radio][aria-checked=true]").count() == 0
        assert violations(page) == []
        assert "client asked" in page.inner_text(".pick")
        assert "Asked for the price list" in page.inner_text(".pick")
        page.click(".pk >> nth=0")
        page.click("footer .btn.p")
        page.wait_for_selector("text=Nothing waits")
        all_safe(page, refused_too=True)
    with reading() as s:
        (made,) = s.exec(select(Visit).where(Visit.is_unplanned)).all()
        photos = s.exec(select(Attachment).where(Attachment.visit_id == made.id)).all()
    assert (made.state, made.comment) == ("closed", "Asked for the price list")
    assert made.client_id == day.clients[0]
    assert made.check_in is not None
    assert made.check_in["position_state"] == "fresh"
    assert [p.stored_at is not None for p in photos] == [True]
    assert row(day.visits[0]).state == "cancelled"


def test_one_comment_written_by_both_is_chosen(server: Server, day: Day, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        check_in(page)
        close_with_photo(page)
        all_safe(page)
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/revise/{day.visits[0]}")
        page.fill("textarea", "from the phone")
        page.click("footer .btn.p")
        office_moves(
            day, "revise", changes={"comment": "from the office", "result": "order"},
            base_version=row(day.visits[0]).version,
        )  # fmt: skip
        online(page)
        all_safe(page)
        page.goto(f"{server.base}/rep/#/visit/{day.visits[0]}")
        page.click("a[href^='#/conflict/']")
        page.wait_for_selector(".pk >> text=from the office")
        page.wait_for_selector("footer .btn.wait")
        page.click("text=Keep both texts")
        page.click("footer .btn.p")
        page.wait_for_timeout(300)
        all_safe(page)
    settled = row(day.visits[0])
    assert settled.comment == "from the office\nfrom the phone"
    assert (settled.result, settled.conflicts) == ("order", [])


def test_words_of_a_visit_the_office_gave_away_become_a_note(
    server: Server, day: Day, phone: Any
) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.goto(f"{server.base}/rep/#/skip/{day.visits[0]}")
        context.set_offline(True)
        page.click("text=Other")
        page.fill("textarea", "moves to another clinic in May")
        page.click("footer .btn.p")
        office_moves(day, "cancel", reason="twice planned")
        online(page)
        page.goto(f"{server.base}/rep/#/outbox")
        page.click("a[href^='#/conflict/']")
        page.wait_for_selector("text=can no longer be done")
        page.click("text=Keep mine as a note")
        page.click("footer .btn.p")
        page.wait_for_selector("text=Nothing waits")
        all_safe(page, refused_too=True)
    note = clients.get(day.company.actor("manager_north"), day.clients[0]).note
    assert note is not None
    assert note.endswith("moves to another clinic in May")
