"""Pages of copies, read in processes beside this one too when many phones want one at once.

A first copy is the processor's work, and one process has one core of it. So a web process, before it
begins, makes a helper for every core but its own: itself once more, which costs no memory to speak of
while it waits. What a helper can't answer is read here.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import sys
from contextlib import AbstractContextManager, nullcontext
from queue import Empty, SimpleQueue
from threading import Lock

import msgspec

from fieldcrm.kit.beside import Gone, Helper, cores
from fieldcrm.kit.settings import settings
from fieldcrm.people.model import Actor
from fieldcrm.sync import service

PACKED_FROM = 2000
"""Bytes; less is sent as it is."""
HERE = 2
"""Pages under way in this process: one is read while another is being gzipped."""
HELPERS_MOST = 3
NO_ANSWER = b""
_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode
_reading = Lock()
"""Where the rows are read within this process, two copies at once would wait for each other at every
step of Python's."""


class Wanted(msgspec.Struct, array_like=True):
    """A page that a phone asks for."""

    actor: Actor
    cursor: str
    limit: int
    may_pack: bool
    """Whether it takes gzip."""


class Page(msgspec.Struct, array_like=True):
    """As it goes over the network."""

    content: bytes
    is_packed: bool


def page(wanted: Wanted) -> Page:
    """Made by a helper, if one is free, or here. Raises what `service.pull` does."""
    with contextlib.suppress(Gone, Empty):
        return crowd.page(wanted)
    with _turn_to_read():
        content = _read(wanted)
    return _packed(content, wanted.may_pack)


def _turn_to_read() -> AbstractContextManager[object]:
    return _reading if settings().database.startswith("sqlite") else nullcontext()


def _read(wanted: Wanted) -> bytes:
    return _encode(service.pull(wanted.actor, wanted.cursor, wanted.limit))


def _packed(content: bytes, may_pack: bool) -> Page:
    """Gzipped for who takes that: cards and visits shrink to a tenth, and networks are poor."""
    if may_pack and len(content) >= PACKED_FROM:
        return Page(gzip.compress(content, 1, mtime=0), True)
    return Page(content, False)


class Crowd:
    """The helpers of this process; none, unless it was told to have some."""

    def __init__(self) -> None:
        self._free: SimpleQueue[Helper] = SimpleQueue()
        self.pids: list[int] = []

    def gather(self) -> None:
        """Have a helper for every other core; only before this process has threads."""
        if sys.platform != "linux":
            return
        for _ in range(min(HELPERS_MOST, cores() - 1)):
            helper = Helper.forked(_reply)
            self._free.put(helper)
            self.pids.append(helper.pid)

    def page(self, wanted: Wanted) -> Page:
        """By a helper; raises Empty when none is free, Gone when it can't."""
        helper = self._free.get_nowait()
        try:
            told = helper.ask(_ask(wanted))
        except Gone:
            _log.warning("a helper that reads pages is gone; the web process reads them alone")
            helper.close()
            raise
        self._free.put(helper)
        if told == NO_ANSWER:
            raise Gone
        return _heard(told)


crowd = Crowd()
_ask = msgspec.msgpack.Encoder().encode
_asked = msgspec.msgpack.Decoder(Wanted).decode
_heard = msgspec.msgpack.Decoder(Page).decode


# ---- inside a helper ----


def _reply(question: bytes) -> bytes:
    wanted = _asked(question)
    try:
        return _ask(_packed(_read(wanted), wanted.may_pack))
    except Exception:  # read again by who asked, where an error can be told
        return NO_ANSWER
