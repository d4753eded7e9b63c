"""Found in the field without a network: a new client, visited at once; a correction for the office."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import select

from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import reading
from fieldcrm.people.model import SYSTEM
from fieldcrm.sync import correction_list, corrections
from fieldcrm.visits.tables import Visit
from tests.phone.field import Day, Server
from tests.phone.screens import all_safe, check_in_here, close_with_photo, online, sign_in

pytestmark = pytest.mark.browser


def test_a_new_client_is_visited_at_once(server: Server, day: Day, phone: Any) -> None:
    for name, more in (("beds", {"min": 1}), ("wards", {"required": True})):
        definition = {"name": name, "type": "number", "label": name.title(), **more}
        ownfields.save_field(SYSTEM, definition, ["doctor", "pharmacy"], ["rep"])
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/clients")
        page.fill("input[type=search]", "Irina Sokolova")
        page.click("a[href^='#/new-client']")
        page.wait_for_selector("text=Perhaps already here")  # Ирина Соколова, in Latin letters
        assert page.locator(".dock .btn.p").count() == 0
        page.fill("input.inp >> nth=0", "Nadia Petrova")
        page.wait_for_selector("text=Perhaps already here", state="detached")
        page.fill("input[inputmode=tel]", "09 161 2307")
        page.wait_for_selector("text=The same number.")
        page.click("text=It is somebody else")
        page.fill("#f-beds input", "0")
        page.click(".dock >> text=Save and visit")
        page.wait_for_selector("#f-beds [role=alert]")
        page.fill("#f-beds input", "12")  # the wards are asked for, and not known yet
        page.click(".dock >> text=Save and visit")
        page.wait_for_selector("h1 >> text=Unplanned visit")
        page.click(".dock .btn.p")
        check_in_here(page)
        close_with_photo(page)
        online(page)
        all_safe(page)
    with reading() as s:
        made = s.exec(select(Client).where(Client.source == "field")).one()
        visit = s.exec(select(Visit).where(Visit.client_id == made.id)).one()
    assert (made.name, made.phone) == ("Nadia Petrova", "09 161 2307")
    assert made.lat is not None
    assert made.own_fields == {"beds": 12}
    assert (visit.state, visit.is_unplanned) == ("closed", True)


def test_a_wrong_address_is_asked_to_be_corrected(server: Server, day: Day, phone: Any) -> None:
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/client/{day.clients[1]}")
        page.click(f"a[href='#/correct/{day.clients[1]}']")
        page.wait_for_selector(".dock .btn.wait")
        page.fill("input.inp >> nth=1", "Kalevankatu 12")
        page.click(".dock .btn.p")
        page.wait_for_selector("text=You asked for a correction")
        online(page)
        all_safe(page)
    (asked,) = correction_list.open_corrections(day.company.actor("dispatcher_north"))
    assert asked.wanted == {"address": "Kalevankatu 12"}
    corrections.decide(day.company.actor("dispatcher_north"), asked.id, True)
    with reading() as s:
        assert s.get_one(Client, day.clients[1]).address == "Kalevankatu 12"
