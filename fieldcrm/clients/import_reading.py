"""Rows of a large table understood by several processes side by side, in the file's order.

What a row means needs no database, so every processor core takes pieces of it; the process that
serves people meanwhile is held up by none of it. Small tables, and machines of one core, are read
here and now.
"""

from __future__ import annotations

import contextlib
import heapq
import pickle
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from queue import SimpleQueue

import msgspec

from fieldcrm.clients import import_rows
from fieldcrm.clients.import_rows import Around, Row
from fieldcrm.clients.model import ImportRules, Table
from fieldcrm.kit.beside import Gone, Helper, answer, cores
from fieldcrm.kit.children import fall_with_parent

PIECE = 500
"""Rows that a process takes at a time."""
FEW = 5_000
"""Rows that are understood sooner here than a process is started."""
MOST = 4
"""Processes; an import leaves room for others on a large machine."""
type Cells = tuple[tuple[int, list[str]], ...]
"""Numbered rows of a table."""
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(list[Row]).decode


@dataclass(frozen=True)
class Task:
    """All that is needed to understand rows of one table."""

    columns: list[tuple[int, str, str]]
    rules: ImportRules
    around: Around

    def read(self, cells: Cells) -> list[Row]:
        return [
            import_rows.understand(number, texts, self.columns, self.rules, self.around)
            for number, texts in cells
        ]


def understood(table: Table, rules: ImportRules, around: Around) -> Iterator[Row]:
    """Every row of a table by the rules, in order, those that couldn't be read among them."""
    columns = sorted((table.columns.index(c), c, f) for c, f in rules.mapping.items())
    task = Task(columns, rules, around)
    unread = (Row(trouble.row, {}, troubles=[trouble]) for trouble in table.bad)
    yield from heapq.merge(unread, _read(task, table.rows), key=lambda row: row.number)


def _read(task: Task, rows: Sequence[tuple[int, list[str]]]) -> Iterator[Row]:
    """By as many processes as there are cores, or here."""
    n, pieces = min(MOST, cores()), batched(rows, PIECE)
    if n < 2 or len(rows) < FEW:
        for piece in pieces:
            yield from task.read(piece)
        return
    with contextlib.ExitStack() as started:
        readers = [started.enter_context(_Reader(task)) for _ in range(n)]
        yield from _in_turn(readers, pieces)


def _in_turn(readers: Sequence[_Reader], pieces: Iterable[Cells]) -> Iterator[Row]:
    """Rows of pieces in their order, a few pieces being under way."""
    free: SimpleQueue[_Reader] = SimpleQueue()
    for reader in readers:
        free.put(reader)

    def read(piece: Cells) -> list[Row]:
        reader = free.get()
        try:
            return reader.read(piece)
        finally:
            free.put(reader)

    under_way: deque[Future[list[Row]]] = deque()
    with ThreadPoolExecutor(len(readers)) as threads:
        for piece in pieces:
            if len(under_way) > 2 * len(readers):
                yield from under_way.popleft().result()
            under_way.append(threads.submit(read, piece))
        while under_way:
            yield from under_way.popleft().result()


class _Reader:
    """A process that understands pieces of a table; ends with its block."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._helper = Helper.started("fieldcrm.clients.import_reading")
        self._told = pickle.dumps(task)
        """What it has yet to be told before it is asked."""

    def read(self, cells: Cells) -> list[Row]:
        """Rows of a piece; should the process have died, this one reads them."""
        try:
            if self._told:
                self._helper.ask(self._told)
                self._told = b""
            return _decode(self._helper.ask(_encode(cells)))
        except Gone:
            self._helper.close()  # what it may yet say answers nothing that is asked later
            return self.task.read(cells)

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._helper.close()


# ---- inside the process ----


def main() -> None:
    """Take a task from who started this, then answer pieces with their rows."""
    fall_with_parent()
    task: Task | None = None
    take = msgspec.msgpack.Decoder(Cells.__value__).decode

    def reply(told: bytes) -> bytes:
        nonlocal task
        if task is None:
            task = pickle.loads(told)  # by the process that started this one
            return b""
        return _encode(task.read(take(told)))

    answer(reply)


if __name__ == "__main__":
    main()
