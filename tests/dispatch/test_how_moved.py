"""How a rep's way was made, in one line of each language."""

from __future__ import annotations

from typing import Any

import pytest

from fieldcrm.pages.dispatch_day import figures, how_moved

PARTS = [("foot", 1200), ("driving", 8340), ("foot", 40)]


def track(parts: list[tuple[str, int]], unseen_m: int = 0, moving_s: int = 3900) -> dict[str, Any]:
    told = [{"mode": mode, "distance_m": metres} for mode, metres in parts]
    total = sum(metres for _, metres in parts)
    return {
        "trips": [{"parts": told}], "unseen_m": unseen_m, "moving_s": moving_s, "distance_m": total,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "1 h 05 min moving · 1.2 km on foot · 8.3 km on wheels · 0.4 km unseen"),
        ("ru", "в движении 1 ч 05 мин · пешком 1,2 км · на транспорте 8,3 км · без сигнала 0,4 км"),
        ("ro", "în mișcare 1 h 05 min · pe jos 1,2 km · cu vehiculul 8,3 km · fără semnal 0,4 km"),
    ],
)
def test_time_ways_and_what_is_unseen(language: str, words: str) -> None:
    assert how_moved(track(PARTS, unseen_m=410), language).replace("\u00a0", " ") == words


def test_what_would_be_zero_is_left_out() -> None:
    assert "unseen" not in how_moved(track(PARTS, unseen_m=30), "en")
    assert how_moved(track([("foot", 20)]), "en") == ""
    assert how_moved(track([]), "en") == ""


def test_it_stands_among_the_figures() -> None:
    shown = figures([], track(PARTS), "en")
    assert shown.distance == "9.6"
    assert shown.moved.startswith("1 h 05 min moving")
