"""The simulated reps on a whole install: they move, make visits, and outlive every restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.install import PASSWORD, Install, copy_home, settle

pytestmark = pytest.mark.flow
PLAYED = {"Aino Korpela", "Mikko Hallavaara", "Elena Sorokina", "Oleg Baranov", "Ion Munteanu"}


@pytest.fixture(scope="module")
def playing(sample_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Install]:
    """An install whose clock runs thirty times as fast, its reps played."""
    home = copy_home(sample_home, tmp_path_factory.mktemp("playing") / "home")
    with Install(home, "--speed", "30") as running:
        yield running


@pytest.fixture(scope="module")
def dispatcher(playing: Install) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=playing.base, timeout=60) as http:
        body = {"login": "dispatcher", "password": PASSWORD}
        assert http.post("/api/v1/session", json=body).status_code == 200
        yield http


def live(http: httpx.Client) -> dict[str, dict[str, Any]]:
    return {rep["name"]: rep for rep in http.get("/api/v1/live").raise_for_status().json()}


def closed(install: Install) -> list[str]:
    """Closed visits of the day that phones brought, in the order they came."""
    with sqlite3.connect(f"file:{install.home / 'fieldcrm.db'}?mode=ro", uri=True) as db:
        asked = "SELECT visit_id FROM visit_change WHERE move='close' AND source='phone'"
        return [row[0] for row in db.execute(asked)]


def devices(install: Install) -> int:
    with sqlite3.connect(f"file:{install.home / 'fieldcrm.db'}?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*) FROM device WHERE revoked_at IS NULL").fetchone()[0]


def test_a_newcomer_sees_reps_move_within_a_minute(playing: Install, dispatcher: httpx.Client):
    def fresh() -> set[str]:
        reps = live(dispatcher).values()
        return {r["name"] for r in reps if r["age_s"] is not None and r["age_s"] < 300}

    settle(lambda: fresh() >= PLAYED, 60)
    before = {name: (r["lat"], r["lng"]) for name, r in live(dispatcher).items()}

    def moved() -> int:
        now = live(dispatcher)
        return sum((now[n]["lat"], now[n]["lng"]) != before[n] for n in PLAYED)

    settle(lambda: moved() >= 4, 60)
    assert live(dispatcher)["Sanna Lindqvist"]["state"] == "off_shift"


def test_visits_are_closed_through_the_phones_interfaces(playing: Install):
    settle(lambda: len(closed(playing)) >= 3, 120)
    found = closed(playing)
    assert len(found) == len(set(found))


def test_a_killed_simulator_goes_on_with_the_same_phones(playing: Install):
    before, paired = len(closed(playing)), devices(playing)
    playing.part("simulate").kill()
    settle(lambda: len(closed(playing)) >= before + 2, 400)
    found = closed(playing)
    assert len(found) == len(set(found))
    assert devices(playing) == paired


def test_the_server_may_go_away_and_come_back(playing: Install):
    before = len(closed(playing))
    for part in ("gateway", "web"):
        playing.part(part).kill()
    settle(lambda: len(closed(playing)) >= before + 2, 400)
    assert playing.part("simulate").is_running()
    log = (playing.home / "log" / "simulate.log").read_text()
    assert log.count("playing") == 2
