"""Pages read by helpers of a web process are those that it reads itself, and no helper outlives it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fieldcrm.kit.database import engine
from tests.field import Field

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process reads all")


def test_helpers_read_what_the_process_reads_and_end_with_it(company: Field) -> None:
    engine().dispose()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sync.copier", company.reps[0].user_id, company.manager.user_id],
        stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        assert process.stdout
        told = json.loads(process.stdout.readline() or b"{}")
        second = told.pop("second", 0)
        assert told == {
            "alone": "Empty", "same": True, "plain": True, "refused": ["Gone", "RoleForbids"],
            "after": True, "still": True,
        }  # fmt: skip
        assert _lives(second)
    finally:
        process.kill()
        process.wait()
    give_up = time.monotonic() + 60
    while _lives(second):
        assert time.monotonic() < give_up
        time.sleep(0.05)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
