"""Lists that are read page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol


class Paged[T](Protocol):
    """Some rows; `cursor` asks for the next ones, None at the end."""

    @property
    def rows(self) -> Sequence[T]: ...

    @property
    def cursor(self) -> str | None: ...


def every[T](read: Callable[[str | None], Paged[T]]) -> Iterator[T]:
    """All rows of a list; `read` gives the page behind a cursor, None for the first."""
    found = read(None)
    yield from found.rows
    while found.cursor is not None:
        found = read(found.cursor)
        yield from found.rows
