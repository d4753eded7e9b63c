"""The live desk."""

from __future__ import annotations

import reflex as rx

from fieldcrm.components.session import DISPATCHING, Desk, allows
from fieldcrm.components.shell import page
from fieldcrm.components.words import words


class Dispatch(Desk):
    """What the live desk shows."""

    @rx.event
    @allows(DISPATCHING)
    async def load(self):
        """Fill the page."""
        await self._enter()


def dispatch() -> rx.Component:
    """The page."""
    return page("/dispatch", words("desk.nav.live"), class_name="live")
