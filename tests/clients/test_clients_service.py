"""Finding, changing and scoping clients on both databases."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import select

from fieldcrm.clients import service, workplaces
from fieldcrm.clients.model import (
    BadClientField,
    BadCursor,
    ClientFilters,
    ClientNotFound,
    PromiseNotFound,
    StaleClient,
    TerritoryNotFound,
    WrongTie,
)
from fieldcrm.kit import clock, facts, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import FeedEntry
from fieldcrm.people.model import OutOfScope, RoleForbids
from fieldcrm.visits.tables import Visit
from tests.clients.base import Base

NORTH = {"Töölö Health Station", "Dr Щербаков Артём"}
SOUTH = {"Farmacia Ștefan cel Mare"}


def names(page) -> set[str]:
    return {c.name for c in page.rows}


def has_visit(base: Base, rep: str, client: str, state: str = "planned") -> None:
    team = rep.rsplit("_", 1)[1]
    with transaction() as session:
        session.add(
            Visit(
                id=ids.new_id(), rep_id=base.company.users[rep], client_id=base.clients[client],
                team_id=base.company.teams[team], day=date(2026, 5, 4), state=state,
                created_at=clock.now(), updated_at=clock.now(),
            )
        )  # fmt: skip


class TestScope:
    def test_whose_clients_each_role_sees(self, base: Base):
        for login, seen in [
            ("rep_north", NORTH),
            ("second_north", set()),
            ("rep_south", SOUTH),
            ("dispatcher_north", NORTH),
            ("manager_south", SOUTH),
            ("admin", NORTH | SOUTH),
        ]:
            actor = base.actor(login)
            assert names(service.find(actor)) == seen
            assert service.count(actor) == len(seen)
            for name, client_id in base.clients.items():
                if name in seen:
                    assert service.get(actor, client_id).name == name
                    assert service.card(actor, client_id).client.id == client_id
                else:
                    for read in (service.get, service.card, service.history):
                        with pytest.raises(ClientNotFound):
                            read(actor, client_id)
                    with pytest.raises(ClientNotFound):
                        service.save(actor, {"note": "x"}, client_id)

    def test_a_visit_brings_a_client_into_its_reps_and_teams_scope(self, base: Base):
        has_visit(base, "second_north", "Farmacia Ștefan cel Mare")
        assert names(service.find(base.actor("second_north"))) == SOUTH
        assert names(service.find(base.actor("manager_north"))) == NORTH | SOUTH
        with reading() as session:
            found = service.clients_for_rep_in(session, base.company.users["second_north"])
        assert found == {base.clients["Farmacia Ștefan cel Mare"]}

    def test_a_reps_people_bring_their_workplaces(self, base: Base):
        boss = base.actor("admin")
        doctor, pharmacy = (
            base.clients["Dr Щербаков Артём"],
            base.clients["Farmacia Ștefan cel Mare"],
        )
        workplaces.save_affiliation(boss, doctor, pharmacy, "pharmacist")
        assert names(service.find(base.actor("rep_north"))) == NORTH | SOUTH


class TestFinding:
    def test_is_found_by(self, base: Base):
        for text, name in [
            ("TOOLO", "Töölö Health Station"),
            ("töölö station", "Töölö Health Station"),
            ("sibeliuksenkatu", "Töölö Health Station"),
            ("щербаков", "Dr Щербаков Артём"),
            ("АРТЕМ", "Dr Щербаков Артём"),
            ("shcherbakov", "Dr Щербаков Артём"),
            ("Scherbakov artyom", "Dr Щербаков Артём"),
            ("stefan", "Farmacia Ștefan cel Mare"),
            ("ştefan", "Farmacia Ștefan cel Mare"),
            ("стефан", "Farmacia Ștefan cel Mare"),
            ("Chisinau", "Farmacia Ștefan cel Mare"),
            ("F-001", "Farmacia Ștefan cel Mare"),
            ("4567", "Dr Щербаков Артём"),
            ("+358 40 123 4567", "Dr Щербаков Артём"),
            ("0401234567", "Dr Щербаков Артём"),
            ("(040) 123-45-67", "Dr Щербаков Артём"),
            ("00358 9 31045588", "Töölö Health Station"),
            ("5588", "Töölö Health Station"),
        ]:
            assert names(service.find(base.actor("admin"), text)) == {name}

    def test_is_not_found_by(self, base: Base):
        for text in ["nobody", "%", "_", "\\", "a%b%c%d", "'; DROP", "99999", "\x00zz"]:
            found = names(service.find(base.actor("admin"), text))
            assert found in (set(), NORTH | SOUTH if not text.strip("%_\\") else set())

    @pytest.mark.parametrize(
        "sort", ["name", "-name", "category", "-category", "city", "-updated_at"]
    )
    def test_pages_give_every_row_once_in_order(self, base: Base, sort: str):
        boss = base.actor("admin")
        for i in range(7):
            service.save(boss, {"name": f"Same {i % 2}", "kind": "buyer", "city": "Turku"})
        whole = [c.id for c in service.find(boss, sort=sort).rows]
        paged, cursor = [], None
        while True:
            page = service.find(boss, sort=sort, limit=3, cursor=cursor)
            paged += [c.id for c in page.rows]
            cursor = page.cursor
            if cursor is None:
                break
        assert paged == whole
        assert len(set(paged)) == 10

    def test_a_forged_cursor_is_refused(self, base: Base):
        for cursor in ["x", "e30", "bnVsbA", "Ww", "é", "WyJuYW1lIiwxLDJd"]:
            with pytest.raises(BadCursor):
                service.find(base.actor("admin"), cursor=cursor)

    def test_a_cursor_of_another_order_is_refused(self, base: Base):
        page = service.find(base.actor("admin"), limit=1)
        with pytest.raises(BadCursor):
            service.find(base.actor("admin"), sort="city", cursor=page.cursor)

    def test_filters_narrow(self, base: Base):
        boss = base.actor("admin")
        by = lambda **f: names(service.find(boss, filters=ClientFilters(**f)))  # noqa: E731
        assert by(kinds=("doctor",)) == {"Dr Щербаков Артём"}
        assert by(categories=("A", "C")) == {"Töölö Health Station"} | SOUTH
        assert by(team_id=base.company.teams["south"]) == SOUTH
        assert by(rep_id=base.company.users["rep_north"]) == NORTH
        assert by(without_place=True) == {"Dr Щербаков Артём"} | SOUTH


class TestChanging:
    def test_a_change_raises_the_version_logs_both_values_and_tells_the_phone(self, base: Base):
        boss, client_id = base.actor("admin"), base.clients["Töölö Health Station"]
        saved = service.save(boss, {"category": "B"}, client_id, version=1)
        assert saved.version == 2
        event = service.history(boss, client_id)[0]
        assert (event.kind, event.data) == (
            "client.changed", {"before": {"category": "A"}, "after": {"category": "B"}}
        )  # fmt: skip
        with reading() as session:
            feed = list(session.exec(select(FeedEntry).where(FeedEntry.entity_id == client_id)))
        assert {f.rep_id for f in feed} == {base.company.users["rep_north"]}

    def test_an_old_version_doesnt_overwrite_and_the_same_again_changes_nothing(self, base: Base):
        boss, client_id = base.actor("admin"), base.clients["Töölö Health Station"]
        service.save(boss, {"note": "one"}, client_id, version=1)
        with pytest.raises(StaleClient):
            service.save(boss, {"note": "two"}, client_id, version=1)
        assert service.save(boss, {"note": "one"}, client_id).version == 2

    def test_a_bad_field_is_named_and_nothing_changes(self, base: Base):
        for change, field in [
            ({"name": " "}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"name": 1}, "name"),
            ({"kind": "cat"}, "kind"),
            ({"category": "D"}, "category"),
            ({"lat": 91.0}, "lat"),
            ({"lat": float("nan")}, "lat"),
            ({"lat": None}, "lat"),
            ({"lng": True}, "lng"),
            ({"email": "a b@c"}, "email"),
            ({"website": "javascript:alert(1)"}, "website"),
            ({"visit_minutes": 0}, "visit_minutes"),
            ({"tags": "a"}, "tags"),
            ({"tags": [1]}, "tags"),
        ]:
            client_id = base.clients["Töölö Health Station"]
            with pytest.raises(BadClientField) as refusal:
                service.save(base.actor("admin"), {"note": "lost", **change}, client_id)
            assert refusal.value.params["field"] == field
            assert service.get(base.actor("admin"), client_id).note is None

    def test_cyrillic_lookalikes_are_categories_and_nul_is_dropped(self, base: Base):
        client_id = base.clients["Töölö Health Station"]
        saved = service.save(base.actor("admin"), {"category": "С", "note": "a\x00b"}, client_id)
        assert (saved.category, saved.note) == ("C", "ab")

    def test_a_rep_corrects_contacts_but_not_standing(self, base: Base):
        rep, client_id = base.actor("rep_north"), base.clients["Töölö Health Station"]
        assert service.save(rep, {"phone": "09 1"}, client_id).phone == "09 1"
        for change in ({"category": "C"}, {"lat": 1.0, "lng": 1.0}, {"territory_id": None}):
            with pytest.raises(RoleForbids):
                service.save(rep, change, client_id)
        with pytest.raises(RoleForbids):
            service.archive(rep, client_id)

    def test_a_reps_new_client_is_in_his_own_territory(self, base: Base):
        rep = base.actor("rep_north")
        made = service.save(rep, {"name": "New", "kind": "doctor"})
        assert (made.territory_id, made.source) == (base.territories["north"], "field")
        with pytest.raises(TerritoryNotFound):
            service.save(
                rep, {"name": "N", "kind": "doctor", "territory_id": base.territories["south"]}
            )

    def test_a_manager_keeps_clients_within_his_teams(self, base: Base):
        manager, client_id = base.actor("manager_north"), base.clients["Töölö Health Station"]
        with pytest.raises(TerritoryNotFound):
            service.save(manager, {"territory_id": base.territories["south"]}, client_id)
        with pytest.raises(BadClientField):
            service.save(manager, {"name": "N", "kind": "doctor"})

    def test_an_archived_client_leaves_the_lists_and_comes_back(self, base: Base):
        boss, client_id = base.actor("admin"), base.clients["Töölö Health Station"]
        service.archive(boss, client_id)
        assert "Töölö Health Station" not in names(service.find(boss))
        assert names(service.find(boss, filters=ClientFilters(archived=True))) == {
            "Töölö Health Station"
        }
        service.restore(boss, client_id)
        assert "Töölö Health Station" in names(service.find(boss))

    def test_a_real_client_ends_the_sample(self, base: Base):
        with transaction() as session:
            facts.put(session, facts.SAMPLE, True)
        service.save(base.actor("admin"), {"name": "Real", "kind": "buyer"})
        with reading() as session:
            assert facts.get(session, facts.SAMPLE) is False


class TestWorkplaces:
    def test_a_person_has_one_main_workplace_and_stands_there(self, base: Base):
        boss = base.actor("admin")
        doctor = base.clients["Dr Щербаков Артём"]
        station, pharmacy = (
            base.clients[n] for n in ("Töölö Health Station", "Farmacia Ștefan cel Mare")
        )
        workplaces.save_affiliation(boss, doctor, station)
        second = workplaces.save_affiliation(boss, doctor, pharmacy, is_main=True)
        shown = service.card(boss, doctor)
        assert [(t.client_id, t.is_main) for t in shown.workplaces] == [
            (pharmacy, True),
            (station, False),
        ]
        assert shown.client.lat == 60.1839
        assert [t.client_id for t in service.card(boss, station).people] == [doctor]
        workplaces.remove_affiliation(boss, second.id)
        assert [t.is_main for t in service.card(boss, doctor).workplaces] == [True]

    def test_places_dont_work_at_people(self, base: Base):
        boss = base.actor("admin")
        doctor, station = base.clients["Dr Щербаков Артём"], base.clients["Töölö Health Station"]
        for person, place in ((station, doctor), (doctor, doctor), (station, station)):
            with pytest.raises(WrongTie):
                workplaces.save_affiliation(boss, person, place)


class TestTerritories:
    def test_handing_one_over_tells_both_reps_phones(self, base: Base):
        boss, users = base.actor("admin"), base.company.users
        service.save_territory(boss, {"rep_id": users["second_north"]}, base.territories["north"])
        assert names(service.find(base.actor("second_north"))) == NORTH
        assert names(service.find(base.actor("rep_north"))) == set()
        with reading() as session:
            feed = session.exec(select(FeedEntry).where(FeedEntry.entity == "client")).all()
        told = {(f.rep_id, f.entity_id) for f in feed}
        north = {base.clients[n] for n in NORTH}
        assert {(users[r], c) for r in ("rep_north", "second_north") for c in north} <= told

    def test_a_rep_of_another_team_cannot_hold_it(self, base: Base):
        with pytest.raises(BadClientField):
            service.save_territory(
                base.actor("admin"), {"rep_id": base.company.users["rep_south"]},
                base.territories["north"],
            )  # fmt: skip
        with pytest.raises(OutOfScope):
            service.save_territory(base.actor("admin"), {"rep_id": "x"}, base.territories["north"])

    def test_only_an_administrator_draws_them(self, base: Base):
        with pytest.raises(RoleForbids):
            service.save_territory(
                base.actor("manager_north"), {"name": "X"}, base.territories["north"]
            )


class TestPromises:
    def test_a_promise_is_kept_once_by_its_own_rep(self, base: Base):
        rep, client_id = base.actor("rep_north"), base.clients["Dr Щербаков Артём"]
        with transaction() as session:
            made = service.add_promise_in(session, rep, client_id, rep.user_id, "bring it", None)
        assert [p.text for p in service.card(rep, client_id).promises] == ["bring it"]
        first = clock.now()
        with transaction() as session:
            service.keep_promise_in(session, rep, made.id, first)
            service.keep_promise_in(session, rep, made.id, clock.now())
        assert service.card(rep, client_id).promises[0].done_at == first
        with transaction() as session, pytest.raises(PromiseNotFound):
            service.keep_promise_in(session, base.actor("rep_south"), made.id, first)
