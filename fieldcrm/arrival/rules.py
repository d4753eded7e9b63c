"""When an arrival link lives and what it may show. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from fieldcrm.arrival.model import Facts, Stage

LASTS = timedelta(hours=1)
KEPT_WHEN_OVER = timedelta(days=1)
"""A link shows nothing once it is over, and the event log tells that there was one: it is erased."""
LINKS_MOST = 5
"""Living links of one visit."""
FRESH_S = 180
"""An older position is no news of somebody who is on the way."""
COMING = frozenset({"planned", "under_way"})


def is_alive(
    facts: Facts, expires_at: datetime, revoked_at: datetime | None, now: datetime
) -> bool:
    """At most for an hour, until the visit is over or somebody takes it back."""
    is_coming = facts.state in COMING and facts.is_today and facts.is_same_rep
    return revoked_at is None and now < expires_at and is_coming


def stage(facts: Facts) -> Stage:
    """What the client is told."""
    if facts.state == "under_way":
        return Stage.arrived
    return Stage.on_way if facts.is_next and facts.is_at_work else Stage.later


def shows_position(facts: Facts) -> bool:
    """Only at work, on the way to this visit and to no other, and while it is true."""
    is_fresh = facts.fix_age_s is not None and facts.fix_age_s <= FRESH_S
    return stage(facts) is Stage.on_way and is_fresh


def first_name(name: str) -> str:
    """`Aino Virtanen` as a client needs to know her: `Aino V.`"""
    words = name.split()
    return f"{words[0]} {words[-1][0]}." if len(words) > 1 else name
