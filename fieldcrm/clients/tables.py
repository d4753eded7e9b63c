"""Rows of the client base: clients, where they work, territories, promises, imports."""

# pyright: reportAssignmentType=false
# SQLModel declares __tablename__ as something else than the text it takes.

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Index, String, event
from sqlalchemy.orm import Session
from sqlmodel import Field, SQLModel

from fieldcrm.clients.folding import fold, search_text
from fieldcrm.kit.database import Json, UtcDateTime

Bytewise = String().with_variant(String(collation="C"), "postgresql")
"""Text ordered by its bytes, so that what begins with a prefix lies together."""


class Territory(SQLModel, table=True):
    __tablename__ = "territory"
    id: str = Field(primary_key=True)
    name: str
    team_id: str = Field(foreign_key="team.id", index=True)
    rep_id: str | None = Field(default=None, foreign_key="user.id", index=True)
    """Whose territory it is now."""
    cells: list[str] = Field(default_factory=list, sa_type=Json)
    """H3 cells (hex text, of resolution 10 down to 4, compacted) that make its area; may be empty."""
    rule: dict[str, list[str]] = Field(default_factory=dict, sa_type=Json)
    """What a client must be to land here, see `landing`; may be empty."""
    is_sample: bool = False
    version: int = 1


class Client(SQLModel, table=True):
    """A doctor, pharmacist, buyer (people) or an organisation, pharmacy (places)."""

    __tablename__ = "client"
    __table_args__ = (Index("client_place", "lat", "lng"),)
    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    """doctor, pharmacist, buyer, organisation, pharmacy."""
    name: str = Field(index=True)
    specialty: str | None = None
    category: str | None = Field(default=None, index=True)
    """A, B or C by potential; None is no target."""
    loyalty: str | None = None
    phone: str | None = None
    """As entered."""
    phone_e164: str | None = Field(default=None, index=True)
    email: str | None = None
    website: str | None = None
    address: str | None = None
    city: str | None = None
    postcode: str | None = None
    lat: float | None = None
    """A person's is that of the main workplace."""
    lng: float | None = None
    opening_hours: str | None = None
    """OSM opening_hours text, as found."""
    visit_minutes: int | None = None
    territory_id: str | None = Field(default=None, foreign_key="territory.id", index=True)
    tags: list[str] = Field(default_factory=list, sa_type=Json)
    note: str | None = None
    own_fields: dict[str, Any] = Field(
        default_factory=dict, sa_type=Json, sa_column_kwargs={"server_default": "{}"}
    )
    """Values of the fields that the administrator made, by name (see clients.ownfields)."""
    evidence: dict[str, Any] = Field(
        default_factory=dict, sa_type=Json, sa_column_kwargs={"server_default": "{}"}
    )
    """What speaks for category and loyalty: {facet: {source, on, text}} (see clients.standing)."""
    consents: dict[str, Any] = Field(
        default_factory=dict, sa_type=Json, sa_column_kwargs={"server_default": "{}"}
    )
    """What the client consented to: {channel: {state, on, source, text}}."""
    external_id: str | None = Field(default=None, index=True)
    source: str = "office"
    """office, field, import, osm, sample."""
    is_sample: bool = False
    search_text: str = ""
    """What it is found by (see clients.folding); kept up by whatever writes the row."""
    sort_name: str = Field(default="", index=True)
    """The name, folded."""
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)
    archived_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    version: int = 1


@event.listens_for(Client, "before_insert")
@event.listens_for(Client, "before_update")
def _fold(_mapper: Any, _connection: Any, client: Client) -> None:
    """Whoever writes a client, phone, import or sample, it can be found."""
    client.sort_name = fold(client.name)
    client.search_text = search_text(
        client.name, client.specialty, client.address, client.city, client.postcode,
        client.external_id, phones=(client.phone, client.phone_e164),
    )  # fmt: skip


@event.listens_for(Session, "after_flush")
def _index(session: Any, _context: Any) -> None:
    """The same for the index of words beside the rows."""
    from fieldcrm.clients import search_index

    written = [c for c in (*session.new, *session.dirty) if isinstance(c, Client)]
    if written:
        search_index.keep(session, written)


class ClientTerm(SQLModel, table=True):
    """A word or phone number that a client is found by (see clients.folding.terms)."""

    __tablename__ = "client_term"
    __table_args__ = {"sqlite_with_rowid": False}
    term: str = Field(sa_column=Column(Bytewise, primary_key=True))
    client_id: str = Field(primary_key=True)


class ClientWord(SQLModel, table=True):
    """A word that some client's terms have or had, and how it sounds."""

    __tablename__ = "client_word"
    __table_args__ = {"sqlite_with_rowid": False}
    word: str = Field(sa_column=Column(Bytewise, primary_key=True))
    sound: str = Field(index=True)


class ClientWordSlip(SQLModel, table=True):
    """A word with at most one letter left out: what words a slip apart have in common."""

    __tablename__ = "client_word_slip"
    __table_args__ = {"sqlite_with_rowid": False}
    slip: str = Field(sa_column=Column(Bytewise, primary_key=True))
    word: str = Field(sa_column=Column(Bytewise, primary_key=True))


class Affiliation(SQLModel, table=True):
    """A person's workplace; exactly one of a person's is main."""

    __tablename__ = "affiliation"
    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="client.id", index=True)
    organisation_id: str = Field(foreign_key="client.id", index=True)
    role: str | None = None
    hours: str | None = None
    is_main: bool = True


class Promise(SQLModel, table=True):
    """A next step somebody promised to a client."""

    __tablename__ = "promise"
    id: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="client.id", index=True)
    rep_id: str = Field(foreign_key="user.id", index=True)
    visit_id: str | None = Field(default=None, index=True)
    text: str
    due_on: date | None = None
    done_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    created_at: datetime = Field(sa_type=UtcDateTime)


class CardPhoto(SQLModel, table=True):
    """A photo by which a rep shows what should be corrected on a card."""

    __tablename__ = "card_photo"
    id: str = Field(primary_key=True)
    """Made by the phone."""
    client_id: str = Field(foreign_key="client.id", index=True)
    correction_id: str = Field(index=True)
    rep_id: str = Field(foreign_key="user.id", index=True)
    sha256: str = Field(index=True)
    content_type: str = "image/jpeg"
    size: int = 0
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    lat: float | None = None
    lng: float | None = None
    asked_at: datetime = Field(sa_type=UtcDateTime)
    erased_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    """When its bytes were erased, by policy or on a person's wish."""


class ImportRun(SQLModel, table=True):
    """One import: what came in and what became of it."""

    __tablename__ = "import_run"
    id: str = Field(primary_key=True)
    file_name: str
    actor_id: str | None = None
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status: str = "preview"
    """preview, running, done, failed, cancelled."""
    report: dict[str, Any] = Field(default_factory=dict, sa_type=Json)


class ImportChange(SQLModel, table=True):
    """What an import did to one client, so that it can be taken back."""

    __tablename__ = "import_change"
    import_id: str = Field(foreign_key="import_run.id", primary_key=True)
    client_id: str = Field(primary_key=True)
    """No foreign key: undoing takes the client away."""
    row: int
    version: int
    """The client's, when the import had written it."""
    before: dict[str, Any] | None = Field(default=None, sa_type=Json)
    """Column -> value that stood there; None where the import made the client."""
    words: list[str] = Field(default_factory=list, sa_type=Json)
    """Words that the search index first met with this piece of the file."""


class ImportTemplate(SQLModel, table=True):
    """How files of one kind are read: which column is what, how clients are told."""

    __tablename__ = "import_template"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    columns: list[str] = Field(default_factory=list, sa_type=Json)
    """Of the file it was made for: a file with the same ones is offered it."""
    has_header: bool = True
    rules: dict[str, Any] = Field(default_factory=dict, sa_type=Json)
    """mapping, constants, match, mode, whole."""
    made_by: str | None = None
    made_at: datetime = Field(sa_type=UtcDateTime)
