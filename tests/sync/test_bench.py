"""The bench of the sync itself: its power fails in the middle, its model orders a day as the rule does."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fieldcrm.phone.benches import power
from fieldcrm.phone.benches.model import Model, ModelVisit, Taken

NAMES = """
import os, sys, threading
threading.Thread(target=os.rename, args=(sys.argv[2], sys.argv[2] + ".named")).start()
"""
OPENS = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute("PRAGMA wal_autocheckpoint = 0")
db.execute("CREATE TABLE work (what)")
"""
COMMITS = """
while True:
    db.execute("INSERT INTO work VALUES ('done')")
    print("done", flush=True)
"""


def fails_in(program: str, moment: power.Moment, home: Path) -> tuple[Any, int]:
    """What was written and never synced, and how much the program was told to be on disk."""
    (home / "run" / "power.rename").touch()
    (home / "part").touch()
    with (home / "said").open("w") as said:
        works = subprocess.Popen(
            [sys.executable, "-c", program, str(home / "db"), str(home / "part")], stdout=said,
            env={**os.environ, power.VARIABLE: str(moment.at), "LD_PRELOAD": str(moment.library)},
        )  # fmt: skip
        while not (home / "part.named").exists():
            assert works.poll() is None
        unsynced = moment.come()
        works.kill()
        works.wait()
    return unsynced, (home / "said").read_text().count("done")


@pytest.fixture
def moment(tmp_path: Path) -> power.Moment:
    (tmp_path / "run").mkdir()
    made = power.Moment(tmp_path)
    if made.library is None:
        pytest.skip("no C compiler here; the bench says so too")
    return made


def test_the_power_fails_in_the_middle_of_a_commit(moment: power.Moment, tmp_path: Path) -> None:
    """What is cut off is the one commit that nobody was told of."""
    unsynced, told = fails_in(OPENS + NAMES + COMMITS, moment, tmp_path)
    first, log = unsynced
    assert log == tmp_path / "db-wal"
    assert first < log.stat().st_size
    os.truncate(log, first)
    (tmp_path / "db-shm").unlink(missing_ok=True)
    with sqlite3.connect(tmp_path / "db") as db:
        assert db.execute("SELECT count(*) FROM work").fetchone() == (told,)


def test_who_writes_nothing_is_stopped_after_his_renaming_alone(
    moment: power.Moment, tmp_path: Path
) -> None:
    assert fails_in(NAMES, moment, tmp_path) == (None, 0)
    assert (tmp_path / "part.named").exists()


CASES = json.loads((Path(__file__).parent.parent / "visits/order_cases.json").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_the_model_puts_a_day_in_order_as_the_rule_does(case: dict[str, Any]) -> None:
    day = "2026-11-19"
    visits = {s["id"]: ModelVisit("rep", day, s["position"]) for s in case["stops"]}
    if case["begin"]["last_position"]:
        visits["made"] = ModelVisit("rep", day, case["begin"]["last_position"], "closed")
    wanted = {"day": day, "visit_ids": case["wanted"]}
    taken = Taken("m", "day.order", "rep", wanted, "rep", day, day, day, None)
    assert Model(visits).take(taken) is None
    expected = {visit_id: position for visit_id, position, *_ in case["expect"]}
    assert {i: visits[i].position for i in expected} == expected
