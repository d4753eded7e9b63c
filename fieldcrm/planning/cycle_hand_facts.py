"""Some reps' days of a span as a hand moves visits between them: loaded, priced, drafted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session

from fieldcrm.kit import clock
from fieldcrm.kit.settings import settings
from fieldcrm.people.tables import User
from fieldcrm.planning import cycle_cost, cycle_rules, cycle_store, rules, store
from fieldcrm.planning.cycle import MONTHLY
from fieldcrm.planning.cycle_cost import Day, Stand, Ways
from fieldcrm.planning.cycle_facts import Span
from fieldcrm.planning.cycle_problem import Point
from fieldcrm.planning.cycle_ways import Estimate, RoadWays, ways_remembered
from fieldcrm.planning.dayfacts import DEFAULT_MINUTES
from fieldcrm.visits.tables import Visit

LIVE = ("planned", "under_way", "closed")
MONTH_DAYS = 30


@dataclass(frozen=True)
class Card:
    """What moving a client's visit asks of the client."""

    name: str
    category: str | None
    point: Point | None
    hours: str | None
    minutes: int


@dataclass
class Board:
    """One rep's days."""

    rep: User
    days: dict[date, Day]
    ways: Ways
    nodes: dict[Point, int]


@dataclass(frozen=True)
class Facts:
    """Everything that a move within these days asks for."""

    boards: dict[str, Board]
    """By rep."""
    rows: dict[str, Visit]
    """Every visit of the days, by id."""
    cards: dict[str, Card]
    is_estimate: bool

    def stand(self, board: Board, key: str, client_id: str, day: date) -> Stand:
        """A visit as it would stand on a day of a board."""
        row, card = self.rows.get(key), self.cards[client_id]
        zone = settings().timezone
        point = _point(row) or card.point
        return Stand(
            key, client_id, board.nodes.get(point, 0) if point else 0,
            row.planned_minutes if row else card.minutes,
            rules.hours_on(card.hours, day, zone).windows, _planned_s(row, day, zone),
            bool(row and row.is_locked),
        )  # fmt: skip


def load(
    session: Session, reps: Sequence[User], first: date, last: date, most: int,
    client_ids: Collection[str] = (), points: Iterable[Point | None] = (),
) -> Facts:  # fmt: skip
    """These reps' days; `client_ids` and `points` are those that may come to them."""
    every = cycle_store.span_visits(session, [r.id for r in reps], first, last, *LIVE)
    cards = cards_of(session, {v.client_id for v in every} | set(client_ids))
    more = [*points, *(cards[c].point for c in client_ids if c in cards)]
    ways = ways_remembered()
    found = Facts({}, {v.id: v for v in every}, cards, ways.is_estimate)
    for rep in reps:
        mine = [v for v in every if v.rep_id == rep.id]
        board = _board(rep, mine, cards, more, ways)
        found.boards[rep.id] = board
        board.days.update(_days(found, board, mine, Span(first, last), most))
    return found


def cards_of(session: Session, client_ids: Collection[str]) -> dict[str, Card]:
    """Clients by id with where and when they are seen."""
    named = cycle_store.names(session, client_ids)
    works = cycle_store.workplaces(session, sorted(named))
    found: dict[str, Card] = {}
    for client in named.values():
        hours, place = works.get(client.id, (None, client))
        found[client.id] = Card(
            client.name, client.category, _point(place) or _point(client),
            hours or client.opening_hours or place.opening_hours,
            client.visit_minutes or DEFAULT_MINUTES,
        )  # fmt: skip
    return found


def _board(
    rep: User, mine: Sequence[Visit], cards: dict[str, Card], more: Sequence[Point | None],
    ways: RoadWays | Estimate,
) -> Board:  # fmt: skip
    home = (rep.start_lat, rep.start_lng) if rep.start_lat and rep.start_lng else None
    known = [home, *(_point(v) or cards[v.client_id].point for v in mine), *more]
    points = list(dict.fromkeys(p for p in known if p)) or [(0.0, 0.0)]
    seconds, metres = ways(rep.mode, points)
    return Board(rep, {}, Ways(seconds, metres), {p: n for n, p in enumerate(points)})


def _days(
    facts: Facts, board: Board, mine: Sequence[Visit], span: Span, most: int
) -> dict[date, Day]:
    rep, zone, today = board.rep, settings().timezone, clock.local(clock.now()).date()
    workdays, found = set(span.workdays(rep.work_days)), dict[date, Day]()
    for n in range((span.last - span.first).days + 1):
        day = span.first + timedelta(days=n)
        here = sorted((v for v in mine if v.day == day), key=_place)
        stops = (facts.stand(board, v.id, v.client_id, day) for v in here)
        begin, end, lunch = (
            rules.local_minute_s(day, minute, zone)
            for minute in (rep.shift_start_min, rep.shift_end_min, rep.lunch_start_min)
        )
        found[day] = Day(day, day in workdays, day <= today, begin, end, lunch,
                         rep.lunch_minutes * 60, tuple(stops), most)  # fmt: skip
    return found


def _place(v: Visit) -> tuple[int, float, str]:
    planned = v.planned_at.timestamp() if v.planned_at else float("inf")
    return v.position or 10_000, planned, v.id


def _planned_s(row: Visit | None, day: date, zone: str) -> int | None:
    if row is None or row.planned_at is None or row.day != day:
        return None
    return int((row.planned_at - rules.day_start(day, zone)).total_seconds())


def _point(place: object) -> Point | None:
    lat, lng = getattr(place, "lat", None), getattr(place, "lng", None)
    return None if lat is None or lng is None else (lat, lng)


# ---- how often a client is to be seen ----


def least_days(session: Session, rep: User, client_id: str, card: Card, day: date) -> int:
    """Days that should lie between two visits to a client, by its cycle or its category."""
    cycle = store.cycle_on(session, rep.team_id or "", day)
    planned = store.targets(session, cycle.id, rep.id).get(client_id) if cycle else None
    if cycle is not None and planned:
        return cycle_cost.least_gap(planned, (cycle.ends_on - cycle.starts_on).days + 1)
    monthly = MONTHLY.get(card.category or "")
    return max(1, int(MONTH_DAYS * cycle_rules.NEAR / monthly)) if monthly else 1


def quota(session: Session, rep: User, client_id: str, day: date) -> tuple[int, int]:
    """(visits wanted of a client by the cycle that holds a day, made or planned by this rep in it)."""
    cycle = store.cycle_on(session, rep.team_id or "", day)
    wanted = store.targets(session, cycle.id, rep.id).get(client_id, 0) if cycle else 0
    if cycle is None or not wanted:
        return 0, 0
    span = (cycle.starts_on, cycle.ends_on)
    return wanted, cycle_store.client_count(session, rep.id, client_id, *span)


def other_days(session: Session, client_id: str, but: str, around: date) -> list[date]:
    """Days on which a client is seen by anybody, some months around a day, one visit left out."""
    return cycle_store.client_days(session, client_id, but, around)


def moment(day: date, seconds: int) -> datetime:
    """The UTC moment so many seconds after a local day's start."""
    return rules.day_start(day, settings().timezone) + timedelta(seconds=seconds)
