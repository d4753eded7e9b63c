"""Clients as CSV and XLSX files that open in a spreadsheet and come back through the import."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from fieldcrm.clients import service
from fieldcrm.clients.model import ClientFilters
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import NUMBERS, PREFIX, OwnField
from fieldcrm.clients.tables import Client
from fieldcrm.kit import events
from fieldcrm.kit.database import transaction
from fieldcrm.people.model import Actor

COLUMNS = (
    "external_id", "name", "kind", "specialty", "category", "loyalty", "phone", "email", "website",
    "address", "city", "postcode", "lat", "lng", "opening_hours", "visit_minutes", "territory",
    "tags", "note",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
WIDTHS = {"name": 32, "address": 32, "note": 40, "opening_hours": 24}


def export_csv(actor: Actor, search: str = "", filters: ClientFilters | None = None) -> bytes:
    """UTF-8 with its mark, so that spreadsheets read it right; no cell starts a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    own = ownfields.list_fields(actor)
    writer.writerow(_titles(own))
    for row in _rows(actor, search, filters, own):
        writer.writerow([guarded(cell) for cell in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def guarded(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula, behind an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def export_xlsx(actor: Actor, search: str = "", filters: ClientFilters | None = None) -> bytes:
    """A workbook whose texts are texts: never formulas, links or numbers."""
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "constant_memory": True}) as book:
        sheet = book.add_worksheet("clients")
        bold = book.add_format({"bold": True})
        own = ownfields.list_fields(actor)
        for column, title in enumerate(_titles(own)):
            sheet.set_column(column, column, WIDTHS.get(title, 16))
            sheet.write_string(0, column, title, bold)
        sheet.freeze_panes(1, 0)
        for line, row in enumerate(_rows(actor, search, filters, own), 1):
            for column, cell in enumerate(row):
                _write(sheet, line, column, cell)
    return out.getvalue()


def _write(sheet: Any, line: int, column: int, cell: Any) -> None:
    if isinstance(cell, int | float):
        sheet.write_number(line, column, cell)
    elif cell:
        sheet.write_string(line, column, cell)


def _titles(own: list[OwnField]) -> list[str]:
    """By which the import knows the columns again."""
    return [*COLUMNS, *(PREFIX + f.name for f in own)]


def _rows(
    actor: Actor, search: str, filters: ClientFilters | None, own: list[OwnField]
) -> Iterator[list[Any]]:
    """Every client in scope that fits, and a note in the log of who took how many."""
    territories = {t.id: t.name for t in service.list_territories(actor)}
    taken, cursor = 0, None
    while True:
        page = service.find(actor, search, filters, "name", service.LIMIT_MAX, cursor)
        for client in page.rows:
            values = [_own_cell(f, client, actor.language) for f in own]
            yield [*_cells(client, territories), *values]
        taken, cursor = taken + len(page.rows), page.cursor
        if cursor is None:
            break
    with transaction() as session:
        events.record(
            session, "clients.exported", None, actor_id=actor.user_id or None,
            source=actor.source, data={"rows": taken, "search": search[:200]},
        )  # fmt: skip


def _own_cell(own: OwnField, client: Client, language: str) -> Any:
    """Numbers and days as they are kept, the rest in words; all of it can be imported again."""
    value = client.own_fields.get(own.name)
    if isinstance(value, bool) or own.field.type not in (*NUMBERS, "date"):
        return ownfields.text_of(own, value, language)
    return "" if value is None else value


def _cells(client: Client, territories: dict[str, str]) -> list[Any]:
    found = client.model_dump()
    found["territory"] = territories.get(client.territory_id or "")
    found["tags"] = ", ".join(client.tags)
    return ["" if found[c] is None else found[c] for c in COLUMNS]
