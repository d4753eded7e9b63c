"""Reads a push so that nothing a phone may send blocks the queue behind it. Pure.

A mutation that breaks the format becomes one that will be refused, as long as its id and number can
be read; text is freed of what no database takes (NUL, halves of a character cut in two).
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from fieldcrm.sync.model import BadPush
from fieldcrm.wire import sync as wire

MALFORMED = "malformed"
"""Kind of a mutation that broke the format; its payload says how."""
PAYLOAD_MAX = 64 << 10
DEPTH_MAX = 12
_UNFIT = re.compile("[\ud800-\udfff]")


class _Outer(msgspec.Struct):
    """A push whose mutations are still to be read one by one."""

    device_id: wire.Id
    mutations: list[Any]
    schema: str = ""
    device_now_ms: wire.EpochMs | None = None


class _Name(msgspec.Struct):
    """What a mutation must at least have to be answered."""

    id: wire.Id
    seq: wire.Seq


def read_push(body: bytes) -> wire.Push:
    """The push; raises BadPush where not even the mutations' ids and numbers can be read."""
    try:
        outer = msgspec.convert(_parsed(body), _Outer)
        if len(outer.mutations) > wire.PUSH_MAX:
            raise BadPush(why=f"at most {wire.PUSH_MAX} mutations")
        mutations = [_mutation(raw) for raw in outer.mutations]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadPush(why=str(error)[:300]) from error
    return wire.Push(clean(outer.device_id), mutations, clean(outer.schema)[:200],
                     outer.device_now_ms)  # fmt: skip


def _parsed(body: bytes) -> Any:
    """JSON; Python's own reader also takes the half of a character."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return json.loads(body.decode("utf-8", "replace"))


def _mutation(raw: Any) -> wire.Mutation:
    try:
        mutation = msgspec.convert(clean(raw), wire.Mutation)
        if len(msgspec.json.encode(mutation.payload)) > PAYLOAD_MAX:
            return _malformed(raw, "payload too large")
    except (msgspec.ValidationError, RecursionError, ValueError) as error:
        return _malformed(raw, str(error)[:300])
    return mutation


def _malformed(raw: Any, why: str) -> wire.Mutation:
    name = msgspec.convert(raw, _Name)
    return wire.Mutation(
        id=clean(name.id), seq=name.seq, kind=MALFORMED, subject_id="", device_at_ms=0,
        payload={"why": clean(why)},
    )  # fmt: skip


def clean(value: Any, depth: int = 0) -> Any:
    """The same without NUL and half characters in any text; raises ValueError when too deep."""
    if isinstance(value, str):
        return _UNFIT.sub("\ufffd", value.replace("\0", ""))
    if depth > DEPTH_MAX:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        return {clean(k): clean(v, depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [clean(v, depth + 1) for v in value]
    return value
