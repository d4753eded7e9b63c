"""`fieldcrm bench import`: how long a large file takes to come in, again, and out, and in how much memory.

Invented clients of three languages are written to a CSV file, which is imported into a database of
its own (or the empty one given by `--database`), imported once more, and undone; the database is
compared with what it was before, table by table. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

COLUMNS = ("Code", "Name", "Type", "Phone", "Address", "City", "Postcode", "Latitude", "Longitude",
           "Category", "Opening hours", "Note")  # fmt: skip
JOURNALS = frozenset({"event", "feed", "sqlite_sequence"})
"""Tables that tell of an import and of its undoing."""


def write_file(path: Path, rows: int, seed: int) -> None:
    """A file of invented clients, each with all that a card has."""
    from fieldcrm.clients.bench import invent

    rng = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(COLUMNS)
        for n in range(rows):
            made = invent(n, rng)
            lat, lng = 60 + rng.random(), 24 + rng.random()
            out.writerow([
                f"K{n:07}", f"{made.first} {made.last}", rng.choice(("doctor", "pharmacy", "clinic")), f"+{made.phone}",
                f"{made.street} {made.house}", made.street.split()[0], f"{rng.randrange(10_000, 99_999)}",
                f"{lat:.6f}", f"{lng:.6f}", rng.choice("ABC"), "Mo-Fr 08:00-18:00; Sa 09:00-14:00", "",
            ])  # fmt: skip


def dump() -> dict[str, str]:
    """A digest of every table's rows but the journals'."""
    from sqlalchemy import text

    from fieldcrm.kit.database import reading
    from fieldcrm.migrations import schema

    found = {}
    with reading() as session:
        for table in schema.metadata.sorted_tables:
            if table.name in JOURNALS:
                continue
            keys = ", ".join(f'"{c.name}"' for c in table.primary_key.columns)
            digest = hashlib.sha256()
            for row in session.connection().execute(
                text(f'SELECT * FROM "{table.name}" ORDER BY {keys}')
            ):
                digest.update(repr(tuple(row)).encode())
            found[table.name] = digest.hexdigest()
    return found


@contextmanager
def _own_home(url: str | None) -> Iterator[Path]:
    from fieldcrm.migrations import schema

    with tempfile.TemporaryDirectory(prefix="fieldcrm-import-") as home:
        os.environ |= {"FIELDCRM_HOME": home, **({"FIELDCRM_DATABASE_URL": url} if url else {})}
        schema.upgrade()
        yield Path(home)


def _timed(work: Any, *arguments: Any, **named: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work(*arguments, **named)
    return round(time.perf_counter() - began, 1), found


def main(arguments: list[str]) -> None:
    """The command's options; prints one JSON object last."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench import", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--file", type=Path, help="import this file instead of an invented one")
    parser.add_argument("--database", help="an empty database's URL; otherwise a SQLite file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--once", action="store_true", help="only the first import, no undo")
    options = parser.parse_args(arguments)
    with _own_home(options.database) as home:
        file = options.file or home / "clients.csv"
        if options.file is None:
            write_file(file, options.rows, options.seed)
        print(json.dumps(measure(file, options.once)))


def measure(file: Path, is_once: bool) -> dict[str, Any]:
    """Import a file; unless that was all, look at it again and undo it."""
    from fieldcrm.clients import import_command

    before = {} if is_once else dump()
    seconds, report = _timed(import_command.import_file, file)
    told = import_command.as_json(report)
    if told["import_id"] is None:
        sys.exit(f"fieldcrm bench import: {told}")
    found = {
        "rows": told["rows"], "seconds": seconds, "rows_per_s": round(told["rows"] / max(seconds, 0.1)),
        "created": told["created"], "rejected": len(told["rejected"]),
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }  # fmt: skip
    return found if is_once else found | _taken_back(file, told["import_id"], before)


def _taken_back(file: Path, import_id: str, before: dict[str, str]) -> dict[str, Any]:
    from fieldcrm.clients import import_command

    again_s, again = _timed(import_command.import_file, file, dry_run=True)
    undo_s, undone = _timed(import_command.undo, import_id)
    after = dump()
    return {
        "again_s": again_s, "again_unchanged": again["counts"]["unchanged"], "undo_s": undo_s, "undone": undone["status"],
        "differing_tables": sorted(t for t in before if before[t] != after.get(t)),
        "rss_after_undo_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }  # fmt: skip
