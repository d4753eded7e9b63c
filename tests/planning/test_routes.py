"""The compiled route search on small files of both formats: right, repeatable, and it stops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fieldcrm.cli import main
from workers.optimiser.routes import kernel, layout
from workers.optimiser.routes.combine import Columns, combine
from workers.optimiser.routes.instances import UnreadableInstance, read_instance
from workers.optimiser.routes.solve import Found, Stop, solve

SOLOMON = """SMALL

VEHICLE
NUMBER     CAPACITY
  4         20

CUSTOMER
CUST NO.  XCOORD.   YCOORD.    DEMAND   READY TIME  DUE DATE   SERVICE   TIME

"""
PRIZED = """NAME : PRIZED
TYPE : PCVRPTW
DIMENSION : 4
VEHICLES : 2
CAPACITY : 10
SERVICE_TIME : 1
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 0 0
2 3 4
3 6 8
4 90 0
DEMAND_SECTION
1 0
2 5
3 5
4 5
TIME_WINDOW_SECTION
1 0 1000
2 0 900
3 0 900
4 0 900
PRIZE_SECTION
1 0
2 30
3 30
4 20
DEPOT_SECTION
1
-1
EOF
"""


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """Sixteen clients on a grid, half of them open in the morning only."""
    rows = ["0 0 0 0 0 400 0"]
    for n in range(1, 17):
        due = 120 if n % 2 else 380
        rows.append(f"{n} {(n * 7) % 31 - 15} {(n * 11) % 29 - 14} {3 + n % 4} 0 {due} 5")
    path = tmp_path / "ring.txt"
    path.write_text(SOLOMON + "\n".join(rows) + "\n")
    return path


def found(path: Path, **changes: object) -> Found:
    instance = read_instance(path)
    answer = solve(instance, Stop(**{"steps": 6000, **changes}), seed=3)  # type: ignore[arg-type]
    assert instance.faults(answer.routes) == []
    assert instance.cost(answer.routes) == answer.cost
    return answer


def test_the_same_seed_and_steps_give_the_same_routes(ring: Path) -> None:
    assert found(ring) == found(ring)


def test_more_steps_are_never_worse_than_the_first_solution(ring: Path) -> None:
    assert found(ring, steps=20_000).cost <= found(ring, steps=1).cost


@pytest.mark.parametrize(("opening", "tails"), [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.3, 0.5)])
def test_every_kind_of_step_keeps_the_sums_and_the_rules(
    ring: Path, opening: float, tails: float
) -> None:
    instance = read_instance(ring)
    facts = layout.make_facts(instance)
    state = kernel.make_state(facts, 1)
    kernel.fill(facts, state)
    kernel.run(facts, state, 0, 3000, 300.0, 5.0, 6.0, 5, 0.01, 0.01, opening, tails)
    routes = kernel.best_routes(facts, state)
    assert instance.faults(routes) == []
    assert int(state.tally[layout.BEST]) == instance.cost(routes)


def test_a_cancelled_search_still_answers_with_every_client_served(ring: Path) -> None:
    answer = found(ring, is_cancelled=lambda: True)
    assert sorted(c for r in answer.routes for c in r) == list(range(1, 17))


def test_distances_are_cut_to_a_tenth_and_dear_clients_left_out(tmp_path: Path) -> None:
    path = tmp_path / "prized.vrp"
    path.write_text(PRIZED)
    instance = read_instance(path)
    answer = found(path)
    assert instance.distance[0, 1] == 50
    assert sorted(c for r in answer.routes for c in r) == [1, 2], "180 there and back for 20"
    assert answer.cost == 200 + 200
    assert instance.shown_cost(answer.routes) == 400


def test_faults_are_named(ring: Path) -> None:
    instance = read_instance(ring)
    assert instance.faults([[1, 1]])[0] == "a client twice, or an unknown one"
    everybody = [list(range(1, 17))]
    assert any("overloaded" in fault for fault in instance.faults(everybody))


def test_routes_are_recombined_only_into_something_cheaper() -> None:
    columns = Columns([(1, 2), (3,), (1,), (2, 3), (1, 2, 3)], [10, 10, 4, 5, 15])
    required = [False] * 4
    chosen = combine(columns, 3, required, 2, bound=15, seconds=1.0)
    assert chosen is not None
    assert sorted(chosen) == [2, 3]
    assert combine(columns, 3, required, 2, bound=9, seconds=1.0) is None


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.txt"
    path.write_text("nothing of the kind\n")
    with pytest.raises(UnreadableInstance):
        read_instance(path)


def test_the_bench_prints_one_object_last(
    ring: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = tmp_path / "reference.json"
    reference.write_text(json.dumps({"ring": {"bks": 100.0}}))
    main(["bench", "routes", "--seconds", "0.2", "--reference", str(reference), str(ring)])
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    (row,) = told["files"]
    assert row["name"] == "SMALL"
    assert told["mean_gap"] == row["gap"] == pytest.approx(row["cost"] - 100, abs=0.01)
