"""The fortnight's screen: the way to what a rep does for his cycle at the desk's pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.planning.tables import Cycle, CycleTarget
from tests.phone.field import LOGIN, Day, Server
from tests.phone.screens import online, sign_in, violations

pytestmark = pytest.mark.browser


def in_a_cycle(day: Day) -> None:
    """Each client of the day is to be seen four times in these weeks."""
    today = clock.local(clock.now()).date()
    with transaction() as s:
        cycle = Cycle(
            id=ids.new_id(), name="Q1", team_id=day.company.teams["north"],
            starts_on=today - timedelta(days=20), ends_on=today + timedelta(days=40),
        )  # fmt: skip
        s.add(cycle)
        s.flush()
        rep = day.company.users[LOGIN]
        s.add_all(
            CycleTarget(id=ids.new_id(), cycle_id=cycle.id, rep_id=rep, client_id=client,
                        category="A", planned=4) for client in day.clients
        )  # fmt: skip


def test_a_rep_reaches_his_cycle_and_hears_that_it_needs_a_network(
    server: Server, day: Day, phone: Any
) -> None:
    in_a_cycle(day)
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.click("header.day a[href='#/calendar'] >> nth=0")
        page.wait_for_selector("#propose a[href='/my-cycle'] >> text=Opens at the desk's pages")
        assert page.get_attribute("#propose a", "target") == "_blank"
        context.set_offline(True)
        page.wait_for_selector("#propose >> text=Opens once there is a network")
        assert page.locator("#propose a").count() == 0
        assert violations(page) == []
        online(page)
        page.wait_for_selector("#propose a[href='/my-cycle']")
