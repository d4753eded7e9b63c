"""What a commit is made of, as far as it takes no Valkey."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.kit import cells
from fieldcrm.tracking import live_index
from fieldcrm.tracking.live_index import Writes
from fieldcrm.tracking.memory import RepMemory
from fieldcrm.tracking.model import Fix


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_the_published_cell_is_the_ancestor(lat: float, lng: float) -> None:
    fine = cells.fine_cell(lat, lng)
    assert cells.published(fine) == cells.parent(fine, cells.PUBLISH)


_STEPS = st.lists(st.tuples(st.floats(-0.0012, 0.0012), st.floats(-0.0012, 0.0012)), max_size=12)
"""Degrees: up to 130 m north, a little more than a cell's width."""


@given(st.floats(-90, 90), st.floats(-180, 180), _STEPS)
def test_who_walks_about_is_in_the_cell_that_h3_says(
    lat: float, lng: float, steps: list[tuple[float, float]]
) -> None:
    rep = RepMemory()
    for north, east in [(0.0, 0.0), (0.0, 0.0), *steps]:
        there = max(-90.0, min(90.0, lat + north)), max(-180.0, min(180.0, lng + east))
        assert rep.cell_at(*there) == cells.fine_cell(*there)


def test_a_newest_fix_is_written_as_any_fix_that_moves_the_marker() -> None:
    fix = Fix("rep", "phone", 7, 5, 5, 6, 60.1, 24.9, 8.0)
    point = live_index.point_of(fix, 4, 0)
    at_once, in_two = Writes(), Writes()
    at_once.record_newest(fix, 4, point.cell)
    in_two.record([fix])
    in_two.move(point)
    assert bytes(live_index.commands_of(at_once)) == bytes(live_index.commands_of(in_two))
    assert live_index.decode_batch(at_once.packed()) == [fix]


@pytest.mark.parametrize("count", [1, 15, 16, 1000])
def test_what_is_packed_is_read_back_however_large(count: int) -> None:
    fixes = [Fix("rep", "phone", n, n, n, 6, 60.1, 24.9, 8.0) for n in range(count)]
    writes = Writes()
    writes.record(fixes)
    packed = writes.packed()
    assert live_index.decode_batch(packed) == fixes
    assert len(packed) < max(live_index.COMPRESS_FROM, 40 * count)
    if count == 1000:
        with pytest.raises(msgspec.MsgspecError):
            live_index.decode_batch(packed[:-9])
