"""Every SQL statement of exports."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from fieldcrm.exports.tables import ListExport
from fieldcrm.kit.standing import UNDER_WAY, FileStatus


def export(session: Session, export_id: str) -> ListExport | None:
    """A file's row, locked against other writers until the transaction ends."""
    return session.get(ListExport, export_id, with_for_update=True)


def exports_of(session: Session, maker_id: str, limit: int) -> list[ListExport]:
    """What a person asked for, the newest first."""
    wanted = select(ListExport).where(ListExport.maker_id == maker_id)
    return list(session.exec(wanted.order_by(col(ListExport.id).desc()).limit(limit)))


def under_way(session: Session, maker_id: str) -> int:
    """How many files are being made for a person."""
    wanted = select(func.count()).select_from(ListExport)
    mine = wanted.where(
        ListExport.maker_id == maker_id, col(ListExport.status).in_(UNDER_WAY)
    )  # fmt: skip
    return session.exec(mine).one()


def over(session: Session, now: datetime) -> list[ListExport]:
    """Files whose time is over."""
    wanted = select(ListExport).where(
        ListExport.status == FileStatus.ready, col(ListExport.expires_at) <= now
    )
    return list(session.exec(wanted))
