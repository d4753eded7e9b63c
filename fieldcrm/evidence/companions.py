"""Colleagues who were on a visit too: their word, and what their own track says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlmodel import Session

from fieldcrm.kit import clock
from fieldcrm.kit.units import distance_m
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Fix
from fieldcrm.visits import joint
from fieldcrm.visits.tables import Visit

NEAR_M = 100.0
"""A colleague's track within this of the place speaks for him."""


@dataclass(frozen=True)
class Companion:
    """A colleague named for a visit. Distances are metres to the visit's place; None is unknown."""

    id: str
    name: str
    status: str
    """asked, confirmed, declined."""
    answered_at: datetime | None
    answer_m: float | None
    """Where he was when he answered."""
    track_m: float | None
    """The middle of his fixes while the visit lasted."""
    fixes: int

    @property
    def was_there(self) -> bool | None:
        """By his own track; None where it says nothing."""
        return None if self.track_m is None else self.track_m <= NEAR_M


def of_visit(session: Session, visit: Visit) -> list[Companion]:
    """Who was named, in the order in which he was."""
    return [_companion(session, visit, each) for each in joint.of_visit(session, visit.id)]


def _companion(session: Session, visit: Visit, each: joint.Joint) -> Companion:
    fixes = _fixes(session, visit, each.row.colleague_id)
    row = each.row
    return Companion(
        id=row.colleague_id, name=each.colleague_name, status=row.status,
        answered_at=row.answered_at if row.status != "asked" else None,
        answer_m=_metres(visit, row.lat, row.lng), track_m=_middle(visit, fixes), fixes=len(fixes),
    )  # fmt: skip


def _fixes(session: Session, visit: Visit, rep_id: str) -> list[Fix]:
    if visit.checked_in_at is None:
        return []
    return tracking.track_in(session, rep_id, visit.checked_in_at, visit.closed_at or clock.now())


def _middle(visit: Visit, fixes: Sequence[Fix]) -> float | None:
    found = [m for f in fixes if (m := _metres(visit, f.lat, f.lng)) is not None]
    return median(found) if found else None


def _metres(visit: Visit, lat: float | None, lng: float | None) -> float | None:
    if lat is None or lng is None or visit.lat is None or visit.lng is None:
        return None
    return distance_m(visit.lat, visit.lng, lat, lng)
