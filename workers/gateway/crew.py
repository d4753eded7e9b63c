"""What the gateway knows of the reps beside their fixes: names, teams, shifts, visits under way.

Read from the database at start, again for a rep when a notice says that something of his changed,
and wholly every twenty seconds, so that a lost notice is only late.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from fieldcrm.kit import clock
from fieldcrm.kit.database import reading
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Member

EVERY_S = 20
_NOBODY = Member("", "", None)
_log = logging.getLogger(__name__)


class Crew:
    """All reps by id, and each one's short number on the wire, which never changes meanwhile."""

    def __init__(self, on_change: Callable[[set[str]], None]) -> None:
        self.members: dict[str, Member] = {}
        self.index_of: dict[str, int] = {}
        self._on_change = on_change
        self._asked: set[str] = set()
        self._wanted = asyncio.Event()

    def member(self, rep_id: str) -> Member:
        """A rep, or nobody in particular when he is unknown yet."""
        return self.members.get(rep_id, _NOBODY)

    def ask(self, rep_ids: Iterable[str]) -> None:
        """Have some reps read again soon."""
        self._asked.update(rep_ids)
        self._wanted.set()

    async def load(self) -> None:
        """Read everybody."""
        self._take(await asyncio.to_thread(_read, None), whole=True)

    async def keep_fresh(self) -> None:
        """Read again whom notices name, and everybody now and then; survives a lost database."""
        while True:
            try:
                await asyncio.wait_for(self._wanted.wait(), EVERY_S)
            except TimeoutError:
                self._asked.clear()
            asked, self._asked = self._asked, set()
            self._wanted.clear()
            try:
                self._take(await asyncio.to_thread(_read, asked or None), whole=not asked)
            except Exception:
                _log.exception("crew not read")
                await asyncio.sleep(1)

    def _take(self, found: dict[str, Member], whole: bool) -> None:
        merged = found if whole else {**self.members, **found}
        changed = {r for r, m in merged.items() if self.members.get(r) != m}
        changed |= self.members.keys() - merged.keys()
        self.members = merged
        for rep_id in sorted(merged):
            self.index_of.setdefault(rep_id, len(self.index_of))
        if changed:
            self._on_change(changed)


def _read(rep_ids: set[str] | None) -> dict[str, Member]:
    reps = [r for r in people.visible_reps(SYSTEM) if rep_ids is None or r.id in rep_ids]
    with reading() as session:
        return tracking.crew_in(session, reps, clock.now())
