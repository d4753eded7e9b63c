"""The import wizard's state: a file, what it would do, the run, and taking a run back."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import reflex as rx

from fieldcrm.clients import import_texts, import_undo, importing
from fieldcrm.clients import service as clients
from fieldcrm.clients.model import ImportBuiltOn
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.components.section import Choice
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.forms.words import said
from fieldcrm.kit import clock, i18n, ids
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.pages.admin_import_look import DEAD_S, ImportLook
from fieldcrm.pages.admin_import_rows import RunRow, count_totals, past_runs, trouble_row

TABS = ("problems", "rows")
TONES = {"done": "ok", "cancelled": "warn", "undone": "warn"}
"""Of how a run ended; of any other end: err."""


class AdminImport(ImportLook, Desk):
    """The wizard: upload, map, check, run."""

    is_ready: bool = False
    file_name: str = ""
    against: list[str] = []
    """What keeps an import from being undone."""
    undoing: str = ""
    """The run that is being undone."""
    is_undone: bool = False
    is_stopping: bool = False
    """Somebody pressed cancel and the run has not stopped yet."""
    outcome: str = ""
    outcome_tone: str = "ok"
    runs: list[RunRow] = []

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page; a preview that is open stays."""
        actor = await self._enter()
        every = await asyncio.to_thread(clients.list_territories, actor)
        self.territories = [t.name for t in every]
        fields = await asyncio.to_thread(ownfields.list_fields, actor)
        self.own = [
            Choice(PREFIX + f.name, said(f.field.label, self.language))
            for f in fields if f.is_imported
        ]  # fmt: skip
        await self._fill_runs()
        self.is_ready = True
        return self._wish(dict(self._mapping)) if self.step == 2 and self.run_id else None

    async def _fill_runs(self) -> None:
        self.runs = await asyncio.to_thread(past_runs, self._actor(), self.language)

    @rx.event
    @allows(ADMINISTERING)
    async def kept(self, run_id: str, file_name: str):
        """The server holds a file: show what it would do."""
        if not ids.is_id(run_id):
            return None
        self.run_id, self.file_name, self.refused = run_id, file_name[:200], ""
        self.match, self.mode, self.kind, self.territory, self.country = "", "upsert", "", "", ""
        self.whole, self.template, self.told, self.against, self._header = False, "", "", [], None
        self.step, self._shown = 1, {}
        return self._wish(None)

    @rx.event
    @allows(ADMINISTERING)
    def refuse(self, why: str):
        """Why the file was not taken."""
        self.refused = str(why)[:500]

    @rx.event
    @allows(ADMINISTERING)
    def show_tab(self, tab: str):
        """Problems, or the first rows as they would become."""
        self.tab = tab if tab in TABS else "problems"

    @rx.event
    @allows(ADMINISTERING)
    async def forget(self):
        """Back to the start; the file is deleted."""
        self._is_wanted, self._look = False, self._look + 1
        await self._forget()

    async def _forget(self) -> None:
        with contextlib.suppress(Refusal):  # it may have been forgotten already
            await asyncio.to_thread(importing.discard, self._actor(), self.run_id)
        self.step, self.run_id, self.refused, self.outcome = 1, "", "", ""
        self.told, self.against, self._shown = "", [], {}
        await self._fill_runs()

    @rx.event(background=True)
    @allows(ADMINISTERING)
    async def run(self):
        """Import the file, whole or not at all, telling how far it is."""
        async with self:
            if self.step != 2 or not self.run_id:
                return
            actor, run_id, lang = self._actor(), self.run_id, self.language
            self.step, self.percent, self.doing = 3, 0, self._t("import.checking")
            self.is_stopping, self._beat = False, clock.real_now().timestamp()
        heard = {"share": 0.0, "what": "import.checking"}
        work = asyncio.create_task(
            asyncio.to_thread(importing.run_import, actor, run_id, _into(heard))
        )
        while not work.done():
            await asyncio.wait([work], timeout=0.3)
            async with self:
                self._beat = clock.real_now().timestamp()
                self.percent, self.doing = (
                    round(100 * heard["share"]),
                    i18n.t(str(heard["what"]), lang),
                )
        async with self:
            await self._fill_runs()
            self._finish(work)

    def _finish(self, work: asyncio.Task[dict[str, Any]]) -> None:
        self._ended()
        try:
            report = work.result()
        except Cancelled:
            return
        except Refusal as error:
            self.outcome = self._why(error)
        else:
            self.totals = count_totals(report["counts"], self.language)
            self.troubles = [trouble_row(t, self.language) for t in report["troubles"]]

    def _ended(self) -> None:
        """The last step, by how the run stands in the list of them."""
        status = next((r.status for r in self.runs if r.id == self.run_id), "undone")
        self.step, self.is_undone, self.told, self.against = 4, False, "", []
        self.outcome, self.outcome_tone = (
            self._t(f"import.status.{status}"),
            TONES.get(status, "err"),
        )
        self._beat = 0.0

    @rx.event
    @allows(ADMINISTERING)
    async def watch(self):
        """A run that this page has not heard of for a while: its process may have ended."""
        if self.step != 3 or clock.real_now().timestamp() - self._beat < DEAD_S:
            return
        await self._fill_runs()
        if any(r.id == self.run_id and r.status == "running" for r in self.runs):
            self.doing = self._t("import.unheard")
        else:
            self._ended()

    @rx.event
    @allows(ADMINISTERING)
    async def undo(self, run_id: str):
        """Take an import back, or say what stands against it."""
        actor, run_id = self._actor(), str(run_id)[:64]
        self.undoing, self.refused, self.told, self.against = run_id, "", "", []
        yield
        try:
            counts = await asyncio.to_thread(import_undo.undo_import, actor, run_id)
        except ImportBuiltOn as error:
            found = await asyncio.to_thread(import_undo.against, actor, run_id)
            self.refused = self._refusal(error)
            self.against = [import_texts.obstacle_text(o, self.language) for o in found.some]
        except Refusal as error:
            self.refused = self._refusal(error)
        else:
            told = {k: i18n.number(counts[k], self.language) for k in ("removed", "restored")}
            self.told = self._t("import.undone", **told)
            self.is_undone = self.is_undone or run_id == self.run_id
        self.undoing = ""
        await self._fill_runs()

    @rx.event
    @allows(ADMINISTERING)
    async def stop(self, run_id: str):
        """Cancel a run, this page's or one begun elsewhere: nothing is changed."""
        try:
            await asyncio.to_thread(importing.cancel_import, self._actor(), str(run_id)[:64])
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.is_stopping = True


def _into(heard: dict[str, Any]) -> importing.Progress:
    def tell(share: float, what: str) -> None:
        heard.update(share=share, what=what)

    return tell
