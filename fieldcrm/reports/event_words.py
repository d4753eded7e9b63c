"""The event log in the reader's words: what happened, to whom, and what was there before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fieldcrm.clients import standing, standing_words
from fieldcrm.clients.ownfields.rules import IN_PARTS
from fieldcrm.kit import i18n, ids
from fieldcrm.kit.database import reading
from fieldcrm.kit.tables import Event
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role
from fieldcrm.reports import event_names
from fieldcrm.visits.saying import REASONS

_KEYS = {"address": "ip", "kind": "what"}
"""What a bare value is called where a client's, which stands in a difference, is called otherwise."""
VALUE_MOST = 80
"""Characters of one value that are shown."""
UNSAID = frozenset({"wanted", "promise_id", "import_id", "id", "lat", "lng", "from", "to", "fields", "before",
                    "after", "shift_id", "verdict", "search_text", "sort_name", "phone_e164",
                    "area_id", "since", "heard"})  # fmt: skip
"""Keys of an event's data that are not told as `name: value`."""
SUBJECT_KEYS = ("rep_id", "rep_ids", "visit_id")
"""Whom an event is about when its own subject has no name (a shift, an alert, a plan)."""
_WORDS = {
    "kind": ("admin.client.", "admin.kind.", "event.alert_kind.", "event.plan_kind."),
    "role": ("desk.role.",), "cause": ("tracking.cause.",), "code": ("error.",), "mode": ("admin.mode.",), "verdict": ("report.",),
    "state": ("visits_page.state.",), "result": ("report.result.",),
    "outcome": ("event.outcome.",), "loyalty": ("phone.loyalty.",),
}  # fmt: skip
"""Where the words for a key's values stand."""


@dataclass(frozen=True)
class Told:
    """An event as a reader sees it."""

    what: str
    about: str
    """The name of what it was done to."""
    change: str


def told(actor: Actor, events: Sequence[Event], language: str) -> list[Told]:
    """Each event in words; an administrator's."""
    people.require(actor, Role.admin)
    mentioned = {i for e in events for i in ids_in([e.subject_id, e.data])}
    with reading() as session:
        names = event_names.names_of(session, mentioned)
    return [
        Told(what(e.kind, language), _about(e, names), change(e, names, language)) for e in events
    ]


def what(kind: str, language: str) -> str:
    """`visit.closed` as the reader would say it; an unknown kind stays as it is."""
    return _known(f"event.{kind}", language) or kind


def source(name: str, language: str) -> str:
    """`phone` as the reader would say it."""
    return _known(f"event.source.{name}", language) or name


def change(event: Event, names: Mapping[str, str], language: str) -> str:
    """What an event changed as `City: Espoo → Helsinki`, then what else is known of it."""
    data = event.data
    parts = [
        *_states(data, language),
        *_verdicts(data, language),
        *_differences(data, names, language),
    ]
    if not parts and isinstance(data.get("fields"), list):
        parts = _fields(data["fields"], language)
    for name, value in data.items():
        if name not in UNSAID and value not in (None, "", [], {}) and not _is_subject(event, name):
            key = _KEYS.get(name, name)
            is_cause = name == "cause" and i18n.has(str(value))
            text = _cause(data, language) if is_cause else _value(name, value, names, language)
            parts.append(f"{_field(key, language)}: {text}")
    return " · ".join(parts)


def _cause(data: Mapping[str, Any], language: str) -> str:
    """Why an alert was raised: a text of the catalogue, with the alert's own figures in it."""
    figures = {
        name: i18n.number(value, language, 1 if isinstance(value, float) else 0)
        for name, value in data.items()
        if isinstance(value, int | float)
    }
    return i18n.t(str(data["cause"]), language, **figures)


def _states(data: Mapping[str, Any], language: str) -> list[str]:
    """A visit's move from one state to another."""
    before, after = data.get("from"), data.get("to")
    if not after or before == after:
        return []
    said = [_value("state", s, {}, language) for s in (before, after) if s]
    return [" → ".join(said)]


def _verdicts(data: Mapping[str, Any], language: str) -> list[str]:
    """A judgement, and the one before it."""
    if not data.get("verdict"):
        return []
    known = dict.fromkeys(v for v in (data.get("before"), data["verdict"]) if v)
    return [" → ".join(_value("verdict", v, {}, language) for v in known)]


def _differences(data: Mapping[str, Any], names: Mapping[str, str], language: str) -> list[str]:
    before, after = data.get("before"), data.get("after") or data.get("wanted")
    if not isinstance(before, dict) or not isinstance(after, dict):
        return []
    shown = [name for name in after if name not in UNSAID or name in ("lat", "lng")]
    said = list[str]()
    for held in IN_PARTS:  # each of a client's several values changes for itself
        if isinstance(after.get(held), dict):
            shown.remove(held)
            said += _parts(held, before.get(held) or {}, after[held], names, language)
    return said + _pairs(shown, before, after, names, language)


def _parts(
    held: str, before: Mapping[str, Any], after: Mapping[str, Any], names: Mapping[str, str],
    language: str,
) -> list[str]:  # fmt: skip
    if held == "own_fields":
        return _differences({"before": before, "after": after}, names, language)
    called = {standing.column_of(held, name): name for name in after}
    return _pairs(
        called, {c: before.get(n) for c, n in called.items()}, {c: after[n] for c, n in called.items()},
        names, language,
    )  # fmt: skip


def _pairs(
    shown: Iterable[str], before: Mapping[str, Any], after: Mapping[str, Any],
    names: Mapping[str, str], language: str,
) -> list[str]:  # fmt: skip
    return [
        f"{_field(n, language)}: {_value(n, before.get(n), names, language)} → "
        f"{_value(n, after[n], names, language)}"
        for n in shown
    ]


def _fields(fields: Iterable[Any], language: str) -> list[str]:
    known = (
        _known(f"event.field.{f}", language) or _known(f"admin.field.{f}", language) for f in fields
    )
    said = ", ".join(dict.fromkeys(word for word in known if word))
    return [said] if said else []


def _field(name: str, language: str) -> str:
    return (
        _known(f"event.field.{name}", language) or _known(f"admin.field.{name}", language) or name
    )


def _value(name: str, value: Any, names: Mapping[str, str], language: str) -> str:
    if value in (None, "", [], {}):
        return "—"
    if isinstance(value, list):
        return ", ".join(_value(name, v, names, language) for v in value)
    if isinstance(value, str):
        return (
            names.get(value) or _word(name, value, language) or _day(value, language) or _cut(value)
        )
    if isinstance(value, bool):
        return i18n.t("event.yes" if value else "event.no", language)
    if name.endswith("_min") and isinstance(value, int):
        return f"{value // 60:02}:{value % 60:02}"
    if standing.is_told(value):
        return standing_words.said(value, language)
    if isinstance(value, dict) and isinstance(value.get("name"), str):
        return _cut(value["name"])
    if isinstance(value, float):
        return i18n.number(round(value, 5), language, 5 if name in ("lat", "lng") else 1)
    return i18n.number(value, language) if isinstance(value, int) else _cut(str(value))


def _word(name: str, value: str, language: str) -> str:
    if name == "reason":
        return i18n.t(REASONS[value], language) if value in REASONS else ""
    return next((w for p in _WORDS.get(name, ()) if (w := _known(p + value, language))), "")


def _day(value: str, language: str) -> str:
    try:
        return i18n.day(date.fromisoformat(value), language) if len(value) == 10 else ""
    except ValueError:
        return ""


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_MOST else text[: VALUE_MOST - 1] + "…"


def _known(key: str, language: str) -> str:
    found = i18n.catalogue(language).get(key)
    return i18n.t(key, language) if isinstance(found, str) else ""


def _about(event: Event, names: Mapping[str, str]) -> str:
    if event.subject_id and event.subject_id in names:
        return names[event.subject_id]
    named = next((event.data[key] for key in SUBJECT_KEYS if event.data.get(key)), None)
    return ", ".join(dict.fromkeys(names[i] for i in ids_in(named) if i in names))


def _is_subject(event: Event, name: str) -> bool:
    """Whether a key only repeats what the event is about."""
    return name in ("rep_id", "rep_ids") and event.kind.split(".")[0] in (
        "device",
        "shift",
        "alert",
        "plan",
    )


def ids_in(value: Any) -> Iterable[str]:
    """Every id within a value, however deep."""
    if isinstance(value, str):
        if ids.is_id(value):
            yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from ids_in(part)
