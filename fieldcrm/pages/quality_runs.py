"""A run of quality as a page shows it: asked for, stopped; which kind it is the page says."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import reflex as rx

from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.standing import UNDER_WAY
from fieldcrm.people.model import Actor
from fieldcrm.quality import running
from fieldcrm.quality.tables import QualityRun


class Runs(Desk, mixin=True):
    """The newest run of a kind."""

    run_id: str = ""
    is_running: bool = False

    def _asks(self) -> Callable[[Actor], Any]:
        """What begins a run."""
        raise NotImplementedError

    def _say_refused(self, text: str) -> None:
        """Show why a run was not begun or stopped; nothing where all went well."""
        raise NotImplementedError

    async def _look(self) -> None:
        """Read how the newest run stands; tells `_keep_run`."""
        raise NotImplementedError

    def _keep_run(self, newest: QualityRun | None) -> None:
        self.run_id = newest.id if newest else ""
        self.is_running = newest is not None and newest.status in UNDER_WAY

    async def _try_run(self, act: Callable[..., Any], *args: Any) -> None:
        self._say_refused("")
        try:
            await asyncio.to_thread(act, self._actor(), *args)
        except Refusal as error:
            self._say_refused(self._refusal(error))
        await self._look()

    @rx.event
    @allows(ADMINISTERING)
    async def run(self):
        """Begin a run."""
        await self._try_run(self._asks())

    @rx.event
    @allows(ADMINISTERING)
    async def stop(self):
        """Stop the run."""
        await self._try_run(running.cancel, self.run_id)
