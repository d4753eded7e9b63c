"""What else is known of a visit: who came along, earlier verdicts, what was said into the phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

from fieldcrm.components.icons import glyph
from fieldcrm.components.words import words
from fieldcrm.evidence.companions import Companion
from fieldcrm.evidence.service import PastVerdict, PhotoView
from fieldcrm.kit import clock, i18n


@dataclass
class SoundRow:
    """A sound of the visit; without an address while it is on its way, or once it is erased."""

    url: str
    caption: str


@dataclass
class FindingRow:
    """Something found out: a verdict's glyph and its word, what it is about, and why."""

    glyph: str
    word: str
    title: str
    text: str


def sounds(rows: Sequence[PhotoView], language: str) -> list[SoundRow]:
    return [_sound(a, language) for a in rows if a.kind == "audio"]


def _sound(a: PhotoView, language: str) -> SoundRow:
    at = f"{clock.local(a.taken_at):%H:%M}" if a.taken_at else ""
    missing = "privacy.photo_erased" if a.is_erased else "evidence_drawer.photo_waits"
    return SoundRow(
        a.url or "", " · ".join(t for t in (at, "" if a.url else i18n.t(missing, language)) if t)
    )


def companions(found: Sequence[Companion], language: str) -> list[FindingRow]:
    """Colleagues who came along, by their word and their track."""
    return [_companion(c, language) for c in found]


def earlier(found: Sequence[PastVerdict], language: str) -> list[FindingRow]:
    """What was thought of the visit before."""
    return [_past(p, language) for p in found]


def _past(p: PastVerdict, language: str) -> FindingRow:
    word, why = i18n.t(f"report.{p.verdict}", language), p.reasons[0].text if p.reasons else ""
    return FindingRow(p.verdict, word, f"{word}, {i18n.moment(p.at, language)}", why)


def _companion(c: Companion, language: str) -> FindingRow:
    at = i18n.time_of_day(c.answered_at, language) if c.answered_at else ""
    parts = [i18n.t(f"together.{c.status}", language, at=at)]
    if c.answer_m is not None:
        parts.append(i18n.t("together.answered_from", language, n=round(c.answer_m)))
    if c.track_m is None:
        parts.append(i18n.t("together.no_track", language))
    else:
        key = "together.track_there" if c.was_there else "together.track_away"
        parts.append(i18n.t(key, language, n=round(c.track_m)))
    sign = _glyph(c)
    return FindingRow(sign, i18n.t(f"report.{sign}", language), c.name, " · ".join(parts))


def _glyph(c: Companion) -> str:
    """His word and his track agree, or don't, or there is only one of them."""
    if c.status == "confirmed":
        return {True: "confirmed", False: "contradicted", None: "doubtful"}[c.was_there]
    return "unjudged" if c.status == "asked" else "contradicted" if c.was_there else "doubtful"


# ---- the parts ----


def findings(title: str, rows: Any) -> rx.Component:
    """A section of `FindingRow`s under a heading (a catalogue key); nothing without any."""
    section = rx.el.div(
        rx.el.h3(words(title)), rx.el.ul(rx.foreach(rows, _finding), class_name="evl"),
        class_name="sec said",
    )  # fmt: skip
    return rx.cond(rows.length() > 0, section, rx.fragment())


def _finding(row: Any) -> rx.Component:
    return rx.el.li(
        glyph(row.glyph, label=row.word),
        rx.el.span(rx.el.span(row.title, class_name="med"), rx.el.br(),
                   rx.el.span(row.text, class_name="muted t1")),
    )  # fmt: skip


def sounds_part(view: Any) -> rx.Component:
    """`view.sounds`: notes spoken into the phone, to be played here."""
    rows = rx.el.div(
        rx.el.h3(words("sound.title")), rx.foreach(view.sounds, _sound_row), class_name="sec said"
    )
    return rx.cond(view.sounds.length() > 0, rows, rx.fragment())


def _sound_row(row: Any) -> rx.Component:
    player = rx.el.audio(
        src=row.url,
        controls=True,
        preload="none",
        aria_label=words("sound.title"),
        class_name="snd",
    )
    return rx.el.figure(
        rx.cond(row.url != "", player, rx.fragment()),
        rx.el.figcaption(row.caption, class_name="t1 muted"),
    )
