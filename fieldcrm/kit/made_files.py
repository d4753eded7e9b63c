"""Files that a job makes for one person: asked for, made whole or not at all, gone after a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlmodel import Session

from fieldcrm.kit import clock, job_rows, jobs
from fieldcrm.kit.database import transaction
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.kit.standing import FileStatus


class FileRow(job_rows.Ending, job_rows.Named, Protocol):
    """What a table keeps of each file."""

    expires_at: datetime | None
    size: int


@dataclass(frozen=True)
class MadeFiles[R: FileRow]:
    """One kind of file: where its rows and files are, who makes one, how long it lives."""

    job: str
    """The function that makes one by its id, as a worker calls it."""
    within_s: int
    keep: timedelta
    row: Callable[[Session, str], R | None]
    """A row by its id, locked until the transaction ends."""
    path_of: Callable[[R], Path]
    on_ready: Callable[[Session, R, Any], None]
    """Told what `write` returned, in the transaction that calls the file ready."""

    def queue(self, file_id: str) -> None:
        """Have a file made. Raises Unavailable; the file then has failed."""
        job_rows.hand_over(
            jobs.LONG, self.job, file_id, timeout_s=self.within_s,
            failed=lambda: self.finish(file_id, FileStatus.failed),
        )  # fmt: skip

    def make(self, file_id: str, write: Callable[[R, Path], Any]) -> None:
        """The job: write the file, unless it is cancelled meanwhile; it appears when it is whole."""
        with transaction() as session:
            found = job_rows.take_up(self.row(session, file_id))
        if found is None:
            return
        path = self.path_of(found)
        part = path.with_name(f"{path.name}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            told = write(found, part)
            part.replace(path)
            jobs.report(file_id, 1.0)
        except BaseException as error:
            self._give_up(file_id, (part, path), isinstance(error, Cancelled))
            if not isinstance(error, Cancelled):
                raise
        else:
            if not self.finish(file_id, FileStatus.ready, told):  # cancelled at the last moment
                path.unlink(missing_ok=True)

    def _give_up(self, file_id: str, paths: Iterable[Path], is_wish: bool) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
        self.finish(file_id, FileStatus.cancelled if is_wish else FileStatus.failed)

    def finish(self, file_id: str, status: FileStatus, told: Any = None) -> bool:
        """How it ended; of two endings the first counts, and False says that this isn't it."""
        with transaction() as session:
            found = job_rows.end(self.row(session, file_id), status)
            if found is not None and status is FileStatus.ready:
                found.expires_at = clock.now() + self.keep
                found.size = self.path_of(found).stat().st_size
                self.on_ready(session, found, told)
        return found is not None

    def settled(self, row: R) -> R:
        """The row; where its job has died it is failed, whoever looks first."""
        ended = job_rows.ending_of(row)
        if ended:
            self.finish(row.id, FileStatus(ended))
            row.status = ended
        return row

    def progress(self, row: R) -> float:
        """0 to 1; nothing of one that came to nothing."""
        is_whole = row.status == FileStatus.ready or job_rows.is_under_way(row)
        return job_rows.progress(row) if is_whole else 0.0

    def drop_in(self, row: R) -> bool:
        """Call off a file that is being made, erase a ready one; False where there is neither."""
        was_ready = row.status == FileStatus.ready
        if not was_ready and not job_rows.is_under_way(row):
            return False
        row.status = FileStatus.expired if was_ready else FileStatus.cancelled
        row.finished_at = row.finished_at or clock.now()
        return True

    def clear(self, row: R) -> None:
        """What `drop_in` leaves to do once it is committed: the job, and the file."""
        if row.status == FileStatus.cancelled:  # the job sees the row too before it says "ready"
            job_rows.stop(row.id)
        self.path_of(row).unlink(missing_ok=True)

    def expire(self, rows: Iterable[R]) -> int:
        """Erase ready files; returns how many."""
        count = 0
        for each in rows:
            self.path_of(each).unlink(missing_ok=True)
            with transaction() as session:
                found = self.row(session, each.id)
                if found is not None:
                    found.status = FileStatus.expired
            count += 1
        return count
