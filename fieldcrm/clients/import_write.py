"""Writing a piece of an import: clients, what they are found by, log, feed, and how to take it back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fieldcrm.clients import folding, import_rows, import_store, store
from fieldcrm.clients.import_plan import CREATE, UPDATE, Step
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.tables import Client, ImportRun
from fieldcrm.kit import clock, facts, feed, ids
from fieldcrm.people.model import Actor

_COLUMNS: tuple[str, ...] = tuple(c.name for c in Client.__table__.columns)  # type: ignore[attr-defined]


@dataclass
class Piece:
    """Rows of the client table as one piece of a file makes them."""

    made: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    before: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Id of a changed client -> what stood there, of every column that is another now."""
    gained: dict[str, Collection[str]] = field(default_factory=dict)
    """Client -> terms it is found by from now on."""
    lost: dict[str, Collection[str]] = field(default_factory=dict)
    row_of: dict[str, int] = field(default_factory=dict)

    @property
    def touched(self) -> list[str]:
        return list(self.row_of)


def prepare(steps: Iterable[Step]) -> Piece:
    """Everything that needs no database: the other writers need not wait for it."""
    piece, now = Piece(), clock.now()
    for step in steps:
        if step.action == CREATE:
            _prepare_new(piece, step, now)
        elif step.action == UPDATE and step.client is not None:
            _prepare_change(piece, step, step.client, now)
    return piece


def _prepare_new(piece: Piece, step: Step, now: datetime) -> None:
    values: dict[str, Any] = (
        dict.fromkeys(_COLUMNS)
        | {
            "tags": [],
            "own_fields": {},
            "evidence": {},
            "consents": {},
            "is_sample": False,
            "version": 1,
        }
        | step.changes
    )
    values |= {"id": ids.new_id(), "created_at": now, "updated_at": now, "source": "import"}
    found_by = step.row.found_by
    if not found_by.sort_name:  # understood by an older version, before these were kept
        found_by = import_rows.found_by(values)
    values |= {"search_text": found_by.search_text, "sort_name": found_by.sort_name}
    piece.made.append(values)
    piece.gained[values["id"]] = found_by.terms
    piece.row_of[values["id"]] = step.row.number


def _prepare_change(piece: Piece, step: Step, there: Mapping[str, Any], now: datetime) -> None:
    after = {**there, **step.changes}
    found_by = import_rows.found_by(after)
    new = {
        **step.changes, "search_text": found_by.search_text, "sort_name": found_by.sort_name,
        "version": there["version"] + 1, "updated_at": now,
    }  # fmt: skip
    client_id = there["id"]
    before = {k: there[k] for k, v in new.items() if there[k] != v}
    piece.changed.append({"id": client_id} | {k: new[k] for k in before})
    piece.before[client_id] = before
    was, now_found = folding.terms(there["search_text"]), set(found_by.terms)
    piece.gained[client_id], piece.lost[client_id] = now_found - was, was - now_found
    piece.row_of[client_id] = step.row.number


def write_in(session: Session, actor: Actor, run: ImportRun, piece: Piece) -> None:
    """Store a piece inside a transaction that has its turn in the feed, with the log, the phones' feed
    and the way back."""
    held = store.reps_of(session, piece.before)
    if piece.made:
        is_sample = facts.note_own_data(session)
        import_store.add_clients(session, [row | {"is_sample": is_sample} for row in piece.made])
    import_store.set_clients(session, piece.changed)
    import_store.drop_terms(session, piece.lost)
    words = import_store.add_terms(session, piece.gained)
    _keep_way_back(session, run, piece, words)
    import_store.add_events(session, [*_events(actor, run, piece)])
    tell(session, piece.touched, held)


def tell(session: Session, touched: Iterable[str], held: Mapping[str, set[str]]) -> None:
    """Phones that hold a client, or held it, pull it."""
    touched = list(touched)
    holds = store.reps_of(session, touched)
    holders = {i: holds.get(i, set()) | held.get(i, set()) for i in touched}
    feed.touch_many(session, "client", holders)


def _keep_way_back(session: Session, run: ImportRun, piece: Piece, words: list[str]) -> None:
    versions = {row["id"]: row["version"] for row in (*piece.made, *piece.changed)}
    rows = [
        {"import_id": run.id, "client_id": i, "row": n, "version": versions[i],
         "before": plain(piece.before[i]) if i in piece.before else None, "words": []}
        for i, n in piece.row_of.items()
    ]  # fmt: skip
    if rows:
        rows[0]["words"] = words
    import_store.add_changes(session, rows)


def _events(actor: Actor, run: ImportRun, piece: Piece) -> Iterable[dict[str, Any]]:
    for row in piece.made:
        fields = [k for k in _SAID_IN_ORDER if (v := row[k]) or v == 0]
        where = {"import_id": run.id, "row": piece.row_of[row["id"]]}
        yield event(actor, "client.added", row["id"], {"fields": fields} | where)
    for row in piece.changed:
        before = {k: v for k, v in plain(piece.before[row["id"]]).items() if k in SAID}
        after = {k: v for k, v in row.items() if k in before}
        where = {"import_id": run.id, "row": piece.row_of[row["id"]]}
        told = own_rules.changes_told(before, after)
        yield event(actor, "client.changed", row["id"], told | where)


SAID = frozenset(_COLUMNS) - {"id", "created_at", "updated_at", "version", "search_text",
                               "sort_name", "source", "is_sample"}  # fmt: skip
"""Columns whose change a reader of the log is told."""
_SAID_IN_ORDER = tuple(sorted(SAID))


def event(actor: Actor, kind: str, subject_id: str | None, data: dict[str, Any]) -> dict[str, Any]:
    """A row of the event log."""
    return {"id": ids.new_id(), "at": clock.now(), "actor_id": actor.user_id or None, "kind": kind,
            "subject_id": subject_id, "team_id": None, "source": actor.source, "data": data}  # fmt: skip


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Column values as JSON takes them."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """And back."""
    times = ("created_at", "updated_at", "archived_at")
    return {k: datetime.fromisoformat(v) if k in times and v else v for k, v in values.items()}
