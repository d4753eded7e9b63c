"""Real Helsinki for planning: its roads, built once a session, and a small team at work on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page

from fieldcrm.regions.build import sample_extract
from fieldcrm.regions.model import Place
from fieldcrm.regions.places import read_places
from fieldcrm.regions.roads import Roads
from tests.browser import desk_page
from tests.conftest import forget_settings
from tests.install import PASSWORD, Install
from tests.planning.company import Company, Staff, make_company, make_staff

THURSDAY = datetime(2026, 11, 19, 8, 0, tzinfo=UTC)
"""10:00 in Helsinki, a working day."""


@pytest.fixture
def page(install: Install) -> Iterator[Page]:
    """A signed-in manager's page that fails the test on an error nobody handled."""
    with desk_page(install.base, "manager", PASSWORD) as found:
        yield found


@pytest.fixture(scope="session")
def roads(helsinki_home: Path) -> Roads:
    return Roads(helsinki_home / "regions" / "helsinki")


@pytest.fixture(scope="session")
def places() -> list[Place]:
    return read_places(sample_extract())


@pytest.fixture
def with_roads(home: Path, helsinki_home: Path) -> Path:
    """The test's home, with the region in it."""
    (home / "regions").symlink_to(helsinki_home / "regions")
    return home


@pytest.fixture
def at_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the product's clock to a moment, from which it runs on."""

    def set_clock(moment: datetime) -> None:
        monkeypatch.setenv("FIELDCRM_CLOCK_START", moment.isoformat())
        monkeypatch.setenv("FIELDCRM_CLOCK_ORIGIN", datetime.now(UTC).isoformat())
        forget_settings()

    return set_clock


@pytest.fixture
def company(
    with_roads: Path, valkey: object, any_db: str, at_time: Callable[[datetime], None],
    places: list[Place],
) -> Company:  # fmt: skip
    """Two reps with eight visits each on a Thursday at ten, and who may plan for them."""
    at_time(THURSDAY)
    return make_company(places)


@pytest.fixture
def staff(company: Company) -> Staff:
    """The company within a cycle of twelve weeks, and who approves its plans."""
    return make_staff(company)
