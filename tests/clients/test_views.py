"""Saved views: kept, shared by right, opened without what is gone; conditions on any field; nearby."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from fieldcrm.clients import conditions, service
from fieldcrm.clients.model import BadClientField, ClientFilters, Condition, Near
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.views import service as views
from fieldcrm.clients.views.model import (
    USUAL,
    BadView,
    SharingForbidden,
    ViewChanged,
    ViewNotFound,
)
from fieldcrm.people import service as people
from fieldcrm.people.model import RoleForbids
from tests.clients.base import Base

BEDS = {"name": "beds", "type": "number", "label": {"en": "Beds", "ru": "Койки"}, "whole": True}
CHAIN = {"name": "chain", "type": "yes_no", "label": "Chain"}
MOOD = {
    "name": "mood", "type": "choices", "label": "Mood",
    "options": [{"value": "хорошее", "label": "Good"}, {"value": "bad", "label": "Bad"}],
}  # fmt: skip


def own_fields(base: Base) -> dict[str, str]:
    """Three fields of every kind of clients and values for two of the base's; ids by name."""
    admin = base.actor("admin")
    kinds = ["doctor", "organisation", "pharmacy"]
    made = {f["name"]: ownfields.save_field(admin, f, kinds, ["manager"]).id
            for f in (BEDS, CHAIN, MOOD)}  # fmt: skip
    for name, told in (
        ("Töölö Health Station", {"beds": 40, "chain": False, "mood": ["хорошее"]}),
        ("Farmacia Ștefan cel Mare", {"beds": 3, "chain": True, "mood": ["bad", "хорошее"]}),
    ):
        service.save(admin, {"own_fields": told}, base.clients[name])
    return made


def found(base: Base, *asked: tuple[str, str, str], login: str = "admin") -> list[str]:
    """First words of the names of clients that meet the conditions."""
    wanted = ClientFilters(conditions=tuple(Condition(*c) for c in asked))
    page = service.find(base.actor(login), filters=wanted)
    assert service.count(base.actor(login), wanted) == len(page.rows)
    return sorted(c.name.split()[0] for c in page.rows)


def test_a_list_is_narrowed_by_any_column(base: Base) -> None:
    boss = base.actor("admin")
    service.save(boss, {"tags": ["сеть", "new"], "visit_minutes": 45},
                 base.clients["Dr Щербаков Артём"])  # fmt: skip
    assert found(base, ("name", "has", "щербаков")) == ["Dr"]
    assert found(base, ("name", "has", "ЩЕРБАКОВ")) == ["Dr"]
    assert found(base, ("name", "has", "100%")) == []
    assert found(base, ("city", "is", "Helsinki")) == ["Töölö"]
    assert found(base, ("city", "is_not", "Helsinki")) == ["Dr", "Farmacia"]
    assert found(base, ("city", "empty", "")) == ["Dr"]
    assert found(base, ("city", "filled", "")) == ["Farmacia", "Töölö"]
    assert found(base, ("tags", "has", "сеть")) == ["Dr"]
    assert found(base, ("tags", "empty", "")) == ["Farmacia", "Töölö"]
    assert found(base, ("visit_minutes", "from", "45")) == ["Dr"]
    assert found(base, ("visit_minutes", "to", "44")) == []
    assert found(base, ("kind", "is", "pharmacy")) == ["Farmacia"]
    assert found(base, ("created_at", "from", "2000-01-01"), ("category", "is", "A")) == ["Töölö"]
    assert found(base, ("created_at", "to", "2000-01-01")) == []
    assert found(base, ("name", "filled", ""), login="rep_south") == ["Farmacia"]


def test_a_list_is_narrowed_by_own_fields(base: Base) -> None:
    own_fields(base)
    assert found(base, ("own.beds", "from", "3"), ("own.beds", "to", "39.5")) == ["Farmacia"]
    assert found(base, ("own.beds", "empty", "")) == ["Dr"]
    assert found(base, ("own.chain", "is", "false")) == ["Töölö"]
    assert found(base, ("own.mood", "has", "хорошее")) == ["Farmacia", "Töölö"]
    assert found(base, ("own.mood", "has", "bad")) == ["Farmacia"]
    assert found(base, ("own.mood", "filled", "")) == ["Farmacia", "Töölö"]


@pytest.mark.parametrize(
    "asked",
    [
        ("password", "is", "x"), ("search_text", "has", "x"), ("name", "from", "x"),
        ("name", "is", ""), ("visit_minutes", "is", "nan"), ("created_at", "from", "soon"),
        ("own.none", "is", "x"), ("name", "drop", "x"), ("name", "has", "a\x00b"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(base: Base, asked: tuple[str, str, str]) -> None:
    with pytest.raises(BadClientField):
        service.find(base.actor("admin"), filters=ClientFilters(conditions=(Condition(*asked),)))


def test_nearby_counts_what_a_sphere_counts_and_comes_nearest_first(base: Base) -> None:
    boss, rng = base.actor("admin"), random.Random(7)
    centre = Near(60.17, 24.94, 5.0)
    made = dict[str, float]()
    for n in range(60):
        lat, lng = centre.lat + rng.uniform(-0.1, 0.1), centre.lng + rng.uniform(-0.2, 0.2)
        row = {"name": f"P {n:02}", "kind": "pharmacy", "lat": lat, "lng": lng,
               "territory_id": base.territories["south"]}  # fmt: skip
        made[service.save(boss, row).id] = _on_the_sphere(centre, lat, lng)
    station = base.clients["Töölö Health Station"]
    made[station] = _on_the_sphere(centre, 60.1839, 24.9146)
    expected = sorted((d, i) for i, d in made.items() if d <= centre.km)
    assert 5 < len(expected) < 60
    wanted = ClientFilters(near=centre)
    got, cursor = list[str](), None
    while True:
        page = service.find(boss, "", wanted, "distance", 7, cursor)
        got += [c.id for c in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
    assert got == [client_id for _, client_id in expected]
    assert service.count(boss, wanted) == len(expected)
    seen = service.find(base.actor("rep_north"), filters=wanted).rows
    assert [c.id for c in seen] == [station]
    with pytest.raises(BadClientField):
        service.find(boss, sort="distance")
    with pytest.raises(BadClientField):
        service.find(boss, filters=ClientFilters(near=Near(60.0, 25.0, 9_999)))


def _on_the_sphere(near: Near, lat: float, lng: float) -> float:
    a, b = math.radians(near.lat), math.radians(lat)
    half = math.sin((b - a) / 2) ** 2
    half += math.cos(a) * math.cos(b) * math.sin(math.radians(lng - near.lng) / 2) ** 2
    return 2 * 6371.0088 * math.asin(math.sqrt(half))


def test_nearby_reaches_across_the_180th_meridian(base: Base) -> None:
    """Chukotka and the Aleutians, Fiji: what is next door by sea is next door in the list."""
    boss = base.actor("admin")
    placed = {"A": (66.0, 179.98), "B": (66.0, -179.99), "C": (66.01, -179.9), "D": (66.0, 179.0)}
    for name, (lat, lng) in placed.items():
        service.save(boss, {"name": name, "kind": "pharmacy", "lat": lat, "lng": lng,
                            "territory_id": base.territories["south"]})  # fmt: skip
    for lng in (179.99, -179.995):
        near = Near(66.0, lng, 10.0)
        order = sorted(placed, key=lambda n: _on_the_sphere(near, *placed[n]))
        first = service.find(boss, "", ClientFilters(near=near), "distance", 2)
        rest = service.find(boss, "", ClientFilters(near=near), "distance", 9, first.cursor)
        assert [c.name for c in (*first.rows, *rest.rows)] == order[:3]
        assert service.count(boss, ClientFilters(near=near)) == 3


@pytest.mark.parametrize("lat", [-55.0, 0.0, 47.0, 69.0])
@pytest.mark.parametrize("km", [1.0, 50.0, 300.0])
def test_the_plane_of_nearby_is_as_good_as_the_sphere(lat: float, km: float) -> None:
    near = Near(lat, 30.0, km)
    south, north, west, east = conditions.box(near)
    for n in range(360):
        to_lat = lat + km / 111.195 * math.cos(math.radians(n))
        to_lng = 30 + km / 111.195 / math.cos(math.radians(lat)) * math.sin(math.radians(n))
        far = math.sqrt(conditions.squared_km(to_lat, to_lng, near))
        assert far == pytest.approx(_on_the_sphere(near, to_lat, to_lng), rel=4e-3)
        if _on_the_sphere(near, to_lat, to_lng) <= km:
            assert south <= to_lat <= north
            assert west <= to_lng <= east


# ---- views ----


def state(**told: Any) -> dict[str, Any]:
    return {"columns": ["city", "own.beds", "kind"], "sort": "-own.beds", **told}


def test_a_view_is_kept_for_its_person_and_opened_as_it_was_saved(base: Base) -> None:
    own_fields(base)
    ann = base.actor("manager_north")
    asked = state(conditions=[{"field": "own.beds", "op": "from", "value": "10"}])
    saved = views.save(ann, "  Large \n clinics ", asked)
    again = views.get(ann, saved.id)
    assert (again.name, again.gone, again.is_mine) == ("Large clinics", (), True)
    assert again.state.columns == ("city", "own.beds", "kind")
    rows = service.find(ann, filters=views.filters_of(ann, again.state), sort=again.state.sort).rows
    assert [c.name for c in rows] == ["Töölö Health Station"]
    with pytest.raises(ViewNotFound):
        views.get(base.actor("admin"), saved.id)
    renamed = views.save(ann, "Clinics", again.state, view_id=saved.id, version=saved.version)
    with pytest.raises(ViewChanged):
        views.save(ann, "Clinics!", again.state, view_id=saved.id, version=saved.version)
    assert [v.name for v in views.list_views(ann)] == ["Clinics"]
    views.set_default(ann, saved.id)
    assert views.habit(ann).view_id == saved.id
    assert views.get(ann, saved.id).is_default
    views.remove(ann, renamed.id)
    assert views.habit(ann).view_id is None
    log = people.event_log(base.actor("admin"), "", saved.id, None, None, 10)
    assert {e.kind for e in log} == {"client_view.saved", "client_view.removed"}


def test_views_are_shared_by_right(base: Base) -> None:
    north, south = base.company.teams["north"], base.company.teams["south"]
    dispatcher, manager = base.actor("dispatcher_north"), base.actor("manager_north")
    stranger, admin = base.actor("manager_south"), base.actor("admin")
    team = views.save(dispatcher, "Ours", {}, "team", north)
    every = views.save(manager, "All", {}, "everybody")
    assert [v.name for v in views.list_views(manager)] == ["All", "Ours"]
    assert [v.name for v in views.list_views(stranger)] == ["All"]
    assert {v.name for v in views.list_views(admin)} == {"All", "Ours"}
    with pytest.raises(ViewNotFound):
        views.get(stranger, team.id)
    with pytest.raises(ViewNotFound):
        views.save(stranger, "Mine now", {}, view_id=every.id, version=every.version)
    with pytest.raises(ViewNotFound):
        views.remove(stranger, every.id)
    with pytest.raises(ViewNotFound):
        views.set_default(stranger, team.id)
    for actor, shared, team_id in (
        (dispatcher, "everybody", None), (dispatcher, "team", south), (dispatcher, "team", None),
    ):  # fmt: skip
        with pytest.raises(SharingForbidden):
            views.save(actor, "x", {}, shared, team_id)
    with pytest.raises(BadView):
        views.save(admin, "x", {}, "team", "nowhere")
    views.set_default(stranger, every.id)
    views.remove(admin, every.id)
    assert views.habit(stranger).view_id is None
    with pytest.raises(RoleForbids):
        views.list_views(base.actor("rep_north"))


def test_a_view_opens_without_what_is_gone_and_says_so(base: Base) -> None:
    made, boss = own_fields(base), base.actor("admin")
    place = service.save(boss, {"name": "Nowhere", "kind": "pharmacy"}).id
    kept = {"field": "city", "op": "filled", "value": ""}
    lost = {"field": "own.beds", "op": "from", "value": "1"}
    saved = views.save(boss, "v", state(conditions=[kept, lost], near=place, near_km=2.0))
    ownfields.set_archived(boss, made["beds"], True)
    opened = views.get(boss, saved.id)
    assert opened.gone == ("Beds", "near")
    assert opened.state.columns == ("city", "kind")
    assert (opened.state.sort, opened.state.near) == ("name", "")
    assert [c.field for c in opened.state.conditions] == ["city"]
    rows = service.find(boss, filters=views.filters_of(boss, opened.state)).rows
    assert {c.city for c in rows} == {"Helsinki", "Chișinău"}
    ownfields.set_archived(boss, made["beds"], False)
    service.save(boss, {"lat": 60.18, "lng": 24.92}, place)
    again = views.get(boss, saved.id)
    assert again.gone == ()
    near = views.filters_of(boss, again.state).near
    assert near is not None
    assert (near.lat, near.km) == (60.18, 2.0)


def test_columns_are_remembered_for_the_person(base: Base) -> None:
    ann = base.actor("manager_north")
    assert views.habit(ann).columns == USUAL
    views.keep_columns(ann, ("city", "own.beds"))
    assert views.habit(ann).columns == ("city", "own.beds")
    assert views.habit(base.actor("manager_south")).columns == USUAL


@pytest.mark.parametrize(
    "told",
    [
        {"columns": ["password"]}, {"columns": "city"}, {"sort": "password"}, {"sort": "distance"},
        {"conditions": [{"field": "name", "op": "is", "value": ""}]}, {"near": "x y z", "near_km": 1},
        {"conditions": [{"field": "id", "op": "is", "value": "1"}]}, {"near": "60,25", "near_km": 0},
        {"near": "99,25", "near_km": 1}, {"search": "x" * 300}, {"columns": ["own.A b"]},
        {"conditions": [{"field": "name", "op": "has", "value": "x"}] * 30},
    ],
)  # fmt: skip
def test_a_view_that_no_list_can_be_is_refused(base: Base, told: dict[str, Any]) -> None:
    with pytest.raises(BadView):
        views.save(base.actor("admin"), "v", told)
