"""What schedules came to, summed and kept: a long run can be stopped and taken up again."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

LEAST = {"mutations": 60, "attachments": 8, "faults": 10}
"""Of each schedule, or it says too little."""
WRONG = ("lost", "duplicated", "diverged")


@dataclass
class Tally:
    """What schedules came to."""

    counts: Counter[str] = field(default_factory=Counter[str])
    faults: Counter[str] = field(default_factory=Counter[str])
    kinds: Counter[str] = field(default_factory=Counter[str])
    refused: Counter[str] = field(default_factory=Counter[str])
    struck: Counter[str] = field(default_factory=Counter[str])
    """Schedules that were at work while a part of the servers ended."""
    processor_ms: Counter[str] = field(default_factory=Counter[str])
    """Of each part of the bench."""
    ms: int = 0
    """By the wall."""
    done: list[int] = field(default_factory=list[int])
    """Numbers of the schedules that are counted here."""
    failed: list[int] = field(default_factory=list[int])
    thin: list[int] = field(default_factory=list[int])
    unfinished: list[int] = field(default_factory=list[int])
    """Begun, but stopped before their end: not judged and not counted."""

    def add(self, other: Tally) -> None:
        """Sum both."""
        for each in fields(self):
            mine = getattr(self, each.name)
            setattr(self, each.name, mine + getattr(other, each.name))

    def wrong(self) -> str:
        """What is told of them on the way."""
        return ", ".join(f"{name} {self.counts[name]}" for name in WRONG)

    def told(self, seed: int, first: int) -> dict[str, Any]:
        """The one JSON object."""
        n, by_kind = self.counts, dict(sorted(self.faults.items()))
        return {
            "schedules": n["schedules"], "phones": n["phones"], "mutations": n["mutations"],
            "attachments": n["attachments"], "faults": self.faults.total(),
            **{name: n[name] for name in WRONG}, "by_kind": by_kind,
            "cuts_in_a_write": n["cuts_in_a_write"], "cuts_in_a_renaming": n["cuts_in_a_renaming"],
            "cut_bytes": n["cut_bytes"], "renames_undone": n["undone"],
            "schedules_struck": dict(sorted(self.struck.items())),
            "mutations_by_kind": dict(sorted(self.kinds.items())), "refused": dict(self.refused),
            "failed": self.failed, "thin": self.thin, "unfinished": self.unfinished,
            "requests": n["requests"], "seed": seed, "first": first,
            "processor_s": {part: round(ms / 1000, 1) for part, ms in self.processor_ms.items()},
            "seconds": round(self.ms / 1000, 1),
        }  # fmt: skip


class Keeping:
    """A file with a line of JSON for each piece of a run that was judged, or no file at all."""

    def __init__(self, file: Path | None, run: Mapping[str, Any]) -> None:
        """`run` names the run, such as its seed: pieces of others in the file aren't its own."""
        self.file, self.run = file, dict(run)

    def pieces(self) -> list[Tally]:
        """What was judged before; a line that was cut off in the middle counts for nothing."""
        if self.file is None or not self.file.exists():
            return []
        lines = self.file.read_text().split("\n")[:-1]
        told = [json.loads(line) for line in lines if line]
        return [_tally(each["tally"]) for each in told if each["run"] == self.run]

    def keep(self, piece: Tally) -> None:
        """Add a piece; what it left unfinished is still to do."""
        if self.file is None or not piece.done:
            return
        told = {"run": self.run, "tally": vars(piece) | {"unfinished": []}}
        with self.file.open("a") as kept:
            kept.write(json.dumps(told) + "\n")


def _tally(told: dict[str, Any]) -> Tally:
    made = Tally()
    for each in fields(made):
        value = told[each.name]
        setattr(made, each.name, Counter(value) if isinstance(value, dict) else value)
    return made
