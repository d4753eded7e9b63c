"""How far a planning job is, told to desks and to `kit.jobs`, and whether anybody wants it still."""

from __future__ import annotations

import time

from fieldcrm.kit import bus, jobs
from fieldcrm.planning.model import Plan
from fieldcrm.planning.notices import notice

EVERY_S = 0.2


class Reporter:
    """Speaks for one job at most a few times a second."""

    def __init__(self, job_id: str, team_id: str) -> None:
        self.id, self.team_id, self.share, self._told = job_id, team_id, 0.0, 0.0

    def tell(self, share: float, _plan: Plan | None = None) -> None:
        """Report the share done; raises Cancelled."""
        self.share = share
        if time.monotonic() - self._told < EVERY_S:
            return
        self._told = time.monotonic()
        jobs.report(self.id, share)
        bus.publish(bus.desk_channel(self.team_id), notice(self.id, "running", share))

    def is_cancelled(self) -> bool:
        """Asked at each step of a search; raises Cancelled when somebody cancelled."""
        self.tell(self.share)
        return False
