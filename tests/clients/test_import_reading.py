"""A large table is understood by several processes as by one."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from fieldcrm.clients import import_reading
from fieldcrm.clients.import_reading import FEW, PIECE, understood
from fieldcrm.clients.import_rows import Around, Row
from fieldcrm.clients.model import ImportRules, Table, Trouble
from fieldcrm.kit.beside import Helper

TITLES = ("Name", "Phone", "City", "Lat", "Lng", "Hours")
RULES = ImportRules(
    dict(zip(TITLES, ("name", "phone", "city", "lat", "lng", "opening_hours"), strict=True)),
    {"kind": "pharmacy"}, "name_address", "upsert", False,
)  # fmt: skip
AROUND = Around((60.2, 24.9), "FI")


def _table(n: int) -> Table:
    """With every hundredth row's coordinates wrong, every third phone unreadable, some rows unread."""
    rows = [
        (i, [f"Аптека {i}", f"+35840{i:07}" if i % 3 else "call", "Хельсинки",
             "960.1" if i % 100 == 0 else "60.1", "24.9", "Mo-Fr 08:00-18:00"])
        for i in range(2, n + 2) if i % 701
    ]  # fmt: skip
    bad = [Trouble(i, "unread") for i in range(2, n + 2) if i % 701 == 0]
    return Table(list(TITLES), rows, True, "utf-8", ";", bad)


def _children() -> set[int]:
    """Processes of import that this one has started and that run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
            line = path.with_name("cmdline").read_text()
        except OSError:  # ended meanwhile
            continue
        if parent == os.getpid() and "import_reading" in line:
            found.add(int(path.parent.name))
    return found


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_reading, "cores", lambda: 2)


@pytest.fixture
def here() -> list[Row]:
    """What one process makes of it, row by row."""
    table, found = _table(FEW + 2 * PIECE), []
    for piece in range(0, len(table.rows), FEW - 1):
        found += understood(
            replace(table, rows=table.rows[piece : piece + FEW - 1], bad=[]), RULES, AROUND
        )
    return sorted(
        [*found, *(Row(t.row, {}, troubles=[t]) for t in table.bad)], key=lambda r: r.number
    )


def test_rows_come_in_order_and_as_one_process_understands_them(
    here: list[Row], two_cores: None
) -> None:
    rows = [*understood(_table(FEW + 2 * PIECE), RULES, AROUND)]
    assert rows == here
    assert [r.number for r in rows] == [*range(2, FEW + 2 * PIECE + 2)]
    codes = {t.code for r in rows for t in r.troubles}
    assert {"unread", "phone_unread", "out_of_range"} <= codes
    assert rows[0].found_by.terms
    assert rows[0].fields["phone_e164"] == "+358400000002"


def test_a_killed_process_loses_no_row(here: list[Row], two_cores: None) -> None:
    rows = understood(_table(FEW + 2 * PIECE), RULES, AROUND)
    found = [next(rows)]
    for pid in _children():
        os.kill(pid, signal.SIGKILL)
    assert [*found, *rows] == here


def test_a_silent_process_is_waited_for_so_long_and_no_longer(
    here: list[Row], two_cores: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = understood(_table(FEW + 2 * PIECE), RULES, AROUND)
    found = [next(rows)]
    monkeypatch.setattr(Helper.ask, "__defaults__", (1.0,))
    for pid in _children():
        os.kill(pid, signal.SIGSTOP)
    assert [*found, *rows] == here
    assert not _children()


def test_who_stops_reading_leaves_no_process(two_cores: None) -> None:
    rows = understood(_table(FEW + 20 * PIECE), RULES, AROUND)
    next(rows)
    assert len(_children()) == 2
    rows.close()  # type: ignore[attr-defined]
    assert not _children()


def test_a_small_table_needs_no_process() -> None:
    rows = understood(_table(FEW // 2), RULES, AROUND)
    next(rows)
    assert not _children()
    assert sum(1 for _ in rows) == FEW // 2 - 1
