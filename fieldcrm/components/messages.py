"""Messages at the bottom right that a page's handlers leave for the reader."""

from __future__ import annotations

import reflex as rx

from fieldcrm.components.alerts import Toast
from fieldcrm.components.session import EVERYBODY, Desk, allows


class Messages(Desk):
    """Toasts that wait to be read; three show at once."""

    toasts: list[Toast] = []

    def _say(self, toast: Toast) -> None:
        """Show a message; one with the same id is replaced."""
        self.toasts = [toast, *(t for t in self.toasts if t.id != toast.id)]

    @rx.event
    @allows(EVERYBODY)
    def wave_away(self, toast_id: str):
        """Take a message off the screen."""
        self.toasts = [t for t in self.toasts if t.id != toast_id]

    @rx.event
    @allows(EVERYBODY)
    def wave_away_with(self, toast_id: str, _action: str):
        """The same when a page has nothing to do for a button."""
        self.toasts = [t for t in self.toasts if t.id != toast_id]
