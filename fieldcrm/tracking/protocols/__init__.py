"""What phones speak over HTTP: one module a protocol, each with the same five functions.

`token(post)` finds the device's token, `decode(post)` makes fixes of a body, `accepted(post,
outcome)`, `unknown(post)` and `unreadable(post)` say what the phone must hear. All pure; how to add one:
docs/protocol.md.
"""

from __future__ import annotations

from typing import Protocol

from fieldcrm.tracking.model import Decoded, Outcome
from fieldcrm.tracking.protocols import gpslogger, osmand, overland, owntracks
from fieldcrm.tracking.protocols.http import Post, Reply


class PhoneProtocol(Protocol):
    """The shape of a protocol's module."""

    @staticmethod
    def token(post: Post) -> str | None:
        """The device's token, wherever this protocol carries it."""
        ...

    @staticmethod
    def decode(post: Post) -> Decoded:
        """The fixes of a body; raises Unreadable when none of it can be read."""
        ...

    @staticmethod
    def accepted(post: Post, outcome: Outcome) -> Reply:
        """What a known phone hears once everything is on disk."""
        ...

    @staticmethod
    def unknown(post: Post) -> Reply:
        """What a phone hears whose token nobody knows."""
        ...

    @staticmethod
    def unreadable(post: Post) -> Reply:
        """What a known phone hears when its message can't be read at all."""
        ...


PROTOCOLS: dict[str, PhoneProtocol] = {
    "osmand": osmand, "owntracks": owntracks, "overland": overland, "gpslogger": gpslogger,
}  # fmt: skip
