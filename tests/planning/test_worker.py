"""The optimiser as a process: it works jobs, is killed, comes back, stops cleanly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from fieldcrm.kit import bus, ids, jobs, pulse
from fieldcrm.kit.database import transaction
from fieldcrm.planning import service
from fieldcrm.planning.tables import Cycle, CycleTarget, Proposal
from tests.conftest import forget_settings
from tests.planning.company import DAY, Company
from tests.servers import Valkey
from workers.optimiser.jobs import run_proposal

REST_MB = 120


class Optimiser:
    """One worker process with this test's settings."""

    def __init__(self, queue: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "workers.optimiser.main", queue], env=dict(os.environ)
        )

    def kill(self) -> None:
        """SIGKILL the worker and the job it works on."""
        for child in psutil.Process(self.process.pid).children(recursive=True):
            child.kill()
        self.process.kill()
        self.process.wait(60)


@pytest.fixture
def worker(company: Company) -> Iterator[Callable[[str], Optimiser]]:
    started: list[Optimiser] = []

    def start(queue: str) -> Optimiser:
        started.append(Optimiser(queue))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()


def wait_for(proposal: str, company: Company, status: str, seconds: float = 90) -> None:
    """Return once a proposal has a status."""
    begun = time.monotonic()
    while time.monotonic() < begun + seconds:
        view = service.proposal(company.dispatcher, proposal)
        if view.status == status:
            return
        assert view.status in ("queued", "running"), view.summary
        time.sleep(0.05)
    raise AssertionError(f"still {service.proposal(company.dispatcher, proposal).status}")


def wait_for_pulse() -> None:
    until = time.monotonic() + 60
    while "optimiser" not in pulse.living():
        assert time.monotonic() < until, "no pulse"
        time.sleep(0.05)


def test_it_works_jobs_and_stops_cleanly(
    company: Company, worker: Callable[[str], Optimiser]
) -> None:
    one = worker("urgent")
    wait_for_pulse()
    listener = bus.connection().pubsub()
    listener.subscribe(bus.desk_channel(company.team_id))
    assert listener.get_message(timeout=60)
    proposal = service.request_move(company.dispatcher, company.visits(0)[3].id, company.reps[1])
    wait_for(proposal, company, "ready")
    notices = []
    while message := listener.get_message(timeout=2):
        notices.append(message["data"])
    assert any(b'"status":"ready"' in n for n in notices)
    assert any(b'"status":"running"' in n for n in notices)
    rest = psutil.Process(one.process.pid).memory_info().rss / 1e6
    assert rest < REST_MB, f"{rest:.0f} MB at rest"
    one.process.send_signal(signal.SIGTERM)
    assert one.process.wait(60) == 0


def test_a_killed_worker_s_job_is_done_by_the_next(
    company: Company, worker: Callable[[str], Optimiser]
) -> None:
    first = worker("long")
    wait_for_pulse()
    proposal = service.request_plan(company.dispatcher, company.reps, DAY)
    wait_for(proposal, company, "running")
    first.kill()
    assert service.proposal(company.dispatcher, proposal).status == "running"
    worker("long")
    wait_for(proposal, company, "ready")


def test_a_job_that_valkey_lost_is_queued_again(
    company: Company, worker: Callable[[str], Optimiser]
) -> None:
    proposal = service.request_replan(company.dispatcher, company.reps[0], DAY)
    bus.connection().flushall()
    with transaction() as session:
        row = session.get_one(Proposal, proposal)
        row.created_at = row.created_at.replace(year=2025)
    worker("urgent")
    wait_for(proposal, company, "ready")


def test_it_comes_back_with_valkey(
    company: Company, worker: Callable[[str], Optimiser], monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    folder = tmp_path / "valkey-of-its-own"
    folder.mkdir()
    first = Valkey(folder)
    monkeypatch.setenv("FIELDCRM_REDIS_URL", first.url)
    forget_settings()
    worker("urgent")
    wait_for_pulse()
    first.process.kill()
    first.process.wait(60)
    time.sleep(2)
    again = Valkey(folder, first.port)
    try:
        proposal = service.request_replan(company.dispatcher, company.reps[0], DAY)
        wait_for(proposal, company, "ready")
    finally:
        again.stop()


def test_the_long_queue_works_out_a_cycle_s_plan(
    company: Company, worker: Callable[[str], Optimiser]
) -> None:
    worker("long")
    monday = DAY + timedelta(days=4)
    _want_often(company)
    proposal = service.request_cycle(company.dispatcher, company.reps, monday, 4)
    wait_for(proposal, company, "ready", 150)
    view = service.proposal(company.dispatcher, proposal)
    assert view.summary["new"] > 0
    assert view.summary["solver"]["steps"] > 0


def test_a_cycle_s_plan_that_nobody_wants_any_more_is_given_up(company: Company) -> None:
    _want_often(company)
    proposal = service.request_cycle(company.dispatcher, company.reps, DAY + timedelta(days=4), 4)
    jobs.cancel(proposal)  # as a desk does while the worker is at it
    run_proposal(proposal)
    view = service.proposal(company.dispatcher, proposal)
    assert (view.status, view.after) == ("cancelled", {})


def _want_often(company: Company) -> None:
    """A cycle that wants every client of the day again."""
    with transaction() as session:
        cycle = Cycle(id=ids.new_id(), name="Q4", team_id=company.team_id, starts_on=DAY,
                      ends_on=DAY + timedelta(days=60))  # fmt: skip
        session.add(cycle)
        session.flush()
        session.add_all(
            CycleTarget(id=ids.new_id(), cycle_id=cycle.id, rep_id=v.rep_id, client_id=v.client_id,
                        category="A", planned=5)
            for n in range(2) for v in company.visits(n)
        )  # fmt: skip
