"""Lists made into files in the background: how a file stands, and what is refused of one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fieldcrm.kit.errors import Conflict, Invalid, NotFound
from fieldcrm.kit.standing import FileStatus


@dataclass(frozen=True)
class ExportView:
    """A file as its maker sees it."""

    id: str
    list_name: str
    form: str
    status: FileStatus
    progress: float
    """0 to 1."""
    asked_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    rows: int
    size: int


class BadExport(Invalid):
    """No such list, a form that it can't be given in, or filters that it doesn't have."""

    code = "bad_list_file"


class ExportNotFound(NotFound):
    """No such file, or it is somebody else's: only who asked for it may have it."""

    code = "export_not_found"


class ExportNotReady(Conflict):
    """It is still being made, was cancelled, failed, or has expired; `params` says which."""

    code = "export_not_ready"


class TooManyExports(Conflict):
    """So many files are being made for this person already."""

    code = "too_many_exports"
