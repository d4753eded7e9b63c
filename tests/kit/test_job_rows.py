"""What a row goes through that a job works on, with Valkey there and away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from fieldcrm.kit import bus, clock, ids, job_rows, jobs
from fieldcrm.kit.errors import Unavailable
from fieldcrm.kit.standing import CANCELLED, FAILED, QUEUED, RUNNING
from tests.conftest import forget_settings
from tests.ports import free_ports
from tests.servers import Valkey


@dataclass
class Row:
    """What any table keeps of work."""

    id: str
    status: str = QUEUED
    finished_at: datetime | None = None


@pytest.fixture
def row() -> Row:
    return Row(ids.new_id())


@pytest.fixture
def away(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens where Valkey should be."""
    monkeypatch.setenv("FIELDCRM_REDIS_URL", f"redis://127.0.0.1:{free_ports()}/0")
    forget_settings()


def test_a_row_is_taken_up_until_it_has_ended_and_ends_once(row: Row) -> None:
    assert job_rows.take_up(row) is row
    assert job_rows.take_up(row) is row, "a job that is tried again"
    assert row.status == RUNNING
    with clock.held(clock.now()):
        now = clock.now()
        assert job_rows.end(row, "ready") is row
    assert (row.status, row.finished_at) == ("ready", now)
    assert job_rows.end(row, FAILED) is None
    assert job_rows.take_up(row) is None
    assert (row.status, row.finished_at) == ("ready", now)
    assert job_rows.take_up(None) is None
    assert job_rows.end(None, FAILED) is None


def test_work_that_is_cancelled_or_breaks_says_so(row: Row) -> None:
    ended: list[str] = []
    with job_rows.ending(ended.append):
        raise jobs.Cancelled(row.id)
    with pytest.raises(ZeroDivisionError), job_rows.ending(ended.append):
        _ = 1 / 0
    with job_rows.ending(ended.append):
        pass
    assert ended == [CANCELLED, FAILED]


def test_a_job_tells_how_far_it_is_and_how_it_died(row: Row, valkey: Valkey) -> None:
    job_rows.offer(jobs.LONG, "fieldcrm.kit.ids.new_id", row.id, timeout_s=10)
    jobs.report(row.id, 0.25, "looking")
    state = job_rows.seen(row)
    assert state is not None
    assert (state.progress, state.note, job_rows.progress(row)) == (0.25, "looking", 0.25)
    assert job_rows.ending_of(row) is None
    job_rows.stop(row.id)
    assert job_rows.ending_of(row) == CANCELLED
    bus.connection().flushall()
    assert job_rows.ending_of(row) == FAILED, "a store that lost its jobs"
    job_rows.end(row, FAILED)
    assert (job_rows.seen(row), job_rows.progress(row)) == (None, 1.0)


def test_with_valkey_away_nothing_is_lost(row: Row, away: None) -> None:
    told: list[str] = []
    with pytest.raises(Unavailable):
        job_rows.hand_over(
            jobs.LONG, "fieldcrm.kit.ids.new_id", row.id, timeout_s=10,
            failed=lambda: told.append(FAILED),
        )  # fmt: skip
    assert told == [FAILED]
    job_rows.offer(jobs.LONG, "fieldcrm.kit.ids.new_id", row.id, timeout_s=10)
    job_rows.stop(row.id)
    assert (job_rows.seen(row), job_rows.ending_of(row)) == (None, None)
    assert job_rows.progress(row) == 0.0
