"""What needs a dispatcher's eye: the bell's list and the toasts that stay until answered."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

import reflex as rx

from fieldcrm.components.amounts import duration
from fieldcrm.components.icons import glyph, icon
from fieldcrm.components.parts import button, icon_button
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.words import words
from fieldcrm.kit import i18n
from fieldcrm.kit.errors import Refusal
from fieldcrm.people import service as people
from fieldcrm.people.model import Actor
from fieldcrm.tracking import service as tracking

GLYPHS = {"silent": "silent", "late": "i-clock", "far_from_plan": "i-route", "battery_low": "i-battery-low",
          "mock": "doubtful", "clock_wrong": "i-clock", "long_stop": "idle", "area_entered": "i-area",
          "area_left": "i-area", "replan_asked": "i-route"}  # fmt: skip
TONES = {"silent": "err", "mock": "warn"}
NEWEST = 40


@dataclass
class AlertRow:
    """An open alert in the reader's words."""

    id: str
    rep_id: str
    kind: str
    tone: str
    glyph: str
    title: str
    text: str
    at: str
    phone: str
    is_new: bool
    """Nobody has acknowledged it yet."""
    seen: str
    """Who acknowledged it and when: `seen by Dina R., 10:12`."""


@dataclass
class Action:
    """A button of a toast."""

    name: str
    label: str
    key: str = ""


@dataclass
class Toast:
    """A message at the bottom right; the shape that desk.tsx draws."""

    id: str
    tone: str
    glyph: str
    title: str
    text: str = ""
    stays: bool = False
    phone: str = ""
    actions: list[Action] = field(default_factory=list)


class Alerts(Desk):
    """Open alerts of the reader's teams."""

    rows: list[AlertRow] = []
    new_count: int = 0

    @rx.event
    @allows(DISPATCHING)
    async def refresh(self):
        """Load open alerts; the shell asks at once and then twice a minute."""
        actor = self._actor()
        self.rows = await asyncio.to_thread(alert_rows, actor, actor.language)
        self.new_count = sum(row.is_new for row in self.rows)

    @rx.event
    @allows(DISPATCHING)
    async def acknowledge(self, alert_id: str):
        """Say 'seen': the alert goes quiet for everybody."""
        await self._answer(tracking.acknowledge, alert_id)

    @rx.event
    @allows(DISPATCHING)
    async def snooze(self, alert_id: str):
        """Hide an alert for a quarter of an hour."""
        await self._answer(tracking.snooze, alert_id)

    async def _answer(self, act, alert_id: str) -> None:
        actor = self._actor()
        with contextlib.suppress(Refusal):  # somebody else answered first; the list below tells
            await asyncio.to_thread(act, actor, alert_id)
        self.rows = await asyncio.to_thread(alert_rows, actor, actor.language)
        self.new_count = sum(row.is_new for row in self.rows)


def alert_rows(actor: Actor, language: str) -> list[AlertRow]:
    """Open alerts, newest first, told in a language."""
    reps = {rep.id: rep for rep in people.visible_reps(actor)}
    found = [alert for alert in tracking.alerts(actor) if alert.rep_id in reps][:NEWEST]
    names = people.names_of(actor, [a.acknowledged_by for a in found if a.acknowledged_by])
    return [_row(alert, reps[alert.rep_id], names, language) for alert in found]


def _row(alert, rep, names: dict[str, str], language: str) -> AlertRow:
    return AlertRow(
        id=alert.id, rep_id=rep.id, kind=alert.kind, tone=TONES.get(alert.kind, "warn"),
        glyph=GLYPHS.get(alert.kind, "doubtful"), title=_title(alert, language),
        text=_text(alert, rep.name, language), at=i18n.time_of_day(alert.at, language),
        phone=rep.phone or "", is_new=alert.acknowledged_at is None, seen=_seen(alert, names, language),
    )  # fmt: skip


def _seen(alert, names: dict[str, str], language: str) -> str:
    if alert.acknowledged_at is None:
        return ""
    at = i18n.time_of_day(alert.acknowledged_at, language)
    return i18n.t("alert.seen_by", language, who=names.get(alert.acknowledged_by, "—"), at=at)


def _title(alert, language: str) -> str:
    """What happened and why, as 'Silent 14 min: battery 6 %'."""
    figures = {k: round(v) if isinstance(v, float) else v for k, v in alert.data.items()}
    lasts = duration(60 * float(alert.data.get("minutes") or 0), language)
    told = i18n.t(f"alert.{alert.kind}", language, lasts=lasts)
    cause = alert.data.get("cause")
    if not cause:
        return told
    reason = i18n.t(str(cause), language, **figures)
    return i18n.t("alert.because", language, what=told, cause=reason)


def _text(alert, rep_name: str, language: str) -> str:
    at = i18n.time_of_day(alert.at, language)
    return i18n.t("alert.who_when", language, rep=rep_name, at=at)


def reach(rep_id: rx.Var[str], phone: rx.Var[str]) -> rx.Component:
    """The ways to a rep: a message to his app, and with a number a call and a short message."""
    numbered = [
        _way("phone", "desk.call", f"tel:{phone}"),
        _way("smartphone", "alert.sms", f"sms:{phone}"),
    ]
    return rx.fragment(
        _way("message-square", "alert.message", f"/messages?to={rep_id}"),
        rx.cond(phone != "", rx.fragment(*numbered), rx.fragment()),
    )


def _way(name: str, key: str, href: str) -> rx.Component:
    return rx.el.a(
        icon(name, "s"), href=href, class_name="btn ghost icon sm",
        aria_label=words(key), title=words(key),
    )  # fmt: skip


def bell() -> rx.Component:
    """The bell with how many are new, and the list it opens."""
    opens = button(
        icon("bell"),
        rx.cond(Alerts.new_count > 0, rx.el.b(Alerts.new_count), rx.fragment()),
        kind="ghost icon count",
        aria_label=f"{words('desk.alerts')} {Alerts.new_count}",
        title=words("desk.alerts"),
        custom_attrs={"popoverTarget": "alerts"},
    )
    return rx.fragment(opens, _list())


def _list() -> rx.Component:
    nothing = rx.el.p(words("desk.no_alerts"), class_name="pal-n muted")
    rows = rx.el.ul(rx.foreach(Alerts.rows, _item))
    return rx.el.div(
        rx.el.div(rx.el.h2(words("desk.alerts")), class_name="sec-h"),
        rx.cond(Alerts.rows.length() > 0, rows, nothing),
        id="alerts", class_name="float menu wide", custom_attrs={"popover": "auto"},
    )  # fmt: skip


def _item(row: rx.Var[AlertRow]) -> rx.Component:
    sign = rx.cond(
        row.glyph.startswith("i-"), icon(row.glyph.replace("i-", "")), glyph(row.glyph, "l")
    )
    answer = rx.cond(
        row.is_new,
        rx.fragment(
            icon_button("clock", words("alert.snooze"), on_click=Alerts.snooze(row.id)),
            button(words("alert.acknowledge"), small=True, on_click=Alerts.acknowledge(row.id)),
        ),
        rx.el.span(row.seen, class_name="faint t1"),
    )
    acts = rx.el.div(
        reach(row.rep_id, row.phone),
        rx.el.span(class_name="sp"),
        answer,
        class_name="row g1 act",
    )
    return rx.el.li(
        rx.el.span(sign, class_name=f"ico {row.tone}"),
        rx.el.a(
            rx.el.b(row.title, class_name="med"),
            rx.el.span(row.text, class_name="t1 muted"),
            href=f"/dispatch?rep={row.rep_id}", class_name="al-b",
        ),
        acts, class_name="al",
    )  # fmt: skip
