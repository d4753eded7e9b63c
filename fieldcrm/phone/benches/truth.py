"""What must be true when a schedule has ended: a model of the reps' work, beside what the server holds.

The model knows the rules of a visit's life in its own words, takes the actions in the order in which the
server took them, and says what each must have been answered and what must stand there now.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

SEPARATOR = re.compile(r"\n--- [^\n]+ ---\n")
LEADS = {
    "visit.check_in": ({"planned", "missed"}, "under_way"), "visit.close": ({"under_way"}, "closed"),
    "visit.cancel": ({"planned", "under_way"}, "cancelled"), "visit.move": ({"planned"}, "moved"),
    "visit.revise": ({"closed"}, "closed"),
}  # fmt: skip


@dataclass
class Found:
    """What is wrong with a schedule, in words; and how much it did."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)
    mutations: int = 0
    attachments: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def is_good(self) -> bool:
        return not (self.lost or self.duplicated or self.diverged)


@dataclass
class ModelVisit:
    state: str = "planned"
    result: str | None = None
    comment: str | None = None
    reason: str | None = None
    moved_to: str | None = None
    closed_on: str | None = None
    files: dict[str, str] = field(default_factory=dict)


class Model:
    """The work as it must stand."""

    def __init__(self, visits: list[str]) -> None:
        self.visits = {v: ModelVisit() for v in visits}
        self.notes: dict[str, str | None] = {}
        self.clients: dict[str, str] = {}
        self.promises: Counter[str] = Counter()
        self.kept: set[str] = set()
        self.shifts: dict[str, dict[str, int]] = {}
        self.corrections: list[str] = []

    def take(self, kind: str, subject: str, p: dict[str, Any], m: dict[str, Any]) -> str | None:
        """Do it; the code of the refusal it must get, None when it must be applied."""
        if kind in LEADS:
            return self._lead(kind, subject, p, m)
        if kind == "visit.create":
            self.visits[subject] = ModelVisit()
        elif kind == "client.create":
            self.clients[subject] = p["name"]
        elif kind == "client.note":
            self._note(subject, p)
        elif kind == "client.correct":
            self.corrections.append(m["id"])
        elif kind == "promise.done":
            self.kept.add(subject)
        elif kind.startswith("shift."):
            shift = self.shifts.setdefault(subject, Counter())
            shift[kind] += 1
        return None

    def _lead(self, kind: str, subject: str, p: dict[str, Any], m: dict[str, Any]) -> str | None:
        visit = self.visits[subject]
        origins, state = LEADS[kind]
        if visit.state not in origins:
            return "illegal_move"
        if kind == "visit.revise" and visit.closed_on != m["day"]:
            return "revise_too_late"
        visit.state = state
        visit.files |= {a["id"]: a["sha256"] for a in p.get("attachments") or []}
        if kind == "visit.check_in":
            visit.comment, visit.reason = p.get("comment") or visit.comment, None
        elif kind == "visit.close":
            visit.result, visit.closed_on = p["result"], m["day"]
            visit.comment = p["comment"] if p.get("comment") is not None else visit.comment
            if p.get("next_step"):
                self.promises[p["next_step"]["text"]] += 1
        elif kind == "visit.revise":
            visit.comment = p.get("comment", visit.comment)
            visit.result = p.get("result") or visit.result
        else:
            visit.reason = p["reason"]
            if kind == "visit.move":
                visit.moved_to = p["new_visit_id"]
                self.visits[p["new_visit_id"]] = ModelVisit()
        return None

    def _note(self, client: str, p: dict[str, Any]) -> None:
        """Over what the rep saw; beside what he did not see."""
        stands, wanted = self.notes.get(client), p["note"]
        unseen = SEPARATOR.sub("\n|\n", p["base_note"] or "") != (stands or "")
        both = unseen and stands and wanted and stands != wanted
        self.notes[client] = f"{stands}\n|\n{wanted}" if both else wanted


class Books:
    """What the server's database and folder hold of some devices."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.db = sqlite3.connect(f"file:{home / 'fieldcrm.db'}?mode=ro", uri=True, timeout=30)
        self.db.row_factory = sqlite3.Row

    def rows(self, sql: str, wanted: list[str], *more: Any) -> list[sqlite3.Row]:
        """Rows of a query whose `?s` stands for the wanted ids."""
        marks = ", ".join("?" * len(wanted))
        return self.db.execute(sql.replace("?s", f"({marks})"), [*wanted, *more]).fetchall()

    def file_is_whole(self, sha256: str) -> bool:
        path = self.home / "files" / sha256[:2] / sha256
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def judge(home: Path, schedule: Any, phones: list[dict[str, Any]], zone: Any) -> Found:
    """Hold what the server has of a schedule against what its phones saw the reps do."""
    books, found = Books(home), Found()
    try:
        _phones(found, phones)
        model = _answers(found, books, schedule, phones, zone)
        _visits(found, books, schedule, model)
        _files(found, books, model, phones)
        _clients(found, books, schedule, model)
        _shifts(found, books, model)
    finally:
        books.db.close()
    return found


def _phones(found: Found, phones: list[dict[str, Any]]) -> None:
    for phone in phones:
        for trouble in phone["troubles"]:
            found.lost.append(f"phone {phone['number']}: {trouble}")
        for row in phone["diverged"]:
            found.diverged.append(f"phone {phone['number']}: {row}")


def _answers(
    found: Found, books: Books, schedule: Any, phones: list[dict[str, Any]], zone: Any
) -> Model:
    """Each action answered once, as the model says, and the phone knows the same."""
    done = {m["id"]: m for phone in phones for m in phone["journal"]}
    heard = {a["id"]: a for phone in phones for a in phone["answers"]}
    devices = [phone["device_id"] for phone in phones]
    rows = books.rows("SELECT * FROM mutation WHERE device_id IN ?s ORDER BY rowid", devices)
    found.mutations = len(done)
    for missing in done.keys() - {r["id"] for r in rows}:
        found.lost.append(f"{done[missing]['kind']} {missing} never came to the server")
    model = Model([v for told in schedule.told for v in {*told["visits"], *told["contested"]}])
    for row in rows:
        mine = done.get(row["id"])
        if mine is None:
            found.duplicated.append(f"{row['kind']} {row['id']} was done by nobody")
            continue
        payload = json.loads(row["payload"])
        if payload != mine["payload"] or row["subject_id"] != mine["subject_id"]:
            found.lost.append(f"{row['kind']} {row['id']} came otherwise than it was done")
        at_ms = min(mine["device_at_ms"] + mine["offset_ms"], _ms(row["received_at"]))
        day = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).date().isoformat()
        wanted = model.take(row["kind"], row["subject_id"], payload, {"id": row["id"], "day": day})
        code = json.loads(row["result"]).get("code") if row["status"] != "applied" else None
        if code:
            found.refused[code] += 1
        if code != wanted:
            found.lost.append(
                f"{row['kind']} {row['id']} was answered {code}, {wanted} is right: {row['result']}"
            )
        answer = heard.get(row["id"], {})
        if (answer.get("status"), answer.get("code")) != (row["status"], code):
            found.diverged.append(f"{row['kind']} {row['id']}: phone heard {answer}")
    return model


def _ms(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000


def _visits(found: Found, books: Books, schedule: Any, model: Model) -> None:
    reps = [*schedule.rep_names]
    there = {r["id"]: r for r in books.rows("SELECT * FROM visit WHERE rep_id IN ?s", reps)}
    for stray in there.keys() - model.visits.keys():
        found.duplicated.append(f"visit {stray} was made by nobody")
    for visit_id, wanted in model.visits.items():
        row = there.get(visit_id)
        if row is None:
            found.lost.append(f"visit {visit_id} is not there")
            continue
        mine = (wanted.state, wanted.result, wanted.comment, wanted.reason, wanted.moved_to)
        theirs = tuple(row[n] for n in ("state", "result", "comment", "reason", "moved_to_id"))
        if mine != theirs:
            found.lost.append(f"visit {visit_id}: {theirs}, must be {mine}")
        if row["closed_at"] and row["closed_at"] < row["checked_in_at"]:
            found.lost.append(f"visit {visit_id} closed before it began")
    changes = books.rows(
        "SELECT visit_change.id, count(mutation.id) AS sent, visit_change.move FROM visit_change "
        "JOIN visit ON visit.id = visit_id LEFT JOIN mutation ON mutation.id = visit_change.id "
        "WHERE visit.rep_id IN ?s AND actor_id IS NOT NULL GROUP BY visit_change.id", reps
    )  # fmt: skip
    strays = [c for c in changes if not c["sent"] and c["move"] != "plan"]
    found.duplicated += [f"change {c['id']} ({c['move']}) of no action" for c in strays]


def _files(found: Found, books: Books, model: Model, phones: list[dict[str, Any]]) -> None:
    named = {i: (v, sha) for v, visit in model.visits.items() for i, sha in visit.files.items()}
    found.attachments = len(named)
    rows = books.rows("SELECT * FROM attachment WHERE visit_id IN ?s", [*model.visits])
    there = Counter(r["id"] for r in rows)
    found.duplicated += [f"attachment {i} was named by nobody" for i in there.keys() - named.keys()]
    found.lost += [f"attachment {i} is not there" for i in named.keys() - there.keys()]
    for row in rows:
        if (row["visit_id"], row["sha256"]) != named.get(row["id"]):
            found.lost.append(f"attachment {row['id']} is another's")
        if row["stored_at"] is None:
            found.lost.append(f"photo {row['sha256']} of visit {row['visit_id']} is not complete")
        if not books.file_is_whole(row["sha256"]):
            found.lost.append(f"photo {row['sha256']} is not whole on the server")
    taken = {sha for phone in phones for sha, _ in phone["photos"]}
    kept = {f["sha256"]: f for phone in phones for f in phone["files"]}
    found.lost += [f"photo {sha} is gone from the phone" for sha in taken - kept.keys()]
    for _, sha in named.values():
        if kept.get(sha, {}).get("state") != "stored":
            found.diverged.append(f"photo {sha}: phone says {kept.get(sha)}")


def _clients(found: Found, books: Books, schedule: Any, model: Model) -> None:
    all_ids = sorted(
        {c for t in schedule.told for c in (*t["clients"], *t["shared_clients"])}
        | model.clients.keys()
    )
    there = {r["id"]: r for r in books.rows("SELECT * FROM client WHERE id IN ?s", all_ids)}
    for client_id, name in model.clients.items():
        if client_id not in there or there[client_id]["name"] != name:
            found.lost.append(f"client {name} is not there")
    for client_id, note in model.notes.items():
        stands = there[client_id]["note"]
        if (SEPARATOR.sub("\n|\n", stands) if stands else None) != (note or None):
            found.lost.append(f"note of {client_id}: {stands!r}, must be {note!r}")
    made = books.rows("SELECT * FROM promise WHERE rep_id IN ?s", [*schedule.rep_names])
    texts = Counter(r["text"] for r in made)
    found.lost += [f"promise {t!r} is not there" for t in (model.promises - texts)]
    found.duplicated += [f"promise {t!r} came again" for t in (texts - model.promises)]
    done = {r["id"] for r in made if r["done_at"]}
    if done != model.kept:
        found.lost.append(f"promises kept: {sorted(done)}, must be {sorted(model.kept)}")
    asked = books.rows(
        "SELECT data FROM event WHERE kind = 'client.correction_asked' AND subject_id IN ?s",
        all_ids,
    )
    corrections = Counter(json.loads(r["data"])["id"] for r in asked)
    found.lost += [f"correction {i} is not there" for i in Counter(model.corrections) - corrections]
    found.duplicated += [
        f"correction {i} came again" for i in corrections - Counter(model.corrections)
    ]


def _shifts(found: Found, books: Books, model: Model) -> None:
    there = {r["id"]: r for r in books.rows("SELECT * FROM shift WHERE id IN ?s", [*model.shifts])}
    for shift_id, pressed in model.shifts.items():
        row = there.get(shift_id)
        if row is None:
            found.lost.append(f"shift {shift_id} is not there")
            continue
        pauses = json.loads(row["pauses"])
        wanted = (pressed["shift.pause"], bool(pressed["shift.end"]))
        if (len(pauses), row["ended_at"] is not None) != wanted:
            found.lost.append(
                f"shift {shift_id}: {len(pauses)} pauses, ended {row['ended_at']}, must be {wanted}"
            )
