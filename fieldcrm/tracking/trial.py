"""The self-test of a tracker: what was last heard of one device, also before its rep's first shift."""

from __future__ import annotations

from dataclasses import dataclass

from redis.exceptions import RedisError

from fieldcrm.kit import bus
from fieldcrm.kit.errors import Unavailable
from fieldcrm.people import registry
from fieldcrm.people.model import Actor, OutOfScope
from fieldcrm.tracking import live_index
from fieldcrm.tracking.model import Fix


@dataclass(frozen=True)
class Heard:
    """The newest fix of a device. Not where it is: before a shift that is nobody's business."""

    fix_at_ms: int
    server_at_ms: int
    accuracy_m: float | None
    battery_pct: float | None
    source: str


def heard(actor: Actor, device_id: str) -> Heard | None:
    """What came last from a device; None when nothing has. Raises OutOfScope, Unavailable.

    A fix that waits for its shift counts too: a tracker is tried before the first one.
    """
    device = next((d for d in registry.list_devices(actor) if d.id == device_id), None)
    if device is None:
        raise OutOfScope()
    try:
        fixes = _of_rep(device.user_id)
    except RedisError as error:
        raise Unavailable("live") from error
    newest = max((f for f in fixes if f.device_id == device_id), key=_received, default=None)
    if newest is None:
        return None
    return Heard(
        newest.fix_at_ms, newest.server_at_ms, newest.accuracy_m, newest.battery_pct, newest.source
    )


def _of_rep(rep_id: str) -> list[Fix]:
    waiting = [fix for _, fix in live_index.held_of(bus.connection(), rep_id)]
    point = live_index.points_of(bus.connection(), [rep_id]).get(rep_id)
    return [*waiting, point.fix] if point else waiting


def _received(fix: Fix) -> int:
    return fix.server_at_ms
