"""Where every rep is, as this gateway knows it, and the beat by which the desks hear of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldcrm.kit import cells, clock
from fieldcrm.kit.settings import settings
from fieldcrm.tracking import frames
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.live_index import LivePoint, PhoneStatus
from fieldcrm.tracking.model import Fix, RepState
from workers.gateway.crew import Crew
from workers.gateway.news import Group, News
from workers.gateway.rounds import Round

if TYPE_CHECKING:
    from workers.gateway.desks import Desk

TICK_S = 2.0
SLICES = 20
"""A tick goes round in so many parts, so that no phone waits for the whole of it."""
FRAMES_PER_S = 50_000
"""To all desks together; the more there are, the longer is the time between two frames to one."""
WHOLE_EVERY_S = 30.0
"""What a short record leaves out (accuracy) is told at least so often while it changes."""
_log = logging.getLogger(__name__)


class Hub:
    """Positions, statuses and states of all reps, and the desks that look."""

    def __init__(self) -> None:
        self.crew: Crew = Crew(self.crew_changed)
        self.points: dict[str, LivePoint] = {}
        self.statuses: dict[str, PhoneStatus] = {}
        self.states: dict[str, RepState] = {}
        self.desks: set[Desk] = set()
        self._named: dict[str, tuple[str, str | None]] = {}
        self._changed: set[str] = set()
        self._records: dict[str, bytes] = {}
        self._whole: dict[str, tuple[bytes, int]] = {}
        """By rep: state, battery and flags as his last whole record told them, and when that was."""
        self._timer: asyncio.TimerHandle | None = None
        self._beat_at = 0.0
        self._round = Round((), News(0))
        """The last beat's news, while desks are left that have not heard them."""

    def take_points(self, points: Iterable[LivePoint]) -> None:
        """New positions; one older than what is known never counts."""
        known, changed = self.points, []
        for point in points:
            rep_id = point.fix.rep_id
            before = known.get(rep_id)
            if before is None or point.fix.fix_at_ms > before.fix.fix_at_ms:
                known[rep_id] = point
                changed.append(rep_id)
        if not self.desks:
            self._records.clear()  # nobody looks: who comes hears of everybody
            return
        for rep_id in changed:
            self._records.pop(rep_id, None)
        self._tell(changed)

    def forget(self, rep_id: str) -> None:
        """A rep's track was erased: nobody is shown where he was."""
        for known in (self.points, self.statuses, self._records, self._whole):
            known.pop(rep_id, None)
        self._tell([rep_id])

    def take_status(self, status: PhoneStatus) -> None:
        """What a phone said of itself."""
        known = self.statuses.get(status.rep_id)
        if known is None or status.heard_at_ms >= known.heard_at_ms:
            self.statuses[status.rep_id] = status
            self._refresh([status.rep_id], clock.now_ms())

    def crew_changed(self, rep_ids: set[str]) -> None:
        """Names, teams, shifts or visits of these reps are different now."""
        self._refresh(rep_ids, clock.now_ms())
        named = {m.rep_id: (m.name, m.team_id) for m in self.crew.members.values()}
        if named != self._named:
            self._named = named
            for desk in list(self.desks):
                desk.crew_changed()

    def welcome(self, desk: Desk) -> None:
        """One more desk looks; while none did, nobody asked what the reps do."""
        if not self.desks:
            self._refresh(self.crew.members, clock.now_ms())
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        self.desks.add(desk)
        self._tell(())

    def _refresh(self, rep_ids: Iterable[str], now_ms: int) -> None:
        """Have desks hear of those who do something else now."""
        changed = []
        for rep_id in rep_ids:
            state = self._state(rep_id, now_ms)
            if self.states.get(rep_id) is not state:
                self.states[rep_id] = state
                self._records.pop(rep_id, None)
                changed.append(rep_id)
        self._tell(changed)

    def _state(self, rep_id: str, now_ms: int) -> RepState:
        member, point = self.crew.member(rep_id), self.points.get(rep_id)
        return tracking.state_of(member, point, self.statuses.get(rep_id), now_ms)[0]

    def _tell(self, rep_ids: Iterable[str]) -> None:
        """Have desks hear of some reps with the next beat: at once where the last is long ago."""
        self._changed.update(rep_ids)
        if self._timer is None and self._changed and self._round.is_over:
            loop = asyncio.get_running_loop()
            wait = self._beat_at + self.gap_s - loop.time() if self.desks else TICK_S
            self._timer = loop.call_later(max(0.0, wait), self._beat)

    @property
    def gap_s(self) -> float:
        """Least time between two frames to one desk."""
        told = settings().desk_tick_ms
        return len(self.desks) / FRAMES_PER_S if told is None else told / 1000

    def _beat(self) -> None:
        self._timer = None
        self._beat_at = asyncio.get_running_loop().time()
        try:
            self._round = Round(self.desks, self._news())
        except Exception:
            _log.exception("beat")
        self._go_round()

    def _go_round(self) -> None:
        """Some desks hear of the beat; then whoever else wants something of this process, then on."""
        self._round.tell_some()
        if self._round.is_over:
            self._tell(())
        else:
            asyncio.get_running_loop().call_soon(self._go_round)

    def catch_up(self, desk: Desk) -> None:
        """A desk is about to be told what is newest: what it has yet to hear comes before that."""
        self._round.tell(desk)

    def _news(self) -> News:
        changed, self._changed = self._changed, set()
        news = News(clock.now_ms())
        if not self.desks:
            return news
        for rep_id in changed:
            state = self._state(rep_id, news.server_ms)
            if self.states.get(rep_id) is not state:
                self.states[rep_id] = state
                self._records.pop(rep_id, None)
            member, point = self.crew.members.get(rep_id), self.points.get(rep_id)
            if member is None:
                continue
            if point is None:
                news.nowhere[member.team_id].add(rep_id)
                continue
            cell = cells.parent(point.cell, cells.PUBLISH)
            self._add(news.by_team[member.team_id][cell], rep_id, point.fix, news.server_ms)
        return news

    def _add(self, group: Group, rep_id: str, fix: Fix, now_ms: int) -> None:
        whole = self.record(rep_id)
        group.rep_ids.add(rep_id)
        group.full.append(whole)
        move = frames.move_record(self.crew.index_of[rep_id], fix, now_ms // 1000)
        rest = whole[2:4] + whole[22:24]
        told, told_ms = self._whole.get(rep_id, (b"", 0))
        if move is not None and told == rest and now_ms - told_ms < WHOLE_EVERY_S * 1000:
            group.moves.append(move)
        else:
            self._whole[rep_id] = rest, now_ms
            group.rest.append(whole)

    def record(self, rep_id: str) -> bytes:
        """A rep's whole record as it stands now."""
        record = self._records.get(rep_id)
        if record is None:
            point, state = self.points.get(rep_id), self.states.get(rep_id, RepState.off_shift)
            fix = point.fix if point else None
            record = frames.rep_record(self.crew.index_of[rep_id], state, fix)
            self._records[rep_id] = record
        return record

    async def tick(self) -> None:
        """As time goes by reps fall silent or idle without saying anything: look again and again."""
        part = 0
        while True:
            await asyncio.sleep(TICK_S / SLICES)
            part = (part + 1) % SLICES
            if not self.desks:
                continue
            try:
                self._refresh(list(self.crew.members)[part::SLICES], clock.now_ms())
                for desk in list(self.desks)[part::SLICES]:
                    desk.tick()
            except Exception:
                _log.exception("tick")

    def notice(self, team_id: str, text: bytes) -> None:
        """Forward a JSON notice to the desks of a team."""
        for desk in list(self.desks):
            if desk.sees_team(team_id):
                desk.socket.send_text(text)
