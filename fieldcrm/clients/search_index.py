"""Keeping the index that clients are found by: terms of each client, words and their slips.

Plain B-trees that SQLite and PostgreSQL walk alike; decision 0015 says why, `search_lookup` reads
them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import delete, inspect, select
from sqlalchemy.orm import Session

from fieldcrm.clients import folding
from fieldcrm.clients import tables as clients

# columns, not values: a type checker takes a row's fields for what they hold
Term: Any = clients.ClientTerm
Word: Any = clients.ClientWord
Slip: Any = clients.ClientWordSlip

CHUNK = 400
_DIGIT = re.compile(r"\d")
WORD_MIN = 4
"""Letters below which a slip says too little."""


def keep(session: Session, written: Sequence[Any]) -> None:
    """Bring terms in line with the clients that were just written."""
    gone: list[tuple[str, str]] = []
    new: list[tuple[str, str]] = []
    for client in written:
        history = inspect(client).attrs.search_text.history
        if not history.has_changes():
            continue
        before = folding.terms((history.deleted or [""])[0] or "")
        now = folding.terms(client.search_text)
        gone += [(t, client.id) for t in before - now]
        new += [(t, client.id) for t in now - before]
    for term, client_id in gone:
        session.execute(delete(Term).where(Term.term == term, Term.client_id == client_id))
    add_terms(session, new)


def add_terms(session: Session, found_by: Collection[tuple[str, str]]) -> list[str]:
    """Store terms of clients (term, client's id), and the words that no client had before;
    returns these."""
    _insert(session, Term, ("term", "client_id"), found_by)
    words = sorted(filter(is_word, {term for term, _ in found_by}))
    known: set[str] = set()
    for some in _chunks(words):
        known |= set(session.execute(select(Word.word).where(Word.word.in_(some))).scalars())
    fresh = [w for w in words if w not in known]
    _insert(session, Word, ("word", "sound"), [(w, folding.sound(w)) for w in fresh])
    slips = sorted((s, w) for w in fresh for s in folding.with_one_less(w))
    _insert(session, Slip, ("slip", "word"), slips)
    return fresh


def is_word(term: str) -> bool:
    """Whether a term can be mistyped: letters, and enough of them."""
    return len(term) >= WORD_MIN and not _DIGIT.search(term)


def _insert(
    session: Session, table: Any, columns: tuple[str, ...], rows: Collection[tuple[str, ...]]
) -> None:
    """Store rows that are not there yet: texts as they are, past the ORM, as there are many."""
    if not rows:
        return
    mark = "%s" if session.get_bind().dialect.name == "postgresql" else "?"
    marks = ", ".join([mark] * len(columns))
    sql = f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    session.connection().exec_driver_sql(sql, list(rows))


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[i : i + CHUNK] for i in range(0, len(values), CHUNK))
