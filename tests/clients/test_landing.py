"""Territories are drawn, or say by a rule whom they take; clients land in them by themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import h3.api.basic_int as h3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldcrm.clients import importing, landed, landing, service
from fieldcrm.clients.model import BadClientField
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.people.model import RoleForbids
from tests.clients.base import Base

TOWN = [[60.10, 24.80], [60.10, 25.00], [60.25, 25.00], [60.25, 24.80]]
EAST = [[60.10, 25.00], [60.10, 25.20], [60.25, 25.20], [60.25, 25.00]]
IN_TOWN, IN_EAST, AWAY = (60.17, 24.94), (60.17, 25.08), (61.5, 23.8)


def territory(base: Base, name: str, **changes: Any) -> str:
    team = base.company.teams["north"]
    made = service.save_territory(base.actor("admin"), {"name": name, "team_id": team} | changes)
    return made.id


def added(
    base: Base, at: tuple[float, float] | None = None, who: str = "admin", **fields: Any
) -> Any:
    place = {"lat": at[0], "lng": at[1]} if at else {}
    named = {"name": "Dr Landing", "kind": "doctor"} | place | fields
    return service.save(base.actor(who), named)


class TestAreas:
    def test_a_client_lands_where_it_lies(self, base: Base) -> None:
        town, east = (
            territory(base, n, area=[ring]) for n, ring in (("Town", TOWN), ("East", EAST))
        )
        assert added(base, IN_TOWN).territory_id == town
        assert added(base, IN_EAST).territory_id == east
        assert added(base, AWAY).territory_id is None
        assert added(base).territory_id is None

    def test_who_is_told_a_territory_stays_there(self, base: Base) -> None:
        territory(base, "Town", area=[TOWN])
        assert (
            added(base, IN_TOWN, territory_id=base.territories["south"]).territory_id
            == (base.territories["south"])
        )

    def test_a_client_that_gets_a_place_lands_and_one_that_moves_stays(self, base: Base) -> None:
        town = territory(base, "Town", area=[TOWN])
        territory(base, "East", area=[EAST])
        client, boss = added(base), base.actor("admin")
        assert service.save(boss, {"note": "x"}, client.id).territory_id is None
        moved = service.save(boss, {"lat": IN_TOWN[0], "lng": IN_TOWN[1]}, client.id)
        assert moved.territory_id == town
        moved = service.save(boss, {"lat": IN_EAST[0], "lng": IN_EAST[1]}, client.id)
        assert moved.territory_id == town
        assert service.save(boss, {"territory_id": None}, client.id).territory_id is None

    def test_an_area_drawn_anew_counts_from_then_on(self, base: Base) -> None:
        made = territory(base, "Town", area=[TOWN])
        assert added(base, IN_TOWN).territory_id == made
        service.save_territory(base.actor("admin"), {"area": [EAST]}, made)
        assert added(base, IN_TOWN).territory_id is None
        assert added(base, IN_EAST).territory_id == made

    def test_a_managers_client_lands_in_a_team_of_his_or_is_refused(self, base: Base) -> None:
        town = territory(base, "Town", area=[TOWN])
        assert added(base, IN_TOWN, who="manager_north").territory_id == town
        with pytest.raises(BadClientField):
            added(base, AWAY, who="manager_north")

    @pytest.mark.parametrize(
        "area",
        [[[]], [TOWN[:2]], [[[91, 0], [0, 1], [1, 1]]], [[["a", 0], [0, 1], [1, 1]]], [[[1e-9, 0]] * 3],
         [[[0, float("nan")], [0, 1], [1, 1]]], "town", [TOWN] * 21, [[[-80, -80], [-80, 80], [80, 80], [80, -80]]]],
    )  # fmt: skip
    def test_an_area_that_is_none_is_refused(self, area: Any) -> None:
        with pytest.raises(BadClientField):
            landing.cells_of_rings(area)

    @pytest.mark.parametrize("cells", [["zz"], ["0"], ["8a11"], [1], "8a", ["-8a1126d3400ffff"]])
    def test_cells_that_are_none_are_refused(self, cells: Any) -> None:
        with pytest.raises(BadClientField):
            landing.clean_cells(cells)

    def test_neighbours_share_no_place_and_leave_none(self) -> None:
        takers = [
            landing.taker(n, n, landing.cells_of_rings([r]), {})
            for n, r in (("t", TOWN), ("e", EAST))
        ]
        both = landing.Landing([t for t in takers if t])
        for step in range(200):
            place = {"lat": 60.12 + step * 0.0005, "lng": 24.99 + (step % 20) * 0.001}
            found = [t.territory_id for t in takers if t and landing.Landing([t]).of(place)]
            assert found == [both.of(place)]

    def test_an_area_is_drawn_as_finely_as_fits(self) -> None:
        fine = landing.cells_of_rings(
            [[[60.16, 24.93], [60.16, 24.95], [60.18, 24.95], [60.18, 24.93]]]
        )
        country = landing.cells_of_rings([[[60, 21], [60, 29], [66, 29], [66, 21]]])
        assert max(h3.get_resolution(int(c, 16)) for c in fine) == landing.FINEST
        assert len(country) <= landing.CELLS_MAX
        place = {"lat": 63.0, "lng": 25.0}
        made = landing.taker("f", "F", country, {})
        assert made
        assert landing.Landing([made]).of(place) == "f"

    def test_cells_given_one_by_one_hold_what_they_held(self) -> None:
        cells = [f"{c:x}" for c in h3.grid_disk(h3.latlng_to_cell(*IN_TOWN, 9), 6)]
        kept = landing.clean_cells(cells)
        assert len(kept) < len(cells)
        assert {c for k in kept for c in _children(int(k, 16), 9)} == {int(c, 16) for c in cells}


def _children(cell: int, size: int) -> list[int]:
    return h3.cell_to_children(cell, size) if h3.get_resolution(cell) < size else [cell]


class TestRules:
    def test_a_rule_takes_whom_it_names(self, base: Base) -> None:
        rule = {"kinds": ["pharmacy"], "cities": ["Кишинёв", "bălți"], "postcodes": ["MD-20"]}
        made = territory(base, "Pharmacies", rule=rule)
        asked: dict[str, Any] = {"kind": "pharmacy", "city": "КИШИНЕВ", "postcode": "md 2001"}
        assert added(base, **asked).territory_id == made
        others: list[dict[str, Any]] = [
            {"kind": "doctor"}, {"city": "Orhei"}, {"postcode": "3100"}, {"city": None},
        ]  # fmt: skip
        for other in others:
            assert added(base, **(asked | other)).territory_id is None

    def test_a_rule_within_an_area_comes_before_the_area(self, base: Base) -> None:
        town = territory(base, "Town", area=[TOWN])
        key = territory(base, "Key doctors", area=[TOWN], rule={"categories": ["A"]})
        assert added(base, IN_TOWN, category="A").territory_id == key
        assert added(base, IN_TOWN, category="B").territory_id == town
        assert added(base, AWAY, category="A").territory_id is None

    def test_the_smaller_of_two_areas_takes(self, base: Base) -> None:
        territory(base, "A all", area=[[[59, 22], [59, 27], [62, 27], [62, 22]]])
        town = territory(base, "Town", area=[TOWN])
        assert added(base, IN_TOWN).territory_id == town

    @pytest.mark.parametrize(
        "rule", [{"colour": ["red"]}, {"kinds": ["ghost"]}, {"categories": "A"}, {"tags": [1]},
                 {"cities": ["x" * 81]}, ["kinds"], {"cities": ["x"] * 201}],
    )  # fmt: skip
    def test_a_rule_that_asks_nothing_known_is_refused(self, rule: Any) -> None:
        with pytest.raises(BadClientField):
            landing.clean_rule(rule)

    def test_conditions_without_values_ask_nothing(self) -> None:
        assert landing.clean_rule({"kinds": [], "tags": [" ", "vip "]}) == {"tags": ["vip"]}
        assert landing.taker("t", "T", [], {}) is None

    @given(
        st.dictionaries(
            st.sampled_from(["kind", "city", "tags", "postcode", "category", "specialty"]),
            st.none(),
        )
    )
    def test_blank_cards_land_by_no_rule(self, card: dict[str, None]) -> None:
        made = landing.taker("t", "T", [], {"cities": ["x"], "tags": ["y"], "postcodes": ["1"]})
        assert made
        assert landing.Landing([made]).of(card) is None


class TestWaiting:
    def test_those_who_wait_land_when_the_administrator_says_so(self, base: Base) -> None:
        near, far = added(base, IN_TOWN), added(base, AWAY)
        town, boss = territory(base, "Town", area=[TOWN]), base.actor("admin")
        assert landed.waiting(boss) == landed.Waiting({town: 1}, 1)
        heard: list[int] = []
        assert landed.land(boss, heard.append) == landed.Waiting({town: 1}, 1)
        assert service.get(boss, near.id).territory_id == town
        assert service.get(boss, far.id).territory_id is None
        assert heard == [2]
        assert landed.land(boss) == landed.Waiting({}, 1)

    def test_one_that_is_stopped_leaves_each_where_it_got(
        self, base: Base, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(landed, "PIECE", 2)
        for _ in range(5):
            added(base, IN_TOWN)
        town, boss = territory(base, "Town", area=[TOWN]), base.actor("admin")

        def stop(done: int) -> None:
            if done == 4:
                raise Cancelled

        with pytest.raises(Cancelled):
            landed.land(boss, stop)
        assert landed.waiting(boss) == landed.Waiting({town: 1}, 0)
        assert landed.land(boss) == landed.Waiting({town: 1}, 0)

    def test_two_who_say_so_at_once_move_each_client_once(
        self, base: Base, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(landed, "PIECE", 3)
        every = [added(base, IN_TOWN).id for _ in range(12)]
        town, boss = territory(base, "Town", area=[TOWN]), base.actor("admin")
        with ThreadPoolExecutor(2) as pool:
            told = [t.result() for t in [pool.submit(landed.land, boss) for _ in range(2)]]
        assert sum(t.lands.get(town, 0) for t in told) == len(every)
        assert {service.get(boss, one).territory_id for one in every} == {town}
        assert {service.get(boss, one).version for one in every} == {2}

    def test_nobody_but_an_administrator_says_so(self, base: Base) -> None:
        for act in (landed.waiting, landed.land):
            with pytest.raises(RoleForbids):
                act(base.actor("manager_north"))


class TestImports:
    def test_rows_without_a_territory_land_and_the_undo_takes_them_away(self, base: Base) -> None:
        town, boss = territory(base, "Town", area=[TOWN]), base.actor("admin")
        rows = [
            "code,name,kind,lat,lng,territory",
            f"L1,In Town,pharmacy,{IN_TOWN[0]},{IN_TOWN[1]},",
            f"L2,Told Another,pharmacy,{IN_TOWN[0]},{IN_TOWN[1]},South",
            f"L3,Far Away,pharmacy,{AWAY[0]},{AWAY[1]},",
        ]
        mapping = {"code": "external_id", "name": "name", "kind": "kind", "lat": "lat", "lng": "lng",
                   "territory": "territory"}  # fmt: skip
        seen = importing.preview_import(boss, "f.csv", "\n".join(rows).encode(), mapping)
        importing.run_import(boss, seen.run_id)
        made = {c.external_id: c.territory_id for c in service.find(boss, "", limit=50).rows}
        assert (made["L1"], made["L2"], made["L3"]) == (town, base.territories["south"], None)
        again = importing.preview_import(boss, "f.csv", "\n".join(rows).encode(), mapping)
        assert again.counts["unchanged"] == 3
