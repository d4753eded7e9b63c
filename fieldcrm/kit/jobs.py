"""Background jobs on RQ: queues by urgency, progress that a screen can show, cancel.

A job function lives in its worker or service, takes JSON arguments, and calls `report` as it goes;
it raises `Cancelled` from there when somebody cancelled it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fieldcrm.kit import bus

URGENT = "urgent"
WHAT_IF = "what_if"
"""Somebody waits for the answer, but nobody in the field does: before long ones, never before urgent."""
LONG = "long"


class Cancelled(Exception):
    """Somebody cancelled this job."""


@dataclass(frozen=True)
class JobState:
    """What a screen shows of a job: status is queued, started, finished, failed or cancelled."""

    id: str
    status: str
    progress: float
    """0 to 1."""
    note: str
    """A catalogue key for what it does now, or why it failed."""


def enqueue(
    queue: str, function: str, *args: Any, job_id: str | None = None, timeout_s: int = 300,
    retries: int = 2,
) -> str:  # fmt: skip
    """Queue `package.module.function` by name; returns the job's id."""
    from rq import Queue, Retry

    job = Queue(queue, connection=bus.connection()).enqueue(
        function, args=args, job_id=job_id, job_timeout=timeout_s, retry=Retry(max=retries),
        result_ttl=86_400, failure_ttl=86_400,
    )  # fmt: skip
    return job.id


def report(job_id: str, progress: float, note: str = "") -> None:
    """Say how far the job is; raises Cancelled when it is no longer wanted."""
    key = _key(job_id)
    pipe = bus.connection().pipeline(transaction=False)
    pipe.hset(key, mapping={"progress": progress, "note": note})
    pipe.expire(key, 86_400)
    pipe.hget(key, "cancelled")
    if pipe.execute()[2]:
        raise Cancelled(job_id)


def cancel(job_id: str) -> None:
    """Ask a job to stop: a queued one never starts, a running one stops at its next report."""
    from rq.exceptions import NoSuchJobError
    from rq.job import Job

    bus.connection().hset(_key(job_id), "cancelled", "1")
    try:
        Job.fetch(job_id, connection=bus.connection()).cancel()
    except NoSuchJobError:
        return


def state(job_id: str) -> JobState:
    """How a job stands; one that Redis has forgotten is 'failed' with note job.forgotten."""
    from rq.exceptions import NoSuchJobError
    from rq.job import Job

    seen = {k.decode(): v.decode() for k, v in bus.connection().hgetall(_key(job_id)).items()}  # type: ignore[union-attr]
    progress, note = float(seen.get("progress", 0)), seen.get("note", "")
    if "cancelled" in seen:
        return JobState(job_id, "cancelled", progress, "job.cancelled")
    try:
        status = Job.fetch(job_id, connection=bus.connection()).get_status()
    except NoSuchJobError:
        return JobState(job_id, "failed", progress, "job.forgotten")
    return JobState(job_id, str(getattr(status, "value", status)), progress, note)


def _key(job_id: str) -> str:
    return f"job:{job_id}"
