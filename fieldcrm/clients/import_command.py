"""Import and undo from the command line."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from fieldcrm.clients import import_templates, import_texts, import_undo, importing
from fieldcrm.clients.importing import Progress
from fieldcrm.clients.model import (
    ImportBlocked,
    ImportBuiltOn,
    ImportNotFound,
    ImportNotReady,
    ImportPreview,
    UnreadableTable,
)
from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor, Role

ACTOR = Actor(user_id="", role=Role.admin, team_ids=frozenset(), source="cli")


_TOLD_OF_TABLE = ("encoding", "delimiter", "has_header", "header_row", "above")


def _quiet(_share: float, _what: str) -> None:
    """Nobody watches."""


def import_file(
    path: Path, mapping: dict[str, str] | None = None, match: str | None = None,
    mode: str | None = None, dry_run: bool = False, progress: Progress = _quiet,
    constants: dict[str, str] | None = None, has_header: bool | None = None,
    whole: bool = False, template: str | None = None, save_as: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Import a file of this machine, or with `dry_run` only say what would become of it.

    Returns a report whose `status` is preview, done or failed; raises TooLarge. `mapping` and `constants` add to
    those of the `template`, and these to the suggested ones; `save_as` keeps what was used.
    """
    try:
        importing.check_size(path.stat().st_size)  # before a huge one is read
        content = path.read_bytes()
        seen = _previewed(
            path.name,
            content,
            template,
            mapping,
            match,
            mode,
            constants,
            has_header,
            whole,
            progress,
        )
    except OSError as error:
        return _unread({"why": "no_file", "reason": error.strerror or str(error)})
    except UnreadableTable as error:
        return _unread(error.params)
    if save_as:
        import_templates.save(ACTOR, save_as, seen.run_id)
    report = {"run_id": seen.run_id, "table": seen.table, "rules": asdict(seen.rules), "counts": seen.counts,
              "troubles": [asdict(t) for t in seen.troubles], "rejected": seen.rejected}  # fmt: skip
    if dry_run:
        importing.discard(ACTOR, seen.run_id)
        return {"status": "preview", **report, "run_id": None}
    try:
        return report | importing.run_import(ACTOR, seen.run_id, progress)
    except ImportBlocked:
        return {"status": "failed", **report}


def _previewed(
    name: str, content: bytes, template: str | None, mapping: dict[str, str] | None,
    match: str | None, mode: str | None, constants: dict[str, str] | None,
    has_header: bool | None, whole: bool, progress: Progress,
) -> ImportPreview:  # fmt: skip
    kept = import_templates.get(ACTOR, template) if template else None
    rules = kept.rules if kept else {}
    if has_header is None and kept:
        has_header = kept.has_header
    return importing.preview_import(
        ACTOR, name, content, _joined(name, content, rules.get("mapping"), mapping, has_header),
        match=match or rules.get("match"), mode=mode or rules.get("mode") or "upsert",
        constants=rules.get("constants", {}) | (constants or {}), has_header=has_header,
        whole=whole or bool(rules.get("whole")), progress=progress,
    )  # fmt: skip


def _joined(
    name: str, content: bytes, kept: dict[str, str] | None, given: dict[str, str] | None,
    has_header: bool | None,
) -> dict[str, str] | None:  # fmt: skip
    """What the person says of columns goes before the template, and this before a suggestion."""
    if not given:
        return kept
    if kept is None:
        kept = importing.suggested(importing.read(name, content, given, has_header))
    rest = {c: f for c, f in kept.items() if f not in given.values() and c not in given}
    return rest | {c: f for c, f in given.items() if f}


def _unread(why: dict[str, Any]) -> dict[str, Any]:
    return {"status": "failed", "unreadable": why, "counts": {}, "troubles": [], "rejected": []}


def as_json(report: dict[str, Any]) -> dict[str, Any]:
    """The report for a program: each row is in one of the counts, or named in `rejected`."""
    counts, is_in = report["counts"], report["status"] != "failed"
    out: dict[str, Any] = {
        "status": report["status"], "import_id": report.get("run_id") if is_in else None,
        "rows": counts.get("rows", 0),
        "created": counts.get("create", 0) if is_in else 0,
        "updated": counts.get("update", 0) if is_in else 0,
        "unchanged": counts.get("unchanged", 0) if is_in else 0,
        "rejected": [_rejection(r) for r in report["rejected"]],
        "warnings": counts.get("warnings", 0),
    }  # fmt: skip
    if "unreadable" in report:
        out["reason"] = import_texts.unreadable_text(report["unreadable"], i18n.DEFAULT)
    elif not is_in:
        out["reason"] = [import_texts.reason(t) for t in report["troubles"] if t["row"] == 0]
    if "rules" in report:
        out |= {k: report["rules"][k] for k in ("mapping", "constants", "match", "mode")}
        out |= {k: report["table"][k] for k in _TOLD_OF_TABLE}
        out["warned"] = [_rejection(t) for t in report["troubles"] if not t["blocks"]]
    return out


def _rejection(found: dict[str, Any]) -> dict[str, Any]:
    return {"row": found["row"], "column": found["column"], "reason": import_texts.reason(found),
            "code": found["code"], "value": found["value"]}  # fmt: skip


def undo(run_id: str, progress: Progress = _quiet) -> dict[str, Any]:
    """Undo an import; `status` is undone, built_on with what stands against it, or refused."""
    try:
        return import_undo.undo_import(ACTOR, run_id, progress)
    except ImportBuiltOn as error:
        found = import_undo.against(ACTOR, run_id)
        told = [import_texts.obstacle_text(o, i18n.DEFAULT) for o in found.some]
        return {
            "status": "built_on",
            "import_id": run_id,
            "clients": error.params["n"],
            "against": told,
        }
    except (ImportNotFound, ImportNotReady) as error:
        reason = i18n.t(f"error.{error.code}", i18n.DEFAULT)
        return {"status": "refused", "import_id": run_id, "reason": reason}


def undo_lines(told: dict[str, Any]) -> list[str]:
    """The same for a person."""
    if told["status"] == "undone":
        return [
            i18n.t(
                "import.undone", i18n.DEFAULT, removed=told["removed"], restored=told["restored"]
            )
        ]
    if told["status"] == "refused":
        return [told["reason"]]
    return [i18n.t("error.import_built_on", i18n.DEFAULT, n=told["clients"]), *told["against"]]
