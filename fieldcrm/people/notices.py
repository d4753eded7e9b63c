"""What gateways hear of people at once."""

from __future__ import annotations

from typing import Any

from fieldcrm.kit import bus

DEVICES_CHANNEL = "devices"
"""Here gateways hear {"t": "revoked", "device_id"} and {"t": "signed_out" | "changed", "user_id"}."""


def tell_gateways(notices: list[dict[str, Any]]) -> None:
    """Gateways also ask the database when a device connects, so a lost notice is only late."""
    try:
        bus.publish_all((DEVICES_CHANNEL, n) for n in notices)
    except Exception:
        return
