"""The client base: who is visited, where, and what can be wrong with what somebody enters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from fieldcrm.kit.errors import Conflict, Invalid, NotFound


class ClientKind(StrEnum):
    """People (doctor, pharmacist, buyer) and places (organisation, pharmacy)."""

    doctor = "doctor"
    pharmacist = "pharmacist"
    buyer = "buyer"
    organisation = "organisation"
    pharmacy = "pharmacy"


PERSON_KINDS = frozenset({ClientKind.doctor, ClientKind.pharmacist, ClientKind.buyer})
PLACE_KINDS = frozenset({ClientKind.organisation, ClientKind.pharmacy})
CATEGORIES = ("A", "B", "C")
CALLED = "client.called"
"""Kind of the event that tells of a call."""
SORTS = ("name", "category", "city", "updated_at", "created_at", "kind", "specialty", "loyalty",
         "address", "postcode", "phone", "email", "external_id", "source")  # fmt: skip
"""By what lists are ordered, beside own fields (`own.<name>`); `-` in front turns one round."""


DISTANCE = "distance"
"""Orders a list that is narrowed to what is near a point."""


@dataclass(frozen=True)
class Condition:
    """What one field of a client, or an own field (`own.<name>`), must be; see `conditions`."""

    field: str
    op: str
    """is, is_not, has, from, to, empty, filled."""
    value: str = ""


@dataclass(frozen=True)
class Near:
    """Within so many kilometres of a point."""

    lat: float
    lng: float
    km: float


@dataclass(frozen=True)
class ClientFilters:
    """What narrows a list; None or empty is no narrowing."""

    kinds: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    territory_id: str | None = None
    team_id: str | None = None
    rep_id: str | None = None
    """Clients of the territories this rep holds."""
    tag: str | None = None
    archived: bool = False
    without_place: bool = False
    """Only those nobody can drive to: no coordinates."""
    own: tuple[tuple[str, str], ...] = ()
    """(name, value) of own fields; an empty value is none at all."""
    conditions: tuple[Condition, ...] = ()
    """All of them hold."""
    near: Near | None = None


@dataclass(frozen=True)
class Page:
    """Some rows; `cursor` asks for the next ones, None at the end."""

    rows: list[Any]
    cursor: str | None = None


@dataclass(frozen=True)
class Tie:
    """A person at a workplace, seen from either side."""

    id: str
    """Of the affiliation."""
    client_id: str
    name: str
    kind: str
    role: str | None
    hours: str | None
    is_main: bool


@dataclass(frozen=True)
class ClientCard:
    """A client with what belongs to it."""

    client: Any
    """The `Client` row."""
    territory: Any
    """The `Territory` row, or None."""
    people: list[Tie] = field(default_factory=list)
    workplaces: list[Tie] = field(default_factory=list)
    promises: list[Any] = field(default_factory=list)
    """Open `Promise` rows, the most urgent first, then those kept."""


class ClientNotFound(NotFound):
    """No such client, or it is out of this person's scope."""

    code = "client_not_found"


class TerritoryNotFound(NotFound):
    """No such territory, or it is out of this person's scope."""

    code = "territory_not_found"


class PromiseNotFound(NotFound):
    """No such promise, or it is out of this person's scope."""

    code = "promise_not_found"


class StaleClient(Conflict):
    """Somebody else changed this client or territory meanwhile."""

    code = "stale"


class BadClientField(Invalid):
    """A field's value can't be; `params['field']` names it."""

    code = "bad_field"


class ConsentToCome(BadClientField):
    """Nobody has consented, or taken it back, on a day to come; `params['channel']` names which."""

    code = "consent_to_come"


class WrongTie(Invalid):
    """A person works at a place, not the other way round and not at himself."""

    code = "wrong_tie"


class BadCursor(Invalid):
    """The cursor isn't one of ours, or belongs to another order."""

    code = "bad_cursor"


class UnreadableTable(Invalid):
    """A file that isn't a table we can read; `params` say why, where known which line."""

    code = "unreadable_table"


class ImportBlocked(Invalid):
    """Rows of the file can't be imported, so nothing was; the run's report says which and why."""

    code = "import_blocked"


class ImportNotFound(NotFound):
    """No such import."""

    code = "import_not_found"


class ImportNotReady(Conflict):
    """This import has run, or was cancelled."""

    code = "import_not_ready"


class ImportBuiltOn(Conflict):
    """Somebody went on from what an import wrote, so it can't be undone; `params['n']` clients."""

    code = "import_built_on"


class TemplateNotFound(NotFound):
    """No import template of this name."""

    code = "import_template_not_found"


@dataclass(frozen=True)
class Table:
    """What a file holds: named columns, and rows with the numbers that a spreadsheet shows."""

    columns: list[str]
    rows: list[tuple[int, list[str]]]
    has_header: bool
    encoding: str
    delimiter: str
    """Empty for anything but a text table."""
    bad: list[Trouble] = field(default_factory=list)
    """Rows that can't even be read, each with why."""
    header_row: int = 0
    """The number of the row that names the columns; 0: none does."""
    above: list[tuple[int, str]] = field(default_factory=list)
    """Lines above that row, which are no rows of the table: number and what is written there."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong with a cell or row; `blocks` keeps the row out (row 0: the whole file)."""

    row: int
    code: str
    """Catalogue key after `import.trouble.`"""
    column: str = ""
    value: str = ""
    blocks: bool = True
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ImportRules:
    """How a file is to be read and joined to what is there."""

    mapping: dict[str, str]
    """Column -> field; several columns of one field are joined."""
    constants: dict[str, str] = field(default_factory=dict)
    """Field -> value of every row that has none of its own."""
    match: str = "external_id"
    mode: str = "upsert"
    whole: bool = False
    """All of the file or nothing: one rejected row keeps the others out too."""


@dataclass(frozen=True)
class Obstacle:
    """What somebody built on an imported client, so that the import can't be undone."""

    client_id: str
    name: str
    what: str
    """changed, or the table whose rows speak of the client."""
    by: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class ImportPreview:
    """What an import would do; nothing has been written but this preview."""

    run_id: str
    file_name: str
    table: dict[str, Any]
    """columns, has_header, encoding, delimiter, rows, the first rows as they stand, header_row (0: no
    row names the columns) and what is written in the rows above it: {row, text}."""
    rules: ImportRules
    counts: dict[str, int]
    """rows, create, update, unchanged, skipped, rejected; warnings: what is wrong and keeps no row
    out by itself, also of rows that stay out; blocking: what keeps the whole file out."""
    troubles: list[Trouble]
    examples: list[dict[str, Any]]
    """Rows as they would become, those that change something first: {row, action, name, fields}."""
    rejected: list[dict[str, Any]] = field(default_factory=list)
    """Every row that would not come in: {row, column, code, params}."""
