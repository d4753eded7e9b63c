"""What stands still while a visit is dragged: it shows what it showed, and then what came meanwhile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.dispatch.test_desk_link import COMPONENTS, in_bun

PAGE = """
    const { StillStore, hold, join, release } = await import(%s);
    const state = { day: "as it was", team: "as it was" };
    const heard = { day: new Set(), team: new Set() };
    const live = {
        getSnapshot: (name) => state[name],
        subscribe: (name, changed) => { heard[name].add(changed); return () => heard[name].delete(changed); },
    };
    const change = (name, value) => { state[name] = value; heard[name].forEach((changed) => changed()); };
    const still = new StillStore(live);
    const leave = join(still);
    const drawn = [];
    const read = (name) => still.subscribe(name, () => drawn.push(still.getSnapshot(name)));
    const tell = (answer) => console.log(JSON.stringify(answer));
"""


def page(tmp_path: Path, script: str) -> Any:
    module = json.dumps(str(COMPONENTS / "still_store.ts"))
    return in_bun(tmp_path, PAGE % module + script)


def test_what_came_while_it_was_held_is_shown_at_the_end(tmp_path: Path) -> None:
    told = page(tmp_path, """
        read("day"); change("day", "before");
        hold(); change("day", "meanwhile"); const held = still.getSnapshot("day");
        release(); change("day", "after");
        tell([held, drawn]);
    """)  # fmt: skip
    assert told == ["before", ["before", "before", "meanwhile", "after"]]


def test_a_part_that_comes_while_all_is_held_stands_still_from_then_on(tmp_path: Path) -> None:
    told = page(tmp_path, """
        hold(); change("team", "meanwhile");
        const first = still.getSnapshot("team"); change("team", "later");
        const second = still.getSnapshot("team"); release();
        tell([first, second, still.getSnapshot("team")]);
    """)  # fmt: skip
    assert told == ["meanwhile", "meanwhile", "later"]


def test_one_that_left_hears_nothing_and_an_end_without_a_lift_is_none(tmp_path: Path) -> None:
    told = page(tmp_path, """
        const stop = read("day"); release(); const quiet = drawn.length;
        hold(); stop(); leave(); release();
        still.release(); change("day", "after");
        tell([quiet, drawn, still.getSnapshot("day")]);
    """)  # fmt: skip
    assert told == [0, [], "after"]
