"""SQL of runs."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
# Columns of SQLModel rows look like plain values to the checker.

from __future__ import annotations

from sqlmodel import Session, col, select

from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.people.tables import User
from fieldcrm.quality.model import RunKind, RunStatus
from fieldcrm.quality.tables import QualityRun


def run(session: Session, run_id: str) -> QualityRun | None:
    """A run, locked until the transaction ends."""
    wanted = select(QualityRun).where(QualityRun.id == run_id).with_for_update()
    return session.exec(wanted.execution_options(populate_existing=True)).first()


def under_way(session: Session, kind: RunKind) -> QualityRun | None:
    """The run of a kind that nobody has finished."""
    wanted = select(QualityRun).where(
        QualityRun.kind == kind, col(QualityRun.status).in_(UNDER_WAY)
    )
    return session.exec(wanted.order_by(col(QualityRun.id).desc())).first()


def latest(session: Session, kind: RunKind, limit: int = 1) -> list[tuple[QualityRun, str | None]]:
    """The newest runs of a kind, with who asked for each."""
    wanted = (
        select(QualityRun, User.name)
        .outerjoin(User, col(User.id) == QualityRun.asked_by)
        .where(QualityRun.kind == kind)
        .order_by(col(QualityRun.id).desc())
        .limit(limit)
    )
    return [(row, name) for row, name in session.exec(wanted)]


def last_done(session: Session, kind: RunKind) -> QualityRun | None:
    """The newest run of a kind that came to its end."""
    wanted = select(QualityRun).where(QualityRun.kind == kind, QualityRun.status == RunStatus.done)
    return session.exec(wanted.order_by(col(QualityRun.id).desc())).first()
