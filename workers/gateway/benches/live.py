"""How many fixes a gateway acknowledges from disk, beside a bare echo: `fieldcrm bench live`.

Starts its own Valkey, SQLite and gateway in a temporary home; gateway and Valkey on one core, the
load on another where there are two. Prints one JSON object last. Phones are raw sockets here, so
that the load costs less than what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

ECHO = """
import asyncio, uvloop
from websockets.asyncio.server import serve
async def echo(socket):
    async for message in socket:
        await socket.send(message)
async def main():
    async with serve(echo, "127.0.0.1", {port}, compression=None, ping_interval=None):
        await asyncio.Future()
uvloop.run(main())
"""
_FULL = b"\x00\x00\x00\x00"


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0, help="fixes/s in all; 0 is all it takes")
    chosen = parser.parse_args(argv)
    home = Path(tempfile.mkdtemp(prefix="fieldcrm-bench-"))
    try:
        print(json.dumps(measure(home, chosen.phones, chosen.seconds, chosen.rate)))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def measure(home: Path, phones: int, seconds: float, rate: float) -> dict[str, Any]:
    """All figures of one run."""
    from fieldcrm.kit.valkey import command_line

    gateway_port, echo_port = free_port(), free_port()
    os.environ |= {
        "FIELDCRM_HOME": str(home), "FIELDCRM_GATEWAY_PORT_OVERRIDE": str(gateway_port),
        "FIELDCRM_REDIS_URL": f"unix://{home}/valkey.sock",
    }  # fmt: skip
    started = [start([*command_line(home, home / "valkey.sock")])]
    try:
        tokens = build_company(phones)
        pin_myself(1)
        started.append(
            start([sys.executable, "-c", "import workers.gateway.server as g; g.main()"])
        )
        wait_for_port(gateway_port)
        acked = asyncio.run(load(gateway_port, "/ws/phone?token=", tokens, seconds, rate))
        lost, duplicated = missing(acked["seqs"])
        started.append(start([sys.executable, "-c", ECHO.format(port=echo_port)]))
        wait_for_port(echo_port)
        echoed = asyncio.run(load(echo_port, "/", [""] * phones, min(seconds, 3.0), rate))
    finally:
        for process in reversed(started):
            process.kill()
            process.wait(10)
    return {
        "phones": phones, "acked_per_s": acked["per_s"], "ack_p50_ms": acked["p50_ms"],
        "ack_p99_ms": acked["p99_ms"], "echo_per_s": echoed["per_s"],
        "echo_p99_ms": echoed["p99_ms"], "acked": acked["count"], "lost": lost,
        "duplicated": duplicated,
    }  # fmt: skip


def start(command: list[str]) -> subprocess.Popen[bytes]:
    """A process on the measured core."""
    return subprocess.Popen(
        command, preexec_fn=lambda: pin_myself(0), stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("FIELDCRM_BENCH_LOG") else subprocess.DEVNULL,
    )  # fmt: skip


def pin_myself(core: int) -> None:
    """Stay on one core, where there are two."""
    with suppress(AttributeError, OSError):
        allowed = sorted(os.sched_getaffinity(0)) if core == 0 else list(range(os.cpu_count() or 1))
        if len(allowed) > 1:
            os.sched_setaffinity(0, {allowed[core]})


def build_company(phones: int) -> list[str]:
    """Reps with open shifts and a device each; the devices' tokens."""
    from datetime import timedelta

    from fieldcrm.kit import clock, ids, secrets
    from fieldcrm.kit.database import engine, transaction
    from fieldcrm.migrations.schema import metadata
    from fieldcrm.people.tables import Device, Team, User
    from fieldcrm.tracking.tables import Shift

    metadata.create_all(engine())
    now, team_id, tokens = clock.now(), ids.new_id(), []
    with transaction() as session:
        session.add(Team(id=team_id, name="bench", created_at=now))
        session.flush()
        for i in range(phones):
            rep_id, token = ids.new_id(), secrets.new_token()
            tokens.append(token)
            session.add(User(id=rep_id, login=f"rep{i}", name=f"Rep {i}", role="rep",
                             team_id=team_id, password_hash="", created_at=now))  # fmt: skip
            session.flush()
            session.add(Device(id=f"d{i}", user_id=rep_id, kind="osmand", paired_at=now,
                               token_hash=secrets.token_hash(token)))  # fmt: skip
            session.add(Shift(id=ids.new_id(), rep_id=rep_id, started_at=now - timedelta(hours=1)))
    return tokens


async def load(
    port: int, path: str, tokens: list[str], seconds: float, rate: float
) -> dict[str, Any]:
    """Let all phones send for some seconds, each one fix a message, the next after the answer."""
    gate = asyncio.Semaphore(50)
    phones = await asyncio.gather(*(open_phone(port, path + t, gate) for t in tokens))
    began = time.perf_counter()
    pause = len(phones) / rate if rate else 0.0
    sent = await asyncio.gather(
        *(
            send(i, *p, began + seconds, pause, pause * i / len(phones))
            for i, p in enumerate(phones)
        )
    )
    took = time.perf_counter() - began
    for _, writer in phones:
        writer.close()
    times = sorted(t for one in sent for t in one)
    return {
        "count": len(times), "per_s": round(len(times) / took), "p50_ms": at(times, 0.5),
        "p99_ms": at(times, 0.99), "seqs": [len(one) for one in sent],
    }  # fmt: skip


def at(times: list[float], share: float) -> float:
    """A percentile in milliseconds."""
    return round(times[min(len(times) - 1, int(len(times) * share))] * 1000, 2) if times else 0.0


async def open_phone(
    port: int, path: str, gate: asyncio.Semaphore
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket past its handshake."""
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade"
            "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            .encode()
        )  # fmt: skip
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head:
            raise RuntimeError(head[:200].decode())
        if path != "/":
            await read_frame(reader)
            writer.write(frame(b'{"t":"hello","device_id":"x"}'))
        return reader, writer


def frame(payload: bytes) -> bytes:
    """A client's text frame; its mask is zero, which masks nothing."""
    length = len(payload)
    head = bytes([0x81, 0x80 | length]) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
    return head + _FULL + payload


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """A server's frame."""
    head = await reader.readexactly(2)
    length = head[1] & 0x7F
    if length == 126:
        length = int.from_bytes(await reader.readexactly(2), "big")
    payload = await reader.readexactly(length)
    return payload if head[0] & 0x0F != 9 else await read_frame(reader)


async def send(
    i: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, until: float, pause: float,
    wait: float,
) -> list[float]:  # fmt: skip
    """One phone's fixes; how long each took to be acknowledged, seconds."""
    took: list[float] = []
    await asyncio.sleep(wait)
    planned = time.perf_counter()
    while (now := time.perf_counter()) < until:
        fix = (
            b'{"t":"fixes","n":%d,"fixes":[{"s":%d,"at":%d,"lat":60.%06d,"lng":24.%06d,"acc":8,'
            b'"spd":1.5,"crs":90,"bat":77}]}'
            % (len(took), len(took), time.time_ns() // 1_000_000, 170000 + len(took), 940000 + i)
        )
        writer.write(frame(fix))
        answer = await read_frame(reader)
        if b'"t":"ack"' in answer and b'"accepted":1' not in answer:
            raise RuntimeError(answer.decode())
        took.append(time.perf_counter() - (planned if pause else now))
        if pause:
            planned += pause
            await asyncio.sleep(max(0.0, planned - time.perf_counter()))
    return took


def missing(acked: list[int]) -> tuple[int, int]:
    """(acknowledged and not in the stream, in the stream twice)."""
    from fieldcrm.kit import bus
    from fieldcrm.tracking import live_index

    found: dict[tuple[str, int | None], int] = {}
    start_at: Any = "-"
    while entries := bus.connection().xrange(bus.FIX_STREAM, start_at, count=500):
        for entry_id, fields in entries:  # type: ignore[union-attr]
            for fix in live_index.decode_batch(fields[live_index.BATCH_FIELD]):
                found[fix.device_id, fix.seq] = found.get((fix.device_id, fix.seq), 0) + 1
            start_at = b"(" + entry_id
    lost = sum((f"d{i}", s) not in found for i, count in enumerate(acked) for s in range(count))
    return lost, sum(n - 1 for n in found.values())


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port: int, seconds: float = 20.0) -> None:
    """Wait until somebody listens."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")


if __name__ == "__main__":
    main()
