"""`fieldcrm bench quality`: how long a look through a base takes; prints one JSON object last.

An invented base on SQLite in a home of its own: part of the cards whole, part of them wanting, five
closed visits for every tenth client, no tracks. The second run is over what the first one kept.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

CLIENTS = 100_000
VISITED, VISITS = 10, 5
"""Every so-many-th client was visited so often."""
PIECE = 5_000
HOURS = ("Mo-Fr 09:00-17:00", "пн-пт 9-18", "Mo-Su off", "when we are there", None)
PHONES = ("+358 9 310 45{n:03d}", "09 310 45{n:03d}", "12{n}", None)


def main(arguments: list[str]) -> None:
    """The command's options; prints one JSON object last."""
    parser = argparse.ArgumentParser(prog="fieldcrm bench quality", description=__doc__)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fieldcrm-bench-quality-") as home:
        print(json.dumps(measure(Path(home), options.clients)))


def measure(home: Path, clients: int) -> dict[str, Any]:
    """Seconds of two runs over an invented base, and of the first page of the list."""
    os.environ["FIELDCRM_HOME"] = str(home)
    os.environ.pop("FIELDCRM_DATABASE_URL", None)
    from fieldcrm.migrations import schema
    from fieldcrm.people.model import SYSTEM
    from fieldcrm.quality import checking, service
    from fieldcrm.quality.model import CardFilters

    schema.upgrade()
    _fill(clients)
    told: dict[str, Any] = {"clients": clients}
    for name in ("first_s", "again_s"):
        began = time.perf_counter()
        run = checking.run_now(SYSTEM)
        told[name] = round(time.perf_counter() - began, 1)
        told["score"] = round(run.report["all"]["points"] / clients, 1)
    for name, ask in (
        ("list_ms", lambda: service.page(SYSTEM, CardFilters(), "-value", 60)),
        ("narrowed_ms", lambda: service.page(SYSTEM, CardFilters(code="bad_phone"), "-value", 60)),
        ("summary_ms", lambda: service.summary(SYSTEM)),
    ):
        began = time.perf_counter()
        ask()
        told[name] = round(1000 * (time.perf_counter() - began))
    return told


def _fill(clients: int) -> None:
    """Write the base, a team, a rep and his visits."""
    from fieldcrm.clients.tables import Client, Territory
    from fieldcrm.kit import clock, ids
    from fieldcrm.kit.database import transaction
    from fieldcrm.people.tables import Team, User
    from fieldcrm.visits.tables import Visit

    dice, now = random.Random(1), clock.now()
    team, rep, place = ids.new_id(), ids.new_id(), ids.new_id()
    with transaction() as session:
        session.add(Team(id=team, name="Team", created_at=now))
        session.flush()
        session.add(User(id=rep, login="rep", name="Rep", role="rep", team_id=team, password_hash="", created_at=now))  # fmt: skip
        session.flush()
        session.add(Territory(id=place, name="Centre", team_id=team, rep_id=rep))
    for first in range(0, clients, PIECE):
        made = [_client(n, dice, now, place) for n in range(first, min(first + PIECE, clients))]
        seen = [
            _visit(c, k, dice, now, rep, team)
            for c in made[::VISITED] if c["lat"] is not None
            for k in range(VISITS)
        ]  # fmt: skip
        with transaction() as session:
            session.execute(insert(Client), made)
            session.execute(insert(Visit), seen)


def _client(n: int, dice: random.Random, now: Any, place: str) -> dict[str, Any]:
    from fieldcrm.clients.rules import e164_of
    from fieldcrm.kit import ids

    phone = dice.choice(PHONES)
    phone = phone.format(n=n % 1000) if phone else None
    has_place = dice.random() < 0.9
    return {
        "id": ids.new_id(), "kind": dice.choice(("doctor", "pharmacy", "organisation")),
        "name": f"Client {n}", "sort_name": f"client {n}", "search_text": f"client {n}",
        "category": dice.choice(("A", "B", "C", None)), "phone": phone,
        "phone_e164": e164_of(phone, "FI") if phone else None,
        "address": dice.choice((f"Katu {n}", "Katu", None)), "city": "Helsinki",
        "lat": 60.1 + dice.random() / 5 if has_place else None,
        "lng": 24.8 + dice.random() / 3 if has_place else None,
        "opening_hours": dice.choice(HOURS), "territory_id": place, "tags": [], "own_fields": {},
        "source": "import", "is_sample": False, "created_at": now,
        "updated_at": now - timedelta(days=dice.randrange(400)), "version": 1,
    }  # fmt: skip


def _visit(
    client: dict[str, Any], k: int, dice: random.Random, now: Any, rep: str, team: str
) -> dict[str, Any]:
    from fieldcrm.kit import ids

    at = now - timedelta(days=7 * k + 1)
    told = {"lat": client["lat"] + dice.gauss(0, 1e-4), "lng": client["lng"], "accuracy_m": 12.0}
    return {
        "id": ids.new_id(), "rep_id": rep, "team_id": team, "client_id": client["id"],
        "lat": client["lat"], "lng": client["lng"], "state": "closed", "day": at.date(),
        "checked_in_at": at, "closed_at": at, "check_in": told, "check_out": told,
        "verdict": "confirmed", "details": {}, "verdict_reasons": [], "conflicts": [],
        "created_at": at, "updated_at": at,
    }  # fmt: skip
