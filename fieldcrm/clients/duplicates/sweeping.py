"""A look through the whole base for clients that are there twice, as a job with progress."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from redis.exceptions import RedisError

from fieldcrm.clients.duplicates import matcher, records, store, weighing
from fieldcrm.clients.duplicates.model import (
    UNDER_WAY,
    NoSuchSweep,
    Pairs,
    Reason,
    Status,
    SweepStatus,
    SweepUnderWay,
    Tell,
    quiet,
)
from fieldcrm.clients.duplicates.tables import Duplicate, DuplicateSweep
from fieldcrm.kit import clock, events, ids, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import Unavailable
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

WITHIN_S = 1800
SHOWN_LEAST = 0.5
"""Probability from which people are asked."""
FOUND_MOST = 20_000
"""Pairs of one sweep that are kept, the likeliest first: more than anybody will look through."""
SAVED_AT_ONCE = 500


@dataclass(frozen=True)
class FoundPair:
    """Two clients, the older first."""

    left_id: str
    right_id: str
    probability: float
    reasons: list[Reason]


@dataclass(frozen=True)
class SweepView:
    """A sweep as a screen shows it; `progress` is 0 to 1."""

    sweep: DuplicateSweep
    progress: float


# ---- asking ----


def ask(actor: Actor) -> SweepView:
    """Have the whole base looked through in the background (administrator); logged.

    Raises SweepUnderWay, Unavailable where no job can be queued.
    """
    people.require(actor, Role.admin)
    made = DuplicateSweep(id=ids.new_id(), asked_by=actor.user_id, asked_at=clock.now())
    with transaction() as session:
        under_way = store.sweep_under_way(session)
        if under_way is not None and not _is_lost(under_way):
            raise SweepUnderWay()
        if under_way is not None:
            under_way.status, under_way.finished_at = SweepStatus.failed, clock.now()
        session.add(made)
        events.record(session, "duplicates.sweep_asked", made.id, actor_id=actor.user_id,
                      team_id=None, source=actor.source, data={})  # fmt: skip
    try:
        jobs.enqueue(jobs.LONG, "fieldcrm.clients.duplicates.sweeping.run", made.id,
                     job_id=made.id, timeout_s=WITHIN_S)  # fmt: skip
    except RedisError as error:
        finish(made.id, SweepStatus.failed)
        raise Unavailable("jobs") from error
    return SweepView(made, 0.0)


def _is_lost(sweep: DuplicateSweep) -> bool:
    """Whether no worker has it any more: one that died with its machine holds nobody up."""
    try:
        return jobs.state(sweep.id).status in ("failed", "cancelled", "finished", "stopped")
    except RedisError:
        return False


def latest(actor: Actor) -> SweepView | None:
    """The newest sweep with its progress; None before the first."""
    people.require(actor, Role.manager, Role.admin)
    with reading() as session:
        found = store.latest_sweep(session)
    return None if found is None else SweepView(found, _progress(found))


def _progress(sweep: DuplicateSweep) -> float:
    if sweep.status not in UNDER_WAY:
        return 1.0
    try:
        return jobs.state(sweep.id).progress
    except RedisError:
        return 0.0


def cancel(actor: Actor, sweep_id: str) -> SweepView:
    """Stop a sweep; what earlier ones found stays. Raises NoSuchSweep."""
    people.require(actor, Role.admin)
    with transaction() as session:
        found = store.sweep(session, sweep_id)
        if found is None:
            raise NoSuchSweep()
        if found.status in UNDER_WAY:
            found.status, found.finished_at = SweepStatus.cancelled, clock.now()
            events.record(session, "duplicates.sweep_cancelled", sweep_id, actor_id=actor.user_id,
                          team_id=None, source=actor.source, data={})  # fmt: skip
    try:
        jobs.cancel(sweep_id)
    except RedisError as error:
        raise Unavailable("jobs") from error
    return SweepView(found, 1.0)


# ---- the job ----


def run(sweep_id: str) -> None:
    """The job: look, and keep what was found, unless it is cancelled meanwhile."""
    if not _begin(sweep_id):
        return
    try:
        look(sweep_id, lambda share: jobs.report(sweep_id, share))
    except Cancelled:
        finish(sweep_id, SweepStatus.cancelled)
    except BaseException:
        finish(sweep_id, SweepStatus.failed)
        raise


def _begin(sweep_id: str) -> bool:
    with transaction() as session:
        found = store.sweep(session, sweep_id)
        if found is None or found.status not in UNDER_WAY:
            return False
        found.status = SweepStatus.running
        return True


def finish(sweep_id: str, status: SweepStatus) -> None:
    """How it ended; of two endings the first counts."""
    with transaction() as session:
        found = store.sweep(session, sweep_id)
        if found is not None and found.status in UNDER_WAY:
            found.status, found.finished_at = status, clock.now()


def look(sweep_id: str, tell: Tell = quiet) -> None:
    """Compare the living clients of each kind and keep the pairs that may be one."""
    with reading() as session:
        sizes = store.kinds(session)
    total, before = sum(sizes.values()), 0
    found, learned = list[FoundPair](), dict[str, object]()
    for kind, size in sorted(sizes.items()):
        begun, share = before / total, size / total
        pairs, weights = _of_kind(kind, lambda s, b=begun, w=share: tell(0.95 * (b + s * w)))
        found += pairs
        learned[kind] = weights
        before += size
    found = sorted(found, key=lambda p: -p.probability)[:FOUND_MOST]
    _keep(sweep_id, found, total, learned)
    tell(1.0)


def _of_kind(kind: str, tell: Tell) -> tuple[list[FoundPair], dict[str, object]]:
    read: list[records.Record] = []
    with reading() as session:
        for some in store.records(session, kind):
            read += some
            tell(0.0)
    seen = matcher.match(records.as_columns(read), tell)
    chance = weighing.chance_of(seen.bits)
    wanted = np.flatnonzero(
        (chance >= SHOWN_LEAST) & records.is_possible(kind, seen.columns, seen.pairs)
    )
    wanted = wanted[np.argsort(-chance[wanted], kind="stable")][:FOUND_MOST]
    p = seen.pairs
    chosen = Pairs(p.left[wanted], p.right[wanted], [levels[wanted] for levels in p.levels])
    why = records.reasons(seen.columns, chosen, seen.weights)
    rows = zip(
        chosen.left.tolist(), chosen.right.tolist(), chance[wanted].tolist(), why, strict=True
    )
    pairs = [FoundPair(read[a].id, read[b].id, round(c, 4), w) for a, b, c, w in rows]
    return pairs, records.kept_weights(seen.weights)


def _keep(sweep_id: str, found: list[FoundPair], clients: int, learned: dict[str, object]) -> None:
    """In one transaction: new pairs, newer reasons of known ones; what was decided stays decided."""
    with transaction() as session:
        sweep = store.sweep(session, sweep_id)
        if sweep is None or sweep.status not in UNDER_WAY:
            raise Cancelled(sweep_id)
        known = store.known_pairs(session, [(p.left_id, p.right_id) for p in found])
        fresh = 0
        for pair in found:
            row = known.get((pair.left_id, pair.right_id)) or _new(pair)
            row.probability, row.sweep_id = pair.probability, sweep_id
            row.reasons = [asdict(r) for r in pair.reasons]
            fresh += row.status == Status.open
            session.add(row)
        session.flush()
        store.forget_open(session, sweep_id)
        sweep.status, sweep.finished_at = SweepStatus.done, clock.now()
        sweep.clients, sweep.found, sweep.weights = clients, fresh, learned
        events.record(session, "duplicates.swept", sweep_id, actor_id=sweep.asked_by, team_id=None,
                      source="worker", data={"clients": clients, "found": fresh})  # fmt: skip


def _new(pair: FoundPair) -> Duplicate:
    return Duplicate(
        id=ids.new_id(), left_id=pair.left_id, right_id=pair.right_id,
        probability=pair.probability, found_at=clock.now(),
    )  # fmt: skip
