"""A file for a client's card, chosen on the phone: kept without a network, shown as waiting, then with the server."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from fieldcrm.clients import service as clients
from fieldcrm.clients.ownfields import files
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.kit import files as kept_files
from fieldcrm.people.model import SYSTEM
from tests.phone.field import Day, Server
from tests.phone.screens import all_safe, online, sign_in, violations

pytestmark = pytest.mark.browser
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 3000
CONTRACT = {"name": "contract", "type": "file", "label": "Contract"}
EVERY = ["doctor", "pharmacist", "buyer", "organisation", "pharmacy"]
WAITS = "Waits on this phone until there is a network"


@pytest.fixture
def contract(day: Day) -> None:
    ownfields.save_field(SYSTEM, CONTRACT, EVERY, ["rep"])


def paper(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def open_at(context: Any, base: str, screen: str) -> Any:
    """A phone signed in, on the screen of a client where a file can be chosen."""
    page = context.new_page()
    sign_in(page, base)
    page.evaluate(f"location.hash = '#/{screen}'")
    page.wait_for_selector("#file-contract", state="attached")
    return page


def choose_offline(page: Any, folder: Path) -> None:
    """The contract, chosen without a network."""
    page.context.set_offline(True)
    page.set_input_files("#file-contract", paper(folder, "Договор.pdf", PDF))
    page.wait_for_selector(f"text={WAITS}")


def test_a_file_chosen_without_a_network_survives_and_arrives(
    contract: None, server: Server, day: Day, phone: Any, tmp_path: Path
) -> None:
    client = day.clients[0]
    with phone() as context:
        page = open_at(context, server.base, f"client/{client}")
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


def told(page: Any) -> None:
    """Wait until the server has answered every action."""
    page.wait_for_function(_IS_TOLD, timeout=60_000)


_IS_TOLD = """async () => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const q = db.transaction('outbox').objectStore('outbox').getAll();
  const all = await new Promise((ok) => { q.onsuccess = () => ok(q.result); });
  db.close();
  return all.length > 0 && all.every((e) => e.settled);
}"""


def test_a_file_taken_away_without_a_network_never_leaves_the_phone(
    contract: None, server: Server, day: Day, phone: Any, tmp_path: Path
) -> None:
    client = day.clients[0]
    with phone() as context:
        page = open_at(context, server.base, f"correct/{client}")
        choose_offline(page, tmp_path)
        page.click("#own-files .btn >> text=Take away")
        page.click("#own-files .btn >> text=Keep it")
        page.click("#own-files .btn >> text=Take away")
        assert violations(page) == []
        page.click("#own-files [role=group] .btn.p")
        page.wait_for_selector("#own-files >> text=not filled in")
        online(page)
        told(page)
        page.wait_for_selector("#own-files >> text=Send a file or photo")
        assert page.locator("#own-files a.btn[download]").count() == 0
    assert clients.get(SYSTEM, client).own_fields == {}
    assert not kept_files.has(hashlib.sha256(PDF).hexdigest())


def test_a_refused_file_stays_named_with_the_reason_until_the_rep_has_decided(
    contract: None, server: Server, day: Day, phone: Any, tmp_path: Path
) -> None:
    client = day.clients[0]
    with phone() as context:
        page = open_at(context, server.base, f"client/{client}")
        page.set_input_files(
            "#file-contract", paper(tmp_path, "offer.docx", b"PK\x03\x04" + bytes(90))
        )
        page.wait_for_selector("#own-fields >> text=Not taken in: offer.docx", timeout=60_000)
        page.wait_for_selector(
            "#own-fields >> text=/office documents without macros.*take it away/"
        )
        assert violations(page) == []
        page.reload()
        page.evaluate("location.hash = '#/receipt'")
        page.wait_for_selector(".hero.warn", timeout=60_000)
        page.evaluate(f"location.hash = '#/client/{client}'")
        page.wait_for_selector("#own-fields >> text=Not taken in: offer.docx")
        page.click("#own-fields .btn >> text=Take away")
        page.click("#own-fields [role=group] .btn.p")
        page.wait_for_selector("#own-fields >> text=not filled in")
        told(page)
        page.evaluate("location.hash = '#/outbox'")
        page.wait_for_selector("text=/On the server/")
        assert "won't take" not in page.inner_text("main")
    assert clients.get(SYSTEM, client).own_fields == {}


def test_a_file_whose_field_was_taken_from_reps_is_refused_by_name(
    contract: None, server: Server, day: Day, phone: Any, tmp_path: Path
) -> None:
    client = day.clients[0]
    with phone() as context:
        page = open_at(context, server.base, f"client/{client}")
        choose_offline(page, tmp_path)
        (field,) = ownfields.list_fields(SYSTEM)
        ownfields.save_field(SYSTEM, CONTRACT, EVERY, ["manager"], field_id=field.id)
        online(page)
        page.wait_for_selector("#own-fields >> text=Not taken in: Договор.pdf", timeout=60_000)
        page.wait_for_selector("#own-fields >> text=is filled in by others")
        page.click("#own-fields .btn >> text=Give up")
        page.wait_for_selector("#own-fields >> text=Not taken in", state="detached")
        assert "not filled in" in page.inner_text("#own-fields")
