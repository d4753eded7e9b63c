"""Judges closed visits as their tracks arrive, and explains a verdict to whom may see the visit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from fieldcrm.evidence import companions, rules, store
from fieldcrm.evidence.companions import Companion
from fieldcrm.evidence.model import (
    Claim,
    Judgement,
    Photo,
    Reason,
    Sibling,
    VerdictName,
    VisitFacts,
)
from fieldcrm.evidence.tables import Verdict
from fieldcrm.forms import service as forms
from fieldcrm.forms.words import AnswerRow
from fieldcrm.kit import clock, events, feed, i18n, ids
from fieldcrm.kit.database import reading, transaction
from fieldcrm.people.model import Actor
from fieldcrm.tracking import service as tracking
from fieldcrm.tracking.model import Fix
from fieldcrm.visits import service as visits
from fieldcrm.visits.store import VisitView
from fieldcrm.visits.tables import Attachment, Visit

DAYS = 21
"""Visits older than this are left as judged."""
AGAIN_AFTER = timedelta(seconds=120)
"""A visit is judged again no sooner: while a rep walks on, his chunk is written every second."""
NEWS = timedelta(days=2)
"""Chunks written and shifts ended within it may call for a new judgement."""
NOTABLE = 0.2
"""A new verdict row is written when the verdict or its reasons change, or its score by so much."""
SHOWN = timedelta(minutes=12)
"""How much of the track around a visit is shown before and after."""

# ---- judging ----


def judge_due(now: datetime, limit: int = 200) -> int:
    """Judge visits whose track has arrived, and again those with newer fixes; returns how many.

    Safe in several processes at once: the second finds the verdict written.
    """
    since = clock.local(now).date() - timedelta(days=DAYS)
    with reading() as session:
        waiting = store.unjudged(session, since)
        again = _to_judge_again(session, since, now)[:limit]
    done = 0
    for rep_id, day, group in _by_rep_and_day([*waiting, *again]):
        if done >= limit:
            break
        done += _judge_day(rep_id, day, group, now)
    return done


def _to_judge_again(session: Session, since: date, now: datetime) -> list[Visit]:
    """Judged visits with newer fixes around them or newer photos, or whose shift ended since."""
    photos = store.with_newer_photos(session, now - NEWS, since, now - AGAIN_AFTER)
    tracks = _with_newer_tracks(session, since, now)
    return list({v.id: v for v in (*photos, *tracks)}.values())


def _with_newer_tracks(session: Session, since: date, now: datetime) -> list[Visit]:
    """Judged visits with newer fixes around them, or whose shift ended since.

    Whoever writes chunks also asks this, so nothing older than NEWS is news.
    """
    chunks = store.chunks_written_since(session, now - NEWS)
    shifts = store.shifts_ended_since(session, now - NEWS)
    if not chunks and not shifts:
        return []
    first = min(start for _, start, _, _ in [*chunks, *shifts])
    since = max(since, clock.local(first).date() - timedelta(days=1))
    reps = {rep_id for rep_id, _, _, _ in [*chunks, *shifts]}
    judged = store.judged(session, reps, since, now - AGAIN_AFTER)
    return [v for v in judged if _is_touched(v, chunks) or _is_within(v, shifts)]


def _is_touched(v: Visit, chunks: Sequence[store.Span]) -> bool:
    """Whether a chunk that overlaps the visit was written after its verdict."""
    return any(
        rep_id == v.rep_id and v.judged_at and v.closed_at and v.checked_in_at
        and known > v.judged_at and start <= v.closed_at and end >= v.checked_in_at
        for rep_id, start, end, known in chunks
    )  # fmt: skip


def _is_within(v: Visit, shifts: Sequence[store.Span]) -> bool:
    """Whether the shift that holds the visit ended after its verdict."""
    return any(
        rep_id == v.rep_id and v.judged_at and v.closed_at and v.checked_in_at
        and known > v.judged_at and start <= v.checked_in_at and end >= v.closed_at
        for rep_id, start, end, known in shifts
    )  # fmt: skip


def _by_rep_and_day(rows: Iterable[Visit]) -> list[tuple[str, date, list[Visit]]]:
    """Visits that share a track, in the order in which they were found."""
    groups: dict[tuple[str, date], list[Visit]] = {}
    for visit in rows:
        if visit.checked_in_at is not None and visit.closed_at is not None:
            day = clock.local(visit.checked_in_at).date()
            groups.setdefault((visit.rep_id, day), []).append(visit)
    return [(rep_id, day, group) for (rep_id, day), group in groups.items()]


def _judge_day(rep_id: str, day: date, group: Sequence[Visit], now: datetime) -> int:
    with reading() as session:
        ready = _ready(session, rep_id, day, group, now)
        if not ready:
            return 0
        fixes = day_fixes(session, rep_id, day)
        judged = [(f.visit_id, rules.judge(f, fixes, _ms(now))) for f in ready]
    found = [(visit_id, judgement) for visit_id, judgement in judged if judgement is not None]
    if found:
        with transaction() as session:
            feed.take_turn(session)
            for visit_id, judgement in found:
                _keep(session, visit_id, judgement, now)
    return len(found)


def _ready(
    session: Session, rep_id: str, day: date, group: Sequence[Visit], now: datetime
) -> list[VisitFacts]:
    """Facts of the visits worth looking at, without reading the track for those that must wait."""
    start, end = _span(day)
    last = store.last_fix_at(session, rep_id, start, end)
    facts = facts_of(session, rep_id, day, group)
    newest = [] if last is None else [_marker(rep_id, last)]
    return [f for f in facts if rules.has_arrived(f, newest, _ms(now))]


def _marker(rep_id: str, at: datetime) -> Fix:
    """A fix that says only how far the track reaches."""
    return Fix(rep_id, "", None, _ms(at), _ms(at), _ms(at), 0.0, 0.0)


def _span(day: date) -> tuple[datetime, datetime]:
    """A local day, with some of the night after it: a visit may end past midnight."""
    start, end = clock.day_bounds(day)
    return start, end + timedelta(hours=3)


def day_fixes(session: Session, rep_id: str, day: date) -> list[Fix]:
    """The track a day's visits are judged by."""
    return tracking.track_in(session, rep_id, *_span(day))


def _keep(session: Session, visit_id: str, judgement: Judgement, now: datetime) -> None:
    """The verdict as a row of its own and on the visit; the same again only notes that it held."""
    visit = store.visit(session, visit_id)
    if visit is None or visit.state != "closed":
        return
    visit.judged_at = now
    session.add(visit)
    before = store.latest_verdict(session, visit_id)
    if before is not None and not _is_news(before, judgement):
        return
    reasons = [_row(reason) for reason in judgement.reasons]
    session.add(
        Verdict(
            id=ids.new_id(), visit_id=visit_id, at=now, verdict=judgement.verdict.value,
            score=judgement.score, reasons=reasons, figures=judgement.figures,
            rules_version=rules.VERSION,
        )
    )  # fmt: skip
    counted = visit.verdict != VerdictName.contradicted
    visit.verdict = judgement.verdict.value
    visit.verdict_reasons = [reason.code for reason in judgement.reasons]
    visit.updated_at = clock.now()
    events.record(
        session, "visit.judged", visit_id, team_id=visit.team_id, source="worker",
        data={"verdict": visit.verdict, "before": before.verdict if before else None},
    )  # fmt: skip
    feed.touch(
        session, "visit", visit_id, rep_ids=[visit.rep_id], team_id=visit.team_id,
        desk={"verdict": visit.verdict},
    )  # fmt: skip
    if counted != (judgement.verdict is not VerdictName.contradicted):
        _tell_figures(session, visit)


def _tell_figures(session: Session, visit: Visit) -> None:
    """A contradicted visit counts for nothing: the rep's card and his cycle show it."""
    feed.touch(session, "client", visit.client_id, rep_ids=[visit.rep_id])
    feed.touch(session, "profile", visit.rep_id, rep_ids=[visit.rep_id])


def _is_news(before: Verdict, judgement: Judgement) -> bool:
    return (
        before.verdict != judgement.verdict.value
        or abs(before.score - judgement.score) >= NOTABLE
        or before.rules_version != rules.VERSION
        or {r["code"] for r in before.reasons} != {r.code for r in judgement.reasons}
    )


def _row(reason: Reason) -> dict[str, Any]:
    return {"code": reason.code, "for": reason.is_for, "weight": reason.weight,
            "params": reason.params}  # fmt: skip


# ---- facts ----


def facts_of(session: Session, rep_id: str, day: date, group: Sequence[Visit]) -> list[VisitFacts]:
    """What is told of closed visits of one rep and day, without anything of the track."""
    others = store.closed_of_day(session, rep_id, day)
    named = store.attachments(session, [v.id for v in group])
    repeats = _repeats(session, named)
    mode = store.mode_of(session, rep_id)
    return [
        replace(_facts(session, v, mode, others), photos=_photos(v, named.get(v.id, ()), repeats))
        for v in group
    ]


def _facts(session: Session, v: Visit, mode: str, others: Sequence[Visit]) -> VisitFacts:
    assert v.checked_in_at is not None
    assert v.closed_at is not None
    told = v.check_in or {}
    shift = store.shift_around(session, v.rep_id, v.checked_in_at)
    doubts = [(t or {}).get("clock_doubt_ms", 0) for t in (v.check_in, v.check_out)]
    return VisitFacts(
        visit_id=v.id, lat=v.lat, lng=v.lng, checked_in_ms=_ms(v.checked_in_at),
        closed_ms=_ms(v.closed_at), check_in=_claim(v.check_in), check_out=_claim(v.check_out),
        mode=v.travel_mode or mode, offset_ms=told.get("offset_ms", 0),
        clock_doubt_ms=max(doubts),
        siblings=tuple(
            Sibling(o.id, o.lat, o.lng, _claim(o.check_in)) for o in others if o.id != v.id
        ),
        shift_ended_ms=_ms(shift.ended_at) if shift and shift.ended_at else None,
    )  # fmt: skip


def _claim(told: dict[str, Any] | None) -> Claim:
    if not told or told.get("lat") is None:
        return Claim()
    return Claim(
        told["lat"], told["lng"], told.get("accuracy_m"), told.get("is_mock"),
        told.get("position_state") == "fresh",
    )  # fmt: skip


Namings = dict[str, list[tuple[str, datetime | None]]]


def _repeats(session: Session, named: dict[str, list[Attachment]]) -> Namings:
    """Which visits name each of these files, and when they began."""
    hashes = {a.sha256 for rows in named.values() for a in rows if a.kind == "photo"}
    found: Namings = {}
    for sha256, visit_id, began in store.namings(session, hashes):
        found.setdefault(sha256, []).append((visit_id, began))
    return found


def _photos(v: Visit, rows: Iterable[Attachment], repeats: Namings) -> tuple[Photo, ...]:
    """A file that an earlier visit named already proves nothing of this one."""
    return tuple(
        Photo(a.sha256, a.stored_at is not None, _earlier(v, repeats.get(a.sha256, [])))
        for a in rows
        if a.kind == "photo"
    )


def _earlier(v: Visit, named: Sequence[tuple[str, datetime | None]]) -> str | None:
    began = v.checked_in_at
    return next(
        (visit_id for visit_id, at in named if visit_id != v.id and at and began and at < began),
        None,
    )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


# ---- explaining ----


@dataclass(frozen=True)
class ReasonText:
    """A reason in the reader's words."""

    code: str
    text: str
    is_for: bool
    weight: float


@dataclass(frozen=True)
class PastVerdict:
    """A verdict as it was given."""

    at: datetime
    verdict: str
    score: float
    reasons: list[ReasonText]
    figures: dict[str, Any]


@dataclass(frozen=True)
class Clocks:
    """One press of a button by each clock; None where nobody told. `off_s` is the phone's error."""

    gps_at: datetime | None
    """The fix, by the phone's corrected clock."""
    phone_at: datetime | None
    """Uncorrected."""
    at: datetime
    """Corrected: what counts."""
    server_at: datetime | None
    off_s: int
    late_s: int | None
    """How long after it happened the server heard of it."""


@dataclass(frozen=True)
class PhotoView:
    """A photo or sound of the visit; `url` is None until its bytes are here, and once they are gone."""

    sha256: str
    kind: str
    url: str | None
    taken_at: datetime | None
    is_repeated: bool
    is_erased: bool


@dataclass(frozen=True)
class Evidence:
    """Everything under a verdict."""

    view: VisitView
    verdict: str
    score: float | None
    reasons: list[ReasonText]
    figures: dict[str, Any]
    track: list[tuple[float, float, int, float | None, bool]]
    """(lat, lng, at epoch ms, accuracy_m, is_mock) around the visit, in order."""
    check_in: tuple[float, float] | None
    check_out: tuple[float, float] | None
    clocks_in: Clocks | None
    clocks_out: Clocks | None
    photos: list[PhotoView]
    earlier: list[PastVerdict]
    radius_m: float
    """Within this of the place counts as there."""
    form: str = ""
    """The title of the form the visit was answered by."""
    form_is_known: bool = True
    """False: its version isn't here, the answers stand as they came."""
    answers: tuple[AnswerRow, ...] = ()
    companions: tuple[Companion, ...] = ()
    """Colleagues who were named for it."""


def explain(actor: Actor, visit_id: str, language: str | None = None) -> Evidence:
    """A visit's evidence in the reader's language; raises VisitNotFound."""
    detail = visits.get(actor, visit_id)
    visit = detail.view.visit
    with reading() as session:
        given = [_past(v, language or actor.language) for v in store.verdicts(session, visit_id)]
        repeats = _repeats(session, {visit_id: detail.attachments})
        fixes = _around(session, visit)
        along = companions.of_visit(session, visit)
    now = given[0] if given else None
    read = forms.reader([visit.details], language or actor.language)
    return Evidence(
        view=detail.view, verdict=visit.verdict, score=now.score if now else None,
        reasons=now.reasons if now else [], figures=now.figures if now else {},
        track=[(f.lat, f.lng, f.fix_at_ms, f.accuracy_m, bool(f.is_mock)) for f in fixes],
        check_in=_point(visit.check_in), check_out=_point(visit.check_out),
        clocks_in=_clocks(visit.check_in), clocks_out=_clocks(visit.check_out),
        photos=[_photo_view(visit, a, repeats) for a in detail.attachments], earlier=given[1:],
        radius_m=rules.NEAR_M, form=read.title(visit.details),
        form_is_known=read.is_known(visit.details), answers=tuple(read.rows(visit.details)),
        companions=tuple(along),
    )  # fmt: skip


def _past(row: Verdict, language: str) -> PastVerdict:
    reasons = [
        ReasonText(r["code"], words(r["code"], r["params"], language), r["for"], r["weight"])
        for r in row.reasons
    ]
    return PastVerdict(row.at, row.verdict, row.score, reasons, row.figures)


def words(code: str, params: dict[str, Any], language: str) -> str:
    """A reason's text."""
    return i18n.t(f"evidence.{code}", language, **params)


def _around(session: Session, visit: Visit) -> list[Fix]:
    """The track from a while before the check-in to a while after the closing (or now)."""
    if visit.checked_in_at is None:
        return []
    end = visit.closed_at or clock.now()
    return tracking.track_in(session, visit.rep_id, visit.checked_in_at - SHOWN, end + SHOWN)


def _point(told: dict[str, Any] | None) -> tuple[float, float] | None:
    return None if not told or told.get("lat") is None else (told["lat"], told["lng"])


def _clocks(told: dict[str, Any] | None) -> Clocks | None:
    if not told:
        return None
    at, server = clock.from_ms(told["at_ms"]), _moment(told.get("server_at_ms"))
    return Clocks(
        gps_at=_moment(told.get("fix_at_ms")), phone_at=_moment(told.get("device_at_ms")), at=at,
        server_at=server, off_s=round(-told.get("offset_ms", 0) / 1000),
        late_s=round((server - at).total_seconds()) if server else None,
    )  # fmt: skip


def _moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else clock.from_ms(epoch_ms)


def _photo_view(visit: Visit, a: Attachment, repeats: Namings) -> PhotoView:
    return PhotoView(
        sha256=a.sha256, kind=a.kind, taken_at=a.taken_at,
        url=f"/api/v1/attachments/{a.sha256}" if a.stored_at and not a.erased_at else None,
        is_erased=a.erased_at is not None,
        is_repeated=_earlier(visit, repeats.get(a.sha256, [])) is not None,
    )  # fmt: skip
