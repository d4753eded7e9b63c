"""What the bench counts, on small logs of known truth."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workers.simulator import bench
from workers.simulator.log import TruthLog, read


def test_shares_count_honest_and_false_apart():
    closed = {"a": "honest", "b": "honest", "c": "spot", "d": "fake", "e": "passing"}
    found = bench._shares(closed, {"a", "d"})
    assert found == {"honest_confirmed_share": 0.5, "false_confirmed": 1}
    assert math.isnan(bench._shares({"c": "spot"}, set())["honest_confirmed_share"])


def test_visits_missing_from_the_table_are_named():
    closed = {"a": "honest", "b": "honest", "c": "spot"}
    table = {"a": {"verdict": "confirmed"}, "c": {"verdict": "doubtful"}}
    counted = bench._by_truth(closed, table)
    assert counted == {"honest": {"confirmed": 1, "missing": 1}, "spot": {"doubtful": 1}}


@pytest.mark.parametrize(
    ("words", "part", "is_part"),
    [
        (["python", "-m", "fieldcrm.cli", "web"], "web", True),
        (["python", "-m", "fieldcrm.cli", "optimiser", "--queue", "long"], "optimiser", True),
        (["python", "-m", "fieldcrm.cli", "gateway"], "web", False),
        (["/wheel/valkey-server", "--port", "0"], "valkey", True),
        (["/wheel/valkey-server unixsocket:/x"], "valkey", True),
        (["vi", "web"], "web", False),
        ([], "valkey", False),
    ],
)
def test_a_part_is_known_by_its_command_line(words: list[str], part: str, is_part: bool):
    assert bench.is_of_part(words, part) is is_part


def test_the_installs_clock_is_what_its_processes_are_told(home):
    from fieldcrm.kit import clock
    from fieldcrm.kit.settings import Settings

    opens = datetime(2026, 11, 23, 8, 40, tzinfo=clock.zone())
    install = bench.Install(Path("/nowhere"), 8160, opens, 60.0)
    install.origin = datetime.now(UTC) - timedelta(seconds=60)
    env = install.env()
    told = Settings(
        clock_start=env["FIELDCRM_CLOCK_START"], clock_origin=env["FIELDCRM_CLOCK_ORIGIN"],
        clock_speed=env["FIELDCRM_CLOCK_SPEED"],
    )  # fmt: skip
    shown = clock.scaled(clock.real_now(), told)
    assert abs((shown - install.now()).total_seconds()) < 5
    assert install.hour() == pytest.approx(9 + 40 / 60, abs=0.01)


def test_the_log_is_read_as_it_was_written(tmp_path: Path):
    log = TruthLog(tmp_path / "sub" / "truth.jsonl")
    log.note("closed", "aino", visit="v", truth="honest")
    log.note("end", "aino")
    log.close()
    TruthLog().note("closed", "aino")
    assert read(tmp_path / "sub" / "truth.jsonl") == [
        {"t": "closed", "rep": "aino", "visit": "v", "truth": "honest"},
        {"t": "end", "rep": "aino"},
    ]


def test_fixes_are_matched_by_the_phones_own_time(app_db):
    from fieldcrm.kit import database
    from fieldcrm.tracking import keeping
    from fieldcrm.tracking.model import Fix

    day = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    at = round(day.timestamp() * 1000)

    def fix(n: int) -> Fix:
        own = at + 10_000 * n
        return Fix("rep-1", "phone", None, own + 2_400_000, own, own + 2_400_500, 60.17, 24.94)

    with database.transaction() as session:
        keeping.append(session, [fix(n) for n in range(10)])
    sent = [at + 10_000 * n for n in range(12)]
    entries = [
        {"t": "fixes", "rep": "aino", "rep_id": "rep-1", "at": sent[:7]},
        {"t": "fixes", "rep": "aino", "rep_id": "rep-1", "at": sent[5:]},
    ]
    found = bench.count_fixes(entries, day.date(), {"future": 1})
    assert (found["fixes_sent"], found["fixes_stored"], found["lost"]) == (12, 10, 1)
    assert found["not_stored"] == {"aino": 2}
