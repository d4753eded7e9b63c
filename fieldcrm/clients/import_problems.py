"""The problems of an import as a table in the reader's language, to put the list right by.

While the file is kept, all of them: its rows are looked at once more. Of a run what its report has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fieldcrm.clients import export_forms, import_texts, importing
from fieldcrm.clients.export_forms import Row, Sheet
from fieldcrm.clients.model import ImportNotReady
from fieldcrm.clients.tables import ImportRun
from fieldcrm.kit import i18n
from fieldcrm.people.model import Actor

CUT_AT = 80
"""Letters of a value that a problem keeps to be shown."""
MOST = 50_000
"""Problems in one file; nobody puts more right row by row."""
COLUMNS = ("row", "column", "value", "problem", "weight")
WIDTHS = (8, 24, 40, 60, 20)


@dataclass(frozen=True)
class Problems:
    """Problems of a file by row, those of the whole file first."""

    some: list[dict[str, Any]]
    total: int
    columns: Mapping[str, str]
    """Field -> the column of the file that fills it; a column of the file -> itself."""
    short: str = ""
    """The text that says why there are more than these."""


def problems_file(actor: Actor, run_id: str, form: str) -> bytes:
    """The problems of a preview or run as csv or xlsx; no cell starts a formula.

    Raises ImportNotFound, and ImportNotReady while a run goes or the rows weren't looked at.
    """
    found, lang = _found(actor, run_id), actor.language
    titles = [i18n.t(f"admin.import.{name}", lang) for name in COLUMNS]
    name = i18n.t("admin.import.problems", lang).strip()
    return export_forms.sheet_bytes(form, Sheet(name, titles, WIDTHS, _rows(found, lang)))


def _rows(found: Problems, language: str) -> Iterator[Row]:
    for t in found.some:
        text = import_texts.reason(t, language)
        column = _column(t["column"], found.columns, language)
        yield (
            t["row"] or "",
            column,
            t["value"],
            text[:1].upper() + text[1:],
            _weight(t, language),
        )
    if found.short:
        told = i18n.t(found.short, language, n=found.total, shown=len(found.some))
        yield ("", "", "", told, "")


def _column(name: str, columns: Mapping[str, str], language: str) -> str:
    """A column as the file calls it; a field that no column fills as the product does."""
    key = f"admin.field.{name}"
    return columns.get(name) or (i18n.t(key, language) if i18n.has(key) else name)


def _weight(trouble: Mapping[str, Any], language: str) -> str:
    blocks = "blocks" if trouble["row"] else "blocks_file"
    return i18n.t(f"admin.import.{blocks if trouble['blocks'] else 'warns'}", language)


# ---- where they are ----


def _found(actor: Actor, run_id: str) -> Problems:
    run = importing.run_of(actor, run_id)
    if run.status == "running":
        raise ImportNotReady(status=run.status)
    return _looked(actor, run) if run.status == "preview" else _kept(run)


def _looked(actor: Actor, run: ImportRun) -> Problems:
    """Of a kept file, its rows looked at once more."""
    outcome = importing.look_again(actor, run.id, MOST)
    some = _sorted(asdict(t) for t in outcome.shown_troubles)
    if any(_may_be_cut(t) for t in some):
        some = _whole(actor, run.id, some)
    short = "import.problems.long" if outcome.troubles > len(some) else ""
    return Problems(some, outcome.troubles, _columns(run), short)


def _columns(run: ImportRun) -> dict[str, str]:
    mapping = run.report.get("rules", {}).get("mapping", {})
    filled = {field: column for column, field in mapping.items()}
    return filled | {column: column for column in run.report.get("columns", ())}


def _whole(actor: Actor, run_id: str, some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Long values as they stand in the file, which is read again for them."""
    table = importing.table_of(actor, run_id)
    cut = {t["row"] for t in some if _may_be_cut(t)}
    cells = {n: dict(zip(table.columns, row, strict=True)) for n, row in table.rows if n in cut}

    def value(t: dict[str, Any]) -> str:
        there = cells.get(t["row"], {}).get(t["column"], "")
        return there if there.startswith(t["value"]) else t["value"] + "…"

    return [t | {"value": value(t)} if _may_be_cut(t) else t for t in some]


def _kept(run: ImportRun) -> Problems:
    """Of a run: the file is gone, and its report has only so many."""
    some = _sorted(run.report.get("troubles", []))
    of_file = sum(t["row"] == 0 for t in some)
    total = of_file + sum(run.report.get("trouble_counts", {}).values())
    some = [t | {"value": t["value"] + "…"} if _may_be_cut(t) else t for t in some]
    short = "import.problems.kept" if total > len(some) else ""
    return Problems(some, total, _columns(run), short)


def _may_be_cut(trouble: Mapping[str, Any]) -> bool:
    return len(trouble["value"]) == CUT_AT


def _sorted(troubles: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(troubles, key=lambda t: t["row"])
