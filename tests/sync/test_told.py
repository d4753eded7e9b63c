"""Rows that SQLite hands over in one piece are those that it would give one by one, to the last bit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError

from fieldcrm.kit.database import reading, transaction
from fieldcrm.sync.told import Bulk, ms, select_of
from fieldcrm.visits.tables import Visit
from fieldcrm.wire import sync as wire
from tests.field import Field

PLACE = {
    "at_ms": 1_771_000_000_123, "device_at_ms": None, "server_at_ms": 1, "offset_ms": -3, "lat": 60.5,
    "lng": 24.1, "accuracy_m": None, "fix_at_ms": None, "is_mock": None, "source": "gps",
    "no_gps_reason": None, "position_state": "fresh", "of_a_newer_server": 1,
}  # fmt: skip
SHAPES: dict[str, Any] = {"details": wire.VisitDetails, "check_in": wire.PlaceTime}


def bulk_of(visit_id: str, **shapes: Any) -> Bulk:
    table: Any = Visit.__table__  # type: ignore[attr-defined]
    return Bulk(select_of(table, wire.VisitDoc, **shapes).where(table.c.id == visit_id))


def change(visit_id: str, **values: Any) -> None:
    with transaction() as session:
        visit = session.get(Visit, visit_id)
        assert visit
        for name, value in values.items():
            setattr(visit, name, value)


def told(visit_id: str) -> dict[str, Any]:
    """A visit's values by name; they are the same read plainly."""
    bulk = bulk_of(visit_id, **SHAPES)
    with reading() as session:
        (row,) = bulk.rows(session, {})
        (plain,) = session.connection().execute(bulk.plain)
    assert [*row] == [*plain]
    assert [type(v) for v in row] == [type(v) for v in plain]
    return dict(zip(plain._fields, row, strict=True))


@pytest.mark.parametrize("lat", [60.16985512345678, 25.0, 1e-7, -0.1, 5e-324, 0.1 + 0.2])
def test_a_number_is_the_same_to_the_last_bit(company: Field, lat: float) -> None:
    change(company.visits[0], lat=lat)
    assert told(company.visits[0])["lat"] == lat


@pytest.mark.parametrize("micros", [0, 499, 501, 999_400, 999_600, 757_172])
def test_moments_are_rounded_as_everywhere(company: Field, micros: int) -> None:
    at = datetime(2026, 3, 2, 8, 59, 59, micros, tzinfo=UTC)
    change(company.visits[0], closed_at=at, expected_at=None)
    row = told(company.visits[0])
    assert (row["closed_at"], row["expected_at"]) == (ms(at), None)


def test_json_comes_in_the_wires_shapes(company: Field) -> None:
    words = 'He said "да"\n\\ \u2028 \U0001f600'
    reason = {"why": [1.50, None, words]}
    change(company.visits[0], check_in=PLACE, details={"samples": {"a": 2}}, plan_reason=reason,
           comment=words, is_locked=True)  # fmt: skip
    row = told(company.visits[0])
    assert row["check_in"] == wire.PlaceTime(**{k: v for k, v in PLACE.items() if k in wire.PlaceTime.__struct_fields__})  # type: ignore[arg-type]  # fmt: skip
    assert row["details"] == wire.VisitDetails(samples={"a": 2})
    assert (row["plan_reason"], row["comment"]) == (reason, words)
    assert (row["is_locked"], row["is_unplanned"]) == (True, False)


def test_what_only_python_calls_json_is_still_read(company: Field) -> None:
    put = text("update visit set plan_reason = '{\"share\": NaN}' where id = :id")
    with transaction() as session:
        is_sqlite = session.get_bind().dialect.name == "sqlite"
        if is_sqlite:
            session.execute(put, {"id": company.visits[0]})
    if not is_sqlite:  # PostgreSQL takes no such value in the first place
        with pytest.raises(DataError), transaction() as session:
            session.execute(put, {"id": company.visits[0]})
        return
    with reading() as session:
        bulk = bulk_of(company.visits[0])
        (row,) = bulk.rows(session, {})
    share = row[bulk.plain.selected_columns.keys().index("plan_reason")]["share"]
    assert share != share
