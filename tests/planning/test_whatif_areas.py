"""Territories of H3 cells, whatever the land: each cell once, hanging together, never less even."""

from __future__ import annotations

import h3.api.basic_int as h3
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldcrm.planning import whatif_areas as areas
from fieldcrm.planning.whatif_areas import Land

MIDDLE = (60.17, 24.94)
NAMES = ("north", "east", "south")
SOMEWHERE = st.tuples(st.floats(60.14, 60.20), st.floats(24.88, 25.0))


@st.composite
def lands(draw: st.DrawFn) -> Land:
    """Work here and there around a city, now and then in a town of its own."""
    found = draw(st.dictionaries(SOMEWHERE, st.integers(0, 600), min_size=3, max_size=40))
    load: dict[int, float] = {}
    for place, minutes in found.items():
        cell = h3.latlng_to_cell(*place, 8)
        load[cell] = load.get(cell, 0.0) + minutes
    return areas.make_land(load)


@st.composite
def teams(draw: st.DrawFn) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    names = NAMES[: draw(st.integers(1, 3))]
    capacity = {n: float(draw(st.integers(1_000, 9_000))) for n in names}
    return capacity, {n: draw(SOMEWHERE) for n in names}


def is_whole(land: Land, owner: dict[int, str], name: str) -> bool:
    """Whether a territory hangs together."""
    return len(areas.components([c for c, o in owner.items() if o == name], land.links)) <= 1


def uneven(land: Land, owner: dict[int, str], capacity: dict[str, float]) -> float:
    return areas.unevenness(areas.loads(land, owner, capacity), capacity)


@settings(max_examples=60, deadline=None)
@given(lands(), teams())
def test_what_is_grown_has_every_cell_once_and_hangs_together(land: Land, team) -> None:
    capacity, anchors = team
    owner = areas.grown(land, areas.seeded(land, capacity, anchors), capacity, anchors)
    assert owner.keys() == land.load.keys()
    assert set(owner.values()) <= capacity.keys()
    assert all(is_whole(land, owner, n) for n in capacity)


@settings(max_examples=60, deadline=None)
@given(lands(), teams(), st.data())
def test_balancing_never_makes_work_less_even_nor_tears_anything(
    land: Land, team, data: st.DataObject
) -> None:
    capacity, anchors = team
    cells = sorted(land.load)
    owner = {c: data.draw(st.sampled_from(sorted(capacity))) for c in cells}
    was = {
        n: len(areas.components([c for c in cells if owner[c] == n], land.links)) for n in capacity
    }
    after = areas.balanced(land, owner, capacity, anchors)
    assert after.keys() == owner.keys()
    assert uneven(land, after, capacity) <= uneven(land, owner, capacity) + 1e-12
    for name, parts in was.items():
        now = len(areas.components([c for c in cells if after[c] == name], land.links))
        assert now <= max(parts, 1) or parts == 0
    proposed = areas.proposed(land, owner, capacity, anchors)
    assert uneven(land, proposed, capacity) <= uneven(land, owner, capacity) + 1e-12


@settings(max_examples=40, deadline=None)
@given(lands(), teams())
def test_a_whole_territory_stays_whole_when_it_is_made_even(land: Land, team) -> None:
    capacity, anchors = team
    owner = areas.grown(land, areas.seeded(land, capacity, anchors), capacity, anchors)
    after = areas.balanced(land, owner, capacity, anchors)
    assert all(is_whole(land, after, n) for n in capacity)
    assert set(after.values()) == set(owner.values()), "nobody loses the last cell"


@settings(max_examples=40, deadline=None)
@given(lands())
def test_every_cell_of_the_map_goes_with_one_that_has_work(land: Land) -> None:
    assert land.load.keys() <= land.patch.keys()
    assert {land.patch[c] for c in land.load} == land.load.keys()
    assert len(areas.components(land.load, land.links)) == 1, "towns apart are joined"
    shown = areas.on_the_map(land, dict.fromkeys(land.load, "north"))
    assert shown.keys() == land.patch.keys()


def test_only_movable_cells_move_and_only_takers_are_given_any() -> None:
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(*MIDDLE, 8), 2))
    land = areas.make_land(dict.fromkeys(cells, 60.0))
    capacity, anchors = {"a": 1.0, "b": 1.0, "c": 1.0}, dict.fromkeys("abc", MIDDLE)
    owner = dict.fromkeys(cells, "a") | {cells[0]: "b", cells[-1]: "c"}
    after = areas.balanced(land, owner, capacity, anchors, takers=("b",))
    moved = {c for c in cells if after[c] != owner[c]}
    assert moved
    assert {after[c] for c in moved} == {"b"}
    assert areas.balanced(land, owner, capacity, anchors, movable=()) == owner


def test_an_even_field_is_shared_out_evenly() -> None:
    """91 equal cells among three who live at its rim: within a cell or two of a third each."""
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(*MIDDLE, 8), 5))
    land = areas.make_land(dict.fromkeys(cells, 10.0))
    rim = sorted(h3.grid_ring(h3.latlng_to_cell(*MIDDLE, 8), 5))
    anchors = {n: h3.cell_to_latlng(rim[k * 10]) for k, n in enumerate(NAMES)}
    capacity: dict[str, float] = dict.fromkeys(NAMES, 480.0)
    owner = areas.proposed(land, dict.fromkeys(cells, "north"), capacity, anchors)
    sizes = [list(owner.values()).count(n) for n in NAMES]
    assert max(sizes) - min(sizes) <= 2
    assert all(is_whole(land, owner, n) for n in NAMES)


def test_who_works_half_the_time_gets_half_the_work() -> None:
    cells = sorted(h3.grid_disk(h3.latlng_to_cell(*MIDDLE, 8), 4))
    land = areas.make_land(dict.fromkeys(cells, 10.0))
    capacity, anchors = {"full": 2.0, "half": 1.0}, {"full": (60.1, 24.8), "half": (60.3, 25.1)}
    owner = areas.proposed(land, dict.fromkeys(cells, "full"), capacity, anchors)
    load = areas.loads(land, owner, capacity)
    assert abs(load["full"] - 2 * load["half"]) <= 30


def test_cells_are_finer_where_clients_are_many_and_near() -> None:
    near = [(60.17 + n * 1e-4, 24.94) for n in range(40)]
    far = [(60.17 + n * 0.2, 24.94) for n in range(400)]
    assert areas.resolution_for(near) == areas.FINEST
    assert areas.resolution_for(far) == areas.COARSEST
