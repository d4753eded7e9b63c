"""Whose rows a file holds, and who may still have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldcrm.people.model import Actor

SCOPE = "scope"
"""Beside what narrows the list: no source has a filter of this name."""


def scope_of(actor: Actor) -> dict[str, Any]:
    """What the actor may see now, as a file that is made for him keeps it."""
    return {"role": actor.role.value, "teams": sorted(actor.team_ids)}


def wishes(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What narrows and orders the list, alone."""
    return {k: v for k, v in asked.items() if k != SCOPE}


def may_have(actor: Actor, asked: Mapping[str, Any]) -> bool:
    """Whether the actor may see now what the file's maker could see when it was made.

    A file that doesn't say what that was is nobody's: its maker asks for it anew.
    """
    made = asked.get(SCOPE)
    if not made or made["role"] != actor.role:
        return False
    return actor.is_admin or actor.team_ids.issuperset(made["teams"])
