"""What a rep does on the phone app, step by step, for the browser tests."""

from __future__ import annotations

import io
import json
import time
from typing import Any

from PIL import Image

from fieldcrm.phone.build import SOURCE
from tests.people.company import PASSWORD
from tests.phone.field import LAT, LNG, LOGIN


def sign_in(page: Any, base: str, login: str = LOGIN) -> None:
    """Sign in on a fresh phone; returns once the day is on it and the app can open offline."""
    page.goto(f"{base}/rep/")
    page.fill("input[name=login]", login)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector(".day")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.wait_for_function("navigator.serviceWorker.controller !== null", timeout=120_000)


def photo() -> dict[str, Any]:
    """A picture as a phone's camera would give it: large, with noise."""
    image = Image.effect_noise((2200, 1600), 60).convert("RGB")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": buffer.getvalue()}


def check_in(page: Any, how: str = "Visit without a track") -> None:
    """From Today: check in at the next stop, where the phone already is; its receiver says so anew.

    `how` is the button's text: off shift the rep may start the shift with the visit, or go without.
    """
    page.click("section.next a.btn.p")
    check_in_here(page, how)


def check_in_here(page: Any, how: str = "Start shift and visit") -> None:
    """On the check-in's own screen; returns once the phone says that it has it written down."""
    press_start(page, how)
    page.wait_for_selector("body:has(.timer) nav.truth > a.ok:first-child")


def press_start(page: Any, how: str) -> None:
    """The button of the check-in, once the phone's receiver has said anew where it is."""
    page.context.set_geolocation(
        {"latitude": LAT + 101 / 111_195, "longitude": LNG, "accuracy": 12}
    )
    page.click(f"section.sheet button.btn >> text={how}")


def close_with_photo(page: Any, comment: str = "Asked for the price list") -> None:
    """Fill in the form of the visit under way and close it."""
    page.click("#result .ch >> nth=0")
    page.set_input_files("#camera", photo())
    page.wait_for_selector(".ph img")
    page.fill("#comment textarea", comment)
    page.click("footer.dock .btn.huge")
    page.wait_for_selector("table")


_IS_SAFE = """async (refusedToo) => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const all = (s) => new Promise((ok) => {
    const q = db.transaction(s).objectStore(s).getAll(); q.onsuccess = () => ok(q.result);
  });
  const entries = await all('outbox'); const files = await all('files'); db.close();
  const isSafe = (e) => e.status === 'applied' || (refusedToo && e.status === 'refused' && e.dismissed);
  return entries.length > 0 && entries.every(isSafe) && files.every((f) => f.state === 'stored');
}"""


def online(page: Any) -> None:
    """The network is back."""
    page.context.set_offline(False)
    page.evaluate("dispatchEvent(new Event('online'))")


def all_safe(page: Any, seconds: float = 60, refused_too: bool = False) -> None:
    """Wait until every action is applied (or refused and dealt with) and every photo stored."""
    until = time.monotonic() + seconds
    while not page.evaluate(_IS_SAFE, refused_too):
        assert time.monotonic() < until, page.inner_text("body")
        page.wait_for_timeout(200)


AXE = SOURCE / "node_modules" / "axe-core" / "axe.min.js"


def violations(page: Any) -> list[str]:
    """What axe finds wrong with the screen as it is."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{v['id']}: {n['html'][:160]} {json.dumps(n['any'][:1])[:200]}"
        for v in found for n in v["nodes"]
    ]  # fmt: skip
