"""The card's map and pin, and the hours and fixed times that a visit keeps or misses, all without a network."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import transaction
from fieldcrm.sync import correction_list
from fieldcrm.visits.tables import Visit
from tests.phone.field import LAT, LNG, Day, Server
from tests.phone.screens import all_safe, online, sign_in, violations

pytestmark = pytest.mark.browser


def noon() -> datetime:
    return clock.day_bounds(clock.local(clock.now()).date())[0] + timedelta(hours=12)


def spread_hours(day: Day) -> None:
    """At noon: doors that close before, that stay shut, a time that was fixed, and one who receives until three."""
    with transaction() as s:
        hours = {1: "Mo-Su 08:00-11:30", 2: "Mo-Su off", 3: "Mo-Su 08:00-11:00", 4: None}
        for n, text in hours.items():
            s.get_one(Client, day.clients[n]).opening_hours = text
            visit = s.get_one(Visit, day.visits[n])
            visit.planned_at = visit.expected_at = noon()
        fixed = s.get_one(Visit, day.visits[3])
        fixed.is_locked, fixed.planned_at = True, noon() - timedelta(minutes=20)
        (tie,) = s.exec(select(Affiliation)).all()
        s.add(Affiliation(id=f"{tie.id[:-1]}z", person_id=day.clients[4], is_main=True, role="GP",
                          organisation_id=tie.organisation_id,
                          hours="Mo-Su 11:00-13:00,14:00-15:00"))  # fmt: skip
        s.get_one(Visit, day.visits[4]).place_id = tie.organisation_id


def row(page: Any, visit: str) -> str:
    return page.inner_text(f"main a.vr[href='#/visit/{visit}'] .t")


def test_a_time_that_misses_the_doors_or_what_was_fixed_is_said_plainly(
    server: Server, day: Day, phone: Any
) -> None:
    spread_hours(day)
    said = {
        1: "Closes 11:30, expected 12:00", 2: "Closed that day, expected 12:00",
        3: "Fixed for 11:40, expected 12:00",
    }  # fmt: skip
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        for n, text in said.items():
            assert text in row(page, day.visits[n])
        assert "11:00–13:00 · " in row(page, day.visits[4])
        assert page.locator(".warned").count() == 3
        assert violations(page) == []
        for n, text in said.items():
            page.goto(f"{server.base}/rep/#/visit/{day.visits[n]}")
            page.wait_for_selector(f".list .warned >> text={text}")
            page.goto(f"{server.base}/rep/#/client/{day.clients[n]}")
            page.wait_for_selector(f".who .warned >> text={text}")
        page.goto(f"{server.base}/rep/#/visit/{day.visits[4]}")
        page.wait_for_selector(".list >> text=open 11:00–13:00, 14:00–15:00")
        assert page.locator(".warned").count() == 0


def test_a_client_without_a_pin_is_given_one_by_asking(
    server: Server, day: Day, phone: Any
) -> None:
    with transaction() as s:
        client = s.get_one(Client, day.clients[2])
        client.lat = client.lng = None
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/client/{day.clients[2]}")
        page.click("#card-map >> text=No place on the map yet")
        page.wait_for_selector(".opt:not([disabled])")
        page.click(".opt")
        page.click("footer.dock .btn.p.c2")
        page.wait_for_selector("text=You asked for a correction")
        assert violations(page) == []
        online(page)
        all_safe(page)
    (asked,) = correction_list.open_corrections(day.company.actor("dispatcher_north"))
    assert asked.wanted == {"lat": pytest.approx(LAT + 100 / 111_195), "lng": pytest.approx(LNG)}
