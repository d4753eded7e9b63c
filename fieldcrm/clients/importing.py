"""Import of clients: read a file, say what it would do with each row, do it, keep the way back.

A row that can't be taken is named and left out; the person may also choose all of the file or
nothing. Rows are written in pieces, so that phones and desks come through between them; a run that
is cancelled or fails takes back what it had written.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import msgspec
from redis import RedisError
from sqlmodel import Session

from fieldcrm.clients import (
    import_plan,
    import_reading,
    import_rows,
    import_rules,
    import_store,
    import_undo,
    import_write,
    rules,
    store,
    tabular,
)
from fieldcrm.clients.import_outcome import SHOWN_TROUBLES, Outcome
from fieldcrm.clients.import_plan import CREATE, Planner, Step, Told
from fieldcrm.clients.import_rows import Around
from fieldcrm.clients.model import (
    ImportBlocked,
    ImportNotFound,
    ImportNotReady,
    ImportPreview,
    ImportRules,
    Table,
)
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields import store as own_store
from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.clients.tables import ImportRun
from fieldcrm.kit import clock, events, facts, feed, ids, jobs
from fieldcrm.kit.database import reading, transaction
from fieldcrm.kit.errors import TooLarge
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.kit.settings import settings
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor, Role

Progress = Callable[[float, str], None]
"""Called with a share (0 to 1) and a catalogue key; may raise jobs.Cancelled."""
KEEP_PREVIEWS_H = 24
CHECKED = 0.3
"""Share of a run after which writing begins."""


def _quiet(_share: float, _what: str) -> None:
    """Nobody watches."""


# ---- preview ----


def preview_import(
    actor: Actor, file_name: str, content: bytes, mapping: dict[str, str] | None = None, *,
    match: str | None = None, mode: str = "upsert", constants: dict[str, str] | None = None,
    has_header: bool | None = None, whole: bool = False, progress: Progress = _quiet,
) -> ImportPreview:  # fmt: skip
    """What importing a file would do, with the troubles of its rows; keeps it for `run_import`.

    Without `mapping` (column -> field) one is suggested, without `match` the key that tells clients
    best. `constants` are fields that every row without its own value gets, such as kind, country or
    territory. With `whole` one rejected row keeps all others out. Raises UnreadableTable, TooLarge.
    """
    _check_taken(actor, content)
    progress(0.0, "import.reading")
    table = read(file_name, content, mapping, has_header)
    around = _around()
    chosen = _rules(file_name, table, mapping, match, mode, constants, whole, around)
    around = replace(around, referred=_referred(actor, table, chosen, around))
    run_id = _keep(actor, file_name, content, chosen, table)
    try:
        told = _spool(run_id, table, chosen, around, progress)
        described = _described(table)
        del table
        found = _check(
            actor, run_id, chosen, told, described["rows"],
            lambda share: progress(0.5 + share / 2, "import.checking"),
        )  # fmt: skip
    except BaseException:
        _forget(run_id)
        raise
    return ImportPreview(
        run_id, file_name, described, chosen, found.counts, found.shown_troubles, found.examples,
        found.rejected,
    )  # fmt: skip


def keep_file(actor: Actor, file_name: str, content: bytes) -> str:
    """Take in a file that can be read; the id of the run for `preview_again`, which looks at its rows.

    Raises UnreadableTable, TooLarge.
    """
    _check_taken(actor, content)
    table = read(file_name, content, None, None)
    chosen = _rules(file_name, table, None, None, "upsert", None, False, _around())
    return _keep(actor, file_name, content, chosen, table)


def _check_taken(actor: Actor, content: bytes) -> None:
    people.require(actor, Role.admin)
    check_size(len(content))


def check_size(size: int) -> None:
    """Raise TooLarge for a file of so many bytes that no import takes it."""
    if size > settings().upload_limit_mb << 20:
        raise TooLarge(limit_mb=settings().upload_limit_mb)


def read(
    file_name: str, content: bytes, mapping: dict[str, str] | None, has_header: bool | None
) -> Table:
    """The table; a mapping of columns that only a row of titles can name makes it one."""
    table = tabular.read_table(file_name, content, has_header)
    if mapping and has_header is None and not set(mapping) <= set(table.columns):
        return tabular.read_table(file_name, content, not table.has_header)
    return table


def preview_again(
    actor: Actor, run_id: str, mapping: dict[str, str] | None = None, *, match: str | None = None,
    mode: str = "upsert", constants: dict[str, str] | None = None, has_header: bool | None = None,
    whole: bool = False, progress: Progress = _quiet,
) -> ImportPreview:  # fmt: skip
    """The kept file read by other rules; its earlier preview is forgotten.

    Raises what `progress` raises; the earlier preview then stands.
    """
    run, content = _load(actor, run_id)
    made = preview_import(
        actor, run.file_name, content, mapping, match=match, mode=mode, constants=constants,
        has_header=has_header, whole=whole, progress=progress,
    )  # fmt: skip
    discard(actor, run_id)
    return made


def _around() -> Around:
    with reading() as session:
        own = tuple(f for f in ownfields.fields_in(session) if not f.is_archived and f.is_imported)
        place = store.mean_place(session)
    today = clock.local(clock.now()).date().isoformat()
    return Around(place, rules.country_of(settings().timezone), own, day=today)


def _referred(
    actor: Actor, table: Table, chosen: ImportRules, around: Around
) -> dict[str, dict[str, str]]:
    """Own field -> what stands in its column -> id of the client that it names."""
    found = {}
    for column, name in chosen.mapping.items():
        own = next((f for f in around.own if PREFIX + f.name == name), None)
        if own is None or own.field.type != "reference":
            continue
        index = table.columns.index(column)
        texts = {cells[index].strip() for _, cells in table.rows if cells[index].strip()}
        with reading() as session:
            named = own_store.referred(session, actor, texts)
        found[own.name] = import_rules.who_is_meant(own, texts, named)
    return found


def _names(table: Table, mapping: dict[str, str]) -> list[str]:
    columns = [table.columns.index(c) for c, f in mapping.items() if f == "name"]
    return [cells[i] for cells in import_rules.sample_rows(table) for i in columns]


def _rules(
    file_name: str, table: Table, mapping: dict[str, str] | None, match: str | None, mode: str,
    constants: dict[str, str] | None, whole: bool, around: Around,
) -> ImportRules:  # fmt: skip
    chosen = _suggested(table, around) if mapping is None else mapping
    given = {f: v for f, v in (constants or {}).items() if v}
    known = ImportRules(chosen, given, match or "external_id", mode, whole)
    import_rules.check_rules(known, table, around.own)
    if "kind" not in given:
        given["kind"] = import_rules.usual_kind(file_name, _names(table, chosen)).value
    country = None if "country" in given else import_rules.country_of_file(table, chosen)
    if country:
        given["country"] = country
    return ImportRules(chosen, given, match or _best_match(table, chosen), mode, whole)


def suggested(table: Table) -> dict[str, str]:
    """Column -> field, own fields among them, as a preview takes it when nobody says otherwise."""
    return _suggested(table, _around())


def _suggested(table: Table, around: Around) -> dict[str, str]:
    found = import_rules.suggest(table, around.known_place)
    return found | import_rules.own_titles(table, found, around.own)


def _best_match(table: Table, mapping: dict[str, str]) -> str:
    """The key that tells best; codes that other lists' clients have already tell nobody."""
    best = import_rules.best_match(mapping, table)
    columns = {f: table.columns.index(c) for c, f in mapping.items()}
    if best != "external_id" or "name" not in columns:
        return best
    code, name = columns["external_id"], columns["name"]
    written = {cells[code]: cells[name] for _, cells in table.rows if cells[code] and cells[name]}
    with reading() as session:
        there = import_store.names_by_external_id(session, written.keys())
    return "code_name" if import_plan.are_anothers(there, written) else best


def _described(table: Table) -> dict[str, Any]:
    return {
        "columns": table.columns, "has_header": table.has_header, "encoding": table.encoding,
        "delimiter": table.delimiter, "rows": len(table.rows) + len(table.bad),
        "first": [cells for _, cells in table.rows[:5]], "header_row": table.header_row,
        "above": [{"row": number, "text": text} for number, text in table.above],
    }  # fmt: skip


def _spool(
    run_id: str, table: Table, chosen: ImportRules, around: Around, progress: Progress
) -> Told:
    """Understand every row and lay it beside the file, for this look at it and for the run."""
    total = len(table.rows) or 1

    def told_of() -> Any:
        for n, row in enumerate(import_reading.understood(table, chosen, around)):
            if n % import_plan.PIECE == 0:
                progress(min(0.5, n / total / 2), "import.reading")
            yield row

    told = import_plan.spool(_rows_file(run_id), told_of(), chosen.match)
    _told_file(run_id).write_bytes(msgspec.msgpack.encode(told))
    return told


def _check(
    actor: Actor, run_id: str, chosen: ImportRules, told: Told, total: int,
    progress: Callable[[float], None], most: int = SHOWN_TROUBLES,
) -> Outcome:  # fmt: skip
    """What would become of every row, with so many of its troubles."""
    found, done = Outcome(chosen, most), 0
    with reading() as session:
        planner = Planner(session, actor, chosen, told)
        for rows in import_plan.unspool(_rows_file(run_id)):
            found.add(planner.steps(rows))
            done += len(rows)
            progress(done / total)
    found.close()
    return found


# ---- keeping the file until it is run ----


def _folder() -> Path:
    return settings().files_dir / "imports"


def _rows_file(run_id: str) -> Path:
    return _folder() / f"{run_id}.rows"


def _told_file(run_id: str) -> Path:
    return _folder() / f"{run_id}.told"


def _told(run_id: str) -> Told:
    return msgspec.msgpack.decode(_told_file(run_id).read_bytes(), type=Told)


def _keep(actor: Actor, file_name: str, content: bytes, chosen: ImportRules, table: Table) -> str:
    run_id = ids.new_id()
    _folder().mkdir(parents=True, exist_ok=True)
    _drop_old()
    (_folder() / run_id).write_bytes(content)
    with transaction() as session:
        session.add(
            ImportRun(
                id=run_id, file_name=file_name[:200], actor_id=actor.user_id or None,
                started_at=clock.now(), report={
                    "rules": asdict(chosen), "has_header": table.has_header,
                    "columns": table.columns, "rows": len(table.rows) + len(table.bad),
                },
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


def _drop_files(run_id: str) -> None:
    for path in (_folder() / run_id, _rows_file(run_id), _told_file(run_id)):
        path.unlink(missing_ok=True)


def _load(actor: Actor, run_id: str) -> tuple[ImportRun, bytes]:
    run = _kept(actor, run_id)
    return run, (_folder() / run.id).read_bytes()


def _previewed(actor: Actor, run_id: str) -> ImportRun:
    """A kept file whose rows have been looked at."""
    run = _kept(actor, run_id)
    if not (_rows_file(run.id).is_file() and _told_file(run.id).is_file()):
        raise ImportNotReady(status=run.status)
    return run


def run_of(actor: Actor, run_id: str) -> ImportRun:
    """A preview or run; raises ImportNotFound."""
    people.require(actor, Role.admin)
    with reading() as session:
        run = store.import_run(session, run_id)
    if run is None:
        raise ImportNotFound()
    return run


def _kept(actor: Actor, run_id: str) -> ImportRun:
    run = run_of(actor, run_id)
    if run.status != "preview" or not (_folder() / run.id).is_file():
        raise ImportNotReady(status=run.status)
    return run


def look_again(actor: Actor, run_id: str, most: int) -> Outcome:
    """What a kept file would do as the base stands now, with so many of its troubles.

    Raises ImportNotFound, ImportNotReady when its rows were never looked at or it has run.
    """
    run = _previewed(actor, run_id)
    chosen = ImportRules(**run.report["rules"])
    return _check(actor, run.id, chosen, _told(run.id), run.report["rows"], lambda _: None, most)


def table_of(actor: Actor, run_id: str) -> Table:
    """A kept file as it stands; raises ImportNotFound, ImportNotReady."""
    run, content = _load(actor, run_id)
    return tabular.read_table(run.file_name, content, run.report["has_header"])


def discard(actor: Actor, run_id: str) -> None:
    """Forget a preview: nothing of it is left."""
    _kept(actor, run_id)
    _forget(run_id)


def _forget(run_id: str) -> None:
    with transaction() as session:
        import_store.forget(session, run_id)
    _drop_files(run_id)


# ---- running ----


def run_import(actor: Actor, run_id: str, progress: Progress = _quiet) -> dict[str, Any]:
    """Import a previewed file; returns its report with every rejected row.

    Raises ImportBlocked when the file can't come in and Cancelled when `progress` does so or
    somebody called `cancel_import`; either way nothing has changed.
    """
    run = _previewed(actor, run_id)
    chosen = ImportRules(**run.report["rules"])
    told = _told(run_id)
    _claim(run_id)
    progress = _heard_everywhere(run_id, progress)
    found = Outcome(chosen)
    try:
        progress(0.0, "import.checking")
        found = _check(
            actor, run_id, chosen, told, run.report["rows"],
            lambda share: progress(CHECKED * share, "import.checking"),
        )  # fmt: skip
        if found.counts["blocking"]:
            raise ImportBlocked(n=found.counts["blocking"])
        found = _write(actor, run, chosen, told, found, progress)
        report = _finish_done(actor, run, found)
        _say_done(progress)
    except BaseException as error:
        _give_up(actor, run_id, error, found)
        raise
    finally:
        _drop_files(run_id)
    return report


def _say_done(progress: Progress) -> None:
    """Whoever cancels now is too late: everything is in."""
    with contextlib.suppress(Cancelled):
        progress(1.0, "import.done")


def cancel_import(actor: Actor, run_id: str) -> None:
    """Ask a running import to stop, whichever process runs it; nothing will have changed.

    Raises ImportNotFound, ImportNotReady when it is not running.
    """
    run = run_of(actor, run_id)
    if run.status != "running":
        raise ImportNotReady(status=run.status)
    jobs.cancel(run_id)


def _heard_everywhere(run_id: str, progress: Progress) -> Progress:
    """The same, listening for a cancel too; with Redis away an import can't be cancelled."""

    def tell(share: float, what: str) -> None:
        with contextlib.suppress(RedisError):
            import_undo.beat(run_id)
            jobs.report(run_id, share, what)
        progress(share, what)

    return tell


def _claim(run_id: str) -> None:
    """Two presses of one button run one import."""
    with contextlib.suppress(RedisError):
        import_undo.beat(run_id)
    with transaction() as session:
        run = session.get(ImportRun, run_id, with_for_update=True)
        if run is None or run.status != "preview":
            raise ImportNotReady(status=run.status if run else "")
        run.status = "running"
        run.report = run.report | {"sample_before": facts.get(session, facts.SAMPLE)}


def _write(
    actor: Actor, run: ImportRun, chosen: ImportRules, told: Told, checked: Outcome,
    progress: Progress,
) -> Outcome:  # fmt: skip
    """Write the file a piece at a time; what became of every row."""
    found, done = Outcome(chosen), 0
    total = checked.counts["rows"] or 1
    for rows in import_plan.unspool(_rows_file(run.id)):
        progress(CHECKED + (0.95 - CHECKED) * done / total, "import.writing")
        found.add(_write_piece(actor, run, chosen, told, rows))
        done += len(rows)
    found.close()
    progress(0.95, "import.telling")
    return found


def _write_piece(
    actor: Actor, run: ImportRun, chosen: ImportRules, told: Told, rows: list[import_rows.Row]
) -> list[Step]:
    """Decide a piece and prepare its rows beside the other writers; write what still holds."""
    with reading() as session:
        steps = Planner(session, actor, chosen, told).steps(rows)
    piece = import_write.prepare(steps)
    if not piece.touched:
        return steps
    with transaction() as session:
        feed.take_turn(session)  # before looking: what another import writes now is seen after it
        if not _still_holds(session, steps, chosen.match):
            _clear(rows)
            steps = Planner(session, actor, chosen, told).steps(rows)
            piece = import_write.prepare(steps)
        import_write.write_in(session, actor, run, piece)
    return steps


def _still_holds(session: Session, steps: list[Step], match: str) -> bool:
    """Whether nobody has written between deciding and the turn to write."""
    versions = {s.client["id"]: s.client["version"] for s in steps if s.client}
    new = import_plan.new_keys([s.changes for s in steps if s.action == CREATE], match)
    return import_store.stand_as_seen(session, versions, new)


def _clear(rows: list[import_rows.Row]) -> None:
    """Forget what deciding said of rows: it is said again."""
    for row in rows:
        row.troubles = [t for t in row.troubles if t.code not in import_plan.SAID_BY_PLANNER]


def _finish_done(actor: Actor, run: ImportRun, found: Outcome) -> dict[str, Any]:
    """The last transaction: the run is done, the log has it as a whole, desks look again."""
    with transaction() as session:
        row = session.get(ImportRun, run.id)
        if row is not None:
            row.status, row.finished_at = "done", clock.now()
            row.report = row.report | found.report
        for team in people.list_teams(actor):
            feed.notify_desk(session, team.id, {"t": "changed", "entity": "client", "id": None})
        events.record(
            session, "clients.imported", run.id, actor_id=actor.user_id or None,
            source=actor.source, data={"file_name": run.file_name, **found.counts},
        )  # fmt: skip
    return {"run_id": run.id, "status": "done", **found.report, "rejected": found.rejected}


def _give_up(actor: Actor, run_id: str, error: BaseException, found: Outcome) -> None:
    """Take back what was written; where somebody has built on it meanwhile, the run stays as
    `stopped` and can be undone once that is settled."""
    with transaction() as session:
        run = session.get(ImportRun, run_id, with_for_update=True)
        if run is None:
            return
        if import_undo.is_free_in(session, actor, run_id):
            import_undo.take_back_in(session, actor, run)
            run.status = "cancelled" if isinstance(error, Cancelled) else "failed"
        else:
            run.status = "stopped"
        run.report, run.finished_at = run.report | found.report, clock.now()


def list_runs(actor: Actor, limit: int = 50) -> list[ImportRun]:
    """The latest imports with their reports, those that were undone (as the log tells) among them."""
    people.require(actor, Role.admin)
    limit = min(limit, 200)
    with reading() as session:
        runs = store.import_runs(session, limit)
        undone = [
            ImportRun(
                id=event.data.get("import_id") or event.id, status="undone", actor_id=event.actor_id,
                file_name=event.data.get("file_name", ""), started_at=event.at, finished_at=event.at,
                report={"counts": {k: event.data.get(k, 0) for k in ("removed", "restored")}},
            )
            for event in import_store.undone(session, limit)
        ]  # fmt: skip
    for run in runs:
        if run.status == "running" and not import_undo.is_alive(run):
            run.status = "stopped"
    return sorted([*runs, *undone], key=lambda r: r.started_at, reverse=True)[:limit]
