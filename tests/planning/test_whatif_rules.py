"""A team and changes to it, without a database: who gets whom, how often, and what the check sees."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldcrm.planning import whatif_outcome, whatif_rules
from fieldcrm.planning.cycle_problem import CycleRep, Fixed, Wish, make_rep_cycle
from fieldcrm.planning.cycle_ways import Estimate
from fieldcrm.planning.whatif_check import check_changed, check_outcome
from fieldcrm.planning.whatif_model import Assumptions, BadScenario, Base, Change, Part
from fieldcrm.planning.whatif_rules import change_all, clients_of

FIRST = date(2026, 11, 23)
LAST = FIRST + timedelta(days=27)
DAYS = tuple(d for n in range(28) if (d := FIRST + timedelta(days=n)).isoweekday() < 6)
RESOLUTION = 9
LOSE = Change("lose_rep", rep_id="west")


def rep(name: str, lng: float, mode: str = "car") -> CycleRep:
    return CycleRep(name, mode, (60.17, lng), 540, 1020, 720, 60, DAYS)


def wishes(name: str, lng: float, count: int, wanted: int = 2) -> tuple[Wish, ...]:
    """Clients in a row from south to north."""
    return tuple(
        Wish(f"{name}{n:02}", "ABC"[n % 3], (60.16 + n * 0.003, lng), 30, wanted)
        for n in range(count)
    )


def team(west: int = 6, east: int = 6) -> Base:
    """A rep in the west and one in the east of a city."""
    parts = (
        Part(rep("east", 24.98), wishes("e", 24.98, east)),
        Part(rep("west", 24.90), wishes("w", 24.90, west)),
    )
    return Base(FIRST, LAST, "Europe/Helsinki", 12, RESOLUTION, parts)


def who(parts: tuple[Part, ...]) -> dict[str, str]:
    """Client -> rep."""
    return {w.client_id: p.rep.id for p in parts for w in clients_of(p)}


def wanted(parts: tuple[Part, ...]) -> dict[str, int]:
    return {w.client_id: w.wanted for p in parts for w in clients_of(p)}


CHANGES = st.lists(
    st.sampled_from([
        LOSE, Change("lose_rep", rep_id="east"), Change("add_rep", mode="car"), Change("balance"),
        Change("add_rep", mode="foot"), Change("frequency", category="A", rate="1/3"),
        Change("frequency", category="C", rate="4"),
    ]),
    min_size=1, max_size=4, unique=True,
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(CHANGES, st.integers(0, 9), st.integers(1, 9))
def test_whatever_is_changed_the_check_finds_nothing(changes, west: int, east: int) -> None:
    base = team(west, east)
    gone = [c for c in changes if c.kind == "lose_rep"]
    if len(gone) == 2 and not any(c.kind == "add_rep" for c in changes):
        changes = [c for c in changes if c is not gone[0]]
    try:
        whatif_rules.check_changes(changes, ["east", "west"], RESOLUTION)
    except BadScenario:
        return
    after = change_all(base, changes)
    assert check_changed(base, changes, after) == []
    assert who(after.parts).keys() == who(base.parts).keys()


def test_nothing_changed_is_the_team_as_it_is() -> None:
    base = team()
    after = change_all(base, [])
    assert after.parts == base.parts
    assert after.handed == frozenset()


def test_a_lost_rep_s_clients_go_to_who_stays() -> None:
    after = change_all(team(), [LOSE])
    assert [p.rep.id for p in after.parts] == ["east"]
    assert set(who(after.parts).values()) == {"east"}
    assert after.handed == {f"w{n:02}" for n in range(6)}
    assert set(after.cells.values()) == {"east"}


def test_clients_without_a_place_go_to_the_one_with_least_to_do() -> None:
    base = team(2, 6)
    nowhere = Wish("nowhere", "A", None, 30, 1)
    middle = Part(rep("middle", 24.94), (nowhere,))
    base = replace(base, parts=(*base.parts, middle))
    after = change_all(base, [Change("lose_rep", rep_id="middle")])
    assert who(after.parts)["nowhere"] == "west"


def test_visits_that_stood_fixed_with_a_lost_rep_are_wanted_of_the_next() -> None:
    base = team()
    west = base.parts[1]
    locked = Fixed("v1", "w00", DAYS[3], west.wishes[0].point, 30, "A")
    other = Fixed("v2", "guest", DAYS[4], (60.165, 24.9), 20)
    base = replace(base, parts=(base.parts[0], replace(west, fixed=(locked, other))))
    after = change_all(base, [LOSE])
    assert after.parts[0].fixed == ()
    assert wanted(after.parts)["w00"] == 3
    assert wanted(after.parts)["guest"] == 1
    assert check_changed(base, [LOSE], after) == []


def test_a_new_rep_takes_from_who_has_most_and_nobody_is_worse_off() -> None:
    base = team(12, 4)
    after = change_all(base, [Change("add_rep", mode="bicycle")])
    by = {p.rep.id: len(clients_of(p)) for p in after.parts}
    assert by.keys() == {"east", "west", "new-1"}
    assert by["new-1"] >= 3
    assert by["west"] < 12
    assert by["east"] <= 4
    new = next(p.rep for p in after.parts if p.rep.id == "new-1")
    assert (new.mode, new.days) == ("bicycle", DAYS)


def test_a_border_moves_with_its_clients_and_nothing_else() -> None:
    base = team()
    cell = whatif_rules.cell_of(base.parts[1].wishes[0].point or (0, 0), base)
    here = {
        w.client_id for w in base.parts[1].wishes
        if w.point and whatif_rules.cell_of(w.point, base) == cell
    }  # fmt: skip
    after = change_all(base, [Change("give_cells", rep_id="east", cells=(f"{cell:x}",))])
    assert after.handed == here
    assert after.cells[cell] == "east"
    far = Change("give_cells", rep_id="east", cells=("891126d33c7ffff",))
    assert change_all(base, [far]).handed == frozenset(), "a cell where nobody is changes nothing"


def test_balancing_makes_uneven_work_even() -> None:
    base = team(12, 2)
    after = change_all(base, [Change("balance")])
    work = [whatif_rules.work_of(p, base) for p in after.parts]
    before = [whatif_rules.work_of(p, base) for p in base.parts]
    assert max(work) - min(work) < max(before) - min(before)


@pytest.mark.parametrize(("rate", "visits"), [("0", 0), ("1", 4), ("1/2", 2), ("3", 12)])
def test_a_category_is_wanted_as_often_as_said(rate: str, visits: int) -> None:
    base = team()
    after = change_all(base, [Change("frequency", category="B", rate=rate)])
    letters = {w.client_id: w.category for p in base.parts for w in p.wishes}
    of_b = [n for c, n in wanted(after.parts).items() if letters[c] == "B"]
    assert sum(of_b) == visits
    assert {n for c, n in wanted(after.parts).items() if letters[c] != "B"} == {2}


def test_the_check_finds_what_is_wrong() -> None:
    base = team()
    after = change_all(base, [LOSE])
    poorer = replace(after, parts=(replace(after.parts[0], wishes=after.parts[0].wishes[1:]),))
    assert {v.kind for v in check_changed(base, [LOSE], poorer)} == {"client_lost"}
    often = tuple(replace(w, wanted=9) for w in after.parts[0].wishes)
    assert {v.kind for v in check_changed(
        base, [LOSE], replace(after, parts=(replace(after.parts[0], wishes=often),)))
    } == {"other_frequency"}  # fmt: skip
    assert {v.kind for v in check_changed(base, [LOSE], change_all(base, []))} == {
        "lost_rep_works", "wrong_reps"}  # fmt: skip
    cell = next(iter(after.load))
    assert {v.kind for v in check_changed(
        base, [LOSE], replace(after, cells={k: v for k, v in after.cells.items() if k != cell}))
    } == {"cell_without_rep"}  # fmt: skip
    assert {v.kind for v in check_changed(
        base, [LOSE], replace(after, cells=after.cells | {cell: "west"}))
    } == {"cell_of_nobody"}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        [], [Change("sell")], [Change("lose_rep", rep_id="south")], [LOSE, LOSE],
        [LOSE, Change("lose_rep", rep_id="east")], [Change("add_rep", mode="rocket")],
        [Change("frequency", category="D", rate="1")],
        [Change("frequency", category="A", rate="77")],
        [Change("give_cells", rep_id="east", cells=("nonsense",))],
        [Change("give_cells", rep_id="east", cells=("8a1126d33c77fff",))],
        [Change("give_cells", rep_id="east")], [Change("balance")] * 13,
    ],
)  # fmt: skip
def test_what_can_t_be_changed_is_refused(changes: list[Change]) -> None:
    with pytest.raises(BadScenario):
        whatif_rules.check_changes(changes, ["east", "west"], RESOLUTION)


# ---- figures ----


def planned(part: Part, base: Base, tours: list[list[list[int]]] | None = None):
    asked = make_rep_cycle(part.rep, part.fixed, part.wishes, Estimate(), base.zone, 12)
    tours = tours if tours is not None else whatif_outcome.nothing_planned(asked.problem)
    told = whatif_outcome.outcome_of(part, asked, tours, "key")
    return asked, tours, told


def test_figures_are_what_the_tours_say() -> None:
    base = team(3, 0)
    part = base.parts[1]
    tours = [[[1]] if day in (0, 10) else [[2]] if day in (1, 11) else [] for day in range(20)]
    asked, tours, told = planned(part, base, tours)
    assert check_outcome(part, asked, tours, told) == []
    assert (told.visits, told.reasons) == (4, {"no_room": 1})
    asked_of = Assumptions(rep_month=3043.75, per_km=1.0)
    team_told = whatif_outcome.figures([told], base, asked_of)
    assert (team_told.reps, team_told.wanted, team_told.visits, team_told.left_out) == (1, 6, 4, 1)
    assert (team_told.coverage_a, team_told.coverage_b, team_told.coverage_c) == (1.0, 1.0, 0.0)
    assert team_told.value == pytest.approx(520_000 / 536_000)
    assert team_told.cost == pytest.approx(2800 + told.drive_m / 1000)
    assert whatif_outcome.of_json(whatif_outcome.as_json(told)) == told


def test_the_check_counts_the_figures_itself() -> None:
    base = team(3, 0)
    asked, tours, told = planned(base.parts[1], base)
    told.visits, told.drive_s = 3, 5
    found = check_outcome(base.parts[1], asked, tours, told)
    assert [v.kind for v in found] == ["wrong_figure", "wrong_figure"]


def test_better_and_worse_depend_on_the_figure() -> None:
    compared = whatif_outcome.compared
    assert compared("coverage", 0.5, 0.7, 0.005) == "better"
    assert compared("drive_h", 5, 7, 0.05) == "worse"
    assert compared("cost", 7, 5, 0.5) == "better"
    assert compared("reps", 3, 4, 1) == "otherwise"
    assert compared("coverage", 0.5, 0.501, 0.005) == "same"
    assert compared("coverage_a", None, 0.5, 0.005) == "same"


def test_the_same_problem_has_the_same_key_and_another_one_another() -> None:
    base = team()
    asked, _, _ = planned(base.parts[0], base)
    again, _, _ = planned(base.parts[0], base)
    other, _, _ = planned(base.parts[1], base)
    keys = [
        whatif_outcome.key_of(a, s) for a, s in ((asked, 9), (again, 9), (other, 9), (asked, 8))
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3
