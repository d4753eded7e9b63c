"""Today's visits that want a rep: theirs is not at work, or they were cancelled and have no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fieldcrm.kit import clock, i18n
from fieldcrm.pages.dispatch_reps import short_name
from fieldcrm.people.tables import User
from fieldcrm.visits.board import DayVisit

PATIENCE = timedelta(minutes=30)
"""A rep who hasn't started so long after his shift's hour counts as not at work."""
MOST = 100
STANDING = ("planned", "under_way", "closed")


@dataclass
class LooseRow:
    """A visit of today that waits for a rep."""

    id: str
    title: str
    category: str
    at: str
    """Its planned time."""
    why: str


def loose_rows(
    views: Sequence[DayVisit], reps: Mapping[str, User], states: Mapping[str, str], language: str
) -> list[LooseRow]:
    """The first of them, by planned time; `reps` are those the reader sees, `states` theirs by id."""
    now = clock.now()
    standing = {v.visit.client_id for v in views if v.visit.state in STANDING}
    found = [(v, why) for v in views if (why := _why(v, reps, states, standing, now))]
    found.sort(key=lambda pair: (pair[0].visit.planned_at or now, pair[0].visit.id))
    return [_row(view, why, reps, language) for view, why in found[:MOST]]


def _why(
    view: DayVisit, reps: Mapping[str, User], states: Mapping[str, str], standing: set[str],
    now: datetime,
) -> str:  # fmt: skip
    """The word for what it lacks: cancelled, no_rep, no_shift; empty when it lacks nothing."""
    v = view.visit
    if v.state == "cancelled":
        return "" if v.client_id in standing else "cancelled"
    if v.state != "planned":
        return ""
    rep = reps.get(v.rep_id)
    if rep is None:
        return "no_rep"
    is_due = now >= shift_start(rep, now) + PATIENCE
    return "no_shift" if states.get(v.rep_id, "off_shift") == "off_shift" and is_due else ""


def shift_start(rep: User, now: datetime) -> datetime:
    """When a rep's shift should start today."""
    midnight, _ = clock.day_bounds(clock.local(now).date())
    return midnight + timedelta(minutes=rep.shift_start_min)


def _row(view: DayVisit, why: str, reps: Mapping[str, User], language: str) -> LooseRow:
    v, rep = view.visit, reps.get(view.visit.rep_id)
    name = short_name(rep.name if rep else view.rep_name)
    return LooseRow(
        id=v.id, title=view.client_name, category=view.category or "",
        at=i18n.time_of_day(v.planned_at, language) if v.planned_at else "—",
        why=i18n.t(f"dispatch.loose.{why}", language, rep=name),
    )  # fmt: skip
