"""What a person may ask for: all that is kept of him in a file, or his track erased."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fieldcrm.kit.errors import Conflict, NotFound
from fieldcrm.kit.standing import FileStatus


class NoSuchFile(NotFound):
    """No such file, or it is somebody else's: only who asked for it may have it."""

    code = "no_such_person_file"


class FileNotReady(Conflict):
    """It is still being made, was cancelled, failed, or has expired; `params` says which."""

    code = "person_file_not_ready"


class FileUnderWay(Conflict):
    """A file of this person is being made for the same administrator already."""

    code = "person_file_under_way"


class NotCounted(Conflict):
    """Nobody looked at what would be erased, or too long ago."""

    code = "erasure_not_counted"


class WrongConfirmation(Conflict):
    """The login that was typed is not that of the person to be erased."""

    code = "erasure_wrong_login"


@dataclass(frozen=True)
class Footprint:
    """What is kept of a rep."""

    rep_id: str
    login: str
    name: str
    fixes: int
    first_at: datetime | None
    last_at: datetime | None
    waiting: int
    """Fixes that wait, seen by nobody, for word of their shift."""
    aside: int
    """Fixes that the recorder could not record and put aside."""
    alerts: int
    photos: int
    photo_bytes: int
    visits: int
    shifts: int
    messages: int
    """What the office wrote to him: changed plans, tasks, reminders."""


@dataclass(frozen=True)
class PersonFileView:
    """A person's file as its maker sees it."""

    id: str
    rep_id: str
    rep_name: str
    status: FileStatus
    progress: float
    """0 to 1."""
    note: str
    """A catalogue key for what it does now; empty when nothing is under way."""
    asked_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None
    size: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Erased:
    """What is gone."""

    fixes: int
    photos: int
    messages: int
