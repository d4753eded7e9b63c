"""The client base: list, card, change, territories; export and import."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Path, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fieldcrm.api.identity import Administrator, DeskPerson, Person
from fieldcrm.api.shapes import ID, Cursor, Id, IfMatch, Limit, Search, etag, plain, version_in
from fieldcrm.clients import (
    exporting,
    import_problems,
    import_undo,
    importing,
    landed,
    landing,
    service,
    workplaces,
)
from fieldcrm.clients.model import ClientFilters
from fieldcrm.clients.ownfields import files as own_files
from fieldcrm.clients.ownfields import rules as own_rules
from fieldcrm.clients.tables import Affiliation, Client, Territory

router = APIRouter(prefix="/api/v1", tags=["clients"])
ClientId = Annotated[str, Path(pattern=ID)]
Short = Annotated[str, Field(max_length=400)]
Letters = Annotated[list[Annotated[str, Field(max_length=20)]], Query(max_length=10)]
OwnValues = Annotated[
    list[Annotated[str, Field(max_length=200)]],
    Query(max_length=20, description="`field=value` of an own field; `field=`: without a value"),
]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Proof(BaseModel):
    """Evidence: where it comes from, its day (empty where unknown) and what it says."""

    source: Literal["visit", "sales", "survey", "registry", "other"] = "other"
    on: Annotated[str, Field(max_length=10)] = ""
    text: Annotated[str, Field(max_length=300)] = ""


class Consent(BaseModel):
    """Whether a client may be reached by a channel, since when, and how that is known."""

    state: Literal["asked", "given", "withdrawn", "none"]
    """`none` takes away what was known."""
    on: Annotated[str, Field(max_length=10)] = ""
    source: Literal["visit", "call", "form", "message", "other"] = "other"
    text: Annotated[str, Field(max_length=300)] = ""


class ClientView(BaseModel):
    """A doctor, pharmacist, buyer (people), an organisation or pharmacy (places)."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: str
    name: str
    specialty: str | None
    category: str | None
    loyalty: str | None
    phone: str | None
    phone_e164: str | None
    email: str | None
    website: str | None
    address: str | None
    city: str | None
    postcode: str | None
    lat: float | None
    lng: float | None
    opening_hours: str | None
    visit_minutes: int | None
    territory_id: str | None
    tags: list[str]
    note: str | None
    evidence: dict[str, Proof]
    """What speaks for `category` and `loyalty`, by their names."""
    consents: dict[str, Consent]
    """What the client consented to, by channel: visit, call, email, message."""
    own_fields: dict[str, Any]
    """Values of the fields that the administrator made (GET /client-fields), by name. That of a file
    is {id, name, size, type, href}, `href` where it is fetched."""
    external_id: str | None
    source: str
    is_sample: bool
    created_at: datetime
    updated_at: datetime
    archived_at: datetime | None
    version: int

    @model_validator(mode="after")
    def _name_addresses(self) -> ClientView:
        """Say where files are fetched."""
        self.own_fields = {
            name: {**value, "href": own_rules.address_of(self.id, name)} if own_rules.is_file(value) else value
            for name, value in self.own_fields.items()
        }  # fmt: skip
        return self


class ClientPage(BaseModel):
    """Some clients; `cursor` asks for the next ones."""

    rows: list[ClientView]
    cursor: str | None


class ClientChanges(BaseModel):
    """Fields to set; one left out stays as it is, null clears it."""

    kind: Short | None = None
    name: Short | None = None
    specialty: Short | None = None
    category: Short | None = None
    loyalty: Short | None = None
    phone: Short | None = None
    email: Short | None = None
    website: Short | None = None
    address: Short | None = None
    city: Short | None = None
    postcode: Short | None = None
    lat: float | None = None
    lng: float | None = None
    opening_hours: Annotated[str, Field(max_length=1000)] | None = None
    visit_minutes: int | None = None
    territory_id: Id | None = None
    tags: Annotated[list[Short], Field(max_length=30)] | None = None
    note: Annotated[str, Field(max_length=4000)] | None = None
    evidence: dict[Literal["category", "loyalty"], Proof | None] | None = None
    """Those named are set, null takes one away. A new category without evidence drops the old."""
    consents: dict[Literal["visit", "call", "email", "message"], Consent | None] | None = None
    """Those named are set, null takes one away, the others stay; the log keeps what was there."""
    own_fields: Annotated[dict[Short, Any], Field(max_length=100)] | None = None
    """Those named are set, null takes one away, the others stay; a file by the id that it was sent
    under."""
    external_id: Short | None = None


class TieView(BaseModel):
    """A person at a workplace, from either side."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    client_id: str
    name: str
    kind: str
    role: str | None
    hours: str | None
    is_main: bool


class PromiseView(BaseModel):
    """A next step somebody promised."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    rep_id: str
    visit_id: str | None
    text: str
    due_on: date | None
    done_at: datetime | None


class CardView(BaseModel):
    """A client with what belongs to it."""

    model_config = ConfigDict(from_attributes=True)

    client: ClientView
    people: list[TieView]
    workplaces: list[TieView]
    promises: list[PromiseView]


class TerritoryView(BaseModel):
    """Whose clients are where."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    team_id: str
    rep_id: str | None
    cells: list[str]
    """H3 cells of its area, compacted."""
    rule: dict[str, list[str]]
    """What a client must be to land there by itself."""
    version: int


Ring = Annotated[
    list[Annotated[list[float], Field(min_length=2, max_length=2)]],
    Field(min_length=3, max_length=landing.RING_MAX),
]


class TerritoryChanges(BaseModel):
    """Fields to set; one left out stays as it is."""

    name: Short | None = None
    team_id: Id | None = None
    rep_id: Id | None = None
    cells: (
        Annotated[list[Annotated[str, Field(max_length=16)]], Field(max_length=landing.FILLED_MAX)]
        | None
    ) = None
    """H3 cells of resolution 4 to 10."""
    area: Annotated[list[Ring], Field(max_length=landing.RINGS_MAX)] | None = None
    """Instead of cells, as drawn: rings of [lat, lng]."""
    rule: (
        dict[
            Literal["kinds", "categories", "specialties", "cities", "postcodes", "tags"],
            Annotated[
                list[Annotated[str, Field(max_length=landing.TEXT_MAX)]],
                Field(max_length=landing.VALUES_MAX),
            ],
        ]
        | None
    ) = None
    """Each condition asked must be answered with one of its values; postcodes by how they begin."""


class WorkplaceBody(BaseModel):
    """Where a person works."""

    organisation_id: Id
    role: Short | None = None
    hours: Short | None = None
    is_main: bool = False


class ImportRunView(BaseModel):
    """An import and what became of it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    file_name: str
    actor_id: str | None
    started_at: datetime
    finished_at: datetime | None
    status: str
    report: dict[str, Any]


def filters_of(
    kind: Letters = [], category: Letters = [], territory_id: Id | None = None,  # noqa: B006
    team_id: Id | None = None, rep_id: Id | None = None, archived: bool = False,
    without_place: bool = False, own: OwnValues = [],  # noqa: B006
) -> ClientFilters:  # fmt: skip
    """Filters from a query; `own` is `name=value`, or `name=` for clients without a value."""
    of_own = tuple((name, value) for name, _, value in (pair.partition("=") for pair in own))
    return ClientFilters(
        tuple(kind), tuple(category), territory_id, team_id, rep_id, None, archived, without_place,
        of_own,
    )  # fmt: skip


@router.get("/clients", summary="Clients", response_model=ClientPage)
def list_clients(
    actor: Person, search: Search = "", kind: Letters = [], category: Letters = [],  # noqa: B006
    territory_id: Id | None = None, team_id: Id | None = None, rep_id: Id | None = None,
    archived: bool = False, without_place: bool = False, own: OwnValues = [],  # noqa: B006
    sort: Annotated[str, Query(max_length=60)] = "name", limit: Limit = 50, cursor: Cursor = None,
) -> Any:  # fmt: skip
    """Search takes any case, script or phone format; `sort` is name, category, city, updated_at or
    `own.<field>` (`-` turns it round). `own` narrows by own fields: `field=value`."""
    wanted = filters_of(kind, category, territory_id, team_id, rep_id, archived, without_place, own)
    page = service.find(actor, search, wanted, sort, limit, cursor)
    return {"rows": page.rows, "cursor": page.cursor}


@router.get("/clients/export.{form}", summary="Clients as a file", response_class=Response)
def export_clients(
    form: Literal["csv", "xlsx"], actor: Person, search: Search = "", kind: Letters = [],  # noqa: B006
    category: Letters = [], territory_id: Id | None = None, archived: bool = False,  # noqa: B006
    own: OwnValues = [],  # noqa: B006
) -> Response:  # fmt: skip
    """CSV (UTF-8 with its mark) or XLSX; no cell starts a formula. It comes back by the import.
    At most 5,000 rows, longer lists are made as files by `/exports`."""
    wanted = filters_of(kind, category, territory_id, archived=archived, own=own)
    make = exporting.export_csv if form == "csv" else exporting.export_xlsx
    headers = {"Content-Disposition": f'attachment; filename="clients.{form}"'}
    media_type = "text/csv; charset=utf-8" if form == "csv" else XLSX
    return Response(make(actor, search, wanted), headers=headers, media_type=media_type)


@router.post("/clients/imports", summary="Preview an import", status_code=201)
def preview_import(
    actor: Administrator,
    file_name: Annotated[str, Query(max_length=200)],
    content: Annotated[bytes, Body(media_type="application/octet-stream")] = b"",
    column: Annotated[list[str], Query(max_length=200, description="`column=field`")] = [],  # noqa: B006
    constant: Annotated[list[str], Query(max_length=20, description="`field=value`")] = [],  # noqa: B006
    match: Annotated[str | None, Query(max_length=20)] = None,
    mode: Literal["create", "update", "upsert"] = "upsert",
    has_header: bool | None = None,
    whole: bool = False,
    look: bool = True,
) -> dict[str, Any]:
    """The body is the file (CSV, TSV, XLSX, GeoJSON, vCard). Says what would be done and what is
    wrong in which row; nothing changes. Without `column` a mapping is suggested. With `whole` one
    rejected row keeps all others out. Without `look` the file is only kept, and the answer has its
    `run_id` alone."""
    if not look:
        return {"run_id": importing.keep_file(actor, file_name, content)}
    mapping = {c: f for c, _, f in (pair.rpartition("=") for pair in column)} or None
    constants = {f: value for f, _, value in (pair.partition("=") for pair in constant)}
    return plain(
        importing.preview_import(
            actor,
            file_name,
            content,
            mapping,
            match=match,
            mode=mode,
            constants=constants,
            has_header=has_header,
            whole=whole,
        )
    )


@router.get("/clients/imports", summary="Imports so far", response_model=list[ImportRunView])
def list_imports(actor: Administrator, limit: Limit = 50) -> Any:
    """The latest first, with their reports."""
    return importing.list_runs(actor, limit)


@router.get(
    "/clients/imports/{run_id}/problems.{form}", summary="Problems of an import as a file",
    response_class=Response,
)  # fmt: skip
def import_problems_file(
    run_id: Annotated[str, Path(pattern=ID)], form: Literal["csv", "xlsx"], actor: Administrator
) -> Response:
    """CSV or XLSX in the reader's language: row, column, value as it stood, problem, weight. Every
    problem of a preview; of a run those that its report keeps, and the last line says so."""
    content = import_problems.problems_file(actor, run_id, form)
    headers = {"Content-Disposition": f'attachment; filename="problems.{form}"'}
    media_type = "text/csv; charset=utf-8" if form == "csv" else XLSX
    return Response(content, headers=headers, media_type=media_type)


@router.post("/clients/imports/{run_id}/run", summary="Run a previewed import")
def run_import(run_id: Annotated[str, Path(pattern=ID)], actor: Administrator) -> dict[str, Any]:
    """Each row comes in or is named in `rejected`; a file that can't come in is refused (422)."""
    return importing.run_import(actor, run_id)


@router.get("/clients/imports/{run_id}/undo", summary="What stands against undoing an import")
def import_undo_view(
    run_id: Annotated[str, Path(pattern=ID)], actor: Administrator
) -> dict[str, Any]:
    """How many clients somebody changed or used since, and some of them."""
    return plain(import_undo.against(actor, run_id))


@router.post("/clients/imports/{run_id}/undo", summary="Undo an import")
def undo_import(run_id: Annotated[str, Path(pattern=ID)], actor: Administrator) -> dict[str, Any]:
    """Every client as it was before; refused (409) when somebody has built on what came in."""
    return import_undo.undo_import(actor, run_id)


@router.delete("/clients/imports/{run_id}", summary="Forget a preview", status_code=204)
def discard_import(run_id: Annotated[str, Path(pattern=ID)], actor: Administrator) -> None:
    """Its file is deleted."""
    importing.discard(actor, run_id)


@router.get("/clients/{client_id}", summary="A client's card", response_model=CardView)
def get_client(client_id: ClientId, actor: Person, response: Response) -> Any:
    """With workplaces, people and promises; the version as ETag."""
    found = service.card(actor, client_id)
    etag(response, found.client.version)
    return found


@router.post("/clients", summary="Add a client", status_code=201, response_model=ClientView)
def add_client(body: ClientChanges, actor: Person, response: Response) -> Client:
    """Name and kind are needed. A rep's new client belongs to his own territory."""
    return _answer(response, service.save(actor, body.model_dump(exclude_unset=True)))


@router.patch("/clients/{client_id}", summary="Change a client", response_model=ClientView)
def change_client(
    client_id: ClientId, body: ClientChanges, actor: Person, response: Response,
    if_match: IfMatch = None,
) -> Client:  # fmt: skip
    """Sets the given fields; If-Match with the ETag you saw is required. A rep may correct
    contacts, hours and note."""
    changes = body.model_dump(exclude_unset=True)
    return _answer(response, service.save(actor, changes, client_id, version_in(if_match)))


@router.delete("/clients/{client_id}", summary="Archive a client", response_model=ClientView)
def archive_client(client_id: ClientId, actor: DeskPerson, if_match: IfMatch = None) -> Client:
    """It leaves every list; its visits and history stay."""
    return service.archive(actor, client_id, version_in(if_match))


@router.post("/clients/{client_id}/restore", summary="Restore a client", response_model=ClientView)
def restore_client(client_id: ClientId, actor: DeskPerson) -> Client:
    """Brings it back from the archive."""
    return service.restore(actor, client_id)


@router.get("/clients/{client_id}/history", summary="What was done to a client")
def client_history(client_id: ClientId, actor: Person, limit: Limit = 100) -> list[dict[str, Any]]:
    """The newest first: who, when, from where, fields before and after."""
    return plain(service.history(actor, client_id, limit))


@router.get(
    "/clients/{client_id}/files/{name}", summary="A file that a field holds",
    response_class=FileResponse,
)  # fmt: skip
def client_file(
    client_id: ClientId, name: Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,39}$")], actor: Person
) -> Response:  # fmt: skip
    """For whom may see the client and the field; others are told there is none."""
    path, kind, called = own_files.fetch(actor, client_id, name)
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
    }
    return FileResponse(path, media_type=kind, filename=called, headers=headers)


@router.post("/clients/{client_id}/workplaces", summary="Say where a person works", status_code=201)
def add_workplace(client_id: ClientId, body: WorkplaceBody, actor: DeskPerson) -> dict[str, Any]:
    """The first workplace, or one said to be, is the main one."""
    tie: Affiliation = workplaces.save_affiliation(actor, client_id, **body.model_dump())
    return plain(tie)


@router.delete("/workplaces/{tie_id}", summary="A person left a workplace", status_code=204)
def remove_workplace(tie_id: Annotated[str, Path(pattern=ID)], actor: DeskPerson) -> None:
    """Another of the person's places becomes the main one."""
    workplaces.remove_affiliation(actor, tie_id)


@router.get("/territories", summary="Territories I see", response_model=list[TerritoryView])
def list_territories(actor: Person) -> Any:
    """By name."""
    return service.list_territories(actor)


@router.get(
    "/territories/waiting", summary="Clients without a territory, and where they would land"
)
def waiting(actor: Administrator) -> landed.Waiting:
    """By what the territories take now."""
    return landed.waiting(actor)


@router.post("/territories/land", summary="Let clients without a territory land")
def land(actor: Administrator) -> landed.Waiting:
    """How many landed where, and how many no territory takes. Safe to repeat."""
    return landed.land(actor)


@router.post(
    "/territories", summary="Add a territory", status_code=201, response_model=TerritoryView
)
def add_territory(body: TerritoryChanges, actor: Administrator) -> Territory:
    """Name and team are needed."""
    return service.save_territory(actor, body.model_dump(exclude_unset=True))


@router.patch(
    "/territories/{territory_id}", summary="Change a territory", response_model=TerritoryView
)
def change_territory(
    territory_id: Annotated[str, Path(pattern=ID)], body: TerritoryChanges, actor: Administrator,
    if_match: IfMatch = None,
) -> Territory:  # fmt: skip
    """Hand it to another rep by `rep_id`; both phones hear of it."""
    changes = body.model_dump(exclude_unset=True)
    return service.save_territory(actor, changes, territory_id, version_in(if_match))


def _answer(response: Response, client: Client) -> Client:
    etag(response, client.version)
    return client
