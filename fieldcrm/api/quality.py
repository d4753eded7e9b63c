"""How clients' cards stand, proposed pins, runs and what is asked of cards."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from fieldcrm.api.identity import Administrator, DeskPerson
from fieldcrm.api.shapes import ID, Cursor, Id, Limit, Search
from fieldcrm.kit import i18n
from fieldcrm.quality import checking, files, geocoding, pinning, running, service, settings
from fieldcrm.quality.checking import Report
from fieldcrm.quality.model import CardFilters, Code, Norms
from fieldcrm.quality.pin_store import PinRow
from fieldcrm.quality.store import Row
from fieldcrm.quality.tables import QualityRun
from fieldcrm.sync.corrections import REASON_MOST

router = APIRouter(prefix="/api/v1/quality", tags=["clients"])
RowId = Annotated[str, Path(pattern=ID)]
Letter = Literal["", "A", "B", "C"]
Sort = Literal["value", "-value", "score", "-score", "name", "-name", "category", "-category",
               "checked_at", "-checked_at"]  # fmt: skip
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class FindingOut(BaseModel):
    """Something wrong with a card; `field` names a missing one, `points` is what it costs."""

    code: Code
    field: str
    points: int


class CardOut(BaseModel):
    """A card as it stands; `value` says how much it is worth putting right."""

    client_id: str
    name: str
    category: str | None
    territory_id: str | None
    score: int
    value: int
    findings: list[FindingOut]
    next_visit_on: date | None
    checked_at: datetime


class CardPage(BaseModel):
    """Some cards; `cursor` asks for the next ones."""

    rows: list[CardOut]
    cursor: str | None


class StandingOut(BaseModel):
    """Cards of a territory or rep; `score` is their mean."""

    id: str
    name: str
    clients: int
    score: float
    counts: dict[Code, int]


class SummaryOut(BaseModel):
    """How the caller's clients stand."""

    clients: int
    score: float
    counts: dict[Code, int]
    territories: list[StandingOut]
    owners: list[StandingOut]


class LineOut(BaseModel):
    """Cards with a finding before and after a run."""

    code: Code
    before: int
    now: int
    cleared: int
    appeared: int


class RunOut(BaseModel):
    """A look through the base, as far as it is about the caller's territories."""

    id: str
    status: str
    asked_at: datetime
    finished_at: datetime | None
    progress: float
    clients: int
    score: float | None
    score_before: float | None
    pins: int
    lines: list[LineOut]


class RunAsked(BaseModel):
    """A run that was asked for; `report` is filled as it goes."""

    id: str
    kind: str
    status: str
    progress: float
    report: dict[str, Any]


class PinOut(BaseModel):
    """Where a pin should stand, and the visits or the geocoder's answer that say so."""

    id: str
    client_id: str
    client_name: str
    source: str
    lat: float
    lng: float
    from_lat: float | None
    from_lng: float | None
    precision: str
    distance_m: float | None
    error_m: float | None
    status: str
    evidence: dict[str, Any]


class PinPage(BaseModel):
    """Some proposals; `cursor` asks for the next ones."""

    rows: list[PinOut]
    cursor: str | None


class PinWord(BaseModel):
    """`overwrite`: also over what somebody changed since the proposal was made."""

    accept: bool
    overwrite: bool = False
    reason: str = Field(default="", max_length=REASON_MOST)


class NormsOut(BaseModel):
    """What is asked of a card; countries are ISO codes, 0 days never."""

    required: dict[str, list[str]]
    stale_days: int
    consent_field: str
    countries: list[str]
    every_days: int


class NormsAsked(BaseModel):
    """What is left out stays as it is."""

    required: dict[str, list[Annotated[str, Field(max_length=80)]]] | None = None
    stale_days: int | None = None
    consent_field: Annotated[str, Field(max_length=80)] | None = None
    countries: Annotated[list[Annotated[str, Field(max_length=2)]], Field(max_length=30)] | None = (
        None
    )
    every_days: int | None = None


class GeocoderShape(BaseModel):
    """Which service may be asked; an empty `url` is none."""

    provider: Literal["nominatim", "photon"] = "nominatim"
    url: str = Field(default="", max_length=300)
    contact: str = Field(default="", max_length=254)
    apply_exact: bool = False


@router.get("/clients", summary="What to fix first", response_model=CardPage)
def list_cards(
    actor: DeskPerson, search: Search = "", code: Code | None = None, category: Letter = "",
    territory_id: Id | None = None, rep_id: Id | None = None, sort: Sort = "-value",
    limit: Limit = 50, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Cards in the caller's scope, those most worth putting right first."""
    filters = CardFilters(search, code or "", category, territory_id or "", rep_id or "")
    found = service.page(actor, filters, sort, limit, cursor)
    return {"rows": [_card_out(row) for row in found.rows], "cursor": found.cursor}


@router.get("/clients/export.{form}", summary="The list as a file", response_class=Response)
def export_cards(
    form: Literal["csv", "xlsx"], actor: DeskPerson, search: Search = "", code: Code | None = None,
    category: Letter = "", territory_id: Id | None = None, rep_id: Id | None = None,
    sort: Sort = "-value", language: Annotated[str, Query(max_length=2)] = "",
) -> Response:  # fmt: skip
    """All cards of the list as it is narrowed and ordered. At most 5,000 rows, longer lists are made
    as files by `/exports`."""
    filters = CardFilters(search, code or "", category, territory_id or "", rep_id or "")
    chosen = language if language in i18n.LANGUAGES else actor.language
    content = files.export(form, actor, filters, sort, chosen)
    headers = {"Content-Disposition": f'attachment; filename="quality.{form}"'}
    return Response(content, media_type=MEDIA[form], headers=headers)


@router.get("/clients/{client_id}", summary="One card", response_model=CardOut)
def get_card(client_id: RowId, actor: DeskPerson) -> dict[str, Any]:
    """As it stands now."""
    return _card_out(service.one(actor, client_id))


@router.post("/clients/{client_id}/confirm", summary="A card is right", response_model=CardOut)
def confirm(client_id: RowId, actor: DeskPerson) -> dict[str, Any]:
    """Somebody looked at it today: it is not stale."""
    return _card_out(service.confirm(actor, client_id))


def _card_out(row: Row) -> dict[str, Any]:
    q, c = row.quality, row.client
    found = [
        {"code": f.code, "field": f.field, "points": f.points} for f in service.findings_of(row)
    ]
    return {
        "client_id": c.id, "name": c.name, "category": c.category, "territory_id": c.territory_id,
        "score": q.score, "value": q.value, "findings": found, "next_visit_on": q.next_visit_on,
        "checked_at": q.checked_at,
    }  # fmt: skip


@router.get("/summary", summary="How the base stands", response_model=SummaryOut)
def summary(actor: DeskPerson) -> dict[str, Any]:
    """By territory and by rep, the worst first."""
    found = service.summary(actor)
    return vars(found) | {
        "territories": [vars(s) for s in found.territories],
        "owners": [vars(s) for s in found.owners],
    }


@router.get("/runs", summary="Checks of the base", response_model=list[RunOut])
def list_runs(actor: DeskPerson, limit: Annotated[int, Query(ge=1, le=100)] = 12) -> list[Any]:
    """The newest first."""
    return [_run_out(report) for report in checking.reports(actor, limit)]


@router.post("/runs", summary="Check the base", response_model=RunAsked, status_code=202)
def ask_run(actor: Administrator) -> QualityRun:
    """In the background; 409 `quality_run_under_way` while another is."""
    return checking.ask(actor)


@router.delete("/runs/{run_id}", summary="Stop a check or a search for positions", status_code=204)
def cancel_run(run_id: RowId, actor: Administrator) -> None:
    """What it has found so far stays."""
    running.cancel(actor, run_id)


def _run_out(report: Report) -> dict[str, Any]:
    run = report.run
    return {
        "id": run.id, "status": run.status, "asked_at": run.asked_at, "finished_at": run.finished_at,
        "progress": run.progress, "clients": report.clients, "score": report.score,
        "score_before": report.score_before, "pins": report.pins,
        "lines": [vars(line) for line in report.lines],
    }  # fmt: skip


@router.get("/pins", summary="Proposed pins", response_model=PinPage)
def list_pins(
    actor: DeskPerson, status: Literal["", "open", "accepted", "declined", "withdrawn"] = "open",
    source: Literal["", "visits", "geocoder"] = "", search: Search = "", limit: Limit = 50,
    cursor: Id | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Of clients in the caller's scope, the newest first."""
    found = pinning.page(actor, status, source, search, limit, cursor)
    return {"rows": [_pin_out(row) for row in found.rows], "cursor": found.cursor}


@router.post("/pins/{pin_id}", summary="Move a pin, or leave it", response_model=PinOut)
def decide_pin(pin_id: RowId, body: PinWord, actor: DeskPerson) -> dict[str, Any]:
    """409 `correction_overtaken` where somebody moved it meanwhile; send `overwrite` to go on."""
    return _pin_out(pinning.decide(actor, pin_id, body.accept, body.overwrite, body.reason))


def _pin_out(row: PinRow) -> dict[str, Any]:
    return row.pin.model_dump() | {"client_name": row.client.name}


@router.get("/norms", summary="What is asked of a card", response_model=NormsOut)
def get_norms(actor: DeskPerson) -> Norms:
    """By category."""
    return settings.norms(actor)


@router.put("/norms", summary="Ask other things of cards", response_model=NormsOut)
def set_norms(body: NormsAsked, actor: Administrator) -> Norms:
    """Counts from the next check on."""
    return settings.set_norms(actor, body.model_dump(exclude_none=True))


@router.get("/geocoder", summary="Which geocoder may be asked", response_model=GeocoderShape)
def get_geocoder(actor: Administrator) -> Any:
    """None while `url` is empty."""
    return settings.geocoder(actor)


@router.put("/geocoder", summary="Choose a geocoder", response_model=GeocoderShape)
def set_geocoder(body: GeocoderShape, actor: Administrator) -> Any:
    """Nominatim or Photon, with a contact for its keeper; off with an empty `url`."""
    return settings.set_geocoder(actor, body.provider, body.url, body.contact, body.apply_exact)


@router.post("/geocoding", summary="Look up positions", response_model=RunAsked, status_code=202)
def ask_geocoding(actor: Administrator) -> QualityRun:
    """For clients with an address and no position; 409 `geocoder_off` while none is set."""
    return geocoding.ask(actor)
