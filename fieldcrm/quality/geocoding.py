"""Looks for the places of clients that have none, by the geocoder that the administrator chose."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, Protocol

from fieldcrm.clients.tables import Client
from fieldcrm.kit import clock, feed
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people import service as people
from fieldcrm.people.model import SYSTEM, Actor, Role
from fieldcrm.quality import (
    answers,
    judging,
    pin_store,
    pinning,
    rules,
    run_store,
    running,
    settings,
)
from fieldcrm.quality.asking import Asker, Away, Refused
from fieldcrm.quality.model import (
    Geocoder,
    GeocoderOff,
    Located,
    Norms,
    Precision,
    RunKind,
    RunStatus,
)
from fieldcrm.quality.tables import QualityRun

JOB = "fieldcrm.quality.geocoding.run"
REMEMBERED = timedelta(days=180)
"""So long an answer counts; houses are seldom moved."""
PART_S = 100.0
"""A job gives way to others after so long; the run goes on in the next one."""
AT_ONCE = 50
AWAY_MOST = 5
"""So many questions in a row without an answer, and the service counts as away."""


class Asks(Protocol):
    """Who is asked where an address is."""

    def ask(self, asked: str) -> Located | None: ...


# ---- asking for it ----


def ask(actor: Actor) -> QualityRun:
    """Have clients without a place looked up in the background (administrator).

    Raises GeocoderOff, RunUnderWay, Unavailable where no job can be queued.
    """
    people.require(actor, Role.admin)
    with transaction() as session:
        if not settings.geocoder_in(session).is_on:
            raise GeocoderOff()
        made = running.begin_in(session, actor, RunKind.geocode)
        made.report = {"to_ask": pin_store.count_to_locate(session)}
    running.enqueue(made.id, JOB)
    return made


def latest(actor: Actor) -> QualityRun | None:
    """The newest round of questions."""
    people.require(actor, *settings.DESK)
    with reading() as session:
        return next((row for row, _ in run_store.latest(session, RunKind.geocode)), None)


# ---- the job ----


def run(run_id: str) -> None:
    """The job: one part of a run; a run that isn't over goes on in a further job."""
    if not running.start(run_id):
        return
    with running.ending(run_id):
        if not part(run_id):
            running.enqueue(run_id, JOB, part=int(time.time()))


def part(
    run_id: str, for_s: float = PART_S,
    asker: Callable[[Geocoder, Norms], AbstractContextManager[Asks]] | None = None,
) -> bool:  # fmt: skip
    """Look some clients up; whether the run is over. Raises Cancelled."""
    with reading() as session:
        geocoder, norms = settings.geocoder_in(session), settings.judged_by(session)
        known = session.get_one(QualityRun, run_id).report
    if not geocoder.is_on:
        running.finish(run_id, RunStatus.cancelled)
        return True
    report: Counter[str] = Counter({k: v for k, v in known.items() if isinstance(v, int)})
    until = time.monotonic() + for_s
    make = asker or (lambda g, n: Asker(g, n.countries))
    with make(geocoder, norms) as conversation:
        return _go_on(run_id, str(known.get("after", "")), report, _Work(geocoder, norms, conversation), until)  # fmt: skip


class _Work:
    """One part's geocoder, norms, and how often in a row nobody answered."""

    def __init__(self, geocoder: Geocoder, norms: Norms, conversation: Asks) -> None:
        self.geocoder = geocoder
        self.norms = norms
        self.conversation = conversation
        self.silent = 0


def _go_on(run_id: str, after: str, report: Counter[str], work: _Work, until: float) -> bool:
    while True:
        with reading() as session:
            some = pin_store.to_locate(session, after, AT_ONCE)
        if not some:
            running.finish(run_id, RunStatus.done, dict(report))
            return True
        for client in some:
            if time.monotonic() >= until:
                return False
            try:
                _locate(client, report, work)
            except Refused as no:
                told = {
                    **report,
                    "after": after,
                    "status": no.status,
                    "retry_after": no.retry_after,
                }
                running.finish(run_id, RunStatus.stopped, told)
                return True
            except Away:
                report["away"] += 1
                work.silent += 1
                if work.silent >= AWAY_MOST:
                    running.finish(run_id, RunStatus.failed, dict(report))
                    return True
            after = client.id
            _beat(run_id, report, after)


def _beat(run_id: str, report: Counter[str], after: str) -> None:
    report["done"] += 1
    with transaction() as session:
        share = report["done"] / max(1, report["to_ask"], report["done"])
        found = running.beat_in(session, run_id, share)
        found.report = {**report, "after": after}


def _locate(client: Client, report: Counter[str], work: _Work) -> None:
    """Ask for one client, or remember; keep what comes of it. Raises Refused, Away."""
    asked = answers.question(client.address, client.postcode, client.city)
    if asked is None:
        report["too_little"] += 1
        return
    key = answers.key(work.geocoder.provider, work.geocoder.url, asked)
    with reading() as session:
        known = pin_store.answer(session, key, clock.now() - REMEMBERED)
    if known is not None:
        report["remembered"] += 1
        found = pinning.located(known.answer) if known.answer else None
    else:
        found = work.conversation.ask(asked)
        work.silent = 0
        with transaction() as session:
            told: dict[str, Any] | None = pinning.kept(found) if found else None
            pin_store.remember(session, key, told, clock.now())
        report["asked"] += 1
    _take(client, found, report, work)


def _take(client: Client, found: Located | None, report: Counter[str], work: _Work) -> None:
    """Propose the place, or take it over where it is the very house and that is wished."""
    if found is None or not rules.can_be_at(found.lat, found.lng, work.norms.countries):
        report["nothing"] += 1
        return
    report[found.precision.value] += 1
    with feed.writing() as session:
        row = session.get(Client, client.id)
        if row is None or row.lat is not None or row.archived_at is not None:
            return
        pin = pinning.propose_located(session, row, found)
        if work.geocoder.apply_exact and found.precision is Precision.house:
            pinning.decide_in(session, SYSTEM, pin, accept=True)
            report["applied"] += 1
        judging.again_in(session, [client.id])
