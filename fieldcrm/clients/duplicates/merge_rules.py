"""What a merge does to the winner's card, and what undoing it gives back; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fieldcrm.clients import standing
from fieldcrm.clients.duplicates.model import NotMergeable
from fieldcrm.clients.model import PERSON_KINDS, BadClientField
from fieldcrm.clients.ownfields.rules import IN_PARTS
from fieldcrm.clients.rules import LIMITS, TAGS_MAX
from fieldcrm.clients.standing import FACETS

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

    Tags, notes and own fields of both stay, the winner's where both have one; of consents the later
    word stays, and evidence goes with the value that it speaks for. Raises BadClientField for what can't be taken.
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
    made["consents"] = standing.both_consents(winner, loser)
    if loser.lat is not None and ("position" in take or winner.lat is None):
        made |= {name: getattr(loser, name) for name in PLACE}
    changed = {name: value for name, value in made.items() if getattr(winner, name) != value}
    evidence = standing.of_merged(winner, loser, made)
    is_taken = any(facet in changed for facet in standing.FACETS)
    return changed | ({"evidence": evidence} if is_taken or evidence != winner.evidence else {})


def standing_after(winner: Any, loser: Any, take: tuple[str, ...]) -> dict[str, Any]:
    """Evidence and consents that a merge would leave, by the columns of `standing.CELLS`."""
    made = changes(winner, loser, take)
    left = {name: made.get(name, getattr(winner, name)) for name in ("evidence", "consents")}
    return {column: left[field].get(part) for column, (field, part) in standing.CELLS.items()}


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
    for name in IN_PARTS:
        if name in fields and name not in found:
            found[name] = _parts_given_back(getattr(winner, name), *fields[name])
    return _kept_with_evidence(winner, fields, found)


def _kept_with_evidence(
    winner: Any, fields: Mapping[str, Any], found: dict[str, Any]
) -> dict[str, Any]:
    """Where somebody has since told what speaks for a value, the value stays with it; where somebody has
    changed the value, what he told of it does."""
    if "evidence" not in fields:
        return found
    after, evidence = fields["evidence"][1], dict(found["evidence"])
    for facet in FACETS:
        is_told = winner.evidence.get(facet) != after.get(facet)
        is_changed = facet in fields and facet not in found
        if is_told:
            found.pop(facet, None)
        if (is_told or is_changed) and facet in winner.evidence:
            evidence[facet] = winner.evidence[facet]
        elif is_told or is_changed:
            evidence.pop(facet, None)
    return found | {"evidence": evidence}


def _parts_given_back(
    now: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> dict[str, Any]:
    """Each value for itself: one that was changed since stays, the others go back."""
    untouched = {n for n in {*before, *after} if now.get(n) == after.get(n)}
    kept = {n: value for n, value in now.items() if n not in untouched}
    return kept | {n: before[n] for n in untouched if n in before}
