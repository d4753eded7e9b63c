"""A worker for tests, in the test's own process."""

from __future__ import annotations

from rq import Queue, SimpleWorker

from fieldcrm.kit import bus, jobs


def work_off(queue: str = jobs.LONG) -> None:
    """Do what is queued."""
    link = bus.connection()
    SimpleWorker([Queue(queue, connection=link)], connection=link).work(
        burst=True, logging_level="ERROR"
    )
