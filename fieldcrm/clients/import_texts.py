"""What an import says to a person: troubles, refusals, reports, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from fieldcrm.clients.model import Trouble
from fieldcrm.kit import i18n

SHOWN = 50
"""Troubles that a report for a terminal names."""


def report_text(report: Mapping[str, Any], language: str = i18n.DEFAULT) -> str:
    """What was done, or which rows keep it from being done and why."""
    if "unreadable" in report:
        return unreadable_text(report["unreadable"], language)
    lines = [i18n.t(f"import.status.{report['status']}", language)]
    if above := above_text(report.get("table", {}), language):
        lines.append(above)
    lines += [i18n.t(f"import.count.{k}", language, n=n) for k, n in report["counts"].items() if n]
    lines += [trouble_text(t, language) for t in report["troubles"][:SHOWN]]
    if report.get("run_id") and report["status"] == "done":
        lines.append(i18n.t("import.undo_by", language, id=report["run_id"]))
    return "\n".join(lines)


def above_text(table: Mapping[str, Any], language: str) -> str:
    """Which lines above the header were left out, each as it is written; empty for none."""
    above = table.get("above")
    if not above:
        return ""
    named = (f"{i18n.t('import.row', language, row=str(a['row']))} “{a['text']}”" for a in above)
    told = {"header": str(table["header_row"]), "lines": ", ".join(named)}
    return i18n.t("import.above", language, n=len(above), **told)


def trouble_text(trouble: Mapping[str, Any] | Trouble, language: str) -> str:
    """One trouble in words: row, column, what was written, what is wrong."""
    t = asdict(trouble) if isinstance(trouble, Trouble) else trouble
    what = reason(t, language)
    written = "".join(
        f" {part}" for part in (t["column"], t["value"] and f"“{t['value']}”") if part
    )
    if not t["row"]:
        return f"{written.strip()}: {what}" if written else what
    return f"{i18n.t('import.row', language, row=str(t['row']))}{written}: {what}"


def reason(trouble: Mapping[str, Any], language: str = i18n.DEFAULT) -> str:
    """What is wrong, in words."""
    return i18n.t(f"import.trouble.{trouble['code']}", language, **trouble["params"])


def unreadable_text(params: Mapping[str, Any], language: str) -> str:
    """Why a file can't be read, and where known on which line."""
    what = i18n.t(f"import.unreadable.{params.get('why', 'not_text')}", language, **params)
    row = params.get("row")
    if row:
        return f"{i18n.t('import.row', language, row=str(row))}: {what}"
    return f"{what[:1].upper()}{what[1:]}."


def obstacle_text(obstacle: Any, language: str) -> str:
    """What stands against an undo: `Alpha: changed by Aino, 3 May 10:00`."""
    if obstacle.what != "changed":
        key = f"import.against.{obstacle.what}"
        known = key if key in i18n.catalogue(language) else "import.against.other"
        return f"{obstacle.name}: {i18n.t(known, language)}"
    by = obstacle.by or i18n.t("import.against.somebody", language)
    at = i18n.moment(obstacle.at, language) if obstacle.at else ""
    return f"{obstacle.name}: {i18n.t('import.against.changed', language, by=by, at=at)}"
