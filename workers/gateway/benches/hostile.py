"""What honest phones feel while somebody means harm, and what it costs the gateway's memory.

`fieldcrm bench power-loss --hostile` lets honest phones send at a steady pace, then one attack after
another goes on beside them. Attackers run with low priority on the load's core, so that what is
measured is the gateway and not this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from workers.gateway.benches import lab
from workers.gateway.benches.lab import Lab, share

HONEST = 60
PAUSE_S = 0.25
CALM_AFTER_S = 1.0
"""Until what an attack left is worked off."""
_TROUBLE = (OSError, WebSocketException, TimeoutError, asyncio.IncompleteReadError, EOFError)
_HEAD = (
    "POST /ingest/overland?token={token} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
)
_HANDSHAKE = (
    "GET /ws/phone?token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)

Attack = Callable[[int, str, float], Coroutine[Any, Any, None]]
"""(port, a token that is good, monotonic seconds when to end)"""


def measure(seconds: float) -> dict[str, Any]:
    """All figures of one run; each attack goes on for so many seconds."""
    with lab.lab() as here:
        here.start_valkey()
        lab.wait_for_file(here.home / "valkey.sock")
        company = lab.build_company(HONEST + 1)
        lab.pin(lab.LOAD_CORE)
        gateway = here.start_gateway()
        lab.wait_for_port(here.port)
        found = asyncio.run(_play(here, gateway.pid, company.tokens, seconds))
        return {**found, "crashed": gateway.poll() is not None, "reasons": _reasons()}


async def _play(here: Lab, pid: int, tokens: Sequence[str], seconds: float) -> dict[str, Any]:
    delays: list[float] = []
    honest = [asyncio.create_task(_honest(here.port, t, i, delays))
              for i, t in enumerate(tokens[:HONEST])]  # fmt: skip
    await asyncio.sleep(3.0)
    before, calm, attacks = memory_mb(pid), list[float](), dict[str, dict[str, float]]()
    for kind in ATTACKS:
        calm += await _calm(delays, seconds / 2)
        attacks[kind] = await _under(kind, here.port, tokens[HONEST], seconds, delays, pid)
    calm += await _calm(delays, seconds / 2)
    quiet, failed = _told(calm), [task for task in honest if task.done()]
    for found in attacks.values():
        found["ratio"] = round(found["p99_ms"] / max(quiet["p99_ms"], 0.01), 2)
        found["ratio_p95"] = round(found["p95_ms"] / max(quiet["p95_ms"], 0.01), 2)
    for task in honest:
        task.cancel()
    return {
        "quiet": quiet, "attacks": attacks, "honest_dropped": len(failed),
        "worst_ratio": max(a["ratio"] for a in attacks.values()),
        "worst_ratio_p95": max(a["ratio_p95"] for a in attacks.values()),
        "worst_p99_ms": max(a["p99_ms"] for a in attacks.values()),
        "rss_mb": {"before": before, "most": max(a["rss_mb"] for a in attacks.values()),
                   "after": memory_mb(pid)},
    }  # fmt: skip


def _told(delays: Sequence[float]) -> dict[str, float]:
    return {
        "p50_ms": share(delays, 0.5), "p95_ms": share(delays, 0.95),
        "p99_ms": share(delays, 0.99), "acked": len(delays),
    }  # fmt: skip


async def _calm(delays: list[float], seconds: float) -> list[float]:
    """Delays while nobody does harm: before each attack, so that a slow machine counts in both."""
    await asyncio.sleep(CALM_AFTER_S)
    delays.clear()
    await asyncio.sleep(seconds)
    return list(delays)


async def _under(
    kind: str, port: int, token: str, seconds: float, delays: list[float], pid: int
) -> dict[str, float]:
    """The honest phones' delays while one attack goes on in a process of its own."""
    code = (
        f"from workers.gateway.benches import hostile; hostile.attack({kind!r}, {port}, {token!r}, "
    )
    attacker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{code}{seconds})", stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert attacker.stdout
    await attacker.stdout.readline()  # it begins
    delays.clear()
    most, until = 0.0, time.monotonic() + seconds
    while time.monotonic() < until:
        most = max(most, memory_mb(pid))
        await asyncio.sleep(0.2)
    found = _told(delays)
    await attacker.wait()
    return found | {"rss_mb": most}


async def _honest(port: int, token: str, number: int, delays: list[float]) -> None:
    """A phone that sends one fix at a time and notes how long each acknowledgement takes."""
    url = f"ws://127.0.0.1:{port}/ws/phone?token={token}"
    async with connect(url, proxy=None, ping_interval=None, compression=None) as line:
        await line.send('{"t":"hello","device_id":"x"}')
        await asyncio.sleep(PAUSE_S * number / HONEST)
        for n in range(1 << 30):
            began = time.perf_counter()
            fix = {"s": n, "at": time.time_ns() // 1_000_000, "lat": 60.17, "lng": 24.94}
            await line.send(json.dumps({"t": "fixes", "n": n, "fixes": [fix]}))
            while json.loads(await line.recv())["t"] != "ack":
                pass
            delays.append(time.perf_counter() - began)
            await asyncio.sleep(PAUSE_S)


def memory_mb(pid: int) -> float:
    """What a process holds in memory now."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20), 1)


def _reasons() -> dict[str, int]:
    from fieldcrm.kit import bus
    from fieldcrm.tracking import live_index

    time.sleep(2.5)  # a gateway tells its own counters every two seconds
    return live_index.counts(bus.connection())


# Attacks, each in a process of its own


def attack(kind: str, port: int, token: str, seconds: float) -> None:
    """Do harm of one kind for some seconds."""
    os.nice(10)
    print("ready", flush=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8192)), hard))
    asyncio.run(ATTACKS[kind](port, token, time.monotonic() + seconds))


async def _many(count: int, one: Callable[[], Awaitable[None]], until: float) -> None:
    """So many at it at once, each again and again."""

    async def again() -> None:
        while time.monotonic() < until:
            with suppress(*_TROUBLE):
                await asyncio.wait_for(one(), max(0.01, until - time.monotonic()))

    await asyncio.gather(*(again() for _ in range(count)))


async def _say(port: int, *parts: bytes, wait_s: float = 0.0, hear: bool = True) -> None:
    """Connect, say something, hear an answer or wait, hang up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        if wait_s:
            await asyncio.sleep(wait_s)
        elif hear:
            await reader.read(65536)
    finally:
        writer.transport.abort()


async def rubbish(port: int, token: str, until: float) -> None:
    """Bytes that are no HTTP, as fast as eight connections carry them."""
    await _many(8, lambda: _say(port, random.randbytes(500) + b"\r\n\r\n"), until)


async def broken_frames(port: int, token: str, until: float) -> None:
    """A known device's sockets whose frames are cut, flipped, too long or out of turn."""
    greeting = _HANDSHAKE.format(token=token).encode()
    good = [_frame(1, said) for said in (b'{"t":"hello","device_id":"x"}', _fix_message(1))]

    def spoilt() -> bytes:
        said = bytearray(b"".join(random.choices(good, k=3)))
        for _ in range(random.randint(1, 6)):
            said[random.randrange(len(said))] = random.randrange(256)
        return bytes(said[: random.randint(1, len(said))])

    await _many(8, lambda: _say(port, greeting, good[0], spoilt(), spoilt()), until)


def _frame(opcode: int, said: bytes) -> bytes:
    """A masked frame of a short message, as a client sends it."""
    mask = random.randbytes(4)
    length = bytes([0x80 | len(said)]) if len(said) < 126 else b"\xfe" + len(said).to_bytes(2)
    return (
        bytes([0x80 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(said))
    )


def _fix_message(count: int) -> bytes:
    fix = {"at": 1, "lat": 60.1, "lng": 24.9}
    return json.dumps({"t": "fixes", "n": 1, "fixes": [fix] * count}).encode()


async def guesses(port: int, token: str, until: float) -> None:
    """Tokens that nobody has."""

    def guess() -> bytes:
        return _HEAD.format(token=random.randbytes(8).hex(), length=2).encode() + b"{}"

    await _many(8, lambda: _say(port, guess()), until)


async def slow_heads(port: int, token: str, until: float) -> None:
    """Three thousand connections whose heads never end."""
    await _many(3000, lambda: _say(port, b"GET / HTTP/1.1\r\nX: ", wait_s=60), until)


async def half_bodies(port: int, token: str, until: float) -> None:
    """Four hundred requests that stop in the middle of a large body."""
    half = _HEAD.format(token=token, length=4_000_000).encode() + b"x" * 1_000_000
    await _many(400, lambda: _say(port, half, wait_s=60), until)


async def giants(port: int, token: str, until: float) -> None:
    """A known device posts the largest bodies it may, all nonsense."""
    body = b'{"locations":[' + b"[]," * 1_300_000 + b"1]}"
    whole = _HEAD.format(token=token, length=len(body)).encode() + body
    await _many(2, lambda: _say(port, whole), until)


async def flood(port: int, token: str, until: float) -> None:
    """A known device sends the largest messages it may, one upon the other."""
    said = _fix_message(2000).decode()

    async def pour() -> None:
        url = f"ws://127.0.0.1:{port}/ws/phone?token={token}"
        async with connect(url, proxy=None, compression=None) as line:
            await line.send('{"t":"hello","device_id":"x"}')
            while time.monotonic() < until:
                await line.send(said)

    await _many(1, pour, until)


async def slow_readers(port: int, token: str, until: float) -> None:
    """A hundred clients ask for long answers and read none."""
    asked = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    await _many(100, lambda: _say(port, asked, wait_s=60), until)


ATTACKS: dict[str, Attack] = {
    "rubbish": rubbish, "broken_frames": broken_frames, "guesses": guesses, "slow_heads": slow_heads, "half_bodies": half_bodies,
    "giants": giants, "flood": flood, "slow_readers": slow_readers,
}  # fmt: skip


def main(chosen: argparse.Namespace) -> None:
    """Measure and print."""
    print(json.dumps(measure(chosen.seconds)))
