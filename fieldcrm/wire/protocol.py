"""Which protocol this server speaks, and the hash by which a phone sees that its types are old."""

from __future__ import annotations

import hashlib
import json
from functools import cache

import msgspec

from fieldcrm.wire import sync

PROTOCOL_VERSION = 1
"""Rises when messages change so that the other side must know."""
OLDEST = 1
"""The oldest protocol a phone may speak; one version back is served, an older app must update."""
HEADER = "X-Fieldcrm-Protocol"
"""Which protocol the phone app speaks; without it, this one."""


@cache
def schema_hash() -> str:
    """First 16 hex digits of the SHA-256 of every message's JSON schema."""
    shapes = dict.fromkeys(sync.MESSAGES)
    _, parts = msgspec.json.schema_components(shapes)
    described = json.dumps([PROTOCOL_VERSION, sorted(sync.PAYLOADS), parts], sort_keys=True)
    return hashlib.sha256(described.encode()).hexdigest()[:16]


SCHEMA = schema_hash()
