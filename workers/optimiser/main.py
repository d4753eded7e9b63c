"""The optimiser: waits for planning jobs and works each in a child process.

A child can be killed when it runs away, and gives its memory back; what it needs is imported here
once, before the fork, except OR-Tools and the road networks, which only the child loads.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from datetime import datetime
from types import FrameType
from typing import Never

from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus

from fieldcrm.kit import bus, database, jobs, pulse
from fieldcrm.planning import service, store, whatif, whatif_store
from fieldcrm.planning.tables import Proposal
from workers.optimiser.days import ready

PART = "optimiser"
SWEEP_EVERY_S = 5
QUEUED_GRACE_S = 3
SERVED = {
    jobs.URGENT: (jobs.URGENT,), jobs.WHAT_IF: (jobs.WHAT_IF,),
    jobs.LONG: (jobs.WHAT_IF, jobs.LONG),
}  # fmt: skip
"""A worker's queues, the first before the next."""
_log = logging.getLogger(__name__)
_one_at_a_time = threading.Lock()
"""No child is forked in the middle of a sweep: a lock that the thread holds inside SQLite or a
driver would stay locked in the child for ever."""


def main(queue: str) -> None:
    """Serve one queue until SIGTERM or SIGINT; a restart of Valkey is waited for."""
    if queue not in SERVED:
        raise SystemExit(f"optimiser: unknown queue '{queue}'")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s optimiser %(message)s")
    stop = pulse.keep_beating(PART)
    if queue == jobs.LONG:
        ready.begin_compiling()
    _sweep_once(queue)  # before any fork: a child must not inherit a driver half imported
    threading.Thread(target=_sweep, args=(queue, stop), name="sweep", daemon=True).start()
    try:
        while not _serve(queue):
            time.sleep(0.3)
    finally:
        ready.stop_compiling()
        stop.set()


def _serve(queue: str) -> bool:
    """Work until asked to stop (True) or until Valkey goes away (False)."""
    queues = [Queue(name, connection=bus.connection()) for name in SERVED[queue]]
    worker = None
    try:
        worker = PlanWorker(queues, connection=bus.connection(), worker_ttl=22)
        worker.work(logging_level="WARNING", with_scheduler=False)
    except (RedisError, OSError) as error:
        if worker is not None and worker.is_asked_to_stop:  # it only could not sign off any more
            return True
        _log.warning("Valkey is away: %s", error)
        bus.connection().connection_pool.disconnect()
        return False
    return True


class PlanWorker(Worker):
    """RQ's forking worker, which comes back soon after Valkey does."""

    is_asked_to_stop = False
    max_connection_wait_time = 1.0
    exponential_backoff_factor = 1.2

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Remembered: where Valkey goes too, signing off fails and the wish to stop with it."""
        self.is_asked_to_stop = True
        super().request_stop(signum, frame)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        """The child is told whether the compiled search stands by now."""
        ready.look()
        with _one_at_a_time:
            super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> Never:
        """In the child: nothing of the parent's database connections may be used."""
        database.engine.cache_clear()
        super().main_work_horse(job, queue)


def _sweep(queue: str, stop: threading.Event) -> None:
    """Queue again what a dead worker or a lost Valkey left behind, every few seconds."""
    while not stop.wait(SWEEP_EVERY_S):
        _sweep_once(queue)


def _sweep_once(queue: str) -> None:
    try:
        with _one_at_a_time:
            requeue_lost(queue)
            if jobs.WHAT_IF in SERVED[queue]:
                requeue_lost_scenarios()
    except Exception as error:
        _log.warning("no sweep: %s", error)


def requeue_lost(queue: str) -> list[str]:
    """Proposals of this queue that should be worked on and that nobody works on, queued again."""
    with database.reading() as session:
        waiting = store.unfinished_proposals(session)
    lost = [p for p in waiting if p.request.get("queue") == queue and _is_lost(p)]
    for found in lost:
        _log.warning("queued again: %s", found.id)
        service.enqueue(found.id, queue)
    return [p.id for p in lost]


def requeue_lost_scenarios() -> list[str]:
    """The same for what-ifs."""
    with database.reading() as session:
        waiting = whatif_store.unfinished(session)
    lost = [s.id for s in waiting if _is_abandoned(s.id, s.asked_at)]
    for scenario_id in lost:
        _log.warning("queued again: %s", scenario_id)
        whatif.enqueue(scenario_id)
    return lost


def _is_lost(found: Proposal) -> bool:
    return _is_abandoned(found.id, found.created_at)


def _is_abandoned(job_id: str, asked_at: datetime) -> bool:
    from fieldcrm.kit import clock
    from workers.optimiser.leases import holder_lives

    if holder_lives(job_id):
        return False
    age_s = (clock.now() - asked_at).total_seconds()
    return age_s > QUEUED_GRACE_S and not _is_queued(job_id)


def _is_queued(job_id: str) -> bool:
    try:
        status = Job.fetch(job_id, connection=bus.connection()).get_status()
    except NoSuchJobError:
        return False
    return status in (JobStatus.QUEUED, JobStatus.SCHEDULED, JobStatus.DEFERRED)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else jobs.URGENT)
