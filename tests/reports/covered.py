"""A rep's shift, his fixes and a count of them, for tests of coverage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import h3.api.basic_int as h3

from fieldcrm.kit import clock
from fieldcrm.kit.database import transaction
from fieldcrm.reports import coverage_fill
from fieldcrm.reports import coverage_rules as rules
from fieldcrm.reports.coverage import Asked
from fieldcrm.tracking import keeping
from fieldcrm.tracking.model import Fix
from fieldcrm.tracking.tables import Shift
from tests.reports.conftest import Field

DAY = date(2026, 5, 4)
SHIFT = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
NOW = SHIFT + timedelta(hours=12)
MINUTE_MS = 60_000
HOME = (60.17, 24.94)
AWAY = (60.20, 24.94)
ALL = Asked(DAY, DAY)


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def cell_of(place: tuple[float, float]) -> int:
    return h3.latlng_to_cell(*place, rules.FINE)


def fixes(rep: str, minutes: Any, place: tuple[float, float], doubts: int = 0) -> list[Fix]:
    start = ms(SHIFT)
    return [
        Fix(rep, "phone", m, at, at, at, *place, doubts=doubts)
        for m, at in ((m, start + m * MINUTE_MS) for m in minutes)
    ]


def work(field: Field, login: str = "rep_north", hours: int = 2) -> str:
    """A shift of some hours without any fix; its rep's id."""
    rep = field.company.users[login]
    with transaction() as session:
        session.add(
            Shift(
                id=f"shift-{login}",
                rep_id=rep,
                started_at=SHIFT,
                ended_at=SHIFT + timedelta(hours=hours),
            )
        )
    return rep


def record(*found: Fix, at: datetime = NOW) -> None:
    with clock.held(at), transaction() as session:
        keeping.append(session, found)


def fill(now: datetime = NOW) -> None:
    """Count until nothing is due."""
    with clock.held(now):
        for _ in range(100):
            if not coverage_fill.fill(now):
                return
    raise AssertionError("never done")
