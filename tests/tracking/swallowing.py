"""Whatever bytes a stranger sends, swallowed the whole way: decoded, judged, streamed, stored, shown.

`python -m tests.tracking.swallowing [SECONDS]` lets atheris (if installed) look for bytes that
break it, guided by which lines they reach.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from types import FunctionType
from typing import Any

from fieldcrm.tracking import chunks, frames, live_index, pipeline, session
from fieldcrm.tracking.columns import merged, table_of
from fieldcrm.tracking.memory import DeviceMemory, RepMemory
from fieldcrm.tracking.model import Decoded, Fix, RepState, Span, Unreadable
from fieldcrm.tracking.protocols import PROTOCOLS, values
from fieldcrm.tracking.protocols.http import Post, pairs
from fieldcrm.tracking.steps import Judged

NOW = 1_790_000_000_000
ON_SHIFT = (
    Span("s", NOW - 20 * 86_400_000, NOW - 19 * 86_400_000),
    Span("t", NOW - 9_000_000, None),
)


def phone_message(message: bytes) -> list[Judged]:
    """A text of /ws/phone, and what became of each batch in it."""
    judged = []
    for event in session.PhoneSession("device").receive(message):
        if isinstance(event, session.Batch):
            judged.append(fixes(event, event.phone_now_ms))
            assert session.ack(event.number, judged[-1].outcome)
    return judged


def desk_message(message: bytes) -> None:
    """A text of /ws/desk."""
    session.DeskSession().receive(message)


def request(protocol: str, post: Post) -> Judged | None:
    """A request of a phone's own protocol; None where it is unreadable as a whole."""
    speaks = PROTOCOLS[protocol]
    try:
        speaks.token(post)
        decoded = speaks.decode(post)
    except Unreadable:
        for answer in (speaks.unreadable(post), speaks.unknown(post)):
            assert 200 <= answer.status < 500
        return None
    judged = fixes(decoded, None)
    assert speaks.accepted(post, judged.outcome).status == 200
    return judged


def fixes(decoded: Decoded, phone_now_ms: int | None) -> Judged:
    """A message's fixes through the pipeline, the stream's and the chunks' codecs and a frame."""
    device = DeviceMemory()
    judged = pipeline.judge(
        decoded, rep_id="rep", device_id="device", source="web", device=device, rep=RepMemory(),
        spans=ON_SHIFT, now_ms=NOW, phone_now_ms=phone_now_ms,
    )  # fmt: skip
    assert judged.outcome.accepted + sum(judged.outcome.rejected.values()) == (
        len(decoded.fixes) + decoded.malformed
    ), "each fix is counted once"
    stored = [*judged.recorded, *judged.held]
    assert live_index.decode_batch(live_index.encode(stored)) == stored
    by_hour: dict[int, list[Fix]] = defaultdict(list)
    for fix in stored:
        by_hour[chunks.hour_of(fix.fix_at_ms)].append(fix)
    for hour in by_hour.values():
        table, _ = merged(table_of(()), table_of(hour))
        kept = {f.key for f in chunks.unpack("rep", chunks.pack_table(table))}
        assert kept == {f.key for f in hour}
    if judged.newest is not None:
        live_index.point_of(judged.newest, None, device.offset_ms)
        assert len(frames.rep_record(0, RepState.moving, judged.newest)) == 24
    return judged


def anything(data: bytes) -> None:
    """The first byte chooses who reads the rest."""
    if not data:
        return
    names = sorted(PROTOCOLS)
    choice, rest = data[0] % (2 + 2 * len(names)), data[1:]
    if choice == 0:
        phone_message(rest)
    elif choice == 1:
        desk_message(rest)
    elif choice % 2:
        request(names[choice // 2 - 1], Post("POST", {}, {"content-type": "x/json"}, rest))
    else:
        try:
            query = pairs(rest)
        except Unreadable:
            return
        request(names[choice // 2 - 1], Post("GET", query, {"authorization": "Basic eA=="}))


SEEDS = (
    b'\x00{"t":"fixes","n":1,"now_ms":1790000000000,"fixes":[{"s":4,"at":1790000000000,"lat":60.1,'
    b'"lng":24.9,"acc":8,"spd":1.5,"crs":90,"bat":77,"chg":false,"mock":null}]}',
    b'\x01{"t":"view","bbox":[60.0,24.0,61.0,25.0],"zoom":12.5}',
    b"\x02id=x&lat=60.1&lon=24.9&timestamp=1790000000&spd=1.5&acc=9&batt=50&dir=20",
    b'\x05{"device_id":"x","location":{"timestamp":"2026-09-21T14:13:20Z","coords":{"latitude":60.1,'
    b'"longitude":24.9,"accuracy":5,"speed":1},"battery":{"level":0.5,"is_charging":true}}}',
    b'\x07{"locations":[{"geometry":{"coordinates":[24.9,60.1]},"properties":{"timestamp":'
    b'"2026-09-21T14:13:20Z","horizontal_accuracy":5,"battery_state":"full"}}]}',
    b'\x09[{"_type":"location","lat":60.1,"lon":24.9,"tst":1790000000,"acc":5,"vel":36,"bs":2}]',
)
"""One sound message of each kind to begin with."""


def main() -> None:
    """Fuzz for some seconds; a crash is printed with the bytes that made it."""
    atheris: Any = importlib.import_module("atheris")  # only who fuzzes by coverage needs it
    seconds = sys.argv[1] if len(sys.argv) > 1 else "60"
    for module in (chunks, frames, live_index, pipeline, session, values, *PROTOCOLS.values()):
        for name, part in list(vars(module).items()):
            if isinstance(part, FunctionType):
                setattr(module, name, atheris.instrument_func(part))
    with tempfile.TemporaryDirectory() as folder:
        for number, seed in enumerate(SEEDS):
            (Path(folder) / str(number)).write_bytes(seed)
        limits = f"-max_total_time={seconds}", "-max_len=4096"
        atheris.Setup([sys.argv[0], folder, *limits], anything)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
