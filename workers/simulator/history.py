"""The sample's past: the same reps at high speed, through the same services, at a held clock."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from fieldcrm.clients.tables import Client
from fieldcrm.evidence import service as evidence
from fieldcrm.forms import service as forms
from fieldcrm.forms.tables import Form, FormVersion
from fieldcrm.kit import clock, database, files, ids, secrets
from fieldcrm.kit.settings import settings
from fieldcrm.people.model import Actor, Role
from fieldcrm.people.tables import Device, User
from fieldcrm.regions.roads import Roads
from fieldcrm.tracking import keeping, pipeline, shifts
from fieldcrm.tracking.memory import DeviceMemory, RepMemory
from fieldcrm.tracking.model import Decoded, Fix, RawFix, Span
from fieldcrm.visits import running
from fieldcrm.visits import service as visits
from fieldcrm.visits import store as visit_store
from fieldcrm.visits.model import MoveRequest, NewAttachment, NextStep, Position
from fieldcrm.visits.tables import Product, Visit
from workers.simulator import names, photo, schedule, words
from workers.simulator.day import (
    CheckedIn,
    Closed,
    Happening,
    LunchBegun,
    LunchOver,
    PutOff,
    RepDay,
    ShiftEnded,
    ShiftStarted,
    Stop,
    Timetable,
)
from workers.simulator.gps import Reading
from workers.simulator.movement import Streets
from workers.simulator.rota import A_DAY, cycle_start
from workers.simulator.scenario import HISTORY, SAMPLE_SEED, TRAITS, RepTraits
from workers.simulator.streets import RoadStreets

LEFT_TO_VISITORS = frozenset({"sanna"})
"""Whose running day is not played: a visitor plays it."""
WEEKS_AHEAD = 2

Progress = Callable[[float, str], None]


@dataclass
class Crew:
    """A rep of the sample with what the past remembers of him."""

    user: User
    traits: RepTraits
    actor: Actor
    device_id: str
    shift_id: str = ""
    spans: list[Span] = field(default_factory=list)

    @property
    def login(self) -> str:
        return self.user.login


@dataclass(frozen=True)
class Past:
    """What every day of the past needs."""

    crew: list[Crew]
    kinds: dict[str, tuple[str, str]]
    """client id -> (kind, name)"""
    products: list[words.Product]
    streets: Streets
    forms: list[dict[str, Any]]
    """As phones hold them (wire.forms.FormDoc)."""


def make(now: datetime, progress: Progress) -> None:
    """Plan the cycle's days around `now`, then live through those behind and this morning."""
    today = clock.local(now).date()
    days = schedule.workdays(cycle_start(today), today + timedelta(weeks=WEEKS_AHEAD))
    schedule.make(days, now, lambda share: progress(0.2 * share, "sample.plans"))
    past = _past()
    behind = [day for day in days if day < today]
    for number, day in enumerate(behind):
        _whole_day(past, day)
        progress(0.2 + 0.78 * (number + 1) / len(behind), "sample.history")
    if today in days:
        crew = [c for c in past.crew if c.login not in LEFT_TO_VISITORS]
        _play(past, crew, today, now)
        _judge(now)


def _past() -> Past:
    with database.transaction() as session:
        users = session.exec(select(User).where(User.role == "rep").order_by(User.login)).all()
        crew = [_crew(session, user) for user in users]
        clients = session.exec(select(Client.id, Client.kind, Client.name)).all()
        products = session.exec(select(Product.id, Product.name).order_by(Product.name)).all()
        asked = [_form(row, form) for row, form, _ in forms.on_phones_in(session)]
    streets = RoadStreets(Roads(settings().region_dir))
    named = {i: (k, n) for i, k, n in clients}
    return Past(crew, named, [(i, n) for i, n in products], streets, asked)


def _form(row: FormVersion, form: Form) -> dict[str, Any]:
    is_active = form.is_active and row.version == form.version
    return {
        "form_id": form.id, "version": row.version, "is_active": is_active,
        "definition": row.definition,
    }  # fmt: skip


def _crew(session: Session, user: User) -> Crew:
    """A rep with the phone he had before: its track is here, it can send no more."""
    device = Device(
        id=ids.new_id(user.created_at), user_id=user.id, kind="pwa", name="Sample history",
        token_hash=secrets.token_hash(secrets.new_token()), paired_at=user.created_at,
        revoked_at=user.created_at,
    )  # fmt: skip
    session.add(device)
    actor = Actor(user.id, Role.rep, frozenset({user.team_id or ""}), user.name, user.language,
                  source="sample")  # fmt: skip
    return Crew(user, TRAITS[user.login], actor, device.id)


# One day


def _whole_day(past: Past, day: date) -> None:
    over = clock.day_bounds(day)[1]
    _play(past, past.crew, day, over - timedelta(minutes=1), is_over=True)
    with clock.held(over + timedelta(minutes=5)):
        visits.mark_missed(over + timedelta(minutes=5))
    _judge(over)


def _judge(now: datetime) -> None:
    with clock.held(now):
        while evidence.judge_due(now):
            pass


def _play(
    past: Past, crew: Sequence[Crew], day: date, until: datetime, is_over: bool = False
) -> None:
    """Live through a day up to a moment, in one transaction."""
    told: list[tuple[float, int, Crew, Happening]] = []
    for rep in crew:
        stops = _stops(past, rep, day)
        rep_day = RepDay(rep.login, rep.traits, HISTORY, f"{SAMPLE_SEED}|{day}", timetable(rep.user, day),
                         past.streets)  # fmt: skip
        happened = rep_day.advance(until.timestamp(), stops)
        told += [(h.at, n, rep, h) for n, h in enumerate(happened)]
    told.sort(key=lambda entry: entry[:2])
    photos = [h for _, _, _, h in told if isinstance(h, Closed) and h.has_photo]
    for closed in photos:
        files.store(*photo.shelf(closed.stop.visit_id))
    with database.transaction() as session:
        session.info[running.PAST] = is_over
        for at, _, rep, happening in told:
            if not isinstance(happening, Reading):
                with clock.held(_utc(at)):
                    _apply(session, past, rep, happening, day)
        _keep_tracks(session, told, until)


def timetable(user: User, day: date) -> Timetable:
    """A rep's hours of a local day as moments."""
    midnight = clock.day_bounds(day)[0].timestamp()
    return Timetable(
        midnight + 60 * user.shift_start_min, midnight + 60 * user.shift_end_min,
        midnight + 60 * user.lunch_start_min, 60 * user.lunch_minutes, user.mode,
        (user.start_lat or 0.0, user.start_lng or 0.0),
    )  # fmt: skip


def _stops(past: Past, rep: Crew, day: date) -> list[Stop]:
    with database.reading() as session:
        rows = visit_store.day_of(session, rep.user.id, day)
    return [_stop(past, row) for row in rows if row.state == "planned"][: A_DAY + 1]


def _stop(past: Past, row: Visit) -> Stop:
    kind, name = past.kinds[row.client_id]
    return Stop(
        row.id, f"{name}|{row.lat:.5f}", kind, row.lat or 0.0, row.lng or 0.0, row.position,
        row.state, row.planned_at.timestamp() if row.planned_at else None,
    )  # fmt: skip


# What happened, told to the services


def _apply(session: Session, past: Past, rep: Crew, told: Happening, day: date) -> None:
    at = _utc(told.at)
    match told:
        case ShiftStarted():
            rep.shift_id = ids.new_id()
            shifts.start_shift_in(session, rep.actor, rep.shift_id, at)
        case ShiftEnded():
            shifts.end_shift_in(session, rep.actor, rep.shift_id, at)
        case LunchBegun():
            shifts.pause_in(session, rep.actor, rep.shift_id, at, "lunch")
        case LunchOver():
            shifts.resume_in(session, rep.actor, rep.shift_id, at)
        case CheckedIn():
            visits.apply_move(session, rep.actor, _check_in(rep, told))
        case Closed():
            visits.apply_move(session, rep.actor, _close(past, rep, told, day))
        case PutOff():
            visits.apply_move(session, rep.actor, _put_off(rep, told, day))


def _request(rep: Crew, told: CheckedIn | Closed | PutOff, move: str, **more: Any) -> MoveRequest:
    error = timedelta(seconds=rep.traits.clock_error_s)
    return MoveRequest(
        told.stop.visit_id, move, at=_utc(told.at), device_at=_utc(told.at) + error,
        offset_ms=-1000 * rep.traits.clock_error_s, **more,
    )  # fmt: skip


def _check_in(rep: Crew, told: CheckedIn) -> MoveRequest:
    if told.reading is None:
        excuse = names.NO_GPS[rep.user.language]
        return _request(rep, told, "check_in", no_gps_reason="no_signal", comment=excuse)
    return _request(rep, told, "check_in", position=_position(rep, told.reading))


def _close(past: Past, rep: Crew, told: Closed, day: date) -> MoveRequest:
    said = words.closing(
        told.stop.kind, told.is_held, told.has_next_step, rep.user.language, past.products, day,
        random.Random(f"{day}|{told.stop.key}"), past.forms,
    )  # fmt: skip
    step = said["next_step"]
    return _request(
        rep, told, "close", result=said["result"], comment=said["comment"],
        details=said["details"], position=told.reading and _position(rep, told.reading),
        no_gps_reason=None if told.reading else "no_signal",
        next_step=step and NextStep(step["text"], date.fromisoformat(step["due_on"])),
        attachments=(_photo(told),) if told.has_photo else (),
    )  # fmt: skip


def _photo(told: Closed) -> NewAttachment:
    sha256, content = photo.shelf(told.stop.visit_id)
    at = _utc(told.at - 30)
    where = told.reading
    return NewAttachment(ids.new_id(at), sha256, size=len(content), taken_at=at,
                         lat=where.lat if where else None, lng=where.lng if where else None)  # fmt: skip


def _put_off(rep: Crew, told: PutOff, day: date) -> MoveRequest:
    later = day + timedelta(days=3 if day.weekday() >= 3 else 1)
    later += timedelta(days=max(0, 7 - later.weekday()) if later.weekday() >= 5 else 0)
    return _request(rep, told, "move", day=later, reason=names.PUT_OFF[rep.user.language])


def _position(rep: Crew, reading: Reading) -> Position:
    at = _utc(reading.at) + timedelta(seconds=rep.traits.clock_error_s)
    return Position(reading.lat, reading.lng, reading.accuracy_m, at, reading.is_mock or None)


# Tracks


def _keep_tracks(
    session: Session, told: Iterable[tuple[float, int, Crew, Happening]], until: datetime
) -> None:
    """Judge each fix as the gateway would on the day, and keep those within a shift."""
    by_rep: dict[str, list[Reading]] = defaultdict(list)
    crew: dict[str, Crew] = {}
    for _, _, rep, happening in told:
        crew[rep.login] = rep
        if isinstance(happening, Reading):
            by_rep[rep.login].append(happening)
    kept: list[Fix] = []
    for login, readings in by_rep.items():
        since = _utc(readings[0].at) - timedelta(hours=20)
        spans = shifts.spans_in(session, since, [crew[login].user.id])
        kept += _judged(crew[login], readings, spans.get(crew[login].user.id, ()))
    with clock.held(until):
        keeping.append(session, kept)


def _judged(rep: Crew, readings: Sequence[Reading], spans: Sequence[Span]) -> list[Fix]:
    device, memory, kept = DeviceMemory(), RepMemory(), list[Fix]()
    error_ms = 1000 * rep.traits.clock_error_s
    for reading in readings:
        now_ms = round(reading.at * 1000)
        judged = pipeline.judge(
            Decoded([_raw(reading, error_ms)]), rep_id=rep.user.id, device_id=rep.device_id,
            source="sample", device=device, rep=memory, spans=spans, now_ms=now_ms,
            phone_now_ms=now_ms + error_ms,
        )  # fmt: skip
        kept += judged.recorded
    return kept


def _raw(reading: Reading, error_ms: int) -> RawFix:
    return RawFix(
        round(reading.at * 1000) + error_ms, reading.lat, reading.lng, None, reading.accuracy_m,
        round(reading.speed_mps, 2), reading.course_deg, reading.battery_pct, reading.is_charging,
        reading.is_mock or None,
    )  # fmt: skip


def _utc(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
