"""SQL of the index that clients are found by: terms of each client, words and their slips.

Plain B-trees that SQLite and PostgreSQL walk alike; decision 0015 says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, inspect, intersect, or_, select
from sqlalchemy.orm import Session, aliased

from fieldcrm.clients import folding
from fieldcrm.clients import tables as clients

# columns, not values: a type checker takes a row's fields for what they hold
Client: Any = clients.Client
Term: Any = clients.ClientTerm
Word: Any = clients.ClientWord
Slip: Any = clients.ClientWordSlip

CHUNK = 400
LARGE = 20_000
"""Clients from which on a search goes by the index; a smaller base is looked through whole, so
that a part from the middle of a word is found too."""
SOME, FEW, MANY = 100, 4_000, 40_000
"""Clients of a word: so many are looked through; up to so many where nothing leaves fewer; up to so
many are looked up by another word too."""
TERMS_MOST = 8
"""Terms that another word may stand for, to be looked up."""
SLIPS_MOST = 24
"""Words that one mistyped word may stand for."""
SLIPS_SEEN = 300
"""Words that share something with a mistyped one, of which the nearest are taken."""
WORD_MIN = 4
"""Letters below which a slip says too little."""


# ---- keeping ----


def keep(session: Session, written: Sequence[Any]) -> None:
    """Bring terms in line with the clients that were just written."""
    gone: list[dict[str, str]] = []
    new: list[dict[str, str]] = []
    for client in written:
        history = inspect(client).attrs.search_text.history
        if not history.has_changes():
            continue
        before = folding.terms((history.deleted or [""])[0] or "")
        now = folding.terms(client.search_text)
        gone += [{"term": t, "client_id": client.id} for t in before - now]
        new += [{"term": t, "client_id": client.id} for t in now - before]
    for row in gone:
        session.execute(
            delete(Term).where(Term.term == row["term"], Term.client_id == row["client_id"])
        )
    add_terms(session, new)


def add_terms(session: Session, rows: list[dict[str, str]]) -> list[str]:
    """Store terms of clients, and the words that no client had before; returns these."""
    _insert(session, Term, rows)
    words = sorted({r["term"] for r in rows if is_word(r["term"])})
    known: set[str] = set()
    for some in _chunks(words):
        known |= set(session.execute(select(Word.word).where(Word.word.in_(some))).scalars())
    fresh = [w for w in words if w not in known]
    _insert(session, Word, [{"word": w, "sound": folding.sound(w)} for w in fresh])
    found = sorted((s, w) for w in fresh for s in folding.with_one_less(w))
    slips = [{"slip": s, "word": w} for s, w in found]
    _insert(session, Slip, slips)
    return fresh


def is_word(term: str) -> bool:
    """Whether a term can be mistyped: letters, and enough of them."""
    return len(term) >= WORD_MIN and not any(c.isdigit() for c in term)


def _insert(session: Session, table: Any, rows: list[dict[str, str]]) -> None:
    """Store rows that are not there yet: texts as they are, past the ORM, as there are many."""
    if not rows:
        return
    columns = tuple(rows[0])
    mark = "%s" if session.get_bind().dialect.name == "postgresql" else "?"
    marks = ", ".join([mark] * len(columns))
    sql = f"INSERT INTO {table.__tablename__} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
    values = [tuple(row[c] for c in columns) for row in rows]
    session.connection().exec_driver_sql(sql, values)


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[i : i + CHUNK] for i in range(0, len(values), CHUNK))


# ---- finding ----


def is_large(session: Session) -> bool:
    """Whether looking through every client would take too long."""
    return session.execute(select(Client.id).offset(LARGE).limit(1)).first() is not None


def begins_with(beginnings: Sequence[str]) -> ColumnElement[bool]:
    """Terms that begin with one of the texts."""
    return or_(*(and_(Term.term >= b, Term.term < after(b)) for b in beginnings))


def after(text: str) -> str:
    """The first text, by bytes, behind everything that begins with this one."""
    return text[:-1] + chr(ord(text[-1]) + 1)


def is_there(session: Session, beginnings: Sequence[str]) -> bool:
    """Whether any client has such a term."""
    return (
        session.execute(select(Term.term).where(begins_with(beginnings)).limit(1)).first()
        is not None
    )


def heard_as(session: Session, word: str) -> list[str]:
    """Words of the base that sound like this one, however they are transliterated."""
    heard = folding.sound(word)
    if not is_word(word) or len(heard) < 3:
        return []
    wanted = select(Word.word).where(Word.sound == heard).limit(SLIPS_MOST)
    return list(session.execute(wanted).scalars())


def near_to(session: Session, word: str) -> list[str]:
    """Words of the base that are a slip apart from this one; where none is, two slips."""
    if not is_word(word):
        return []
    slips = sorted(folding.with_one_less(word))
    wanted = select(Slip.word).where(Slip.slip.in_(slips)).distinct().limit(SLIPS_SEEN)
    found = sorted(session.execute(wanted).scalars())
    return ([w for w in found if folding.is_one_slip(word, w)] or found)[:SLIPS_MOST]


def among(session: Session, beginnings: Sequence[tuple[str, ...]]) -> Select[Any] | None:
    """Ids of the clients among whom a query is looked for: of its rarest word, where that leaves
    many with another word too; None when a single word is common."""
    counted = sorted((_count(session, begins_with(b), FEW), n) for n, b in enumerate(beginnings))
    if not counted:
        return None
    (fewest, n), others = counted[0], counted[1:]
    if fewest == FEW:
        n = max(range(len(beginnings)), key=lambda i: len(beginnings[i][0]))
        others = [(FEW, i) for i in range(len(beginnings)) if i != n]
        fewest = _count(session, begins_with(beginnings[n]), MANY)
    rare = select(Term.client_id).where(begins_with(beginnings[n]))
    if fewest < SOME:
        return rare
    if fewest < MANY:
        for _, i in others:
            if terms := _terms(session, beginnings[i]):
                return _having(beginnings[n], terms)
    if fewest < FEW:
        return rare
    return _common(rare, beginnings[others[0][1]]) if others else None


def _having(rare: tuple[str, ...], terms: Sequence[str]) -> Select[Any]:
    """Clients with a rare word that have one of the terms too: looked up in the index alone."""
    other = aliased(Term)
    both = and_(other.client_id == Term.client_id, other.term.in_(terms))
    return select(Term.client_id).join(other, both).where(begins_with(rare))


def _common(rare: Select[Any], other: tuple[str, ...]) -> Select[Any]:
    """Clients with either word, where both are common."""
    found = intersect(rare, select(Term.client_id).where(begins_with(other))).subquery()
    return select(found.c.client_id)


def _terms(session: Session, beginnings: tuple[str, ...]) -> list[str]:
    """The terms that begin so, walked from one to the next; none where there are too many."""
    found: dict[str, None] = {}
    for beginning in beginnings:
        end, at = after(beginning), Term.term >= beginning
        while (term := session.execute(_next(at, end)).scalar()) is not None:
            found[term], at = None, Term.term > term
            if len(found) > TERMS_MOST:
                return []
    return list(found)


def _next(at: ColumnElement[bool], end: str) -> Select[Any]:
    return select(Term.term).where(at, Term.term < end).order_by(Term.term).limit(1)


def _count(session: Session, wanted: ColumnElement[bool], most: int) -> int:
    some = select(Term.client_id).where(wanted).limit(most).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()
