"""JSON of columns comes back as it was written, on each database."""

from __future__ import annotations

import math

from fieldcrm.kit import events, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Event


def test_json_comes_back_as_it_was_written(any_db: str) -> None:
    told = {"text": "ș 😀 \u2028", "n": [1, -2.5, 10**17, True, None], "deep": {"a": [{}]}}
    with transaction() as session:
        made = events.record(session, "test.json", ids.new_id(), data=told).id
    with reading() as session:
        row = session.get(Event, made)
    assert row is not None
    assert row.data == told


def test_what_only_python_calls_json_is_still_read() -> None:
    from fieldcrm.kit.database import _json

    assert math.isnan(_json('{"share": NaN}')["share"])
