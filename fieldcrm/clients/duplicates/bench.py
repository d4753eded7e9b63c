"""`fieldcrm bench duplicates FILE.csv --truth COLUMN`: how surely duplicates are found, and how fast.

The truth column says which records are one; it and nothing of it is shown to the matching, which
finds out by itself what the other columns hold. Precision and recall are over pairs of records in
one group. The baseline is what is usually written first: the mean of rapidfuzz's token ratios of
name, address and phone, at that threshold which the truth shows to be its best at precision 0.95.
`--growth` also times invented client bases of 10,000 and 100,000. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process

from fieldcrm.clients import tabular
from fieldcrm.clients.duplicates import columns, matcher
from fieldcrm.clients.duplicates.model import Column, Floats, Role

BASELINE_PRECISION = 0.95
GROWTH = (10_000, 100_000)
COPIES = 0.2
"""Share of an invented base that are second records of a client."""


def main(arguments: list[str]) -> None:
    """The command's options; prints one JSON object last."""
    options = _options(arguments)
    if not options.file and not options.growth:
        raise SystemExit("fieldcrm bench duplicates: name a FILE with --truth, or --growth")
    said: dict[str, Any] = {}
    if options.file:
        said |= measure(options.file, options.truth, options.truth_pattern, options.columns)
    if options.growth:
        said["growth"] = {str(n): grown(n, seed=1) for n in GROWTH}
    print(json.dumps(said))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fieldcrm bench duplicates", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--truth", help="the column that says which records are one")
    parser.add_argument("--truth-pattern", help="what of it: the first group, or all that matches")
    parser.add_argument("--columns", help="role=COLUMN,...: name, address, phone, digits, position")
    parser.add_argument("--growth", action="store_true", help="time 10,000 and 100,000 records")
    options = parser.parse_args(arguments)
    if options.file and not options.truth:
        parser.error("--truth names the column that says which records are one")
    return options


def measure(file: Path, truth: str, pattern: str | None, chosen: str | None) -> dict[str, Any]:
    """Precision, recall and F1 of the groups found in a file, and those of the baseline."""
    table = tabular.read_table(file.name, file.read_bytes(), has_header=True)
    rows = [row for _, row in table.rows]
    if truth not in table.columns:
        raise SystemExit(f"fieldcrm bench duplicates: no column {truth!r} in {table.columns}")
    place = table.columns.index(truth)
    true = [_truth(row[place], pattern) for row in rows]
    names = [c for c in table.columns if c != truth]
    values = [[*row[:place], *row[place + 1 :]] for row in rows]
    began = time.perf_counter()
    compared = _columns(names, values, chosen)
    found = matcher.match(compared)
    groups = found.groups()
    seconds = time.perf_counter() - began
    roles = {c.name: c.role.value for c in compared}
    return {
        "records": len(rows), **scores(groups, true), "baseline_f1": baseline(found, compared, true),
        "seconds": round(seconds, 2), "pairs": len(found.pairs), "columns": roles,
    }  # fmt: skip


def _truth(value: str, pattern: str | None) -> str:
    match = re.search(pattern, value) if pattern else None
    return value if match is None else match.group(1 if match.re.groups else 0)


def _columns(names: list[str], rows: list[list[str]], chosen: str | None) -> list[Column]:
    if not chosen:
        return columns.find_columns(names, rows)
    by_role = dict(part.split("=", 1) for part in chosen.split(","))
    return columns.chosen_columns(names, rows, by_role)


def scores(groups: list[list[int]], true: Sequence[str]) -> dict[str, float]:
    """Precision, recall and F1 over pairs of records in one group."""
    found = sum(_pairs(len(g)) for g in groups)
    right = sum(_pairs(n) for g in groups for n in Counter(true[r] for r in g).values())
    return _rounded(right, found, sum(_pairs(n) for n in Counter(true).values()))


def _pairs(records: int) -> int:
    return records * (records - 1) // 2


def _rounded(right: int, found: int, there: int) -> dict[str, float]:
    precision, recall = right / max(found, 1), right / max(there, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def baseline(found: matcher.Found, compared: Sequence[Column], true: Sequence[str]) -> float:
    """F1 of the mean of rapidfuzz's ratios over the same candidate pairs, at its best threshold."""
    left, right = found.pairs.left.tolist(), found.pairs.right.tolist()
    likeness = _mean_ratio(_usual_three(compared), left, right)
    is_right = np.array([true[a] == true[b] for a, b in zip(left, right, strict=True)])
    order = np.argsort(-likeness, kind="stable")
    rights = np.cumsum(is_right[order])
    taken = np.arange(1, len(order) + 1)
    there = sum(_pairs(n) for n in Counter(true).values())
    precision, recall = rights / taken, rights / max(there, 1)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    is_end = np.append(np.diff(likeness[order]) != 0, True)
    allowed = f1[is_end & (precision >= BASELINE_PRECISION)]
    return round(float(allowed.max(initial=0.0)), 4)


def _usual_three(compared: Sequence[Column]) -> list[Column]:
    """The first column of names, of addresses and of phones; all where a file hasn't these."""
    first = {
        c.role: c for c in reversed(compared) if c.role in (Role.text, Role.address, Role.phone)
    }
    return list(first.values()) if len(first) == 3 else list(compared)


def _mean_ratio(compared: Sequence[Column], left: list[int], right: list[int]) -> Floats:
    """Mean over the columns that both records fill, 0 to 100."""
    total, filled = np.zeros(len(left)), np.zeros(len(left))
    for column in compared:
        values = [v.casefold() for v in column.values]
        a, b = [values[r] for r in left], [values[r] for r in right]
        is_there = np.array([bool(x and y) for x, y in zip(a, b, strict=True)])
        total += process.cpdist(a, b, scorer=fuzz.token_sort_ratio) * is_there
        filled += is_there
    return total / np.maximum(filled, 1)


# ---- growth ----


def grown(records: int, seed: int) -> dict[str, float]:
    """Seconds, pairs compared and scores for an invented base of so many clients."""
    compared, true = invented(records, seed)
    began = time.perf_counter()
    found = matcher.match(compared)
    groups = found.groups()
    seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 1), "pairs": len(found.pairs), **scores(groups, true)}


def invented(records: int, seed: int) -> tuple[list[Column], list[str]]:
    """Columns of an invented base of three languages with second records in it, and who each is."""
    from fieldcrm.clients.bench import invent

    rng = random.Random(seed)
    made = [invent(n, rng) for n in range(int(records * (1 - COPIES)))]
    rows = [((f"{m.first} {m.last}", f"{m.street} {m.house}", f"+{m.phone}"), m.id) for m in made]
    rows += [_second(*rng.choice(rows), rng) for _ in range(records - len(rows))]
    texts = [fields for fields, _ in rows]
    roles = (("name", Role.text), ("address", Role.address), ("phone", Role.phone))
    kept = [Column(name, role, [t[n] for t in texts]) for n, (name, role) in enumerate(roles)]
    return kept, [who for _, who in rows]


def _second(fields: tuple[str, ...], who: str, rng: random.Random) -> tuple[tuple[str, ...], str]:
    """The same client entered once more: other order, a slip, something missing or changed."""
    name, address, phone = fields
    words = name.split()
    name = " ".join(reversed(words)) if rng.random() < 0.3 else _slip(name, rng)
    address = rng.choice((address, _slip(address, rng), ""))
    phone = rng.choice((phone, phone[-7:], ""))
    return (name, address, phone), who


def _slip(text: str, rng: random.Random) -> str:
    place = rng.randrange(max(len(text), 1))
    return text[:place] + rng.choice(("", text[place : place + 1] * 2)) + text[place + 1 :]
