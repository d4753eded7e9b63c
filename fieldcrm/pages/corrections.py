"""Corrections of cards that reps ask for: a list, the old and the new side by side, the office's word."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from fieldcrm.clients.model import BadClientField
from fieldcrm.clients.tables import CardPhoto
from fieldcrm.components import behaviour
from fieldcrm.components.alerts import Toast
from fieldcrm.components.icons import icon
from fieldcrm.components.messages import Messages
from fieldcrm.components.parts import badge
from fieldcrm.components.place_map import pins_map
from fieldcrm.components.section import (
    PAGE,
    Choice,
    Column,
    Listing,
    clipped,
    days_between,
    find_box,
    folded,
    list_table,
    loaded,
    narrowing,
    opener,
    options_of,
    row_drawer,
)
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.words import words
from fieldcrm.kit import files, i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.units import distance_m
from fieldcrm.pages.corrections_view import evidence, legend, others, photos
from fieldcrm.pages.corrections_word import Edit, edits_of, read_edits, word_on
from fieldcrm.pages.distances import distance
from fieldcrm.pages.list_files import ListFiles, file_tools
from fieldcrm.pages.manager_rows import day_of
from fieldcrm.people import service as people
from fieldcrm.sync import correction_list, corrections
from fieldcrm.sync.correction_list import STATUSES, WHAT, CheckIn, Detail, Filters, Listed
from fieldcrm.sync.model import CorrectionOvertaken

FILTERS = ("status", "what", "rep", "first", "last")
SORTS = ("at", "client", "rep")
PLACE = ("lat", "lng")


@dataclass
class Row:
    """A correction as the table shows it."""

    id: str
    at: str
    client: str
    rep: str
    what: str
    change: str
    status: str
    status_word: str
    decided: str


@dataclass
class Line:
    """A field side by side: what the card said, what it says now, what it should say."""

    label: str
    was: str
    now: str
    wanted: str
    is_overtaken: bool


@dataclass
class Seen:
    """A check-in as evidence."""

    id: str
    title: str
    text: str
    is_mock: bool
    is_near: bool


@dataclass
class Photo:
    """A photo that shows it; without an address while it is on its way, or once it is erased."""

    url: str
    caption: str


@dataclass
class Card:
    """The open correction."""

    id: str = ""
    client_id: str = ""
    client: str = ""
    asked: str = ""
    comment: str = ""
    status: str = ""
    status_word: str = ""
    decided: str = ""
    reason: str = ""
    lines: list[Line] = field(default_factory=list)
    overtaken: str = ""
    edits: list[Edit] = field(default_factory=list)
    has_map: bool = False
    has_new: bool = False
    """Whether the pin is what is asked about."""
    others: list[Row] = field(default_factory=list)
    """What else was asked of the client."""
    pins: dict[str, Any] = field(default_factory=dict)
    moved: str = ""
    weighed: str = ""
    seen: list[Seen] = field(default_factory=list)
    photos: list[Photo] = field(default_factory=list)


class Corrections(ListFiles, Listing, Desk):
    """The list as the reader has asked for it, and the correction that is open."""

    rows: list[Row] = []
    sort: str = "-at"
    status: str = "open"
    what: str = ""
    rep: str = ""
    first: str = ""
    last: str = ""
    reps: list[Choice] = []
    card: Card = Card()
    card_problem: str = ""
    refused: str = ""
    is_refusing: bool = False
    is_editing: bool = False

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page; an address may name a correction to open."""
        actor = await self._enter()
        every = await asyncio.to_thread(people.visible_reps, actor, True)
        self.reps = [Choice(r.id, r.name) for r in every]
        await self._show()
        await self._read_files()
        asked = self.router.url.query_parameters.get("correction", "") or self.opened
        if asked:
            self.opened = str(asked)[:64]
            await self._open(self.opened)

    def _filters(self) -> tuple[str, ...]:
        return FILTERS

    def _sorts(self) -> tuple[str, ...]:
        return SORTS

    async def _fill(self, cursor: str = "") -> None:
        wanted = Filters(
            self.search, self.status if self.status in STATUSES else "",
            self.what if self.what in WHAT else "", self.rep, day_of(self.first), day_of(self.last),
        )  # fmt: skip
        found, more = await asyncio.to_thread(
            correction_list.page, self._actor(), wanted, self.sort, PAGE, cursor or None
        )
        self._turn([_row(each, self.language) for each in found], more, bool(cursor))
        plus = "+" if self.has_more else ""
        self.shown = self._t("correct.listed", n=len(self.rows), more=plus)

    async def _open(self, row_id: str) -> None:
        self.card_problem, self.refused, self.is_refusing, self.is_editing = "", "", False, False
        try:
            found = await asyncio.to_thread(correction_list.detail, self._actor(), row_id)
        except Refusal as error:
            self.card, self.card_problem = Card(), self._refusal(error)
            return
        self.card = _card(found, self.language)

    @rx.event
    @allows(DISPATCHING)
    async def accept(self, correction_id: str):
        """Take it over; what somebody changed since is written over only where that is shown."""
        was_told = correction_id == self.card.id and self.card.overtaken != ""
        await self._decide(correction_id, accept=True, overwrite=was_told)

    @rx.event
    @allows(DISPATCHING)
    def start_refusing(self):
        """Ask for the reason."""
        self.is_refusing, self.refused = True, ""

    @rx.event
    @allows(DISPATCHING)
    def start_editing(self):
        """Show what is wanted in fields."""
        self.is_editing, self.refused = True, ""

    @rx.event
    @allows(DISPATCHING)
    def back_to_choice(self):
        """Neither."""
        self.is_refusing, self.is_editing, self.refused = False, False, ""

    @rx.event
    @allows(DISPATCHING)
    async def accept_edited(self, data: dict):
        """Take it over as the office has written it."""
        try:
            edits = read_edits(data, self.card.edits)
        except BadClientField as error:
            self.refused = self._refusal(error)
            return
        reason, was_told = str(data.get("reason", "")).strip(), self.card.overtaken != ""
        await self._decide(self.opened, accept=True, overwrite=was_told, reason=reason, edits=edits)

    @rx.event
    @allows(DISPATCHING)
    async def refuse(self, data: dict):
        """Decline it with a reason."""
        reason = str(data.get("reason", "")).strip()
        if not reason:
            self.refused = self._t("correct.reason_needed")
            return
        await self._decide(self.opened, accept=False, reason=reason)

    async def _decide(self, correction_id: str, **word: Any) -> None:
        actor, language = self._actor(), self.language
        try:
            await asyncio.to_thread(corrections.decide, actor, str(correction_id)[:64], **word)
        except CorrectionOvertaken:  # somebody was faster than this page: show what there is now
            await self._open(self.opened)
            self.refused = i18n.t("correct.overtaken_now", language)
            return
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        messages = await self.get_state(Messages)
        done = "correct.done_accept" if word["accept"] else "correct.done_refuse"
        messages._say(Toast("correction", "ok", "confirmed", self._t(done)))
        await self._next_open()

    async def _next_open(self) -> None:
        """The list without what was decided, and the correction that took its place."""
        ids = [r.id for r in self.rows]
        at = ids.index(self.opened) if self.opened in ids else 0
        await self._show()
        left = [r.id for r in self.rows]
        self.opened = (
            self.opened if self.opened in left else (left[min(at, len(left) - 1)] if left else "")
        )
        if self.opened:
            await self._open(self.opened)

    def _asked(self) -> tuple[str, dict[str, Any]]:
        asked = {"search": self.search, "status": self.status, "what": self.what, "rep_id": self.rep,
                 "first": self.first, "last": self.last, "sort": self.sort}  # fmt: skip
        return "corrections", {k: v for k, v in asked.items() if v}


def _asker(c: corrections.Correction, language: str) -> str:
    """The rep, or what the product found itself."""
    return c.rep_name or i18n.t("quality.by_visits", language)


def _row(listed: Listed, language: str) -> Row:
    c = listed.correction
    return Row(
        c.id, i18n.moment(c.at, language, "d MMM HH:mm"), c.client_name, _asker(c, language),
        ", ".join(i18n.t(f"correct.what.{w}", language) for w, fields in WHAT.items() if set(fields) & c.wanted.keys()),
        " · ".join(f"{line.was} → {line.wanted}" for line in _lines(listed, language)), listed.status,
        i18n.t(f"correct.status.{listed.status}", language), listed.decided_by,
    )  # fmt: skip


def _lines(listed: Listed, language: str) -> list[Line]:
    """Fields with words; the two halves of a place are one line."""
    c, late = listed.correction, listed.overtaken
    made = [
        Line(i18n.t(f"admin.field.{n}", language), _text(c.before[n]), _text(c.now[n]), _text(w), n in late)
        for n, w in c.wanted.items() if n not in PLACE
    ]  # fmt: skip
    if set(PLACE) <= c.wanted.keys():
        was, now, wanted = (_place(values, language) for values in (c.before, c.now, c.wanted))
        is_late = bool(set(PLACE) & set(late))
        made.append(Line(i18n.t("correct.what.pin", language), was, now, wanted, is_late))
    return made


def _text(value: Any) -> str:
    return "—" if value in (None, "") else str(value)


def _place(values: dict[str, Any], language: str) -> str:
    lat, lng = values.get("lat"), values.get("lng")
    if lat is None or lng is None:
        return "—"
    return f"{i18n.number(lat, language, 5)}; {i18n.number(lng, language, 5)}"


def _photo(photo: CardPhoto, language: str) -> Photo:
    at = i18n.time_of_day(photo.taken_at, language) if photo.taken_at else ""
    if photo.erased_at is not None:
        return Photo("", f"{at} · {i18n.t('privacy.photo_erased', language)}")
    if not files.has(photo.sha256):
        return Photo("", f"{at} · {i18n.t('evidence_drawer.photo_waits', language)}")
    return Photo(f"/api/v1/attachments/{photo.sha256}", at)


def _card(found: Detail, language: str) -> Card:
    listed, c = found.listed, found.listed.correction
    late = [i18n.t(f"admin.field.{name}", language) for name in listed.overtaken]
    pins = {"id": c.id, "old": _pin(c.before), "now": _pin(c.now), "wanted": _pin(c.wanted),
            "seen": [[s.lat, s.lng] for s in found.check_ins if not s.is_mock]}  # fmt: skip
    old, new = pins["old"], pins["wanted"]
    if new is None and found.place:
        pins["old"] = list(found.place)
    moved = distance(distance_m(*old, *new), language) if old and new else ""
    return Card(
        id=c.id, client_id=c.client_id, client=c.client_name, comment=c.comment or "",
        asked=f"{_asker(c, language)}, {i18n.moment(c.at, language, 'd MMM y HH:mm')}", status=listed.status,
        status_word=i18n.t(f"correct.status.{listed.status}", language),
        decided=f"{listed.decided_by}, {i18n.moment(listed.decided_at, language, 'd MMM y HH:mm')}"
        if listed.decided_at else "",
        reason=listed.reason, lines=_lines(listed, language), overtaken=", ".join(late),
        edits=edits_of(c.wanted, language), has_map=pins["old"] is not None or new is not None,
        has_new=new is not None, others=[_row(o, language) for o in found.others], pins=pins,
        moved=i18n.t("correct.moved", language, distance=moved) if moved else "",
        weighed=_weighed(found, language), seen=[_seen(s, language) for s in found.check_ins],
        photos=[_photo(p, language) for p in found.photos],
    )  # fmt: skip


def _pin(values: dict[str, Any]) -> list[float] | None:
    lat, lng = values.get("lat"), values.get("lng")
    return None if lat is None or lng is None else [lat, lng]


def _weighed(found: Detail, language: str) -> str:
    if not found.check_ins or "lat" not in found.listed.correction.wanted:
        return ""
    return i18n.t("correct.weighed", language, total=len(found.check_ins), new=found.near_new, old=found.near_old)  # fmt: skip


def _seen(s: CheckIn, language: str) -> Seen:
    parts = [
        i18n.t("correct.to_new", language, distance=distance(s.new_m, language)) if s.new_m is not None else "",
        i18n.t("correct.to_old", language, distance=distance(s.old_m, language)) if s.old_m is not None else "",
        f"±{distance(s.accuracy_m, language)}" if s.accuracy_m is not None else "",
    ]  # fmt: skip
    speaks = s.new_m is not None and s.new_m <= correction_list.NEAR_M and not s.is_mock
    near = speaks and (s.old_m is None or (s.new_m or 0) < s.old_m)
    title = f"{i18n.day(s.day, language, 'EEE d MMM')}, {s.rep_name}"
    return Seen(s.visit_id, title, " · ".join(p for p in parts if p), s.is_mock, near)


# ── the page ─────────────────────────────────────────────────────────────────────────────────────


def corrections_page() -> rx.Component:
    """The page."""
    table = list_table(Corrections, COLUMNS, "correct.title", NONE, "correct.list")
    title = rx.el.h2(words("correct.title"), class_name="vh")
    body = rx.el.div(title, _tools(), loaded(Corrections, table), class_name="ad-b")
    drawer = row_drawer(Corrections, "correct.one", Corrections.card_problem, "correct.broken",
                        Corrections.card.client, _card_body())  # fmt: skip
    return page(
        "/corrections", words("correct.title"), behaviour.keys(["j", "k", "Escape"], Corrections.press),
        rx.el.div(body, drawer, class_name="ad-w co-w"), class_name="ad",
    )  # fmt: skip


def _status(row: Any) -> rx.Component:
    tone = rx.match(row.status, ("open", "warn"), ("accepted", "ok"), "line")
    return rx.el.span(row.status_word, class_name=f"badge {tone}")


NONE = ("correct.none", "correct.none_why")
COLUMNS = [
    Column("correct.asked", lambda r: r.at, "at", "muted nw"),
    Column("report.client", lambda r: opener(r.client, r.id, Corrections), "client"),
    Column("report.rep", lambda r: r.rep, "rep", "nw"),
    Column("correct.what", lambda r: r.what, class_name="nw"),
    Column("correct.change", lambda r: clipped(r.change), class_name="muted xtra"),
    Column("correct.status", _status),
    Column("correct.by", lambda r: r.decided, class_name="muted nw xtra"),
]


def _tools() -> rx.Component:
    statuses = [rx.el.option(words(f"correct.status.{s}"), value=s) for s in STATUSES]
    kinds = [rx.el.option(words(f"correct.what.{w}"), value=w) for w in WHAT]
    office = rx.el.a(icon("lock", "s"), words("correct.office"), href="/rep/office/", class_name="btn sm ghost",
                     custom_attrs={"reloadDocument": True})  # fmt: skip
    return rx.el.div(
        find_box(Corrections, "correct.find"),
        folded(
            Corrections,
            narrowing(Corrections, "status", "correct.all_statuses", statuses, "correct.status"),
            narrowing(Corrections, "what", "correct.all_kinds", kinds, "correct.what"),
            narrowing(Corrections, "rep", "report.all_reps", options_of(Corrections.reps), "report.rep"),
            days_between(Corrections),
        ),
        rx.el.span(Corrections.shown, class_name="muted t1 nw end", role="status"), office, file_tools(Corrections, "xlsx", "csv"),
        class_name="row ad-t",
    )  # fmt: skip


def _card_body() -> rx.Component:
    c = Corrections.card
    drawn = rx.el.div(pins_map(c.pins, words("correct.map")), class_name="map ev-map co-m")
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.el.a(c.client, href=f"/clients?client={c.client_id}", class_name="way strong t3 el", title=c.client),
                rx.el.span(class_name="sp"), badge(c.status_word, tone="line"), class_name="row",
            ),
            rx.el.div(words("correct.asked_by"), " ", c.asked, class_name="t1 muted"),
            class_name="sec dh",
        ),
        rx.cond(c.has_map, rx.fragment(drawn, legend(c)), rx.fragment()),
        _side_by_side(c),
        rx.cond(c.comment != "", rx.el.blockquote(c.comment, class_name="co-q"), rx.fragment()),
        rx.cond(c.photos.length() > 0, photos(c), rx.fragment()),
        rx.cond(c.has_map, evidence(c), rx.fragment()), rx.cond(c.others.length() > 0, others(c, Corrections), rx.fragment()),
        word_on(c, Corrections),
    )  # fmt: skip


def _side_by_side(c: Any) -> rx.Component:
    heads = ("correct.field", "correct.was", "correct.now", "correct.wanted")
    table = rx.el.table(
        rx.el.thead(rx.el.tr(*[rx.el.th(words(k), scope="col") for k in heads])),
        rx.el.tbody(rx.foreach(c.lines, _line)), class_name="tbl tight co-t", aria_label=words("correct.side"),
    )  # fmt: skip
    late = rx.el.div(
        words("correct.overtaken"), " ", rx.el.b(c.overtaken), class_name="note warn", role="status"
    )
    return rx.el.div(
        table,
        rx.cond(c.overtaken != "", rx.el.div(late, class_name="sec"), rx.fragment()),
        class_name="co-s",
    )


def _line(line: Any) -> rx.Component:
    changed = rx.cond(line.is_overtaken, "late", rx.cond(line.now == line.was, "faint", ""))
    return rx.el.tr(
        rx.el.th(line.label, scope="row"), rx.el.td(line.was, class_name="muted"),
        rx.el.td(line.now, class_name=changed), rx.el.td(line.wanted, class_name="med"),
    )  # fmt: skip
