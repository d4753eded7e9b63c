"""A week without a network: 60 visits, 120 photos, the browser killed at random, and all is there once."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright
from sqlmodel import select

from fieldcrm.kit import clock, files
from fieldcrm.kit.database import reading
from fieldcrm.phone.build import BuildReport
from fieldcrm.sync.tables import Mutation
from fieldcrm.visits.tables import Attachment, Visit
from tests.conftest import forget_settings
from tests.install import settle
from tests.phone.field import Server, Stop, Week, lay_out_week, morning
from tests.phone.mortal import MortalPhone
from tests.phone.quick import make_visit
from tests.phone.screens import all_safe, check_in, online, sign_in

pytestmark = pytest.mark.browser
MONDAY = date(2026, 3, 2)
DEATHS_AT_WORK, DEATHS_WHILE_SENDING = 6, 2
STEPS_BETWEEN = 46
"""Six times as many steps at least are named by a week's work, whatever dies."""
BAR_PX, BARS = 40, 8


@pytest.fixture
def seed() -> int:
    """Told when the test fails, to die at the same steps again."""
    found = random.randrange(2**32)
    print(f"seed {found}")
    return found


def stand_at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """The company's clock goes on from a moment, for this process and those it starts."""
    monkeypatch.setenv("FIELDCRM_CLOCK_START", moment.isoformat())
    monkeypatch.setenv("FIELDCRM_CLOCK_ORIGIN", clock.real_now().isoformat())
    forget_settings()


@pytest.fixture
def week(app_db: None, valkey: object, monkeypatch: pytest.MonkeyPatch) -> Week:
    monkeypatch.setenv("FIELDCRM_PORT", "0")
    stand_at(monkeypatch, morning(MONDAY, 0) - timedelta(minutes=10))
    return lay_out_week(MONDAY)


@pytest.fixture
def server(week: Week, built: BuildReport) -> Iterator[Server]:
    running = Server(built.folder.parent)
    try:
        running.start()
        yield running
    finally:
        running.stop()


# ---- photos that say which they are ----


def picture(number: int) -> bytes:
    """A small JPEG whose eight bars, dark or light, are the bits of its number."""
    image = Image.effect_noise((BAR_PX * BARS, 240), 40).convert("RGB")
    draw = ImageDraw.Draw(image)
    for bit in range(BARS):
        shade = 230 if number >> bit & 1 else 25
        draw.rectangle((bit * BAR_PX, 60, (bit + 1) * BAR_PX - 1, 180), fill=(shade,) * 3)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def number_of(path: Path) -> int:
    image = Image.open(path).convert("L")
    lights = [image.getpixel((bit * BAR_PX + BAR_PX // 2, 120)) > 128 for bit in range(BARS)]  # type: ignore[operator]
    return sum(light << bit for bit, light in enumerate(lights))


# ---- the rep ----


class Rep:
    """Works through the week on a phone that dies at some of his steps."""

    def __init__(self, playwright: Any, profile: Path, base: str, week: Week, seed: int) -> None:
        self.phone = MortalPhone(playwright, profile, base, self._hear)
        self.week, self._chance = week, random.Random(seed)
        self._steps = 0
        self._fatal = [
            STEPS_BETWEEN * n + 5 + self._chance.randrange(30) for n in range(DEATHS_AT_WORK)
        ]
        self._in_a_photo = self._chance.choice(self._fatal)
        self._kept: dict[str, Counter[str]] = defaultdict(Counter)
        self._tried: set[str] = set()

    def _hear(self, step: str) -> None:
        """A step of the app's: the phone may die a moment after it, and once while a photo is written."""
        visit, what = step.split(" ", 1)
        self._steps += 1
        if what == "begun":
            self._kept[visit]["begun"] = 1
        if kept := re.fullmatch(r"photo (\d) kept", what):
            self._kept[visit]["photos"] = int(kept[1]) + 1
        if not self._fatal or self._steps < self._fatal[0]:
            return
        if self._fatal[0] != self._in_a_photo:
            self.phone.kill_within(self._chance.random() / 10)
        elif what.endswith("taken"):
            self.phone.kill()
        else:
            return
        self._fatal.pop(0)

    def works_on(self, day: int) -> None:
        self.phone.set_clock(morning(self.week.monday, day))
        for place, stop in enumerate(self.week.days[day]):
            number = 2 * (12 * day + place)
            if place == 0:
                self.phone.until_done(lambda page, s=stop, n=number: self._by_hand(page, s, n))
            else:
                self.phone.until_done(lambda page, s=stop, n=number: self._quickly(page, s, n))
        self.phone.until_done(end_shift)

    def _quickly(self, page: Any, stop: Stop, number: int) -> None:
        shots = [base64.b64encode(picture(n)).decode() for n in (number, number + 1)]
        kept = dict(self._kept[stop.visit_id])
        make_visit(page, stop.visit_id, stop.name, shots, comment_of(stop),
                   {"begun": 0, "photos": 0} | kept)  # fmt: skip

    def _by_hand(self, page: Any, stop: Stop, number: int) -> None:
        """The first of the day begins by taps as a rep makes them; the quick way ends it."""
        if stop.visit_id not in self._tried:
            self._tried.add(stop.visit_id)
            check_in(page, "Start shift and visit")
            page.wait_for_selector("nav.truth a:first-child.ok")
            self._hear(f"{stop.visit_id} begun")
            shot = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": picture(number)}
            page.set_input_files("#camera", shot)
            page.wait_for_selector(".ph img")
            self._hear(f"{stop.visit_id} photo 0 kept")
        self._quickly(page, stop, number)


def comment_of(stop: Stop) -> str:
    return f"Seen: {stop.name}"


def end_shift(page: Any) -> None:
    """The day is over; it may have been ended already."""
    page.goto(page.url.split("#")[0] + "#/shift")
    on = page.get_by_role("button", name="End shift", exact=True)
    off = page.get_by_role("button", name="Start shift", exact=True)
    on.or_(off).wait_for()
    if on.is_visible():
        on.click()
        page.click("[role=group] .btn.p")
        page.wait_for_function("location.hash === '#/receipt'")


_STORED = """async () => {
  const open = indexedDB.open('fieldcrm-phone');
  const db = await new Promise((ok) => { open.onsuccess = () => ok(open.result); });
  const all = db.transaction('files').objectStore('files').getAll();
  const rows = await new Promise((ok) => { all.onsuccess = () => ok(all.result); });
  db.close();
  return rows.map((f) => [f.sha256, f.state]);
}"""


def dies_while_sending(rep: Rep, photos: int) -> None:
    """Once so many photos are on the server the phone is killed."""
    page = rep.phone.page
    online(page)

    def are_there() -> bool:
        return [state for _, state in page.evaluate(_STORED)].count("stored") >= photos

    settle(are_there, seconds=180)
    rep.phone.kill()


# ---- the week ----


def test_a_week_of_60_visits_and_120_photos_without_a_network(
    week: Week, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    with sync_playwright() as playwright:
        rep = Rep(playwright, tmp_path / "profile", server.base, week, seed)
        rep.phone.set_clock(morning(MONDAY, 0) - timedelta(minutes=10))
        sign_in(rep.phone.page, server.base)
        rep.phone.close()
        server.stop()
        rep.phone.is_offline = True
        for day in range(5):
            rep.works_on(day)
            rep.phone.close()
        assert rep.phone.deaths >= DEATHS_AT_WORK

        friday_evening = morning(MONDAY, 4) + timedelta(hours=9)
        stand_at(monkeypatch, friday_evening)
        server.start()
        rep.phone.is_offline = False
        rep.phone.set_clock(friday_evening)
        for photos in (20, 70)[:DEATHS_WHILE_SENDING]:
            dies_while_sending(rep, photos)
        online(rep.phone.page)
        all_safe(rep.phone.page, seconds=180)
        on_phone = dict(rep.phone.page.evaluate(_STORED))
        rep.phone.close()
        assert rep.phone.deaths == DEATHS_AT_WORK + DEATHS_WHILE_SENDING
    expect_the_week(week, on_phone)


def expect_the_week(week: Week, on_phone: dict[str, str]) -> None:
    """Each visit closed on its day with its words and its two photos, byte for byte, nothing twice."""
    stops = [stop for day in week.days for stop in day]
    with reading() as s:
        rows = {v.id: v for v in s.exec(select(Visit))}
        photos = s.exec(select(Attachment)).all()
        done = s.exec(select(Mutation).order_by("seq")).all()  # type: ignore[arg-type]
    assert rows.keys() == {stop.visit_id for stop in stops}
    assert {v.state for v in rows.values()} == {"closed"}
    for day, on_day in enumerate(week.days):
        begins, ends = clock.day_bounds(week.monday + timedelta(days=day))
        for stop in on_day:
            visit = rows[stop.visit_id]
            assert visit.comment == comment_of(stop)
            assert visit.checked_in_at is not None
            assert begins < visit.checked_in_at < ends, stop
            assert (visit.check_in or {})["position_state"] == "fresh"

    assert len(photos) == 120
    numbers = {}
    for photo in photos:
        kept = files.path_of(photo.sha256)
        assert hashlib.sha256(kept.read_bytes()).hexdigest() == photo.sha256
        numbers[number_of(kept)] = photo.visit_id
    assert numbers == {2 * n + k: stop.visit_id for n, stop in enumerate(stops) for k in (0, 1)}
    assert on_phone == {photo.sha256: "stored" for photo in photos}

    assert {m.status for m in done} == {"applied"}
    assert Counter(m.kind for m in done) == {
        "visit.check_in": 60, "visit.close": 60, "shift.start": 5, "shift.end": 5,
    }  # fmt: skip
    assert [m.seq for m in done] == list(range(1, 131))
