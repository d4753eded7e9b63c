"""How far a rep's cycle is on a day, by the field's arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from fieldcrm.people.tables import User
from fieldcrm.planning import rules, store


@dataclass(frozen=True)
class CycleProgress:
    """How far a rep's cycle is on a day."""

    cycle_id: str
    name: str
    starts_on: date
    ends_on: date
    clients: dict[str, rules.CycleCount]
    pace: float | None
    """1.0 is on pace."""

    @property
    def planned(self) -> int:
        return sum(c.planned for c in self.clients.values())

    @property
    def done(self) -> int:
        """Visits done that the plan wanted: more at one client never hide a gap at another."""
        return sum(min(c.actual, c.planned) for c in self.clients.values())

    @property
    def remaining(self) -> int:
        return sum(c.remaining for c in self.clients.values())

    @property
    def to_schedule(self) -> int:
        return sum(c.to_schedule for c in self.clients.values())


def cycle_progress_in(session: Session, rep_id: str, day: date) -> CycleProgress | None:
    """A rep's cycle on a day, by the field's arithmetic; None without a cycle or targets."""
    rep = session.get(User, rep_id)
    cycle = store.cycle_on(session, rep.team_id, day) if rep and rep.team_id else None
    wanted = store.targets(session, cycle.id, rep_id) if cycle else {}
    if cycle is None or not wanted:
        return None
    done = store.visit_counts(session, rep_id, cycle.starts_on, cycle.ends_on, "closed")
    ahead = store.visit_counts(session, rep_id, day, cycle.ends_on, "planned")
    counts = {
        client: rules.CycleCount(planned, done.get(client, 0), ahead.get(client, 0))
        for client, planned in wanted.items()
    }
    days = rules.workdays(cycle.starts_on, cycle.ends_on, rep.work_days if rep else "12345")
    met = sum(min(c.actual, c.planned) for c in counts.values())
    gone = sum(d <= day for d in days)
    return CycleProgress(
        cycle.id, cycle.name, cycle.starts_on, cycle.ends_on, counts,
        rules.pace(sum(wanted.values()), met, gone, len(days)),
    )  # fmt: skip
