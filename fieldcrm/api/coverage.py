"""Coverage by cell: for the desk's map, and as files."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from fieldcrm.api.identity import DeskPerson
from fieldcrm.api.shapes import Day, Id
from fieldcrm.kit import i18n
from fieldcrm.reports import coverage, coverage_book
from fieldcrm.reports import coverage_rules as rules
from fieldcrm.reports.coverage import Asked
from fieldcrm.reports.coverage_book import SORTS

router = APIRouter(prefix="/api/v1/reports/coverage", tags=["reports"])
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Measure = Literal["presence", "visits", "confirmed", "silence", "out_of_stock"]
Degrees = Annotated[float, Query(ge=-180, le=180)]
Sort = Annotated[str, Query(pattern=f"^-?({'|'.join(SORTS)})$")]
Resolution = Annotated[int, Query(ge=rules.COARSE, le=rules.FINE)]
Letter = Annotated[str, Query(pattern="^[ABC-]$")]


def asked_in(
    first: Day, last: Day, team_id: Id | None = None, rep_id: Id | None = None,
    category: Letter | None = None,
) -> Asked:  # fmt: skip
    """A period and what narrows it, from a request."""
    return Asked(first, last, team_id or "", rep_id or "", category or "")


Period = Annotated[Asked, Depends(asked_in)]


@router.get("", summary="Cells of a map's window")
def cells(
    actor: DeskPerson, asked: Period, measure: Measure, south: Degrees, west: Degrees, north: Degrees,
    east: Degrees, zoom: Annotated[float, Query(ge=0, le=24)],
) -> dict[str, Any]:  # fmt: skip
    """`cells`: [H3 cell, value, [lat, lng, ... of its rim]]; minutes, visits or percent. `steps`:
    where each shade beyond the first begins."""
    found = coverage.shown(actor, asked, measure, (south, west, north, east), zoom)
    return found._asdict()


@router.get("/cells.{form}", summary="All cells of a period as a file", response_class=Response)
def as_file(
    form: Annotated[Literal["xlsx", "csv"], Path()], actor: DeskPerson, asked: Period,
    resolution: Resolution = rules.FINE, search: Annotated[str, Query(max_length=200)] = "",
    sort: Sort = "-presence", language: Annotated[str, Query(max_length=2)] = "",
) -> Response:  # fmt: skip
    """A row a cell with all measures, in the order and with the search of the page's list."""
    chosen = language if language in i18n.LANGUAGES else actor.language
    name = f'attachment; filename="coverage_{asked.first}_{asked.last}.{form}"'
    given = (actor, asked, resolution, search, sort, chosen)
    if form == "csv":
        content, kind = coverage_book.export_csv(*given), "text/csv; charset=utf-8"
    else:
        content, kind = coverage_book.export_xlsx(*given), XLSX
    return Response(content, media_type=kind, headers={"Content-Disposition": name})
