"""Problems and plans of a day as JSON files (docs/problem-format.md), for judging from outside."""

from __future__ import annotations

from pathlib import Path

import msgspec

from fieldcrm.kit.errors import Invalid
from fieldcrm.planning.check import check_plan
from fieldcrm.planning.model import Plan, Problem


class UnreadablePlan(Invalid):
    """A file holds no problem or plan as documented; the detail says where it goes wrong."""

    code = "unreadable_plan"


def violations_between(problem: Path, plan: Path) -> list[str]:
    """Each rule that the plan breaks, one line a piece; raises UnreadablePlan."""
    found = check_plan(_read(problem, Problem), _read(plan, Plan))
    return [f"{v.kind} {v.subject} {v.detail}".rstrip() for v in found]


def _read[Read](path: Path, kind: type[Read]) -> Read:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, msgspec.DecodeError) as broken:
        raise UnreadablePlan(detail=f"{path}: {broken}") from broken
