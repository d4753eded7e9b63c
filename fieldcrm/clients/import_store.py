"""Every SQL statement of imports: clients by key, rows written and taken back in bulk, journals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    delete,
    func,
    not_,
    or_,
    select,
    true,
    update,
)
from sqlmodel import Session, SQLModel, col

from fieldcrm.clients import folding, search_index, store
from fieldcrm.clients.model import CALLED
from fieldcrm.clients.tables import (
    Client,
    ClientTerm,
    ClientWord,
    ClientWordSlip,
    ImportChange,
    ImportRun,
    ImportTemplate,
)
from fieldcrm.kit.tables import Event
from fieldcrm.people.model import Actor
from fieldcrm.people.tables import User

CHUNK = 500
"""Values in one IN list."""
# The tables themselves: bulk statements go beside the ORM.
_client: Any = Client.__table__  # type: ignore[attr-defined]
_event: Any = Event.__table__  # type: ignore[attr-defined]
_change: Any = ImportChange.__table__  # type: ignore[attr-defined]
_term: Any = ClientTerm.__table__  # type: ignore[attr-defined]
_word: Any = ClientWord.__table__  # type: ignore[attr-defined]
_slip: Any = ClientWordSlip.__table__  # type: ignore[attr-defined]
_OWN = frozenset({"client", "client_term", "import_change"})
"""Tables that speak of clients and that an undo sets right itself."""
_NAMES = frozenset({"client_id", "place_id"})
"""What columns are called that speak of a client without a foreign key."""


def chunks[T](values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    every = list(values)
    return (every[i : i + size] for i in range(0, len(every), size))


# ---- who is there ----


def living_by(
    session: Session, actor: Actor, field: str, values: Collection[str]
) -> list[dict[str, Any]]:
    """Living clients in scope whose column holds one of the values, as they lie."""
    there = and_(_client.c.archived_at.is_(None), store.in_scope(actor))
    found: list[dict[str, Any]] = []
    for some in chunks(dict.fromkeys(values)):
        wanted = select(_client).where(_client.c[field].in_(some), there)
        found += [dict(row) for row in session.execute(wanted).mappings()]
    return found


def names_by_external_id(session: Session, codes: Collection[str]) -> dict[str, list[str]]:
    """Names of living clients by their external id."""
    found: dict[str, list[str]] = {}
    for some in chunks(dict.fromkeys(codes)):
        wanted = select(_client.c.external_id, _client.c.name).where(
            _client.c.external_id.in_(some), _client.c.archived_at.is_(None)
        )
        for code, name in session.execute(wanted):
            found.setdefault(code, []).append(name)
    return found


def stand_as_seen(
    session: Session, versions: Mapping[str, int], new: Mapping[str, Collection[str]]
) -> bool:
    """Whether clients still have the versions that were seen, and nobody has come who holds one of
    the new values (column -> values)."""
    seen: dict[str, int] = {}
    for some in chunks(versions):
        wanted = select(_client.c.id, _client.c.version).where(_client.c.id.in_(some))
        seen |= dict(row.tuple() for row in session.execute(wanted))
    if seen != dict(versions):
        return False
    return not any(
        session.execute(select(_client.c.id).where(_client.c[column].in_(some)).limit(1)).first()
        for column, values in new.items()
        for some in chunks(values)
    )


# ---- writing ----


def _add_all(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert many rows that name every column: one statement, put together here once instead of
    by the toolkit for each row."""
    if not rows:
        return
    dialect = session.get_bind().dialect
    columns = [c for c in table.columns if c.name in rows[0]]
    ways = [c.type.dialect_impl(dialect).bind_processor(dialect) for c in columns]
    mark = "%s" if dialect.name == "postgresql" else "?"
    names = ", ".join(f'"{c.name}"' for c in columns)
    sql = f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join([mark] * len(columns))})'
    cells = map(itemgetter(*(c.name for c in columns)), rows)
    session.connection().exec_driver_sql(sql, list(_bound(cells, ways)))


def _bound(rows: Iterable[tuple[Any, ...]], ways: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Values as the driver takes them; most columns are texts and numbers and stay as they are."""
    turned = [(i, way) for i, way in enumerate(ways) if way]
    for row in rows:
        values = list(row)
        for i, way in turned:
            values[i] = way(values[i])
        yield tuple(values)


def add_clients(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    _add_all(session, _client, rows)


def set_clients(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Bring rows to the given values; each names all of the same columns, and its id."""
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        columns = tuple(sorted(row.keys() - {"id"}))
        by_columns.setdefault(columns, []).append(
            {f"new_{c}": row[c] for c in columns} | {"whose": row["id"]}
        )
    for columns, values in by_columns.items():
        change = update(_client).where(_client.c.id == bindparam("whose"))
        session.execute(
            change.values({c: bindparam(f"new_{c}") for c in columns}), values,
            execution_options={"synchronize_session": False},
        )  # fmt: skip


def add_terms(session: Session, client_terms: Mapping[str, Iterable[str]]) -> list[str]:
    """Let clients be found by terms; returns words that the index had never met."""
    found = sorted((t, i) for i, terms in client_terms.items() for t in terms)
    return search_index.add_terms(session, found)  # sorted: neighbours lie in the same page


def drop_terms(session: Session, client_terms: Mapping[str, Iterable[str]]) -> None:
    """By the whole key: the index has no way from a client to its terms."""
    rows = sorted((t, i) for i, terms in client_terms.items() for t in terms)
    if rows:
        mark = "%s" if session.get_bind().dialect.name == "postgresql" else "?"
        sql = f"DELETE FROM client_term WHERE term = {mark} AND client_id = {mark}"
        session.connection().exec_driver_sql(sql, rows)


def drop_words(session: Session, words: Collection[str]) -> None:
    """Take words out of the index that no client is found by."""
    for some in chunks(words):
        used = set(session.execute(select(_term.c.term).where(_term.c.term.in_(some))).scalars())
        unused = [w for w in some if w not in used]
        slips = [{"s": s, "w": w} for w in unused for s in folding.with_one_less(w)]
        if slips:
            gone = delete(_slip).where(
                _slip.c.slip == bindparam("s"), _slip.c.word == bindparam("w")
            )
            session.execute(gone, slips)
            session.execute(delete(_word).where(_word.c.word.in_(unused)))


def add_changes(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    _add_all(session, _change, rows)


def add_events(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    _add_all(session, _event, rows)


# ---- taking back ----


def changes(session: Session, run_id: str) -> Iterator[list[dict[str, Any]]]:
    """What a run changed, the first rows first, a piece at a time."""
    after: tuple[int, str] = (-1, "")
    while True:
        key = or_(
            _change.c.row > after[0],
            and_(_change.c.row == after[0], _change.c.client_id > after[1]),
        )
        wanted = select(_change).where(_change.c.import_id == run_id, key)
        rows = session.execute(wanted.order_by(_change.c.row, _change.c.client_id).limit(CHUNK))
        found = [dict(row) for row in rows.mappings()]
        if not found:
            return
        yield found
        after = (found[-1]["row"], found[-1]["client_id"])


def clients_of(session: Session, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Clients as they lie, by id."""
    wanted = select(_client).where(_client.c.id.in_(ids))
    return {row["id"]: dict(row) for row in session.execute(wanted).mappings()}


def drop_clients(session: Session, ids: Sequence[str]) -> None:
    if ids:
        session.execute(delete(_client).where(_client.c.id.in_(ids)))


def forget(session: Session, run_id: str) -> None:
    """Drop a run and what it changed: the event log tells of both."""
    drop_changes(session, run_id)
    session.execute(delete(ImportRun).where(col(ImportRun.id) == run_id))


def drop_changes(session: Session, run_id: str) -> None:
    session.execute(delete(_change).where(_change.c.import_id == run_id))


def changed_since(session: Session, run_id: str, limit: int) -> tuple[int, list[tuple[str, str]]]:
    """(how many, some (id, name)) of a run's clients that are no longer as it left them."""
    there = _change.join(_client, _client.c.id == _change.c.client_id, isouter=True)
    is_other = or_(_client.c.id.is_(None), _client.c.version != _change.c.version)
    of_run = and_(_change.c.import_id == run_id, is_other)
    n = session.execute(select(func.count()).select_from(there).where(of_run)).scalar_one()
    some = select(_change.c.client_id, _client.c.name).select_from(there).where(of_run)
    rows = session.execute(some.order_by(_change.c.row).limit(limit)) if n else ()
    return n, [(client_id, name or "") for client_id, name in rows]


def built_on(
    session: Session, run_id: str, limit: int
) -> dict[str, tuple[int, list[tuple[str, str]]]]:
    """Table -> (how many, some (id, name)) of the clients a run made that its rows speak of."""
    found: dict[str, tuple[int, list[tuple[str, str]]]] = {}
    for table, columns in _speaking_of_clients():
        made = and_(_change.c.import_id == run_id, _change.c.before.is_(None))
        speaks = or_(*(c == _change.c.client_id for c in columns))
        if (guess := _guess(table)) is not None:
            speaks = and_(speaks, not_(guess))
        joined = _change.join(_client, _client.c.id == _change.c.client_id).join(table, speaks)
        n = select(func.count(func.distinct(_change.c.client_id))).select_from(joined).where(made)
        count = session.execute(n).scalar_one()
        if count:
            some = select(_client.c.id, _client.c.name).select_from(joined).where(made).distinct()
            found[table.name] = count, [(i, name) for i, name in session.execute(some.limit(limit))]
    return found | _called(session, run_id, limit)


def _called(
    session: Session, run_id: str, limit: int
) -> dict[str, tuple[int, list[tuple[str, str]]]]:
    """Clients that a run made and that somebody called: the log alone tells of calls."""
    called = and_(_event.c.subject_id == _change.c.client_id, _event.c.kind == CALLED)
    made = and_(_change.c.import_id == run_id, _change.c.before.is_(None))
    joined = _change.join(_client, _client.c.id == _change.c.client_id).join(_event, called)
    some = select(_client.c.id, _client.c.name).select_from(joined).where(made).distinct()
    n = session.execute(select(func.count()).select_from(some.subquery())).scalar_one()
    rows = session.execute(some.limit(limit)) if n else ()
    return {"called": (n, [(i, name) for i, name in rows])} if n else {}


def drop_guesses(session: Session, ids: Sequence[str]) -> None:
    """What the product alone said of clients that are taken away."""
    for table, columns in _speaking_of_clients():
        guess = _guess(table)
        if guess is not None and ids:
            session.execute(delete(table).where(or_(*(c.in_(ids) for c in columns)), guess))


def _guess(table: Any) -> ColumnElement[bool] | None:
    """Rows that the product made by itself and that nobody has answered: nothing was built by them."""
    match table.name:
        case "duplicate":
            return table.c.status == "open"
        case "pin_proposal":
            return and_(table.c.status == "open", not_(table.c.is_asked))
        case "client_quality":
            return true()
        case _:
            return None


def _speaking_of_clients() -> list[tuple[Any, list[ColumnElement[Any]]]]:
    """Every table of any domain whose rows name clients, with the columns that do."""
    found = []
    for table in SQLModel.metadata.sorted_tables:
        columns = [c for c in table.columns if c.name in _NAMES or _refers_to_client(c)]
        if columns and table.name not in _OWN:
            found.append((table, columns))
    return found


def _refers_to_client(column: Any) -> bool:
    return any(key.column.table.name == "client" for key in column.foreign_keys)


# ---- journals ----


def last_changes(session: Session, ids: Collection[str]) -> dict[str, Event]:
    """The newest event about each of some clients."""
    found: dict[str, Event] = {}
    wanted = select(Event).where(col(Event.subject_id).in_(ids)).order_by(col(Event.id))
    for event in session.execute(wanted).scalars():
        found[event.subject_id or ""] = event
    return found


def undone(session: Session, limit: int) -> list[Event]:
    """What the log tells of imports that were undone, the newest first."""
    wanted = select(Event).where(col(Event.kind) == "clients.import_undone")
    return list(session.execute(wanted.order_by(col(Event.id).desc()).limit(limit)).scalars())


def has_own_rows(session: Session) -> bool:
    """Whether any client or user is not the sample company's."""
    wanted: list[Any] = [
        select(_client.c.id).where(_client.c.is_sample.is_(False)),
        select(User.id).where(col(User.is_sample).is_(False)),  # type: ignore[call-overload]
    ]
    return any(session.execute(w.limit(1)).first() is not None for w in wanted)


# ---- templates ----


def templates(session: Session) -> list[ImportTemplate]:
    """By name."""
    return list(
        session.execute(select(ImportTemplate).order_by(col(ImportTemplate.name))).scalars()
    )


def template(session: Session, name: str) -> ImportTemplate | None:
    wanted = select(ImportTemplate).where(col(ImportTemplate.name) == name)
    return session.execute(wanted).scalars().first()
