"""What speaks for a client's standing: the evidence for potential and loyalty, consent by channel. Pure.

A client's `evidence` is {category or loyalty: {source, on, text}}, its `consents` are
{channel: {state, on, source, text}}; days are ISO dates as text, empty where nobody knows.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from fieldcrm.clients.model import BadClientField, ConsentToCome

FACETS = ("category", "loyalty")
SOURCES = ("visit", "sales", "survey", "registry", "other")
"""Where evidence comes from: visits' results, sales figures, a questionnaire, a list of others."""
CHANNELS = ("visit", "call", "email", "message")
STATES = ("asked", "given", "withdrawn")
"""A channel that nobody asked about stands for nothing: it has no state."""
NONE = "none"
CONSENT_SOURCES = ("visit", "call", "form", "message", "other")
TEXT_MOST = 300
_WEIGHT = {"asked": 0, "given": 1, "withdrawn": 2}

# ---- what can be ----


def clean_evidence(told: Any) -> dict[str, Any]:
    """{facet: proof, or None that takes it away}; raises BadClientField."""
    return _clean("evidence", told, FACETS, _proof)


def clean_consents(told: Any) -> dict[str, Any]:
    """{channel: consent, or None that takes it away}; raises BadClientField."""
    return _clean("consents", told, CHANNELS, _consent)


def _clean(field: str, told: Any, names: Collection[str], one: Any) -> dict[str, Any]:
    if told is None:
        return dict.fromkeys(names)
    if not isinstance(told, Mapping) or not set(told) <= set(names):
        raise BadClientField(field=field)
    return {n: None if v is None else one(field, v) for n, v in told.items()}


def _proof(field: str, told: Any) -> dict[str, str] | None:
    if not isinstance(told, Mapping):
        raise BadClientField(field=field)
    source, text = told.get("source") or "", _text(field, told.get("text"))
    if source not in ("", *SOURCES):
        raise BadClientField(field=field)
    if not source and not text:
        return None
    return {"source": source or "other", "on": _day(field, told.get("on")), "text": text}


def _consent(field: str, told: Any) -> dict[str, str] | None:
    if not isinstance(told, Mapping):
        raise BadClientField(field=field)
    state, source = told.get("state") or NONE, told.get("source") or "other"
    if state not in (NONE, *STATES) or source not in CONSENT_SOURCES:
        raise BadClientField(field=field)
    on, text = _day(field, told.get("on")), _text(field, told.get("text"))
    if state == NONE:
        return None
    return {"state": state, "on": on, "source": source, "text": text}


def _text(field: str, told: Any) -> str:
    if told is None:
        return ""
    if not isinstance(told, str) or len(told) > TEXT_MOST:
        raise BadClientField(field=field, limit=TEXT_MOST)
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", told).split())


def _day(field: str, told: Any) -> str:
    if told in (None, ""):
        return ""
    try:
        day = date.fromisoformat(told)
    except (TypeError, ValueError):
        raise BadClientField(field=field) from None
    if not 1990 <= day.year < 2100:
        raise BadClientField(field=field)
    return day.isoformat()


def check_days(there: Mapping[str, Any], told: Mapping[str, Any], today: str) -> None:
    """Raise ConsentToCome for a consent after `today` (ISO); one that stands on the card already may stay."""
    for channel, new in told.items():
        if is_to_come(new, today) and new != there.get(channel):
            raise ConsentToCome(field="consents", channel=channel)


def is_to_come(consent: Mapping[str, str] | None, today: str) -> bool:
    """Whether a consent is of a day after `today`."""
    return consent is not None and consent["on"] > today


# ---- what becomes of it ----

NOTHING: Mapping[str, Any] = {"category": None, "loyalty": None, "evidence": {}, "consents": {}}
"""What stands of a client that isn't there yet."""


def settled(before: Mapping[str, Any], cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The checked fields with evidence and consents whole, told ones on top of those that stood.

    Evidence backs one value: where category or loyalty changes without new evidence, the old goes.
    """
    told = cleaned.get("evidence") or {}
    every = {facet: _evidence(facet, before, cleaned, told) for facet in FACETS}
    consents = {**before["consents"], **cleaned.get("consents", {})}
    whole = {"evidence": _without_none(every), "consents": _without_none(consents)}
    others = {name: value for name, value in cleaned.items() if name not in whole}
    return others | {name: value for name, value in whole.items() if value != before[name]}


def _evidence(
    facet: str, before: Mapping[str, Any], cleaned: Mapping[str, Any], told: Mapping[str, Any]
) -> Any:
    value = cleaned.get(facet, before[facet])
    if not value:
        return None
    if facet in told:
        return told[facet]
    return before["evidence"].get(facet) if value == before[facet] else None


def _without_none(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if value is not None}


def of_merged(winner: Any, loser: Any, taken: Mapping[str, Any]) -> dict[str, Any]:
    """Evidence of a merged card: it comes from the card whose value stands."""
    found = {}
    for facet in FACETS:
        value = taken[facet]
        of = [c for c in (winner, loser) if value and getattr(c, facet) == value]
        found[facet] = next((c.evidence[facet] for c in of if facet in c.evidence), None)
    return _without_none(found)


def both_consents(winner: Any, loser: Any) -> dict[str, Any]:
    """Of two cards the later answer of each channel; of one day the stricter."""
    found = dict(loser.consents)
    for channel, mine in winner.consents.items():
        theirs = found.get(channel)
        found[channel] = mine if theirs is None else max(theirs, mine, key=_lateness)
    return {channel: found[channel] for channel in CHANNELS if channel in found}


def later(
    there: Mapping[str, Any], told: Mapping[str, Any], *, is_stale: bool = False
) -> dict[str, Any]:
    """Consents with what was told on top; an answer of a later day stays, and any where only a question
    came. Of one day what was told stands, or the stricter where it `is_stale`."""
    found = dict(there)
    for channel, new in told.items():
        old = found.get(channel)
        if old is None or _comes_after(new, old, is_stale):
            found[channel] = new
    return found


def _comes_after(new: Mapping[str, str], old: Mapping[str, str], is_stale: bool) -> bool:
    mine, theirs = _lateness(new), _lateness(old)
    return mine >= theirs if is_stale else mine[:2] >= theirs[:2]


def _lateness(consent: Mapping[str, str]) -> tuple[bool, str, int]:
    """Answers come after questions; a withdrawal of no known day is taken for the latest word."""
    state = consent["state"]
    on = consent["on"] or ("9999-12-31" if state == "withdrawn" else "")
    return state != "asked", on, _WEIGHT[state]


def withdrawn(consents: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Channels that are no longer allowed, in their usual order."""
    return of_state(consents, "withdrawn")


def of_state(consents: Mapping[str, Mapping[str, str]], state: str) -> list[str]:
    """Channels of which this stands, in their usual order."""
    return [c for c in CHANNELS if consents.get(c, {}).get("state") == state]


# ---- as a cell of a table ----

CELLS = {
    **{f"{facet}_evidence": ("evidence", facet) for facet in FACETS},
    **{f"consent_{channel}": ("consents", channel) for channel in CHANNELS},
}
"""Column of a file -> (field, facet or channel)."""
_WORDS = {
    "asked": ("запрошено", "спросили", "solicitat", "cerut", "întrebat"),
    "given": ("yes", "дано", "да", "есть", "получено", "acordat", "dat", "da"),
    "withdrawn": ("revoked", "no", "отозвано", "отказ", "нет", "retras", "revocat", "nu"),
    NONE: ("не спрашивали", "nesolicitat", "neîntrebat"),
}
_OF_WORD = {w: state for state, words in _WORDS.items() for w in (state, *words)}
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


def cell_of(client: Any, column: str) -> str:
    """What a card knows, as `written`; empty where it knows nothing."""
    field, name = CELLS[column]
    return written(getattr(client, field).get(name, {}))


def written(told: Mapping[str, str]) -> str:
    """`given; 2026-05-04; visit; signed the form`, of a consent or of evidence."""
    parts = (told.get(part, "") for part in ("state", "on", "source", "text"))
    return "; ".join(part for part in parts if part)


def column_of(field: str, name: str) -> str:
    """The column of a file that holds the evidence for a facet, or the consent by a channel."""
    return next(column for column, held in CELLS.items() if held == (field, name))


def is_told(value: Any) -> bool:
    """Whether a value is evidence or a consent, not an own field's."""
    return isinstance(value, dict) and {"source", "on", "text"} <= value.keys()


def read_cell(column: str, text: str) -> dict[str, Any]:
    """{facet or channel: what a cell says of it}, in the order that `cell_of` writes; raises BadClientField."""
    field, name = CELLS[column]
    told: dict[str, Any] = {}
    if field == "consents":
        word, _, text = text.partition(";")
        told["state"] = _OF_WORD.get(word.strip().casefold())
        if told["state"] is None:
            raise BadClientField(field=column)
    first, _, others = text.partition(";")
    if day := _written_day(first.strip()):
        told["on"], text = day, others
    first, _, others = text.partition(";")
    if first.strip() in (SOURCES if field == "evidence" else CONSENT_SOURCES):
        told["source"], text = first.strip(), others
    told["text"] = text
    clean = clean_evidence if field == "evidence" else clean_consents
    return clean({name: told})


def _written_day(text: str) -> str:
    dotted = _DOTTED.fullmatch(text)
    iso = f"{dotted[3]}-{dotted[2]:0>2}-{dotted[1]:0>2}" if dotted else text
    try:
        return date.fromisoformat(iso).isoformat()
    except ValueError:
        return ""
