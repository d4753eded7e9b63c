"""Group commit: while one batch goes to disk the next one forms; each is acknowledged after it.

Judging (tracking.pipeline) happens when a batch forms, one batch at a time, so what a phone is told
to be a duplicate is on disk, or goes there with this very batch.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict, deque
from collections.abc import Callable

import redis.asyncio

from fieldcrm.kit import bus, clock
from fieldcrm.tracking import live_index, pipeline
from fieldcrm.tracking.live_index import LivePoint, PhoneStatus, Writes
from fieldcrm.tracking.model import Decoded, Doubt, Outcome, Reason
from fieldcrm.tracking.pipeline import DeviceMemory, Judged, RepMemory
from workers.gateway.crew import Crew

MOST_WAITING = 300_000
"""Fixes in memory, not yet on disk; more are turned away to come again."""
MOST_AT_ONCE = 5_000
STORE_WITHIN_S = 10.0
MOST_REMEMBERED = 100_000
_DOUBTS = [(d, f"doubt_{d.name}") for d in Doubt if d]
_log = logging.getLogger(__name__)


class Submission:
    """One message on its way to disk; `done` hears the outcome, or None when it wasn't stored."""

    __slots__ = ("decoded", "device_id", "done", "phone_now_ms", "rep_id", "source", "status")

    def __init__(
        self, rep_id: str, device_id: str, source: str, decoded: Decoded,
        phone_now_ms: int | None, done: Callable[[Outcome | None], None],
        status: PhoneStatus | None = None,
    ) -> None:  # fmt: skip
        self.rep_id = rep_id
        self.device_id = device_id
        self.source = source
        self.decoded = decoded
        self.phone_now_ms = phone_now_ms
        self.done = done
        self.status = status


class Committer:
    """The one writer of a gateway."""

    def __init__(self, crew: Crew, on_points: Callable[[list[LivePoint]], None],
                 on_status: Callable[[PhoneStatus], None]) -> None:  # fmt: skip
        self._crew, self._on_points, self._on_status = crew, on_points, on_status
        self._waiting: deque[Submission] = deque()
        self._fixes_waiting = 0
        self._wanted = asyncio.Event()
        self._connection: redis.asyncio.Redis | None = None
        self.reps: OrderedDict[str, RepMemory] = OrderedDict()
        self.devices: OrderedDict[tuple[str, str], DeviceMemory] = OrderedDict()
        self.is_storing = True
        """Whether the last commit succeeded."""

    def submit(self, submission: Submission) -> bool:
        """Queue a message; False when there is no room, and `done` will not be called."""
        if self._fixes_waiting > MOST_WAITING:
            return False
        self._waiting.append(submission)
        self._fixes_waiting += len(submission.decoded.fixes)
        self._wanted.set()
        return True

    async def run(self) -> None:
        """Commit batches until cancelled; a failed one is answered with None, then waited a little."""
        while True:
            await self._wanted.wait()
            batch = self._take()
            if not batch:
                self._wanted.clear()
                continue
            try:
                async with asyncio.timeout(STORE_WITHIN_S):
                    await self._commit(batch)
                self.is_storing = True
            except Exception as error:
                await self._failed(batch, error)

    def _take(self) -> list[Submission]:
        batch, fixes = [], 0
        while self._waiting and fixes < MOST_AT_ONCE:
            submission = self._waiting.popleft()
            fixes += len(submission.decoded.fixes)
            batch.append(submission)
        self._fixes_waiting -= fixes
        return batch

    async def _commit(self, batch: list[Submission]) -> None:
        await self._remember(batch)
        writes = Writes([], [], {}, {}, {}, {})
        judged = [self._judge_alone(submission, writes) for submission in batch]
        await live_index.commit(self._redis(), writes)
        for submission, one in zip(batch, judged, strict=True):
            device = self.devices[submission.rep_id, submission.device_id]
            for fix in one.recorded:
                device.remember(fix)
            for fix in one.held:
                device.remember(fix)
            _tell(submission, one.outcome)
        self._on_points(list(writes.points.values()))
        for status in writes.statuses.values():
            self._on_status(status)
        self._forget_oldest()

    def _judge_alone(self, submission: Submission, writes: Writes) -> Judged:
        """Judge one message; a bug that it uncovers must not hold up those beside it."""
        try:
            return self._judge(submission, writes)
        except Exception:
            _log.exception("message of device %s not judged", submission.device_id)
            outcome = Outcome(rejected={})
            outcome.reject(Reason.malformed, len(submission.decoded.fixes))
            judged = Judged([], [], outcome)
            _count(writes.counts, judged)
            return judged

    def _judge(self, submission: Submission, writes: Writes) -> Judged:
        key = submission.rep_id, submission.device_id
        device, rep = self.devices[key], self.reps[submission.rep_id]
        offset = device.offset_ms
        judged = pipeline.judge(
            submission.decoded, rep_id=submission.rep_id, device_id=submission.device_id,
            source=submission.source, device=device, rep=rep,
            spans=self._crew.member(submission.rep_id).spans, now_ms=clock.now_ms(),
            phone_now_ms=submission.phone_now_ms,
        )  # fmt: skip
        if device.offset_ms != offset:
            writes.offsets["|".join(key)] = device.offset_ms
        self._collect(submission, judged, device, rep, writes)
        return judged

    def _collect(
        self, submission: Submission, judged: Judged, device: DeviceMemory, rep: RepMemory,
        writes: Writes,
    ) -> None:  # fmt: skip
        writes.recorded += judged.recorded
        writes.held += judged.held
        if judged.newest is not None:
            point = live_index.point_of(judged.newest, rep.still_since_ms, device.offset_ms)
            writes.points[submission.rep_id] = point
        status = submission.status
        if status is None and judged.heard:
            status = PhoneStatus(submission.rep_id, clock.now_ms(), mode=submission.source)
        if status is not None:
            writes.statuses[submission.rep_id] = status
        _count(writes.counts, judged)

    async def _remember(self, batch: list[Submission]) -> None:
        """Have in memory what is known of the batch's reps and devices."""
        reps = sorted({s.rep_id for s in batch} - self.reps.keys())
        devices = sorted({(s.rep_id, s.device_id) for s in batch} - self.devices.keys())
        if reps:
            found = await self._redis().hmget(live_index.LIVE, reps)  # type: ignore[misc]
            for rep_id, data in zip(reps, found, strict=True):
                point = live_index.decode_point(data)
                self.reps[rep_id] = (
                    RepMemory(point.fix, point.still_since_ms) if point else RepMemory()
                )
        if devices:
            keys = ["|".join(key) for key in devices]
            offsets = await self._redis().hmget(live_index.CLOCKS, keys)  # type: ignore[misc]
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

    async def _failed(self, batch: list[Submission], error: Exception) -> None:
        if self.is_storing:
            _log.warning("not stored, phones will send again: %r", error)
        self.is_storing = False
        for submission in batch:
            self.reps.pop(submission.rep_id, None)  # it may hold what isn't on disk
            device = self.devices.get((submission.rep_id, submission.device_id))
            if device is not None:
                device.previous = None
            _tell(submission, None)
        await self._drop_connection()
        await asyncio.sleep(random.uniform(0.05, 0.3))

    def _redis(self) -> redis.asyncio.Redis:
        if self._connection is None:
            self._connection = bus.async_connection()
        return self._connection

    async def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.aclose()
            except Exception as error:
                _log.debug("closing a broken connection: %r", error)

    async def finish(self, seconds: float = 3.0) -> None:
        """Give what waits a little time to get to disk before the process ends."""
        until = asyncio.get_running_loop().time() + seconds
        while self._waiting and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)


def _tell(submission: Submission, outcome: Outcome | None) -> None:
    """Acknowledge one message; a phone that has gone must not harm the others."""
    try:
        submission.done(outcome)
    except Exception as error:
        _log.debug("an acknowledgement did not leave: %r", error)


def _count(counts: dict[str, int], judged: Judged) -> None:
    recorded, held = len(judged.recorded), len(judged.held)
    if recorded:
        counts["recorded"] = counts.get("recorded", 0) + recorded
    if held:
        counts["held"] = counts.get("held", 0) + held
    for reason, n in judged.outcome.rejected.items():
        counts[reason] = counts.get(reason, 0) + n
    for fix in judged.recorded:
        if fix.doubts:
            for doubt, name in _DOUBTS:
                if fix.doubts & doubt:
                    counts[name] = counts.get(name, 0) + 1
