"""Lists as files: asked for, made beside the desk, fetched in pieces by their maker, gone after a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from fieldcrm.exports import rules, sources, store
from fieldcrm.exports.model import ExportNotFound, ExportNotReady, ExportView, TooManyExports
from fieldcrm.exports.tables import ListExport
from fieldcrm.kit import clock, events, ids, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.made_files import MadeFiles
from fieldcrm.kit.settings import settings
from fieldcrm.kit.standing import FileStatus
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor

OFFICE = sources.OFFICE
KEEP = timedelta(hours=24)
"""So long a file may be fetched; then it is erased, since it holds people's data."""
MAKE_WITHIN_S = 1800
AT_ONCE = 3
"""Files being made for one person."""
SHOWN = 20


def ask(actor: Actor, list_name: str, form: str, asked: Mapping[str, Any]) -> ExportView:
    """Have a list made into a file, as the actor sees it when it is made; logged.

    Raises BadExport, RoleForbids, TooManyExports, Unavailable where no job can be queued.
    """
    people.require(actor, *OFFICE)
    source = sources.source(list_name, form)
    people.require(actor, *source.roles)
    told = source.read(asked)
    made = ListExport(
        id=ids.new_id(), maker_id=actor.user_id, list_name=list_name, form=form, asked=told,
        status=FileStatus.queued, asked_at=clock.now(),
    )  # fmt: skip
    with transaction() as session:
        if store.under_way(session, actor.user_id) >= AT_ONCE:
            raise TooManyExports()
        session.add(made)
        _log(session, actor, made, "export.asked", {})
    _files.queue(made.id)
    return _view(made)


def make(export_id: str) -> None:
    """The job: write the file, unless it is cancelled meanwhile."""
    _files.make(export_id, _write)


def _write(made: ListExport, path: Path) -> int:
    """The list as its maker may see it now; how many rows, where the list counts them."""
    actor = people.actor_of(made.maker_id, "worker")
    with transaction() as session:
        row = store.export(session, made.id)
        if row is not None:
            row.asked = {**row.asked, rules.SCOPE: rules.scope_of(actor)}
    source = sources.source(made.list_name, made.form)
    jobs.report(made.id, 0.0)
    wishes = rules.wishes(made.asked)
    return source.write(actor, made.form, wishes, path, lambda s: jobs.report(made.id, s))


def path_of(made: ListExport) -> Path:
    """Where a file lies: in a folder that nothing else serves."""
    return settings().home / "exports" / f"{made.id}.{made.form}"


def _log_made(session: Session, made: ListExport, rows: int) -> None:
    made.rows = rows
    _log(session, people.actor_of(made.maker_id, "worker"), made, "export.made", {"rows": rows})


_files = MadeFiles(
    "fieldcrm.exports.service.make", MAKE_WITHIN_S, KEEP, store.export, path_of, _log_made
)


def exports(actor: Actor) -> list[ExportView]:
    """What the actor asked for lately, the newest first."""
    people.require(actor, *OFFICE)
    erase_expired(clock.now())
    with reading() as session:
        found = store.exports_of(session, actor.user_id, SHOWN)
    return [_view(made) for made in found]


def get(actor: Actor, export_id: str) -> ExportView:
    """How one stands; raises ExportNotFound."""
    people.require(actor, *OFFICE)
    with reading() as session:
        made = _own(session, actor, export_id)
    return _view(made)


def _view(made: ListExport) -> ExportView:
    """As its maker sees it, a file whose job has died as failed."""
    _files.settled(made)
    return ExportView(
        id=made.id, list_name=made.list_name, form=made.form, status=FileStatus(made.status),
        progress=_files.progress(made), asked_at=made.asked_at,
        finished_at=made.finished_at, expires_at=made.expires_at, rows=made.rows, size=made.size,
    )  # fmt: skip


def cancel(actor: Actor, export_id: str) -> None:
    """Stop making a file, or erase a ready one before its time. Raises ExportNotFound."""
    people.require(actor, *OFFICE)
    with transaction() as session:
        made = _own(session, actor, export_id)
        if not _files.drop_in(made):
            return
        _log(session, actor, made, "export.cancelled", {})
    _files.clear(made)


def fetch(actor: Actor, export_id: str, is_first: bool = True) -> tuple[Path, str]:
    """A ready file's path and the name to keep it under, for its maker alone.

    One who may see less than when it was made, or has another role, loses it: it is erased. The log
    tells of the first piece that is fetched, not of each. Raises ExportNotFound, ExportNotReady.
    """
    people.require(actor, *OFFICE)
    erase_expired(clock.now())
    with transaction() as session:
        made = _own(session, actor, export_id)
        is_lost = made.status == FileStatus.ready and not rules.may_have(actor, made.asked)
        if is_lost and _files.drop_in(made):
            _log(session, actor, made, "export.withdrawn", {})
        status, path = made.status, path_of(made)
        if status == FileStatus.ready and path.is_file() and is_first:
            _log(session, actor, made, "export.fetched", {"rows": made.rows})
    if is_lost:
        _files.clear(made)
    if status != FileStatus.ready or not path.is_file():
        raise ExportNotReady(status=status)
    return path, f"{made.list_name}-{clock.local(made.asked_at):%Y-%m-%d}.{made.form}"


def _own(session: Session, actor: Actor, export_id: str) -> ListExport:
    made = store.export(session, export_id)
    if made is None or made.maker_id != actor.user_id:
        raise ExportNotFound()
    return made


def _log(session: Session, actor: Actor, made: ListExport, kind: str, data: dict[str, Any]) -> None:
    events.record(
        session, kind, made.id, actor_id=actor.user_id, source=actor.source,
        data={"list": made.list_name, "form": made.form, **data},
    )  # fmt: skip


def erase_expired(now: datetime) -> int:
    """Erase files whose time is over; returns how many."""
    with reading() as session:
        gone = store.over(session, now)
    return _files.expire(gone)
