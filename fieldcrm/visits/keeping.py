"""Photos and sounds that are no longer kept: the picture goes, the fact that there was one stays."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.clients import card_photos
from fieldcrm.clients.ownfields import files as card_files
from fieldcrm.kit import clock, files
from fieldcrm.kit.database import reading, transaction
from fieldcrm.visits.tables import Attachment, Visit

AT_ONCE = 500
AGAIN = timedelta(days=3)
"""Files of rows erased so lately are looked for once more: a process may have died in between."""


def count_in(
    session: Session, *, rep_id: str | None = None, before: date | None = None
) -> tuple[int, int]:
    """(attachments, bytes) kept of a rep, or of visits and corrections before a local day.

    What a rep sent for own fields of cards is his too; by its day it goes never, as the card's.
    """
    wanted = select(func.count(), func.coalesce(func.sum(Attachment.size), 0)).select_from(
        Attachment
    )
    found = session.exec(wanted.join(Visit).where(*_kept(rep_id, before))).one()
    others, their_bytes = card_photos.count_in(session, rep_id, before)
    papers, bytes_of_papers = card_files.count_in(session, rep_id)
    return int(found[0]) + others + papers, int(found[1]) + their_bytes + bytes_of_papers


def _kept(rep_id: str | None, before: date | None) -> list[Any]:
    wanted: list[Any] = [
        col(Attachment.erased_at).is_(None),
        col(Attachment.stored_at).is_not(None),
    ]
    if rep_id is not None:
        wanted.append(Visit.rep_id == rep_id)
    if before is not None:
        wanted.append(Visit.day < before)
    return wanted


def erase(*, rep_id: str | None = None, before: date | None = None) -> int:
    """Erase the attachments of a rep, or of visits and corrections before a local day; how many."""
    with transaction() as session:
        gone = card_photos.erase_in(session, rep_id, before)
        gone += card_files.erase_in(session, rep_id)
    while True:
        with transaction() as session:
            wanted = select(Attachment).join(Visit).where(*_kept(rep_id, before)).limit(AT_ONCE)
            rows = list(session.exec(wanted))
            for row in rows:
                row.erased_at = clock.now()
                row.lat = row.lng = None
        gone += len(rows)
        if not rows:
            _unlink_erased()
            return gone


def _unlink_erased() -> None:
    """Take from the disk what no attachment needs any more."""
    with reading() as session:
        hashes = _erased_since(session, clock.now() - AGAIN)
        needed = _needed(session, hashes)
    for sha256 in hashes - needed:
        with suppress(FileNotFoundError, files.WrongHash):
            files.path_of(sha256).unlink()


def _erased_since(session: Session, since: datetime) -> set[str]:
    erased = select(Attachment.sha256).where(col(Attachment.erased_at) >= since)
    others = card_photos.erased_since(session, since) | card_files.erased_since(session, since)
    return set(session.exec(erased)) | others


def _needed(session: Session, hashes: Iterable[str]) -> set[str]:
    """Those of the hashes that another attachment still shows."""
    found: set[str] = set()
    wanted = sorted(hashes)
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        found |= card_photos.needed(session, some) | card_files.needed(session, some)
        found |= set(
            session.exec(
                select(Attachment.sha256).where(
                    col(Attachment.sha256).in_(some), col(Attachment.erased_at).is_(None)
                )
            )
        )
    return found
