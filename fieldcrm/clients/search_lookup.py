"""Reading the index that clients are found by: who has the words of a query; decision 0015.

Few statements, written by hand and of the same form whatever was typed: a search waits for every
turn to the database, and for every statement that the toolkit or the database thinks over anew.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, String, any_, false, func, literal, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlmodel import col

from fieldcrm.clients import folding
from fieldcrm.clients.search_index import is_word
from fieldcrm.clients.tables import Client

LARGE = 20_000
"""Clients from which on a search goes by the index; a smaller base is looked through whole, so
that a part from the middle of a word is found too."""
SOME, FEW, MANY = 100, 4_000, 40_000
"""Clients of a word: fewer are all named at once; up to so many are looked through where nothing
leaves fewer; up to so many are looked up by another word too."""
ROW = 4
"""Terms that are walked over, twice, while less than one client's row is read."""
TERMS_MOST = 8
"""Terms that another word may stand for, to be looked up one by one."""
SLIPS_MOST = 24
"""Words that one mistyped word may stand for."""
SLIPS_SEEN = 300
"""Words that share something with a mistyped one, of which the nearest are taken."""
SOUND_MIN = 3
REMEMBERED_S = 60.0
_large: WeakKeyDictionary[Any, dict[int, float]] = WeakKeyDictionary()
"""Pool of connections -> number of clients that there are more of -> until when that holds."""
_BEGINS = "term >= ? AND term < ?"


@dataclass
class Word:
    """A word of a query, or a phone number."""

    needles: tuple[str, ...]
    """Texts of which a row that has it holds at least one."""
    beginnings: tuple[str, ...]
    """What one of its terms begins with."""
    typed: str
    """The word that may be mistyped; nothing of a phone number, which would be another one."""
    who: frozenset[str] | None = None
    """Ids of all who have it, unless they are many."""

    @property
    def ranges(self) -> list[str]:
        """Beginnings none of which lies in an earlier one, the typed word always first."""
        kept = list(self.beginnings[:1]) if self.typed else []
        for other in sorted(self.beginnings, key=len):
            if not any(other.startswith(k) for k in kept):
                kept.append(other)
        return kept


@dataclass
class Among:
    """The clients among whom a query is looked for, and the words their rows have still to hold."""

    ids: Collection[str] | None
    """None where they would be too many."""
    left: list[Word]


def is_large(session: Session) -> bool:
    """Whether looking through every client would take too long; a base seldom becomes small."""
    known = _large.setdefault(session.get_bind().engine.pool, {})
    if known.get(LARGE, 0.0) < time.monotonic():
        beyond = select(col(Client.id)).order_by(col(Client.id)).offset(LARGE).limit(1)
        if session.execute(beyond).first() is None:
            return False
        known[LARGE] = time.monotonic() + REMEMBERED_S
    return True


# ---- a query's words ----


def words_of(session: Session, query: str, is_by_index: bool) -> list[Word]:
    """The words of a query; one that nobody has stands for those it may mean."""
    pairs = zip(folding.needles(query), folding.beginnings(query), strict=True)
    words = [Word(n, b, b[0] if len(b) == 1 else "") for n, b in pairs]
    if is_by_index:
        _add_heard(session, words)
    most = SOME if is_by_index else 1
    there = _look_up(session, words if is_by_index else [w for w in words if w.typed], most)
    for word in words:
        if word.typed and not there[word.typed]:
            _add_near(session, word)
            there |= _look_up(session, [word], most)
    for word in words if is_by_index else ():
        word.who = _all_who(there, word)
    return words


def _add_heard(session: Session, words: Sequence[Word]) -> None:
    """Words of the base that sound like the typed ones, however they are transliterated."""
    typed = {w.typed: _sounds(w) for w in words if is_word(w.typed)}
    sounds = sorted({s for heard in typed.values() for s in heard if len(s) >= SOUND_MIN})
    one = f"SELECT * FROM (SELECT sound, word FROM client_word WHERE sound = ? LIMIT {SLIPS_MOST}) AS s"
    found: dict[str, list[str]] = {}
    for sound, word in _all(session, [f"{one}{n}" for n in range(len(sounds))], sounds):
        found.setdefault(sound, []).append(word)
    for word in words:
        heard = typed.get(word.typed, ())
        word.beginnings += tuple(dict.fromkeys(w for s in heard for w in found.get(s, ())))


def _sounds(word: Word) -> list[str]:
    told = [n[1:] for n in word.needles if n.startswith("~")]
    return list(dict.fromkeys((folding.sound(word.typed), *told)))


def _add_near(session: Session, word: Word) -> None:
    """Words of the base that are a slip apart from a typed one; where none is, two slips."""
    if not is_word(word.typed):
        return
    slips = sorted(folding.with_one_less(word.typed))
    marks = ", ".join("?" * len(slips))
    wanted = (
        f"SELECT DISTINCT word FROM client_word_slip WHERE slip IN ({marks}) LIMIT {SLIPS_SEEN}"
    )
    found = sorted(w for (w,) in _run(session, wanted, slips))
    near = ([w for w in found if folding.is_one_slip(word.typed, w)] or found)[:SLIPS_MOST]
    word.beginnings += tuple(near)
    word.needles += tuple(f"~{folding.sound(w)}" for w in near)


def _look_up(session: Session, words: Sequence[Word], most: int) -> dict[str, list[str]]:
    """Beginning -> ids of clients who have such a term, so many at most."""
    ranges = [r for word in words for r in word.ranges]
    found: dict[str, list[str]] = {r: [] for r in ranges}
    selects = [
        f"SELECT * FROM (SELECT {n} AS n, client_id FROM client_term WHERE {_BEGINS}"
        f" ORDER BY term, client_id LIMIT {most}) AS s{n}"
        for n in range(len(ranges))
    ]
    for n, client_id in _all(session, selects, _bounds(ranges)):
        found[ranges[n]].append(client_id)
    return found


def _all_who(there: dict[str, list[str]], word: Word) -> frozenset[str] | None:
    each = [there[r] for r in word.ranges]
    is_whole = all(len(ids) < SOME for ids in each)
    return frozenset(i for ids in each for i in ids) if is_whole else None


# ---- whose rows to read ----


def among(session: Session, words: Sequence[Word]) -> Among:
    """Those who have the words that few have; where many have each, as few as can be told quickly."""
    known = [w.who for w in words if w.who is not None]
    if known:
        return Among(frozenset.intersection(*known), [w for w in words if w.who is None])
    counted = sorted(zip(_counts(session, words, FEW), range(len(words)), strict=True))
    if not counted:
        return Among(None, [])
    fewest, first = counted[0]
    if fewest == FEW:
        first = max(range(len(words)), key=lambda n: len(words[n].beginnings[0]))
        fewest = _counts(session, [words[first]], MANY)[0]
    return _of_many(session, words[first], fewest, [words[n] for _, n in counted if n != first])


def _of_many(session: Session, rare: Word, fewest: int, others: list[Word]) -> Among:
    """Clients of a word that many have: with another word too where it saves reading rows."""
    terms = [_terms(session, other) for other in others] if fewest < MANY else []
    if any(terms):
        left = [o for o, t in zip(others, terms, strict=True) if not t]
        return Among(_having(session, rare, [t for t in terms if t]), left)
    if fewest < FEW and not (others and _is_walked(session, others[0], fewest * ROW)):
        return Among(_who(session, [rare]), others)
    return Among(_who(session, [rare, others[0]]), others[1:]) if others else Among(None, [rare])


def _is_walked(session: Session, word: Word, most: int) -> bool:
    """Whether walking over a word's clients takes less than reading so many terms' worth of rows."""
    return _counts(session, [word], most)[0] < most


def _counts(session: Session, words: Sequence[Word], most: int) -> list[int]:
    """How many clients have each word, so many at most."""
    ranges = [(n, r) for n, word in enumerate(words) for r in word.ranges]
    if not ranges:
        return []
    some = f"SELECT 1 FROM client_term WHERE {_BEGINS} ORDER BY term LIMIT {most}"
    counts = ", ".join(f"(SELECT count(*) FROM ({some}) AS s{n})" for n in range(len(ranges)))
    (row,) = _run(session, f"SELECT {counts}", _bounds(r for _, r in ranges))
    found = [0] * len(words)
    for (n, _), count in zip(ranges, row, strict=True):
        found[n] = min(most, found[n] + count)
    return found


def _terms(session: Session, word: Word) -> list[str]:
    """The terms that a word stands for, walked from one to the next; none where they are too many."""
    ends = " UNION ALL ".join(["SELECT ? AS low, ? AS high"] * len(word.ranges))
    step = "SELECT term FROM client_term AS t WHERE t.term {} AND t.term < {}.high ORDER BY term LIMIT 1"
    walk = (
        f"WITH RECURSIVE walk(high, at) AS ("
        f"SELECT high, ({step.format('>= e.low', 'e')}) FROM ({ends}) AS e UNION ALL "
        f"SELECT high, ({step.format('> walk.at', 'walk')}) FROM walk WHERE at IS NOT NULL"
        f") SELECT at FROM walk WHERE at IS NOT NULL LIMIT {TERMS_MOST + 1}"
    )
    found = list(dict.fromkeys(t for (t,) in _run(session, walk, _bounds(word.ranges))))
    return found if len(found) <= TERMS_MOST else []


def _having(session: Session, rare: Word, each: Sequence[Sequence[str]]) -> list[str]:
    """Clients of a rare word with one of the terms of each other: looked up in the index alone."""
    mine, bounds = _clients_of(rare)
    others = "".join(f" CROSS JOIN client_term AS o{n}" for n in range(len(each)))  # in this order
    both = " AND ".join(
        f"o{n}.client_id = r.client_id AND o{n}.term IN ({', '.join('?' * len(terms))})"
        for n, terms in enumerate(each)
    )
    every = f"SELECT DISTINCT r.client_id FROM ({mine}) AS r{others} WHERE {both}"
    found = _run(session, every, [*bounds, *(t for terms in each for t in terms)])
    return [i for (i,) in found]


def _who(session: Session, words: Sequence[Word]) -> list[str]:
    """Clients who have all of some words."""
    each = [_clients_of(word) for word in words]
    every = " INTERSECT ".join(
        f"SELECT client_id FROM ({s}) AS w{n}" for n, (s, _) in enumerate(each)
    )
    found = _run(session, every, [b for _, bounds in each for b in bounds])
    return list(dict.fromkeys(i for (i,) in found))


def _clients_of(word: Word) -> tuple[str, list[str]]:
    """(a select of the clients who have a word, its values)."""
    one = f"SELECT client_id FROM client_term WHERE {_BEGINS}"
    return " UNION ALL ".join([one] * len(word.ranges)), _bounds(word.ranges)


def _bounds(beginnings: Iterable[str]) -> list[str]:
    """The first text that begins so, and the first by bytes behind all that do, for each."""
    return [end for b in beginnings for end in (b, b[:-1] + chr(ord(b[-1]) + 1))]


def _all(session: Session, selects: Sequence[str], values: Sequence[str]) -> Iterable[Any]:
    return _run(session, " UNION ALL ".join(selects), values) if selects else ()


def _run(session: Session, sql: str, values: Sequence[str]) -> Iterable[Any]:
    marked = sql.replace("?", "%s") if _is_postgresql(session) else sql
    return session.connection().exec_driver_sql(marked, tuple(values)).all()


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


# ---- conditions of a list ----


def is_one_of(session: Session, ids: Collection[str]) -> ColumnElement[bool]:
    """Clients with one of some ids: one value, however many they are."""
    if not ids:
        return false()
    if _is_postgresql(session):
        return col(Client.id) == any_(literal(sorted(ids), ARRAY(String)))
    return col(Client.id).in_(
        select(func.json_each(json.dumps(sorted(ids))).table_valued("value").c.value)
    )


def holds(session: Session, word: Word) -> ColumnElement[bool]:
    """Rows that hold a word as it is written or as it sounds."""
    within = func.strpos if _is_postgresql(session) else func.instr
    return or_(*(within(col(Client.search_text), n) > 0 for n in word.needles))
