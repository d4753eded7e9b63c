"""Tells a rep that his own phone has fallen silent in his shift, with the likely cause.

Trackers are ended by savers of battery behind the rep's back: the dispatcher's alert alone would
leave him to find out in the evening. One reminder for each alert, taken back when its reason is gone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from fieldcrm.kit import clock, feed, i18n, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.messages import service, store
from fieldcrm.messages.model import Kind
from fieldcrm.messages.tables import Message
from fieldcrm.people.tables import User
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Silence

KEPT = timedelta(days=7)
"""Alerts from before this are left as they are."""


def notice(now: datetime) -> int:
    """Tell of what is new, take back what is over; how many of both."""
    with reading() as session:
        if not any(_due(session, now)):
            return 0
    with transaction() as session:
        feed.take_turn(session)
        untold, over = _due(session, now)
        for found in over:
            service.take_back(session, found, now)
        reps = {r.id: r for r in store.reps(session, {s.rep_id for s in untold})}
        told = [_tell(session, reps[s.rep_id], s, now) for s in untold if s.rep_id in reps]
        return len(over) + sum(told)


def _due(session: Session, now: datetime) -> tuple[list[Silence], list[Message]]:
    """(silences nobody was told of, reminders whose silence is over); a reminder's batch is its alert."""
    silences = {s.alert_id: s for s in tracking.silences_in(session, now - KEPT)}
    told = store.of_batches(session, silences) if silences else []
    known = {m.batch_id for m in told}
    untold = [s for s in silences.values() if not s.is_over and s.alert_id not in known]
    return untold, [m for m in told if silences[m.batch_id].is_over and _stands(m)]


def _stands(m: Message) -> bool:
    return not (m.withdrawn_at or m.done_at or m.declined_at)


def _tell(session: Session, rep: User, silent: Silence, now: datetime) -> bool:
    if not rep.is_active or not rep.team_id:
        return False
    made = Message(
        id=ids.new_id(), batch_id=silent.alert_id, rep_id=rep.id, team_id=rep.team_id,
        kind=Kind.reminder.value, text=text(rep.language, silent, now), due_at=now, created_at=now,
        push_at=now, version=0,
    )  # fmt: skip
    service.changed(session, made)
    return True


def text(language: str, silent: Silence, now: datetime) -> str:
    """What the rep reads, by the clock on his wall."""
    since = clock.local(now - timedelta(minutes=silent.minutes))
    cause = i18n.t(silent.cause, language)
    return i18n.t("messages.silent", language, since=f"{since:%H:%M}", cause=cause)
