"""Own fields that only some roles see: for the others there is neither their value nor their name."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.clients import exporting, service
from fieldcrm.clients.duplicates import hints, queue
from fieldcrm.clients.duplicates.model import PairFilters
from fieldcrm.clients.model import BadClientField, ClientFilters, Condition
from fieldcrm.clients.ownfields import listing
from fieldcrm.clients.ownfields import service as own
from fieldcrm.clients.ownfields.model import BadOwnField, OwnField, OwnFieldUnknown
from fieldcrm.clients.views import service as views
from fieldcrm.quality import checking
from fieldcrm.quality import service as quality
from fieldcrm.quality import settings as norms
from fieldcrm.quality.model import CardFilters
from fieldcrm.reports import answers
from tests.clients.base import Base, lay_out

EVERYBODY = ["rep", "dispatcher", "manager"]
PLACES = ["organisation", "pharmacy"]
STATION = "Töölö Health Station"
MARGIN = {"name": "margin", "type": "number", "label": "Margin"}
BEDS = {"name": "beds", "type": "number", "label": "Beds"}
GRADE = {
    "name": "grade", "type": "choice", "label": "Grade",
    "options": [{"value": "gold", "label": "Gold"}, {"value": "tin", "label": "Tin"}],
}  # fmt: skip


@pytest.fixture
def base(any_db: str) -> Base:
    """`margin` and `grade` are the manager's to see, `beds` is everybody's; the station has all."""
    made = lay_out()
    make(made, BEDS)
    make(made, MARGIN, ["manager"])
    make(made, GRADE, ["manager"])
    fill(made, "admin", beds=3, margin=90417, grade="gold")
    return made


def make(base: Base, definition: dict[str, Any], viewers: list[str] | None = None) -> OwnField:
    return own.save_field(
        base.actor("admin"), definition, PLACES, EVERYBODY, viewers=viewers or EVERYBODY
    )


def fill(base: Base, login: str, **values: Any) -> dict[str, Any]:
    return service.save(base.actor(login), {"own_fields": values}, base.clients[STATION]).own_fields


def find(base: Base, login: str, **wanted: Any) -> list[str]:
    page = service.find(base.actor(login), filters=ClientFilters(**wanted))
    return [client.name for client in page.rows]


BLIND = ("rep_north", "dispatcher_north")


@pytest.mark.parametrize("login", BLIND)
def test_neither_name_nor_value_is_told(base: Base, login: str) -> None:
    actor, client = base.actor(login), base.clients[STATION]
    assert [f.name for f in own.list_fields(actor, archived=True)] == ["beds"]
    assert service.get(actor, client).own_fields == {"beds": 3}
    assert service.card(actor, client).client.own_fields == {"beds": 3}
    (row,) = [c for c in service.find(actor).rows if c.name == STATION]
    assert row.own_fields == {"beds": 3}
    for made in (exporting.export_csv(actor), str(service.history(actor, client)).encode()):
        assert b"beds" in made
        assert not any(word in made for word in (b"margin", b"grade", b"90417"))
    (alike,) = hints.alike(actor, {"name": STATION, "kind": "organisation", "category": "A"})
    assert alike.client.own_fields == {"beds": 3}


def test_the_roles_that_may_see_it_do(base: Base) -> None:
    boss, client = base.actor("manager_north"), base.clients[STATION]
    everything = {"beds": 3, "margin": 90417, "grade": "gold"}
    assert service.get(boss, client).own_fields == everything
    assert b"own.margin" in exporting.export_csv(boss)
    assert find(base, "manager_north", own=(("margin", "90417"),)) == [STATION]


@pytest.mark.parametrize("login", BLIND)
def test_a_hidden_field_can_be_neither_asked_nor_set_nor_guessed(base: Base, login: str) -> None:
    actor = base.actor(login)
    for name in ("margin", "nothing"):  # alike for a hidden field and for one never made
        for wanted in (
            {"own": ((name, "90417"),)}, {"conditions": (Condition(f"own.{name}", "filled"),)},
        ):  # fmt: skip
            with pytest.raises(BadClientField):
                find(base, login, **wanted)
            with pytest.raises(BadClientField):
                service.count(actor, ClientFilters(**wanted))
        with pytest.raises(BadClientField):
            service.find(actor, sort=f"own.{name}")
        for value in (90417, 18, None):  # what stands there answers as what doesn't
            with pytest.raises(OwnFieldUnknown) as refused:
                fill(base, login, **{name: value})
            assert refused.value.params == {"field": name}
    with pytest.raises(BadClientField):
        listing.count_by(actor, "grade", ClientFilters(), "none")


def test_what_somebody_does_not_see_outlives_his_changes(base: Base) -> None:
    assert fill(base, "rep_north", beds=4) == {"beds": 4}
    service.save(base.actor("dispatcher_north"), {"city": "Espoo"}, base.clients[STATION])
    told = service.get(base.actor("admin"), base.clients[STATION]).own_fields
    assert told == {"beds": 4, "margin": 90417, "grade": "gold"}


def test_history_leaves_out_what_is_hidden_and_events_of_nothing_else(base: Base) -> None:
    client = base.clients[STATION]
    fill(base, "manager_north", margin=18)
    fill(base, "manager_north", margin=19, beds=5)
    (newest, *_) = seen = service.history(base.actor("rep_north"), client)
    assert newest.data == {
        "before": {"own_fields": {"beds": 3}},
        "after": {"own_fields": {"beds": 5}},
    }
    assert len(seen) == len(service.history(base.actor("admin"), client)) - 1
    told = answers.own_changes(
        base.actor("rep_north"), service.history(base.actor("rep_north"), client), "en"
    )
    assert {c.label for c in told} == {"Beds"}
    assert {c.label for c in answers.own_changes(base.actor("manager_north"), service.history(base.actor("manager_north"), client), "en")} == {
        "Beds", "Margin", "Grade",
    }  # fmt: skip


def test_a_shared_view_says_nothing_of_what_its_reader_may_not_see(base: Base) -> None:
    boss = base.actor("manager_north")
    state = {
        "columns": ["own.beds", "own.margin"], "sort": "-own.margin",
        "conditions": [{"field": "own.grade", "op": "is", "value": "gold"}],
    }  # fmt: skip
    made = views.save(boss, "Worth it", state, shared="everybody")
    reader = base.actor("dispatcher_north")
    for view in (views.get(reader, made.id), *views.list_views(reader)):
        assert (view.state.columns, view.state.sort, view.state.conditions) == (
            ("own.beds",), "name", (),
        )  # fmt: skip
        assert view.gone == ()
    assert views.get(boss, made.id).state.sort == "-own.margin"


def test_the_quality_of_a_card_names_no_hidden_field(base: Base) -> None:
    admin = base.actor("admin")
    fill(base, "admin", margin=None, beds=None)
    norms.set_norms(admin, {"required": {"A": ["own.margin", "own.beds"]}})
    checking.run_now(admin)

    def named(login: str) -> set[str]:
        rows = quality.page(base.actor(login), CardFilters()).rows
        found = [f for row in rows if row.client.name == STATION for f in quality.findings_of(row)]
        one = quality.one(base.actor(login), base.clients[STATION])
        assert [f.field for f in quality.findings_of(one)] == [f.field for f in found]
        return {f.field for f in found if f.field.startswith("own.")}

    assert named("manager_north") == {"own.margin", "own.beds"}
    assert named("dispatcher_north") == {"own.beds"}
    assert norms.norms(base.actor("dispatcher_north")).required["A"] == ("own.beds",)


def test_pairs_of_doubles_tell_each_decider_what_he_may_see(base: Base) -> None:
    admin = base.actor("admin")
    service.save(admin, {"name": STATION, "kind": "organisation", "address": "Sibeliuksenkatu 14",
                         "city": "Helsinki", "phone": "+358 9 310 45588", "category": "A",
                         "lat": 60.1839, "lng": 24.9146,
                         "territory_id": base.territories["north"]})  # fmt: skip
    make_hidden = own.list_fields(admin)[1]
    own.save_field(admin, MARGIN, PLACES, ["admin"], make_hidden.id, viewers=["rep"])
    (pair,) = queue.page(base.actor("manager_north"), PairFilters()).rows
    kept = [card.own_fields for card in (pair.left, pair.right) if card.own_fields]
    assert kept == [{"beds": 3, "grade": "gold"}]
    told = queue.one(base.actor("manager_north"), pair.pair.id)
    merged = queue.merge(base.actor("manager_north"), pair.pair.id, told.right.id)
    assert "margin" not in merged.right.own_fields
    assert service.get(admin, told.right.id).own_fields["margin"] == 90417


def test_who_does_not_see_a_field_does_not_fill_it(base: Base) -> None:
    (margin,) = [f for f in own.list_fields(base.actor("admin")) if f.name == "margin"]
    assert (margin.viewers, "rep" in margin.editors) == ({"manager", "admin"}, True)
    assert not margin.is_filled_by(base.actor("rep_north"))
    saved = own.save_field(base.actor("admin"), MARGIN, PLACES, EVERYBODY, margin.id)
    assert saved.viewers == {"manager", "admin"}, "not told, so as it was"
    for viewers in (["guest"], "rep", 7):
        with pytest.raises(BadOwnField):
            own.save_field(base.actor("admin"), MARGIN, PLACES, [], margin.id, viewers=viewers)
