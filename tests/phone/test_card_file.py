"""A file for a client's card, chosen on the phone: kept without a network, shown as waiting, then with the server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.ownfields import files
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.people.model import SYSTEM
from tests.phone.field import Day, Server
from tests.phone.screens import all_safe, online, sign_in, violations

pytestmark = pytest.mark.browser
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 3000
EVERY = ["doctor", "pharmacist", "buyer", "organisation", "pharmacy"]
WAITS = "Waits on this phone until there is a network"


@pytest.fixture
def contract(day: Day) -> None:
    told = {"name": "contract", "type": "file", "label": "Contract"}
    ownfields.save_field(SYSTEM, told, EVERY, ["rep"])


def paper(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_file_chosen_without_a_network_survives_and_arrives(
    contract: None, server: Server, day: Day, phone: Any, tmp_path: Path
) -> None:
    client = day.clients[0]
    with phone() as context:
        page = context.new_page()
        sign_in(page, server.base)
        page.evaluate(f"location.hash = '#/client/{client}'")
        page.wait_for_selector("#own-fields #file-contract", state="attached")
        context.set_offline(True)
        page.set_input_files("#file-contract", paper(tmp_path, "run.exe", b"MZ" + bytes(99)))
        page.wait_for_selector("#own-fields [role=alert] >> text=/Only photos, sounds, PDF/")
        page.set_input_files("#file-contract", paper(tmp_path, "Договор.pdf", PDF))
        page.wait_for_selector(f"#own-fields >> text={WAITS}")
        assert "Договор.pdf · " in page.inner_text("#own-fields")
        assert page.locator("#own-fields [role=alert]").inner_text() == ""
        assert violations(page) == []
    with phone() as context:
        page = context.new_page()
        context.set_offline(True)
        page.goto(f"{server.base}/rep/#/client/{client}")
        page.wait_for_selector(f"#own-fields >> text={WAITS}")
        assert clients.get(SYSTEM, client).own_fields == {}
        online(page)
        page.wait_for_selector("#own-fields a.btn[download]", timeout=60_000)
        all_safe(page)
        assert WAITS not in page.inner_text("#own-fields")
        answer = context.request.get(
            f"{server.base}{page.get_attribute('#own-fields a.btn[download]', 'href')}"
        )
        assert answer.body() == PDF
    path, kind, called = files.fetch(SYSTEM, client, "contract")
    assert (path.read_bytes(), kind, called) == (PDF, "application/pdf", "Договор.pdf")
