"""What a phone hears of a mutation: applied, refused, or the first answer again."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from fieldcrm.kit.errors import Refusal
from fieldcrm.people.tables import Device
from fieldcrm.sync import rules
from fieldcrm.sync.model import MutationReused
from fieldcrm.sync.tables import Mutation
from fieldcrm.wire import sync as wire


def kept(result: wire.MutationResult) -> dict[str, Any]:
    """An answer as its row keeps it, for the repeats."""
    told = msgspec.to_builtins(result)
    return {name: told.get(name) for name in ("code", "params", "version", "conflicts")}


def digest(m: wire.Mutation) -> str:
    """Of what it does: the same id with another digest is another mutation."""
    return rules.digest(m.kind, m.subject_id, m.seq, m.payload)


def repeated(known: Mutation, m: wire.Mutation, device: Device) -> wire.MutationResult:
    """The first answer again, if this is the same mutation from the same phone."""
    if known.device_id != device.id or known.digest != digest(m):
        return refused(m, MutationReused())
    return wire.MutationResult(
        id=m.id, seq=known.seq, status="applied" if known.status == "applied" else "refused",
        code=known.result.get("code"), params=known.result.get("params") or {},
        version=known.result.get("version"),
        conflicts=msgspec.convert(
            known.result.get("conflicts") or [], list[wire.FieldConflict]
        ),
    )  # fmt: skip


def refused(
    m: wire.Mutation, refusal: Refusal, more: dict[str, Any] | None = None
) -> wire.MutationResult:
    """Refused by name; `more` is what the phone needs to show why."""
    params = json.loads(json.dumps({**refusal.params, **(more or {})}, default=str))
    return wire.MutationResult(
        id=m.id, seq=m.seq, status="refused", code=refusal.code, params=params
    )
