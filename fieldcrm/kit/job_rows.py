"""What a row that a background job works on goes through: queued, running, ended once.

The row is the truth and the job its worker: whoever wants it no more ends the row, and the job
finds that when it next writes. Each domain names its own endings and what it logs of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Protocol

from redis.exceptions import RedisError

from fieldcrm.kit import clock, jobs
from fieldcrm.kit.errors import Unavailable
from fieldcrm.kit.jobs import Cancelled, JobState
from fieldcrm.kit.standing import CANCELLED, FAILED, RUNNING, UNDER_WAY


class Worked(Protocol):
    """A row that says how its work stands."""

    status: str


class Ending(Worked, Protocol):
    """One that says too when the work was over."""

    finished_at: datetime | None


class Named(Worked, Protocol):
    """One whose id is its job's too."""

    id: str


def is_under_way(row: Worked) -> bool:
    """Whether a worker should have it or be at it."""
    return row.status in UNDER_WAY


def take_up[R: Worked](row: R | None) -> R | None:
    """Begin to work; None where nobody wants it any more. A job tried again takes it up again."""
    if row is None or not is_under_way(row):
        return None
    row.status = RUNNING
    return row


def end[R: Ending](row: R | None, status: str) -> R | None:
    """Say how it ended; None where it has ended before: of two endings the first counts."""
    if row is None or not is_under_way(row):
        return None
    row.status, row.finished_at = status, clock.now()
    return row


def hand_over(
    queue: str, function: str, row_id: str, *, timeout_s: int, failed: Callable[[], object],
    job_id: str = "",
) -> None:  # fmt: skip
    """Give the row to a worker; without a queue `failed` ends it and Unavailable is raised."""
    try:
        jobs.enqueue(queue, function, row_id, job_id=job_id or row_id, timeout_s=timeout_s)
    except RedisError as error:
        failed()
        raise Unavailable("jobs") from error


def offer(queue: str, function: str, row_id: str, *, timeout_s: int) -> None:
    """The same where a worker looks for rows that nobody has: without Valkey it waits for that."""
    with suppress(RedisError):
        jobs.enqueue(queue, function, row_id, job_id=row_id, timeout_s=timeout_s)


@contextmanager
def ending(finish: Callable[[str], object]) -> Iterator[None]:
    """Work that ends its row by itself where all goes well: cancelled or failed is said here."""
    try:
        yield
    except Cancelled:
        finish(CANCELLED)
    except BaseException:
        finish(FAILED)
        raise


def seen(row: Named) -> JobState | None:
    """How the job of a row under way stands; None where it is over, or Valkey away."""
    if is_under_way(row):
        with suppress(RedisError):
            return jobs.state(row.id)
    return None


def progress(row: Named) -> float:
    """0 to 1; all of it once the row has ended."""
    state = seen(row)
    return state.progress if state else 0.0 if is_under_way(row) else 1.0


def ending_of(row: Named) -> str | None:
    """How the job ended without a word of it in the row, as one does that dies with its machine."""
    state = seen(row)
    return state.status if state and state.status in (FAILED, CANCELLED) else None


def stop(row_id: str) -> None:
    """Have the job stop soon; without Valkey it stops where it next sees that its row has ended."""
    with suppress(RedisError):
        jobs.cancel(row_id)
