"""The card's map and pin, and the hours and fixed times that a visit keeps or misses, all without a network."""

from __future__ import annotations

import struct
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients import service as clients
from fieldcrm.clients.tables import Affiliation, Client
from fieldcrm.kit import clock
from fieldcrm.kit.database import transaction
from fieldcrm.kit.settings import settings
from fieldcrm.people.model import SYSTEM
from fieldcrm.sync import correction_list
from fieldcrm.visits.tables import Visit
from tests.phone.field import LAT, LNG, Day, Server
from tests.phone.screens import all_safe, online, sign_in, violations

pytestmark = pytest.mark.browser
MAP_CODE = (
    "performance.getEntriesByType('resource').filter((e) => /\\/map-[^/]*js/.test(e.name)).length"
)


MAP_KEPT = """async () => {
  const names = await caches.keys();
  const kept = await Promise.all(names.map(async (n) => (await caches.open(n)).keys()));
  const paths = kept.flat().map((r) => new URL(r.url).pathname);
  const has = (form) => paths.some((p) => form.test(p));
  return has(/^\\/region\\/basemap/) && has(/^\\/rep\\/map-worker/) && has(/^\\/rep\\/map-(?!worker).*js$/);
}"""


def until(page: Any, is_so: str, seconds: float = 60) -> None:
    """Wait for what a page tells only after a while: a promise is no answer to `wait_for_function`."""
    last = time.monotonic() + seconds
    while not page.evaluate(is_so):
        assert time.monotonic() < last, page.inner_text("body")
        page.wait_for_timeout(200)


def keep_empty_basemap() -> None:
    """A region whose map holds no tile, as PMTiles 3: a header, a directory without entries, no words."""
    head = b"PMTiles\x03" + struct.pack("<11Q", 127, 1, 128, 2, 130, 0, 130, 0, 0, 0, 0)
    head += struct.pack("<6B4iB2i", 1, 1, 1, 1, 0, 14, *(0,) * 4, 0, 0, 0)
    folder = settings().region_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "basemap.pmtiles").write_bytes(head + b"\0" + b"{}")


def noon() -> datetime:
    return clock.day_bounds(clock.local(clock.now()).date())[0] + timedelta(hours=12)


def spread_hours(day: Day) -> None:
    """About noon: doors that close before, that stay shut, a time that was fixed, and one who receives until three."""
    with transaction() as s:
        hours = {1: "Mo-Su 08:00-11:30", 2: "Mo-Su off", 3: "Mo-Su 08:00-11:00", 4: None}
        for n, text in hours.items():
            s.get_one(Client, day.clients[n]).opening_hours = text
            visit = s.get_one(Visit, day.visits[n])
            visit.planned_at = visit.expected_at = noon() + timedelta(minutes=20 * (n - 2))
        fixed = s.get_one(Visit, day.visits[3])
        fixed.is_locked, fixed.planned_at = True, noon()
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
        1: "Closes 11:30, expected 11:40", 2: "Closed that day, expected 12:00",
        3: "Fixed for 12:00, expected 12:20",
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


def test_the_card_has_a_map_that_comes_when_it_is_in_sight(
    server: Server, day: Day, phone: Any
) -> None:
    keep_empty_basemap()
    with phone(viewport={"width": 360, "height": 330}) as context:
        page = context.new_page()
        sign_in(page, server.base)
        until(page, MAP_KEPT)
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/client/{day.clients[0]}")
        page.wait_for_selector("#card-map", state="attached")
        assert page.locator("#card-map .attr").count() == 0
        assert page.evaluate(MAP_CODE) == 0
        page.locator("#card-map").scroll_into_view_if_needed()
        page.wait_for_selector("#card-map .map[data-ready] .mk.next")
        assert page.evaluate(MAP_CODE) > 0
        assert violations(page) == []
        box = page.locator("#card-map").bounding_box()
        before = page.evaluate("document.querySelector('main').scrollTop")
        page.mouse.move(box["x"] + 40, box["y"] + 40)
        page.mouse.wheel(0, 120)  # the page scrolls, not the map
        page.wait_for_function(f"document.querySelector('main').scrollTop > {before}")


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


def test_consent_is_warned_of_and_noted_without_a_network(
    server: Server, day: Day, phone: Any
) -> None:
    client, proof = day.clients[1], {"source": "sales", "on": "2026-05-04", "text": "120 packs"}
    gone = {"state": "withdrawn", "on": "2026-01-02", "source": "message", "text": "no letters"}
    told = {"category": "A", "evidence": {"category": proof}, "consents": {"email": gone}}
    clients.save(SYSTEM, told, client)
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/client/{client}")
        page.wait_for_selector(".who .note >> text=Consent withdrawn: e-mail")
        assert "A: 4 May 2026 · sales · 120 packs" in page.inner_text(".who")
        page.wait_for_selector(".list >> text=2 Jan 2026 · by message · no letters")
        page.click("button:has-text('Note consent')")
        page.click("[aria-label='By what'] button:has-text('Calls')")
        page.click("[aria-label='Consent'] button:has-text('withdrawn')")
        page.fill(".fld:has-text('What the client said') input", "never by phone")
        assert violations(page) == []
        page.click("main button:has-text('Save')")
        page.wait_for_selector(".who .note >> text=Consent withdrawn: calls, e-mail")
        online(page)
        all_safe(page)
    assert clients.get(SYSTEM, client).consents["call"]["text"] == "never by phone"
