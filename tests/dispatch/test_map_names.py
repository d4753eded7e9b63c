"""Names on the live map: which find a place, and that none lies on another."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

from tests.dispatch.test_desk_link import COMPONENTS, in_bun

Box = tuple[float, float, float, float]


def placed(tmp_path: Path, wanted: str) -> dict[str, Any]:
    """Names of what `wanted` evaluates to: {boxes, markers, shown: [n], plain: boxes at the right}."""
    return in_bun(
        tmp_path,
        f"""
        const {{ Crowd, nameBox, placeName }} = await import({json.dumps(str(COMPONENTS / "map_names.ts"))});
        let seed = 7;
        const dice = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
        const wanted = ({wanted}).map((one, slot) => ({{ slot, off: 16, width: 80, isOwed: false, ...one }}));
        const markers = wanted.map(({{ at: [x, y] }}) => [x - 11, y - 11, x + 11, y + 11]);
        const taken = new Crowd(800, 600);
        markers.forEach((box, slot) => taken.add(box, slot));
        const boxes = [], shown = [];
        for (const one of wanted) {{
          const side = placeName(taken, one);
          if (side) {{ boxes.push(nameBox(one.at, side, one.width)); shown.push(one.slot); }}
        }}
        const plain = wanted.map((one) => nameBox(one.at, [one.off, 0], one.width));
        console.log(JSON.stringify({{ boxes, markers, shown, plain }}));
        """,
    )


def overlaps(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def collisions(boxes: list[Box]) -> int:
    return sum(overlaps(a, b) for a, b in combinations(boxes, 2))


CROWDED = "Array.from({ length: 300 }, () => ({ at: [dice() * 800, dice() * 600], width: 50 + dice() * 60 }))"


def test_names_in_a_crowd_lie_neither_on_each_other_nor_on_markers(tmp_path: Path) -> None:
    found = placed(tmp_path, CROWDED)
    assert collisions(found["plain"]) > 300
    assert len(found["shown"]) > 20
    assert collisions(found["boxes"]) == 0
    for slot, box in zip(found["shown"], found["boxes"], strict=True):
        others = (marker for n, marker in enumerate(found["markers"]) if n != slot)
        assert not any(overlaps(box, marker) for marker in others)


def test_owed_names_may_cover_markers_but_no_name(tmp_path: Path) -> None:
    found = placed(tmp_path, f"{CROWDED}.map((one) => ({{ ...one, isOwed: true }}))")
    assert collisions(found["boxes"]) == 0
    assert len(found["shown"]) > len(placed(tmp_path, CROWDED)["shown"])
    assert found["shown"][0] == 0, "the first of all is always named"


def test_a_name_takes_the_other_side_where_the_first_is_taken(tmp_path: Path) -> None:
    found = placed(tmp_path, "[{ at: [400, 300] }, { at: [440, 300] }]")
    assert found["shown"] == [0, 1]
    assert found["boxes"][0][2] < 400
    assert found["boxes"][1][0] > 440


def test_a_name_at_the_edge_takes_a_side_where_all_of_it_can_be_read(tmp_path: Path) -> None:
    found = placed(tmp_path, "[{ at: [760, 300] }, { at: [400, 8] }]")
    at_the_right, at_the_top = found["boxes"]
    assert at_the_right[2] < 760
    assert at_the_top[1] > 8, "beside its marker a part would be cut off: it hangs below"


def test_no_name_without_a_free_side(tmp_path: Path) -> None:
    ring = "[[40, 0], [-40, 0], [0, 24], [0, -24]].map(([x, y]) => ({ at: [400 + x, 300 + y] }))"
    found = placed(tmp_path, f"[{{ at: [400, 300] }}, ...{ring}]")
    assert 0 not in found["shown"]


def test_names_beyond_the_edge_are_kept_apart_too(tmp_path: Path) -> None:
    found = placed(tmp_path, "[{ at: [-20, 30] }, { at: [-20, 34] }, { at: [820, 590] }]")
    assert collisions(found["boxes"]) == 0
