"""The phone and the gateway: its own position arrives, a change of plan reaches it at once."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from fieldcrm.kit import clock
from fieldcrm.kit.database import transaction
from fieldcrm.tracking import service as tracking
from fieldcrm.visits import service as visits
from fieldcrm.visits.model import MoveRequest
from tests.install import settle
from tests.phone.field import LAT, LNG, LOGIN, Day, Server
from tests.phone.screens import sign_in
from tests.servers import wait_for_port

pytestmark = pytest.mark.browser
WITHIN_S = 3.0


@pytest.fixture
def gateway(server: Server) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "fieldcrm.cli", "gateway"],
        stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        wait_for_port(server.port + 1, 60)  # a phone that tried in vain tries ever less often
        yield
    finally:
        process.terminate()
        process.wait(60)


def _live(day: Day) -> Any:
    seen = tracking.live(day.company.actor("dispatcher_north"), None)
    return next((r for r in seen if r.rep_id == day.company.users[LOGIN]), None)


def test_position_and_plan(server: Server, gateway: None, day: Day, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.goto(f"{server.base}/rep/#/shift")
        page.wait_for_timeout(1000)
        assert page.evaluate(_BUFFERED) == 0  # off shift nothing is kept
        page.click(".btn.huge.p")
        page.wait_for_selector(".clock")
        context.set_geolocation({"latitude": LAT, "longitude": LNG, "accuracy": 9})
        page.wait_for_selector(".truth >> text=/sent .* ago/", timeout=60_000)
        page.wait_for_timeout(6000)  # the gateway holds what came before it knew of the shift
        context.set_geolocation({"latitude": LAT + 0.0003, "longitude": LNG, "accuracy": 9})
        here = settle(lambda: (r := _live(day)) and r.lat and r)
        assert abs(here.lng - LNG) < 1e-5
        assert here.state != "off_shift"

        page.goto(f"{server.base}/rep/#/today")
        page.wait_for_selector("section.next")
        with transaction() as s:
            visits.apply_move(
                s, day.company.actor("dispatcher_north"),
                MoveRequest(day.visits[3], "cancel", clock.now(), reason="client asked"),
            )  # fmt: skip
        began = time.monotonic()
        page.wait_for_selector("a[href='#/plan-changed']")
        assert time.monotonic() - began < WITHIN_S
        page.click("a[href='#/plan-changed']")
        page.wait_for_selector(".df.out >> text=Mikael Lindqvist")
        page.click("footer .btn")
        page.wait_for_selector("section.next")
        assert page.locator("a[href='#/plan-changed']").count() == 0


_BUFFERED = """async () => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const count = db.transaction('fixes').objectStore('fixes').count();
  const n = await new Promise((ok) => { count.onsuccess = () => ok(count.result); });
  db.close();
  return n;
}"""
