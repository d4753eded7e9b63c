"""The live map's own component in a real browser, fed with frames: what it draws of many reps."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageColor
from playwright.sync_api import Page

from tests.browser import chromium
from workers.gateway.benches import map as bench
from workers.gateway.benches import map_feed

pytestmark = [pytest.mark.browser]
REPS = 260
NAMED = """() => [...document.querySelectorAll('.mk-tag[visibility=visible] rect')].map((box) => {
  const { left, top, right, bottom } = box.getBoundingClientRect();
  return [left, top, right, bottom];
})"""
COLLISIONS = f"""() => {{
  const boxes = ({NAMED})();
  const meet = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  return boxes.flatMap((a, n) => boxes.slice(n + 1).filter((b) => meet(a, b))).length;
}}"""


@pytest.fixture(scope="module")
def page(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The map with its crowd in view; `sample_home` has seen to it that the libraries are there."""
    folder = tmp_path_factory.mktemp("map")
    lat, lng, zoom, inner = bench.view_of(bench.prepare(folder))
    with map_feed.servers(folder, map_feed.Crowd(REPS, inner)) as ports, chromium() as browser:
        found = browser.new_page(viewport={"width": bench.WIDTH, "height": bench.HEIGHT})
        where = f"port={ports['socket']}&centre={lng},{lat}&zoom={zoom}"
        found.goto(f"http://localhost:{ports['page']}/?mode=ours&{where}")
        found.wait_for_function("measured.ready", timeout=60_000)
        yield found


def test_everybody_is_in_view_and_drawn(page: Page) -> None:
    assert page.locator(".gl").get_attribute("data-in-view") == str(REPS)
    page.evaluate("measured.moving = -1")
    page.wait_for_function("measured.moving >= 0")
    assert page.evaluate("measured.moving") > 0.001


def test_names_are_shown_and_none_lies_on_another(page: Page) -> None:
    assert len(page.evaluate(NAMED)) > 15
    assert page.evaluate(COLLISIONS) == 0


def test_names_stay_apart_while_everybody_moves_and_the_map_is_panned(page: Page) -> None:
    seen: list[Any] = []
    for _ in range(4):
        page.evaluate("pan(400)")
        seen.append((len(page.evaluate(NAMED)) > 15, page.evaluate(COLLISIONS)))
    assert seen == [(True, 0)] * 4


def test_a_map_that_stands_is_not_painted_again_while_reps_move_over_it(page: Page) -> None:
    page.wait_for_function(
        """async () => {
          const map = fieldcrmMap;
          let paints = 0;
          const count = () => { paints++; };
          map.on("render", count);
          measured.paints = [];
          while (measured.paints.length < 4) await new Promise((done) => setTimeout(done, 50));
          map.off("render", count);
          return paints === 0;
        }""",
        timeout=60_000,
    )
    for _ in range(4):
        page.evaluate("measured.moving = -1")
        page.wait_for_function("measured.moving >= 0")
        assert page.evaluate("measured.moving") > 0.001
        assert page.evaluate("measured.blank") == 0, "the map lies below them still"


def test_plain_keys_zoom_and_show_everybody(page: Page) -> None:
    began = page.evaluate("fieldcrmMap.getZoom()")
    page.keyboard.press("+")
    page.wait_for_function(f"fieldcrmMap.getZoom() > {began} + 0.9 && !fieldcrmMap.isMoving()")
    page.wait_for_function(f"+document.querySelector('.gl').dataset.inView < {REPS}")
    page.keyboard.press("0")
    page.wait_for_function(f"document.querySelector('.gl').dataset.inView === '{REPS}'")


def test_reps_a_filter_leaves_out_are_gone_from_the_map(page: Page) -> None:
    page.evaluate("show({ shown: { team: 'nobodys', state: '', text: '' } })")
    deadline = time.monotonic() + 30
    while (left := moving_pixels(page)) and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert left == 0
    page.evaluate("show({})")
    page.wait_for_function("document.querySelector('.gl').dataset.inView !== '0'")


def moving_pixels(page: Page) -> int:
    """How many pixels on the screen have the colour of those who move."""
    seen = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--moving').trim()"
    )
    colour = ImageColor.getrgb(seen)
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return sum(pixel == colour for pixel in shown.getdata())
