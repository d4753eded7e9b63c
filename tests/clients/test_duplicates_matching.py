"""Finding records that are one: what columns hold, what is compared, learned and grouped."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldcrm.clients.duplicates import (
    bench,
    blocking,
    clusters,
    columns,
    comparing,
    dependence,
    matcher,
    records,
    weighing,
)
from fieldcrm.clients.duplicates.model import LEVELS, Column, Role
from fieldcrm.clients.duplicates.prepared import Prepared, phone_tails

PHONES = [f"+358 40 {n:07}" for n in range(60)]


def level_of(role: Role, a: str, b: str, others: tuple[str, ...] = ()) -> str:
    """The level of two values among others of their column."""
    column = Prepared(Column("c", role, [a, b, *others]))
    pairs = comparing.compare([column], np.array([0]), np.array([1]))
    return LEVELS[role].names[pairs.levels[0][0]]


class TestColumns:
    @pytest.mark.parametrize(
        ("values", "role"),
        [
            ([f"{n} Main Street" for n in range(40)], Role.address),
            ([f"strada Unirii {n}" for n in range(40)], Role.address),
            (PHONES, Role.phone),
            ([f"19{n:02}0{n % 9 + 1}11" for n in range(60)] * 2, Role.digits),
            ([f"{n:05}" for n in range(300, 340)] * 3, Role.digits),
            ([f"60.{n:04} 24.{n:04}" for n in range(60)], Role.position),
            ([f"Аптека {chr(1072 + n)}" for n in range(30)], Role.text),
            ([f"row-{n}" for n in range(60)], None),
            (["A", "B", "C"] * 40, None),
            (["", ""] * 400 + [f"x {n}" for n in range(25)], None),
        ],
    )
    def test_the_role_is_told_from_the_values(self, values: list[str], role: Role | None) -> None:
        assert columns.role_of(values) == role

    def test_degrees_side_by_side_are_a_position_the_latitude_first(self) -> None:
        rows = [[f"{100 + n / 1000:.4f}", f"{45 + n / 1000:.4f}"] for n in range(50)]
        (found,) = columns.find_columns(["x", "y"], rows)
        assert found.role is Role.position
        assert found.values[1] == "45.0010 100.0010"


class TestLevels:
    @pytest.mark.parametrize(
        ("role", "a", "b", "level"),
        [
            (Role.text, "Иванова Елена", "ELENA IVANOVA", "same"),
            (Role.text, "Ştefan Ionescu", "Ștefan Ionescu", "same"),
            (Role.text, "Mannerheim apteekki", "Manerheim apteeki", "near"),
            (Role.text, "Jordan", "Chicago Public Schools Jordan", "contained"),
            (Role.text, "Аптека № 12", "Аптека № 14", "partly"),
            (Role.text, "Jordan", "Peirce", "different"),
            (Role.text, "", "Peirce", "missing"),
            (Role.address, "1009 N. Cleveland", "1009 N Cleveland Ave", "same"),
            (Role.address, "1009 N Cleveland", "1019 N Cleveland", "near_number"),
            (Role.address, "12 Cleveland", "77 Cleveland", "other_number"),
            (Role.address, "1009 Cleveland", "1009 Ashland", "same_number_only"),
            (Role.phone, "8 (916) 123-45-67", "+79161234567", "same"),
            (Role.phone, "0721 234 567; 021 999 8877", "+40 21 999 88 77", "same"),
            (Role.phone, "+79161234567", "+79161234576", "near"),
            (Role.phone, "+79161234567", "+79169999999", "different"),
            (Role.digits, "1908-12-09", "19081209", "same"),
            (Role.position, "60.1700 24.9400", "60.1701 24.9401", "here"),
            (Role.position, "60.1700 24.9400", "60.2700 24.9400", "far"),
        ],
    )
    def test_two_values_agree_at_a_level(self, role: Role, a: str, b: str, level: str) -> None:
        others = tuple(f"other{n}" for n in range(30)) if role is Role.text else ()
        assert level_of(role, a, b, others) == level

    def test_phones_in_one_cell_are_parted(self) -> None:
        assert phone_tails("0721 234 567; 021 999 8877") == ["1234567", "9998877"]


def test_a_key_that_all_share_makes_no_pairs_and_a_rare_one_does() -> None:
    names = [f"apteekki x{n}" for n in range(200)]
    column = Prepared(Column("name", Role.text, [*names, names[7]]))
    left, right = blocking.candidate_pairs([column])
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == [(7, 200)]


def test_one_wrong_link_chains_no_groups() -> None:
    """Two groups of three and one link between them: the evidence of all nine pairs decides."""
    true = {r: r // 3 for r in range(6)}

    def weigh(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        same = [8.0 if true[x] == true[y] or (x, y) == (2, 3) else -8.0 for x, y in zip(a, b, strict=True)]  # fmt: skip
        return np.array(same)

    left, right = np.triu_indices(6, 1)
    groups = clusters.clusters(left, right, weigh(left, right), weigh, 0.0)
    assert sorted(map(sorted, groups)) == [[0, 1, 2], [3, 4, 5]]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_groups_are_the_same_whatever_the_order_of_records(seed: int) -> None:
    compared, true = bench.invented(120, 3)
    order = list(range(120))
    random.Random(seed).shuffle(order)
    shuffled = [Column(c.name, c.role, [c.values[n] for n in order]) for c in compared]
    right = bench.scores(matcher.match(shuffled).groups(), [true[n] for n in order])
    assert right["precision"] >= 0.9
    assert right["recall"] >= 0.6


def test_records_alike_in_nothing_are_no_duplicates() -> None:
    rng = random.Random(5)
    names = ["".join(rng.choices("abcdefghijklmnop", k=9)) for _ in range(300)]
    found = matcher.match(
        [Column("name", Role.text, names), Column("phone", Role.phone, [""] * 300)]
    )
    assert found.groups() == []


@pytest.mark.parametrize("records", [0, 1, 2])
def test_a_base_too_small_to_learn_from_is_matched_all_the_same(records: int) -> None:
    values = ["Keskus apteekki"] * records
    phones = ["+358401234567"] * records
    found = matcher.match([Column("n", Role.text, values), Column("p", Role.phone, phones)])
    assert found.groups() == ([[0, 1]] if records == 2 else [])


def neighbours(rng: random.Random, towns: int, each: int) -> list[records.Record]:
    """Pharmacies that share streets, towns, postcodes and near pins, and are each their own."""
    made = []
    for n in range(towns):
        lat, lng = 60 + rng.random() * 5, 22 + rng.random() * 7
        for m in range(each):
            name, road = ("".join(rng.choices("aeioklmnprstuv", k=8)) for _ in "ab")
            street = "Pääkatu" if m % 2 else f"{road}katu"
            made.append(
                records.Record(
                    f"{n:03}{m:03}", "pharmacy", f"{name} apteekki", f"+358 50 {rng.randrange(10**7):07}",
                    None, None, f"{street} {m * 4 + 1}", lat + rng.random() / 900,
                    lng + rng.random() / 500, f"Kaupunki{n}", f"{n:05}",
                )
            )  # fmt: skip
    return made


def test_neighbours_of_one_town_are_not_learned_as_one() -> None:
    """A base in which nobody is there twice: the likest pairs are not therefore the same."""
    rng = random.Random(4)
    base = neighbours(rng, 30, 10)
    twin = base[17]._replace(id="twin", name=base[17].name.upper(), phone=None)
    found = matcher.match(records.as_columns([*base, twin]))
    chance = weighing.chance_of(found.bits)
    likely = np.flatnonzero(chance >= 0.5)
    pairs = {(int(found.pairs.left[n]), int(found.pairs.right[n])) for n in likely}
    assert pairs == {(17, 300)}


def test_what_a_finer_column_gives_is_coarse() -> None:
    streets = [f"katu {n % 70}" for n in range(280)]
    towns = [f"town{n % 70 % 22}" for n in range(280)]
    phones = [f"+358 50 {n:07}" for n in range(280)]
    columns = dependence.about_one_thing(
        [Prepared(Column("t", Role.text, towns)), Prepared(Column("p", Role.phone, phones)),
         Prepared(Column("s", Role.address, streets))]
    )  # fmt: skip
    assert [(c.about, c.is_coarse) for c in columns] == [
        ("place", True),
        ("p", False),
        ("place", False),
    ]


class TestBench:
    def write(self, path: Path) -> Path:
        compared, true = bench.invented(600, 2)
        with path.open("w", encoding="utf-8", newline="") as file:
            out = csv.writer(file, delimiter=";")
            out.writerow(["who", "a", "b", "c"])
            for n, who in enumerate(true):
                out.writerow([f"x-{who}-{n}", *(c.values[n] for c in compared)])
        return path

    def test_it_prints_what_it_found_and_the_baseline(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = self.write(tmp_path / "base.csv")
        bench.main([str(file), "--truth", "who", "--truth-pattern", r"x-(.+)-"])
        said = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert said["records"] == 600
        assert said["columns"] == {"a": "text", "b": "address", "c": "phone"}
        assert said["precision"] >= 0.95
        assert said["f1"] >= said["baseline_f1"] > 0.3

    def test_named_columns_are_the_only_ones_compared(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = self.write(tmp_path / "base.csv")
        bench.main([str(file), "--truth", "who", "--columns", "name=a,phone=c"])
        said = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert said["columns"] == {"a": "text", "c": "phone"}

    def test_a_truth_that_is_no_column_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SystemExit, match="no column"):
            bench.main([str(self.write(tmp_path / "base.csv")), "--truth", "What"])
