"""What must be true when phones have ended: a model of the reps' work, beside what the server holds."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fieldcrm.phone.benches.model import SEPARATOR, Model, ModelMessage, ModelVisit, Taken
from fieldcrm.phone.benches.stage import Group

NAMED = {"visit.check_in", "visit.close", "visit.revise", "client.correct"}
"""Actions that name files."""
DONE_WITHIN_MS = 30_000
"""Of real time: so long an action may wait between its arrival and its turn."""
UNNOTED = ("plan", "reorder", "miss")
"""Moves that follow from other actions, or from the calendar."""


@dataclass
class Found:
    """What is wrong with a group's work, in words; and how much it did."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    diverged: list[str] = field(default_factory=list)
    mutations: int = 0
    attachments: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def is_good(self) -> bool:
        return not (self.lost or self.duplicated or self.diverged)

    def compare(self, what: str, wanted: Iterable[Any], there: Iterable[Any]) -> None:
        """Things by name, each as often as it must be."""
        wanted, there = Counter([*wanted]), Counter([*there])
        self.lost += [f"{what} {name!r} is not there" for name in wanted - there]
        self.duplicated += [f"{what} {name!r} came unasked or again" for name in there - wanted]


class Books:
    """What the server's database and folder hold of some devices."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.db = sqlite3.connect(home / "fieldcrm.db", timeout=30)
        self.db.execute("PRAGMA query_only = 1")
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


def judge(home: Path, group: Group, told: dict[str, Any], zone: Any) -> Found:
    """Hold what the server has of a group against what its phones and its office saw being done."""
    books, found, phones = Books(home), Found(), told["phones"]
    try:
        _phones(found, group, told)
        model = _answers(found, books, group, phones, zone)
        _visits(found, books, group, model)
        _files(found, books, model, phones)
        _clients(found, books, group, model)
        _corrections(found, books, model, told["office"])
        _shifts(found, books, model)
        _joints(found, books, group, model)
        _messages(found, books, group, model, told["office"])
        _replans(found, books, group, model)
    finally:
        books.db.close()
    return found


def _phones(found: Found, group: Group, told: dict[str, Any]) -> None:
    found.lost += [f"the office: {trouble}" for trouble in told["office"]["troubles"]]
    if len(told["phones"]) < len(group.phones):
        found.lost.append("a phone said nothing in the end")
    for phone in told["phones"]:
        found.lost += [f"phone {phone['number']}: {trouble}" for trouble in phone["troubles"]]
        found.diverged += [f"phone {phone['number']}: {row}" for row in phone["diverged"]]


def _begun(books: Books, group: Group) -> Model:
    """As it stood before anybody began."""
    planned = [v for told in group.phones for v in {*told["visits"], *told["contested"]}]
    places = {v: i for told in group.phones for v, i in told.get("places", {}).items()}
    rows = books.rows("SELECT id, rep_id, day FROM visit WHERE id IN ?s", planned)
    return Model({r["id"]: ModelVisit(r["rep_id"], r["day"], places[r["id"]]) for r in rows})


def _answers(
    found: Found, books: Books, group: Group, phones: list[dict[str, Any]], zone: Any
) -> Model:
    """Each action answered once, as the model says, and the phone knows the same."""
    done = {m["id"]: m for phone in phones for m in phone["journal"]}
    heard = {a["id"]: a for phone in phones for a in phone["answers"]}
    devices = [phone["device_id"] for phone in phones]
    rows = books.rows("SELECT * FROM mutation WHERE device_id IN ?s ORDER BY rowid", devices)
    found.mutations = len(done)
    for missing in done.keys() - {r["id"] for r in rows}:
        found.lost.append(f"{done[missing]['kind']} {missing} never came to the server")
    model = _begun(books, group)
    late_ms = DONE_WITHIN_MS * (group.clock["speed"] if group.clock else 1)
    for row in rows:
        mine = done.get(row["id"])
        if mine is None:
            found.duplicated.append(f"{row['kind']} {row['id']} was done by nobody")
            continue
        taken = _taken(row, mine, zone, late_ms)
        if taken.payload != mine["payload"] or taken.subject != mine["subject_id"]:
            found.lost.append(f"{taken.kind} {taken.id} came otherwise than it was done")
        wanted, code = model.take(taken), taken.code
        found.kinds[taken.kind] += 1
        if code:
            found.refused[code] += 1
        if code != wanted:
            found.lost.append(
                f"{taken.kind} {taken.id} was answered {code}, {wanted} is right: {row['result']}"
            )
        answer = heard.get(taken.id, {})
        if (answer.get("status"), answer.get("code")) != (row["status"], code):
            found.diverged.append(f"{taken.kind} {taken.id}: phone heard {answer}")
    return model


def _taken(row: sqlite3.Row, mine: dict[str, Any], zone: Any, late_ms: float) -> Taken:
    received = _ms(row["received_at"])
    pressed = min(mine["device_at_ms"] + mine["offset_ms"], received)
    code = json.loads(row["result"]).get("code") if row["status"] != "applied" else None
    return Taken(
        row["id"], row["kind"], row["subject_id"], json.loads(row["payload"]), row["rep_id"],
        _day(pressed, zone), _day(received, zone), _day(received + late_ms, zone), code,
    )  # fmt: skip


def _ms(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000


def _day(ms: float, zone: Any) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).date().isoformat()


def _visits(found: Found, books: Books, group: Group, model: Model) -> None:
    reps = [*group.rep_names]
    there = {r["id"]: r for r in books.rows("SELECT * FROM visit WHERE rep_id IN ?s", reps)}
    for stray in there.keys() - model.visits.keys():
        found.duplicated.append(f"visit {stray} was made by nobody")
    for visit_id, wanted in model.visits.items():
        row = there.get(visit_id)
        if row is None:
            found.lost.append(f"visit {visit_id} is not there")
            continue
        if wanted.state == "planned" and row["state"] == "missed":
            wanted.state = "missed"  # the recorder only finds days that are over
        names = ("state", "result", "comment", "reason", "moved_to_id", "position")
        mine = (
            wanted.state,
            wanted.result,
            wanted.comment,
            wanted.reason,
            wanted.moved_to,
            wanted.position,
        )
        theirs = tuple(row[n] for n in names)
        if mine != theirs:
            found.lost.append(f"visit {visit_id}: {theirs}, must be {mine}")
        if row["closed_at"] and row["closed_at"] < row["checked_in_at"]:
            found.lost.append(f"visit {visit_id} closed before it began")
    changes = books.rows(
        "SELECT visit_change.id, count(mutation.id) AS sent, visit_change.move FROM visit_change "
        "JOIN visit ON visit.id = visit_id LEFT JOIN mutation ON mutation.id = visit_change.id "
        "WHERE visit.rep_id IN ?s AND actor_id IS NOT NULL GROUP BY visit_change.id", reps
    )  # fmt: skip
    strays = [c for c in changes if not c["sent"] and c["move"] not in UNNOTED]
    found.duplicated += [f"change {c['id']} ({c['move']}) of no action" for c in strays]


def _files(found: Found, books: Books, model: Model, phones: list[dict[str, Any]]) -> None:
    named = {i: (v, sha) for v, visit in model.visits.items() for i, sha in visit.files.items()}
    rows = books.rows("SELECT * FROM attachment WHERE visit_id IN ?s", [*model.visits])
    cards = books.rows(
        "SELECT id, sha256 FROM card_photo WHERE correction_id IN ?s", [*model.corrections]
    )
    found.attachments = len(named) + len(model.card_files)
    found.compare("attachment", named, (r["id"] for r in rows))
    found.compare(
        "photo of a card", model.card_files.items(), ((r["id"], r["sha256"]) for r in cards)
    )
    for row in rows:
        if (row["visit_id"], row["sha256"]) != named.get(row["id"]):
            found.lost.append(f"attachment {row['id']} is another's")
        if row["stored_at"] is None:
            found.lost.append(f"photo {row['sha256']} of visit {row['visit_id']} is not complete")
    taken = {sha for phone in phones for sha, _ in phone["photos"]}
    kept = {f["sha256"]: f for phone in phones for f in phone["files"]}
    found.lost += [f"photo {sha} is gone from the phone" for sha in taken - kept.keys()]
    for sha in {*(sha for _, sha in named.values()), *model.card_files.values()}:
        if not books.file_is_whole(sha):
            found.lost.append(f"photo {sha} is not whole on the server")
        if kept.get(sha, {}).get("state") != "stored":
            found.diverged.append(f"photo {sha}: phone says {kept.get(sha)}")


def _clients(found: Found, books: Books, group: Group, model: Model) -> None:
    all_ids = _cards(group, model)
    there = {r["id"]: r for r in books.rows("SELECT * FROM client WHERE id IN ?s", all_ids)}
    for client_id, name in model.clients.items():
        if client_id not in there or there[client_id]["name"] != name:
            found.lost.append(f"client {name} is not there")
    for client_id, note in model.notes.items():
        stands = there[client_id]["note"]
        if (SEPARATOR.sub("\n|\n", stands) if stands else None) != (note or None):
            found.lost.append(f"note of {client_id}: {stands!r}, must be {note!r}")
    made = books.rows("SELECT * FROM promise WHERE rep_id IN ?s", [*group.rep_names])
    found.compare("promise", model.promises.elements(), (r["text"] for r in made))
    done = {r["id"] for r in made if r["done_at"]}
    if done != model.kept:
        found.lost.append(f"promises kept: {sorted(done)}, must be {sorted(model.kept)}")


def _cards(group: Group, model: Model) -> list[str]:
    given = {c for t in group.phones for c in (*t["clients"], *t["shared_clients"])}
    return sorted(given | model.clients.keys())


def _corrections(found: Found, books: Books, model: Model, office: dict[str, Any]) -> None:
    """Each asked once, decided as the office did; the card says what was accepted last."""
    cards = sorted({card for card, _ in model.corrections.values()})
    rows = books.rows(
        "SELECT kind, data FROM event WHERE kind LIKE 'client.correction_%' AND subject_id IN ?s "
        "ORDER BY rowid", cards
    )  # fmt: skip
    told = [
        (r["kind"].removeprefix("client.correction_"), json.loads(r["data"])["id"]) for r in rows
    ]
    found.compare("correction", model.corrections, (i for word, i in told if word == "asked"))
    words = ((i, word) for word, i in told if word != "asked")
    found.compare("word on a correction", office["decided"].items(), words)
    address: dict[str, Any] = {}
    for word, correction_id in told:
        if word == "accepted" and correction_id in model.corrections:
            card, wanted = model.corrections[correction_id]
            address[card] = wanted["address"]
    for row in books.rows("SELECT id, address FROM client WHERE id IN ?s", [*address]):
        if row["address"] != address[row["id"]]:
            found.lost.append(
                f"address of {row['id']}: {row['address']!r}, must be {address[row['id']]!r}"
            )


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


def _joints(found: Found, books: Books, group: Group, model: Model) -> None:
    rows = books.rows("SELECT * FROM joint_visit WHERE rep_id IN ?s", [*group.rep_names])
    found.compare("joint visit", model.joints, (r["id"] for r in rows))
    for row in rows:
        wanted = model.joints.get(row["id"])
        theirs = (row["visit_id"], row["rep_id"], row["colleague_id"], row["status"])
        if wanted and theirs != (wanted.visit, wanted.rep, wanted.colleague, wanted.status):
            found.lost.append(f"joint visit {row['id']}: {theirs}, must be {wanted}")


def _messages(
    found: Found, books: Books, group: Group, model: Model, office: dict[str, Any]
) -> None:
    rows = books.rows(
        "SELECT * FROM message WHERE kind <> 'plan' AND rep_id IN ?s", [*group.rep_names]
    )
    silences = _silences(books, group)
    written = [*group.messages, *(w["text"] for w in office["written"])]
    found.compare("message", written, (r["text"] for r in rows if r["batch_id"] not in silences))
    of_silence = [r["batch_id"] for r in rows if r["batch_id"] in silences]
    found.compare("message of a silence", set(of_silence), of_silence)
    withdrawn = {w["text"] for w in office["written"] if w["is_withdrawn"]}
    for row in rows:
        m = model.messages.get(row["id"], ModelMessage())
        is_gone = row["text"] in withdrawn
        if row["batch_id"] in silences:  # the product's own word, which it takes back in its time
            is_gone = row["withdrawn_at"] is not None
        mine = (m.seen, m.accepted, m.declined, m.done, m.comment, is_gone)
        told = (row[f"{n}_at"] is not None for n in ("seen", "accepted", "declined", "done"))
        theirs = (*told, row["comment"], row["withdrawn_at"] is not None)
        if theirs != mine:
            found.lost.append(f"message {row['text']!r}: {theirs}, must be {mine}")


def _silences(books: Books, group: Group) -> set[str]:
    """Alerts of a silent phone: its rep is told once of each."""
    silent = "SELECT id FROM alert WHERE kind = 'silent' AND rep_id IN ?s"
    return {row["id"] for row in books.rows(silent, [*group.rep_names])}


def _replans(found: Found, books: Books, group: Group, model: Model) -> None:
    """The office sees each rep's last words; how many alerts he raised is its own affair."""
    rows = books.rows(
        "SELECT rep_id, data FROM alert WHERE kind = 'replan_asked' AND rep_id IN ?s ORDER BY at",
        [*group.rep_names],
    )
    told = {r["rep_id"]: json.loads(r["data"]).get("comment") for r in rows}
    if told != model.replans:
        found.lost.append(f"asked for a better day: {told}, must be {model.replans}")
