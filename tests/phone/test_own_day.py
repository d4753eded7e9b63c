"""The rep's own order of the day, and his wish for a re-plan, in a real browser."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.kit import clock
from fieldcrm.kit.database import transaction
from fieldcrm.tracking import service as tracking
from fieldcrm.visits import service as visits
from fieldcrm.visits.tables import Visit
from tests.phone.field import LOGIN, Day, Server
from tests.phone.screens import all_safe, online, sign_in, violations

pytestmark = pytest.mark.browser


def names(page: Any) -> list[str]:
    return page.locator(".order .vr .t p:first-child").all_inner_texts()


def at_office(day: Day) -> list[str]:
    """The visits' ids in the order that the dispatcher sees."""
    rep, today = day.company.users[LOGIN], clock.local(clock.now()).date()
    rows = visits.day(day.company.actor("dispatcher_north"), rep, today)
    return [v.visit.id for v in sorted(rows, key=lambda v: v.visit.position)]


def drag(page: Any, row: int, to: int) -> None:
    """With the finger, by the number in front."""
    boxes = [page.locator(".order .grip").nth(n).bounding_box() for n in (row, to)]
    page.mouse.move(boxes[0]["x"] + 10, boxes[0]["y"] + 10)
    page.mouse.down()
    page.mouse.move(boxes[1]["x"] + 10, boxes[1]["y"] + 14, steps=6)
    page.mouse.up()


def since_first(times: list[str]) -> list[int]:
    """Minutes from the first of a day's times, "23:02", that may go past midnight."""
    minutes = [60 * int(hour) + int(minute) for hour, minute in (t[:5].split(":") for t in times)]
    return [(m - minutes[0]) % 1440 for m in minutes]


def test_a_day_ordered_by_hand_without_a_network(server: Server, day: Day, phone: Any) -> None:
    """Buttons and finger, times at once; the dispatcher sees the order once there is a network."""
    a, b, c, d, e = day.visits
    with phone() as browser:
        page = browser.new_page()
        sign_in(page, server.base)
        browser.set_offline(True)
        page.goto(f"{server.base}/rep/#/order")
        page.wait_for_selector(".order .vr")
        assert violations(page) == []
        first, second, *rest = names(page)
        page.click(f'.order button[aria-label="{second}: earlier"]')
        page.wait_for_function(
            "(n) => document.querySelector('.order .t p').innerText === n", arg=second
        )
        drag(page, 4, 2)
        page.wait_for_function(
            "(n) => document.querySelectorAll('.order .t p:first-child')[2].innerText === n",
            arg=rest[2],
        )
        assert names(page) == [second, first, rest[2], rest[0], rest[1]]
        starts = page.locator(".order .tm").all_inner_texts()
        after = since_first(starts)
        assert after == sorted(after)
        page.fill(".fld input", "Tram strike")
        page.click("text=Ask the office")
        page.wait_for_selector("text=It goes out with the network")
        page.click("footer.dock .btn.p")
        page.wait_for_selector("section.next")
        assert second in page.inner_text("section.next")
        assert at_office(day) == [a, b, c, d, e]
        online(page)
        all_safe(page)
        assert at_office(day) == [b, a, e, c, d]
        assert page.locator(".hint-row >> text=The plan has changed").count() == 0
        (alert,) = tracking.alerts(day.company.actor("dispatcher_north"))
        assert (alert.kind, alert.data["comment"]) == ("replan_asked", "Tram strike")


def test_a_fixed_visit_that_would_be_late_is_warned_of(
    server: Server, day: Day, phone: Any
) -> None:
    from fieldcrm.planning import service as planning

    planning.set_lock(day.company.actor("dispatcher_north"), day.visits[0], True)
    with phone() as browser:
        page = browser.new_page()
        sign_in(page, server.base)
        page.goto(f"{server.base}/rep/#/order")
        page.wait_for_selector(".order .vr")
        assert page.locator(".warned").count() == 0
        first = names(page)[0]
        for _ in range(3):
            page.click(f'.order button[aria-label="{first}: later"]')
        page.wait_for_selector(".order .vr.bad .warned >> text=Fixed for")
        assert violations(page) == []


_TIMES = """() => [...document.querySelectorAll('section.next .tri .num b, .vr .tm')]
  .map((e) => e.innerText).filter((text) => /^\\d+:\\d\\d/.test(text))"""


def test_a_late_rep_sees_every_later_stop_slip_without_a_network(
    server: Server, day: Day, phone: Any
) -> None:
    """Each follows the one before it by its 15 minutes and 2 of way, not by the plan's 20."""
    with transaction() as s:
        for visit_id in day.visits:
            visit = s.get_one(Visit, visit_id)
            assert visit.planned_at is not None
            visit.planned_at -= timedelta(hours=2)
            visit.expected_at = visit.planned_at
    with phone() as browser:
        sign_in(browser.new_page(), server.base)
    server.stop()
    with phone() as browser:
        browser.set_offline(True)
        page = browser.new_page()
        page.goto(f"{server.base}/rep/")
        page.wait_for_function("document.querySelectorAll('.vr .late').length === 4")
        *later, upcoming = page.evaluate(_TIMES)  # the next one stands below the list
        assert since_first([upcoming, *later]) == [0, 17, 34, 51, 68]
