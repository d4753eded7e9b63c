"""What desks hear of a proposal: that its job runs, how far it is, what became of it."""

from __future__ import annotations

from typing import Any

from sqlmodel import Session

from fieldcrm.kit import feed
from fieldcrm.planning.tables import Proposal


def notify(session: Session, proposal: Proposal) -> None:
    """Tell the team's desks what became of a proposal."""
    feed.notify_desk(session, proposal.team_id, notice(proposal.id, proposal.status, 1.0))


def notice(proposal_id: str, status: str, progress: float) -> dict[str, Any]:
    """What desks hear of a job."""
    return {"t": "job", "id": proposal_id, "status": status, "progress": round(progress, 2)}
