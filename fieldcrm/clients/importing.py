"""Import of clients: read a file, say what it would do, and do it whole or not at all."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from redis import RedisError
from sqlmodel import Session

from fieldcrm.clients import import_rules, rules, store, tabular
from fieldcrm.clients.import_rules import Row
from fieldcrm.clients.model import (
    ClientKind,
    ImportBlocked,
    ImportNotFound,
    ImportNotReady,
    ImportPreview,
    ImportRules,
    Table,
    Trouble,
    UnreadableTable,
)
from fieldcrm.clients.tables import Client, ImportRun, Territory
from fieldcrm.kit import clock, events, facts, feed, i18n, ids, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import TooLarge
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

Progress = Callable[[float, str], None]
"""Called with a share (0 to 1) and a catalogue key; may raise jobs.Cancelled."""
SHOWN_TROUBLES = 500
EXAMPLES = 20
FLUSH_EVERY = 500
KEEP_PREVIEWS_H = 24


@dataclass
class Step:
    """What becomes of a row: create, update, unchanged or skip."""

    row: Row
    action: str
    client: Client | None
    changes: dict[str, Any]


def _quiet(_share: float, _what: str) -> None:
    """Nobody watches."""


# ---- preview ----


def preview_import(
    actor: Actor, file_name: str, content: bytes, mapping: dict[str, str] | None = None, *,
    match: str | None = None, mode: str = "upsert", constants: dict[str, str] | None = None,
    has_header: bool | None = None,
) -> ImportPreview:  # fmt: skip
    """What importing a file would do, with the troubles of its rows; keeps it for `run_import`.

    Without `mapping` (column -> field) one is suggested. `constants` are fields that every row
    without its own value gets, such as kind, country or territory. Raises UnreadableTable, TooLarge.
    """
    people.require(actor, Role.admin)
    if len(content) > settings().upload_limit_mb << 20:
        raise TooLarge(limit_mb=settings().upload_limit_mb)
    table = _read(file_name, content, mapping, has_header)
    chosen = _rules(table, mapping, match, mode, constants)
    rows, lacking = _understood(table, chosen), import_rules.missing_fields(chosen)
    with reading() as session:
        steps = _plan(session, actor, rows, chosen)
    run_id = _keep(actor, file_name, content, chosen, table.has_header)
    return ImportPreview(
        run_id, file_name, _described(table), chosen, _counts(rows, steps, lacking), _troubles(rows, lacking),
        [_example(s) for s in steps[:EXAMPLES]],
    )  # fmt: skip


def _read(
    file_name: str, content: bytes, mapping: dict[str, str] | None, has_header: bool | None
) -> Table:
    """The table; a mapping of columns that only a first row of titles can name makes it one."""
    table = tabular.read_table(file_name, content, has_header)
    if mapping and has_header is None and not set(mapping) <= set(table.columns):
        return tabular.read_table(file_name, content, not table.has_header)
    return table


def preview_again(
    actor: Actor, run_id: str, mapping: dict[str, str] | None = None, *, match: str | None = None,
    mode: str = "upsert", constants: dict[str, str] | None = None,
) -> ImportPreview:  # fmt: skip
    """The kept file read by other rules; its earlier preview is forgotten."""
    run, content = _load(actor, run_id)
    made = preview_import(
        actor, run.file_name, content, mapping, match=match, mode=mode, constants=constants
    )
    discard(actor, run_id)
    return made


def _rules(
    table: Table, mapping: dict[str, str] | None, match: str | None, mode: str,
    constants: dict[str, str] | None,
) -> ImportRules:  # fmt: skip
    chosen = import_rules.suggest(table) if mapping is None else mapping
    given = {f: v for f, v in (constants or {}).items() if v}
    if "kind" not in chosen.values():
        given.setdefault("kind", ClientKind.organisation.value)
    made = ImportRules(chosen, given, match or import_rules.best_match(chosen, table), mode)
    import_rules.check_rules(made, table)
    return made


def _described(table: Table) -> dict[str, Any]:
    return {
        "columns": table.columns, "has_header": table.has_header, "encoding": table.encoding,
        "delimiter": table.delimiter, "rows": len(table.rows),
        "first": [cells for _, cells in table.rows[:5]],
    }  # fmt: skip


def _counts(rows: list[Row], steps: list[Step], lacking: Sequence[Trouble] = ()) -> dict[str, int]:
    done = Counter(step.action for step in steps if not step.row.blocks)
    return {
        "rows": len(rows), "create": done["create"], "update": done["update"],
        "unchanged": done["unchanged"], "skipped": done["skip"],
        "blocking": sum(row.blocks for row in rows) + len(lacking),
        "warnings": sum(not t.blocks for row in rows for t in row.troubles),
    }  # fmt: skip


def _troubles(rows: list[Row], lacking: Sequence[Trouble] = ()) -> list[Trouble]:
    """Troubles to show: those that block first, at most SHOWN_TROUBLES."""
    every = [*lacking, *(t for row in rows for t in row.troubles)]
    return sorted(every, key=lambda t: (not t.blocks, t.row))[:SHOWN_TROUBLES]


def _example(step: Step) -> dict[str, Any]:
    """A row as it would become; of a known client only what changes, with what it was before."""
    is_update = step.action == "update"
    name = (step.client.name if step.client else "") or step.row.fields.get("name")
    shown = {
        k: v
        for k, v in (step.changes if is_update else step.row.fields).items()
        if k != "phone_e164"
    }
    before = {k: getattr(step.client, k) for k in shown} if is_update else {}
    return {"row": step.row.number, "action": step.action, "name": name, "fields": shown,
            "before": before, "territory": step.row.territory}  # fmt: skip


# ---- understanding rows ----


def _understood(table: Table, chosen: ImportRules) -> list[Row]:
    with reading() as session:
        known = store.mean_place(session)
    rows = import_rules.understand(table, chosen, known)
    own = rules.country_of(settings().timezone)
    for row in rows:
        _read_phone(row, row.country or own)
    return rows


def _read_phone(row: Row, country: str | None) -> None:
    """A number nobody can read stays as it was written, with a warning."""
    if phone := row.fields.get("phone"):
        row.fields["phone_e164"] = rules.e164_of(phone, country)
        if row.fields["phone_e164"] is None:
            row.troubles.append(Trouble(row.number, "phone_unread", "phone", phone[:80], False))


def _plan(session: Session, actor: Actor, rows: list[Row], chosen: ImportRules) -> list[Step]:
    """What becomes of each row, given what is there now; troubles are added to the rows."""
    territories = {t.name.casefold(): t for t in store.territories(session, actor)}
    for row in rows:
        _set_territory(row, territories)
    keys = [_key(row.fields, chosen.match) for row in rows]
    by_number = {row.number: row for row in rows}
    for trouble in import_rules.repeated(rows, keys):
        by_number[trouble.row].troubles.append(trouble)
    known = _known(session, actor, rows, keys, chosen.match)
    pairs = zip(rows, keys, strict=True)
    steps = [_step(row, known.get(key or "", []), chosen) for row, key in pairs]
    _refuse_foreign_keys(steps)
    return steps


def _refuse_foreign_keys(steps: list[Step]) -> None:
    """A file whose keys are another list's would overwrite clients with strangers: keep it out."""
    updated = [s.row for s in steps if s.action == "update"]
    renamed = [r for r in updated if any(t.code == "other_name" for t in r.troubles)]
    if import_rules.is_wholesale(len(renamed), len(updated)):
        for row in renamed:
            row.troubles = [replace(t, blocks=True) for t in row.troubles]


def _set_territory(row: Row, territories: dict[str, Territory]) -> None:
    if not row.territory:
        return
    found = territories.get(row.territory.strip().casefold())
    if found is None:
        row.troubles.append(Trouble(row.number, "no_territory", value=row.territory[:80]))
    else:
        row.fields["territory_id"] = found.id


def _key(fields: dict[str, Any], match: str) -> str | None:
    if match == "name_address":
        return import_rules.name_address_key(fields) or None
    return fields.get("phone_e164" if match == "phone" else "external_id")


def _known(
    session: Session, actor: Actor, rows: list[Row], keys: list[str | None], match: str
) -> dict[str, list[Client]]:
    """Clients that are there already, by the same key."""
    if match == "name_address":
        from fieldcrm.clients.folding import fold

        column, values = "sort_name", {fold(r.fields["name"]) for r in rows if r.fields.get("name")}
    else:
        column = "phone_e164" if match == "phone" else "external_id"
        values = {k for k in keys if k}
    found: dict[str, list[Client]] = {}
    for client in store.by_values(session, actor, column, values):
        key = _key(client.model_dump(), match)
        found.setdefault(key or "", []).append(client)
    return found


def _step(row: Row, there: list[Client], chosen: ImportRules) -> Step:
    if len(there) > 1:
        row.troubles.append(Trouble(row.number, "ambiguous", params={"n": len(there)}))
    client = there[0] if len(there) == 1 else None
    if client is None:
        is_new = chosen.mode != "update" and not there
        return Step(row, "create" if is_new else "skip", None, row.fields)
    if chosen.mode == "create":
        return Step(row, "skip", client, {})
    own = row.fields if "kind" in chosen.mapping.values() else _without(row.fields, "kind")
    changes = {k: v for k, v in own.items() if getattr(client, k) != v}
    if "name" in changes and import_rules.is_another_name(client.name, changes["name"]):
        params = {"name": client.name}
        row.troubles.append(
            Trouble(row.number, "other_name", "", changes["name"][:80], False, params)
        )
    return Step(row, "update" if changes else "unchanged", client, changes)


def _without(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """A kind that is only the file's general one doesn't overwrite what is known."""
    return {k: v for k, v in fields.items() if k != name}


# ---- keeping the file until it is run ----


def _folder() -> Path:
    return settings().files_dir / "imports"


def _keep(
    actor: Actor, file_name: str, content: bytes, chosen: ImportRules, has_header: bool
) -> str:
    run_id = ids.new_id()
    _folder().mkdir(parents=True, exist_ok=True)
    _drop_old()
    (_folder() / run_id).write_bytes(content)
    with transaction() as session:
        session.add(
            ImportRun(
                id=run_id, file_name=file_name[:200], actor_id=actor.user_id or None,
                started_at=clock.now(), report={"rules": asdict(chosen), "has_header": has_header},
            )
        )  # fmt: skip
    return run_id


def _drop_old() -> None:
    """Previews that nobody ran are forgotten: they hold people's data."""
    limit = clock.real_now().timestamp() - KEEP_PREVIEWS_H * 3600
    for path in _folder().iterdir():
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < limit:
                path.unlink()


def _load(actor: Actor, run_id: str) -> tuple[ImportRun, bytes]:
    people.require(actor, Role.admin)
    with reading() as session:
        run = store.import_run(session, run_id)
    if run is None:
        raise ImportNotFound()
    path = _folder() / run.id
    if run.status != "preview" or not path.is_file():
        raise ImportNotReady(status=run.status)
    return run, path.read_bytes()


# ---- running ----


def run_import(actor: Actor, run_id: str, progress: Progress = _quiet) -> dict[str, Any]:
    """Import a previewed file in one transaction; returns its report.

    Raises ImportBlocked when a row can't be imported and Cancelled when `progress` does so or
    somebody called `cancel_import`; either way nothing has changed.
    """
    run, content = _load(actor, run_id)
    chosen = ImportRules(**run.report["rules"])
    _claim(run_id)
    rows: list[Row] = []
    progress = _heard_everywhere(run_id, progress)
    try:
        progress(0.0, "import.reading")
        table = tabular.read_table(run.file_name, content, run.report["has_header"])
        rows = _understood(table, chosen)
        counts = _write(actor, run, rows, chosen, progress)
    except BaseException as error:
        _finish(run_id, _status_after(error), _report(rows, [], chosen))
        raise
    report = _finish(run_id, "done", _report(rows, [], chosen) | {"counts": counts})
    (_folder() / run_id).unlink(missing_ok=True)
    return report


def cancel_import(actor: Actor, run_id: str) -> None:
    """Ask a running import to stop, whichever process runs it; nothing will have changed.

    The wish lies in Redis: SQLite lets nobody write while the import does.
    Raises ImportNotFound, ImportNotReady when it is not running.
    """
    people.require(actor, Role.admin)
    with reading() as session:
        run = store.import_run(session, run_id)
    if run is None:
        raise ImportNotFound()
    if run.status != "running":
        raise ImportNotReady(status=run.status)
    jobs.cancel(run_id)


def _heard_everywhere(run_id: str, progress: Progress) -> Progress:
    """The same, listening for a cancel too; with Redis away an import can't be cancelled."""

    def tell(share: float, what: str) -> None:
        with contextlib.suppress(RedisError):
            jobs.report(run_id, share, what)
        progress(share, what)

    return tell


def _claim(run_id: str) -> None:
    """Two presses of one button run one import."""
    with transaction() as session:
        run = session.get(ImportRun, run_id, with_for_update=True)
        if run is None or run.status != "preview":
            raise ImportNotReady(status=run.status if run else "")
        run.status = "running"


def _write(
    actor: Actor, run: ImportRun, rows: list[Row], chosen: ImportRules, progress: Progress
) -> dict[str, int]:
    with transaction() as session:
        steps = _plan(session, actor, rows, chosen)
        counts = _counts(rows, steps, import_rules.missing_fields(chosen))
        if counts["blocking"]:
            raise ImportBlocked(n=counts["blocking"])
        held_before = _reps(session, steps)
        for done, step in enumerate(steps):
            if done % FLUSH_EVERY == 0:
                session.flush()
                progress(0.1 + 0.8 * done / len(steps), "import.writing")
            _apply(session, actor, run, step)
        session.flush()
        progress(0.9, "import.telling")
        _tell(session, actor, run, steps, held_before, counts)
        progress(1.0, "import.done")
    return counts


def _apply(session: Session, actor: Actor, run: ImportRun, step: Step) -> None:
    if step.action not in ("create", "update"):
        return
    now = clock.now()
    if step.action == "create":
        step.client = Client(
            id=ids.new_id(), created_at=now, updated_at=now, source="import", **step.changes
        )
        session.add(step.client)
        data: dict[str, Any] = {"fields": sorted(step.changes)}
    else:
        client = _there(step)
        data = {"before": {k: getattr(client, k) for k in step.changes}, "after": step.changes}
        client.sqlmodel_update(step.changes)
        client.version += 1
        client.updated_at = now
    kind = "client.added" if step.action == "create" else "client.changed"
    where = {"import_id": run.id, "row": step.row.number}
    events.record(
        session, kind, _there(step).id, actor_id=actor.user_id or None, source=actor.source,
        data=data | where,
    )  # fmt: skip


def _there(step: Step) -> Client:
    assert step.client is not None
    return step.client


def _touched(steps: list[Step]) -> list[str]:
    return [s.client.id for s in steps if s.client and s.action in ("create", "update")]


def _reps(session: Session, steps: list[Step]) -> dict[str, set[str]]:
    return store.reps_of(session, _touched(steps))


def _tell(
    session: Session, actor: Actor, run: ImportRun, steps: list[Step],
    held_before: dict[str, set[str]], counts: dict[str, int],
) -> None:  # fmt: skip
    """Phones pull what they hold; desks hear once; the log gets the run as a whole."""
    if counts["create"]:
        facts.note_own_data(session)
    held = _reps(session, steps)
    for client_id in _touched(steps):
        if reps := held.get(client_id, set()) | held_before.get(client_id, set()):
            feed.touch(session, "client", client_id, rep_ids=reps)
    for team in people.list_teams(actor):
        feed.notify_desk(session, team.id, {"t": "changed", "entity": "client", "id": None})
    events.record(
        session, "clients.imported", run.id, actor_id=actor.user_id or None, source=actor.source,
        data={"file_name": run.file_name, **counts},
    )  # fmt: skip


def _status_after(error: BaseException) -> str:
    return "cancelled" if isinstance(error, Cancelled) else "failed"


def _report(rows: list[Row], steps: list[Step], chosen: ImportRules) -> dict[str, Any]:
    return {
        "rules": asdict(chosen), "counts": _counts(rows, steps),
        "troubles": [asdict(t) for t in _troubles(rows)],
        "trouble_counts": dict(Counter(t.code for row in rows for t in row.troubles)),
    }  # fmt: skip


def _finish(run_id: str, status: str, report: dict[str, Any]) -> dict[str, Any]:
    with transaction() as session:
        run = store.import_run(session, run_id)
        if run is not None:
            run.status, run.report, run.finished_at = status, report, clock.now()
    return {"run_id": run_id, "status": status, **report}


def discard(actor: Actor, run_id: str) -> None:
    """Forget a preview."""
    _load(actor, run_id)
    _finish(run_id, "cancelled", {})
    (_folder() / run_id).unlink(missing_ok=True)


def list_runs(actor: Actor, limit: int = 50) -> list[ImportRun]:
    """The latest imports, with their reports."""
    people.require(actor, Role.admin)
    with reading() as session:
        return store.import_runs(session, min(limit, 200))


# ---- the command line ----

_CLI = Actor(user_id="", role=Role.admin, team_ids=frozenset(), source="cli")


def import_file(
    path: Path, mapping: dict[str, str] | None = None, match: str | None = None,
    mode: str = "upsert", dry_run: bool = False, progress: Progress = _quiet,
    constants: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Import a file of this machine, or with `dry_run` only say what would become of it.

    Returns a report whose `status` is preview, done or failed; `mapping` adds to the suggested one.
    """
    report: dict[str, Any] = {}
    try:
        content = path.read_bytes()
        whole = _joined_mapping(path.name, content, mapping)
        seen = preview_import(
            _CLI, path.name, content, whole, match=match, mode=mode, constants=constants
        )
        report = {"table": seen.table, "rules": asdict(seen.rules), "counts": seen.counts,
                  "troubles": [asdict(t) for t in seen.troubles]}  # fmt: skip
        if dry_run:
            discard(_CLI, seen.run_id)
            return {"status": "preview", **report}
        return report | run_import(_CLI, seen.run_id, progress)
    except OSError as error:
        return _unread({"why": "no_file", "reason": error.strerror or str(error)})
    except UnreadableTable as error:
        return _unread(error.params)
    except ImportBlocked:
        return {"status": "failed", **report}


def _unread(why: dict[str, Any]) -> dict[str, Any]:
    return {"status": "failed", "unreadable": why, "counts": {}, "troubles": []}


def _joined_mapping(
    name: str, content: bytes, mapping: dict[str, str] | None
) -> dict[str, str] | None:
    if not mapping:
        return None
    suggested = import_rules.suggest(_read(name, content, mapping, None))
    kept = {c: f for c, f in suggested.items() if f not in mapping.values() and c not in mapping}
    return kept | mapping


def as_text(report: dict[str, Any], language: str = i18n.DEFAULT) -> str:
    """A report for a person: what was done, or which rows keep it from being done and why."""
    if "unreadable" in report:
        return unreadable_text(report["unreadable"], language)
    lines = [i18n.t(f"import.status.{report['status']}", language)]
    lines += [i18n.t(f"import.count.{k}", language, n=n) for k, n in report["counts"].items() if n]
    lines += [trouble_text(t, language) for t in report["troubles"][:50]]
    return "\n".join(lines)


def trouble_text(trouble: dict[str, Any] | Trouble, language: str) -> str:
    """One trouble in words: row, column, what was written, what is wrong."""
    t = asdict(trouble) if isinstance(trouble, Trouble) else trouble
    what = i18n.t(f"import.trouble.{t['code']}", language, **t["params"])
    where = i18n.t("import.row", language, row=str(t["row"]))
    written = "".join(
        f" {part}" for part in (t["column"], t["value"] and f"“{t['value']}”") if part
    )
    return f"{where}{written}: {what}"


def unreadable_text(params: dict[str, Any], language: str) -> str:
    """Why a file can't be read, and where known on which line."""
    what = i18n.t(f"import.unreadable.{params.get('why', 'not_text')}", language, **params)
    row = params.get("row")
    if row:
        return f"{i18n.t('import.row', language, row=str(row))}: {what}"
    return f"{what[:1].upper()}{what[1:]}."
