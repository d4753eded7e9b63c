"""`fieldcrm bench search`: how fast, and how surely, a client is found among many.

Invented clients of three languages fill a database of their own (or the empty one given by
`--database`; with `--keep` it is kept, filled further by the next run and asked again). Then each
of eight kinds of query asks, through the service as an administrator, for clients picked at random.
Recall is the share of queries whose client is among the answers. As many queries for other clients
come before and are told apart as `first`: a database that was just opened reads from disk what one
at work has in memory. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PIECE = 5_000
ANSWERS = 50
MOST = 500
"""Answers looked through where many clients share what was asked for."""
BACK = str.maketrans(
    {"a": "а", "b": "б", "v": "в", "g": "г", "d": "д", "e": "е", "z": "з", "i": "и", "k": "к", "l": "л",
     "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т", "u": "у", "f": "ф"}
)  # fmt: skip
LANGUAGES = {
    "fi": ("358", ["ka", "ta", "ri", "sa", "mä", "lä", "vi", "no", "so", "he", "pu", "ki", "la", "rä", "jo", "ha", "tö", "ne", "ki", "mo"],
           ["nen", "la", "mäki", "järvi", "koski", "lahti"], ("Aino", "Mikko", "Päivi", "Jyrki", "Säde")),
    "ro": ("40", ["ba", "țu", "mi", "dră", "gu", "ră", "șe", "fa", "ne", "lo", "co", "ști", "pe", "lu", "ma", "ve", "tă", "ro", "da"],
           ["escu", "eanu", "aru", "oiu", "iță"], ("Ștefan", "Ioana", "Mădălina", "Radu", "Cătălin")),
    "ru": ("7", ["ба", "во", "ги", "да", "ку", "ле", "ма", "но", "пе", "ра", "со", "ту", "фи", "ло", "ри", "ве", "за", "ми", "ко", "ста"],
           ["ов", "ин", "енко", "ский", "ёва"], ("Елена", "Олег", "Пётр", "Семён", "Алёна")),
}  # fmt: skip
STREETS = {"fi": ("katu", "tie"), "ro": ("strada", "calea"), "ru": ("улица", "проспект")}


@dataclass(frozen=True)
class Made:
    """An invented client, as far as queries need to know it."""

    id: str
    first: str
    last: str
    street: str
    house: int
    phone: str
    """All digits with the country's."""


def invent(number: int, rng: random.Random) -> Made:
    """A client of one of the languages; `number` makes its phone its own."""
    code, syllables, endings, firsts = LANGUAGES[rng.choice(tuple(LANGUAGES))]
    language = {"358": "fi", "40": "ro", "7": "ru"}[code]
    last = "".join(rng.choices(syllables, k=rng.choice((2, 3, 3)))) + rng.choice(endings)
    street = f"{''.join(rng.choices(syllables, k=3)).capitalize()} {rng.choice(STREETS[language])}"
    own = {"358": f"40{number:07}", "40": f"7{number:08}", "7": f"916{number:07}"}[code]
    return Made(_id(number), rng.choice(firsts), last.capitalize(), street, rng.randint(1, 180),
                code + own)  # fmt: skip


def _id(number: int) -> str:
    """As long as the product's own ids, and in the order of time as they are."""
    tail = hashlib.blake2b(str(number).encode(), digest_size=9).hexdigest()
    return f"019b{number >> 16:04x}-{number & 0xFFFF:04x}-7{tail[:3]}-8{tail[3:6]}-{tail[6:18]}"


def fill(clients: int, seed: int, there: int = 0) -> list[Made]:
    """Store so many clients the quick way; returns a sample of them to ask for.

    The first `there` lie in the database from an earlier run with the same seed.
    """
    from fieldcrm.clients import folding, search_index
    from fieldcrm.clients.tables import Client
    from fieldcrm.kit import clock
    from fieldcrm.kit.database import transaction

    rng, now, kept = random.Random(seed), clock.now(), list[Made]()
    for start in range(0, clients, PIECE):
        made = [invent(n, rng) for n in range(start, min(start + PIECE, clients))]
        kept += rng.sample(made, min(len(made), 40))
        if start < there:
            continue
        rows, found_by = [], []
        for m in made:
            name, address = f"{m.first} {m.last}", f"{m.street} {m.house}"
            text = folding.search_text(name, address, phones=(f"+{m.phone}",))
            rows.append({"id": m.id, "kind": "doctor", "name": name, "address": address, "phone": f"+{m.phone}",
                         "tags": [], "source": "office", "is_sample": False, "search_text": text,
                         "sort_name": folding.fold(name), "created_at": now, "updated_at": now,
                         "version": 1})  # fmt: skip
            found_by += [(t, m.id) for t in sorted(folding.terms(text))]
        with transaction() as session:
            session.execute(Client.__table__.insert(), rows)  # type: ignore[attr-defined]
            search_index.add_terms(session, found_by)
    return kept


# ---- kinds of query ----


def _slip(word: str, rng: random.Random) -> str:
    """One letter wrong, left out, doubled, or changed with the next."""
    i = rng.randrange(1, len(word) - 1)
    return rng.choice(
        (word[:i] + rng.choice("aeknrst") + word[i + 1 :], word[:i] + word[i + 1 :],
         word[:i] + word[i] + word[i:], word[:i] + word[i + 1] + word[i] + word[i + 2 :])
    )  # fmt: skip


def _as_typed_abroad(m: Made) -> str:
    """The name in the other script, as people write it."""
    from fieldcrm.clients.folding import fold, latin

    name = fold(f"{m.first} {m.last}")
    return latin(name) if m.phone.startswith("7") else name.translate(BACK)


def _phone(m: Made, rng: random.Random) -> str:
    """One of the ways people write a number."""
    if m.phone.startswith("7"):
        own = m.phone[1:]
        ways = (f"8 ({own[:3]}) {own[3:6]}-{own[6:8]}-{own[8:]}", f"+7{own}", own)
    else:
        cut = 3 if m.phone.startswith("358") else 2
        own = m.phone[cut:]
        ways = (
            f"0{own[:2]} {own[2:5]} {own[5:]}",
            f"+{m.phone}",
            f"00{m.phone}",
            f"{own[:3]}-{own[3:]}",
        )
    return rng.choice(ways)


KINDS: dict[str, Callable[[Made, random.Random], str]] = {
    "name": lambda m, _: f"{m.first} {m.last}",
    "other_order": lambda m, _: f"{m.last} {m.first}".upper(),
    "beginning": lambda m, _: f"{m.last[: max(4, len(m.last) - 2)]} {m.first[:3]}",
    "slip": lambda m, rng: f"{_slip(m.last, rng)} {m.first}",
    "other_script": lambda m, _: _as_typed_abroad(m),
    "address": lambda m, _: f"{m.street} {m.house}",
    "phone": _phone,
    "last_four": lambda m, _: m.phone[-4:],
}


def ask(made: list[Made], queries: int, seed: int) -> dict[str, dict[str, Any]]:
    """For each kind the times of its queries (ms) and its recall."""
    from fieldcrm.clients import service
    from fieldcrm.people.model import SYSTEM

    rng, found = random.Random(seed), dict[str, dict[str, Any]]()
    for kind, write in KINDS.items():
        limit = MOST if kind == "last_four" else ANSWERS
        times, hits = list[float](), 0
        for m in rng.choices(made, k=queries):
            query = write(m, rng)
            began = time.perf_counter()
            page = service.find(SYSTEM, query, limit=limit)
            times.append((time.perf_counter() - began) * 1000)
            hits += any(c.id == m.id for c in page.rows)
        found[kind] = {**_percentiles(times), "recall": round(hits / queries, 3), "times": times}
    return found


def _percentiles(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100, method="inclusive")
    return {f"p{n}_ms": round(cuts[n - 1], 1) for n in (50, 95, 99)}


@contextmanager
def _own_database(url: str | None, keep: str | None, clients: int) -> Iterator[int]:
    """The database to fill, under a home that goes afterwards unless it is to be kept.

    Gives the number of clients that an earlier run left there; refuses a database of others.
    """
    from fieldcrm.migrations import schema

    with tempfile.TemporaryDirectory(prefix="fieldcrm-search-") as passing:
        home = str(Path(keep).resolve()) if keep else passing
        Path(home).mkdir(parents=True, exist_ok=True)
        os.environ |= {"FIELDCRM_HOME": home, **({"FIELDCRM_DATABASE_URL": url} if url else {})}
        schema.upgrade()
        there, is_ours = _there()
        if there and not (keep and is_ours and there <= clients):
            sys.exit("fieldcrm bench search: the database holds clients; give it an empty one")
        yield there


def _there() -> tuple[int, bool]:
    """How many clients a database holds, and whether they look like this bench's own."""
    from sqlmodel import func, select

    from fieldcrm.clients.tables import Client
    from fieldcrm.kit.database import reading

    with reading() as session:
        ids = select(func.count(), func.min(Client.id), func.max(Client.id)).select_from(Client)
        n, first, last = session.exec(ids).one()
    return n, (first, last) == (_id(0), _id(n - 1))


def main(arguments: list[str]) -> None:
    """The command's options; prints one JSON object last."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench search", description=__doc__)
    parser.add_argument("--clients", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=60, help="of each kind")
    parser.add_argument(
        "--database", help="an empty database's URL; otherwise a SQLite file of its own"
    )
    parser.add_argument("--keep", metavar="FOLDER", help="a home that stays, to be asked again")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with _own_database(options.database, options.keep, options.clients) as there:
        began = time.perf_counter()
        made = fill(options.clients, options.seed, there)
        fill_s = time.perf_counter() - began
        first = _summary(ask(made, options.queries, options.seed + 1))
        steady = _summary(ask(made, options.queries, options.seed))
    print(json.dumps({"clients": options.clients, "fill_s": round(fill_s, 1), **steady,
                      "first": first}))  # fmt: skip


def _summary(by_kind: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """All kinds together, then each."""
    every = [t for k in by_kind.values() for t in k.pop("times")]
    recall = statistics.fmean(k["recall"] for k in by_kind.values())
    return {**_percentiles(every), "recall": round(recall, 3), "kinds": by_kind}
