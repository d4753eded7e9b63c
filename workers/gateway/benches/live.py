"""How many fixes a gateway acknowledges from disk, how soon, and how soon desks see them.

`fieldcrm bench live` starts its own Valkey, SQLite and gateway in a temporary home. Beside them, in
the same run, on the same core and under the same load: a bare WebSocket echo and a GEOADD pipeline;
and what the disk itself takes for the same syncs.
Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from typing import Any

from workers.gateway import turns
from workers.gateway.benches import lab, peers, reconnect
from workers.gateway.benches.lab import BusyTime, Company, Lab, share
from workers.gateway.benches.load import SPEECHES, Crowd, Echoed, Load, lat_e5
from workers.gateway.benches.syncs import Syncs
from workers.gateway.benches.watchers import Watch

PEER_SECONDS = 3.0
WARM_UP_SECONDS = 1.0


def main(argv: Sequence[str] | None = None) -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=0.0, help="fixes/s in all; 0: all it takes")
    parser.add_argument("--protocol", choices=sorted(SPEECHES), default="ws")
    parser.add_argument("--dispatchers", type=int, default=0)
    parser.add_argument("--reps-seen", type=int, default=500, help="by each dispatcher")
    parser.add_argument("--tick-ms", type=float, default=None, help="between frames to one desk")
    parser.add_argument("--fsync-delay-ms", type=float, default=0.0)
    parser.add_argument("--reconnect", type=int, default=0, metavar="N",
                        help="kill the gateway of N phones and wait until all are back")  # fmt: skip
    chosen = parser.parse_args(argv)
    with lab.lab(chosen.fsync_delay_ms) as here:
        print(json.dumps((reconnect.measure if chosen.reconnect else measure)(here, chosen)))


def measure(here: Lab, chosen: argparse.Namespace) -> dict[str, Any]:
    """All figures of one run."""
    valkey = here.start_valkey(notes_syncs=True)
    lab.wait_for_file(here.home / "valkey.sock")
    company = lab.build_company(chosen.phones, chosen.dispatchers, chosen.reps_seen)
    lab.pin(lab.LOAD_CORE)
    is_hurried = lab.hurry()
    tick = {} if chosen.tick_ms is None else {"FIELDCRM_DESK_TICK_MS": str(chosen.tick_ms)}
    gateway = here.start_gateway(tick)
    speech = SPEECHES[chosen.protocol](chosen.phones)
    crowd = Crowd(here.port, company.tokens, speech)
    watch = Watch(crowd, here.port, company.cookies, company.rep_ids)
    if watch.desks:
        crowd.on_sent = lambda phone, at: watch.sent_at.__setitem__(
            (phone.number, lat_e5(phone.sent)), at
        )
    crowd.run(warm_up_seconds(chosen), chosen.rate)
    watch.begin()
    busy, syncs = BusyTime(gateway, valkey), Syncs(here)
    load = crowd.run(chosen.seconds, chosen.rate)
    in_gateway, in_valkey = busy.seconds()
    synced = syncs.end()
    crowd.close()
    acked = {f"d{i}": [speech.key(n) for n in range(count)] for i, count in enumerate(load.acked)}
    lost, duplicated = lab.missing(acked)
    fixes = max(1, len(load.times))
    found = {
        "phones": chosen.phones, "protocol": chosen.protocol, "rate": chosen.rate,
        "fsync_delay_ms": chosen.fsync_delay_ms,
        "acked_per_s": load.per_s, "ack_p50_ms": share(load.times, 0.5),
        "ack_p99_ms": share(load.times, 0.99), "ack_p99_mid_ms": middle_p99(load.times),
        "lost": lost, "duplicated": duplicated,
        "core": round((in_gateway + in_valkey) / load.seconds, 3),
        "gateway_us_per_fix": round(in_gateway / fixes * 1e6, 1),
        "valkey_us_per_fix": round(in_valkey / fixes * 1e6, 1),
        "load_late_p99_ms": share(load.behind, 0.99), "load_goes_first": is_hurried,
        "gateway_goes_first": turns.goes_first(gateway.pid),
        "store_goes_first": turns.goes_first(valkey.pid), **synced, **seen(watch),
    }  # fmt: skip
    gateway.kill()
    gateway.wait()
    return {**found, **syncs.bare(), **measure_peers(here, company, chosen, load)}


def middle_p99(times: Sequence[float], at_once: int = 500) -> float:
    """The median of the p99s of each 500 answers in turn: a machine that stops once spoils few."""
    parts = [share(times[i : i + at_once], 0.99) for i in range(0, len(times), at_once)]
    return sorted(parts)[len(parts) // 2] if parts else 0


def warm_up_seconds(chosen: argparse.Namespace) -> float:
    """Until every phone has sent: a desk's first word of a rep is longer than all that follow."""
    return max(WARM_UP_SECONDS, 1.05 * chosen.phones / chosen.rate if chosen.rate else 0.0)


def seen(watch: Watch) -> dict[str, Any]:
    """What the desks saw."""
    if not watch.desks:
        return {}
    watch.understand()
    figures = {
        "dispatchers": len(watch.desks), "socket_p50_ms": share(watch.times, 0.5),
        "socket_p95_ms": share(watch.times, 0.95), "socket_p99_ms": share(watch.times, 0.99),
        "updates": len(watch.times),
        "bytes_per_update": watch.bytes_per_update, "frames_missed": watch.gaps,
    }  # fmt: skip
    watch.close()
    return figures


def measure_peers(
    here: Lab, company: Company, chosen: argparse.Namespace, load: Load
) -> dict[str, Any]:
    """The same load on a bare echo, and GEOADD on the same Valkey."""
    port = lab.free_port()
    process = here.start_python(peers.ECHO.replace("{port}", str(port)))
    lab.wait_for_port(port)
    crowd = Crowd(port, [""] * len(company.tokens), Echoed(chosen.phones))
    busy = BusyTime(process)
    echo = crowd.run(min(chosen.seconds, PEER_SECONDS), chosen.rate)
    (used,) = busy.seconds()
    crowd.close()
    process.kill()
    geoadd = peers.geoadd_per_s(here.home / "valkey.sock", min(chosen.seconds, 1.0))
    return {
        "echo_per_s": echo.per_s, "echo_p99_ms": share(echo.times, 0.99),
        "echo_us_each": round(used / len(echo.times) * 1e6, 1), "geoadd_per_s": geoadd,
        "ratio_to_echo": round(load.per_s / echo.per_s, 3),
        "ratio_to_geoadd": round(load.per_s / geoadd, 3),
        "machine_load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


if __name__ == "__main__":
    main()
