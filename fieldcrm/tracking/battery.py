"""How fast a phone's battery falls while it tracks. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from fieldcrm.tracking.model import Fix

HOUR_MS = 3_600_000
LEAST_MS = HOUR_MS // 2
"""Less than half an hour away from a charger tells nothing."""
GAP_MS = HOUR_MS
"""Over a longer silence nobody knows whether it was charged."""
LEAP_PCT = 10.0
"""No battery falls so much from fix to fix: another phone of the same rep spoke."""
LEAPS_MOST = 3


def drain_pct_per_h(fixes: Sequence[Fix]) -> float | None:
    """Percent of the battery an hour, of what one phone told away from a charger; None if unknown.

    `fixes` in order of time.
    """
    told = [f for f in fixes if f.battery_pct is not None]
    lost, lasted, leaps = 0.0, 0, 0
    for a, b in pairwise(told):
        fell, took = (a.battery_pct or 0.0) - (b.battery_pct or 0.0), b.fix_at_ms - a.fix_at_ms
        if a.is_charging or b.is_charging or not 0 < took <= GAP_MS:
            continue
        if abs(fell) > LEAP_PCT:
            leaps += 1
        elif fell >= 0:
            lost, lasted = lost + fell, lasted + took
    if lasted < LEAST_MS or leaps > LEAPS_MOST:
        return None
    return round(lost / lasted * HOUR_MS, 1)
