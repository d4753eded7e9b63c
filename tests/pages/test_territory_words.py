"""How a territory takes clients, told in a row; a form's rule read; an area while it is drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.clients import area_cells
from fieldcrm.clients.landing import Landing, cells_of_rings, taker
from fieldcrm.pages.admin_territory_words import read_rule, takes

TOWN = [[60.10, 24.80], [60.10, 25.00], [60.25, 25.00], [60.25, 24.80]]
HERE = (60.17, 24.94)
AT = st.tuples(st.floats(60.11, 60.24), st.floats(24.82, 24.98))


def takes_place(cells: list[str], lat: float, lng: float) -> bool:
    found = taker("t", "T", cells, {})
    return found is not None and Landing([found]).of({"lat": lat, "lng": lng}) == "t"


class TestRows:
    @pytest.mark.parametrize(
        ("language", "said"), [("en", "a list"), ("ro", "o listă"), ("ru", "список")]
    )
    def test_neither_is_a_list(self, language: str, said: str) -> None:
        assert takes([], {}, language) == said

    def test_a_rule_names_what_it_asks(self) -> None:
        rule = {"kinds": ["pharmacy"], "cities": ["Chișinău"]}
        assert takes([], rule, "en") == "rule: pharmacies; in Chișinău"
        assert takes([], rule, "ru") == "правило: аптеки; город Chișinău"
        assert takes([], rule, "ro") == "regulă: farmacii; în Chișinău"

    def test_many_values_are_counted(self) -> None:
        rule = {"categories": ["A", "B"], "tags": ["k1", "k2", "k3", "k4", "k5"]}
        assert takes([], rule, "en") == "rule: category A, B; tag k1, k2, k3 and 2 more"

    def test_an_area_says_its_size(self) -> None:
        cells = cells_of_rings([TOWN])
        assert takes(cells, {}, "en") == "area 184 km²"
        one, _ = area_cells.toggled([], *HERE)
        assert takes(one, {"postcodes": ["001"]}, "ro") == "zonă 0,6 km² · regulă: cod poștal 001…"


def test_a_form_is_read_as_a_rule() -> None:
    told = {
        "kinds:doctor": "on",
        "kinds:buyer": False,
        "categories:B": "on",
        "cities": " Bălți ,, Orhei; Soroca ",
    }
    rule = read_rule(told)
    assert rule["kinds"] == ["doctor"]
    assert rule["categories"] == ["B"]
    assert rule["cities"] == ["Bălți", "Orhei", "Soroca"]
    assert rule["tags"] == []


class TestDrawing:
    @given(AT)
    def test_a_cell_chosen_twice_is_as_before(self, at: tuple[float, float]) -> None:
        town = cells_of_rings([TOWN])
        less, is_added = area_cells.toggled(town, *at)
        assert not is_added
        assert not takes_place(less, *at)
        again, is_added = area_cells.toggled(less, *at)
        assert is_added
        assert takes_place(again, *at)

    @given(AT)
    def test_a_cell_cut_out_takes_no_neighbour_along(self, at: tuple[float, float]) -> None:
        town = cells_of_rings([TOWN])
        less, _ = area_cells.toggled(town, *at)
        lost = area_cells.area_km2(town) - area_cells.area_km2(less)
        assert 0 < lost < 1

    def test_two_areas_are_one_and_nothing_is_counted_twice(self) -> None:
        town = cells_of_rings([TOWN])
        assert area_cells.united(town, town) == town
        one, _ = area_cells.toggled([], *HERE)
        assert area_cells.united(town, one) == town
        assert area_cells.without(town, town) == []

    def test_the_outline_stays_small_and_around_the_area(self) -> None:
        town = cells_of_rings([TOWN])
        whole, shape = area_cells.outline(town), area_cells.outline(town, 200)
        box = (60.10, 24.80, 60.25, 25.00)
        assert area_cells.bounds([whole]) == pytest.approx(box, abs=0.01)
        assert area_cells.bounds([shape]) == pytest.approx(box, abs=0.05)
        assert sum(len(ring) for polygon in shape for ring in polygon) < 400
        assert area_cells.outline([]) == []
        assert area_cells.bounds([]) == []
