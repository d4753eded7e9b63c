"""What a rep asks of the office and of colleagues, and what he hears of it; notes that he speaks."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.evidence import service as evidence
from fieldcrm.kit import clock, files, ids
from fieldcrm.kit.database import transaction
from fieldcrm.sync import correction_list, corrections
from fieldcrm.visits import joint
from fieldcrm.visits import service as visits
from fieldcrm.visits.tables import Visit
from tests import browser as real
from tests.phone.field import LAT, LNG, LOGIN, Day, Server
from tests.phone.screens import (
    all_safe,
    check_in,
    close_with_photo,
    online,
    photo,
    sign_in,
    violations,
)

pytestmark = pytest.mark.browser
SAID = "The register says otherwise"


def test_a_declined_correction_says_why_and_what_to_do(
    server: Server, day: Day, phone: Any
) -> None:
    """Asked without a network with a photo, declined by the office, asked anew from what stood there."""
    office = day.company.actor("dispatcher_north")
    with phone() as browser:
        page = browser.new_page()
        sign_in(page, server.base)
        browser.set_offline(True)
        page.goto(f"{server.base}/rep/#/correct/{day.clients[0]}")
        page.fill(".fld input >> nth=1", "Mikonkatu 9")
        page.set_input_files("#camera", photo())
        page.wait_for_selector(".ph img")
        page.click("footer.dock .btn.c2")
        page.wait_for_selector(".day, .acts")
        online(page)
        all_safe(page)
        (asked,) = correction_list.open_corrections(office)
        (shot,) = correction_list.detail(office, asked.id).photos
        assert files.has(shot.sha256)
        corrections.decide(office, asked.id, accept=False, reason=SAID)
        page.goto(f"{server.base}/rep/#/today")
        online(page)
        page.click(".hint-row >> text=A correction was declined")
        page.wait_for_selector(f"#word >> text={SAID}")
        assert page.input_value(".fld input >> nth=1") == "Mikonkatu 9"
        assert violations(page) == []
        page.click("#word button")
        page.wait_for_selector(".day")
        assert page.locator(".hint-row >> text=A correction was declined").count() == 0
        page.goto(f"{server.base}/rep/#/client/{day.clients[0]}")
        page.wait_for_selector(f".note.warn >> text={SAID}")


def test_a_colleague_named_on_a_visit_confirms_it(server: Server, day: Day, phone: Any) -> None:
    """Asked on this phone and answered elsewhere; asked elsewhere and answered here, offline."""
    theirs, mate = _visit_of(day, "second_north"), day.company.actor("second_north")
    asked = ids.new_id()
    with transaction() as session:
        joint.ask_in(session, mate, asked, theirs, day.company.users[LOGIN], clock.now())
    with phone() as browser:
        page = browser.new_page()
        sign_in(page, server.base)
        page.wait_for_selector(".hint-row >> text=Second North names you")
        browser.set_offline(True)
        page.click(".hint-row >> text=Second North names you")
        assert violations(page) == []
        page.click("text=I was there")
        page.wait_for_selector(".day")
        page.goto(f"{server.base}/rep/#/together/{day.visits[0]}")
        page.click(".list button >> text=Second North")
        page.wait_for_selector(".list >> text=not answered yet")
        assert violations(page) == []
        online(page)
        all_safe(page)
        (along,) = evidence.explain(day.company.actor("manager_north"), theirs).companions
        assert (along.name, along.status) == ("Rep North", "confirmed")
        with transaction() as session:
            (mine,) = joint.of_visit(session, day.visits[0])
            joint.answer_in(session, mate, mine.row.id, "declined", None, clock.now())
        online(page)
        page.wait_for_selector(".list >> text=says he was not there")


def _visit_of(day: Day, login: str) -> str:
    made = Visit(
        id=ids.new_id(), rep_id=day.company.users[login], team_id=day.company.teams["north"],
        client_id=day.clients[2], lat=LAT, lng=LNG, day=clock.local(clock.now()).date(), position=1,
        planned_at=clock.now(), created_at=clock.now(), updated_at=clock.now(),
    )  # fmt: skip
    with transaction() as session:
        session.add(made)
    return made.id


def test_a_spoken_note_arrives_with_its_visit(
    server: Server, day: Day, phone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded without a network, still running when the visit is closed: kept, sent, playable."""
    fakes = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    monkeypatch.setattr(real, "ARGUMENTS", [*real.ARGUMENTS, *fakes])
    with phone(permissions=["geolocation", "microphone"]) as browser:
        page = browser.new_page()
        sign_in(page, server.base)
        browser.set_offline(True)
        check_in(page)
        page.click("#result .ch >> nth=0")
        page.click("#sound >> text=Record")
        page.wait_for_function("document.querySelector('#sound [role=timer]')?.innerText >= '0:02'")
        page.click("#sound >> text=Stop")
        page.wait_for_selector("#sound audio")
        page.wait_for_function("document.querySelector('#sound audio').readyState >= 1")
        assert violations(page) == []
        page.click("#sound >> text=Record")
        page.wait_for_function("document.querySelector('#sound [role=timer]')?.innerText >= '0:01'")
        page.click("footer.dock .btn.huge")
        page.wait_for_selector("table")
        page.wait_for_function("document.querySelectorAll('audio').length === 2")
        online(page)
        all_safe(page)
    kept = visits.get(day.company.actor("manager_north"), day.visits[0]).attachments
    assert [a.kind for a in kept] == ["audio", "audio"]
    assert all(a.stored_at and files.has(a.sha256) for a in kept)
    heads = {files.path_of(a.sha256).read_bytes()[:4] for a in kept}
    assert heads == {b"\x1aE\xdf\xa3"}


def test_a_photo_the_server_never_takes_is_shown_with_what_to_do(
    server: Server, day: Day, phone: Any
) -> None:
    """It stays on the phone, the visit is on the server, and the rep decides."""

    def refuse(route: Any) -> None:
        if route.request.method == "PUT":
            route.fulfill(status=422, json={"code": "file_too_large", "limit_mb": 20})
        else:
            route.continue_()

    with phone() as browser:
        browser.route("**/api/v1/attachments/**", refuse)
        page = browser.new_page()
        sign_in(page, server.base)
        check_in(page)
        close_with_photo(page)
        page.goto(f"{server.base}/rep/#/outbox")
        page.wait_for_selector("text=It stays on this phone")
        assert "Elina Korhonen" in page.inner_text("section.card:has-text('It stays')")
        assert page.is_visible(".truth .bad")
        assert violations(page) == []
        page.goto(f"{server.base}/rep/#/settings")
        page.click("button.btn.d")
        page.wait_for_selector("[role=alert] >> text=only on this phone")
        page.goto(f"{server.base}/rep/#/outbox")
        page.click("section.card:has-text('It stays') >> text=Give up")
        page.wait_for_selector("text=It stays on this phone", state="detached")
    found = visits.get(day.company.actor("manager_north"), day.visits[0])
    assert (found.view.visit.state, found.attachments[0].stored_at) == ("closed", None)


_KEEP_AS_A_NOTE = """async ([visit, text]) => {
  const bytes = new TextEncoder().encode(text).buffer;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  const sha256 = [...hash].map((b) => b.toString(16).padStart(2, '0')).join('');
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const tx = db.transaction(['files', 'blobs'], 'readwrite');
  tx.objectStore('blobs').put({ sha256, bytes });
  tx.objectStore('files').put({
    id: crypto.randomUUID(), sha256, kind: 'audio', content_type: 'audio/webm', size: bytes.byteLength,
    taken_at_ms: Date.now(), lat: null, lng: null, visit_id: visit, entry_id: null, state: 'held',
    offset: 0, code: null, has_bytes: true });
  await new Promise((ok) => { tx.oncomplete = ok; }); db.close();
}"""


def test_a_spoken_note_that_is_no_sound_is_refused_by_name(
    server: Server, day: Day, phone: Any
) -> None:
    """As a broken recorder leaves it: the visit is taken, the note is named with why, and stays."""
    with phone() as browser:
        page = browser.new_page()
        sign_in(page, server.base)
        browser.set_offline(True)
        check_in(page)
        page.evaluate(_KEEP_AS_A_NOTE, [day.visits[0], "no sound at all, but words"])
        close_with_photo(page)
        online(page)
        page.goto(f"{server.base}/rep/#/outbox")
        card = "section.card:has-text('Spoken note · Elina Korhonen')"
        page.wait_for_selector(f"{card} >> text=Only photos (JPEG, PNG, WebP) and sound are kept.")
        assert page.is_visible(".truth .bad")
        assert violations(page) == []
        page.click(f"{card} >> text=Give up")
        page.wait_for_selector(card, state="detached")
    found = visits.get(day.company.actor("manager_north"), day.visits[0])
    stored = {a.kind: a.stored_at is not None for a in found.attachments}
    assert (found.view.visit.state, stored) == ("closed", {"photo": True, "audio": False})
