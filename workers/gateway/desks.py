"""The desks that watch: each sees its own reps, near ones singly, many as counts by cell."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

import h3.api.basic_int as h3
import msgspec

from fieldcrm.kit import clock
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, NotSignedIn, Role
from fieldcrm.tracking import frames, session
from fieldcrm.tracking.model import RepState
from workers.gateway.hub import Hub
from workers.gateway.news import Group, News, Reach, reach
from workers.gateway.websocket import WebSocket, binary_frame

PING_S = 10.0
"""A page can't see WebSocket pings, so it gets a message at least this often."""
UNSENT_MOST = 256 << 10
_encode = msgspec.json.encode


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
        self._mine: set[str] = set()
        """Reps it may see, decided here and never by the browser."""
        self._told: set[str] = set()
        """Reps it has had whole records of since its last snapshot."""
        self._late: set[str] = set()
        """Changed while it read too slowly, or out of view: told when there is time."""
        self._reach: dict[int, Reach] = {}
        self._roster: set[str] = set()
        self._is_cells = False
        self._pinged_at = 0.0

    def become(self, actor: Actor) -> None:
        """The user may see other teams now than when he came; raises NotSignedIn for a rep."""
        if actor.role is Role.rep:
            raise NotSignedIn()
        scope = people.visible_team_ids(actor)
        self.actor = actor
        if scope != self.scope:
            self.scope = scope
            self.crew_changed()

    def sees_team(self, team_id: str | None) -> bool:
        """Whether a team's rows are this desk's to see."""
        return self.scope is None or team_id in self.scope

    def opened(self) -> None:
        self.hub.welcome(self)
        hello = {"t": "hello", "now_ms": clock.now_ms(), "clock_speed": settings().clock_speed}
        self.socket.send_text(_encode(hello))
        self.crew_changed()

    def lost(self) -> None:
        self.hub.desks.discard(self)

    def message(self, data: bytes) -> None:
        for event in self._session.receive(data):
            if isinstance(event, session.Bye):
                self._count("desk_refused")
                self.socket.close(event.code, event.reason)
                return
            if isinstance(event, session.View):
                self.view = event
                self._reach.clear()
            self.send_all()

    def crew_changed(self) -> None:
        """Say which reps there are under which index; again whenever that changes."""
        mine = [m for m in self.hub.crew.members.values() if self.sees_team(m.team_id)]
        self._mine = {m.rep_id for m in mine}
        rows = [
            {"i": self.hub.crew.index_of[m.rep_id], "id": m.rep_id, "name": m.name,
             "team_id": m.team_id}
            for m in mine
        ]  # fmt: skip
        if (known := {f"{r['i']}{r['name']}{r['team_id']}" for r in rows}) != self._roster:
            self._roster = known
            self.socket.send_text(_encode({"t": "roster", "reps": rows}))
            self.send_all()

    def hear(self, news: News) -> None:
        """Take what concerns this desk from a beat, and send it.

        Twenty thousand times a second where a thousand desks look: so little is called here.
        """
        if self.view is None:
            return
        near: list[Group] = []
        singles: list[str] = []
        reaches = self._reach
        for team_id in news.by_team if self.scope is None else self.scope:
            for cell, group in news.groups_of(team_id):
                if reaches.get(cell) is Reach.inside:
                    near.append(group)
                else:
                    self._sort(self.view, cell, group, near, singles)
        for team_id in news.nowhere:
            if self.sees_team(team_id):
                self._late |= news.nowhere[team_id]
        if not near and not singles:
            return
        if self._may_send():
            self._send_changes(news, near, singles)
        else:
            self._late.update(singles, *(group.rep_ids for group in near))

    def _sort(
        self, view: session.View, cell: int, group: Group, near: list[Group], singles: list[str]
    ) -> None:
        """Where a group belongs: whole into the frame, in part, or to what may wait."""
        how = self._reach.get(cell)
        if how is None:
            how = self._reach[cell] = reach(view, cell)
        if how is Reach.inside:
            near.append(group)
        elif how is Reach.outside:
            self._late |= group.rep_ids
        else:
            seen = [r for r in group.rep_ids if self._is_in_view(r)]
            singles += seen
            self._late.update(group.rep_ids.difference(seen))

    def _may_send(self) -> bool:
        """Whether it shows reps singly and has read what was sent before."""
        if self.socket.connection.unsent > UNSENT_MOST:
            self._count("desk_slow")  # it gets the newest later instead of all
            return False
        return not self._is_cells

    def _send_changes(self, news: News, near: list[Group], singles: list[str]) -> None:
        messages: list[bytes] = []
        if self.view is not None and self.view.moves:
            unknown = [g for g in near if not self._told.issuperset(g.rep_ids)]
            known = [g for g in near if g not in unknown] if unknown else near
            moved, sections, whole, records = news.moves_body(known)
            for group in unknown:
                self._told |= group.rep_ids
                whole, records = whole + len(group.full), records + b"".join(group.full)
            if moved:
                head = frames.moves_head(self._next_number(), news.server_ms, moved)
                messages.append(head + sections)
        else:
            whole, records = news.full_body(near)
        if singles:
            self._told.update(singles)
            records += b"".join([self.hub.record(r) for r in singles])
        if records:
            count = whole + len(singles)
            messages += self._records(frames.DELTA, news.server_ms, count, records)
        self._send(messages)

    def _next_number(self) -> int:
        number, self._number = self._number, (self._number + 1) & 0xFFFFFFFF
        return number

    def _records(self, kind: int, server_ms: int, count: int, records: bytes) -> list[bytes]:
        """Messages of records, numbered."""
        messages = list(frames.frames_of(kind, self._number, server_ms, count, records))
        for _ in messages:
            self._next_number()
        return messages

    def _send(self, messages: list[bytes]) -> None:
        """Send messages at once: each write costs more than all that is done for a desk otherwise."""
        if len(messages) == 1:
            self.socket.send_binary(messages[0])
        elif messages:
            self.socket.send_frame(b"".join(map(binary_frame, messages)))

    def tick(self) -> None:
        """Tell what could wait: reps out of view, counts by cell, that the gateway lives."""
        now = asyncio.get_running_loop().time()
        if now - self._pinged_at >= PING_S:
            self._pinged_at = now
            self.socket.send_text(b'{"t":"ping","now_ms":%d}' % clock.now_ms())
        if self.view is None or self.socket.connection.unsent > UNSENT_MOST:
            return
        is_small = len(self._mine) <= self.view.singly
        if self._is_cells or (not is_small and self._are_many(self._in_view())):
            self.send_all()
            return
        self.hub.catch_up(self)
        late, self._late = self._late & self._mine, set()
        told = sorted(r for r in late if is_small or self._is_in_view(r))
        if told:
            self._told.update(told)
            self._send_all_of(frames.DELTA, told)

    def _are_many(self, in_view: list[str]) -> bool:
        return self.view is not None and len(in_view) > self.view.singly

    def send_all(self) -> None:
        """Everything in view from scratch, as singles or as counts."""
        if self.view is None:
            return
        self.hub.catch_up(self)
        self._late.clear()
        in_view = self._in_view()
        self._is_cells = self._are_many(in_view)
        if self._is_cells:
            cells = self._cells(in_view)
            self._send(self._records(frames.CELLS, clock.now_ms(), len(cells), b"".join(cells)))
            return
        is_small = len(self._mine) <= self.view.singly
        shown = sorted(self._mine, key=self.hub.crew.index_of.__getitem__) if is_small else in_view
        self._told = set(shown)
        self._send_all_of(frames.SNAPSHOT, shown)

    def _send_all_of(self, kind: int, rep_ids: list[str]) -> None:
        records = [self.hub.record(r) for r in rep_ids]
        self._send(self._records(kind, clock.now_ms(), len(records), b"".join(records)))

    def _in_view(self) -> list[str]:
        return [r for r in self.hub.crew.members if r in self._mine and self._is_in_view(r)]

    def _is_in_view(self, rep_id: str) -> bool:
        point, view = self.hub.points.get(rep_id), self.view
        if point is None or view is None:
            return False
        if not view.south <= point.fix.lat <= view.north:
            return False
        return view.west <= point.fix.lng <= view.east or _wraps(view, point.fix.lng)

    def _cells(self, rep_ids: Iterable[str]) -> list[bytes]:
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
