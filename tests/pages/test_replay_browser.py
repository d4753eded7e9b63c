"""The replay in a real browser against a whole install: it plays, jumps, steps, and axe is content."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import desk_page
from tests.browser import violations_in_both as violations
from tests.install import PASSWORD, Install

pytestmark = [pytest.mark.browser, pytest.mark.flow]


@pytest.fixture
def page(install: Install) -> Iterator[Page]:
    """A signed-in manager's page that fails the test on an error nobody handled."""
    with desk_page(install.base, "manager", PASSWORD) as found:
        yield found


@pytest.fixture
def cheat(install: Install) -> tuple[str, str]:
    """The rep whose positions an app invents, and a past day of his with contradicted visits."""
    with sqlite3.connect(install.home / "fieldcrm.db") as link:
        return link.execute(
            'SELECT u.id, v.day FROM visit v JOIN "user" u ON u.id = v.rep_id'
            " WHERE u.login = 'ion' AND v.verdict = 'contradicted' GROUP BY v.day"
            " ORDER BY COUNT(*) DESC LIMIT 1"
        ).fetchone()


def at_ms(page: Page) -> int:
    return int(page.locator(".rpl").get_attribute("data-at") or 0)


def test_a_day_plays_jumps_to_doubts_and_steps_to_its_neighbours(
    page: Page, install: Install, cheat: tuple[str, str]
) -> None:
    rep_id, day = cheat
    page.goto(f"{install.base}/replay?rep={rep_id}&day={day}")
    page.wait_for_selector(".rpl[data-state=ready]")
    assert violations(page) == []
    begins = at_ms(page)
    page.keyboard.press("j")
    expect(page.locator(".rp-list [aria-current=true]").first).to_be_visible()
    jumped = at_ms(page)
    assert jumped > begins
    page.keyboard.press("Shift+ArrowRight")
    assert at_ms(page) == jumped + 600_000
    page.get_by_role("button", name="300×").click()
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.wait_for_function(f"+document.querySelector('.rpl').dataset.at > {jumped + 660_000}")
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    texts = " ".join(page.locator(".rpl-side .rp-list").first.all_inner_texts())
    assert "An app invented the position" in texts
    assert "Contradicted" in texts
    page.keyboard.press("]")
    expect(page.locator(".rp-day")).not_to_have_value(day)
    page.wait_for_selector(".rpl[data-state=ready]")
    page.get_by_label("Day", exact=True).fill("2020-01-01")
    expect(page.locator(".rpl [role=status]")).to_contain_text("No shift on this day.")
    assert violations(page) == []


def test_the_day_is_saved_as_gpx_and_nobody_chosen_is_a_page_too(
    page: Page, install: Install, cheat: tuple[str, str]
) -> None:
    page.goto(f"{install.base}/replay")
    page.wait_for_selector(".empty")
    assert violations(page) == []
    page.locator(".empty select").select_option(cheat[0])
    page.wait_for_selector(".rpl[data-state=ready]")
    page.get_by_label("Day", exact=True).fill(cheat[1])
    page.wait_for_function(f"document.querySelector('a[href*=\"{cheat[1]}/track.gpx\"]')")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="GPX", exact=True).click()
    assert Path(waiting.value.path()).read_text().startswith("<?xml")


def test_a_week_plays_without_its_nights(
    page: Page, install: Install, cheat: tuple[str, str]
) -> None:
    rep_id, day = cheat
    page.goto(f"{install.base}/replay?rep={rep_id}&day={day}")
    page.wait_for_selector(".rpl[data-state=ready]")
    page.get_by_role("button", name="Week", exact=True).click()
    page.wait_for_selector(".rpl[data-state=ready]:not([data-days='1'])")
    assert violations(page) == []
    many = int(page.locator(".rpl").get_attribute("data-days") or 0)
    assert 2 <= many <= 7
    expect(page.locator(".rp-dl")).to_have_count(many)
    slider = page.get_by_role("slider", name="Time of day")
    whole = int(slider.get_attribute("max") or 0)
    assert whole < many * 14 * 3_600_000
    begins = at_ms(page)
    slider.fill(str(whole // 1000 * 1000))
    assert at_ms(page) - begins > (many - 1) * 86_400_000
    slider.fill("0")
    heads = page.locator(".rp-dh").all_inner_texts()
    assert len(heads) == len(set(heads)) >= 2
    page.keyboard.press("]")
    expect(page.get_by_label("First day")).not_to_have_value(day)
