"""The import wizard's state: a file, its columns, what would change, the run."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict
from typing import Any

import reflex as rx

from fieldcrm.clients import import_texts, importing
from fieldcrm.clients import service as clients
from fieldcrm.clients.import_words import FIELDS
from fieldcrm.clients.model import ClientKind, ImportPreview
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.kit import i18n, ids
from fieldcrm.kit.errors import Refusal
from fieldcrm.kit.jobs import Cancelled
from fieldcrm.pages.admin_import_rows import (
    ColumnRow,
    ExampleRow,
    RunRow,
    Totals,
    TroubleRow,
    column_rows,
    count_totals,
    example_row,
    past_runs,
    trouble_row,
)

FIELD_NAMES = tuple(FIELDS)
MATCHES = ("external_id", "phone", "name_address")
MODES = ("create", "update", "upsert")
TABS = ("problems", "rows")


class AdminImport(Desk):
    """The wizard: upload, map, check, run."""

    is_ready: bool = False
    step: int = 1
    """1 upload, 2 check (with its mapping), 3 running, 4 done."""
    refused: str = ""
    is_busy: bool = False
    run_id: str = ""
    file_name: str = ""
    about: str = ""
    columns: list[ColumnRow] = []
    mapped: str = ""
    match: str = "external_id"
    mode: str = "upsert"
    kind: str = "organisation"
    has_kind: bool = False
    territory: str = ""
    has_territory: bool = False
    country: str = ""
    territories: list[str] = []
    totals: Totals = Totals()
    troubles: list[TroubleRow] = []
    examples: list[ExampleRow] = []
    tab: str = "problems"
    is_stopping: bool = False
    """Somebody pressed cancel and the run has not stopped yet."""
    percent: float = 0
    doing: str = ""
    outcome: str = ""
    outcome_tone: str = "ok"
    runs: list[RunRow] = []
    _mapping: dict[str, str] = {}

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page; a preview that is open stays."""
        actor = await self._enter()
        every = await asyncio.to_thread(clients.list_territories, actor)
        self.territories = [t.name for t in every]
        await self._fill_runs()
        if self.step == 2 and self.run_id:
            await self._preview(dict(self._mapping))
        self.is_ready = True

    async def _fill_runs(self) -> None:
        self.runs = await asyncio.to_thread(past_runs, self._actor(), self.language)

    @rx.event
    @allows(ADMINISTERING)
    async def kept(self, run_id: str, file_name: str):
        """The server holds a file: show what it would do."""
        if not ids.is_id(run_id):
            return
        self.run_id, self.file_name, self.refused = run_id, file_name[:200], ""
        self.match, self.mode, self.kind, self.territory, self.country = "", "upsert", "", "", ""
        yield
        await self._preview(None)

    @rx.event
    @allows(ADMINISTERING)
    def refuse(self, why: str):
        """Why the file was not taken."""
        self.refused = str(why)[:500]

    @rx.event
    @allows(ADMINISTERING)
    async def map_column(self, column: str, to: str):
        """Another field for a column, or none."""
        mapping = {c: f for c, f in self._mapping.items() if c != column}
        if to in FIELD_NAMES:
            mapping[column] = to
        self.is_busy = True
        yield
        await self._preview(mapping)

    @rx.event
    @allows(ADMINISTERING)
    async def choose(self, name: str, value: str):
        """How known clients are told, what to do with them, and values for every row."""
        allowed = {"match": MATCHES, "mode": MODES, "kind": ("", *ClientKind),
                   "territory": ("", *self.territories)}  # fmt: skip
        if name == "country" or value in allowed.get(name, ()):
            setattr(self, name, str(value)[:40])
            self.is_busy = True
            yield
            await self._preview(dict(self._mapping))

    @rx.event
    @allows(ADMINISTERING)
    def show_tab(self, tab: str):
        """Problems, or the first rows as they would become."""
        self.tab = tab if tab in TABS else "problems"

    async def _preview(self, mapping: dict[str, str] | None) -> None:
        given = {"kind": self.kind, "territory": self.territory, "country": self.country}
        try:
            made = await asyncio.to_thread(
                importing.preview_again, self._actor(), self.run_id, mapping,
                match=self.match or None, mode=self.mode, constants=given,
            )  # fmt: skip
        except Refusal as error:
            self.refused, self.is_busy = self._why(error), False
            return
        self._take(made)

    def _why(self, error: Refusal) -> str:
        if error.code == "unreadable_table":
            return import_texts.unreadable_text(error.params, self.language)
        return self._refusal(error)

    def _take(self, made: ImportPreview) -> None:
        lang = self.language
        self.refused, self.is_busy, self.step = "", False, 2
        self.run_id, self._mapping = made.run_id, dict(made.rules.mapping)
        self.match, self.mode = made.rules.match, made.rules.mode
        self.has_kind = "kind" in self._mapping.values()
        self.has_territory = "territory" in self._mapping.values()
        self.kind = made.rules.constants.get("kind", "")
        self.about = self._t("admin.import.about", n=made.table["rows"],
                             encoding=(made.table["encoding"] or "XLSX").upper())  # fmt: skip
        self.columns = column_rows(made, lang)
        self.mapped = self._t(
            "admin.import.mapped", part=len(self._mapping), whole=len(self.columns)
        )
        self.totals = count_totals(made.counts, lang)
        self.troubles = [trouble_row(asdict(t), lang) for t in made.troubles]
        self.examples = [example_row(e, lang) for e in made.examples]
        self.tab = "problems" if self.troubles else "rows"

    @rx.event
    @allows(ADMINISTERING)
    async def forget(self):
        """Back to the start; the file is deleted."""
        with contextlib.suppress(Refusal):  # it may have been forgotten already
            await asyncio.to_thread(importing.discard, self._actor(), self.run_id)
        self.step, self.run_id, self.refused, self.outcome = 1, "", "", ""
        await self._fill_runs()

    @rx.event(background=True)
    @allows(ADMINISTERING)
    async def run(self):
        """Import the file, whole or not at all, telling how far it is."""
        async with self:
            if self.step != 2 or not self.run_id:
                return
            actor, run_id, lang = self._actor(), self.run_id, self.language
            self.step, self.percent, self.doing = 3, 0, self._t("import.reading")
            self.is_stopping = False
        heard = {"share": 0.0, "what": "import.reading"}
        work = asyncio.create_task(
            asyncio.to_thread(importing.run_import, actor, run_id, _into(heard))
        )
        while not work.done():
            await asyncio.wait([work], timeout=0.3)
            async with self:
                self.percent, self.doing = (
                    round(100 * heard["share"]),
                    i18n.t(str(heard["what"]), lang),
                )
        async with self:
            self._finish(work)
            await self._fill_runs()

    def _finish(self, work: asyncio.Task[dict[str, Any]]) -> None:
        self.step = 4
        try:
            report = work.result()
        except Cancelled:
            self.outcome, self.outcome_tone = self._t("import.status.cancelled"), "warn"
        except Refusal as error:
            self.outcome, self.outcome_tone = self._why(error), "err"
        else:
            self.totals = count_totals(report["counts"], self.language)
            self.outcome, self.outcome_tone = self._t("import.status.done"), "ok"

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
