"""Counters and gauges as Prometheus reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workers.gateway.server import Gateway


def metrics_text(counts: dict[str, int], gateway: Gateway) -> str:
    """Counters and gauges in Prometheus' text format."""
    lines = ["# HELP fieldcrm_fixes_total Fixes and refusals by what became of them, all gateways.",
             "# TYPE fieldcrm_fixes_total counter"]  # fmt: skip
    lines += [f'fieldcrm_fixes_total{{reason="{r}"}} {n}' for r, n in sorted(counts.items())]
    gauges = {
        "phones": sum(map(len, gateway.phones.values())), "desks": len(gateway.hub.desks),
        "connections": len(gateway.connections), "storing": int(gateway.committer.is_storing),
    }  # fmt: skip
    for name, value in gauges.items():
        lines += [f"# TYPE fieldcrm_gateway_{name} gauge", f"fieldcrm_gateway_{name} {value}"]
    return "\n".join(lines) + "\n"
