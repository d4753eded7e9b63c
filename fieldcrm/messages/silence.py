"""Tells a rep that his own phone has fallen silent in his shift, with the likely cause.

Trackers are ended by savers of battery behind the rep's back: the dispatcher's alert alone would
leave him to find out in the evening. One reminder for each alert, taken back when its reason is gone.
"""

from __future__ import annotations

from collections.abc import Collection
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


def notice(now: datetime) -> int:
    """Tell of what is new, take back what is over; how many of both."""
    with reading() as session:
        if not (_untold(session) or _over(session)):
            return 0
    with transaction() as session:
        feed.take_turn(session)
        untold, over = _untold(session), _over(session)
        for found in over:
            service.take_back(session, found, now)
        reps = {r.id: r for r in store.reps(session, {s.rep_id for s in untold})}
        told = [_tell(session, reps[s.rep_id], s, now) for s in untold if s.rep_id in reps]
        return len(over) + sum(told)


def _untold(session: Session) -> list[Silence]:
    silent = tracking.silences_in(session)
    told = store.batches_there(session, _ids(silent)) if silent else set()
    return [s for s in silent if s.alert_id not in told]


def _ids(silent: Collection[Silence]) -> set[str]:
    return {s.alert_id for s in silent}


def _over(session: Session) -> list[Message]:
    """Reminders of alerts (their batch is the alert) that are resolved."""
    standing = store.open_by_nobody(session)
    gone = tracking.resolved_in(session, {m.batch_id for m in standing}) if standing else set()
    return [m for m in standing if m.batch_id in gone]


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
