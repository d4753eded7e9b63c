"""The benches' disk: slower where asked, and cut to what was synced."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workers.gateway.benches import slow_sync

WRITER = """
import os, sys
with open(sys.argv[1], "ab", buffering=0) as file:
    file.write(b"on disk.")
    os.fsync(file.fileno())
    file.write(b" More.")
    os.fdatasync(file.fileno())
    os.rename(sys.argv[1], sys.argv[1] + ".renamed")
    file.write(b" Not any more.")
open(sys.argv[1] + ".never", "w").write("synced")
"""


def test_a_power_cut_leaves_what_was_synced(tmp_path: Path) -> None:
    library = slow_sync.build(tmp_path)
    if library is None:
        pytest.skip("no C compiler here; the benches say so too")
    folder, log = tmp_path / "data", tmp_path / "synced"
    folder.mkdir()
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", WRITER, str(folder / "file")], check=True,
        env={**os.environ, **slow_sync.variables(library, 100, log)},
    )  # fmt: skip
    assert time.perf_counter() - began > 0.2
    assert slow_sync.cut_to_synced(folder, log) == len(" Not any more.synced")
    assert (folder / "file.renamed").read_bytes() == b"on disk. More."
    assert (folder / "file.never").read_bytes() == b""


NAMER = """
import os, sys
folder = sys.argv[1]
for name in ("sure", "unsure"):
    with open(f"{folder}/{name}.part", "wb") as file:
        file.write(b"whole")
        file.flush()
        os.fsync(file.fileno())
    os.rename(f"{folder}/{name}.part", f"{folder}/{name}")
    if name == "sure":
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
"""


def test_a_power_cut_undoes_a_name_that_no_sync_covered(tmp_path: Path) -> None:
    library = slow_sync.build(tmp_path)
    if library is None:
        pytest.skip("no C compiler here; the benches say so too")
    folder, log = tmp_path / "data", tmp_path / "synced"
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", NAMER, str(folder)], check=True,
        env={**os.environ, **slow_sync.variables(library, 0, log)},
    )  # fmt: skip
    assert slow_sync.undo_renames([log], folder) == 1
    assert sorted(p.name for p in folder.iterdir()) == ["sure", "unsure.part"]
    assert slow_sync.undo_renames([log], folder) == 0


def test_without_a_compiler_there_is_no_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert slow_sync.build(tmp_path) is None
