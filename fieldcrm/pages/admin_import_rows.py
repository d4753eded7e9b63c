"""What the import shows: columns, totals, problems, rows as they would become, runs of the past."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fieldcrm.clients import importing
from fieldcrm.clients.model import ClientKind, ImportPreview
from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.kit import i18n
from fieldcrm.people import service as people


@dataclass
class ColumnRow:
    """A column of the file, an example of it, the field it fills."""

    name: str
    sample: str
    field: str
    troubles: str
    has_troubles: bool


@dataclass
class TroubleRow:
    """What is wrong with a row."""

    row: str
    blocks: bool
    column: str
    value: str
    text: str


@dataclass
class FieldRow:
    """A field of a row as it would become; of a known client with what stands there now."""

    name: str
    before: str
    after: str


@dataclass
class ExampleRow:
    """A row as it would become."""

    row: str
    action: str
    action_word: str
    name: str
    fields: list[FieldRow]


@dataclass
class Totals:
    """What the import would do."""

    creates: int = 0
    updates: int = 0
    keeps: int = 0
    rejects: int = 0
    blocks: int = 0
    """What keeps the whole file out."""
    texts: dict[str, str] = field(default_factory=dict)


@dataclass
class RunRow:
    """An import of the past."""

    id: str
    at: str
    who: str
    file_name: str
    status: str
    status_word: str
    told: str
    can_undo: bool
    """Whether it wrote anything and nobody has undone it; somebody may still have built on it."""


def column_rows(made: ImportPreview, language: str) -> list[ColumnRow]:
    first = made.table["first"]
    counted: dict[str, int] = {}
    for trouble in made.troubles:
        counted[trouble.column] = counted.get(trouble.column, 0) + 1
    rows = []
    for n, name in enumerate(made.table["columns"]):
        sample = next((cells[n] for cells in first if n < len(cells) and cells[n]), "")
        to = made.rules.mapping.get(name, "")
        bad = counted.get(name, 0) + (counted.get(to, 0) if to and to != name else 0)
        rows.append(ColumnRow(name, sample[:60], to, i18n.number(bad, language), bad > 0))
    return rows


def count_totals(counts: dict[str, int], language: str) -> Totals:
    texts = {k: i18n.number(v, language) for k, v in counts.items()}
    keeps = counts["unchanged"] + counts["skipped"]
    texts["unchanged"] = i18n.number(keeps, language)
    return Totals(
        counts["create"], counts["update"], keeps, counts["rejected"], counts["blocking"], texts
    )


def trouble_row(t: dict[str, Any], language: str) -> TroubleRow:
    text = i18n.t(f"import.trouble.{t['code']}", language, **t["params"])
    row = i18n.number(t["row"], language) if t["row"] else "—"
    name = f"admin.field.{t['column']}"
    known = (
        i18n.t(name, language) if t["column"] and name in i18n.catalogue(language) else t["column"]
    )
    return TroubleRow(row, t["blocks"], known, t["value"], text[:1].upper() + text[1:])


def example_row(e: dict[str, Any], language: str) -> ExampleRow:
    is_update = e["action"] == "update"
    fields = [
        _field_row(k, v, e, language) for k, v in e["fields"].items()
        if is_update or (k != "name" and v not in (None, "", []))
    ]  # fmt: skip
    return ExampleRow(i18n.number(e["row"], language), e["action"], i18n.t(f"admin.import.{e['action']}", language),
                      e["name"] or "", fields)  # fmt: skip


def _field_word(name: str, language: str) -> str:
    key = f"admin.field.{name}"
    known = key in i18n.catalogue(language)
    return i18n.t(key, language) if known else name.removeprefix(PREFIX)


def _field_row(name: str, value: Any, e: dict[str, Any], language: str) -> FieldRow:
    """`City`, `Espoo`, `Helsinki`; of a new client without a before."""
    if name == "territory_id":
        return FieldRow(_field_word("territory", language), "", e["territory"] or "")
    before = ""
    if e["action"] == "update":
        before = _value_word(name, e["before"][name], language)
    return FieldRow(_field_word(name, language), before, _value_word(name, value, language))


def _value_word(name: str, value: Any, language: str) -> str:
    if name == "kind" and value in ClientKind:
        return i18n.t(f"admin.client.{value}", language)
    if value in (None, "", []):
        return "—"
    if isinstance(value, float):
        return i18n.number(round(value, 5), language, 5)
    return ", ".join(value) if isinstance(value, list) else str(value)


def past_runs(actor: Any, language: str) -> list[RunRow]:
    names = {u.id: u.name for u in people.list_users(actor)}
    rows = []
    for run in importing.list_runs(actor, 40):
        if run.status == "preview" or (run.status == "cancelled" and not run.report):
            continue  # looked at only, or read again by other rules
        counts = run.report.get("counts", {}) if run.report else {}
        told = [i18n.t(f"import.count.{k}", language, n=n) for k, n in counts.items() if n]
        can_undo = (
            run.status in ("done", "stopped")
            and counts.get("create", 0) + counts.get("update", 0) > 0
        )
        rows.append(RunRow(run.id, i18n.moment(run.started_at, language), names.get(run.actor_id or "", "—"),
                           run.file_name, run.status, i18n.t(f"admin.import.status.{run.status}", language),
                           " · ".join(told), can_undo or run.status == "stopped"))  # fmt: skip
    return rows
