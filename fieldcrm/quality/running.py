"""A run's life: asked for, beating, ended; the same for looks through the base and geocoding."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock, events, ids, job_rows, jobs
from fieldcrm.kit.database import transaction
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.quality import run_store
from fieldcrm.quality.model import NoSuchRun, RunKind, RunStatus, RunUnderWay
from fieldcrm.quality.tables import QualityRun

SILENT = timedelta(minutes=15)
"""A run that gave no sign for so long died with its machine and holds nobody up."""
WITHIN_S = 1800


def begin_in(session: Session, actor: Actor, kind: RunKind) -> QualityRun:
    """Note that a run is asked for, inside a transaction. Raises RunUnderWay."""
    found = run_store.under_way(session, kind)
    if found is not None and found.beat_at > clock.now() - SILENT:
        raise RunUnderWay()
    job_rows.end(found, RunStatus.failed)
    now = clock.now()
    made = QualityRun(
        id=ids.new_id(), kind=kind, asked_by=actor.user_id or None, asked_at=now, beat_at=now
    )
    session.add(made)
    events.record(session, f"quality.{kind}_asked", made.id, actor_id=actor.user_id or None,
                  source=actor.source)  # fmt: skip
    return made


def enqueue(run_id: str, function: str, part: int = 0) -> None:
    """Hand a run to a worker; raises Unavailable, the run then has failed."""
    job_rows.hand_over(
        jobs.LONG, function, run_id, job_id=f"{run_id}-{part}", timeout_s=WITHIN_S,
        failed=lambda: finish(run_id, RunStatus.failed),
    )  # fmt: skip


def start(run_id: str) -> bool:
    """Begin to work; False where it is over already."""
    with transaction() as session:
        found = job_rows.take_up(run_store.run(session, run_id))
        if found is not None:
            found.beat_at = clock.now()
        return found is not None


def beat_in(session: Session, run_id: str, progress: float) -> QualityRun:
    """Give a sign of life inside a transaction; raises Cancelled where nobody wants it any more."""
    found = run_store.run(session, run_id)
    if found is None or not job_rows.is_under_way(found):
        raise Cancelled(run_id)
    found.progress, found.beat_at = min(1.0, progress), clock.now()
    session.add(found)
    return found


def finish(run_id: str, status: RunStatus, report: dict[str, Any] | None = None) -> None:
    """How it ended; of two endings the first counts."""
    with transaction() as session:
        found = job_rows.end(run_store.run(session, run_id), status)
        if found is None:
            return
        if report is not None:
            found.report = report
        if status is RunStatus.done:
            found.progress = 1.0
            events.record(session, f"quality.{found.kind}_done", run_id, actor_id=found.asked_by,
                          source="worker")  # fmt: skip


def ending(run_id: str) -> AbstractContextManager[None]:
    """Around the work: a run that is cancelled or breaks in it ends so."""
    return job_rows.ending(lambda status: finish(run_id, RunStatus(status)))


def cancel(actor: Actor, run_id: str) -> None:
    """Stop a run (administrator); what it has written so far is true and stays. Raises NoSuchRun."""
    people.require(actor, Role.admin)
    with transaction() as session:
        found = run_store.run(session, run_id)
        if found is None:
            raise NoSuchRun()
        if job_rows.end(found, RunStatus.cancelled):
            events.record(session, "quality.run_cancelled", run_id, actor_id=actor.user_id or None,
                          source=actor.source)  # fmt: skip
