"""The cleaning run: every card judged, wrong pins looked for, a report kept; by hand or by itself."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.kit import clock
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, Actor, Role
from fieldcrm.quality import judging, pinning, rules, run_store, running, settings, store
from fieldcrm.quality.model import Card, Code, RunKind, RunStatus, RunUnderWay, Tell, quiet
from fieldcrm.quality.store import Before
from fieldcrm.quality.tables import QualityRun

JOB = "fieldcrm.quality.checking.run"
NIGHT_FROM, NIGHT_TO = 2, 6
"""Local hours between which the base is looked through by itself."""
PINS_SHARE = 0.2
"""How much of the work looking for wrong pins is, as progress tells it."""


@dataclass
class Tally:
    """What a run found in one territory, beside what had been found there before."""

    clients: int = 0
    points: int = 0
    clients_before: int = 0
    points_before: int = 0
    now: Counter[str] = field(default_factory=Counter)
    before: Counter[str] = field(default_factory=Counter)
    cleared: Counter[str] = field(default_factory=Counter)
    appeared: Counter[str] = field(default_factory=Counter)

    def add(self, row: dict[str, Any], was: Before | None) -> None:
        """Count a card as it stands and as it stood."""
        self.clients += 1
        self.points += row["score"]
        _count(self.now, row["mask"])
        if was is None:
            return
        self.clients_before += 1
        self.points_before += was.score
        _count(self.before, was.mask)
        _count(self.cleared, was.mask & ~row["mask"])
        _count(self.appeared, row["mask"] & ~was.mask)

    def told(self) -> dict[str, Any]:
        """As a report keeps it."""
        codes = {
            c.value: [self.before[c], self.now[c], self.cleared[c], self.appeared[c]] for c in Code
        }
        return {
            "clients": self.clients, "points": self.points, "clients_before": self.clients_before,
            "points_before": self.points_before,
            "codes": {code: counts for code, counts in codes.items() if any(counts)},
        }  # fmt: skip


def _count(counter: Counter[str], mask: int) -> None:
    counter.update(code.value for code in rules.codes_in(mask))


# ---- asking ----


def ask(actor: Actor) -> QualityRun:
    """Have the whole base looked through in the background (administrator).

    Raises RunUnderWay, Unavailable where no job can be queued.
    """
    people.require(actor, Role.admin)
    with transaction() as session:
        made = running.begin_in(session, actor, RunKind.check)
    running.enqueue(made.id, JOB)
    return made


def run_now(actor: Actor, tell: Tell = quiet) -> QualityRun:
    """The same at once and in this process, as the command line does. Raises RunUnderWay."""
    people.require(actor, Role.admin)
    with transaction() as session:
        made = running.begin_in(session, actor, RunKind.check)
    _do(made.id, tell)
    with reading() as session:
        return session.get_one(QualityRun, made.id)


def ask_if_due(now: datetime) -> bool:
    """Have the base looked through when its time has come: at night, every so many days."""
    if not NIGHT_FROM <= clock.local(now).hour < NIGHT_TO:
        return False
    with transaction() as session:
        if not _is_due(session, clock.local(now).date()):
            return False
        try:
            made = running.begin_in(session, SYSTEM, RunKind.check)
        except RunUnderWay:
            return False
    running.enqueue(made.id, JOB)
    return True


def _is_due(session: Session, today: date) -> bool:
    """Whether the last look is long enough ago; one that failed is tried again the next night."""
    every = settings.norms_in(session).every_days
    last = next((row for row, _ in run_store.latest(session, RunKind.check)), None)
    if last is None or not every:
        return bool(every)
    days = 1 if last.status == RunStatus.failed else every
    return clock.local(last.asked_at).date() <= today - timedelta(days=days)


# ---- the job ----


def run(run_id: str) -> None:
    """The job: look, unless it is cancelled meanwhile."""
    _do(run_id, quiet)


def _do(run_id: str, tell: Tell) -> None:
    if not running.start(run_id):
        return
    with running.ending(run_id):
        running.finish(run_id, RunStatus.done, look(run_id, tell))
        tell(1.0)


def look(run_id: str, tell: Tell = quiet) -> dict[str, Any]:
    """Propose pins, judge every card; returns the report. Raises Cancelled."""
    began = time.monotonic()

    def beat(share: float) -> None:
        with transaction() as session:
            running.beat_in(session, run_id, share)
        tell(share)

    pins = pinning.look(lambda share: beat(PINS_SHARE * share))
    tallies = _judge_all(run_id, tell)
    with transaction() as session:
        store.forget_gone(session)
    total = Tally()
    for tally in tallies.values():
        total = _sum(total, tally)
    return {
        "all": total.told(), "by": {where: t.told() for where, t in tallies.items()},
        "pins": pins, "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def _judge_all(run_id: str, tell: Callable[[float], None]) -> dict[str, Tally]:
    """Judge every living client, a page in a transaction; what was found, by territory."""
    now = clock.now()
    tallies: dict[str, Tally] = {}
    with reading() as reader:
        norms = settings.judged_by(reader)
        total = max(1, store.count_living(reader))
        beside = store.around(reader, clock.local(now).date())
        done = 0
        for cards in store.pages(reader, beside):
            rows = judging.rows_of(cards, norms, now)
            done += len(rows)
            share = PINS_SHARE + (1 - PINS_SHARE) * done / total
            _keep(run_id, share, cards, rows, tallies)
            tell(min(share, 1.0))
    return tallies


def _keep(
    run_id: str, share: float, cards: Sequence[Card], rows: Sequence[dict[str, Any]],
    tallies: dict[str, Tally],
) -> None:  # fmt: skip
    with transaction() as session:
        running.beat_in(session, run_id, share)
        was = store.before(session, [card.id for card in cards])
        store.keep(session, rows)
    for card, row in zip(cards, rows, strict=True):
        where = tallies.setdefault(card.territory_id or "", Tally())
        where.add(row, was.get(card.id))


def _sum(a: Tally, b: Tally) -> Tally:
    return Tally(
        a.clients + b.clients, a.points + b.points, a.clients_before + b.clients_before,
        a.points_before + b.points_before, a.now + b.now, a.before + b.before,
        a.cleared + b.cleared, a.appeared + b.appeared,
    )  # fmt: skip


# ---- reports ----


@dataclass(frozen=True)
class Line:
    """A finding in a report: how many cards had it, have it, lost it, got it."""

    code: Code
    before: int
    now: int
    cleared: int
    appeared: int


@dataclass(frozen=True)
class Report:
    """A run and what it found in the reader's territories; scores are means, None without cards."""

    run: QualityRun
    asked_by: str
    clients: int
    score: float | None
    score_before: float | None
    lines: list[Line]
    pins: int


def reports(actor: Actor, limit: int = 12) -> list[Report]:
    """The newest looks through the base, as far as they are about the reader's territories."""
    people.require(actor, *settings.DESK)
    from fieldcrm.clients import service as clients

    mine = None if actor.is_admin else {t.id for t in clients.list_territories(actor)}
    with reading() as session:
        found = run_store.latest(session, RunKind.check, max(1, min(limit, 100)))
    return [_report(run, name, mine) for run, name in found]


def _report(run: QualityRun, asked_by: str | None, mine: set[str] | None) -> Report:
    by: dict[str, dict[str, Any]] = run.report.get("by", {})
    seen = [told for where, told in by.items() if mine is None or where in mine]
    counts = {c: [0, 0, 0, 0] for c in Code}
    for told in seen:
        for code, each in told["codes"].items():
            counts[Code(code)] = [a + b for a, b in zip(counts[Code(code)], each, strict=True)]
    return Report(
        run, asked_by or "", _all(seen, "clients"), _mean(seen, ""), _mean(seen, "_before"),
        [Line(code, *each) for code, each in counts.items() if any(each)],
        int(run.report.get("pins", 0)) if mine is None else 0,
    )  # fmt: skip


def _all(seen: Iterable[dict[str, Any]], name: str) -> int:
    return sum(int(told[name]) for told in seen)


def _mean(seen: Sequence[dict[str, Any]], when: str) -> float | None:
    clients = _all(seen, f"clients{when}")
    return _all(seen, f"points{when}") / clients if clients else None
