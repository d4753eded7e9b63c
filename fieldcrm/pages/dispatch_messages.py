"""What the live desk says: messages that pass, and alerts that speak up until somebody answers."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false

from __future__ import annotations

import reflex as rx

from fieldcrm.components.alerts import Action, AlertRow, Alerts, Toast
from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.kit import ids
from fieldcrm.kit.errors import Refusal

URGENT_ALERTS = (
    "silent", "replan_asked", "late", "far_from_plan", "mock", "area_entered", "area_left",
)  # fmt: skip
"""Kinds that speak up by themselves; the others wait in the bell's list."""
ALERTS_SHOWN = 2
REMEMBERED = 200


class Saying(Desk, mixin=True):
    """Messages and urgent alerts of the live desk."""

    toasts: list[Toast] = []
    speaking: list[AlertRow] = []
    """Urgent alerts nobody has answered, most urgent first."""
    more_speaking: str = ""
    """`2 more alerts`, where not all are shown."""
    _set_aside: list[str] = []
    """Alerts this person waved away here; they stay in the bell's list."""

    def _say(
        self, name: str, tone: str, glyph: str, title: str, text: str,
        actions: list[Action] | None = None,
    ) -> None:  # fmt: skip
        """Show a message; an earlier one of the same name gives way."""
        toast_id = name if name == "applied" else f"{name}:{ids.new_id()[-6:]}"
        others = [t for t in self.toasts if t.id != name and not t.id.startswith(f"{name}:")]
        self.toasts = [Toast(toast_id, tone, glyph, title, text, actions=actions or []), *others]

    def _say_refused(self, name: str, title: str, error: Refusal) -> None:
        self._say(name, "err", "contradicted", self._t(title), self._refusal(error))

    async def _hear_alerts(self, alerts: list[AlertRow]) -> None:
        """Give the bell its rows; let the urgent ones speak."""
        bell = await self.get_state(Alerts)
        bell.rows, bell.new_count = alerts, sum(row.is_new for row in alerts)
        self._speak(alerts)

    def _speak(self, alerts: list[AlertRow]) -> None:
        fresh = [row for row in alerts if row.is_new and row.kind in URGENT_ALERTS]
        fresh = [row for row in fresh if row.id not in self._set_aside]
        fresh.sort(key=lambda row: URGENT_ALERTS.index(row.kind))
        self.speaking = fresh[:ALERTS_SHOWN]
        more = len(fresh) - len(self.speaking)
        self.more_speaking = self._t("dispatch.more_alerts", n=more) if more else ""

    @rx.event
    @allows(DISPATCHING)
    def set_alert_aside(self, alert_id: str):
        """Take an alert off this screen; it stays in the bell's list."""
        self._set_aside = [*self._set_aside, str(alert_id)][-REMEMBERED:]
        self.speaking = [row for row in self.speaking if row.id != alert_id]

    @rx.event
    @allows(DISPATCHING)
    async def answer_alert(self, alert_id: str, answer: str):
        """Say of an alert that it was seen, or that it may wait."""
        bell = await self.get_state(Alerts)
        self.speaking = [row for row in self.speaking if row.id != alert_id]
        if any(row.id == alert_id for row in bell.rows):
            return Alerts.acknowledge(alert_id) if answer == "seen" else Alerts.snooze(alert_id)
        return None

    @rx.event
    @allows(DISPATCHING)
    def toast_away(self, toast_id: str):
        """Take a message off the screen."""
        self.toasts = [toast for toast in self.toasts if toast.id != toast_id]
