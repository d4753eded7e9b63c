"""A look through the whole base for clients that are there twice, as a job with progress."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import log2
from typing import Any

import numpy as np

from fieldcrm.clients.duplicates import (
    clusters,
    comparing,
    matcher,
    merging,
    records,
    store,
    weighing,
)
from fieldcrm.clients.duplicates.model import (
    BadThreshold,
    Floats,
    Ints,
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
from fieldcrm.kit import clock, events, feed, ids, job_rows, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

WITHIN_S = 1800
SHOWN_LEAST = 0.5
"""Probability from which people are asked."""
MERGE_LEAST = 0.95
"""No rule may be less sure than that."""
NEVER_BITS = -30.0
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
class OfKind:
    """What comparing the clients of one kind came to."""

    pairs: list[FoundPair]
    groups: list[list[str]]
    """Clients that the rule takes for one; none where people decide."""
    weights: dict[str, Any]


@dataclass(frozen=True)
class SweepView:
    """A sweep as a screen shows it; `progress` is 0 to 1."""

    sweep: DuplicateSweep
    progress: float


# ---- asking ----


def ask(actor: Actor, merge_above: float | None = None) -> SweepView:
    """Have the whole base looked through in the background (administrator); logged.

    With `merge_above` groups that are this sure are made one by rule. Raises SweepUnderWay,
    BadThreshold, Unavailable where no job can be queued.
    """
    people.require(actor, Role.admin)
    if merge_above is not None and not MERGE_LEAST <= merge_above < 1:
        raise BadThreshold(least=MERGE_LEAST)
    made = DuplicateSweep(
        id=ids.new_id(), asked_by=actor.user_id, asked_at=clock.now(), merge_above=merge_above
    )
    with transaction() as session:
        under_way = store.sweep_under_way(session)
        if under_way is not None and not _is_lost(under_way):
            raise SweepUnderWay()
        job_rows.end(under_way, SweepStatus.failed)
        session.add(made)
        events.record(session, "duplicates.sweep_asked", made.id, actor_id=actor.user_id,
                      team_id=None, source=actor.source,
                      data={"merge_above": merge_above} if merge_above else {})  # fmt: skip
    job_rows.hand_over(
        jobs.LONG, "fieldcrm.clients.duplicates.sweeping.run", made.id, timeout_s=WITHIN_S,
        failed=lambda: finish(made.id, SweepStatus.failed),
    )  # fmt: skip
    return SweepView(made, 0.0)


def _is_lost(sweep: DuplicateSweep) -> bool:
    """Whether no worker has it any more: one that died with its machine holds nobody up."""
    job = job_rows.seen(sweep)
    return job is not None and job.status in ("failed", "cancelled", "finished", "stopped")


def latest(actor: Actor) -> SweepView | None:
    """The newest sweep with its progress; None before the first."""
    people.require(actor, Role.manager, Role.admin)
    with reading() as session:
        found = store.latest_sweep(session)
    return None if found is None else SweepView(found, job_rows.progress(found))


def cancel(actor: Actor, sweep_id: str) -> SweepView:
    """Stop a sweep; what earlier ones found stays. Raises NoSuchSweep."""
    people.require(actor, Role.admin)
    with transaction() as session:
        found = store.sweep(session, sweep_id, lock=True)
        if found is None:
            raise NoSuchSweep()
        if job_rows.end(found, SweepStatus.cancelled):
            events.record(session, "duplicates.sweep_cancelled", sweep_id, actor_id=actor.user_id,
                          team_id=None, source=actor.source, data={})  # fmt: skip
    job_rows.stop(sweep_id)
    return SweepView(found, 1.0)


# ---- the job ----


def run(sweep_id: str) -> None:
    """The job: look, and keep what was found, unless it is cancelled meanwhile."""
    if not _begin(sweep_id):
        return
    with job_rows.ending(lambda status: finish(sweep_id, status)):
        look(sweep_id, lambda share: jobs.report(sweep_id, share))


def _begin(sweep_id: str) -> bool:
    with transaction() as session:
        return job_rows.take_up(store.sweep(session, sweep_id, lock=True)) is not None


def finish(sweep_id: str, status: str, merged: int = 0) -> None:
    """How it ended; of two endings the first counts."""
    with transaction() as session:
        found = job_rows.end(store.sweep(session, sweep_id, lock=True), status)
        if found is not None:
            found.merged = merged


def look(sweep_id: str, tell: Tell = quiet) -> None:
    """Compare the living clients of each kind, keep the pairs that may be one, merge by the rule."""
    with reading() as session:
        sizes = store.kinds(session)
        sweep = store.sweep(session, sweep_id)
    above = sweep.merge_above if sweep else None
    total, before = sum(sizes.values()), 0
    by_kind: dict[str, OfKind] = {}
    for kind, size in sorted(sizes.items()):
        begun, share = before / total, size / total
        by_kind[kind] = _of_kind(kind, above, lambda s, b=begun, w=share: tell(0.9 * (b + s * w)))
        before += size
    _keep(sweep_id, by_kind, total, is_last=above is None)
    if above is not None:
        merged = _merge_by_rule(sweep_id, by_kind, lambda s: tell(0.9 + 0.1 * s))
        finish(sweep_id, SweepStatus.done, merged)
    tell(1.0)


def _of_kind(kind: str, merge_above: float | None, tell: Tell) -> OfKind:
    read: list[records.Record] = []
    with reading() as session:
        for some in store.records(session, kind):
            read += some
            tell(0.0)
    seen = matcher.match(records.as_columns(read), tell)
    is_possible = records.is_possible(kind, seen.columns, seen.pairs)
    seen.bits = np.where(is_possible, seen.bits, NEVER_BITS)
    groups = _groups(kind, seen, merge_above) if merge_above is not None else []
    return OfKind(
        _pairs(seen, read), [[read[row].id for row in group] for group in groups],
        records.kept_weights(seen.weights),
    )  # fmt: skip


def _pairs(seen: matcher.Found, read: list[records.Record]) -> list[FoundPair]:
    """Pairs that people are asked about, with their reasons."""
    chance = weighing.chance_of(seen.bits)
    wanted = np.flatnonzero(chance >= SHOWN_LEAST)
    wanted = wanted[np.argsort(-chance[wanted], kind="stable")][:FOUND_MOST]
    p = seen.pairs
    chosen = Pairs(p.left[wanted], p.right[wanted], [levels[wanted] for levels in p.levels])
    why = records.reasons(seen.columns, chosen, seen.weights)
    rows = zip(
        chosen.left.tolist(), chosen.right.tolist(), chance[wanted].tolist(), why, strict=True
    )
    return [FoundPair(read[a].id, read[b].id, round(c, 4), w) for a, b, c, w in rows]


def _groups(kind: str, seen: matcher.Found, merge_above: float) -> list[list[int]]:
    """Rows of clients that are one as surely as the rule wants, by their average evidence."""

    def weigh(left: Ints, right: Ints) -> Floats:
        pairs = comparing.compare(seen.columns, left, right)
        bits = weighing.evidence(seen.columns, pairs, seen.weights)
        return np.where(records.is_possible(kind, seen.columns, pairs), bits, NEVER_BITS)

    least = log2(merge_above / (1 - merge_above))
    return clusters.clusters(seen.pairs.left, seen.pairs.right, seen.bits, weigh, least)


def _keep(sweep_id: str, by_kind: dict[str, OfKind], clients: int, is_last: bool) -> None:
    """In one transaction: new pairs, newer reasons of known ones; what was decided stays decided."""
    every = sorted((p for k in by_kind.values() for p in k.pairs), key=lambda p: -p.probability)
    found = every[:FOUND_MOST]
    with transaction() as session:
        sweep = store.sweep(session, sweep_id, lock=True)
        if sweep is None or not job_rows.is_under_way(sweep):
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
        sweep.clients, sweep.found = clients, fresh
        sweep.weights = {kind: k.weights for kind, k in by_kind.items()}
        if is_last:
            job_rows.end(sweep, SweepStatus.done)
        events.record(session, "duplicates.swept", sweep_id, actor_id=sweep.asked_by, team_id=None,
                      source="worker", data={"clients": clients, "found": fresh})  # fmt: skip


# ---- the rule ----


def _merge_by_rule(sweep_id: str, by_kind: dict[str, OfKind], tell: Tell) -> int:
    """Make each group one client in the name of who asked; how many became another."""
    groups = [group for k in by_kind.values() for group in k.groups]
    with reading() as session:
        sweep = store.sweep(session, sweep_id)
        actor = people.actor_of(sweep.asked_by, "worker") if sweep and sweep.asked_by else None
    if actor is None:
        return 0
    merged = 0
    for n, group in enumerate(groups):
        tell(n / len(groups))
        merged += _merge_group(actor, group)
    return merged


def _merge_group(actor: Actor, group: list[str]) -> int:
    """The oldest of the fullest cards stays; a group of which somebody said otherwise is left to people."""
    with feed.writing() as session:
        cards = [c for i in group if (c := store.living_client(session, i)) is not None]
        if len(cards) < 2 or store.has_word(session, group):
            return 0
        winner, *losers = sorted(cards, key=lambda c: (-records.fullness(c), c.id))
        for loser in losers:
            merging.merge_in(session, actor, winner.id, loser.id)
        return len(losers)


def _new(pair: FoundPair) -> Duplicate:
    return Duplicate(
        id=ids.new_id(), left_id=pair.left_id, right_id=pair.right_id,
        probability=pair.probability, found_at=clock.now(),
    )  # fmt: skip
