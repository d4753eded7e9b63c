"""Group commit: while one batch goes to disk the next one forms; each is acknowledged after it.

A message is judged (tracking.pipeline) when it comes, into the batch that forms, and remembered at
once: so the same fix again is a duplicate although the first is still on its way to disk. Batches
are committed in their order, and where one fails all that were judged after it fail with it and
what was remembered is forgotten. So whatever a phone is told to be stored already is on disk then.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Collection

import redis.asyncio

from fieldcrm.kit import bus, clock
from fieldcrm.kit.settings import settings
from fieldcrm.tracking import live_index, pipeline
from fieldcrm.tracking.live_index import LivePoint, PhoneStatus, Writes
from fieldcrm.tracking.memory import DeviceMemory, RepMemory
from fieldcrm.tracking.model import Decoded, Outcome, Reason
from workers.gateway import store_link, turns
from workers.gateway.crew import Crew
from workers.gateway.pace import ENOUGH, Pace
from workers.gateway.store_link import StoreError, StoreLink

MOST_WAITING = 300_000
"""Fixes in memory, not yet on disk; more are turned away to come again."""
MOST_AT_ONCE = 20_000
MEET_WITHIN_S = 10.0
MOST_REMEMBERED = 100_000
_RECORDED = Outcome(1)
"""Of a message with one fix that nothing is to be said of."""
_log = logging.getLogger(__name__)
DeviceKey = tuple[str, str]
"""(rep, device)."""


Done = Callable[[Outcome | None], None]
"""Hears what became of a message once it is on disk, or None when it wasn't stored."""


Submission = tuple[DeviceKey, str, Decoded, int | None, Done, PhoneStatus | None]
"""A message as `submit` takes it."""


class Batch:
    """Messages that are committed together, and whom to tell."""

    __slots__ = ("answers", "devices", "fixes", "writes")

    def __init__(self) -> None:
        self.writes = Writes()
        self.answers: list[tuple[Done, Outcome]] = []
        self.devices: list[DeviceKey] = []
        self.fixes = 0

    def tell(self, is_stored: bool) -> None:
        """Acknowledge all messages; a phone that has gone must not harm the others."""
        for done, outcome in self.answers:
            try:
                done(outcome if is_stored else None)
            except Exception as error:
                _log.debug("an acknowledgement did not leave: %r", error)


class Committer:
    """The one writer of a gateway."""

    def __init__(self, crew: Crew, on_points: Callable[[list[LivePoint]], None],
                 on_status: Callable[[PhoneStatus], None],
                 between_frames_s: Callable[[], float] = float) -> None:  # fmt: skip
        self._crew, self._on_points, self._on_status = crew, on_points, on_status
        self._strangers: deque[Submission] = deque()
        """Messages of devices that nothing is remembered of yet."""
        self._batches: deque[Batch] = deque()
        """Judged and not yet on disk; the last one still forms, unless it is the one under way."""
        self._is_under_way = False
        """Whether the oldest of them was sent and is not answered yet."""
        self._trouble: Exception | None = None
        """What went wrong with it."""
        self._news = asyncio.Event()
        """Something was heard from the store."""
        self._fixes_waiting = 0
        self._pace = Pace(between_frames_s)
        self._connection: redis.asyncio.Redis | None = None
        self._link: StoreLink | None = None
        self.reps: OrderedDict[str, RepMemory] = OrderedDict()
        self.devices: OrderedDict[DeviceKey, DeviceMemory] = OrderedDict()
        self.is_storing = True
        """Whether the last commit succeeded."""

    def submit(
        self, key: DeviceKey, source: str, decoded: Decoded, phone_now_ms: int | None, done: Done,
        status: PhoneStatus | None = None,
    ) -> bool:  # fmt: skip
        """Take a message; False when there is no room, and `done` will not be called."""
        if self._fixes_waiting > MOST_WAITING:
            return False
        self._fixes_waiting += len(decoded.fixes)
        if key in self.devices and key[0] in self.reps:
            self._take(key, source, decoded, phone_now_ms, done, status)
        else:
            self._strangers.append((key, source, decoded, phone_now_ms, done, status))
        self._pace.more()
        return True

    def _take(
        self, key: DeviceKey, source: str, decoded: Decoded, phone_now_ms: int | None, done: Done,
        status: PhoneStatus | None,
    ) -> None:  # fmt: skip
        """Judge a message into the batch that forms."""
        batch = self._batches[-1] if len(self._batches) > self._is_under_way else None
        if batch is None or batch.fixes > MOST_AT_ONCE:
            self._batches.append(batch := Batch())
        batch.fixes += len(decoded.fixes)
        batch.devices.append(key)
        try:
            outcome = self._judge(key, source, decoded, phone_now_ms, status, batch.writes)
        except Exception:  # a bug that it uncovers must not hold up those beside it
            _log.exception("message of device %s not judged", key[1])
            outcome = Outcome()
            outcome.reject(Reason.malformed, len(decoded.fixes))
        if outcome.rejected:
            for reason, count in outcome.rejected.items():
                batch.writes.count(reason, count)
        batch.answers.append((done, outcome))

    def _judge(
        self, key: DeviceKey, source: str, decoded: Decoded, phone_now_ms: int | None,
        status: PhoneStatus | None, writes: Writes,
    ) -> Outcome:  # fmt: skip
        rep_id, device_id = key
        device, rep, now_ms = self.devices[key], self.reps[rep_id], clock.now_ms()
        spans, offset = self._crew.member(rep_id).spans, device.offset_ms
        if len(decoded.fixes) == 1 and not decoded.malformed:
            fix = pipeline.at_a_glance(
                decoded.fixes[0], rep_id, device_id, source, device, rep, spans, now_ms, phone_now_ms
            )  # fmt: skip
            if fix is not None:
                device.remember_one(fix)
                writes.record_newest(fix, rep.still_since_ms, rep.cell_at(fix.lat, fix.lng))
                return _RECORDED
        judged = pipeline.judge(
            decoded, rep_id=rep_id, device_id=device_id, source=source, device=device, rep=rep,
            spans=spans, now_ms=now_ms, phone_now_ms=phone_now_ms,
        )  # fmt: skip
        writes.record(judged.recorded)
        device.remember(judged.recorded)
        if judged.held:
            writes.held += judged.held
            device.remember(judged.held)
        if newest := judged.newest:
            writes.move(live_index.point_of(newest, rep.still_since_ms, device.offset_ms))
        if device.offset_ms != offset:
            writes.offsets["|".join(key)] = device.offset_ms
        if status is not None:
            writes.statuses[rep_id] = status
        elif judged.heard:
            writes.statuses[rep_id] = PhoneStatus(rep_id, now_ms, mode=source)
        return judged.outcome

    async def run(self) -> None:
        """Commit batches until cancelled; after a failure all that wait are told, then a pause."""
        while True:
            await self._pace.due()
            try:
                await self.commit_next()
            except Exception as error:
                await self._failed(error)

    async def commit_next(self) -> None:
        """Send what is due once nothing is under way; its phones are told when it is on disk."""
        while self._trouble is None and self._is_under_way:
            self._news.clear()
            await self._news.wait()
        if self._trouble is not None:
            raise self._trouble
        if not self._pace.is_due:  # it was sent as soon as the store was free
            return
        self._pace.begin()
        if self._link is None or self._strangers:
            async with asyncio.timeout(MEET_WITHIN_S):
                await self._prepare()
        self._send_oldest()

    def _send_oldest(self) -> None:
        """Send the oldest batch, if there is one; raises StoreError."""
        assert self._link is not None
        if self._batches:
            self._is_under_way = True
            if len(self._batches) > 1:
                self._pace.more(ENOUGH)
            self._link.send(live_index.commands_of(self._batches[0].writes), self._hear)

    def _hear(self, error: StoreError | None) -> None:
        """The batch under way is on disk, or it failed."""
        self._is_under_way, self._trouble = False, error
        self._news.set()
        if error is not None:
            self._pace.more(ENOUGH)
            return
        batch = self._batches.popleft()
        self._fixes_waiting -= batch.fixes
        self.is_storing = True
        self._keep_busy()
        self._tell(batch)

    def _keep_busy(self) -> None:
        """Send what is due before the phones of the last batch are told: the disk works meanwhile."""
        if not self._pace.is_due or self._strangers:
            return
        self._pace.begin()
        try:
            self._send_oldest()
        except StoreError as error:
            self._hear(error)

    async def _prepare(self) -> None:
        """Have a connection to the store, and in memory what is known of whom it is new to."""
        if self._link is None:
            self._link = await store_link.connect()
            if store := turns.peer(self._link.socket):
                turns.shorten(turns.STORE_S, store)
                if settings().realtime:
                    turns.go_first(turns.STORE_RANK, store)
        if self._strangers:
            await self._meet_strangers()

    def _tell(self, batch: Batch) -> None:
        """Tell phones and desks what a commit has brought to disk."""
        batch.tell(is_stored=True)
        self._on_points([point for point, _ in batch.writes.points.values()])
        for status in batch.writes.statuses.values():
            self._on_status(status)
        self._forget_oldest()

    async def _meet_strangers(self) -> None:
        """Have in memory what is known of new reps and devices, and judge their messages.

        Those that came meanwhile too, since the next of a device met is judged when it comes: its
        messages keep their order.
        """
        await self._remember([submission[0] for submission in self._strangers])
        came, self._strangers = self._strangers, deque()
        for submission in came:
            key = submission[0]
            if key in self.devices and key[0] in self.reps:
                self._take(*submission)
            else:
                self._strangers.append(submission)
        if self._strangers:
            self._pace.more(ENOUGH)

    async def _remember(self, keys: Collection[DeviceKey]) -> None:
        reps = sorted({key[0] for key in keys} - self.reps.keys())
        devices = sorted(set(keys) - self.devices.keys())
        if reps:
            found = await self._redis().hmget(live_index.LIVE, reps)  # type: ignore[misc]
            for rep_id, data in zip(reps, found, strict=True):
                point = live_index.decode_point(data)
                self.reps[rep_id] = (
                    RepMemory(point.fix, point.still_since_ms) if point else RepMemory()
                )
        if devices:
            names = ["|".join(key) for key in devices]
            offsets = await self._redis().hmget(live_index.CLOCKS, names)  # type: ignore[misc]
            for key, offset in zip(devices, offsets, strict=True):
                self.devices[key] = DeviceMemory(int(offset or 0))

    def _forget_oldest(self) -> None:
        while len(self.reps) > MOST_REMEMBERED:
            self.reps.popitem(last=False)
        while len(self.devices) > MOST_REMEMBERED:
            self.devices.popitem(last=False)

    def take_remote(self, point: LivePoint) -> None:
        """Another gateway heard of a rep: his newest fix counts here too."""
        rep = self.reps.get(point.fix.rep_id)
        if rep and (rep.newest is None or point.fix.fix_at_ms > rep.newest.fix_at_ms):
            rep.newest, rep.still_since_ms = point.fix, point.still_since_ms
            rep.anchor = (point.fix.lat, point.fix.lng)

    async def _failed(self, error: Exception) -> None:
        if self.is_storing:
            _log.warning("not stored, phones will send again: %r", error)
        self.is_storing = False
        batches, self._batches = self._batches, deque()
        self._is_under_way, self._trouble = False, None
        self._pace.begin()
        strangers, self._strangers = self._strangers, deque()
        self._fixes_waiting = 0
        for batch in batches:
            for key in batch.devices:  # what is remembered of them may not be on disk
                self.devices.pop(key, None)
                self.reps.pop(key[0], None)
        for batch in batches:
            batch.tell(is_stored=False)
        for _, _, _, _, done, _ in strangers:
            done(None)
        await self._drop_connection()
        await asyncio.sleep(random.uniform(0.05, 0.3))

    def _redis(self) -> redis.asyncio.Redis:
        if self._connection is None:
            self._connection = bus.async_connection()
        return self._connection

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        link, self._link = self._link, None
        if link is not None:
            link.close()
        if connection is not None:
            try:
                await connection.aclose()
            except Exception as error:
                _log.debug("closing a broken connection: %r", error)

    async def finish(self, seconds: float = 3.0) -> None:
        """Give what waits a little time to get to disk before the process ends."""
        until = asyncio.get_running_loop().time() + seconds
        while self._fixes_waiting and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)
