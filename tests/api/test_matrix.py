"""Each role against each route, on somebody else's row: refused, and nothing changed.

The routes are taken from the app itself: one that is added without a rule here fails the first
test. A rule says which roles a route serves and how a stranger asks it for a row of the north.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import h3.api.basic_int as h3
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlmodel import Session

from fieldcrm.api.app import make_api, routes_of
from fieldcrm.arrival.tables import ArrivalLink
from fieldcrm.clients.duplicates.tables import ClientMerge, Duplicate
from fieldcrm.clients.ownfields import files as own_files
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.views import service as views
from fieldcrm.exports import service as exports
from fieldcrm.forms import service as forms
from fieldcrm.forms.tables import ShelfCheck
from fieldcrm.handover.tables import Handover
from fieldcrm.kit import clock, facts, files, ids
from fieldcrm.kit.database import engine, transaction
from fieldcrm.messages import service as messages
from fieldcrm.messages.model import Draft as MessageDraft
from fieldcrm.messages.model import Kind as MessageKind
from fieldcrm.migrations.schema import metadata
from fieldcrm.people import registry
from fieldcrm.people import service as people
from fieldcrm.people.tables import User
from fieldcrm.planning.tables import DayPlan, Proposal
from fieldcrm.quality import checking
from fieldcrm.quality.tables import PinProposal
from fieldcrm.reports import coverage_rules
from fieldcrm.tracking.areas import service as areas
from fieldcrm.tracking.areas.model import Draft, Shape, ShapeKind
from fieldcrm.tracking.tables import CoverageDay
from fieldcrm.visits.tables import Attachment, JointVisit, Visit, VisitChange
from tests.clients.base import Base, lay_out
from tests.people.company import PASSWORD

REP, DISPATCHER, MANAGER, ADMIN = "rep", "dispatcher", "manager", "admin"
DESK = frozenset({DISPATCHER, MANAGER, ADMIN})
EVERYBODY = DESK | {REP}
ADMINS = frozenset({ADMIN})
REPS = frozenset({REP})
BOSSES = frozenset({MANAGER, ADMIN})
DAY = date(2026, 5, 4)
PHOTO = b"\xff\xd8\xff\xe0 a photo of the north"
SHA = hashlib.sha256(PHOTO).hexdigest()


@dataclass(frozen=True)
class World:
    """Rows of the north that nobody else may see."""

    base: Base
    ids: dict[str, str]

    def fill(self, template: Any) -> Any:
        """A template with `<name>` replaced by the id of that name, in texts at any depth."""
        if isinstance(template, str):
            for name, value in self.ids.items():
                template = template.replace(f"<{name}>", value)
            return template
        if isinstance(template, dict):
            return {k: self.fill(v) for k, v in template.items()}
        return [self.fill(v) for v in template] if isinstance(template, list) else template


@dataclass(frozen=True)
class Rule:
    """Which roles a route serves, and the request for a foreign row.

    `hidden`: the answer is a success in which none of the north's ids stands (lists, own data).
    Otherwise the answer must be one of `refused`.
    """

    roles: frozenset[str]
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None
    hidden: bool = False
    refused: frozenset[int] = frozenset({404})
    check: Callable[[Any], bool] | None = None


V = "/api/v1"
IF = {"If-Match": '"1"'}
POLICY = {"keep_days": 7, "alert_days": 7, "photo_days": 30, "quiet_from_min": None,
          "quiet_to_min": None}  # fmt: skip
PUBLIC = {
    ("POST", f"{V}/session"), ("DELETE", f"{V}/session"), ("GET", "/api/openapi.json"),
    ("GET", "/api/docs"), ("GET", f"{V}/arrival/{{token}}"),
}  # fmt: skip
OWN = {
    ("GET", f"{V}/me"): EVERYBODY, ("PUT", f"{V}/me/password"): EVERYBODY,
    ("PUT", f"{V}/me/language"): EVERYBODY,
}  # fmt: skip
"""Routes that name no row: they serve the caller himself."""


MAY = {"first": "2026-05-01", "last": "2026-05-31"}
WINDOW = MAY | {"measure": "presence", "south": 60, "west": 24, "north": 61, "east": 26, "zoom": 12}


def _mutation(kind: str, subject: str, payload: dict[str, Any], seq: int = 1) -> dict[str, Any]:
    return {
        "id": ids.new_id(), "seq": seq, "kind": kind, "subject_id": subject, "device_at_ms": 1,
        "offset_ms": 0, "payload": payload,
    }  # fmt: skip


def _workbook(answer: Any) -> str:
    """Every text of a workbook."""
    book = zipfile.ZipFile(io.BytesIO(answer.content))
    return "".join(book.read(n).decode() for n in book.namelist() if n.endswith(".xml"))


PUSH_KEYS = {
    "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    "auth": "BTBZMqHH6r4Tts7J_aSIgg",
}
SQUARE = {"type": "Polygon", "coordinates": [[[24.9, 60.1], [25, 60.1], [25, 60.2], [24.9, 60.1]]]}
AREA = {"name": "X", "geometry": SQUARE}
MOOD = {
    "title": "X", "kinds": ["buyer"],
    "fields": [{"name": "mood", "type": "choice", "label": "Mood",
                "options": [{"value": "good", "label": "Good"}]}],
}  # fmt: skip
OWN_FIELD = {
    "definition": {"name": "chain", "type": "yes_no", "label": "X"}, "kinds": ["pharmacy"],
    "editors": ["rep"],
}  # fmt: skip

ORDERS = [
    {"from_rep_id": "<rep>", "to_rep_id": "<own_rep>", "first_day": "<today>"},
    {"from_rep_id": "<own_rep>", "to_rep_id": "<rep>", "first_day": "<today>"},
]

RULES: dict[tuple[str, str], list[Rule]] = {
    ("GET", f"{V}/areas"): [Rule(DESK, f"{V}/areas", hidden=True)],
    ("POST", f"{V}/areas"): [
        Rule(DESK, f"{V}/areas", body={**AREA, "team_ids": ["<team>"]}),
        Rule(DESK, f"{V}/areas", body={**AREA, "rep_ids": ["<rep>"]}),
    ],
    ("GET", f"{V}/areas/export.geojson"): [Rule(DESK, f"{V}/areas/export.geojson", hidden=True)],
    ("POST", f"{V}/areas/import"): [
        Rule(DESK, f"{V}/areas/import", content=b"no file of areas", refused=frozenset({422}))
    ],
    ("GET", f"{V}/areas/{{area_id}}"): [Rule(DESK, f"{V}/areas/<area>")],
    ("PUT", f"{V}/areas/{{area_id}}"): [
        Rule(DESK, f"{V}/areas/<area>", body=AREA),
        Rule(DESK, f"{V}/areas/<area>", body={**AREA, "team_ids": ["<team>"]}),
        Rule(DESK, f"{V}/areas/<own_area>", body={**AREA, "team_ids": ["<team>"]}),
        Rule(DESK, f"{V}/areas/<own_area>", body={**AREA, "rep_ids": ["<rep>"]}),
    ],
    ("DELETE", f"{V}/areas/{{area_id}}"): [Rule(DESK, f"{V}/areas/<area>")],
    ("POST", f"{V}/visits/{{visit_id}}/arrival-links"): [
        Rule(DESK, f"{V}/visits/<visit>/arrival-links")
    ],
    ("GET", f"{V}/visits/{{visit_id}}/arrival-links"): [
        Rule(DESK, f"{V}/visits/<visit>/arrival-links")
    ],
    ("DELETE", f"{V}/arrival-links/{{link_id}}"): [Rule(DESK, f"{V}/arrival-links/<arrival>")],
    ("GET", f"{V}/handovers"): [Rule(BOSSES, f"{V}/handovers", hidden=True)],
    ("POST", f"{V}/handovers/preview"): [
        Rule(BOSSES, f"{V}/handovers/preview", body=order) for order in ORDERS
    ],
    ("POST", f"{V}/handovers"): [
        Rule(BOSSES, f"{V}/handovers", body={**order, "seal": "0" * 24}) for order in ORDERS
    ],
    ("POST", f"{V}/handovers/{{handover_id}}/undo"): [
        Rule(BOSSES, f"{V}/handovers/<handover>/undo")
    ],
    ("GET", f"{V}/handovers/{{handover_id}}/brief.xlsx"): [
        Rule(EVERYBODY, f"{V}/handovers/<handover>/brief.xlsx")
    ],
    ("GET", f"{V}/messages"): [
        Rule(DESK, f"{V}/messages", hidden=True), Rule(DESK, f"{V}/messages", {"rep_id": "<rep>"}),
    ],
    ("GET", f"{V}/messages/export.{{form}}"): [
        Rule(DESK, f"{V}/messages/export.csv", hidden=True, check=lambda a: "Töölö" not in a.text),
        Rule(DESK, f"{V}/messages/export.xlsx", hidden=True,
             check=lambda a: "Töölö" not in _workbook(a)),
        Rule(DESK, f"{V}/messages/export.xlsx", {"rep_id": "<rep>"}),
    ],
    ("POST", f"{V}/messages"): [
        Rule(DESK, f"{V}/messages", body={"kind": "task", "text": "x", **to})
        for to in ({"rep_ids": ["<rep>"]}, {"rep_ids": ["<own_rep>", "<rep>"]}, {"team_id": "<team>"},
                   {"rep_ids": ["<own_rep>"], "client_id": "<client>"})
    ],
    ("DELETE", f"{V}/messages/{{message_id}}"): [Rule(DESK, f"{V}/messages/<message>")],
    ("POST", f"{V}/messages/{{message_id}}/arrived"): [
        Rule(REPS, f"{V}/messages/<message>/arrived")
    ],
    ("GET", f"{V}/push/key"): [Rule(REPS, f"{V}/push/key", hidden=True)],
    ("PUT", f"{V}/push/subscription"): [
        Rule(REPS, f"{V}/push/subscription", refused=frozenset({404, 409}),
             body={"device_id": "<phone>", "endpoint": "https://fcm.googleapis.com/x", **PUSH_KEYS}),
        Rule(REPS, f"{V}/push/subscription", refused=frozenset({422}),
             body={"device_id": "<own_phone>", "endpoint": "https://127.0.0.1/x", **PUSH_KEYS}),
    ],
    ("DELETE", f"{V}/push/subscription/{{device_id}}"): [
        Rule(REPS, f"{V}/push/subscription/<phone>", refused=frozenset({204}))
    ],
    ("GET", f"{V}/live"): [Rule(EVERYBODY, f"{V}/live", hidden=True)],
    ("GET", f"{V}/tracks/{{rep_id}}/{{day}}"): [Rule(EVERYBODY, f"{V}/tracks/<rep>/2026-05-04")],
    ("GET", f"{V}/tracks/{{rep_id}}/{{day}}/replay"): [
        Rule(EVERYBODY, f"{V}/tracks/<rep>/2026-05-04/replay")
    ],
    ("GET", f"{V}/tracks/{{rep_id}}/{{day}}/track.{{form}}"): [
        Rule(EVERYBODY, f"{V}/tracks/<rep>/2026-05-04/track.{form}")
        for form in ("gpx", "geojson", "kml")
    ],
    ("POST", f"{V}/tracks/{{rep_id}}/gpx"): [
        Rule(BOSSES, f"{V}/tracks/<rep>/gpx", content=b"<gpx/>")
    ],
    ("GET", f"{V}/clients"): [
        Rule(EVERYBODY, f"{V}/clients", hidden=True),
        Rule(EVERYBODY, f"{V}/clients", {"territory_id": "<territory>"}, hidden=True),
        Rule(EVERYBODY, f"{V}/clients", {"rep_id": "<rep>", "search": "Töölö"}, hidden=True),
        Rule(EVERYBODY, f"{V}/clients", {"archived": "true", "team_id": "<team>"}, hidden=True),
    ],
    ("GET", f"{V}/clients/export.{{form}}"): [
        Rule(EVERYBODY, f"{V}/clients/export.csv", hidden=True,
             check=lambda a: "Sibeliuksenkatu" not in a.text),
    ],
    ("POST", f"{V}/clients/imports"): [
        Rule(ADMINS, f"{V}/clients/imports", {"file_name": "f.csv"}, content=b"name\nX\n")
    ],
    ("GET", f"{V}/clients/imports"): [Rule(ADMINS, f"{V}/clients/imports")],
    ("GET", f"{V}/clients/imports/{{run_id}}/problems.{{form}}"): [
        Rule(ADMINS, f"{V}/clients/imports/<rep>/problems.{form}") for form in ("csv", "xlsx")
    ],
    ("POST", f"{V}/clients/imports/{{run_id}}/run"): [Rule(ADMINS, f"{V}/clients/imports/<rep>/run")],
    ("GET", f"{V}/clients/imports/{{run_id}}/undo"): [Rule(ADMINS, f"{V}/clients/imports/<rep>/undo")],
    ("POST", f"{V}/clients/imports/{{run_id}}/undo"): [Rule(ADMINS, f"{V}/clients/imports/<rep>/undo")],
    ("DELETE", f"{V}/clients/imports/{{run_id}}"): [Rule(ADMINS, f"{V}/clients/imports/<rep>")],
    ("GET", f"{V}/clients/{{client_id}}"): [Rule(EVERYBODY, f"{V}/clients/<client>")],
    ("POST", f"{V}/clients"): [
        Rule(EVERYBODY, f"{V}/clients",
             body={"name": "X", "kind": "doctor", "territory_id": "<territory>"}),
    ],
    ("PATCH", f"{V}/clients/{{client_id}}"): [
        Rule(EVERYBODY, f"{V}/clients/<client>", body={"note": "mine now"}),
        Rule(EVERYBODY, f"{V}/clients/<client>", body={"territory_id": "<own_territory>"}),
    ],
    ("DELETE", f"{V}/clients/{{client_id}}"): [
        Rule(DESK, f"{V}/clients/<client>", refused=frozenset({404, 403}))
    ],
    ("POST", f"{V}/clients/{{client_id}}/restore"): [
        Rule(DESK, f"{V}/clients/<client>/restore", refused=frozenset({404, 403}))
    ],
    ("GET", f"{V}/clients/{{client_id}}/files/{{name}}"): [
        Rule(EVERYBODY, f"{V}/clients/<client>/files/contract")
    ],
    ("GET", f"{V}/clients/{{client_id}}/history"): [Rule(EVERYBODY, f"{V}/clients/<client>/history")],
    ("GET", f"{V}/clients/{{client_id}}/timeline"): [
        Rule(EVERYBODY, f"{V}/clients/<client>/timeline")
    ],
    ("POST", f"{V}/clients/{{client_id}}/calls"): [
        Rule(EVERYBODY, f"{V}/clients/<client>/calls", body={"outcome": "reached", "text": "hello"})
    ],
    ("POST", f"{V}/clients/{{client_id}}/workplaces"): [
        Rule(DESK, f"{V}/clients/<doctor>/workplaces", body={"organisation_id": "<own_client>"}),
        Rule(DESK, f"{V}/clients/<own_client>/workplaces", body={"organisation_id": "<client>"}),
    ],
    ("DELETE", f"{V}/workplaces/{{tie_id}}"): [Rule(DESK, f"{V}/workplaces/<tie>")],
    ("GET", f"{V}/territories"): [Rule(EVERYBODY, f"{V}/territories", hidden=True)],
    ("POST", f"{V}/territories"): [Rule(ADMINS, f"{V}/territories", body={"name": "X"})],
    ("GET", f"{V}/territories/waiting"): [Rule(ADMINS, f"{V}/territories/waiting")],
    ("POST", f"{V}/territories/land"): [Rule(ADMINS, f"{V}/territories/land")],
    ("PATCH", f"{V}/territories/{{territory_id}}"): [
        Rule(ADMINS, f"{V}/territories/<territory>", body={"name": "X"})
    ],
    ("GET", f"{V}/visits"): [
        Rule(EVERYBODY, f"{V}/visits", hidden=True),
        Rule(EVERYBODY, f"{V}/visits", {"rep_id": "<rep>"}, hidden=True),
        Rule(EVERYBODY, f"{V}/visits", {"team_id": "<team>", "client_id": "<client>"}, hidden=True),
    ],
    ("GET", f"{V}/visits/{{visit_id}}"): [Rule(EVERYBODY, f"{V}/visits/<visit>")],
    ("POST", f"{V}/visits"): [
        Rule(DESK, f"{V}/visits",
             body={"rep_id": "<rep>", "client_id": "<own_client>", "day": "<today>"}),
        Rule(DESK, f"{V}/visits",
             body={"rep_id": "<own_rep>", "client_id": "<client>", "day": "<today>"}),
    ],
    ("POST", f"{V}/visits/{{visit_id}}/moves"): [
        Rule(DESK, f"{V}/visits/<visit>/moves", body={"move": "cancel", "reason": "x"}),
        Rule(DESK, f"{V}/visits/<visit>/moves", body={"move": "assign", "rep_id": "<own_rep>"}),
        Rule(DESK, f"{V}/visits/<own_visit>/moves", body={"move": "assign", "rep_id": "<rep>"}),
    ],
    ("GET", f"{V}/plans/days/{{rep_id}}/{{day}}"): [
        Rule(EVERYBODY, f"{V}/plans/days/<rep>/2026-05-04")
    ],
    ("GET", f"{V}/plans/proposals"): [
        Rule(DESK, f"{V}/plans/proposals", {"day": "2026-05-04"}, hidden=True)
    ],
    ("POST", f"{V}/plans/proposals"): [
        Rule(DESK, f"{V}/plans/proposals",
             body={"kind": "replan", "day": "<today>", "rep_ids": ["<rep>"]}),
        Rule(DESK, f"{V}/plans/proposals",
             body={"kind": "plan_days", "day": "<today>", "rep_ids": ["<own_rep>", "<rep>"]}),
        Rule(DESK, f"{V}/plans/proposals",
             body={"kind": "move", "visit_id": "<visit>", "to_rep_id": "<own_rep>"}),
        Rule(DESK, f"{V}/plans/proposals",
             body={"kind": "move", "visit_id": "<own_visit>", "to_rep_id": "<rep>"}),
    ],
    ("POST", f"{V}/plans/slots"): [
        Rule(DESK, f"{V}/plans/slots",
             body={"client_id": "<client>", "day": "<today>", "rep_ids": ["<own_rep>"]}),
        Rule(DESK, f"{V}/plans/slots",
             body={"client_id": "<own_client>", "day": "<today>", "rep_ids": ["<rep>"]}),
    ],
    ("GET", f"{V}/plans/proposals/{{proposal_id}}"): [Rule(DESK, f"{V}/plans/proposals/<proposal>")],
    **{
        ("POST", f"{V}/plans/proposals/{{proposal_id}}/{verb}"): [
            Rule(DESK, f"{V}/plans/proposals/<proposal>/{verb}")
        ]
        for verb in ("apply", "undo", "cancel")
    },
    ("POST", f"{V}/plans/cycles"): [
        Rule(DESK, f"{V}/plans/cycles",
             body={"rep_ids": ["<rep>"], "first": "2099-01-05", "weeks": 4}, refused=frozenset({404, 422})),
    ],
    ("GET", f"{V}/plans/cycles/clients.{{form}}"): [
        Rule(DESK, f"{V}/plans/cycles/clients.csv", {"rep_id": "<rep>", "first": "2026-05-04"}),
        Rule(DESK, f"{V}/plans/cycles/clients.csv",
             {"rep_id": "<rep>", "first": "2026-05-04", "proposal_id": "<proposal>"}),
    ],
    ("DELETE", f"{V}/plans/proposals/{{proposal_id}}"): [
        Rule(DESK, f"{V}/plans/proposals/<proposal>")
    ],
    ("GET", f"{V}/devices"): [
        Rule(EVERYBODY, f"{V}/devices", hidden=True),
        Rule(EVERYBODY, f"{V}/devices", {"rep_id": "<rep>"}),
    ],
    ("POST", f"{V}/devices"): [
        Rule(EVERYBODY, f"{V}/devices", body={"rep_id": "<rep>", "kind": "osmand"}),
        Rule(EVERYBODY, f"{V}/devices", body={"rep_id": "<north_manager>", "kind": "osmand"}),
    ],
    ("GET", f"{V}/devices/{{device_id}}/heard"): [
        Rule(EVERYBODY, f"{V}/devices/<device>/heard")
    ],
    ("DELETE", f"{V}/devices/{{device_id}}"): [Rule(DESK, f"{V}/devices/<device>")],
    ("GET", f"{V}/users"): [Rule(DESK, f"{V}/users", hidden=True)],
    ("GET", f"{V}/users/{{user_id}}"): [
        Rule(EVERYBODY, f"{V}/users/<rep>"), Rule(EVERYBODY, f"{V}/users/<north_manager>"),
        Rule(EVERYBODY, f"{V}/users/<admin>"),
    ],
    ("POST", f"{V}/users"): [Rule(ADMINS, f"{V}/users", body={"password": "a fine long one"})],
    ("PATCH", f"{V}/users/{{user_id}}"): [
        Rule(ADMINS, f"{V}/users/<rep>", body={"name": "X"}),
        Rule(ADMINS, f"{V}/users/<self>", body={"role": "admin"}),
    ],
    ("PUT", f"{V}/users/{{user_id}}/password"): [
        Rule(ADMINS, f"{V}/users/<admin>/password", body={"password": "a fine long one"})
    ],
    ("DELETE", f"{V}/users/{{user_id}}"): [Rule(ADMINS, f"{V}/users/<rep>")],
    ("POST", f"{V}/users/{{user_id}}/activate"): [Rule(ADMINS, f"{V}/users/<rep>/activate")],
    ("GET", f"{V}/teams"): [Rule(EVERYBODY, f"{V}/teams", hidden=True)],
    ("POST", f"{V}/teams"): [Rule(ADMINS, f"{V}/teams", body={"name": "X"})],
    ("PUT", f"{V}/teams/{{team_id}}"): [Rule(ADMINS, f"{V}/teams/<team>", body={"name": "X"})],
    ("GET", f"{V}/events"): [Rule(ADMINS, f"{V}/events")],
    ("POST", f"{V}/sync/device"): [
        Rule(REPS, f"{V}/sync/device", body={"device_id": "<phone>"}, refused=frozenset({404, 409}))
    ],
    ("POST", f"{V}/sync/push"): [
        Rule(REPS, f"{V}/sync/push", body={"device_id": "<phone>", "mutations": []},
             refused=frozenset({404, 409})),
        Rule(REPS, f"{V}/sync/push", hidden=True,
             body={"device_id": "<own_phone>", "mutations": [
                 _mutation("visit.cancel", "<visit>", {"reason": "x"}),
                 _mutation("visit.check_in", "<visit>", {"no_gps_reason": "x", "comment": "y"}, 2),
                 _mutation("visit.move", "<visit>", {"day": "<today>", "reason": "x"}, 3),
                 _mutation("visit.revise", "<visit>", {"comment": "x"}, 4),
                 _mutation("client.note", "<client>", {"note": "x"}, 5),
                 _mutation("promise.done", "<promise>", {}, 6),
                 _mutation("visit.create", "<new>", {"client_id": "<client>", "day": "<today>"}, 7),
                 _mutation("message.answer", "<message>", {"answer": "done"}, 8),
                 _mutation("day.order", "<rep>", {"day": "<today>", "visit_ids": ["<visit>"]}, 9),
                 _mutation("day.replan", "<rep>", {"day": "<today>", "comment": "x"}, 10),
                 _mutation("joint.ask", "<new>",
                           {"visit_id": "<visit>", "colleague_id": "<own_rep>"}, 11),
                 _mutation("joint.answer", "<joint>", {"answer": "confirmed"}, 12),
                 _mutation("client.correct", "<client>", {"city": "X"}, 13),
                 _mutation("client.field", "<client>", {"name": "chain", "value": False, "base": True}, 14),
             ]},
             check=lambda a: [r["status"] for r in a.json()["results"]] == ["refused"] * 14),
    ],
    ("GET", f"{V}/reports/plan-vs-actual.xlsx"): [
        Rule(BOSSES, f"{V}/reports/plan-vs-actual.xlsx", {"day": "2026-05-04"}, hidden=True,
             check=lambda a: "Töölö" not in _workbook(a)),
        Rule(BOSSES, f"{V}/reports/plan-vs-actual.xlsx", {"day": "2026-05-04", "rep_id": "<rep>"},
             hidden=True, check=lambda a: "Töölö" not in _workbook(a)),
    ],
    ("GET", f"{V}/reports/visits.xlsx"): [
        Rule(DESK, f"{V}/reports/visits.xlsx", {"rep_id": "<rep>", "team_id": "<team>"},
             hidden=True, check=lambda a: "Töölö" not in _workbook(a)),
        Rule(DESK, f"{V}/reports/visits.xlsx", hidden=True,
             check=lambda a: "Töölö" not in _workbook(a)),
    ],
    ("GET", f"{V}/reports/coverage"): [
        Rule(DESK, f"{V}/reports/coverage", {**WINDOW, **asked}, hidden=True,
             check=lambda a: a.json()["cells"] == [])
        for asked in ({}, {"rep_id": "<rep>"}, {"team_id": "<team>"})
    ],
    ("GET", f"{V}/reports/coverage/cells.{{form}}"): [
        Rule(DESK, f"{V}/reports/coverage/cells.csv", {**MAY, **asked}, hidden=True,
             check=lambda a: len(a.text.splitlines()) == 1)
        for asked in ({}, {"rep_id": "<rep>"}, {"team_id": "<team>"})
    ],
    ("GET", f"{V}/reports/events.csv"): [Rule(ADMINS, f"{V}/reports/events.csv")],
    ("POST", f"{V}/sync/export"): [
        Rule(DESK, f"{V}/sync/export", content=b"<export>", refused=frozenset({422, 403, 404}))
    ],
    ("GET", f"{V}/corrections"): [Rule(DESK, f"{V}/corrections", hidden=True)],
    ("GET", f"{V}/corrections/export.xlsx"): [
        Rule(DESK, f"{V}/corrections/export.xlsx", hidden=True,
             check=lambda a: "Töölö" not in _workbook(a))
    ],
    ("GET", f"{V}/corrections/{{correction_id}}"): [Rule(DESK, f"{V}/corrections/<correction>")],
    ("POST", f"{V}/corrections/{{correction_id}}"): [
        Rule(DESK, f"{V}/corrections/<correction>", body={"accept": True}),
        Rule(DESK, f"{V}/corrections/<client>", body={"accept": False, "reason": "x"}),
    ],
    ("POST", f"{V}/clients/alike"): [
        Rule(EVERYBODY, f"{V}/clients/alike", hidden=True, check=lambda a: a.json() == [],
             body={"kind": "organisation", "name": "Töölö Health Station", "phone": "09 31045588"}),
    ],
    ("GET", f"{V}/clients/{{client_id}}/merges"): [
        Rule(EVERYBODY, f"{V}/clients/<client>/merges"),
    ],
    ("POST", f"{V}/duplicates/sweeps"): [Rule(ADMINS, f"{V}/duplicates/sweeps")],
    ("GET", f"{V}/duplicates/sweeps/latest"): [
        Rule(BOSSES, f"{V}/duplicates/sweeps/latest", hidden=True)
    ],
    ("DELETE", f"{V}/duplicates/sweeps/{{sweep_id}}"): [
        Rule(ADMINS, f"{V}/duplicates/sweeps/<new>")
    ],
    ("GET", f"{V}/duplicates"): [
        Rule(BOSSES, f"{V}/duplicates", {"status": status}, hidden=True) for status in ("", "open")
    ],
    ("GET", f"{V}/duplicates/export.{{form}}"): [
        Rule(BOSSES, f"{V}/duplicates/export.csv", hidden=True,
             check=lambda a: len(a.text.splitlines()) == 1),
        Rule(BOSSES, f"{V}/duplicates/export.xlsx", hidden=True,
             check=lambda a: "Töölö" not in _workbook(a)),
    ],
    ("GET", f"{V}/duplicates/{{pair_id}}"): [Rule(BOSSES, f"{V}/duplicates/<pair>")],
    ("POST", f"{V}/duplicates/{{pair_id}}/decision"): [
        Rule(BOSSES, f"{V}/duplicates/<pair>/decision", body={"status": "different"})
    ],
    ("POST", f"{V}/duplicates/{{pair_id}}/merge"): [
        Rule(BOSSES, f"{V}/duplicates/<pair>/merge", body={"winner_id": "<client>"})
    ],
    ("POST", f"{V}/merges/{{merge_id}}/undo"): [Rule(BOSSES, f"{V}/merges/<merge>/undo")],
    ("GET", f"{V}/quality/clients"): [
        Rule(DESK, f"{V}/quality/clients", asked, hidden=True)
        for asked in ({}, {"territory_id": "<territory>"}, {"rep_id": "<rep>", "search": "Töölö"})
    ],
    ("GET", f"{V}/quality/clients/export.{{form}}"): [
        Rule(DESK, f"{V}/quality/clients/export.csv", hidden=True,
             check=lambda a: "Sibeliuksenkatu" not in a.text),
        Rule(DESK, f"{V}/quality/clients/export.xlsx", hidden=True,
             check=lambda a: "Sibeliuksenkatu" not in _workbook(a)),
    ],
    ("GET", f"{V}/quality/clients/{{client_id}}"): [Rule(DESK, f"{V}/quality/clients/<client>")],
    ("POST", f"{V}/quality/clients/{{client_id}}/confirm"): [
        Rule(DESK, f"{V}/quality/clients/<client>/confirm")
    ],
    ("GET", f"{V}/quality/summary"): [Rule(DESK, f"{V}/quality/summary", hidden=True)],
    ("GET", f"{V}/quality/runs"): [Rule(DESK, f"{V}/quality/runs", hidden=True)],
    ("POST", f"{V}/quality/runs"): [Rule(ADMINS, f"{V}/quality/runs")],
    ("DELETE", f"{V}/quality/runs/{{run_id}}"): [Rule(ADMINS, f"{V}/quality/runs/<new>")],
    ("GET", f"{V}/quality/pins"): [
        Rule(DESK, f"{V}/quality/pins", {"status": status}, hidden=True) for status in ("", "open")
    ],
    ("POST", f"{V}/quality/pins/{{pin_id}}"): [
        Rule(DESK, f"{V}/quality/pins/<pin>", body={"accept": accept}) for accept in (True, False)
    ],
    ("GET", f"{V}/quality/norms"): [Rule(DESK, f"{V}/quality/norms", hidden=True)],
    ("PUT", f"{V}/quality/norms"): [Rule(ADMINS, f"{V}/quality/norms", body={"stale_days": 30})],
    ("GET", f"{V}/quality/geocoder"): [Rule(ADMINS, f"{V}/quality/geocoder")],
    ("PUT", f"{V}/quality/geocoder"): [Rule(ADMINS, f"{V}/quality/geocoder", body={})],
    ("POST", f"{V}/quality/geocoding"): [Rule(ADMINS, f"{V}/quality/geocoding")],
    ("GET", f"{V}/reports/form-answers"): [
        Rule(DESK, f"{V}/reports/form-answers", {"form_id": "<form>", "field": "mood"}, hidden=True,
             check=lambda answer: all(row["visits"] == 0 for row in answer.json()))
    ],
    ("GET", f"{V}/client-views"): [Rule(DESK, f"{V}/client-views", hidden=True)],
    ("POST", f"{V}/client-views"): [
        Rule(DESK, f"{V}/client-views", body={"name": "X", "shared": "team", "team_id": "<team>"},
             refused=frozenset({403}))
    ],
    ("PUT", f"{V}/client-views/default"): [
        Rule(DESK, f"{V}/client-views/default", body={"view_id": "<view>"})
    ],
    ("GET", f"{V}/client-views/{{view_id}}"): [Rule(DESK, f"{V}/client-views/<view>")],
    ("PUT", f"{V}/client-views/{{view_id}}"): [
        Rule(DESK, f"{V}/client-views/<view>", body={"name": "X"})
    ],
    ("DELETE", f"{V}/client-views/{{view_id}}"): [Rule(DESK, f"{V}/client-views/<view>")],
    ("GET", f"{V}/exports"): [Rule(DESK, f"{V}/exports", hidden=True)],
    ("POST", f"{V}/exports"): [
        Rule(DESK, f"{V}/exports", body={"list": "visits", "form": "vcf"}, refused=frozenset({422}))
    ],
    ("GET", f"{V}/exports/{{export_id}}"): [Rule(DESK, f"{V}/exports/<export>")],
    ("DELETE", f"{V}/exports/{{export_id}}"): [Rule(DESK, f"{V}/exports/<export>")],
    ("GET", f"{V}/exports/{{export_id}}/file"): [Rule(DESK, f"{V}/exports/<export>/file")],
    ("GET", f"{V}/client-fields"): [Rule(EVERYBODY, f"{V}/client-fields", hidden=True)],
    ("POST", f"{V}/client-fields"): [Rule(ADMINS, f"{V}/client-fields", body=OWN_FIELD)],
    ("PUT", f"{V}/client-fields/{{field_id}}"): [
        Rule(ADMINS, f"{V}/client-fields/<own_field>", body=OWN_FIELD)
    ],
    ("PUT", f"{V}/client-fields/{{field_id}}/archived"): [
        Rule(ADMINS, f"{V}/client-fields/<own_field>/archived", body={"is_archived": True})
    ],
    ("POST", f"{V}/client-fields/{{field_id}}/move"): [
        Rule(ADMINS, f"{V}/client-fields/<own_field>/move", body={"by": 1})
    ],
    ("POST", f"{V}/client-fields/{{name}}/files"): [
        Rule(EVERYBODY, f"{V}/client-fields/chain/files", {"file_name": "a.jpg"}, content=PHOTO,
             refused=frozenset({422}))
    ],
    ("GET", f"{V}/client-fields/{{name}}/counts"): [
        Rule(DESK, f"{V}/client-fields/chain/counts", hidden=True,
             check=lambda answer: all(row["clients"] == 0 or not row["value"] for row in answer.json()))
    ],
    ("GET", f"{V}/forms"): [Rule(DESK, f"{V}/forms", hidden=True)],
    ("GET", f"{V}/forms/{{form_id}}/versions/{{version}}"): [
        Rule(DESK, f"{V}/forms/<new>/versions/1")
    ],
    ("POST", f"{V}/forms"): [Rule(ADMINS, f"{V}/forms", body={"title": "X"})],
    ("PUT", f"{V}/forms/{{form_id}}"): [Rule(ADMINS, f"{V}/forms/<new>", body={"title": "X"})],
    ("PUT", f"{V}/forms/{{form_id}}/asked"): [
        Rule(ADMINS, f"{V}/forms/<new>/asked", body={"is_active": False})
    ],
    ("GET", f"{V}/products"): [Rule(EVERYBODY, f"{V}/products", hidden=True)],
    ("POST", f"{V}/products"): [Rule(ADMINS, f"{V}/products", body={"name": "X"})],
    ("PUT", f"{V}/products/{{product_id}}"): [
        Rule(ADMINS, f"{V}/products/<new>", body={"name": "X"})
    ],
    ("GET", f"{V}/shelves"): [
        Rule(EVERYBODY, f"{V}/shelves", {"day_from": "2026-05-01", "day_to": "2026-05-31", **asked},
             hidden=True, check=lambda a: a.json() == [])
        for asked in ({}, {"client_id": "<client>"})
    ],
    ("GET", f"{V}/policy"): [Rule(DESK, f"{V}/policy", hidden=True)],
    ("PUT", f"{V}/policy"): [Rule(ADMINS, f"{V}/policy", body=POLICY)],
    ("POST", f"{V}/policy/overdue"): [Rule(ADMINS, f"{V}/policy/overdue", body=POLICY)],
    ("POST", f"{V}/people/{{rep_id}}/erasure/count"): [
        Rule(ADMINS, f"{V}/people/<rep>/erasure/count")
    ],
    ("POST", f"{V}/people/{{rep_id}}/erasure"): [
        Rule(ADMINS, f"{V}/people/<rep>/erasure", body={"login": "rep_north", "seal": "guessed"})
    ],
    ("POST", f"{V}/people/{{rep_id}}/files"): [Rule(ADMINS, f"{V}/people/<rep>/files")],
    ("GET", f"{V}/person-files"): [Rule(ADMINS, f"{V}/person-files")],
    ("DELETE", f"{V}/person-files/{{file_id}}"): [Rule(ADMINS, f"{V}/person-files/<rep>")],
    ("GET", f"{V}/person-files/{{file_id}}/file"): [Rule(ADMINS, f"{V}/person-files/<rep>/file")],
    ("GET", f"{V}/sync/pull"): [Rule(REPS, f"{V}/sync/pull", hidden=True)],
    ("GET", f"{V}/sync/receipt"): [
        Rule(REPS, f"{V}/sync/receipt", {"day": "2026-05-04"}, hidden=True)
    ],
    ("GET", f"{V}/attachments/{{sha256}}"): [Rule(EVERYBODY, f"{V}/attachments/{SHA}")],
    ("HEAD", f"{V}/attachments/{{sha256}}"): [Rule(REPS, f"{V}/attachments/{SHA}", hidden=True)],
    ("PUT", f"{V}/attachments/{{sha256}}"): [
        Rule(REPS, f"{V}/attachments/{SHA}", content=b"other bytes of the same name",
             refused=frozenset({201, 204, 404, 409, 422}),
             check=lambda _: files.path_of(SHA).read_bytes() == PHOTO),
    ],
}  # fmt: skip


def _all_routes() -> set[tuple[str, str]]:
    return {(method, r.path) for r in routes_of(make_api()) for method in r.methods}


def test_every_route_has_a_rule_and_every_rule_a_route():
    stated = PUBLIC | OWN.keys() | RULES.keys()
    assert _all_routes() - stated == set(), "routes without a rule"
    assert stated - _all_routes() == set(), "rules without a route"


@pytest.fixture
def world(any_db: str, valkey: object) -> World:
    base = lay_out()
    users, boss = base.company.users, base.actor("admin")
    own_client = base.clients["Farmacia Ștefan cel Mare"]
    client, doctor = base.clients["Töölö Health Station"], base.clients["Dr Щербаков Артём"]
    visit, own_visit = (
        _visit(base, rep, c) for rep, c in (("rep_north", client), ("rep_south", own_client))
    )
    device, *_ = registry.pair_device(boss, users["rep_north"], "osmand")
    phone = registry.register_device(base.actor("rep_north"), ids.new_id(), "phone", "1")
    from fieldcrm.clients import service as clients
    from fieldcrm.clients import workplaces

    tie = workplaces.save_affiliation(boss, doctor, client)
    with transaction() as session:
        promise = clients.add_promise_in(
            session, base.actor("rep_north"), doctor, users["rep_north"], "x", None
        )
        proposal = _proposal(session, base, visit)
        session.add(_covered(users["rep_north"]))
        session.add(
            ShelfCheck(
                visit_id=visit, product_id="aspirin", client_id=client, rep_id=users["rep_north"],
                team_id=base.company.teams["north"], day=DAY, is_there=False,
            )
        )  # fmt: skip
        session.add(
            Attachment(
                id=ids.new_id(), visit_id=visit, sha256=SHA, size=len(PHOTO), stored_at=clock.now()
            )
        )
    form = forms.save_form(boss, MOOD)
    told = {"form": {"form_id": form.id, "version": 1, "answers": {"mood": "good"}}}
    with transaction() as session:
        session.get_one(Visit, visit).details = told
    own_field = ownfields.save_field(
        boss, OWN_FIELD["definition"], ["organisation", "pharmacy"], ["rep"]
    )
    paper = {"name": "contract", "type": "file", "label": "Contract"}
    ownfields.save_field(boss, paper, ["organisation"], ["rep"])
    sent = own_files.keep(boss, "contract", "contract.jpg", PHOTO)
    clients.save(boss, {"own_fields": {"chain": True, "contract": sent["id"]}}, client)
    area, own_area = (_area(base, team) for team in ("north", "south"))
    files.store(SHA, PHOTO)
    pin = _pin(client)
    checking.run_now(boss)
    named = {
        "pin": pin,
        "correction": _correction(base, phone.id, client),
        "message": _written(base), "area": area, "own_area": own_area, "arrival": _arrival(users["rep_north"], visit),
        "own_field": own_field.id, "form": form.id,
        "rep": users["rep_north"], "own_rep": users["rep_south"], "admin": users["admin"],
        "north_manager": users["manager_north"], "team": base.company.teams["north"],
        "territory": base.territories["north"], "own_territory": base.territories["south"],
        "client": client, "doctor": doctor, "own_client": own_client, "visit": visit,
        "own_visit": own_visit, "device": device.id, "phone": phone.id, "tie": tie.id,
        "promise": promise.id, "proposal": proposal, "joint": _together(base, visit),
        "handover": _handed_over(base), "pair": _pair(client, doctor), "merge": _merge(client, doctor),
        "today": clock.local(clock.now()).date().isoformat(),
        "view": views.save(base.actor("manager_north"), "Ours", {}, "team", base.company.teams["north"]).id,
        "export": exports.ask(base.actor("manager_north"), "clients", "csv", {}).id,
    }  # fmt: skip
    return World(base, named)


def _visit(base: Base, rep: str, client_id: str) -> str:
    visit = Visit(
        id=ids.new_id(), rep_id=base.company.users[rep], client_id=client_id,
        team_id=base.company.teams[rep.rsplit("_", 1)[1]], day=DAY, created_at=clock.now(),
        updated_at=clock.now(),
    )  # fmt: skip
    with transaction() as session:
        session.add(visit)
        session.flush()
        session.add(
            VisitChange(
                id=ids.new_id(), visit_id=visit.id, move="plan", to_state="planned",
                at=clock.now(), server_at=clock.now(),
            )
        )  # fmt: skip
    return visit.id


def _area(base: Base, team: str) -> str:
    ring = ((60.1, 24.9), (60.1, 25.0), (60.2, 25.0))
    draft = Draft(f"Area of the {team}", Shape(ShapeKind.polygon, ring=ring),
                  team_ids=frozenset({base.company.teams[team]}))  # fmt: skip
    return areas.save(base.actor("admin"), draft).id


def _together(base: Base, visit_id: str) -> str:
    """The north's rep asked a third of the team along, whose word on it is nobody else's."""
    third = User(
        id=ids.new_id(), login="third_north", name="Third North", role=REP, password_hash="",
        team_id=base.company.teams["north"], created_at=clock.now(),
    )  # fmt: skip
    base.company.users[third.login] = third.id
    asked = JointVisit(
        id=ids.new_id(), visit_id=visit_id, rep_id=base.company.users["rep_north"],
        colleague_id=third.id, asked_at=clock.now(),
    )  # fmt: skip
    with transaction() as session:
        session.add(third)
        session.flush()
        session.add(asked)
    return asked.id


def _handed_over(base: Base) -> str:
    """A handover within the north."""
    users = base.company.users
    row = Handover(
        id=ids.new_id(), from_rep_id=users["rep_north"], to_rep_id=users["third_north"],
        team_id=base.company.teams["north"], first_day=DAY, done_at=clock.now(),
        moved={"territories": [], "clients": {}, "visits": {}, "promises": [], "targets": []},
    )  # fmt: skip
    with transaction() as session:
        session.add(row)
    return row.id


def _pair(client_id: str, other_id: str) -> str:
    """Two clients of the north that may be one."""
    row = Duplicate(id=ids.new_id(), left_id=client_id, right_id=other_id, probability=0.9,
                    found_at=clock.now())  # fmt: skip
    with transaction() as session:
        session.add(row)
    return row.id


def _pin(client_id: str) -> str:
    """A geocoder says that the north's client stands elsewhere."""
    row = PinProposal(id=ids.new_id(), client_id=client_id, source="geocoder", lat=60.2, lng=24.9,
                      found_at=clock.now())  # fmt: skip
    with transaction() as session:
        session.add(row)
    return row.id


def _merge(client_id: str, other_id: str) -> str:
    """They were one for a while."""
    row = ClientMerge(
        id=ids.new_id(), loser_id=other_id, winner_id=client_id, standing_id=client_id,
        merged_at=clock.now(), undone_at=clock.now(),
    )  # fmt: skip
    with transaction() as session:
        session.add(row)
    return row.id


def _written(base: Base) -> str:
    """A task for the north's rep, whose phone can be woken."""
    rep = base.company.users["rep_north"]
    wish = MessageDraft(MessageKind.task, "Leaflets to Töölö", frozenset({rep}))
    return messages.write(base.actor("dispatcher_north"), wish)[0]


def _arrival(rep_id: str, visit_id: str) -> str:
    now = clock.now()
    link = ArrivalLink(id=ids.new_id(), token_hash="0" * 64, visit_id=visit_id, rep_id=rep_id,
                       created_at=now, expires_at=now + timedelta(hours=1))  # fmt: skip
    with transaction() as session:
        session.add(link)
    return link.id


def _covered(rep_id: str) -> CoverageDay:
    """A counted day of a rep: an hour in the middle of Helsinki."""
    cell = h3.latlng_to_cell(60.17, 24.94, coverage_rules.FINE)
    track = coverage_rules.track_entries([coverage_rules.Moment(cell, 0, 3600, False)])
    return CoverageDay(day=DAY, rep_id=rep_id, month=202605, track=track, counted_at=clock.now())


def _correction(base: Base, phone_id: str, client_id: str) -> str:
    """What the north's rep asks to correct of his client."""
    asked = _mutation("client.correct", client_id, {"city": "Espoo"})
    body = {"device_id": phone_id, "mutations": [asked]}
    answer = _signed_in(make_api(), "rep_north").post(f"{V}/sync/push", json=body)
    assert answer.json()["results"][0]["status"] == "applied"
    return str(asked["id"])


def _proposal(session: Session, base: Base, visit_id: str) -> str:
    rep, team = base.company.users["rep_north"], base.company.teams["north"]
    made = Proposal(
        id=ids.new_id(), kind="replan", team_id=team, rep_ids=[rep], day=DAY, status="ready",
        before={rep: {"stops": []}}, after={rep: {"stops": [], "dropped": []}},
        summary={"versions": {visit_id: 1}}, created_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.add(DayPlan(id=ids.new_id(), rep_id=rep, day=DAY, created_at=clock.now()))
    return made.id


def _picture() -> dict[str, list[str]]:
    """Every row of every table but those that a refused or own request may write."""
    free = {"event", "sign_in", "mutation", "device"}
    with engine().connect() as connection:
        return {
            t.name: sorted(
                repr(tuple(r)) for r in connection.execute(text(f'SELECT * FROM "{t.name}"'))
            )
            for t in metadata.sorted_tables
            if t.name not in free
        }


@contextmanager
def _writings() -> Iterator[Callable[[], Any]]:
    """Something to ask for a number that is another one after every transaction that wrote: pictures are
    dear, and most requests write nothing at all."""
    by_postgres = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
    with engine().connect() as connection:  # SQLite counts what others than this connection write
        asked = by_postgres if engine().dialect.name == "postgresql" else "PRAGMA data_version"

        def number() -> Any:
            found = connection.execute(text(asked)).scalar_one()
            connection.rollback()
            return found

        yield number


def test_a_writing_is_noticed(any_db: str) -> None:
    with _writings() as number:
        before = number()
        assert number() == before
        with transaction() as session:
            facts.put(session, "noticed", {"so": 1})
        assert number() != before


STRANGERS = [
    ("second_north", REP), ("rep_south", REP), ("dispatcher_south", DISPATCHER),
    ("manager_south", MANAGER),
]  # fmt: skip


def _ask(client: TestClient, method: str, rule: Rule, world: World) -> Any:
    more: dict[str, Any] = {}
    if rule.content is not None:
        more = {"content": rule.content, "headers": {"content-type": "application/octet-stream"}}
    elif rule.body is not None:
        more = {"json": world.fill(rule.body)}
    more["headers"] = IF | more.get("headers", {})
    return client.request(method, world.fill(rule.path), params=world.fill(rule.query), **more)


def _signed_in(api: Any, login: str) -> TestClient:
    client = TestClient(api, base_url="http://localhost", raise_server_exceptions=False)
    answer = client.post(f"{V}/session", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 200
    return client


@pytest.mark.parametrize(("login", "role"), STRANGERS)
def test_a_stranger_gets_nothing_of_the_north_and_changes_nothing(world: World, login, role):
    stranger = world.base.actor(login)
    own_phone = (
        registry.register_device(stranger, ids.new_id(), "p", "1").id if role == REP else "none"
    )
    mine = World(
        world.base,
        world.ids | {"self": stranger.user_id, "own_phone": own_phone, "new": ids.new_id()},
    )
    client = _signed_in(make_api(), login)
    known = ("own", "today", "admin", "form")  # the company's forms are everybody's
    secret = {v for k, v in world.ids.items() if not k.startswith(known)}
    team = []
    if login.endswith("_north"):  # a colleague of the same team knows his team
        secret.discard(world.ids["team"])
        team = _colleagues(world, "rep_north", "third_north")
    secret |= {world.base.company.users["third_north"]}
    before = _picture()
    wrong: list[str] = []
    with _writings() as number:
        written = number()
        for method, rule in ((m, r) for (m, _), rules in RULES.items() for r in rules):
            answer = _ask(client, method, rule, mine)
            if problem := _judge(rule, role, answer, secret, team):
                wrong.append(f"{method} {mine.fill(rule.path)} {rule.body}: {problem}")
            if (now := number()) == written:
                continue
            written, after = now, _picture()
            if after != before:
                changed = [t for t in before if before[t] != after[t]]
                wrong.append(f"{method} {mine.fill(rule.path)} {rule.body}: changed {changed}")
                before = after
    assert not wrong, "\n".join(wrong)


def _judge(
    rule: Rule, role: str, answer: Any, secret: set[str], team: list[dict[str, str]]
) -> str | None:
    """What is wrong with the answer that a stranger got, None when it is right."""
    if role not in rule.roles:
        return None if answer.status_code == 403 else f"{answer.status_code} instead of 403"
    if rule.hidden:
        told = _besides(answer, team) if rule.path == f"{V}/sync/pull" else answer.text
        shown = [i for i in secret if i in told] if "push" not in rule.path else []
        if answer.status_code != 200 or shown:
            return f"{answer.status_code} {answer.text[:300]} shows {shown}"
    elif answer.status_code not in rule.refused:
        return f"{answer.status_code} {answer.text[:300]}"
    if rule.check and not rule.check(answer):
        return f"leaks or lets through: {answer.text[:500]}"
    return None


def _colleagues(world: World, *logins: str) -> list[dict[str, str]]:
    """All that a phone may know of these reps."""
    users = world.base.company.users
    return [{"id": users[n], "name": n.replace("_", " ").title()} for n in logins]


def _besides(answer: Any, team: list[dict[str, str]]) -> str:
    """A pull without its profile's colleagues, where these are the rep's own team and no more.

    A rep chooses from them who came along on a visit. Anywhere else they are somebody else's ids.
    """
    told = answer.json()
    for change in told["changes"]:
        if change["entity"] == "profile" and change["doc"]["colleagues"] == team:
            del change["doc"]["colleagues"]
    return json.dumps(told, ensure_ascii=False)


def test_a_phone_knows_the_reps_of_its_own_team_by_name_and_of_no_other(world: World):
    api, boss = make_api(), world.base.actor("admin")
    users, teams = world.base.company.users, world.base.company.teams

    def known(login: str) -> list[dict[str, str]]:
        pulled = _signed_in(api, login).get(f"{V}/sync/pull").json()["changes"]
        (profile,) = (c["doc"] for c in pulled if c["entity"] == "profile")
        return profile["colleagues"]

    assert known("rep_north") == _colleagues(world, "second_north", "third_north")
    assert known("rep_south") == []
    people.save_user(boss, {"team_id": teams["south"]}, user_id=users["second_north"])
    assert known("rep_north") == _colleagues(world, "third_north")
    assert known("rep_south") == _colleagues(world, "second_north")
    assert known("second_north") == _colleagues(world, "rep_south")
    people.deactivate_user(boss, users["second_north"])
    assert known("rep_south") == []


def test_nobody_gets_in_without_a_session(world: World):
    client = TestClient(make_api(), base_url="http://localhost", raise_server_exceptions=False)
    before = _picture()
    asked = [(m, r) for (m, _), rules in RULES.items() for r in rules]
    asked += [(m, Rule(EVERYBODY, p, body={"language": "ro", "current": "", "password": ""}))
              for m, p in OWN]  # fmt: skip
    wrong = [
        f"{method} {rule.path}: {answer.status_code}"
        for method, rule in asked
        if (answer := _ask(client, method, rule, world)).status_code != 401
    ]
    assert not wrong, "\n".join(wrong)
    assert _picture() == before


def test_roles_that_a_route_does_not_serve_are_told_so(world: World):
    """Also on their own rows: a rep of the north plans, pairs and archives nothing in the north."""
    api = make_api()
    wrong: list[str] = []
    named = world.ids | {"self": world.ids["rep"], "own_phone": "x", "new": ids.new_id()}
    for login, role in (("rep_north", REP), ("dispatcher_north", DISPATCHER),
                        ("manager_north", MANAGER), ("admin", ADMIN)):  # fmt: skip
        client = _signed_in(api, login)
        for (method, _), rules in RULES.items():
            for rule in rules:
                if role in rule.roles:
                    continue
                answer = _ask(client, method, rule, World(world.base, named))
                if answer.status_code != 403:
                    wrong.append(f"{login} {method} {rule.path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def test_whose_rows_they_are_can_read_them(world: World):
    """The refusals above are no accident of wrong requests: their owners get the same rows."""
    api = make_api()
    reads = [
        (f"{V}/clients/<client>", "rep_north"), (f"{V}/visits/<visit>", "rep_north"),
        (f"{V}/plans/days/<rep>/2026-05-04", "rep_north"), (f"{V}/tracks/<rep>/2026-05-04", "rep_north"),
        (f"{V}/attachments/{SHA}", "rep_north"), (f"{V}/plans/proposals/<proposal>", "manager_north"),
        (f"{V}/devices?rep_id=<rep>", "dispatcher_north"), (f"{V}/users/<rep>", "dispatcher_north"),
        (f"{V}/clients/<client>/history", "manager_north"),
        (f"{V}/areas/<area>", "dispatcher_north"),
        (f"{V}/visits/<visit>/arrival-links", "dispatcher_north"),
    ]  # fmt: skip
    for path, login in reads:
        for who in (login, "admin"):
            answer = _signed_in(api, who).get(world.fill(path))
            assert answer.status_code == 200, f"{who} {path}: {answer.text}"


def test_its_own_manager_finds_the_visit_in_the_workbook(world: World):
    found = _signed_in(make_api(), "manager_north").get(f"{V}/reports/visits.xlsx")
    assert "Töölö" in _workbook(found)


def test_a_pushed_batch_cannot_be_replayed_as_somebody_else(world: World):
    api, rep = make_api(), world.base.actor("rep_north")
    phone = registry.register_device(rep, ids.new_id(), "p", "1").id
    batch = {"device_id": phone, "mutations": [
        _mutation("client.note", world.ids["client"], {"note": "from the north"})
    ]}  # fmt: skip
    first = _signed_in(api, "rep_north").post(f"{V}/sync/push", json=batch)
    assert first.json()["results"][0]["status"] == "applied"
    stolen = _signed_in(api, "rep_south").post(f"{V}/sync/push", json=batch)
    assert stolen.status_code in (404, 409)
    again = _signed_in(api, "rep_north").post(f"{V}/sync/push", json=batch)
    assert again.json()["results"] == first.json()["results"]
    assert "from the north" not in json.dumps(stolen.json())
