"""What the live desk reads from the services; slow reads, made in threads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fieldcrm.components.alerts import AlertRow, alert_rows
from fieldcrm.kit import clock
from fieldcrm.pages import dispatch_day, dispatch_loose, dispatch_phone, dispatch_reps
from fieldcrm.pages.dispatch_loose import LooseRow
from fieldcrm.pages.dispatch_phone import PhoneFact
from fieldcrm.pages.dispatch_reps import RepRow
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User
from fieldcrm.planning import service as planning
from fieldcrm.tracking import battery
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.areas import visit_stays
from fieldcrm.tracking.areas.model import Stays
from fieldcrm.tracking.model import LiveRep, RepState
from fieldcrm.visits import board
from fieldcrm.visits import service as visits
from fieldcrm.visits.store import VisitView

NOTICES_LONGEST = 200_000


@dataclass
class Choice:
    """An option of a menu."""

    value: str
    text: str


@dataclass
class TeamLoad:
    """Everybody the reader sees, as of now."""

    reps: list[RepRow]
    teams: list[Choice]
    alerts: list[AlertRow]
    loose: list[LooseRow]
    phone: list[PhoneFact]
    """What the selected rep's phone does."""


@dataclass
class DayLoad:
    """The selected rep's day as read."""

    rep: User
    day: list[VisitView]
    track: dict[str, Any]
    line: list[list[float]]
    stays: Stays
    """When he was at his visits' places, by his fixes."""


def load_team(actor: Actor, selected: str, language: str) -> TeamLoad:
    """The team's rows; `selected` is the rep whose phone is looked at, if any."""
    today = clock.local(clock.now()).date()
    reps = people.visible_reps(actor)
    live = tracking.live(actor, None)
    views = board.visits_of_day(actor, today)
    by_id, states = {rep.id: rep for rep in reps}, {row.rep_id: row.state.value for row in live}
    standing = [row.rep_id for row in live if row.state is RepState.idle]
    stays = visit_stays.stays_of(standing, today)
    phone = next((row for row in live if row.rep_id == selected), None)
    heard = tracking.phone_status(actor, selected) if phone else None
    return TeamLoad(
        reps=dispatch_reps.rep_rows(reps, live, views, language, stays),
        teams=[Choice(team.id, team.name) for team in people.list_teams(actor)],
        alerts=alert_rows(actor, language),
        loose=dispatch_loose.loose_rows(views, by_id, states, language),
        phone=dispatch_phone.phone_facts(phone, heard, language, _drain(actor, phone)),
    )  # fmt: skip


LATELY = timedelta(hours=3)


def _drain(actor: Actor, phone: LiveRep | None) -> float | None:
    """How fast a rep's battery falls, by his track of late."""
    if phone is None:
        return None
    now = clock.now()
    return battery.drain_pct_per_h(tracking.track(actor, phone.rep_id, now - LATELY, now))


def load_day(actor: Actor, rep_id: str, on: date) -> DayLoad:
    """A rep's day; raises OutOfScope."""
    rep = people.scope_rep(actor, rep_id)
    day = dispatch_reps.in_order(visits.day(actor, rep_id, on))
    track = tracking.day_track(actor, rep_id, on)
    plan = planning.day_plan(actor, rep_id, on)
    stays = visit_stays.stays_of([rep_id], on).get(rep_id, {})
    return DayLoad(rep, day, track, dispatch_day.line_ahead(plan.line if plan else [], day), stays)


def plain_lines(lines: list[list[Any]]) -> list[list[list[float]]]:
    """A track's lines as a browser gets them: [lat, lng, epoch ms]."""
    return [[[round(p[0], 6), round(p[1], 6), p[2]] for p in line] for line in lines]


def notices_in(told: str) -> list[dict[str, Any]]:
    """The live socket's notices as the browser passed them on; nothing where it is nonsense."""
    try:
        found = json.loads(told[:NOTICES_LONGEST])
    except json.JSONDecodeError:
        return []
    return [n for n in found if isinstance(n, dict)] if isinstance(found, list) else []
