"""Imports beside each other, beside an undo, and in a process that is killed: nothing lost or doubled."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlmodel import select

from fieldcrm.clients import import_plan, import_undo, importing
from fieldcrm.clients.import_bench import dump
from fieldcrm.clients.model import ImportNotReady
from fieldcrm.clients.tables import Client, ImportRun
from fieldcrm.kit import bus
from fieldcrm.kit.database import reading
from tests.clients.base import Base

ROWS = 40
HEAD = "external_id,name,kind\n"
MEET_S = 120


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_plan, "PIECE", 5)


def file_of(first: int = 0, end: int = ROWS, word: str = "Word") -> bytes:
    rows = [f"M{n},Name{n} {word}{n},pharmacy\n" for n in range(first, end)]
    return (HEAD + "".join(rows)).encode()


def previewed(base: Base, content: bytes) -> str:
    return importing.preview_import(base.actor("admin"), "file.csv", content).run_id


def imported() -> dict[str, str]:
    """External id -> name of what the files brought; fails on a client that is there twice."""
    with reading() as session:
        rows = session.exec(select(Client).where(Client.external_id.startswith("M"))).all()  # type: ignore[union-attr]
    assert len(rows) == len({r.external_id for r in rows})
    return {r.external_id or "": r.name for r in rows}


def half_way(act: Callable[[], object]) -> importing.Progress:
    """Does something once while the rows are being written."""
    done: list[float] = []

    def tell(share: float, what: str) -> None:
        if what == "import.writing" and share > 0.5 and not done:
            done.append(share)
            act()

    return tell


def test_two_imports_of_one_list_at_once_bring_each_client_once(base: Base) -> None:
    boss, before = base.actor("admin"), dump()
    runs, both = [previewed(base, file_of()) for _ in range(2)], Barrier(2)

    def run(run_id: str) -> dict[str, int]:
        both.wait(MEET_S)
        return importing.run_import(boss, run_id)["counts"]

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(run, runs))
    assert len(imported()) == ROWS
    assert sum(c["create"] for c in counts) == ROWS
    assert sum(c["unchanged"] for c in counts) == ROWS
    assert [c["rejected"] for c in counts] == [0, 0]
    for run_id in runs:  # each has its own clients: in whatever order they are taken back
        import_undo.undo_import(boss, run_id)
    assert dump() == before


def test_an_import_is_undone_while_another_goes_on(base: Base) -> None:
    boss, before = base.actor("admin"), dump()
    first = importing.run_import(boss, previewed(base, file_of(0, ROWS // 2)))["run_id"]
    second = previewed(base, file_of(ROWS // 2))
    told = importing.run_import(
        boss, second, half_way(lambda: import_undo.undo_import(boss, first))
    )
    assert told["counts"]["create"] == ROWS // 2
    assert set(imported()) == {f"M{n}" for n in range(ROWS // 2, ROWS)}
    import_undo.undo_import(boss, second)
    assert dump() == before


def test_what_another_import_has_gone_on_from_is_not_undone_below_it(base: Base) -> None:
    boss = base.actor("admin")
    first = importing.run_import(boss, previewed(base, file_of()))["run_id"]
    refused: list[str] = []

    def undo() -> None:
        with pytest.raises(import_undo.ImportBuiltOn):
            import_undo.undo_import(boss, first)
        refused.append(first)

    second = previewed(base, file_of(word="Other"))
    importing.run_import(boss, second, half_way(undo))
    assert refused == [first]
    assert set(imported().values()) == {f"Name{n} Other{n}" for n in range(ROWS)}
    import_undo.undo_import(boss, second)
    assert set(imported().values()) == {f"Name{n} Word{n}" for n in range(ROWS)}


def test_a_run_is_not_undone_while_it_goes_on(base: Base) -> None:
    boss, run_id = base.actor("admin"), previewed(base, file_of())
    refused: list[str] = []

    def undo() -> None:
        with pytest.raises(ImportNotReady):
            import_undo.undo_import(boss, run_id)
        refused.append(run_id)

    importing.run_import(boss, run_id, half_way(undo))
    assert (refused, len(imported())) == ([run_id], ROWS)


KILLED = """
import os, signal, sys
from fieldcrm.clients import import_plan, importing
from fieldcrm.people import service as people

import_plan.PIECE = 5

def tell(share, what):
    if what == "import.writing" and share > 0.6:
        os.kill(os.getpid(), signal.SIGKILL)

importing.run_import(people.actor_of(sys.argv[1]), sys.argv[2], tell)
"""


def killed_half_way(base: Base, content: bytes) -> str:
    """The id of a run whose process was killed while it wrote, its pulse over."""
    run_id = previewed(base, content)
    user = base.actor("admin").user_id
    ended = subprocess.run([sys.executable, "-c", KILLED, user, run_id], capture_output=True)
    assert ended.returncode == -9, ended.stderr.decode()
    with pytest.raises(ImportNotReady):  # nobody can tell yet whether it still goes on
        import_undo.undo_import(base.actor("admin"), run_id)
    bus.connection().delete(f"import:{run_id}")
    return run_id


def test_what_a_killed_process_had_written_is_taken_back_whole(base: Base) -> None:
    boss, before = base.actor("admin"), dump()
    run_id = killed_half_way(base, file_of())
    assert 0 < len(imported()) < ROWS
    assert [(r.id, r.status) for r in importing.list_runs(boss)] == [(run_id, "stopped")]
    import_undo.undo_import(boss, run_id)
    assert dump() == before


def test_the_file_of_a_killed_run_comes_in_again(base: Base) -> None:
    boss = base.actor("admin")
    run_id = killed_half_way(base, file_of())
    there = len(imported())
    counts = importing.run_import(boss, previewed(base, file_of()))["counts"]
    assert (counts["unchanged"], counts["create"]) == (there, ROWS - there)
    assert len(imported()) == ROWS
    import_undo.undo_import(boss, run_id)
    assert len(imported()) == ROWS - there
    with reading() as session:
        assert session.get(ImportRun, run_id) is None
