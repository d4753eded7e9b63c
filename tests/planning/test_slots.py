"""The three cheapest places for a visit more, judged against trying every place."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest
from sqlmodel import select

from fieldcrm.cli import main
from fieldcrm.clients.model import ClientNotFound
from fieldcrm.clients.tables import Client
from fieldcrm.kit.database import reading
from fieldcrm.planning import search, slots
from fieldcrm.planning.assemble import RepFacts, VisitFacts, make_problem
from fieldcrm.planning.board import Board
from fieldcrm.planning.model import CLOSED, NoRoads, Window
from fieldcrm.planning.remembered import RememberedRoads
from fieldcrm.regions.model import LatLng, Place
from fieldcrm.regions.roads import Roads
from tests.planning.company import DAY, Company
from tests.planning.problems import HOUR, job, problem, shift


def test_the_cheapest_slot_lies_on_the_way() -> None:
    stops = [job("a", 1), job("b", 3), job(slots.NEW, 2)]
    found = slots.cheapest(problem(stops, before={"rep": ("a", "b")})).slots
    assert [s.position for s in found] == [2, 3, 1]
    assert found[0].travel_minutes == 0, "between the two it costs no way at all"
    assert found[0].longer_minutes == 15
    assert found[1].travel_minutes == 0, "or on the way home"
    assert found == sorted(found, key=lambda s: s.cost_minutes)


def test_slots_keep_hours_and_name_why_there_is_none() -> None:
    morning = (Window(9 * HOUR, 9 * HOUR + 3000),)
    stops = [job("a", 1), job("b", 2), job(slots.NEW, 3, windows=morning)]
    found = slots.cheapest(problem(stops, before={"rep": ("a", "b")})).slots
    assert {s.position for s in found} == {1}, "after another stop it would be closed"
    closed = [job("a", 1), job(slots.NEW, 3, windows=())]
    assert slots.cheapest(problem(closed)).reason == CLOSED


def test_slots_of_several_reps_are_compared() -> None:
    near = shift("near", start_place=4, end_place=4)
    found = slots.cheapest(problem([job("a", 1), job(slots.NEW, 4)], [shift("far"), near])).slots
    assert found[0].rep_id == "near"
    assert len(found) <= slots.OFFERED


def a_client(company: Company) -> str:
    with reading() as session:
        visit = company.visits(0)[0]
        return session.exec(select(Client.id).where(Client.id == visit.client_id)).one()


def test_a_dispatcher_gets_slots_on_real_roads(company: Company) -> None:
    before = [v.id for v in company.visits(0)]
    found = slots.best_slots(company.dispatcher, a_client(company), company.reps, DAY, 10)
    assert len(found.slots) == 3
    assert {s.rep_id for s in found.slots} == {company.reps[0]}, "the other doesn't know the client"
    assert found.slots[0].longer_minutes >= 10
    assert [v.id for v in company.visits(0)] == before


def test_guessing_first_finds_what_asking_for_all_ways_finds(
    roads: Roads, places: list[Place]
) -> None:
    """Thirty reps of one town, more than are looked at with real ways at once."""
    rng, known = random.Random(5), RememberedRoads(roads)
    points = [LatLng(*p.point) for p in places]
    spots = [tuple(points[n]) for n in roads.reachable_set("foot", points)]
    reps = [RepFacts(f"rep{n}", "foot", rng.choice(spots), 540, 1050) for n in range(30)]
    planned = [
        VisitFacts(
            f"v{n}", f"c{n}", f"rep{n % 30}", rng.choice(spots), minutes=20, position=n // 30 + 1
        )
        for n in range(120)
    ]
    agreed = []
    for _ in range(8):
        wanted = VisitFacts(slots.NEW, "new", "", rng.choice(spots), minutes=30,
                            reps=frozenset(r.id for r in reps))  # fmt: skip
        visits = [*planned, wanted]
        found = slots.among(DAY, "Europe/Helsinki", reps, visits, known)
        best = slots.cheapest(make_problem(DAY, "Europe/Helsinki", reps, visits, known.table))
        agreed.append(found.slots[0].cost_minutes - best.slots[0].cost_minutes < 1)
    assert all(agreed)


def test_strangers_and_missing_roads_are_refused(company: Company, home: Path) -> None:
    with pytest.raises(ClientNotFound):
        slots.best_slots(company.stranger, a_client(company), company.reps, DAY)
    (home / "regions").unlink()
    with pytest.raises(NoRoads):
        slots.best_slots(company.dispatcher, a_client(company), company.reps, DAY)


def test_plan_check_names_violations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = problem([job("a", 1), job("b", 3)])
    asked, answer = tmp_path / "problem.json", tmp_path / "plan.json"
    asked.write_bytes(msgspec.json.encode(found))
    answer.write_bytes(msgspec.json.encode(search.plan_quickly(found)))
    main(["plan", "check", str(asked), str(answer)])
    assert capsys.readouterr().out == ""
    answer.write_bytes(
        msgspec.json.encode(search.plan_of(board := Board(found), board.empty(), ""))
    )
    broken = answer.read_text().replace('"dropped":[', '"dropped":[], "was":[')
    answer.write_text(broken)
    with pytest.raises(SystemExit):
        main(["plan", "check", str(asked), str(answer)])
    assert sorted(capsys.readouterr().out.splitlines()) == ["job_missing a", "job_missing b"]
