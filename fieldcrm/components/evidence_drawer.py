"""The drawer that shows what is known of a visit: verdict, reasons, track, photo, clocks, words."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import reflex as rx

from fieldcrm.components.evidence_more import (
    FindingRow,
    SoundRow,
    companions,
    earlier,
    findings,
    sounds,
    sounds_part,
)
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.parts import category
from fieldcrm.components.place_map import visit_map
from fieldcrm.components.words import words
from fieldcrm.evidence.service import Clocks, Evidence, PhotoView, ReasonText
from fieldcrm.forms.words import AnswerRow
from fieldcrm.kit import clock, i18n
from fieldcrm.visits.saying import outcome_text

MOST_POINTS = 400


@dataclass
class ReasonRow:
    """A reason in words; glyph is confirmed (for), doubtful or contradicted (against), unjudged."""

    glyph: str
    text: str
    side: str


@dataclass
class ClockRow:
    """One clock at one press of a button."""

    name: str
    shown: str
    note: str
    tone: str


@dataclass
class PhotoRow:
    """A photo of the visit."""

    url: str
    caption: str
    is_repeated: bool


@dataclass
class AnswerView:
    """One answer of the visit's form; `drawing` is a signature as an image."""

    label: str
    text: str
    drawing: str


@dataclass
class EvidenceView:
    """A visit's evidence in the reader's words; the shape the drawer draws."""

    id: str = ""
    is_done: bool = False
    """Closed: there is something to prove."""
    client: str = ""
    category: str = ""
    where: str = ""
    when: str = ""
    verdict: str = "unjudged"
    verdict_word: str = ""
    weighed: str = ""
    reasons: list[ReasonRow] = field(default_factory=list)
    around: dict[str, Any] = field(default_factory=dict)
    has_place: bool = False
    map_label: str = ""
    replay: str = ""
    """Address of the day's replay at this visit; empty without a track to play."""
    clocks: list[ClockRow] = field(default_factory=list)
    clocks_note: str = ""
    photos: list[PhotoRow] = field(default_factory=list)
    said: str = ""
    result: str = ""
    form: str = ""
    form_note: str = ""
    answers: list[AnswerView] = field(default_factory=list)
    earlier: list[FindingRow] = field(default_factory=list)
    sounds: list[SoundRow] = field(default_factory=list)
    companions: list[FindingRow] = field(default_factory=list)


# ---- from evidence to words ----


def evidence_view(found: Evidence, language: str) -> EvidenceView:
    """Everything under a verdict, told in a language."""
    view, visit = found.view, found.view.visit
    against = sum(r.weight < 0 for r in found.reasons)
    in_favour = sum(r.weight > 0 for r in found.reasons)
    key = "evidence_drawer.weighed" if found.reasons else "evidence_drawer.not_judged"
    is_done = visit.state == "closed"
    word = f"report.{found.verdict}" if is_done else f"visits_page.state.{visit.state}"
    return EvidenceView(
        id=visit.id, client=view.client_name, category=view.category or "",
        where=" · ".join(t for t in (view.rep_name, view.place_name or view.address) if t),
        when=_when(visit, language), verdict=found.verdict,
        verdict_word=i18n.t(word, language), is_done=is_done,
        weighed=i18n.t(key, language, against=against, in_favour=in_favour) if is_done else "",
        reasons=_reasons(found.reasons, found.verdict, language), around=_around(found, language),
        has_place=visit.lat is not None or bool(found.track),
        map_label=i18n.t("evidence_drawer.map", language, client=view.client_name),
        replay=_replay(visit) if visit.checked_in_at else "",
        clocks=_clocks(found.clocks_in, language), clocks_note=_clock_note(found.clocks_in, language),
        photos=[_photo(p, language) for p in found.photos if p.kind == "photo"],
        said=visit.comment or "",
        result=outcome_text(visit, language),
        form=found.form, answers=[_answer(a) for a in found.answers],
        form_note="" if found.form_is_known else i18n.t("form_admin.unknown_version", language),
        earlier=earlier(found.earlier, language),
        sounds=sounds(found.photos, language), companions=companions(found.companions, language),
    )  # fmt: skip


def _answer(row: AnswerRow) -> AnswerView:
    return AnswerView(row.label, row.text, _drawing(row.strokes) if row.strokes else "")


def _drawing(strokes: Sequence[Sequence[float]]) -> str:
    """A signature's lines as the address of an image."""
    lines = "".join(f'<polyline points="{" ".join(f"{p:g}" for p in s)}"/>' for s in strokes)
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 1000" '
        'preserveAspectRatio="none" width="240" height="80"><g fill="none" stroke="#17324d" '
        'stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">'
        + lines.replace("/>", ' vector-effect="non-scaling-stroke"/>') + "</g></svg>"
    )  # fmt: skip
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()


def _replay(visit: Any) -> str:
    at_ms = round(visit.checked_in_at.timestamp() * 1000)
    day = clock.local(visit.checked_in_at).date()
    return f"/replay?rep={visit.rep_id}&day={day}&at={at_ms}"


def _when(visit: Any, language: str) -> str:
    parts = [i18n.day(visit.day, language, "d MMMM")]
    if visit.planned_at:
        at = i18n.time_of_day(visit.planned_at, language)
        parts.append(i18n.t("evidence_drawer.planned", language, at=at))
    if visit.checked_in_at and visit.closed_at:
        times = (i18n.time_of_day(t, language) for t in (visit.checked_in_at, visit.closed_at))
        parts.append(i18n.t("evidence_drawer.actual", language, at="–".join(times)))
    return " · ".join(parts)


def _reasons(rows: Sequence[ReasonText], verdict: str, language: str) -> list[ReasonRow]:
    """What speaks against first, then for, then what only tells."""
    worst = "contradicted" if verdict == "contradicted" else "doubtful"
    told = []
    for r in sorted(rows, key=lambda r: (r.weight == 0, r.weight >= 0, -abs(r.weight))):
        side = "against" if r.weight < 0 else "in_favour" if r.weight > 0 else "neutral"
        sign = {"against": worst, "in_favour": "confirmed", "neutral": "unjudged"}[side]
        told.append(ReasonRow(sign, r.text, i18n.t(f"evidence_drawer.{side}", language)))
    return told


def _around(found: Evidence, language: str) -> dict[str, Any]:
    visit = found.view.visit
    step = max(1, len(found.track) // MOST_POINTS)
    low = visit.checked_in_at.timestamp() * 1000 if visit.checked_in_at else 0
    high = visit.closed_at.timestamp() * 1000 if visit.closed_at else 0
    inside = [[lat, lng] for lat, lng, at, *_ in found.track if low <= at <= high]
    radius = i18n.t("evidence_drawer.metres", language, n=round(found.radius_m))
    told_s = round((high - low) / 1000) if high else 0
    return {
        "id": visit.id, "lat": visit.lat, "lng": visit.lng, "radius_m": found.radius_m,
        "radius_text": radius, "stay_text": _stay(told_s, language),
        "track": [[lat, lng] for lat, lng, *_ in found.track[::step]],
        "inside": inside[:: max(1, len(inside) // 60)],
        "check_in": list(found.check_in) if found.check_in else None,
        "check_out": list(found.check_out) if found.check_out else None,
    }  # fmt: skip


def _stay(told_s: int, language: str) -> str:
    unit, n = ("s", told_s) if told_s < 90 else ("min", round(told_s / 60))
    return i18n.t(f"evidence_drawer.told_{unit}", language, n=n)


def _clocks(told: Clocks | None, language: str) -> list[ClockRow]:
    if told is None:
        return []
    rows = [("gps", told.gps_at, i18n.t("evidence_drawer.anchor", language), "faint"),
            ("phone", told.phone_at, _signed(told.off_s, language), _tone(told.off_s, 60)),
            ("server", told.server_at, _signed(told.late_s or 0, language), _tone(told.late_s or 0, 300))]  # fmt: skip
    return [
        ClockRow(i18n.t(f"evidence_drawer.clock.{name}", language), _clock_text(at), note, tone)
        for name, at, note, tone in rows
    ]


def _clock_text(at: datetime | None) -> str:
    return "—" if at is None else f"{clock.local(at):%H:%M:%S}"


def _tone(seconds: int, limit: int) -> str:
    return "late" if abs(seconds) >= limit else ""


def _signed(seconds: int, language: str) -> str:
    if not seconds:
        return "0"
    sign, size = ("+" if seconds > 0 else "−"), abs(seconds)
    key, n = ("seconds", size) if size < 90 else ("minutes", round(size / 60))
    return sign + i18n.t(f"evidence_drawer.{key}", language, n=n)


def _clock_note(told: Clocks | None, language: str) -> str:
    if told is None or told.late_s is None or told.late_s < 300:
        return ""
    at = _clock_text(told.server_at)[:5]
    return i18n.t("evidence_drawer.heard_late", language, at=at)


def _photo(p: PhotoView, language: str) -> PhotoRow:
    taken = _clock_text(p.taken_at) if p.taken_at else ""
    missing = "privacy.photo_erased" if p.is_erased else "evidence_drawer.photo_waits"
    waiting = "" if p.url else i18n.t(missing, language)
    again = i18n.t("evidence_drawer.photo_repeated", language) if p.is_repeated else ""
    return PhotoRow(p.url or "", " · ".join(t for t in (taken, waiting, again) if t), p.is_repeated)


# ---- the parts ----


def evidence_body(view: Any) -> list[rx.Component]:
    """The drawer's content for an `EvidenceView` var."""
    along = findings("together.title", view.companions)
    told = rx.fragment(_proofs(view), along, _words(view), sounds_part(view), _form(view))
    proofs = rx.cond(view.is_done, told, rx.fragment())
    before = findings("evidence_drawer.earlier", view.earlier)
    return [_head(view), _map(view), _verdict(view), proofs, before]


def _head(view: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(category(view.category), rx.el.span(view.client, class_name="strong t3 el"), class_name="row"),
        rx.el.div(rx.el.span(view.where, class_name="el", title=view.where), class_name="row t1 muted"),
        rx.el.div(
            rx.el.span(view.when), rx.el.span(class_name="sp"),
            rx.cond(
                view.replay != "",
                rx.el.a(icon("history", "s"), words("replay.link"), href=view.replay, class_name="btn ghost sm"),
                rx.fragment(),
            ),
            class_name="row t1 muted",
        ),
        class_name="sec dh",
    )  # fmt: skip


def _map(view: Any) -> rx.Component:
    drawn = rx.el.div(visit_map(view.around, view.map_label), class_name="map ev-map")
    return rx.cond(view.has_place, drawn, rx.fragment())


def _verdict(view: Any) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span(
                glyph(view.verdict), view.verdict_word, class_name=f"badge verd {view.verdict}"
            ),
            rx.el.span(view.weighed, class_name="t1 muted"),
            class_name="row",
        ),
        rx.el.ul(rx.foreach(view.reasons, _reason), class_name="evl"),
        class_name="sec vd-h",
    )


def _reason(row: Any) -> rx.Component:
    return rx.el.li(glyph(row.glyph, label=row.side), rx.el.span(row.text))


def _proofs(view: Any) -> rx.Component:
    photos = rx.el.div(rx.foreach(view.photos, _photo_figure), class_name="ev-ph")
    none = rx.el.p(words("evidence_drawer.no_photo"), class_name="t1 muted")
    clocks = rx.el.table(
        rx.el.caption(words("evidence_drawer.clocks")),
        rx.el.tbody(
            rx.foreach(view.clocks, _clock),
            rx.cond(
                view.clocks_note != "",
                rx.el.tr(rx.el.td(view.clocks_note, col_span=3, class_name="muted")), rx.fragment(),
            ),
        ),
        class_name="clk t1",
    )  # fmt: skip
    return rx.el.div(rx.cond(view.photos.length() > 0, photos, none), clocks, class_name="sec ev2")


def _photo_figure(photo: Any) -> rx.Component:
    image = rx.el.a(
        rx.el.img(src=photo.url, alt=words("evidence_drawer.photo"), class_name="ph", loading="lazy"),
        href=photo.url, target="_blank", rel="noopener",
    )  # fmt: skip
    waits = rx.el.div(icon("clock", "l"), class_name="ph waits")
    return rx.el.figure(
        rx.cond(photo.url != "", image, waits),
        rx.el.figcaption(
            photo.caption, class_name=rx.cond(photo.is_repeated, "t1 late", "t1 muted")
        ),
    )


def _clock(row: Any) -> rx.Component:
    return rx.el.tr(
        rx.el.th(row.name, scope="row"), rx.el.td(row.shown, class_name="num"),
        rx.el.td(row.note, class_name=f"num {row.tone}"),
    )  # fmt: skip


def _words(view: Any) -> rx.Component:
    said = rx.cond(
        view.said != "",
        rx.el.p(view.said),
        rx.el.p(words("evidence_drawer.no_words"), class_name="muted"),
    )
    result = rx.cond(
        view.result != "", rx.el.span(view.result, class_name="badge line"), rx.fragment()
    )
    return rx.el.div(
        rx.el.div(rx.el.h3(words("evidence_drawer.said")), rx.el.span(class_name="sp"), result, class_name="row"),
        said, class_name="sec said",
    )  # fmt: skip


def _form(view: Any) -> rx.Component:
    rows = rx.el.div(
        rx.el.h3(rx.cond(view.form != "", view.form, words("form_admin.answers"))),
        rx.cond(view.form_note != "", rx.el.p(view.form_note, class_name="note warn"), rx.fragment()),
        rx.el.dl(rx.foreach(view.answers, _answer_row), class_name="fm-dl"), class_name="sec said",
    )  # fmt: skip
    return rx.cond(view.answers.length() > 0, rows, rx.fragment())


def _answer_row(row: Any) -> rx.Component:
    drawing = rx.el.img(src=row.drawing, alt=row.label, class_name="fm-sign")
    return rx.fragment(
        rx.el.dt(row.label),
        rx.el.dd(row.text, rx.cond(row.drawing != "", drawing, rx.fragment())),
    )
