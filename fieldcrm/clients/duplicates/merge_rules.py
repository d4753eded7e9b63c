"""What a merge does to the winner's card, and what undoing it gives back; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldcrm.clients.duplicates.model import NotMergeable
from fieldcrm.clients.model import PERSON_KINDS, BadClientField
from fieldcrm.clients.rules import LIMITS, TAGS_MAX

TAKEABLE = (
    "name", "specialty", "category", "loyalty", "phone", "email", "website", "address", "city",
    "postcode", "position", "opening_hours", "visit_minutes", "external_id", "note", "tags",
)  # fmt: skip
"""What may be taken from the loser's card."""
PLACE = ("lat", "lng")


def check_mergeable(winner: Any, loser: Any, is_winner_merged: bool, is_loser_merged: bool) -> None:
    """Raise NotMergeable for what can't be one client."""
    same_sort = (winner.kind in PERSON_KINDS) == (loser.kind in PERSON_KINDS)
    is_free = not is_winner_merged and not is_loser_merged and winner.archived_at is None
    if winner.id == loser.id or not same_sort or not is_free:
        raise NotMergeable()


def changes(winner: Any, loser: Any, take: tuple[str, ...]) -> dict[str, Any]:
    """What the winner's card gets of the loser's: what was chosen, and what it hasn't itself.

    Tags, notes and own fields of both stay, the winner's where both have one. Raises BadClientField for what can't be taken.
    """
    for name in take:
        if name not in TAKEABLE:
            raise BadClientField(field=name)
    made = {
        "tags": _both_tags(winner, loser), "note": _both_notes(winner, loser),
        "own_fields": {**loser.own_fields, **winner.own_fields},
    }  # fmt: skip
    for name in TAKEABLE:
        if name not in made and name != "position":
            mine, theirs = getattr(winner, name), getattr(loser, name)
            made[name] = theirs if theirs and (name in take or not mine) else mine
    if loser.lat is not None and ("position" in take or winner.lat is None):
        made |= {name: getattr(loser, name) for name in PLACE}
    return {name: value for name, value in made.items() if getattr(winner, name) != value}


def _both_tags(winner: Any, loser: Any) -> list[str]:
    return list(dict.fromkeys([*winner.tags, *loser.tags]))[:TAGS_MAX]


def _both_notes(winner: Any, loser: Any) -> str | None:
    """Both texts, one under the other; what does not fit stays on the loser's card alone."""
    if not loser.note or loser.note == winner.note:
        return winner.note
    both = f"{winner.note}\n---\n{loser.note}" if winner.note else loser.note
    return both if len(both) <= LIMITS["note"] else winner.note


def given_back(winner: Any, fields: Mapping[str, Any]) -> dict[str, Any]:
    """What undoing a merge restores on the winner's card: what nobody has changed since."""
    found = {n: before for n, (before, after) in fields.items() if getattr(winner, n) == after}
    if "own_fields" in fields and "own_fields" not in found:
        found["own_fields"] = _own_given_back(winner.own_fields, *fields["own_fields"])
    return found


def _own_given_back(
    now: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Each own field for itself: one that was changed since stays, the others go back."""
    untouched = {n for n in {*before, *after} if now.get(n) == after.get(n)}
    kept = {n: value for n, value in now.items() if n not in untouched}
    return kept | {n: before[n] for n in untouched if n in before}
