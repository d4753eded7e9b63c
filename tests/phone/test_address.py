"""Several doctors at one address: offered after the check-out, each begun with one tap and a fix of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.visits.tables import Visit
from tests.phone.field import LAT, LNG, Day, Server
from tests.phone.screens import (
    all_safe,
    check_in_here,
    close_with_photo,
    online,
    sign_in,
    violations,
)

pytestmark = pytest.mark.browser
NEXT = "#also-here button.btn"


def work_together(day: Day, *who: int) -> str:
    """Ties these clients of the day to one hospital, whose id is returned; their pins are its pin."""
    with transaction() as s:
        home = s.get_one(Client, day.clients[0])
        now = clock.now()
        place = Client(
            id=ids.new_id(), kind="organisation", name="City Hospital", lat=home.lat, lng=home.lng,
            address="Tukholmankatu 8", city="Helsinki", territory_id=home.territory_id,
            search_text="city hospital", created_at=now, updated_at=now,
        )  # fmt: skip
        s.add(place)
        s.flush()
        for n in who:
            s.add(Affiliation(id=ids.new_id(), person_id=day.clients[n], organisation_id=place.id,
                              is_main=True))  # fmt: skip
            client = s.get_one(Client, day.clients[n])
            client.lat, client.lng = place.lat, place.lng
        for visit in s.exec(select(Visit).where(Visit.client_id.in_(day.clients))):  # type: ignore[attr-defined]
            if day.clients.index(visit.client_id) in who:
                visit.place_id, visit.lat, visit.lng = place.id, place.lat, place.lng
        return place.id


def put_off(day: Day, n: int, days: int | None, locked: bool = False) -> None:
    """A visit of today is planned so many days later, or not at all."""
    with transaction() as s:
        visit = s.get_one(Visit, day.visits[n])
        if days is None:
            s.delete(visit)
            return
        visit.day += timedelta(days=days)
        visit.planned_at, visit.expected_at = None, None
        visit.is_locked = locked


def told(page: Any) -> list[str]:
    return [row.split("\n")[0] for row in page.locator("#also-here .list .t").all_inner_texts()]


def stand_still(page: Any, metres: float = 101) -> None:
    """The receiver tells once more that the phone is where it was, so far from the region's middle."""
    page.context.set_geolocation(
        {"latitude": LAT + metres / 111_195, "longitude": LNG, "accuracy": 12}
    )


def begun(visit_id: str) -> Visit:
    with reading() as s:
        return s.get_one(Visit, visit_id)


def visits_of(client_id: str) -> list[Visit]:
    with reading() as s:
        return list(s.exec(select(Visit).where(Visit.client_id == client_id)))


def test_the_next_doctor_there_is_begun_with_one_tap(server: Server, day: Day, phone: Any) -> None:
    """Offline: first whom the day plans, then one of a later day, who comes forward, then one beside the plan."""
    work_together(day, 0, 2, 3, 4)
    put_off(day, 3, 3)
    put_off(day, 4, None)
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.wait_for_function("document.querySelector('.truth a:first-child.ok')")
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/visit/{day.visits[0]}")
        page.wait_for_selector("#also-here")
        assert told(page) == ["Ștefan Țurcanu", "Mikael Lindqvist", "Kaisa Mäkelä"]
        assert page.locator(NEXT).count() == 0  # the one before comes first
        page.goto(f"{server.base}/rep/#/check-in/{day.visits[0]}")
        check_in_here(page)
        page.wait_for_selector("text=After the check-out the next one begins with one tap")
        assert page.locator(NEXT).count() == 0
        for left in (3, 2, 1):
            close_with_photo(page)
            page.wait_for_selector("#also-here")
            assert len(told(page)) == left
            assert violations(page) == []
            stand_still(page, 101 + left / 10)
            page.click(f"{NEXT} >> nth=0")
            page.wait_for_selector("body:has(.timer) nav.truth > a.ok:first-child")
        close_with_photo(page)
        assert page.locator("#also-here").count() == 0
        online(page)
        all_safe(page)
    first, second = begun(day.visits[0]), begun(day.visits[2])
    (put, came) = sorted(visits_of(day.clients[3]), key=lambda v: v.day, reverse=True)
    (extra,) = visits_of(day.clients[4])
    assert (put.state, put.reason, put.moved_to_id) == ("moved", "already_there", came.id)
    assert (extra.is_unplanned, came.is_unplanned) == (True, False)
    assert {v.state for v in (first, second, came, extra)} == {"closed"}
    assert {v.place_id for v in (first, second, came, extra)} == {first.place_id}
    fixes = [v.check_in["fix_at_ms"] for v in (first, second, came, extra)]  # type: ignore[index]
    ends = [v.check_out["fix_at_ms"] for v in (first, second, came)]  # type: ignore[index]
    assert all(fix > end for fix, end in zip(fixes[1:], ends, strict=True)), (fixes, ends)
    assert {v.check_in["position_state"] for v in (second, came, extra)} == {"fresh"}  # type: ignore[index]


def test_who_has_left_the_address_is_asked_as_at_any_check_in(
    server: Server, day: Day, phone: Any
) -> None:
    """One tap is for a rep on shift who stands there; elsewhere the check-in's own screen says what is missing."""
    work_together(day, 0, 2)
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/check-in/{day.visits[0]}")
        check_in_here(page)
        close_with_photo(page)
        page.wait_for_selector("#also-here")
        stand_still(page, 900)
        page.wait_for_function("document.querySelectorAll('#also-here button.btn').length === 1")
        page.click(NEXT)
        page.wait_for_selector(f"h1 >> text={'Ștefan Țurcanu'}")
        page.wait_for_selector("section.sheet .c-doubt")
        assert page.evaluate("location.hash") == f"#/check-in/{day.visits[2]}"
        online(page)
        all_safe(page)
    assert begun(day.visits[2]).state == "planned"


def test_a_time_fixed_on_another_day_is_not_brought_forward(
    server: Server, day: Day, phone: Any
) -> None:
    work_together(day, 0, 2)
    put_off(day, 2, 2, locked=True)
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/check-in/{day.visits[0]}")
        check_in_here(page)
        close_with_photo(page)
        page.wait_for_selector("#also-here >> text=fixed for")
        assert page.locator(NEXT).count() == 0
