"""What the gateway knows of the reps beside their fixes: names, teams, shifts, visits under way.

Read from the database at start; then only those are read again of whom something changed: a notice
names them at once, and the feed, in which every change is numbered, is looked through every twenty
seconds, so that a lost notice is only late. Everybody is read again now and then, for what no
change tells, such as a restored backup.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from fieldcrm.kit import clock, feed
from fieldcrm.kit.database import reading
from fieldcrm.people import service as people
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Member

LOOK_EVERY_S = 20.0
WHOLE_EVERY_S = 600.0
_NOBODY = Member("", "", None)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Read:
    """What one look brought: of whom it told (None: of everybody), what, and up to which change."""

    asked: frozenset[str] | None
    found: dict[str, Member]
    seq: int


class Crew:
    """All reps by id, and each one's short number on the wire, which never changes meanwhile."""

    def __init__(self, on_change: Callable[[set[str]], None]) -> None:
        self.members: dict[str, Member] = {}
        self.index_of: dict[str, int] = {}
        self._on_change = on_change
        self._asked: set[str] = set()
        self._wanted = asyncio.Event()
        self._seq: int | None = None
        """The last change that is known here; None: everybody is to be read."""
        self._whole_at = 0.0

    def member(self, rep_id: str) -> Member:
        """A rep, or nobody in particular when he is unknown yet."""
        return self.members.get(rep_id, _NOBODY)

    def ask(self, rep_ids: Iterable[str]) -> None:
        """Have some reps read again soon."""
        self._asked.update(rep_ids)
        self._wanted.set()

    async def load(self) -> None:
        """Read everybody."""
        self._seq = None
        await self._look(frozenset())

    async def keep_fresh(self) -> None:
        """Read again whom notices and the feed name; survives a lost database."""
        while True:
            try:
                await asyncio.wait_for(self._wanted.wait(), LOOK_EVERY_S)
            except TimeoutError:
                self._forget_what_is_old()
            asked, self._asked = frozenset(self._asked), set()
            self._wanted.clear()
            try:
                await self._look(asked)
            except Exception:
                _log.exception("crew not read")
                self._asked |= asked
                await asyncio.sleep(1)

    def _forget_what_is_old(self) -> None:
        if time.monotonic() - self._whole_at > WHOLE_EVERY_S:
            self._seq = None

    async def _look(self, asked: frozenset[str]) -> None:
        if self._seq is None:
            self._whole_at = time.monotonic()
        read = await asyncio.to_thread(read_crew, asked, self._seq)
        self._seq = read.seq
        self._take(read)

    def _take(self, read: Read) -> None:
        asked = self.members.keys() if read.asked is None else read.asked
        before = {r: m for r in (*asked, *read.found) if (m := self.members.get(r)) is not None}
        gone = before.keys() - read.found.keys()
        changed = {r for r, m in read.found.items() if before.get(r) != m} | gone
        if not changed:
            return
        self.members = {r: m for r, m in self.members.items() if r not in gone} | read.found
        for rep_id in sorted(read.found.keys() - self.index_of.keys()):
            self.index_of[rep_id] = len(self.index_of)
        self._on_change(changed)


def read_crew(asked: frozenset[str], since: int | None) -> Read:
    """Read the reps asked for and those changed since; everybody where nothing is known yet."""
    with reading() as session:
        seq = feed.newest(session)
        if since is not None and seq < since:  # another database than before
            since = None
        changed = {feed.EVERYBODY} if since is None else feed.reps_since(session, since)
        wanted = None if since is None else asked | (changed - {feed.EVERYBODY})
        reps = people.reps_in(session, wanted) if wanted is None or wanted else []
        found = tracking.crew_in(session, reps, clock.now()) if reps else {}
    return Read(wanted, found, seq)
