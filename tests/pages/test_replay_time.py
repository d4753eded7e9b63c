"""The player's time: days in a row without the nights between them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.dispatch.test_desk_link import COMPONENTS, in_bun

HOUR = 3_600_000
DAYS = [(8 * HOUR, 18 * HOUR), (32 * HOUR, 42 * HOUR), (80 * HOUR, 90 * HOUR)]
"""Two days in a row, and one after a day off; ten hours each."""


def told(tmp_path: Path, asked: str) -> Any:
    windows = json.dumps([{"from_ms": a, "to_ms": b} for a, b in DAYS])
    return in_bun(
        tmp_path,
        f"""
        import {{ labelHours, momentOf, playedAt, wholeOf, windowAt }} from {json.dumps(str(COMPONENTS / "replay_time.ts"))};
        const days = {windows}, H = {HOUR};
        console.log(JSON.stringify({asked}));
    """,
    )


def test_the_evening_is_followed_by_the_next_morning(tmp_path: Path) -> None:
    assert told(tmp_path, "[9.5, 10, 10.5, 20, 29].map((h) => momentOf(days, h * H) / H)") == [
        17.5, 32, 32.5, 80, 89,
    ]  # fmt: skip
    assert told(tmp_path, "[-1, 0, 30, 99].map((h) => momentOf(days, h * H) / H)") == [8, 8, 90, 90]


def test_a_moment_of_the_night_counts_as_the_morning_after(tmp_path: Path) -> None:
    assert told(tmp_path, "[0, 8, 13, 18, 25, 32, 60, 85, 99].map((h) => playedAt(days, h * H) / H)") == [
        0, 0, 5, 10, 10, 10, 20, 25, 30,
    ]  # fmt: skip
    assert told(tmp_path, "[0, 17, 18, 40, 60, 99].map((h) => windowAt(days, h * H))") == [
        0, 0, 1, 1, 2, 2,
    ]  # fmt: skip


def test_every_played_place_comes_back_as_itself(tmp_path: Path) -> None:
    places = "Array.from({length: 60}, (_, n) => n * H / 2)"
    assert told(tmp_path, f"{places}.every((p) => playedAt(days, momentOf(days, p)) === p)") is True
    assert told(tmp_path, "wholeOf(days) / H") == 30


def test_labels_get_fewer_where_there_is_no_room(tmp_path: Path) -> None:
    one = "[days[0]]"
    asked = f"[900, 400, 200, 120, 30].map((px) => labelHours({one}, px))"
    assert told(tmp_path, asked) == [1, 2, 3, 4, 0]


def test_any_doubt_is_found_and_those_of_the_telling_are_calm(tmp_path: Path) -> None:
    bits = [0, 1, 2, 4, 8, 16, 32, 64, 64, 0]
    found = in_bun(
        tmp_path,
        f"""
        import {{ CALM, doubtsIn }} from {json.dumps(str(COMPONENTS / "replay_track.ts"))};
        const doubts = {bits}, at = doubts.map((_, n) => n * 60000);
        const found = doubtsIn({{ count: doubts.length, at, doubts }});
        console.log(JSON.stringify(found.map((d) => [d.kind, (d.to_ms - d.from_ms) / 60000, CALM.has(d.kind)])));
    """,
    )
    assert found == [
        ["mock", 0, False], ["teleport", 0, False], ["speed", 0, False], ["accuracy", 0, True],
        ["frozen", 0, False], ["clock", 0, True], ["late", 1, True],
    ]  # fmt: skip
