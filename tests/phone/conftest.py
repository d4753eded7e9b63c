"""The phone app built once, a rep's day, and a browser like a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fieldcrm.phone.build import BuildReport, build
from tests.browser import lasting_chromium
from tests.conftest import forget_settings
from tests.phone.field import LAT, LNG, Day, Server, lay_out

PHONE = {
    "viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "is_mobile": True,
    "has_touch": True, "locale": "en-GB", "permissions": ["geolocation"],
    "geolocation": {"latitude": LAT + 100 / 111_195, "longitude": LNG, "accuracy": 12},
}  # fmt: skip


HOUR = int(os.environ.get("TEST_HOUR", "9"))
"""Local hour of the company, so that a test says the same in the evening as in the morning."""


def zone_where_it_is(hour: int) -> str:
    """Name of a time zone in which the present hour is this one (0 to 23)."""
    ahead = (hour - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"  # POSIX counts westward


@pytest.fixture(autouse=True)
def office_hours(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The company works where the morning is now, or whichever hour `TEST_HOUR` says."""
    monkeypatch.setenv("FIELDCRM_TIMEZONE", zone_where_it_is(HOUR))
    forget_settings()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuildReport:
    """The app as it is shipped."""
    return build(tmp_path_factory.mktemp("app"))


@pytest.fixture
def day(office_hours: None, app_db: None, valkey: object) -> Day:
    return lay_out()


@pytest.fixture
def server(day: Day, built: BuildReport, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("FIELDCRM_PORT", "0")
    running = Server(built.folder.parent)
    try:
        running.start()
        yield running
    finally:  # one that never answered is a process too
        running.stop()


@pytest.fixture
def phone(tmp_path: Path):
    """Opens the same phone each time: its storage survives closing the browser."""

    def open_phone(**options: Any) -> AbstractContextManager[Any]:
        return lasting_chromium(tmp_path / "profile", **(PHONE | options))

    return open_phone
