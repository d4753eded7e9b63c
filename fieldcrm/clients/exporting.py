"""Clients as files that open in a spreadsheet, map or address book and come back by the import."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fieldcrm.clients import export_forms, service, standing
from fieldcrm.clients.export_forms import guarded as guarded
from fieldcrm.clients.model import ClientFilters
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import NUMBERS, PREFIX, OwnField
from fieldcrm.clients.tables import Client
from fieldcrm.kit import events
from fieldcrm.kit.database import transaction
from fieldcrm.people.model import Actor

COLUMNS = (
    "external_id", "name", "kind", "specialty", "category", "category_evidence", "loyalty",
    "loyalty_evidence", "phone", "email", "website",
    "address", "city", "postcode", "lat", "lng", "opening_hours", "visit_minutes", "territory",
    "tags", "note", *(f"consent_{channel}" for channel in standing.CHANNELS),
)  # fmt: skip

Progress = Callable[[int], None]
"""Told how many rows are written."""
Keep = Callable[[Iterator[list[Any]]], Iterator[list[Any]]]
"""Passes the rows on, or raises where there are too many."""


def _quiet(_rows: int) -> None: ...


def export_csv(actor: Actor, search: str = "", filters: ClientFilters | None = None) -> bytes:
    """The list as CSV, while somebody waits; raises TooManyRows."""
    return _at_once(actor, "csv", search, filters)


def export_xlsx(actor: Actor, search: str = "", filters: ClientFilters | None = None) -> bytes:
    """The same as a workbook."""
    return _at_once(actor, "xlsx", search, filters)


def _at_once(actor: Actor, form: str, search: str, filters: ClientFilters | None) -> bytes:
    with tempfile.TemporaryDirectory(prefix="fieldcrm-export-") as folder:
        path = Path(folder) / f"clients.{form}"
        write(path, form, actor, search, filters, keep=export_forms.few)
        return path.read_bytes()


def write(
    path: Path, form: str, actor: Actor, search: str = "", filters: ClientFilters | None = None,
    sort: str = "name", progress: Progress = _quiet, keep: Keep = iter,
) -> int:  # fmt: skip
    """Write every client in scope that fits into a file of `export_forms.FORMS`; how many there are.

    The log tells who took how many. Raises what `progress` and `keep` raise, and BadClientField.
    """
    own = ownfields.list_fields(actor)
    taken = 0

    def told(rows: Iterator[list[Any]]) -> Iterator[list[Any]]:
        nonlocal taken
        for row in rows:
            taken += 1
            if taken % service.LIMIT_MAX == 0:
                progress(taken)
            yield row

    rows = keep(_rows(actor, search, filters, sort, own))
    export_forms.FORMS[form](path, _titles(own), told(rows))
    with transaction() as session:
        events.record(
            session, "clients.exported", None, actor_id=actor.user_id or None,
            source=actor.source, data={"rows": taken, "search": search[:200]},
        )  # fmt: skip
    return taken


def _titles(own: list[OwnField]) -> list[str]:
    """By which the import knows the columns again."""
    return [*COLUMNS, *(PREFIX + f.name for f in own)]


def _rows(
    actor: Actor, search: str, filters: ClientFilters | None, sort: str, own: list[OwnField]
) -> Iterator[list[Any]]:
    """Every client in scope that fits, as cells."""
    territories = {t.id: t.name for t in service.list_territories(actor)}
    cursor = None
    while True:
        page = service.find(actor, search, filters, sort, service.LIMIT_MAX, cursor)
        names = ownfields.names_of(actor, own, (client.own_fields for client in page.rows))
        for client in page.rows:
            values = [_own_cell(f, client, actor.language, names) for f in own]
            yield [*_cells(client, territories), *values]
        cursor = page.cursor
        if cursor is None:
            return


def _own_cell(own: OwnField, client: Client, language: str, names: Mapping[str, str]) -> Any:
    """Numbers and days as they are kept, the rest in words; what isn't reckoned comes in again."""
    value = client.own_fields.get(own.name)
    if isinstance(value, bool) or own.sense not in (*NUMBERS, "date"):
        return ownfields.text_of(own, value, language, names)
    return "" if value is None else value


def _cells(client: Client, territories: dict[str, str]) -> list[Any]:
    told: dict[str, Any] = {
        "territory": territories.get(client.territory_id or ""), "tags": ", ".join(client.tags),
    } | {column: standing.cell_of(client, column) for column in standing.CELLS}  # fmt: skip
    found = (told[c] if c in told else getattr(client, c) for c in COLUMNS)
    return ["" if cell is None else cell for cell in found]
