"""A simulated phone's own storage: what a restart of the phone must not lose."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fieldcrm.kit import ids


@dataclass
class Memory:
    """What one phone remembers: who it is, its number of mutations, what it has not sent."""

    rep_id: str = ""
    device_id: str = field(default_factory=ids.new_id)
    seq: int = 0
    """Of the last mutation made."""
    fix_seq: int = 0
    tracker_id: str = ""
    tracker_token: str = ""
    outbox: list[dict[str, Any]] = field(default_factory=list)
    fixes: list[dict[str, Any]] = field(default_factory=list)


class Keep:
    """The file that holds a phone's memory."""

    def __init__(self, folder: Path, login: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{login}.json"

    def load(self, rep_id: str) -> Memory:
        """What was kept for this rep; a phone of an earlier company starts afresh."""
        try:
            memory = Memory(**json.loads(self._path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Memory(rep_id=rep_id)
        return memory if memory.rep_id == rep_id else Memory(rep_id=rep_id)

    def save(self, memory: Memory) -> None:
        """Replace what was kept, whole or not at all."""
        part = self._path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(memory), file, separators=(",", ":"))
        part.replace(self._path)
