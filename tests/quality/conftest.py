"""Days of real visits, as the recorder and the phone keep them; a pin may be where it shouldn't be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from fieldcrm.evidence import service as evidence
from fieldcrm.kit import clock, ids
from fieldcrm.kit.database import transaction
from fieldcrm.tracking import keeping
from fieldcrm.tracking.model import Fix
from fieldcrm.visits.tables import Visit
from tests import field
from tests.evidence.tracks import START, Day, Point, Receiver, at
from tests.field import NOW, Field

PLACE = (0.0, 100.0)
"""Where the first doctor's card says that he is."""
TRULY = (0.0, 420.0)
"""Where his door is: 320 m farther north."""


@pytest.fixture
def company(any_db: str, valkey: object) -> Iterator[Field]:
    """The company on each database, on the evening of its Wednesday."""
    made = field.lay_out()
    with transaction() as session:
        for visit_id in made.visits:
            session.get_one(Visit, visit_id).state = "cancelled"
    with clock.held(NOW + timedelta(hours=8)):
        yield made


def walked(company: Field, days_ago: int, to: Point = TRULY, said: Point | None = None) -> str:
    """A visit to the first doctor some days ago: walked to a point, reported from there or elsewhere."""
    day = Day(here=(-400.0, -300.0)).goes(to)
    start = round(day.now) + 30.0
    day.stays(760).goes((500.0, 900.0)).stays(300)
    back_ms = days_ago * 86_400_000
    fixes = [
        Fix(company.reps[0].user_id, company.devices[0], 10_000 * days_ago + (f.seq or 0),
            *(t - back_ms for t in (f.fix_at_ms, f.device_at_ms, f.server_at_ms)), f.lat, f.lng,
            f.accuracy_m)
        for f in Receiver(days_ago).hears(day)
    ]  # fmt: skip
    visit_id = _closed(company, days_ago, start, said or to)
    with transaction() as session:
        keeping.append(session, fixes)
    return visit_id


def _closed(company: Field, days_ago: int, start: float, said: Point) -> str:
    rep, back = company.reps[0], timedelta(days=days_ago)
    began, ended = (clock.from_ms(1000 * (START + t)) - back for t in (start, start + 660))
    lat, lng = at(*said)
    place_lat, place_lng = at(*PLACE)
    told = {"lat": lat, "lng": lng, "accuracy_m": 9.0, "position_state": "fresh", "is_mock": False}
    visit = Visit(
        id=ids.new_id(), rep_id=rep.user_id, team_id=company.teams[0], client_id=company.clients[0],
        lat=place_lat, lng=place_lng, day=clock.local(began).date(), state="closed", result="met",
        checked_in_at=began, closed_at=ended, check_in=told, check_out=told, created_at=began,
        updated_at=ended,
    )  # fmt: skip
    with transaction() as session:
        session.add(visit)
    return visit.id


def judge_all() -> None:
    """Verdicts as the recorder gives them."""
    evidence.judge_due(clock.now())
