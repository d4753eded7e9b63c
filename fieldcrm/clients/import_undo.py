"""Taking an import back: every client as it was, as long as nobody built on what came in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from redis import RedisError
from sqlmodel import Session

from fieldcrm.clients import folding, import_store, import_write, store
from fieldcrm.clients.model import (
    ImportBuiltOn,
    ImportNotFound,
    ImportNotReady,
    Obstacle,
)
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.tables import ImportRun
from fieldcrm.kit import bus, clock, events, facts, feed
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.tables import Fact
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

SHOWN = 20
PULSE_S = 180
"""Seconds without a word after which a run that was going is held for dead."""


@dataclass
class Against:
    """What stands against undoing an import."""

    n: int = 0
    """Clients that somebody went on from."""
    some: list[Obstacle] = field(default_factory=list)


def against(actor: Actor, run_id: str) -> Against:
    """What keeps an import from being undone; raises ImportNotFound, ImportNotReady."""
    people.require(actor, Role.admin)
    with reading() as session:
        _undoable(session, run_id)
        return _against_in(session, actor, run_id)


def undo_import(
    actor: Actor, run_id: str, progress: Callable[[float, str], None] | None = None
) -> dict[str, Any]:
    """Bring every client back to what it was before an import, in one transaction.

    Nothing of the import is left but the event log, which tells of both. Returns {status, removed,
    restored}; raises ImportNotFound, ImportNotReady, and ImportBuiltOn when somebody has changed or
    used a client since.
    """
    people.require(actor, Role.admin)
    with transaction() as session:
        feed.take_turn(session)
        run = _undoable(session, run_id)
        found = _against_in(session, actor, run_id)
        if found.n:
            raise ImportBuiltOn(n=found.n)
        counts = take_back_in(session, actor, run, progress)
        import_store.forget(session, run_id)
        data = {"file_name": run.file_name, "import_id": run.id, **counts}
        _record(session, actor, run, data)
    return {"status": "undone", "import_id": run_id, **counts}


def _record(session: Session, actor: Actor, run: ImportRun, data: dict[str, Any]) -> None:
    for team in people.list_teams(actor):
        feed.notify_desk(session, team.id, {"t": "changed", "entity": "client", "id": None})
    events.record(
        session, "clients.import_undone", run.id, actor_id=actor.user_id or None,
        source=actor.source, data=data,
    )  # fmt: skip


def _undoable(session: Session, run_id: str) -> ImportRun:
    run = store.import_run(session, run_id)
    if run is None:
        raise ImportNotFound()
    if run.status not in ("done", "stopped") and not (
        run.status == "running" and not is_alive(run)
    ):
        raise ImportNotReady(status=run.status)
    return run


def is_alive(run: ImportRun) -> bool:
    """Whether somebody is at work on a run: a process that died leaves it `running`."""
    try:
        return bool(bus.connection().exists(_pulse(run.id)))
    except RedisError:
        return (clock.now() - run.started_at).total_seconds() < 20 * PULSE_S


def beat(run_id: str) -> None:
    """Say that a run goes on."""
    bus.connection().set(_pulse(run_id), "1", ex=PULSE_S)


def _pulse(run_id: str) -> str:
    return f"import:{run_id}"


# ---- what stands against it ----


def is_free_in(session: Session, actor: Actor, run_id: str) -> bool:
    """Whether nobody built on what a run wrote."""
    return not _against_in(session, actor, run_id).n


def _against_in(session: Session, actor: Actor, run_id: str) -> Against:
    n, changed = import_store.changed_since(session, run_id, SHOWN)
    found = Against(n, _who_changed(session, actor, changed))
    for table, (count, some) in import_store.built_on(session, run_id, SHOWN).items():
        found.n += count
        found.some += [Obstacle(i, name, table) for i, name in some]
    found.some = found.some[:SHOWN]
    return found


def _who_changed(session: Session, actor: Actor, changed: list[tuple[str, str]]) -> list[Obstacle]:
    if not changed:
        return []
    last = import_store.last_changes(session, [i for i, _ in changed])
    names = {u.id: u.name for u in people.list_users(actor)}
    found = []
    for client_id, name in changed:
        event = last.get(client_id)
        by = names.get(event.actor_id or "", "") if event else ""
        found.append(Obstacle(client_id, name, "changed", by, event.at if event else None))
    return found


# ---- taking back ----


def take_back_in(
    session: Session, actor: Actor, run: ImportRun,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, int]:  # fmt: skip
    """Undo what a run wrote, inside a transaction; the caller has seen that nobody built on it."""
    counts: Counter[str] = Counter(removed=0, restored=0)
    words: list[str] = []
    for piece in import_store.changes(session, run.id):
        _take_back_piece(session, actor, run, piece, counts)
        words += [word for change in piece for word in change["words"]]
        if progress is not None:
            progress(
                min(0.9, (counts["removed"] + counts["restored"]) / _written(run)), "import.undoing"
            )
    import_store.drop_words(session, words)
    import_store.drop_changes(session, run.id)
    _restore_label(session, run)
    return dict(counts)


def _written(run: ImportRun) -> int:
    counts = run.report.get("counts", {})
    return max(1, counts.get("create", 0) + counts.get("update", 0))


def _take_back_piece(
    session: Session,
    actor: Actor,
    run: ImportRun,
    piece: list[dict[str, Any]],
    counts: Counter[str],
) -> None:
    there = import_store.clients_of(session, [c["client_id"] for c in piece])
    held = store.reps_of(session, there)
    made = [c["client_id"] for c in piece if c["before"] is None]
    changed = {c["client_id"]: c["before"] for c in piece if c["before"] is not None}
    import_store.drop_guesses(session, made)
    import_store.drop_terms(session, {i: folding.terms(there[i]["search_text"]) for i in made})
    import_store.drop_clients(session, made)
    _restore(session, changed, there)
    import_store.add_events(
        session,
        [import_write.event(actor, "client.removed", i, {"name": there[i]["name"], "import_id": run.id})
         for i in made]
        + [import_write.event(actor, "client.changed", i, _told(before, there[i]) | {"import_id": run.id})
           for i, before in changed.items()],
    )  # fmt: skip
    import_write.tell(session, there, held)
    counts["removed"] += len(made)
    counts["restored"] += len(changed)


def _restore(
    session: Session, changed: Mapping[str, dict[str, Any]], there: Mapping[str, dict[str, Any]]
) -> None:
    """Columns as they stood, and the terms that go with them."""
    rows, gained, lost = [], {}, {}
    for client_id, before in changed.items():
        rows.append({"id": client_id} | import_write.stored(before))
        now = there[client_id]["search_text"]
        was = folding.terms(before.get("search_text", now))
        gained[client_id], lost[client_id] = was - folding.terms(now), folding.terms(now) - was
    import_store.set_clients(session, rows)
    import_store.drop_terms(session, lost)
    import_store.add_terms(session, gained)


def _told(before: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    said = [k for k in before if k in import_write.SAID]
    return own_rules.changes_told({k: there[k] for k in said}, {k: before[k] for k in said})


def _restore_label(session: Session, run: ImportRun) -> None:
    """A base that was the sample's alone is so again."""
    was = run.report.get("sample_before")
    if was is None:
        label = session.get(Fact, facts.SAMPLE)
        if label is not None:
            session.delete(label)
    elif was and not import_store.has_own_rows(session):
        facts.put(session, facts.SAMPLE, was)
