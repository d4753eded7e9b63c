"""The recorder: turns the stream of fixes into track chunks, and watches over reps and visits.

A batch is taken off the stream only after its transaction: whatever dies when, it is read again,
and merging by key makes exactly once of at least once. Several recorders may run side by side.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import redis
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fieldcrm.arrival import service as arrival
from fieldcrm.evidence import service as evidence
from fieldcrm.exports import service as exports
from fieldcrm.kit import bus, clock, pulse, signals
from fieldcrm.messages import sending
from fieldcrm.privacy import service as privacy
from fieldcrm.quality import checking
from fieldcrm.reports import coverage_fill
from fieldcrm.tracking import alerting, keeping, live_index, policy, shifts, unreadable
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.areas import visit_stays, watching
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.unreadable import UNREADABLE
from fieldcrm.visits import running
from fieldcrm.visits import service as visits

GROUP = "recorder"
ENTRIES_AT_ONCE = 50
"""At first; more when behind, since a rep's hour is rewritten once for all of his fixes in it."""
FIXES_AT_ONCE = 200_000
"""About as many at most, so that memory stays bounded."""
TOGETHER_S = 0.5
"""Commits are at least this far apart, so that a rep's hour isn't rewritten for every fix."""
MOST_ENTRIES_AT_ONCE = 10_000
WAIT_MS = 1000
ABANDONED_MS = 15_000
CLAIM_EVERY_S = 10.0
SETTLE_EVERY_S = 1.0
WATCH_EVERY_S = 5.0
COVERAGE_EVERY_S = 5.0
COVERAGE_AT_ONCE_S = 2.0
"""Counting coverage for the first time takes at most this of each stretch, and leaves the rest."""
WAKE_EVERY_S = 1.0
NIGHT_EVERY_S = 60.0
"""How often it is asked whether the night's work is due: joining settled tracks, erasing old ones."""
_log = logging.getLogger("recorder")

Entry = tuple[bytes, dict[bytes, bytes]]


class Recorder:
    """Reads the stream in a consumer group; `step` does one batch."""

    def __init__(self) -> None:
        self.consumer = socket.gethostname()
        """The same after a restart, so that what was left half done is found again at once."""
        self.entries_at_once = ENTRIES_AT_ONCE
        self.is_behind = False
        """Whether there was more in the stream than the last batch took."""
        self._has_leftovers = True
        self._claim_at = 0.0
        self._areas = watching.Watch()
        self._visits = visit_stays.Watch()

    def prepare(self) -> None:
        """Make the consumer group unless it is there."""
        try:
            bus.connection().xgroup_create(bus.FIX_STREAM, GROUP, id="0", mkstream=True)
        except redis.ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise

    def step(self) -> int:
        """Record what has come, or wait a second for it; returns how many entries there were."""
        entries = self._leftovers() if self._has_leftovers else self._claimed() or self._fresh()
        if not entries:
            self._has_leftovers = False
            return 0
        self._record(entries)
        return len(entries)

    def _leftovers(self) -> list[Entry]:
        """Entries given to this recorder before, which it never finished."""
        return self._read("0", None)

    def _fresh(self) -> list[Entry]:
        return self._read(">", WAIT_MS)

    def _read(self, from_id: str, wait_ms: int | None) -> list[Entry]:
        answer: Any = bus.connection().xreadgroup(
            GROUP, self.consumer, {bus.FIX_STREAM: from_id}, count=self.entries_at_once,
            block=wait_ms,
        )  # fmt: skip
        return answer[0][1] if answer else []

    def _claimed(self) -> list[Entry]:
        """Entries that another recorder took and never finished."""
        if time.monotonic() < self._claim_at:
            return []
        answer: Any = bus.connection().xautoclaim(
            bus.FIX_STREAM, GROUP, self.consumer, ABANDONED_MS, count=self.entries_at_once
        )
        if not answer[1]:
            self._claim_at = time.monotonic() + CLAIM_EVERY_S
        return [e for e in answer[1] if e[1]]

    def _record(self, entries: list[Entry]) -> None:
        fixes: list[Fix] = []
        for entry_id, fields in entries:
            fixes += self._decoded(entry_id, fields)
        self._pace(len(entries), len(fixes))
        counts = record_apart(sorted(fixes, key=lambda f: (f.rep_id, f.fix_at_ms)))
        _attempt("areas", lambda: self._areas.hear(fixes))  # what fails is found by the next fix
        _attempt("stays", lambda: self._visits.hear(fixes))
        entry_ids = [entry_id for entry_id, _ in entries]
        pipe = bus.connection().pipeline(transaction=True)
        pipe.xack(bus.FIX_STREAM, GROUP, *entry_ids)
        pipe.xdel(bus.FIX_STREAM, *entry_ids)
        pipe.execute()
        live_index.add_counts(bus.connection(), counts)

    def _pace(self, entries: int, fixes: int) -> None:
        """Take as many entries next time as will hold about FIXES_AT_ONCE, while there are such."""
        self.is_behind = entries >= self.entries_at_once
        if fixes > FIXES_AT_ONCE:
            self.entries_at_once = max(1, self.entries_at_once // 2)
        elif self.is_behind and 2 * fixes <= FIXES_AT_ONCE:
            self.entries_at_once = min(2 * self.entries_at_once, MOST_ENTRIES_AT_ONCE)

    def _decoded(self, entry_id: bytes, fields: dict[bytes, bytes]) -> list[Fix]:
        """An entry's fixes; one that can't be read is set aside for a person, not thrown away."""
        try:
            return live_index.decode_batch(fields[live_index.BATCH_FIELD])
        except (KeyError, TypeError, msgspec.MsgspecError):
            _log.error("entry %s can't be read, kept in %s", entry_id, UNREADABLE)
            unreadable.put(fields)
            return []

    def leftovers_again(self) -> None:
        """After a failure what was read and not finished comes first."""
        self._has_leftovers = True


def record_apart(fixes: Sequence[Fix]) -> dict[str, int]:
    """Record fixes of any reps; what never can be recorded is set aside and holds up nothing else.

    One broken hour, or one fix that a chunk can't hold, would otherwise be read again for ever with
    everybody's fixes behind it. Raises as it is what may pass: a store or database that is away.
    """
    try:
        return shifts.record(fixes)
    except (redis.RedisError, OperationalError, InterfaceError, PoolTimeout, OSError):
        raise
    except Exception as error:
        if not fixes:
            raise
        if len(fixes) == 1:
            _log.error("fix %s can't be recorded, kept in %s: %r", fixes[0].key, UNREADABLE, error)
            unreadable.put(fixes)
            return {"set_aside": 1}
    counts: Counter[str] = Counter()
    for half in (fixes[: len(fixes) // 2], fixes[len(fixes) // 2 :]):
        counts.update(record_apart(half))
    return counts


def watcher() -> Callable[[], None]:
    """One look at what time alone brings: missed visits, verdicts that are due, alerts."""
    memory = alerting.Memory()

    def look() -> None:
        _attempt("missed visits", lambda: visits.mark_missed(clock.now()))
        _attempt("expected times", lambda: running.refresh_running_days(clock.now()))
        _attempt("verdicts", lambda: evidence.judge_due(clock.now()))
        _attempt("alerts", lambda: tracking.raise_alerts(memory))
        _attempt("alerts of areas", lambda: watching.settle(clock.now()))

    return look


def night() -> None:
    """Join what has settled, a few reps at a time, and erase what the policy no longer keeps."""
    _attempt("old tracks", lambda: policy.sweep(clock.now()))
    _attempt("files of persons", lambda: privacy.erase_expired(clock.now()))
    _attempt("files of lists", lambda: exports.erase_expired(clock.now()))
    _attempt("arrival links", lambda: arrival.erase_over(clock.now()))
    _attempt("quality of the base", lambda: checking.ask_if_due(clock.now()))
    _attempt("settled tracks", lambda: keeping.tighten(clock.now()))


def wake_phones() -> None:
    """Tell phones whose app is closed of changed plans, tasks and reminders."""
    sending.work(clock.now())


def count_coverage() -> None:
    """Count what changed of presence and visits by cell, for a little while."""
    until = time.monotonic() + COVERAGE_AT_ONCE_S
    while coverage_fill.fill(clock.now()) and time.monotonic() < until:
        pass


def _attempt(what: str, work: Callable[[], object]) -> None:
    """Do one thing; its failure must not keep the others from being done."""
    try:
        work()
    except Exception:
        _log.exception("%s", what)


def _record_until(stop: threading.Event) -> None:
    recorder = Recorder()
    is_prepared = False
    while not stop.is_set():
        began = time.monotonic()
        try:
            if not is_prepared:
                recorder.prepare()
                is_prepared = True
            entries = recorder.step()
        except Exception as error:
            _log.warning("not recorded, again soon: %r", error)
            recorder.leftovers_again()
            is_prepared = False
            stop.wait(0.5)
            continue
        if entries and not recorder.is_behind:
            stop.wait(max(0.0, TOGETHER_S - (time.monotonic() - began)))


def _repeat_until(
    stop: threading.Event, every_s: float, name: str, work: Callable[[], object]
) -> None:
    while not stop.wait(every_s):
        try:
            work()
        except redis.RedisError as error:
            _log.warning("%s, again soon: %r", name, error)
        except Exception:
            _log.exception("%s", name)


def run(stop: threading.Event) -> None:
    """Record and watch until told to stop."""
    beat = pulse.keep_beating("recorder")
    threads = [
        threading.Thread(target=_record_until, args=(stop,), name="record"),
        threading.Thread(
            target=_repeat_until, args=(stop, SETTLE_EVERY_S, "held", shifts.settle_held)
        ),
        threading.Thread(target=_repeat_until, args=(stop, WATCH_EVERY_S, "watch", watcher())),
        threading.Thread(target=_repeat_until, args=(stop, NIGHT_EVERY_S, "night", night)),
        threading.Thread(target=_repeat_until, args=(stop, WAKE_EVERY_S, "messages", wake_phones)),
        threading.Thread(
            target=_repeat_until, args=(stop, COVERAGE_EVERY_S, "coverage", count_coverage)
        ),
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for thread in threads:
        thread.join(15)
    beat.set()


def main() -> None:
    """The `fieldcrm recorder` process."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: signals.set_soon(stop))
    run(stop)


if __name__ == "__main__":
    main()
