"""Problems and plans as files (docs/problem-format.md), for judging from outside."""

from __future__ import annotations

from pathlib import Path

import msgspec

from fieldcrm.planning import cycle_files
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.cycle_check import check_cycle
from fieldcrm.planning.model import Plan, Problem, UnreadablePlan


def violations_between(problem: Path, plan: Path) -> list[str]:
    """Each rule that the plan of a day or a cycle breaks, one line a piece; raises UnreadablePlan."""
    if cycle_files.is_cycle(problem):
        found = check_cycle(cycle_files.read_cycle(problem), cycle_files.read_cycle_plan(plan))
    else:
        found = check_plan(_read(problem, Problem), _read(plan, Plan))
    return [f"{v.kind} {v.subject} {v.detail}".rstrip() for v in found]


def _read[Read](path: Path, kind: type[Read]) -> Read:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as broken:
        raise UnreadablePlan(detail=f"{path}: {broken}") from broken
