"""The desks that watch: each sees its own reps, near ones singly, many as counts by cell."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable

import h3.api.basic_int as h3
import msgspec

from fieldcrm.kit import clock
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.tracking import frames, session
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.live_index import LivePoint, PhoneStatus
from fieldcrm.tracking.model import RepState
from workers.gateway.crew import Crew
from workers.gateway.websocket import WebSocket

SINGLY_MOST = 500
"""More reps than this in view are shown as counts by cell."""
TICK_S = 2.0
PING_S = 10.0
"""A page can't see WebSocket pings, so it gets a message at least this often."""
TOGETHER_S = 0.05
"""Frames to one desk are at least this far apart; what changes meanwhile goes into the next."""
UNSENT_MOST = 256 << 10
_log = logging.getLogger(__name__)
_encode = msgspec.json.encode


class Hub:
    """Where every rep is, as this gateway knows it, and the desks that look."""

    def __init__(self) -> None:
        self.crew: Crew = Crew(self.crew_changed)
        self.points: dict[str, LivePoint] = {}
        self.statuses: dict[str, PhoneStatus] = {}
        self.states: dict[str, RepState] = {}
        self.desks: set[Desk] = set()

    def take_points(self, points: Iterable[LivePoint]) -> None:
        """New positions; one older than what is known never counts."""
        changed = set()
        for point in points:
            rep_id = point.fix.rep_id
            known = self.points.get(rep_id)
            if known is None or point.fix.fix_at_ms > known.fix.fix_at_ms:
                self.points[rep_id] = point
                changed.add(rep_id)
        if changed:
            self._tell(changed)

    def take_status(self, status: PhoneStatus) -> None:
        """What a phone said of itself."""
        known = self.statuses.get(status.rep_id)
        if known is None or status.heard_at_ms >= known.heard_at_ms:
            self.statuses[status.rep_id] = status
            self._refresh_state(status.rep_id, clock.now_ms())

    def crew_changed(self, rep_ids: set[str]) -> None:
        """Names, teams, shifts or visits of these reps are different now."""
        now_ms = clock.now_ms()
        for rep_id in rep_ids:
            self._refresh_state(rep_id, now_ms)
        for desk in self.desks:
            desk.send_roster()

    def _refresh_state(self, rep_id: str, now_ms: int) -> None:
        state = self._state(rep_id, now_ms)
        if self.states.get(rep_id) is not state:
            self.states[rep_id] = state
            self._tell({rep_id})

    def _state(self, rep_id: str, now_ms: int) -> RepState:
        member, point = self.crew.member(rep_id), self.points.get(rep_id)
        return tracking.state_of(member, point, self.statuses.get(rep_id), now_ms)[0]

    def _tell(self, rep_ids: set[str]) -> None:
        now_ms = clock.now_ms()
        for rep_id in rep_ids:
            self.states[rep_id] = self._state(rep_id, now_ms)
        for desk in self.desks:
            desk.changed(rep_ids)

    def record(self, rep_id: str) -> bytes:
        """A rep's record as it stands now."""
        point, state = self.points.get(rep_id), self.states.get(rep_id, RepState.off_shift)
        return frames.rep_record(self.crew.index_of[rep_id], state, point.fix if point else None)

    async def tick(self) -> None:
        """As time goes by reps fall silent or idle without saying anything: look again and again."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                now_ms = clock.now_ms()
                for rep_id in self.crew.members:
                    self._refresh_state(rep_id, now_ms)
                for desk in list(self.desks):
                    desk.tick()
            except Exception:
                _log.exception("tick")

    def notice(self, team_id: str, text: bytes) -> None:
        """Forward a JSON notice to the desks of a team."""
        for desk in list(self.desks):
            if desk.sees_team(team_id):
                desk.socket.send_text(text)


class Desk:
    """One desk that is connected, and what it has not been told yet."""

    def __init__(
        self, hub: Hub, socket: WebSocket, actor: Actor, token: str,
        count: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.hub, self.socket, self.actor, self.token = hub, socket, actor, token
        self.scope = people.visible_team_ids(actor)
        self.view: session.View | None = None
        self._session = session.DeskSession()
        self._count = count
        self._number = 0
        self._changed: set[str] = set()
        self._away: set[str] = set()
        """Changed out of view: told with the next tick."""
        self._timer: asyncio.TimerHandle | None = None
        self._sent_at = 0.0
        self._roster: set[str] = set()
        self._is_cells = False
        self._pinged_at = 0.0

    def become(self, actor: Actor) -> None:
        """The user may see other teams now than when he came."""
        scope = people.visible_team_ids(actor)
        self.actor = actor
        if scope != self.scope:
            self.scope = scope
            self.send_roster()

    def sees_team(self, team_id: str | None) -> bool:
        """Whether a team's rows are this desk's to see."""
        return self.scope is None or team_id in self.scope

    def sees(self, rep_id: str) -> bool:
        """Whether a rep is this desk's to see: decided here, never by the browser."""
        member = self.hub.crew.members.get(rep_id)
        return member is not None and self.sees_team(member.team_id)

    def opened(self) -> None:
        self.hub.desks.add(self)
        hello = {"t": "hello", "now_ms": clock.now_ms(), "clock_speed": settings().clock_speed}
        self.socket.send_text(_encode(hello))
        self.send_roster()

    def lost(self) -> None:
        self.hub.desks.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def message(self, data: bytes) -> None:
        for event in self._session.receive(data):
            if isinstance(event, session.Bye):
                self._count("desk_refused")
                self.socket.close(event.code, event.reason)
                return
            if isinstance(event, session.View):
                self.view = event
            self.send_all()

    def send_roster(self) -> None:
        """Say which reps there are under which index; again whenever that changes."""
        mine = [m for m in self.hub.crew.members.values() if self.sees(m.rep_id)]
        rows = [
            {"i": self.hub.crew.index_of[m.rep_id], "id": m.rep_id, "name": m.name,
             "team_id": m.team_id}
            for m in mine
        ]  # fmt: skip
        if (known := {f"{r['i']}{r['name']}{r['team_id']}" for r in rows}) != self._roster:
            is_first = not self._roster
            self._roster = known
            self.socket.send_text(_encode({"t": "roster", "reps": rows}))
            if not is_first and self.view is not None:
                self.send_all()

    def changed(self, rep_ids: set[str]) -> None:
        """Some reps moved or do something else now."""
        if self.view is None:
            return
        for rep_id in rep_ids:
            if self.sees(rep_id):
                (self._changed if self._is_in_view(rep_id) else self._away).add(rep_id)
        if self._changed:
            self._send_soon()

    def tick(self) -> None:
        """Reps out of view have time; counts by cell too."""
        self._changed |= self._away
        self._away.clear()
        if (now := asyncio.get_running_loop().time()) - self._pinged_at >= PING_S:
            self._pinged_at = now
            self.socket.send_text(b'{"t":"ping","now_ms":%d}' % clock.now_ms())
        if self._changed or self._is_cells:
            self._send_soon()

    def _send_soon(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            wait = self._sent_at + TOGETHER_S - loop.time()
            self._timer = loop.call_later(max(0.0, wait), self._send_changes)

    def _send_changes(self) -> None:
        self._timer = None
        self._sent_at = asyncio.get_running_loop().time()
        if self.socket.connection.unsent > UNSENT_MOST:
            self._count("desk_slow")  # it reads slowly: it gets the newest later instead of all
            return
        if self._is_cells or len(self._in_view()) > SINGLY_MOST:
            self.send_all()
            return
        rep_ids, self._changed = self._changed, set()
        self._send(frames.DELTA, [self.hub.record(r) for r in sorted(rep_ids) if self.sees(r)])

    def send_all(self) -> None:
        """Everything in view from scratch, as singles or as counts."""
        if self.view is None:
            return
        self._changed.clear()
        in_view = self._in_view()
        self._is_cells = len(in_view) > SINGLY_MOST
        if self._is_cells:
            self._send(frames.CELLS, self._cells(in_view))
            return
        mine = [r for r in self.hub.crew.members if self.sees(r)]
        shown = mine if len(mine) <= SINGLY_MOST else in_view
        self._send(frames.SNAPSHOT, [self.hub.record(r) for r in shown])

    def _send(self, kind: int, records: list[bytes]) -> None:
        for frame in frames.frames(kind, self._number, clock.now_ms(), records):
            self._number = (self._number + 1) & 0xFFFFFFFF
            self.socket.send_binary(frame)

    def _in_view(self) -> list[str]:
        return [r for r in self.hub.crew.members if self.sees(r) and self._is_in_view(r)]

    def _is_in_view(self, rep_id: str) -> bool:
        point, view = self.hub.points.get(rep_id), self.view
        if point is None or view is None:
            return False
        if not view.south <= point.fix.lat <= view.north:
            return False
        return view.west <= point.fix.lng <= view.east or _wraps(view, point.fix.lng)

    def _cells(self, rep_ids: list[str]) -> list[bytes]:
        resolution = _resolution(self.view.zoom if self.view else 10)
        grouped: dict[int, list[str]] = defaultdict(list)
        for rep_id in rep_ids:
            grouped[h3.cell_to_parent(self.hub.points[rep_id].cell, resolution)].append(rep_id)
        return [self._cell(cell, members) for cell, members in sorted(grouped.items())]

    def _cell(self, cell: int, rep_ids: list[str]) -> bytes:
        fixes = [self.hub.points[r].fix for r in rep_ids]
        states = [self.hub.states.get(r) for r in rep_ids]
        return frames.cell_record(
            cell, sum(f.lat for f in fixes) / len(fixes), sum(f.lng for f in fixes) / len(fixes),
            len(rep_ids), states.count(RepState.silent), states.count(RepState.moving),
        )  # fmt: skip


def _wraps(view: session.View, lng: float) -> bool:
    """Whether a view beyond the date line holds a longitude."""
    return view.west <= lng + 360 <= view.east or view.west <= lng - 360 <= view.east


def _resolution(zoom: float) -> int:
    """The H3 resolution whose cells are some 60 pixels wide at a zoom."""
    return max(0, min(9, round((zoom - 1) * 0.7)))
