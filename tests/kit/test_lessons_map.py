"""Each lesson of docs/lessons.md is kept by the tests that it names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "lessons.md").read_text(encoding="utf-8"))
WANTED = [*range(1, 8), 9, *range(11, 20), 21, 27]


def test_every_lesson_stands_in_the_table() -> None:
    assert [int(number) for number, _ in ROWS] == WANTED


@pytest.mark.parametrize(("number", "named"), ROWS)
def test_the_named_files_hold_a_test_of_that_name(number: str, named: str) -> None:
    paths = re.findall(r"`([^`]+)`", named)
    assert paths
    for path in paths:
        text = (ROOT / path).read_text(encoding="utf-8")
        python = rf"^def test_lesson_{number}_\w+\("
        script = rf'^(?:test|describe)\("lesson {number}: '
        assert re.search(python if path.endswith(".py") else script, text, re.MULTILINE), path
