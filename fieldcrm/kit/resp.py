"""Commands for Redis or Valkey as bytes, for the one path where a client library costs too much."""

from __future__ import annotations

from collections.abc import Iterable


class Commands:
    """Commands to send at once, and how many lines their replies take.

    Only commands whose replies have a known number of lines belong here: integers, states and
    errors take one, a bulk text without line breaks two.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.lines = 0
        self._queued: int | None = None
        """Within MULTI: how many lines EXEC will answer with."""

    def add(self, *words: bytes, lines: int = 1) -> None:
        """A command that answers with so many lines."""
        self.add_head(len(words), lines)
        self._parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]

    def add_head(self, words: int, lines: int = 1) -> None:
        """Begin a command of so many words, which `add_words` brings."""
        self._parts.append(b"*%d\r\n" % words)
        if self._queued is None:
            self.lines += lines
        else:
            self.lines += 1  # QUEUED
            self._queued += lines

    def add_words(self, words: Iterable[bytes]) -> None:
        """Words of the command begun last."""
        self._parts += [b"$%d\r\n%b\r\n" % (len(word), word) for word in words]

    def add_pairs(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Two words of it at a time."""
        self._parts += [b"$%d\r\n%b\r\n$%d\r\n%b\r\n" % (len(a), a, len(b), b) for a, b in pairs]

    def begin(self) -> None:
        """MULTI."""
        self.add(b"MULTI")
        self._queued = 0

    def end(self) -> None:
        """EXEC."""
        queued, self._queued = self._queued or 0, None
        self.add(b"EXEC", lines=1 + queued)

    def __bytes__(self) -> bytes:
        return b"".join(self._parts)
