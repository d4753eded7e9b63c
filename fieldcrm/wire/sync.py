"""Messages between the phone app and the server over HTTP: push, pull, attachments, receipt.

Times ending in `_ms` are epoch milliseconds; days are ISO dates as text. Unknown fields are
ignored, so that an older server understands a newer phone. Every text and list is bounded here.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from fieldcrm.wire.forms import ClientFieldDoc, FilledForm, FormDoc, Name

Id = Annotated[str, Meta(max_length=64)]
ShortText = Annotated[str, Meta(max_length=200)]
LongText = Annotated[str, Meta(max_length=4000)]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Seq = Annotated[int, Meta(ge=1, le=1 << 53)]
PUSH_MAX = 200
EpochMs = Annotated[int, Meta(ge=0, le=253_402_300_799_000)]
Lat = Annotated[float, Meta(ge=-90, le=90)]
Lng = Annotated[float, Meta(ge=-180, le=180)]

ResultName = Literal["met", "order", "out_of_stock", "not_met", "declined", "closed_place"]
StateName = Literal["planned", "under_way", "closed", "missed", "cancelled", "moved"]
VerdictName = Literal["unjudged", "confirmed", "doubtful", "contradicted"]


class Position(Struct):
    """Where the phone was when the rep pressed; `fix_at_ms` by the phone's own clock."""

    lat: Lat
    lng: Lng
    fix_at_ms: EpochMs
    accuracy_m: Annotated[float, Meta(ge=0, le=1e7)] | None = None
    is_mock: bool | None = None
    source: ShortText = "gps"


class AttachmentRef(Struct):
    """A photo or sound named by its hash; its bytes go to /api/v1/attachments/{sha256}."""

    id: Id
    sha256: Sha256
    kind: Literal["photo", "audio"] = "photo"
    content_type: ShortText = "image/jpeg"
    size: Annotated[int, Meta(ge=0, le=1 << 40)] = 0
    taken_at_ms: EpochMs | None = None
    lat: Lat | None = None
    lng: Lng | None = None


Attachments = Annotated[list[AttachmentRef], Meta(max_length=20)]


class NextStep(Struct):
    """What the rep promises the client; the server makes a promise of it."""

    text: Annotated[str, Meta(min_length=1, max_length=500)]
    due_on: Day | None = None


class VisitDetails(Struct, omit_defaults=True):
    """What happened in the visit; products by their id."""

    products: Annotated[list[Id], Meta(max_length=100)] = []
    """Shown or talked about."""
    samples: Annotated[dict[Id, Annotated[int, Meta(ge=0, le=10_000)]], Meta(max_length=100)] = {}
    """Left, pieces by product."""
    stock: Annotated[dict[Id, bool], Meta(max_length=500)] = {}
    """Checked on the shelf: true = there, false = out of stock."""
    form: FilledForm | None = None
    """The answers of the visit's form; where there is one, the server takes the rest from it."""
    no_next_step: ShortText | None = None
    """Why nothing more was promised."""


class Empty(Struct):
    """No fields."""


class ShiftPausePayload(Struct):
    kind: Literal["lunch", "time_off"] = "lunch"


class CheckInPayload(Struct):
    """Needs a fresh position, or why there is none and a comment or photo."""

    position: Position | None = None
    no_gps_reason: ShortText | None = None
    photo_sha256: Sha256 | None = None
    comment: LongText | None = None
    attachments: Attachments = []


class ClosePayload(Struct):
    result: ResultName | None = None
    position: Position | None = None
    no_gps_reason: ShortText | None = None
    comment: LongText | None = None
    details: VisitDetails = field(default_factory=VisitDetails)
    next_step: NextStep | None = None
    attachments: Attachments = []


class CreatePayload(Struct):
    """An unplanned visit; the mutation's subject is the id the phone made for it."""

    client_id: Id
    day: Day
    place_id: Id | None = None
    objective: LongText | None = None


class MovePayload(Struct):
    """To another day; the mutation's subject stays the old visit."""

    day: Day
    reason: LongText | None = None
    new_visit_id: Id | None = None


class CancelPayload(Struct):
    reason: LongText | None = None
    comment: LongText | None = None


class RevisePayload(Struct, omit_defaults=True):
    """What changes of a closed visit: a field left out stays, null clears it."""

    comment: LongText | UnsetType | None = UNSET
    result: ResultName | UnsetType = UNSET
    details: VisitDetails | UnsetType = UNSET
    next_step: NextStep | UnsetType | None = UNSET
    attachments: Attachments = []


class ClientNotePayload(Struct, omit_defaults=True):
    """A card's note; `base_note` is the note as it stood on the phone before the rep wrote."""

    note: LongText | None = None
    base_note: LongText | UnsetType | None = UNSET


class FieldFile(Struct):
    """A file that a field is given, named by its hash; its bytes go to /api/v1/attachments/{sha256}."""

    sha256: Sha256
    name: Annotated[str, Meta(min_length=1, max_length=300)]
    """With the ending of its type."""
    size: Annotated[int, Meta(ge=0, le=1 << 40)]


class ClientFieldPayload(Struct, omit_defaults=True):
    """One field that the administrator made, of one card; null takes the value away."""

    name: Name
    value: Any = None
    base: Any = None
    """The value as it stood on the phone before the rep changed it."""
    file: FieldFile | None = None
    """Of a field of files: then `value` is what the phone shows of it meanwhile."""


class ClientConsentPayload(Struct):
    """What a client said of a channel; of two words the later day's stands."""

    channel: Literal["visit", "call", "email", "message"]
    state: Literal["asked", "given", "withdrawn"]
    on: Day
    source: Literal["visit", "call", "form", "message", "other"] = "visit"
    text: Annotated[str, Meta(max_length=300)] = ""


class ClientCreatePayload(Struct):
    """A client found in the field; the mutation's subject is the id the phone made for it."""

    kind: Literal["doctor", "pharmacist", "buyer", "organisation", "pharmacy"]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    specialty: ShortText | None = None
    phone: ShortText | None = None
    address: ShortText | None = None
    city: ShortText | None = None
    lat: Lat | None = None
    lng: Lng | None = None
    place_id: Id | None = None
    """Where a person works: a place the rep knows."""
    note: LongText | None = None


class ClientCorrectPayload(Struct, omit_defaults=True):
    """What the rep asks the office to change of a card; a field left out stays, null clears it."""

    name: ShortText | UnsetType = UNSET
    address: ShortText | UnsetType | None = UNSET
    city: ShortText | UnsetType | None = UNSET
    lat: Lat | UnsetType = UNSET
    lng: Lng | UnsetType = UNSET
    comment: LongText | None = None
    attachments: Attachments = []
    """Photos that show it."""


class JointAskPayload(Struct):
    """Who made, or will make, a visit together with the rep; the subject is a new id."""

    visit_id: Id
    colleague_id: Id


class JointAnswerPayload(Struct):
    """The colleague's word, with where he said it; or the rep takes back what he asked."""

    answer: Literal["confirmed", "declined", "withdrawn"]
    position: Position | None = None


class DayOrderPayload(Struct):
    """Planned visits of a day as the rep wants to make them; the mutation's subject is the rep."""

    day: Day
    visit_ids: Annotated[list[Id], Meta(min_length=1, max_length=100)]


class DayReplanPayload(Struct):
    """Asks the office for a better rest of the day; the mutation's subject is the rep."""

    day: Day
    comment: LongText | None = None


class MessageAnswerPayload(Struct):
    """What the rep says of a message from the office; the subject is the message."""

    answer: Literal["seen", "accepted", "declined", "done"]
    comment: LongText | None = None


PAYLOADS: dict[str, type[Struct]] = {
    "shift.start": Empty,
    "shift.end": Empty,
    "shift.pause": ShiftPausePayload,
    "shift.resume": Empty,
    "visit.check_in": CheckInPayload,
    "visit.close": ClosePayload,
    "visit.create": CreatePayload,
    "visit.move": MovePayload,
    "visit.cancel": CancelPayload,
    "visit.revise": RevisePayload,
    "promise.done": Empty,
    "client.note": ClientNotePayload,
    "client.field": ClientFieldPayload,
    "client.consent": ClientConsentPayload,
    "client.create": ClientCreatePayload,
    "client.correct": ClientCorrectPayload,
    "message.answer": MessageAnswerPayload,
    "joint.ask": JointAskPayload,
    "joint.answer": JointAnswerPayload,
    "day.order": DayOrderPayload,
    "day.replan": DayReplanPayload,
}
"""Every kind of mutation and what it carries."""


class Mutation(Struct):
    """One thing the rep did, in the phone's order; never changed once it was sent."""

    id: Id
    """UUIDv7 made by the phone."""
    seq: Seq
    """1, 2, 3, ... without holes on this device."""
    kind: ShortText
    subject_id: Id
    device_at_ms: EpochMs
    """The phone's own clock when the rep pressed."""
    offset_ms: Annotated[int, Meta(ge=-(1 << 45), le=1 << 45)] = 0
    """Server clock minus phone clock, as the phone last measured it."""
    base_version: Annotated[int, Meta(ge=0, le=1 << 53)] | None = None
    payload: dict[str, Any] = {}


class Push(Struct):
    """POST /api/v1/sync/push: at most 200 mutations in order of seq."""

    device_id: Id
    mutations: Annotated[list[Mutation], Meta(max_length=PUSH_MAX)]
    schema: ShortText = ""
    device_now_ms: EpochMs | None = None
    """The phone's own clock as it sends this, so that the server can check its offset."""


class FieldConflict(Struct):
    """A field that the rep and somebody else changed, each without the other; both are kept."""

    field: str
    mine: Any
    theirs: Any
    by: str | None
    """Who changed it meanwhile."""
    at_ms: int | None


class MutationResult(Struct):
    """The answer to one mutation; a repeat gets the first answer again.

    `waiting`: an earlier seq hasn't come yet; keep it and send both.
    """

    id: str
    seq: int
    status: Literal["applied", "refused", "waiting"]
    code: str | None = None
    """Why it was refused: catalogue key `error.<code>`."""
    params: dict[str, Any] = {}
    version: int | None = None
    """The subject's version after it was applied."""
    conflicts: list[FieldConflict] = []
    """What it could not set alone: the rep chooses, with a mutation of its own."""


class PushAnswer(Struct):
    results: list[MutationResult]
    last_seq: int
    """Highest seq of this device that has an answer."""
    server_time_ms: int


class DeviceHello(Struct):
    """POST /api/v1/sync/device: registers this phone app; safe to repeat."""

    device_id: Id
    name: ShortText = ""
    app_version: ShortText = ""


class DeviceAnswer(Struct):
    device_id: str
    last_seq: int
    server_time_ms: int
    export_key: str = ""
    """Public key (P-256 point, base64) to which the phone seals an export of unsent work."""


class ExportPhoto(Struct):
    sha256: Sha256
    base64: str


class ExportContent(Struct):
    """What an export holds, sealed: mutations as they would be pushed, and photos."""

    rep_id: Id
    device_id: Id
    made_at_ms: EpochMs
    mutations: Annotated[list[Any], Meta(max_length=20_000)]
    photos: Annotated[list[ExportPhoto], Meta(max_length=2000)] = []


class ExportReport(Struct):
    """POST /api/v1/sync/export: what became of an export that the office brought in."""

    rep_id: str
    rep_name: str
    made_at_ms: int
    applied: int
    refused: int
    waiting: int
    """An earlier action isn't here: it is in another export, or on the phone."""
    photos: int
    photos_refused: int
    results: list[MutationResult]


class AttachmentDoc(Struct):
    id: str
    sha256: str
    kind: str
    content_type: str
    size: int
    taken_at_ms: int | None
    is_stored: bool
    """Whether the server holds its bytes."""


class PlaceTime(Struct):
    """Where and when a check-in or closing was pressed; `fix_at_ms` is corrected like `at_ms`."""

    at_ms: int
    device_at_ms: int | None
    server_at_ms: int
    offset_ms: int
    lat: float | None
    lng: float | None
    accuracy_m: float | None
    fix_at_ms: int | None
    is_mock: bool | None
    source: str | None
    no_gps_reason: str | None
    position_state: Literal["fresh", "stale", "inaccurate", "absent"]


class VisitDoc(Struct):
    id: str
    rep_id: str
    team_id: str
    client_id: str
    place_id: str | None
    lat: float | None
    lng: float | None
    state: StateName
    day: str
    position: int
    planned_at_ms: int | None
    planned_minutes: int
    expected_at_ms: int | None
    pause_min: int
    """Minutes of the break that comes right before this visit."""
    travel_s: int | None
    travel_m: int | None
    travel_mode: str | None
    is_locked: bool
    is_unplanned: bool
    priority: int
    objective: str | None
    plan_reason: dict[str, Any] | None
    checked_in_at_ms: int | None
    closed_at_ms: int | None
    check_in: PlaceTime | None
    check_out: PlaceTime | None
    result: ResultName | None
    comment: str | None
    details: VisitDetails
    reason: str | None
    moved_to_id: str | None
    promise_id: str | None
    verdict: VerdictName
    verdict_reasons: list[str]
    """Codes: catalogue keys `evidence.<code>`."""
    conflicts: list[str]
    """Fields that two people changed without knowing of each other; both values are kept."""
    attachments: list[AttachmentDoc]
    updated_at_ms: int
    version: int


class Workplace(Struct):
    """A person at an organisation, or an organisation of a person, seen from the card."""

    id: str
    name: str
    role: str | None
    hours: str | None
    is_main: bool


class PromiseDoc(Struct):
    id: str
    text: str
    due_on: str | None
    done_at_ms: int | None
    visit_id: str | None


class PastVisit(Struct):
    id: str
    day: str
    result: str | None
    comment: str | None
    rep_name: str


class ShelfFigure(Struct):
    """One product on the client's shelf, as the last visit that looked found it."""

    product_id: str
    is_there: bool
    """False: out of stock."""
    price: float | None
    """In the company's currency; null where none was noted."""
    day: str
    at_ms: int
    """When that visit was closed."""
    rep_name: str
    visit_id: str


class CycleFigures(Struct):
    planned: int
    actual: int
    scheduled: int
    remaining: int


class Proof(Struct):
    """What speaks for a client's category or loyalty; `on` is a day, or empty."""

    source: str
    on: str
    text: str


class Consent(Struct):
    """Whether a client may be reached by a channel, since when, and how that is known."""

    state: Literal["asked", "given", "withdrawn"]
    on: str
    source: str
    text: str


class ClientDoc(Struct):
    id: str
    kind: str
    name: str
    specialty: str | None
    category: str | None
    loyalty: str | None
    phone: str | None
    phone_e164: str | None
    email: str | None
    website: str | None
    address: str | None
    city: str | None
    postcode: str | None
    lat: float | None
    lng: float | None
    opening_hours: str | None
    visit_minutes: int | None
    tags: list[str]
    note: str | None
    own_fields: dict[str, Any]
    """Values of the fields that the administrator made, by name."""
    people: list[Workplace]
    workplaces: list[Workplace]
    promises: list[PromiseDoc]
    history: list[PastVisit]
    cycle: CycleFigures | None
    version: int
    shelf: list[ShelfFigure] = []
    """Of the last half year; an older server tells none."""
    evidence: dict[str, Proof] = {}
    """What speaks for `category` and `loyalty`, by their names."""
    consents: dict[str, Consent] = {}
    """By channel: visit, call, email, message."""


class ProductDoc(Struct):
    id: str
    name: str
    is_active: bool


class ShiftPause(Struct):
    from_ms: int
    to_ms: int | None
    kind: str


class ShiftDoc(Struct):
    id: str
    started_at_ms: int
    ended_at_ms: int | None
    pauses: list[ShiftPause]


class PlanStop(Struct):
    visit_id: str
    position: int
    arrive_at_ms: int | None
    start_at_ms: int | None
    leave_at_ms: int | None
    travel_s: int | None
    travel_m: int | None
    mode: str | None


class PlanDoc(Struct):
    """The newest plan of one day; its id is the day."""

    id: str
    day: str
    version: int
    stops: list[PlanStop]
    line: list[list[float]]
    """[[lat, lng], ...] along the roads."""
    drive_s: int
    distance_m: int


class Lunch(Struct):
    start_min: int
    minutes: int


class CycleProgress(Struct):
    done: int
    planned: int
    pace: float
    """Done divided by what should be done by today; 1 is on pace."""


class Colleague(Struct):
    id: str
    name: str


class ProfileDoc(Struct):
    id: str
    name: str
    team_id: str | None
    team_name: str | None
    mode: str
    language: str
    start_lat: float | None
    start_lng: float | None
    shift_start_min: int
    shift_end_min: int
    lunch: Lunch
    territories: list[str]
    cycle: CycleProgress | None
    colleagues: list[Colleague] = []
    """Reps of the same team, who may come along on a visit."""
    client_fields: list[ClientFieldDoc] = []
    """Fields of cards that the administrator made, as they stand on a card."""


class CorrectionDoc(Struct):
    """A correction of a card that the rep asked for, and the office's word on it."""

    id: str
    client_id: str
    client_name: str
    asked_at_ms: int
    wanted: dict[str, Any]
    comment: str | None
    photos: int
    status: Literal["open", "accepted", "declined"]
    decided_at_ms: int | None
    decided_by: str | None
    reason: str | None


class JointDoc(Struct):
    """A visit made by two, as the one who asked and the one who was asked see it."""

    id: str
    visit_id: str
    is_mine: bool
    """Asked by this phone's rep; otherwise he was asked."""
    other_name: str
    client_name: str
    place_name: str | None
    day: str
    at_ms: int | None
    status: Literal["asked", "confirmed", "declined", "withdrawn"]
    answered_at_ms: int | None


class MessageDoc(Struct):
    """A task or reminder from the office, or word that the plan of a day was changed."""

    id: str
    kind: Literal["task", "reminder", "plan"]
    text: str
    by: str | None
    created_at_ms: int
    day: str | None
    due_at_ms: int | None
    client_id: str | None
    place: str | None
    lat: float | None
    lng: float | None
    radius_m: int | None
    seen_at_ms: int | None
    accepted_at_ms: int | None
    declined_at_ms: int | None
    done_at_ms: int | None
    comment: str | None
    version: int


DOCS: dict[str, type[Struct]] = {
    "profile": ProfileDoc,
    "visit": VisitDoc,
    "client": ClientDoc,
    "product": ProductDoc,
    "form": FormDoc,
    "shift": ShiftDoc,
    "plan": PlanDoc,
    "message": MessageDoc,
    "correction": CorrectionDoc,
    "joint": JointDoc,
}
"""What a phone holds, in the order of a first copy."""


class Change(Struct):
    """One row to put or delete on the phone; `doc` is DOCS[entity] for a put, null for a delete."""

    entity: Literal["profile", "visit", "client", "product", "form", "shift", "plan", "message"]
    id: str
    op: Literal["put", "del"]
    doc: dict[str, Any] | None = None


class Pull(Struct):
    """GET /api/v1/sync/pull?cursor=&limit=: `cursor` is opaque; begin with 0.

    `reset`: forget every row before these changes (a first copy begins).
    `more`: ask again at once. A first copy is whole when `more` turns false.
    """

    cursor: str
    more: bool
    reset: bool
    changes: list[Change]
    server_time_ms: int


class ReceiptVisit(Struct):
    id: str
    state: StateName
    version: int
    photos: int
    """Named by the visit."""
    photos_stored: int
    """Of these, held whole by the server."""


class Receipt(Struct):
    """GET /api/v1/sync/receipt?day=: what the server holds of a rep's day, signed."""

    day: str
    rep_id: str
    visits: list[ReceiptVisit]
    photos: list[str]
    """Hashes held whole."""
    issued_at_ms: int
    signed: str
    """HMAC-SHA256 (hex) of the receipt without this field, as canonical JSON."""


MESSAGES: tuple[type[Struct], ...] = (
    Push, PushAnswer, DeviceHello, DeviceAnswer, Pull, Receipt, ExportContent, ExportReport,
    *PAYLOADS.values(), *DOCS.values(),
)  # fmt: skip
"""Roots from which every other message here is reached."""
