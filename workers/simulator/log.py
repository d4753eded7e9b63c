"""The simulator's own log, JSON lines: what truly happened and what the server acknowledged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, Any


class TruthLog:
    """Appends one line an entry; without a path it forgets."""

    def __init__(self, path: Path | None = None) -> None:
        self._file: IO[str] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a", encoding="utf-8", buffering=1)

    def note(self, what: str, rep: str, **fields: Any) -> None:
        """Write one entry: `t` says of what, `rep` whose."""
        if self._file is not None:
            line = json.dumps({"t": what, "rep": rep, **fields}, separators=(",", ":"))
            self._file.write(line + "\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def read(path: Path) -> list[dict[str, Any]]:
    """All entries of a log."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]
