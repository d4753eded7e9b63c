"""What a message may be, how it goes on, and what a push service's answer means. Pure."""

from __future__ import annotations

import random
from dataclasses import asdict
from datetime import date, datetime, timedelta
from math import asin, cos, radians, sin, sqrt

from fieldcrm.messages.model import (
    RADIUS_LEAST_M,
    RADIUS_MOST_M,
    TEXT_MOST,
    Answer,
    BadMessage,
    Draft,
    Kind,
    Outcome,
    Standing,
    State,
    Why,
)

BACK_OFF_S = (5, 20, 60, 300, 900, 3600)
"""Waits between tries; the last repeats until the message is no longer worth sending."""
DAY = timedelta(days=1)
EARTH_M = 6_371_000.0


def check_draft(draft: Draft, now: datetime) -> Draft:
    """The draft with a clean text; raises BadMessage with the field that can't be."""
    text = draft.text.replace("\x00", "").strip()
    if not text or len(text) > TEXT_MOST:
        raise BadMessage(field="text")
    if draft.kind is Kind.plan:
        raise BadMessage(field="kind")
    if (draft.lat is None) != (draft.lng is None):
        raise BadMessage(field="place")
    if draft.lat is not None and not (abs(draft.lat) <= 90 and abs(draft.lng or 0) <= 180):
        raise BadMessage(field="place")
    has_place = draft.client_id is not None or draft.lat is not None
    if has_place and not RADIUS_LEAST_M <= draft.radius_m <= RADIUS_MOST_M:
        raise BadMessage(field="radius_m")
    if draft.kind is Kind.reminder and draft.due_at is None and not has_place:
        raise BadMessage(field="due_at")
    if draft.due_at is not None and not now - DAY < draft.due_at < now + 366 * DAY:
        raise BadMessage(field="due_at")
    return Draft(
        draft.kind, text, draft.rep_ids, draft.team_id, draft.due_at, draft.client_id, draft.lat,
        draft.lng, draft.radius_m,
    )  # fmt: skip


def answered(standing: Standing, answer: Answer, at: datetime) -> Standing:
    """The standing after an answer; the first moment of each stays, what comes later implies less.

    Who has done or declined it has seen it; done takes a refusal back.
    """
    seen = standing.seen_at or at
    accepted, declined, done = standing.accepted_at, standing.declined_at, standing.done_at
    if answer in (Answer.accepted, Answer.done):
        accepted, declined = accepted or at, None
    if answer is Answer.declined and done is None:
        declined = declined or at
    if answer is Answer.done:
        done = done or at
    return Standing(seen, accepted, declined, done)


STRONGEST = (
    (State.done, "done_at"), (State.withdrawn, "withdrawn_at"), (State.declined, "declined_at"),
    (State.accepted, "accepted_at"), (State.seen, "seen_at"), (State.arrived, "arrived_at"),
)  # fmt: skip
"""What can be known of a message with the moment that tells it, the strongest first."""


def state(standing: Standing, arrived: bool, withdrawn: bool) -> State:
    """How far a message is: the strongest thing that is known of it."""
    told = asdict(standing) | {"arrived_at": arrived, "withdrawn_at": withdrawn}
    return next((name for name, moment in STRONGEST if told[moment]), State.waiting)


def first_push_at(kind: Kind, due_at: datetime | None, now: datetime) -> datetime | None:
    """When phones are woken first: at once, but for a reminder, which waits for its time or place."""
    return due_at if kind is Kind.reminder else now


def next_push_at(
    kind: Kind, due_at: datetime | None, pushed: datetime, now: datetime
) -> datetime | None:
    """After a push: a task's own time comes later."""
    is_later = kind is Kind.task and due_at is not None and pushed < due_at and now < due_at
    return due_at if is_later else None


def lives_until(
    kind: Kind, day_end: datetime | None, due_at: datetime | None, now: datetime
) -> datetime:
    """How long a push service may keep trying to deliver: a changed plan until its day is over."""
    if kind is Kind.plan and day_end is not None:
        return max(day_end, now + timedelta(minutes=5))
    if due_at is not None:
        return max(due_at, now) + timedelta(hours=4)
    return now + 2 * DAY


def urgency(kind: Kind, why: Why, day: date | None, today: date) -> str:
    """RFC 8030 §5.3: high wakes a phone that saves its battery."""
    if why is not Why.new or (kind is Kind.plan and day == today):
        return "high"
    return "normal" if kind is Kind.task else "low"


def outcome(status: int | None) -> Outcome:
    """What an answer means; None: there was none (RFC 8030 §5 and §7.3)."""
    if status is not None and 200 <= status < 300:
        return Outcome.sent
    if status in (404, 410):
        return Outcome.gone
    if status is None or status == 429 or status >= 500:
        return Outcome.again
    return Outcome.failed


def wait_s(tries: int, retry_after_s: float | None) -> float:
    """How long to wait after a try that failed: longer each time, spread, never under what was asked."""
    base = BACK_OFF_S[min(tries, len(BACK_OFF_S)) - 1]
    return max(base * random.uniform(0.75, 1.25), min(retry_after_s or 0, 6 * 3600))


def metres(lat: float, lng: float, to_lat: float, to_lng: float) -> float:
    """Great-circle distance (haversine)."""
    a, b = radians(lat), radians(to_lat)
    h = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(to_lng - lng) / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(h))


def is_near(distance_m: float, accuracy_m: float | None, radius_m: int) -> bool:
    """Within the radius, as far as the fix can tell; a fix that tells little counts by its centre."""
    doubt = min(accuracy_m or 0.0, radius_m / 2)
    return distance_m - doubt <= radius_m
