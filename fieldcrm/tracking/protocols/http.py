"""A phone's request and our reply, free of any server; and where tokens hide in requests."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from urllib.parse import parse_qsl

import msgspec

from fieldcrm.tracking.model import Unreadable

JSON = "application/json"
_MOST_PAIRS = 200
_MOST_FORM_BYTES = 65_536
MOST_PARTS = 20_000
"""Of one body: four megabytes hold no more fixes than that, but a million of nothing."""
_LONG = 65_536
_MOST_CONTAINERS, _MOST_VALUES = 6 * MOST_PARTS, 20 * MOST_PARTS
"""Of a long body: a fix has at most six lists and objects, and a value takes ten bytes with its name."""


class Post(msgspec.Struct):
    """One request: header names in lower case, the query decoded, the body whole."""

    method: str = "POST"
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""

    @property
    def is_json(self) -> bool:
        kind = self.headers.get("content-type", "").lower()
        return "json" in kind or self.body.lstrip()[:1] in (b"{", b"[")


class Reply(msgspec.Struct):
    """What to answer."""

    status: int
    body: bytes = b""
    content_type: str = JSON


def pairs(text: str | bytes) -> dict[str, str]:
    """A query or form as a dict, the first of repeated keys; raises Unreadable."""
    if len(text) > _MOST_FORM_BYTES:
        raise Unreadable("a form that long")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        found = parse_qsl(decoded, keep_blank_values=True, max_num_fields=_MOST_PAIRS)
    except (UnicodeDecodeError, ValueError) as error:
        raise Unreadable(str(error)) from error
    return dict(reversed(found))


def form(post: Post) -> dict[str, str]:
    """Query and form fields together; the form wins."""
    return post.query if not post.body or post.is_json else {**post.query, **pairs(post.body)}


def json_body(post: Post) -> object:
    """The body as JSON; raises Unreadable."""
    body = post.body
    if len(body) > _LONG and (
        body.count(b",") > _MOST_VALUES or body.count(b"[") + body.count(b"{") > _MOST_CONTAINERS
    ):
        raise Unreadable("more values than fixes have")  # to read them would keep everybody waiting
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from error


def parts(found: list[object]) -> list[object]:
    """The parts of a body, as they are; raises Unreadable for more than any phone sends."""
    if len(found) > MOST_PARTS:
        raise Unreadable("too many parts")
    return found


def authorised(post: Post) -> str | None:
    """The token of an Authorization header: a Bearer's, or the password of Basic."""
    scheme, _, value = post.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        return _basic_password(value.strip())
    return None


@lru_cache(maxsize=20_000)
def _basic_password(encoded: str) -> str | None:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None
