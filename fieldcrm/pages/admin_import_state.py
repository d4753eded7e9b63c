"""The import wizard's state: a file, its columns, what would change, the run."""

# Reflex turns a State's fields into vars at run time; a checker sees the plain types.
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import asdict
from typing import Any

import reflex as rx

from fieldcrm.clients import import_templates, import_texts, import_undo, importing
from fieldcrm.clients import service as clients
from fieldcrm.clients.import_places import BOXES
from fieldcrm.clients.import_rules import MATCHES, MODES
from fieldcrm.clients.import_words import FIELDS
from fieldcrm.clients.model import ClientKind, ImportBuiltOn, ImportPreview
from fieldcrm.clients.ownfields import service as ownfields
from fieldcrm.clients.ownfields.model import PREFIX
from fieldcrm.components.section import Choice
from fieldcrm.components.session import ADMINISTERING, Desk, allows
from fieldcrm.forms.words import said
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
    """Whose national phone numbers the file holds, as an ISO code."""
    has_header: bool = True
    whole: bool = False
    """All of the file or nothing."""
    templates: list[str] = []
    template: str = ""
    """By which the file is read now."""
    told: str = ""
    against: list[str] = []
    """What keeps an import from being undone."""
    undoing: str = ""
    """The run that is being undone."""
    is_undone: bool = False
    territories: list[str] = []
    own: list[Choice] = []
    """Own fields of clients that columns may fill."""
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
    _header: bool | None = None
    """What the person said of the first row."""

    @rx.event
    @allows(ADMINISTERING)
    async def load(self):
        """Fill the page; a preview that is open stays."""
        actor = await self._enter()
        every = await asyncio.to_thread(clients.list_territories, actor)
        self.territories = [t.name for t in every]
        fields = await asyncio.to_thread(ownfields.list_fields, actor)
        self.own = [Choice(PREFIX + f.name, said(f.field.label, self.language)) for f in fields]
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
        self.whole, self.template, self.told, self.against, self._header = False, "", "", [], None
        yield
        await self._preview(None)
        await self._offer_template()

    async def _offer_template(self) -> None:
        """A file with the very columns of a template is read by it."""
        every = await asyncio.to_thread(import_templates.list_templates, self._actor())
        self.templates = [t.name for t in every]
        columns = [c.name for c in self.columns]
        same = next((t.name for t in every if t.has_header and t.columns == columns), "")
        if same and self.step == 2:
            await self._read_by(same)

    async def _read_by(self, name: str) -> None:
        kept = await asyncio.to_thread(import_templates.get, self._actor(), name)
        rules, columns = kept.rules, {c.name for c in self.columns}
        given = rules["constants"]
        self.match, self.mode, self.whole = rules["match"], rules["mode"], rules["whole"]
        self.kind, self.territory, self.country = (
            given.get(f, "") for f in ("kind", "territory", "country")
        )
        self.template = kept.name
        await self._preview({c: f for c, f in rules["mapping"].items() if c in columns})

    @rx.event
    @allows(ADMINISTERING)
    async def use_template(self, name: str):
        """Read the file as a template says."""
        self.refused = ""
        if not name:
            self.template = ""
            return
        self.is_busy = True
        yield
        try:
            await self._read_by(str(name)[:200])
        except Refusal as error:
            self.refused, self.is_busy = self._refusal(error), False

    @rx.event
    @allows(ADMINISTERING)
    async def save_template(self, form: dict[str, Any]):
        """Keep how this file is read under a name."""
        try:
            kept = await asyncio.to_thread(
                import_templates.save, self._actor(), str(form.get("name", ""))[:200], self.run_id
            )
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        every = await asyncio.to_thread(import_templates.list_templates, self._actor())
        self.templates, self.template = [t.name for t in every], kept.name
        self.refused, self.told = "", self._t("admin.import.template.saved", name=kept.name)

    @rx.event
    @allows(ADMINISTERING)
    async def drop_template(self):
        """Forget the template that is chosen."""
        try:
            await asyncio.to_thread(import_templates.remove, self._actor(), self.template)
        except Refusal as error:
            self.refused = self._refusal(error)
            return
        self.templates = [t for t in self.templates if t != self.template]
        self.template = ""

    @rx.event
    @allows(ADMINISTERING)
    async def switch_header(self):
        """The first row names the columns, or it doesn't."""
        self._header, self.is_busy, self.template = not self.has_header, True, ""
        yield
        await self._preview(None)

    @rx.event
    @allows(ADMINISTERING)
    async def switch_whole(self):
        """All of the file or nothing."""
        self.whole, self.is_busy = not self.whole, True
        yield
        await self._preview(dict(self._mapping))

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
        if to in FIELD_NAMES or to in {choice.value for choice in self.own}:
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
        is_country = name == "country" and (value == "" or value.upper() in BOXES)
        if is_country or value in allowed.get(name, ()):
            setattr(self, name, value.upper() if is_country else value)
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
                match=self.match or None, mode=self.mode, constants=given, has_header=self._header,
                whole=self.whole,
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
        self.country = made.rules.constants.get("country", "")
        self.whole, self.has_header = made.rules.whole, made.table["has_header"]
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
        self.told, self.against = "", []
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
            self.is_stopping = False
        heard = {"share": 0.0, "what": "import.checking"}
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
        self.step, self.is_undone, self.told, self.against = 4, False, "", []
        try:
            report = work.result()
        except Cancelled:
            self.outcome, self.outcome_tone = self._t("import.status.cancelled"), "warn"
        except Refusal as error:
            self.outcome, self.outcome_tone = self._why(error), "err"
        else:
            self.totals = count_totals(report["counts"], self.language)
            self.outcome, self.outcome_tone = self._t("import.status.done"), "ok"
            self.troubles = [trouble_row(t, self.language) for t in report["troubles"]]

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
