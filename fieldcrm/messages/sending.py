"""Wakes the phones: notices what is to be told, hands it to push services, tries again, gives up.

Everything that waits is a row, so that nothing is forgotten by who dies; several processes may do
this side by side. A push service sees who is woken and when, never what for: the content names a
message by its id, and the phone asks us what it says.
"""

from __future__ import annotations

import json
import logging
from datetime import date, datetime, timedelta

from sqlmodel import Session

from fieldcrm.kit import clock, facts, feed, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.settings import settings
from fieldcrm.messages import endpoints, keys, rules, service, silence, store, webpush
from fieldcrm.messages.model import Kind, Outcome, Why
from fieldcrm.messages.tables import Message, PushDelivery, PushSubscription
from fieldcrm.people import service as people
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import LiveRep, RepState

AT_ONCE = 200
CLAIM_S = 60
"""A sender that dies with a try of its own leaves it to another after this."""
FEED_SEQ = "messages.feed_seq"
READ_ON = 1000
"""Entries of the feed without a changed plan after which they are left behind for good."""
DAYS_AHEAD = 14
FRESH_S = 180
"""A position older than this says nothing of where a rep is."""
AT_WORK = frozenset({RepState.moving, RepState.idle, RepState.in_visit, RepState.silent})
_log = logging.getLogger(__name__)


def work(now: datetime) -> int:
    """Everything that is due; how many messages a push service took."""
    notice_plans(now)
    notice_places(now)
    silence.notice(now)
    queue_due(now)
    forget_revoked()
    return send_due()


# ---- what is to be told ----


def notice_plans(now: datetime) -> int:
    """A message to each rep whose plan of a coming day somebody else changed; how many are new."""
    with reading() as session:
        since: int | None = facts.get(session, FEED_SEQ)
        is_known = since is not None and not feed.plan_changes(session, since, 1)
        if is_known and feed.newest(session) - (since or 0) < READ_ON:
            return 0
    with transaction() as session:
        feed.take_turn(session)
        since = facts.get(session, FEED_SEQ)
        if since is None:  # what was before messages were is nobody's news
            facts.put(session, FEED_SEQ, feed.newest(session))
            return 0
        entries = feed.plan_changes(session, since, AT_ONCE)
        facts.put(session, FEED_SEQ, entries[-1].seq if entries else feed.newest(session))
        today = clock.local(now).date()
        wanted = {(e.rep_id, date.fromisoformat(e.entity_id)) for e in entries}
        coming = [w for w in sorted(wanted) if 0 <= (w[1] - today).days <= DAYS_AHEAD]
        return sum(_note_plan(session, rep_id, day, now) for rep_id, day in coming)


def _note_plan(session: Session, rep_id: str, day: date, now: datetime) -> bool:
    """One unseen message a day: a second change renews it."""
    rep = next(iter(store.reps(session, [rep_id])), None)
    if rep is None or not rep.is_active or not rep.team_id:
        return False
    found = store.unseen_plan(session, rep_id, day)
    if found is None:
        new_id = ids.new_id()
        found = Message(
            id=new_id, batch_id=new_id, rep_id=rep_id, team_id=rep.team_id, kind=Kind.plan.value,
            day=day, created_at=now, version=0,
        )  # fmt: skip
    found.push_at, found.arrived_at = now, None
    service.changed(session, found)
    return True


def notice_places(now: datetime) -> int:
    """Wake the phone of a rep who has come to a message's place, found by his tracker's fixes."""
    with reading() as session:
        waiting = store.at_places(session)
        reps = {rep.id: rep for rep in people.reps_in(session, {m.rep_id for m in waiting})}
    if not waiting:
        return 0
    live = {rep_id: tracking.live_of(rep, now) for rep_id, rep in reps.items()}
    near = [m.id for m in waiting if m.rep_id in live and _is_there(m, live[m.rep_id])]
    for message_id in near:
        with transaction() as session:
            found = store.message(session, message_id)
            if found is not None and found.near_at is None:
                found.near_at = found.push_at = now
                session.add(found)
    return len(near)


def _is_there(m: Message, rep: LiveRep) -> bool:
    if rep.state not in AT_WORK or rep.lat is None or rep.lng is None:
        return False
    if rep.age_s is None or rep.age_s > FRESH_S or m.lat is None or m.lng is None:
        return False
    distance = rules.metres(rep.lat, rep.lng, m.lat, m.lng)
    return rules.is_near(distance, rep.accuracy_m, m.radius_m or 0)


def queue_due(now: datetime) -> int:
    """A delivery to each living phone of what is due; how many."""
    with reading() as session:
        if not store.to_push(session, now, 1):
            return 0
    with transaction() as session:
        return sum(_queue(session, m, now) for m in store.to_push(session, now, AT_ONCE))


def _queue(session: Session, m: Message, now: datetime) -> int:
    pushed = m.push_at or now
    why = _why(m, pushed)
    m.push_at = rules.next_push_at(Kind(m.kind), m.due_at, pushed, now)
    session.add(m)
    phones = store.living_subscriptions(session, m.rep_id)
    real = clock.real_now()
    lasts = clock.real_seconds((_lives_until(m, now) - now).total_seconds())
    store.drop_deliveries(session, m.id)  # what was still on its way says the same or less
    session.add_all(
        PushDelivery(
            id=ids.new_id(), message_id=m.id, subscription_id=phone.id, why=why.value, due_at=real,
            expires_at=real + timedelta(seconds=lasts),
        )
        for phone in phones
    )  # fmt: skip
    return len(phones)


def _why(m: Message, pushed: datetime) -> Why:
    if m.near_at is not None and pushed == m.near_at:
        return Why.near
    return Why.due if m.due_at is not None and pushed >= m.due_at else Why.new


def _lives_until(m: Message, now: datetime) -> datetime:
    day_end = clock.day_bounds(m.day)[1] if m.day else None
    return rules.lives_until(Kind(m.kind), day_end, m.due_at, now)


def forget_revoked() -> int:
    """Remove where devices that were cut off could be woken."""
    with reading() as session:
        gone = store.revoked_subscriptions(session)
    for subscription_id in gone:
        with transaction() as session:
            store.remove_subscription(session, subscription_id)
    return len(gone)


# ---- handing over ----


def send_due() -> int:
    """Try what is due now; how many were taken."""
    with reading() as session:
        due = store.due_deliveries(session, clock.real_now(), AT_ONCE)
    return sum(_try(*each) for each in due)


def _try(delivery: PushDelivery, phone: PushSubscription, m: Message) -> bool:
    now = clock.real_now()
    with transaction() as session:
        if not store.claim(session, delivery, now + timedelta(seconds=CLAIM_S)):
            return False
    left_s = (delivery.expires_at - now).total_seconds()
    answer = _post(phone, m, Why(delivery.why), max(0, round(left_s)))
    end = rules.outcome(answer.status)
    if end is not Outcome.sent:
        _log.info("push %s: %s %s", end, answer.status, answer.note)
    with transaction() as session:
        _settle(session, delivery, phone, end, answer, left_s)
    return end is Outcome.sent


def _settle(
    session: Session, delivery: PushDelivery, phone: PushSubscription, end: Outcome,
    answer: endpoints.Answered, left_s: float,
) -> None:  # fmt: skip
    if end is Outcome.gone:
        store.remove_subscription(session, phone.id)
        return
    wait = rules.wait_s(delivery.tries + 1, answer.retry_after_s)
    if end is Outcome.again and wait < left_s:
        store.postpone(session, delivery.id, clock.real_now() + timedelta(seconds=wait))
        return
    store.drop_delivery(session, delivery.id)
    if end is Outcome.sent:
        store.note_sent(session, phone.id, clock.now())


def _post(phone: PushSubscription, m: Message, why: Why, ttl_s: int) -> endpoints.Answered:
    try:
        body = webpush.encrypt(content(m, why, phone.language), phone.p256dh, phone.auth)
        return endpoints.post(phone.endpoint, _headers(phone, m, why, ttl_s), body)
    except Refusal as refusal:  # an address that the settings no longer allow
        return endpoints.Answered(400, note=refusal.code)


def content(m: Message, why: Why, language: str) -> bytes:
    """What the service worker is told: which message and why, nothing of a person."""
    told = {"t": m.kind, "id": m.id, "why": why, "lang": language}
    if m.day is not None:
        told["day"] = m.day.isoformat()
    return json.dumps(told, separators=(",", ":")).encode()


def _headers(phone: PushSubscription, m: Message, why: Why, ttl_s: int) -> dict[str, str]:
    today = clock.local(clock.now()).date()
    signed = webpush.authorisation(
        phone.endpoint, keys.private_key(), contact(), clock.real_now().timestamp()
    )
    return {
        "Authorization": signed, "Content-Encoding": "aes128gcm", "TTL": str(ttl_s),
        "Content-Type": "application/octet-stream", "Topic": topic(m),
        "Urgency": rules.urgency(Kind(m.kind), why, m.day, today),
    }  # fmt: skip


def topic(m: Message) -> str:
    """One waiting message of a kind and day, or of one task: a newer takes its place (RFC 8030 §5.4)."""
    return f"plan-{m.day.isoformat()}" if m.day is not None else m.id.replace("-", "")


def contact() -> str:
    """Whom a push service may write to when we do wrong (RFC 8292 §2.1)."""
    chosen = settings().push_contact
    if chosen:
        return chosen
    address = settings().web_address
    return address if address.startswith("https://") else "mailto:office@example.org"
