"""The reps' work as it must stand: the rules of a visit's life, of a day's order, of what two people and
the office agree on, in words of the bench's own.

It takes the actions in the order in which the server took them, and says what each must have been answered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any

SEPARATOR = re.compile(r"\n--- [^\n]+ ---\n")
"""Between two people's notes on a card."""
LEADS = {
    "visit.check_in": ({"planned", "missed"}, "under_way"), "visit.close": ({"under_way"}, "closed"),
    "visit.cancel": ({"planned", "under_way"}, "cancelled"), "visit.move": ({"planned"}, "moved"),
    "visit.revise": ({"closed"}, "closed"),
}  # fmt: skip
MADE = {"under_way", "closed"}
JOINED = {"planned", "under_way", "closed"}
"""Visits that a colleague may be named for."""


@dataclass(frozen=True)
class Taken:
    """One action as the server took it: whose, when it was pressed and received, how it was answered."""

    id: str
    kind: str
    subject: str
    payload: dict[str, Any]
    rep: str
    day: str
    received_day: str
    latest_day: str
    """By which it was done for certain: a fast clock goes on meanwhile."""
    code: str | None

    def is_too_late(self, day: str) -> bool:
        """Whether a day was over; around its end, what the server answered tells."""
        return day < self.received_day or (day < self.latest_day and self.code == "nothing_to_plan")


@dataclass
class ModelVisit:
    rep: str
    day: str
    position: int = 0
    state: str = "planned"
    result: str | None = None
    comment: str | None = None
    reason: str | None = None
    moved_to: str | None = None
    closed_on: str | None = None
    files: dict[str, str] = field(default_factory=dict)


@dataclass
class ModelJoint:
    visit: str
    rep: str
    colleague: str
    status: str = "asked"


@dataclass
class ModelMessage:
    seen: bool = False
    accepted: bool = False
    declined: bool = False
    done: bool = False
    comment: str | None = None


class Model:
    """The work as it must stand."""

    def __init__(self, visits: dict[str, ModelVisit]) -> None:
        self.visits = visits
        self.notes: dict[str, str | None] = {}
        self.clients: dict[str, str] = {}
        self.promises: Counter[str] = Counter()
        self.kept: set[str] = set()
        self.shifts: dict[str, Counter[str]] = {}
        self.corrections: dict[str, tuple[str, dict[str, Any]]] = {}
        """(card, what is wanted of it) by id."""
        self.card_files: dict[str, str] = {}
        self.joints: dict[str, ModelJoint] = {}
        self.messages: dict[str, ModelMessage] = {}
        self.replans: dict[str, str | None] = {}
        """Each rep's last words with which he asked for a better day."""

    def take(self, t: Taken) -> str | None:
        """Do it; the code of the refusal it must get, None when it must be applied."""
        if t.kind in LEADS:
            return self._lead(t)
        if t.kind.startswith("shift."):
            return self._shift(t)
        others = {
            "visit.create": self._visit_create, "day.order": self._day_order,
            "day.replan": self._day_replan, "joint.ask": self._joint_ask,
            "joint.answer": self._joint_answer, "message.answer": self._message,
            "client.create": self._client_create, "client.correct": self._client_correct,
            "client.note": self._client_note, "promise.done": self._promise,
        }  # fmt: skip
        return others[t.kind](t) if t.kind in others else "nobody does this"

    # ---- visits ----

    def _lead(self, t: Taken) -> str | None:
        visit, p = self.visits[t.subject], t.payload
        origins, state = LEADS[t.kind]
        self._may_be_missed(visit, t)
        if visit.state not in origins:
            return "illegal_move"
        if t.kind == "visit.revise" and visit.closed_on != t.day:
            return "revise_too_late"
        visit.state = state
        visit.files |= {a["id"]: a["sha256"] for a in p.get("attachments") or []}
        if t.kind == "visit.check_in":
            visit.comment, visit.reason = p.get("comment") or visit.comment, None
        elif t.kind == "visit.close":
            self._close(visit, t)
        elif t.kind == "visit.revise":
            visit.comment = p.get("comment", visit.comment)
            visit.result = p.get("result") or visit.result
        else:
            visit.reason = p["reason"]
            if t.kind == "visit.move":
                visit.moved_to = p["new_visit_id"]
                self.visits[p["new_visit_id"]] = ModelVisit(t.rep, p["day"])
        return None

    def _may_be_missed(self, visit: ModelVisit, t: Taken) -> None:
        """A day that was over when an action came may have been found over before: either is right."""
        is_over = visit.state == "planned" and visit.day < t.latest_day
        if is_over and t.code == "illegal_move":
            visit.state = "missed"

    def _close(self, visit: ModelVisit, t: Taken) -> None:
        p = t.payload
        visit.result, visit.closed_on = p["result"], t.day
        visit.comment = p["comment"] if p.get("comment") is not None else visit.comment
        if p.get("next_step"):
            self.promises[p["next_step"]["text"]] += 1

    def _visit_create(self, t: Taken) -> None:
        """An unplanned visit comes last in its day."""
        day = t.payload["day"]
        last = max((v.position for v in self._day_of(t.rep, day)), default=0)
        self.visits[t.subject] = ModelVisit(t.rep, day, last + 1)

    def _day_of(self, rep: str, day: str) -> list[ModelVisit]:
        return [v for v in self.visits.values() if (v.rep, v.day) == (rep, day)]

    def _day_order(self, t: Taken) -> str | None:
        """The wanted ones change places among themselves; who has no place yet gets one after all."""
        planned = {
            i: v for i, v in self.visits.items()
            if (v.rep, v.day, v.state) == (t.rep, t.payload["day"], "planned")
        }  # fmt: skip
        if not planned or t.is_too_late(t.payload["day"]):
            return "nothing_to_plan"
        before = sorted(planned, key=lambda i: (planned[i].position or 10_000, i))
        turns = iter([i for i in dict.fromkeys(t.payload["visit_ids"]) if i in planned])
        wanted = {*t.payload["visit_ids"]}
        after = [next(turns) if i in wanted else i for i in before]
        if after != before:
            for visit_id, place in zip(after, self._places(planned, t), strict=False):
                planned[visit_id].position = place
        return None

    def _places(self, planned: dict[str, ModelVisit], t: Taken) -> Iterator[int]:
        """Those that stand, then further ones behind all that is made."""
        used = sorted(v.position for v in planned.values() if v.position)
        made = (v.position for v in self._day_of(t.rep, t.payload["day"]) if v.state in MADE)
        return chain(used, count(max([0, *used, *made]) + 1))

    def _day_replan(self, t: Taken) -> str | None:
        planned = [v for v in self._day_of(t.rep, t.payload["day"]) if v.state == "planned"]
        if not planned or t.is_too_late(t.payload["day"]):
            return "nothing_to_plan"
        self.replans[t.rep] = t.payload["comment"]
        return None

    # ---- two reps, the office ----

    def _joint_ask(self, t: Taken) -> str | None:
        """Each colleague is named once for a visit; after a withdrawal he may be named again."""
        visit = self.visits[t.payload["visit_id"]]
        self._may_be_missed(visit, t)
        if visit.state not in JOINED:
            return "illegal_move"
        pair = (t.payload["visit_id"], t.payload["colleague_id"])
        known = next((j for j in self.joints.values() if (j.visit, j.colleague) == pair), None)
        if known is None:
            self.joints[t.subject] = ModelJoint(pair[0], t.rep, pair[1])
        elif known.status == "withdrawn":
            known.status = "asked"
        return None

    def _joint_answer(self, t: Taken) -> str | None:
        known, word = self.joints.get(t.subject), t.payload["answer"]
        if known is None or t.rep != (known.rep if word == "withdrawn" else known.colleague):
            return "visit_not_found"
        self._may_be_missed(self.visits[known.visit], t)
        if known.status == "withdrawn" or self.visits[known.visit].state not in JOINED:
            return "illegal_move"
        known.status = word
        return None

    def _message(self, t: Taken) -> None:
        """Who accepts, declines or has done it has seen it; accepting or doing takes a refusal back."""
        m, word = self.messages.setdefault(t.subject, ModelMessage()), t.payload["answer"]
        before = (m.seen, m.accepted, m.declined, m.done)
        m.seen = True
        if word in ("accepted", "done"):
            m.accepted, m.declined = True, False
        if word == "declined" and not m.done:
            m.declined = True
        m.done = m.done or word == "done"
        is_news = before != (m.seen, m.accepted, m.declined, m.done)
        if is_news and word in ("declined", "done") and t.payload.get("comment"):
            m.comment = t.payload["comment"]

    # ---- cards ----

    def _client_create(self, t: Taken) -> None:
        self.clients[t.subject] = t.payload["name"]

    def _client_correct(self, t: Taken) -> None:
        wanted = {k: v for k, v in t.payload.items() if k not in ("comment", "attachments")}
        self.corrections[t.id] = (t.subject, wanted)
        self.card_files |= {a["id"]: a["sha256"] for a in t.payload.get("attachments") or []}

    def _client_note(self, t: Taken) -> None:
        """Over what the rep saw; beside what he did not see, which emptying the note leaves too."""
        stands, wanted = self.notes.get(t.subject), t.payload["note"]
        unseen = SEPARATOR.sub("\n|\n", t.payload["base_note"] or "") != (stands or "")
        if unseen and stands and stands != wanted:
            wanted = f"{stands}\n|\n{wanted}" if wanted else stands
        self.notes[t.subject] = wanted

    def _promise(self, t: Taken) -> None:
        self.kept.add(t.subject)

    def _shift(self, t: Taken) -> None:
        self.shifts.setdefault(t.subject, Counter())[t.kind] += 1
